"""The weekly review, which one digest a week has below its sections."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta

from bot.cases.case import Case
from bot.cases.entries import StepState
from bot.desk.digest_period import DigestPeriod
from bot.desk.digest_rows import DigestRows
from bot.desk.missed_calls import MissedCalls
from bot.desk.question_review import QuestionReviews
from bot.desk.queues import Queues
from bot.ports.case_queries import CaseFilter, CaseQueries
from bot.ports.library import Library
from bot.ports.live_lists import LiveList
from bot.views.digest import Review, tally_agreements
from bot.views.inquiries import tally_inquiries

MAX_BLIND = 2
MAX_SLOW = 5
MAX_ENDED = 2_000
# Of each sort.
MAX_QUESTIONS = 3
WEEK = timedelta(days=7)
NOTHING_TO_REVIEW = Review(
    blind=(),
    agreements=(),
    slow=(),
    reopenings=0,
    taken_back=0,
)


@dataclass(frozen=True, kw_only=True)
class WeeklyReview:
    """Look back on the week until a digest."""

    queries: CaseQueries
    queues: Queues
    library: Library
    rows: DigestRows
    missed_calls: MissedCalls
    question_reviews: QuestionReviews

    def review(
        self,
        period: DigestPeriod,
        *,
        open_cases: Sequence[Case],
        live_list: LiveList | None,
        shown_ids: Collection[str],
    ) -> Review | None:
        """Review the week; None when there is nothing to say.

        ``shown_ids``: the cases that the digest shows already.
        """
        since = period.due - WEEK
        cases = self.queries.find(period.ended_since(since), MAX_ENDED)
        titles = dict(self.library.titles())
        # Questions are counted among the cases that are read anyway.
        inquiries = tally_inquiries([*cases, *open_cases], titles, (since, period.due))

        def find_blind() -> list[Case]:
            return self._find_blind(period.scope, cases, shown_ids)

        review = Review(
            blind=self.rows.posted_or_find(live_list, "blind", find_blind),
            agreements=tally_agreements(cases, titles),
            slow=self.rows.rows(_find_slow(cases)),
            reopenings=sum(bool(case.activity.reopening_reason) for case in cases),
            taken_back=sum(_is_undone(case) for case in cases),
            inquiries=inquiries,
            misses=tuple(self.missed_calls.find(period.scope, since, period.due)),
            questions=self.question_reviews.review(period.place, since, limit=MAX_QUESTIONS),
        )
        return review if review != NOTHING_TO_REVIEW else None

    def _find_blind(
        self, scope: CaseFilter, ended_cases: Sequence[Case], shown_ids: Collection[str]
    ) -> list[Case]:
        """Find the cases that show what recognition has to learn."""
        filter = self.queues.unrecognised_filter(scope)
        cases = self.queries.find(filter, MAX_BLIND + len(shown_ids))
        cases = [case for case in cases if case.id not in shown_ids]
        cases += [case for case in ended_cases if case.classification.named_by]
        return cases[:MAX_BLIND]


def _find_slow(cases: Sequence[Case]) -> list[Case]:
    """Find the cases that were escalated, the slowest first."""
    escalated_cases = [case for case in cases if case.timers.is_escalated]
    escalated_cases.sort(key=_wait, reverse=True)
    return escalated_cases[:MAX_SLOW]


def _wait(case: Case) -> timedelta:
    return (case.timers.decided_at or case.timers.changed_at) - case.timers.opened_at


def _is_undone(case: Case) -> bool:
    return any(step.state is StepState.UNDONE for step in case.execution.steps)
