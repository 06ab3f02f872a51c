"""Reading for programs: cases, and how like cases ended.

A program sees what it has raised or kinds for, and cases of its kinds. Everything else is to it as
if it were not there. The operator's token sees every case. Practice is shown to nobody.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import product

from bot.cases.case import Case
from bot.cases.errors import NoSuchCase
from bot.cases.lifecycle import State
from bot.cases.precedent import Precedent
from bot.cases.program import Program
from bot.cases.program_events import may_read, readable_kinds
from bot.cases.search_words import search_words
from bot.cases.signal import UNRECOGNISED, fingerprint_of
from bot.ports.case_queries import CaseFilter, CaseQueries, ReadableCases
from bot.ports.case_store import CaseStore
from bot.ports.clock import Clock
from bot.ports.library import Library
from bot.ports.memory import Memory, PrecedentStore
from bot.views.case_summary import CaseSummary, case_summary
from bot.views.precedent_summary import PrecedentSummary, precedent_summary

MAX_PAGE = 200
#: Where memory cannot be searched, the words of so many precedents of a kind are compared.
MAX_COMPARED = 200
END_OF_TIME = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseListQuery:
    """The cases of a list, and where a page begins."""

    #: Empty for any.
    states: tuple[State, ...] = ()
    kind: str = ""
    #: As its sender names the object.
    subject: str = ""
    source: str = ""
    opened_after: datetime | None = None
    #: The page begins below this number; None for the newest case.
    below: int | None = None
    limit: int = 50


@dataclass(frozen=True, slots=True)
class CasePage:
    """A page of cases, the newest first."""

    cases: tuple[CaseSummary, ...]
    #: Where the next page begins; None where this is the last.
    below: int | None


@dataclass(frozen=True, slots=True)
class PrecedentList:
    """Precedents, the most alike first."""

    precedents: tuple[PrecedentSummary, ...]
    #: They were compared by meaning; otherwise by their words alone.
    is_by_meaning: bool


@dataclass(frozen=True, kw_only=True)
class CaseReading:
    """Read cases for programs, or for the operator without one."""

    cases: CaseStore
    queries: CaseQueries
    library: Library
    memory: Memory
    shelf: PrecedentStore
    #: The address at which cases can be read.
    url: str
    clock: Clock

    def case(self, case_id: str, program: Program | None) -> Case:
        """Return a case.

        Raises:
            NoSuchCase: there is none that this program may read.
        """
        case = self.cases.case(case_id)
        is_hidden = program is not None and not may_read(program, case)
        if is_hidden or case.probe is not None:
            raise NoSuchCase(f"there is no case {case_id[:40]}")
        return case

    def page(self, query: CaseListQuery, program: Program | None) -> CasePage:
        """Return the cases of a list, the newest first.

        The next page begins below the last case of this one, however many are opened meanwhile.
        """
        limit = min(query.limit, MAX_PAGE)
        # One more shows whether there is a next page.
        cases = self.queries.page(self._filter(query, program), limit + 1, below=query.below)
        labels = self.library.labels()
        summaries = [case_summary(case, labels, url=self.url) for case in cases[:limit]]
        below = _number(cases[limit - 1]) if len(cases) > limit else None
        return CasePage(tuple(summaries), below)

    def _filter(self, query: CaseListQuery, program: Program | None) -> CaseFilter:
        readable = None
        if program is not None:
            readable = ReadableCases(kinds=readable_kinds(program), sources=(program.source,))
        fingerprints = None
        if query.subject:
            fingerprints = tuple(self._fingerprints(query))
        opened_between = None
        if query.opened_after:
            opened_between = (query.opened_after, END_OF_TIME)
        return CaseFilter(
            readable=readable,
            states=query.states,
            kind=query.kind,
            source=query.source,
            fingerprints=fingerprints,
            opened_between=opened_between,
            is_any=True,
        )

    def _fingerprints(self, query: CaseListQuery) -> Iterator[str]:
        """Yield every name that the trouble of a subject may have."""
        # A signal keeps the kind that its sender gave it, whatever the case is called later.
        kinds = {query.kind, UNRECOGNISED} if query.kind else self._kinds()
        for speaker, kind in product(self.library.speakers(), sorted(kinds)):
            yield fingerprint_of((speaker, kind, query.subject))

    def _kinds(self) -> set[str]:
        programs = self.library.programs.values()
        own = {program.approval_kind for program in programs}
        library_kinds = {kind for kind, _ in self.library.titles()}
        # A source may send kinds that no file has.
        return library_kinds | own | self.queries.kinds() | {UNRECOGNISED}

    # --- precedents ------------------------------------------------------------------------------

    def precedents(
        self, text: str, *, kind: str, limit: int, program: Program | None
    ) -> PrecedentList:
        """Find how cases like this text ended."""
        kinds = self._precedent_kinds(kind, program)
        results: list[Precedent] | None = []
        if kinds or kinds is None:
            channels = {*self.library.channels(), ""}
            results = self.memory.find_precedents(
                text, kinds=kinds, channels=channels, now=self.clock()
            )
        is_by_meaning = results is not None
        if results is None:
            results = self._compare_words(text, kinds)
        labels = self.library.labels()
        summaries = [precedent_summary(precedent, labels) for precedent in results[:limit]]
        return PrecedentList(tuple(summaries), is_by_meaning)

    def _precedent_kinds(self, kind: str, program: Program | None) -> frozenset[str] | None:
        """Return the kinds to search; None for all."""
        kinds = frozenset({kind}) if kind else None
        if program is None:
            return kinds
        readable = frozenset({*readable_kinds(program), program.approval_kind})
        return readable if kinds is None else readable & kinds

    def _compare_words(self, text: str, kinds: frozenset[str] | None) -> list[Precedent]:
        """Find precedents with most words of the text, the latest first."""
        words = set(search_words([text]))
        candidates: list[tuple[int, datetime, Precedent]] = []
        for kind in sorted(self.shelf.kinds() if kinds is None else kinds):
            for precedent in self.shelf.of_kind(kind, MAX_COMPARED):
                count = len(words.intersection(search_words([precedent.text])))
                if count:
                    candidates.append((count, precedent.ended_at, precedent))
        candidates.sort(key=lambda candidate: candidate[:2], reverse=True)
        return [precedent for _, _, precedent in candidates]


def _number(case: Case) -> int:
    return int(case.id.rpartition("-")[2])
