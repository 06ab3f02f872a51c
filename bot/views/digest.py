"""The daily digest of a channel or person, and the weekly review."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from enum import IntEnum

from bot.cases.case import Case
from bot.cases.entries import Resolution
from bot.cases.lifecycle import State
from bot.views.rows import CaseRow
from bot.views.trend import TrendDay


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """Numbers since the last digest."""

    opened: int = 0
    resolved: int = 0
    #: Resolved without an approval.
    alone: int = 0
    rejected: int = 0
    cleared: int = 0
    expired: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """The share of decisions as recommended, in one kind."""

    kind: str
    title: str
    as_recommended: int
    edited: int
    otherwise: int

    @property
    def rank(self) -> tuple[int, str]:
        """Sort the kind with the most disagreement first."""
        return (-(self.otherwise + self.edited), self.kind)


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """The weekly review."""

    #: Cases whose kind the bot did not recognise.
    blind: tuple[CaseRow, ...]
    agreements: tuple[Agreement, ...]
    slow: tuple[CaseRow, ...]
    reopened: int
    taken_back: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DigestView:
    """One screen for one channel or person."""

    key: str
    place: str
    on: date
    #: Active pauses, as sentences.
    paused: tuple[str, ...]
    #: Cases that wait for a decision; ``needs_more`` counts those beyond them.
    needs: tuple[CaseRow, ...]
    needs_more: int
    #: More waiting cases, for the thread.
    rest: tuple[CaseRow, ...]
    late: tuple[CaseRow, ...]
    late_more: int
    unhandled: tuple[CaseRow, ...]
    counts: Counts
    days: tuple[TrendDay, ...]
    #: Questions that were not understood.
    questions: int = 0
    review: Review | None = None

    @property
    def says_something(self) -> bool:
        """Tell whether there is anything to post."""
        has_rows = bool(self.needs or self.late or self.unhandled or self.review)
        return has_rows or self.counts != Counts()

    @property
    def sections(self) -> dict[str, tuple[str, ...]]:
        """List the case ids by section, for a refresh."""
        blind = self.review.blind if self.review else ()
        sections = {
            "needs": self.needs,
            "late": self.late,
            "unhandled": self.unhandled,
            "blind": blind,
        }
        return {name: tuple(row.case.id for row in rows) for name, rows in sections.items()}


def count_endings(cases: Iterable[Case], openings: int) -> Counts:
    """Count these ended cases by how they ended."""
    endings: Counter[State] = Counter()
    automatic = 0
    for case in cases:
        endings[case.state] += 1
        automatic += case.state is State.RESOLVED and case.was_auto_approved
    return Counts(
        opened=openings,
        resolved=endings[State.RESOLVED] - automatic,
        alone=automatic,
        rejected=endings[State.REJECTED],
        cleared=endings[State.CLEARED],
        expired=endings[State.EXPIRED],
    )


class _Choice(IntEnum):
    AS_RECOMMENDED = 0
    AFTER_EDIT = 1
    OTHERWISE = 2


def tally_agreements(cases: Iterable[Case], titles: Mapping[str, str]) -> tuple[Agreement, ...]:
    """Compare decisions with recommendations by kind, most disagreement first."""
    tallies: dict[str, Counter[_Choice]] = {}
    for case in cases:
        choice = _choice(case)
        if choice is not None:
            tallies.setdefault(case.kind, Counter())[choice] += 1
    agreements = [
        Agreement(
            kind=kind,
            title=titles.get(kind, kind),
            as_recommended=tally[_Choice.AS_RECOMMENDED],
            edited=tally[_Choice.AFTER_EDIT],
            otherwise=tally[_Choice.OTHERWISE],
        )
        for kind, tally in tallies.items()
    ]
    return tuple(sorted(agreements, key=lambda agreement: agreement.rank))


def _choice(case: Case) -> _Choice | None:
    """Classify the decision; None where nobody decided on a recommendation."""
    if case.proposal.plan is None or case.was_auto_approved:
        return None
    if case.state is State.REJECTED:
        return _Choice.OTHERWISE
    if case.state is not State.RESOLVED or case.activity.status_reason is None:
        return None
    if case.activity.status_reason.reason == Resolution.BY_HAND:
        return _Choice.OTHERWISE
    return _Choice.AFTER_EDIT if case.proposal.editors else _Choice.AS_RECOMMENDED
