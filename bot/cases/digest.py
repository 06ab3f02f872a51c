"""What leads read: the daily digest of a channel or person, the weekly review, and a person's App Home. Data only; cards draw it."""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from statistics import median

from bot.cases.case import Case
from bot.cases.entries import Resolution
from bot.cases.hours import Hours
from bot.cases.lifecycle import State

TREND_DAYS = 14


@dataclass(frozen=True, slots=True)
class CaseRow:
    """A case in a list, and where its card stands."""

    case: Case
    channel: str
    ts: str


@dataclass(frozen=True, slots=True)
class TrendDay:
    """What came and went on a day; ``decided`` is the median time to the first decision, in hours."""

    on: date
    opened: int
    ended: int
    decided: float | None


@dataclass(frozen=True, slots=True)
class Counts:
    """What happened since the last digest."""

    opened: int = 0
    resolved: int = 0
    alone: int = 0
    rejected: int = 0
    cleared: int = 0
    expired: int = 0


@dataclass(frozen=True, slots=True)
class Agreement:
    """How often people decided as recommended, in one kind: unedited, after an edit, otherwise."""

    kind: str
    title: str
    as_recommended: int
    edited: int
    otherwise: int


@dataclass(frozen=True, slots=True)
class Review:
    """The week: what the bot could not see, whether people agreed with it, what was slow, what had to be done twice."""

    blind: tuple[CaseRow, ...]
    agreements: tuple[Agreement, ...]
    slow: tuple[CaseRow, ...]
    reopened: int
    taken_back: int


@dataclass(frozen=True, slots=True)
class DigestView:
    """One screen for one place; ``rest`` is what else waits, for the thread. ``questions`` were asked and not understood."""

    key: str
    place: str
    on: date
    paused: tuple[str, ...]
    needs: tuple[CaseRow, ...]
    needs_more: int
    rest: tuple[CaseRow, ...]
    late: tuple[CaseRow, ...]
    late_more: int
    unhandled: tuple[CaseRow, ...]
    counts: Counts
    days: tuple[TrendDay, ...]
    questions: int = 0
    review: Review | None = None

    @property
    def says_something(self) -> bool:
        """Whether it is worth anybody's morning."""
        return (
            bool(self.needs or self.late or self.unhandled or self.review)
            or self.counts != Counts()
        )

    @property
    def sections(self) -> dict[str, tuple[str, ...]]:
        """Which cases it lists, for drawing it again."""
        blind = self.review.blind if self.review else ()
        lists = {
            "needs": self.needs,
            "late": self.late,
            "unhandled": self.unhandled,
            "blind": blind,
        }
        return {name: tuple(row.case.id for row in rows) for name, rows in lists.items()}


@dataclass(frozen=True, slots=True)
class StormView:
    """Many cases of one kind and source that share one card: how many are open, how many there were, and the first of them."""

    key: str
    place: str
    title: str
    source: str
    rows: tuple[CaseRow, ...]
    open: int
    total: int


class HomePeriod(StrEnum):
    """Which cases of a queue are shown."""

    ALWAYS = "always"
    LATE = "late"
    TODAY = "today"


@dataclass(frozen=True, slots=True)
class HomeFilter:
    """What one has chosen to see on one's home."""

    kind: str = ""
    when: HomePeriod = HomePeriod.ALWAYS

    @property
    def key(self) -> str:
        """As it is kept between two looks."""
        return f"{self.when} {self.kind}"

    @classmethod
    def of(cls, key: str, kinds: Iterable[str]) -> "HomeFilter":
        """What was kept; a kind that is known no longer, or anything else that makes no sense, is no filter."""
        when, _, kind = key.partition(" ")
        return cls(
            kind if kind in set(kinds) else "",
            HomePeriod(when) if when in set(HomePeriod) else HomePeriod.ALWAYS,
        )


@dataclass(frozen=True, slots=True)
class HomeView:
    """One person's desk. ``chosen`` is the filter they set; ``suggestion`` is set when their status says that they are away."""

    user: str
    waiting: tuple[CaseRow, ...]
    waiting_more: int
    mine: tuple[CaseRow, ...]
    team: tuple[CaseRow, ...]
    team_more: int
    alone: tuple[CaseRow, ...]
    days: tuple[TrendDay, ...]
    paused: tuple[str, ...]
    standing_in: tuple[str, ...]
    kinds: tuple[tuple[str, str], ...]
    chosen: HomeFilter = HomeFilter()
    suggestion: str = ""
    has_digest: bool = False
    at: datetime | None = None


def counted(cases: Iterable[Case], opened: int) -> Counts:
    """What these ended cases add up to."""
    ended = list(cases)

    def many(state: State) -> int:
        return sum(case.state is state for case in ended)

    alone = sum(case.state is State.RESOLVED and was_alone(case) for case in ended)
    return Counts(
        opened,
        many(State.RESOLVED) - alone,
        alone,
        many(State.REJECTED),
        many(State.CLEARED),
        many(State.EXPIRED),
    )


def was_alone(case: Case) -> bool:
    """Whether policy let it run without anybody."""
    return any(given.person.startswith("policy:") for given in case.approvals)


def agreements(cases: Iterable[Case], titles: dict[str, str]) -> tuple[Agreement, ...]:
    """By kind, what people made of what was recommended; the most disagreed with first."""
    tallies: dict[str, list[int]] = {}
    for case in cases:
        place = _agreed(case)
        if place is not None:
            tallies.setdefault(case.kind, [0, 0, 0])[place] += 1
    found = [Agreement(kind, titles.get(kind, kind), *tally) for kind, tally in tallies.items()]
    return tuple(sorted(found, key=lambda one: (-(one.otherwise + one.edited), one.kind)))


def _agreed(case: Case) -> int | None:
    """0: as recommended, 1: after an edit, 2: otherwise; None when nobody decided on a recommendation."""
    if case.plan is None or was_alone(case):
        return None
    if case.state is State.REJECTED:
        return 2
    if case.state is not State.RESOLVED or case.ending is None:
        return None
    if case.ending.reason == Resolution.BY_HAND:
        return 2
    return 1 if case.editors else 0


def trend(
    tallies: Sequence[tuple[float, float | None, float | None]], until: datetime, hours: Hours
) -> tuple[TrendDay, ...]:
    """The last fourteen days as the clock on the wall there has them. Each tally: opened, decided, ended, in seconds since 1970."""
    last = hours.local(until).date()
    days = [last - timedelta(days=back) for back in reversed(range(TREND_DAYS))]
    starts = [hours.midnight(day).timestamp() for day in (*days, last + timedelta(days=1))]
    opened, ended = [0] * TREND_DAYS, [0] * TREND_DAYS
    waits: list[list[float]] = [[] for _ in days]
    for begun, decided, end in tallies:
        for moment, count in ((begun, opened), (end, ended)):
            place = _place(moment, starts)
            if place is not None:
                count[place] += 1
        place = _place(decided, starts)
        if place is not None and decided is not None:
            waits[place].append((decided - begun) / 3600)
    return tuple(
        TrendDay(day, opened[n], ended[n], median(waits[n]) if waits[n] else None)
        for n, day in enumerate(days)
    )


def _place(moment: float | None, starts: Sequence[float]) -> int | None:
    """In which of the days between these midnights the moment lies."""
    if moment is None or not starts[0] <= moment < starts[-1]:
        return None
    return bisect_right(starts, moment) - 1
