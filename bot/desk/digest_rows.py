"""The rows of a digest: the cases of each section."""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from bot.cases.actor import is_person
from bot.cases.case import Case
from bot.cases.lifecycle import WAITING, State
from bot.desk.digest_period import DigestPeriod, is_of_person
from bot.desk.eligibility import Eligibility
from bot.desk.queues import Queues
from bot.desk.rows import with_cards
from bot.desk.visibility import Visibility
from bot.ports.card_store import CardStore
from bot.ports.case_queries import CaseQueries
from bot.ports.directory import Directory
from bot.ports.library import Library
from bot.ports.live_lists import LiveList
from bot.views.digest import OpenCounts
from bot.views.rows import CaseRow

# The most urgent open cases; any others are only counted.
MAX_OPEN = 500
MAX_EXPIRED = 5
MAX_REST = 20
MAX_OPEN_REVIEWS = 5
#: Of so many runs alone the first that are to be reviewed are shown.
MAX_RUNS_ALONE = 100
NEEDS_PERSON = frozenset({State.REFERRED, State.OUTCOME_UNKNOWN})


class Section(StrEnum):
    """The sections of open cases. Each case is in one."""

    NEEDS = "needs"
    PERSONS = "persons"
    OTHERS = "others"
    LATER = "later"


# All sections together fit into one message of Slack, with the weekly review below them.
MAX_ROWS = {
    Section.NEEDS: 5,
    Section.PERSONS: 4,
    Section.OTHERS: 2,
    Section.LATER: 2,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenCases:
    """The open cases of a digest, by section."""

    by_section: dict[Section, list[Case]]
    counts: OpenCounts

    @property
    def all(self) -> list[Case]:
        """List the cases of every section."""
        cases: list[Case] = []
        for section_cases in self.by_section.values():
            cases += section_cases
        return cases


@dataclass(frozen=True, kw_only=True)
class DigestRows:
    """Find the cases of each section, and make rows of them."""

    queries: CaseQueries
    card_store: CardStore
    library: Library
    directory: Directory
    visibility: Visibility
    eligibility: Eligibility
    queues: Queues

    def open_cases(self, period: DigestPeriod) -> OpenCases:
        """Sort the open cases into sections, the most urgent first."""
        by_section: dict[Section, list[Case]] = {section: [] for section in Section}
        own_ids = self._ids_waiting_on(period.place)
        cases = self.queries.find(period.scope, MAX_OPEN)
        for case in cases:
            by_section[_section(case, own_ids)].append(case)
        total = len(cases)
        if total == MAX_OPEN:
            total = self.queries.count(period.scope)
        to_decide = len(by_section[Section.NEEDS])
        if own_ids is None:
            # As far as is known, what is beyond the limit waits for a decision.
            to_decide += total - len(cases)
        counts = OpenCounts(
            to_decide=to_decide,
            to_handle=len(by_section[Section.PERSONS]),
            late=self.queries.count(period.overdue),
            due_soon=_count_due_soon(cases, period),
            total=total,
        )
        return OpenCases(by_section=by_section, counts=counts)

    def sections(
        self,
        period: DigestPeriod,
        open_cases: OpenCases,
        *,
        live_list: LiveList | None,
    ) -> dict[Section, tuple[CaseRow, ...]]:
        """List the rows of each section of open cases."""
        sections = {}
        for section, cases in open_cases.by_section.items():
            rows = self.posted_or(live_list, section, cases[: MAX_ROWS[section]])
            if is_of_person(period.place):
                rows = self.eligibility.mark(rows, period.place)
            sections[section] = rows
        return sections

    def rest(
        self,
        period: DigestPeriod,
        open_cases: OpenCases,
        *,
        shown_ids: Collection[str],
    ) -> tuple[CaseRow, ...]:
        """List the other open cases, for the thread.

        A person has them in the App Home.
        """
        if is_of_person(period.place):
            return ()
        cases = [case for case in open_cases.all if case.id not in shown_ids]
        return self.rows(cases[:MAX_REST])

    def expiries(self, period: DigestPeriod, *, live_list: LiveList | None) -> tuple[CaseRow, ...]:
        """List the cases that expired without a decision."""

        def find_expired() -> list[Case]:
            return self.queries.find(period.expiries, MAX_EXPIRED)

        return self.posted_or_find(live_list, "expiries", find_expired)

    def open_reviews(
        self, period: DigestPeriod, *, live_list: LiveList | None
    ) -> tuple[CaseRow, ...]:
        """List runs alone since the last digest without a review."""

        def find_open_reviews() -> list[Case]:
            cases = self.queries.find(period.runs_alone, MAX_RUNS_ALONE)
            return [case for case in cases if case.is_review_due][:MAX_OPEN_REVIEWS]

        return self.posted_or_find(live_list, "open_reviews", find_open_reviews)

    def posted_or(
        self,
        live_list: LiveList | None,
        section: str,
        cases: Sequence[Case],
    ) -> tuple[CaseRow, ...]:
        """List the cases that a section was posted with, else these."""
        return self.posted_or_find(live_list, section, lambda: cases)

    def posted_or_find(
        self,
        live_list: LiveList | None,
        section: str,
        find: Callable[[], Sequence[Case]],
    ) -> tuple[CaseRow, ...]:
        """List the cases that a section was posted with, or find them."""
        if live_list is None:
            return self.rows(find())
        ids = list(live_list.sections.get(section, ()))
        cases = self.queries.by_id(ids)
        return self.rows([cases[case_id] for case_id in ids if case_id in cases])

    def rows(self, cases: Sequence[Case]) -> tuple[CaseRow, ...]:
        """Join each case with its card and its owner's name."""
        return with_cards(
            self.card_store,
            self.directory,
            cases,
            labels=self.library.labels(),
        )

    def _ids_waiting_on(self, place: str) -> frozenset[str] | None:
        """List the cases that wait on a person.

        None for a digest of many readers.
        """
        if not is_of_person(place):
            return None
        cases, _ = self.queues.waiting_on(self.visibility.viewer(place), limit=MAX_OPEN)
        return frozenset(case.id for case in cases)


def _section(case: Case, own_ids: Collection[str] | None) -> Section:
    """Find the section of an open case.

    ``own_ids``: the cases that wait on the reader; None where there are many readers.
    """
    if case.state is State.SNOOZED:
        return Section.LATER
    if own_ids is not None and case.id not in own_ids:
        return Section.OTHERS
    if case.state in NEEDS_PERSON:
        return Section.PERSONS
    if case.state is not State.PROPOSED:
        return Section.OTHERS
    if own_ids is None and case.proposal.approvals:
        return Section.OTHERS
    if own_ids is None and is_person(case.owner):
        return Section.LATER
    return Section.NEEDS


def _count_due_soon(cases: Iterable[Case], period: DigestPeriod) -> int:
    """Count the cases whose decision falls due before the next digest."""
    count = 0
    for case in cases:
        is_waiting = case.state in WAITING and case.state is not State.SNOOZED
        if is_waiting and period.due <= case.timers.sla.decide_by < period.until:
            count += 1
    return count
