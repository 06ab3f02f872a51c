"""The figures of a digest: counts, money, trend and questions."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.cases.case import Case
from bot.cases.entries import StepState
from bot.cases.hours import Hours
from bot.cases.lifecycle import State
from bot.cases.plan import Money
from bot.desk.digest_period import DigestPeriod
from bot.desk.digest_rows import OpenCases
from bot.desk.question_review import MAX_RECORDS, belongs_to
from bot.ports.case_queries import CaseQueries
from bot.ports.question_log import QuestionLog
from bot.views.digest import DigestFigures, DigestMoney, count_endings, sum_money
from bot.views.trend import TREND_DAYS, TrendDay, trend


@dataclass(frozen=True, kw_only=True)
class DigestNumbers:
    """Count and add up what a digest says in numbers."""

    queries: CaseQueries
    question_log: QuestionLog

    def figures(
        self,
        period: DigestPeriod,
        *,
        open_cases: OpenCases,
        ended_cases: Sequence[Case],
        hours: Hours,
    ) -> DigestFigures:
        """Gather all figures of one digest."""
        return DigestFigures(
            open=open_cases.counts,
            money=_add_up(open_cases.all, ended_cases),
            counts=count_endings(ended_cases, self.queries.count(period.openings)),
            days=self._trend(period, hours),
            questions=self._count_unanswered(period.place, period.since),
            since=period.since,
        )

    def _trend(self, period: DigestPeriod, hours: Hours) -> tuple[TrendDay, ...]:
        since = period.due - timedelta(days=TREND_DAYS)
        case_times = self.queries.case_times(period.scope, since, period.due)
        return trend(case_times, period.due, hours)

    def _count_unanswered(self, place: str, since: datetime) -> int:
        """Count the unanswered questions of this channel, or of this person."""
        # Questions from elsewhere are not for everyone to see, not even as a number.
        records = self.question_log.questions(since, only_unanswered=True, limit=MAX_RECORDS)
        return sum(belongs_to(record, place) for record in records)


def _add_up(open_cases: Iterable[Case], ended_cases: Sequence[Case]) -> DigestMoney:
    """Sum what waits, what was moved and what expired."""
    expired_cases = [case for case in ended_cases if case.state is State.EXPIRED]
    return DigestMoney(
        at_stake=sum_money(case.assessment.stake for case in open_cases),
        turnover=sum_money(_moved_amount(case) for case in ended_cases),
        losses=sum_money(case.assessment.stake for case in expired_cases),
    )


def _moved_amount(case: Case) -> Money | None:
    """Return the money of a plan that was carried out and stands."""
    plan = case.proposal.plan
    steps = case.execution.steps
    if plan is None or plan.is_dry_run or case.state is not State.RESOLVED:
        return None
    has_landed = bool(steps) and all(step.state is StepState.LANDED for step in steps)
    return plan.amount if has_landed else None
