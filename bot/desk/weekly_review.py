"""The weekly review, which one digest a week has below its sections."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from bot.cases.case import Case
from bot.cases.desk_kinds import DESK_SOURCE
from bot.cases.results import EndedCases
from bot.desk.digest_period import DigestPeriod
from bot.desk.digest_rows import DigestRows
from bot.desk.missed_calls import MissedCalls
from bot.desk.question_review import QuestionReviews
from bot.desk.queue_reviews import QueueReviews
from bot.desk.queues import Queues
from bot.desk.results import Results, span_before
from bot.measures.outcomes import count_outcomes
from bot.ports.case_queries import CaseFilter, CaseQueries
from bot.ports.library import Library
from bot.ports.live_lists import LiveList
from bot.ports.recommender import PromiseRecords
from bot.views.digest import Review, tally_agreements
from bot.views.inquiries import tally_inquiries
from bot.views.promises import LapsedPromise, lapsed_promise

MAX_BLIND = 2
MAX_SLOW = 5
# Of those that somebody was asked about, the latest.
MAX_ASKED_ABOUT = 2_000
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
    queue_reviews: QueueReviews
    promises: PromiseRecords

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
        endings = replace(period.ended_since(since), except_source=DESK_SOURCE)
        groups = self.queries.ended_cases(endings)
        titles = dict(self.library.titles())
        asked_about = self.queries.find(replace(endings, has_inquiries=True), MAX_ASKED_ABOUT)
        inquiries = tally_inquiries([*asked_about, *open_cases], titles, (since, period.due))

        def find_blind() -> list[Case]:
            return self._find_blind(period.scope, endings, shown_ids)

        slow_cases = self.queries.slowest(replace(endings, is_escalated=True), MAX_SLOW)
        review = Review(
            blind=self.rows.posted_or_find(live_list, "blind", find_blind),
            agreements=tally_agreements(groups, titles),
            slow=self.rows.rows(slow_cases),
            reopenings=sum(group.reopened_count for group in groups),
            taken_back=sum(group.undone_count for group in groups),
            inquiries=inquiries,
            misses=tuple(self.missed_calls.find(period.scope, since, period.due)),
            busy_queues=self.queue_reviews.find(period.place, period.due),
            lapses=self._lapses(period.place, titles),
            questions=self.question_reviews.review(period.place, since, limit=MAX_QUESTIONS),
        )
        if review == NOTHING_TO_REVIEW:
            return None
        return replace(review, figures=self._figures(period, groups))

    def _lapses(self, place: str, titles: Mapping[str, str]) -> tuple[LapsedPromise, ...]:
        """List the promises that are not kept, for the leads alone."""
        lapses = self.promises.lapses()
        if not lapses or not self.queue_reviews.is_of_leads(place):
            return ()
        return tuple(lapsed_promise(lapse, titles.get(lapse.kind, lapse.kind)) for lapse in lapses)

    def _figures(self, period: DigestPeriod, groups: Sequence[EndedCases]) -> tuple[str, ...]:
        """Say what the week came to, beside the week before."""
        week = (period.due - WEEK, period.due)
        before = replace(
            period.scope,
            ended_between=span_before(week),
            is_over=True,
            except_source=DESK_SOURCE,
        )
        results = Results(
            outcomes=count_outcomes(groups),
            previous=count_outcomes(self.queries.tallied_outcomes(before)),
        )
        return (*results.share_sentences, *filter(None, [results.unhandled_sentence]))

    def _find_blind(
        self, scope: CaseFilter, endings: CaseFilter, shown_ids: Collection[str]
    ) -> list[Case]:
        """Find the cases that show what recognition has to learn."""
        filter = self.queues.unrecognised_filter(scope)
        cases = self.queries.find(filter, MAX_BLIND + len(shown_ids))
        cases = [case for case in cases if case.id not in shown_ids]
        cases += self.queries.find(replace(endings, is_named=True), MAX_BLIND)
        return cases[:MAX_BLIND]
