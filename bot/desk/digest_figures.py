"""The figures of a digest: counts, money, trend and questions."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bot.cases.case import Case
from bot.cases.desk_kinds import DESK_SOURCE
from bot.cases.hours import Hours
from bot.desk.digest_period import DigestPeriod
from bot.desk.digest_rows import OpenCases
from bot.desk.question_review import MAX_RECORDS, belongs_to
from bot.measures.outcomes import count_outcomes
from bot.ports.case_queries import CaseFilter, CaseQueries
from bot.ports.question_log import QuestionLog
from bot.views.digest import Counts, DigestFigures, DigestMoney, money_of, sum_money
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
        hours: Hours,
    ) -> DigestFigures:
        """Gather all figures of one digest."""
        openings = self.queries.count(_of_business(period.openings))
        return DigestFigures(
            open=open_cases.counts,
            money=self._add_up(period, open_cases.all),
            counts=self._count_endings(period, openings),
            days=self._trend(period, hours),
            questions=self._count_unanswered(period.place, period.since),
            since=period.since,
        )

    def _count_endings(self, period: DigestPeriod, openings: int) -> Counts:
        outcomes = count_outcomes(self.queries.ended_cases(_of_business(period.endings)))
        return Counts(
            openings=openings,
            resolutions=outcomes.resolutions - outcomes.alone,
            alone=outcomes.alone,
            rejections=outcomes.rejections,
            clearings=outcomes.clearings,
            expiries=outcomes.expiries,
        )

    def _add_up(self, period: DigestPeriod, open_cases: Iterable[Case]) -> DigestMoney:
        """Sum what waits, what was moved and what expired.

        Amounts of ended cases are added up in hundredths.
        """
        losses = self.queries.total(period.expiries).stakes
        return DigestMoney(
            at_stake=sum_money(case.assessment.stake for case in open_cases),
            turnover=money_of(self.queries.moved_money(period.endings)),
            losses=money_of(losses),
        )

    def _trend(self, period: DigestPeriod, hours: Hours) -> tuple[TrendDay, ...]:
        since = period.due - timedelta(days=TREND_DAYS)
        case_times = self.queries.case_times(_of_business(period.scope), since, period.due)
        return trend(case_times, period.due, hours)

    def _count_unanswered(self, place: str, since: datetime) -> int:
        """Count the unanswered questions of this channel, or of this person."""
        # Questions from elsewhere are not for everyone to see, not even as a number.
        records = self.question_log.questions(since, only_unanswered=True, limit=MAX_RECORDS)
        return sum(belongs_to(record, place) for record in records)


def _of_business(filter: CaseFilter) -> CaseFilter:
    """Leave out decisions about the assistant."""
    return replace(filter, except_source=DESK_SOURCE)
