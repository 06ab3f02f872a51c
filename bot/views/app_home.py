"""The App Home of one person."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from bot.cases.case import Case
from bot.cases.grant import GrantMeter
from bot.views.rows import CaseRow
from bot.views.trend import TrendDay


class HomePeriod(StrEnum):
    """The part of a queue that is shown."""

    ALWAYS = "always"
    LATE = "late"
    TODAY = "today"


@dataclass(frozen=True, slots=True)
class HomeFilter:
    """A person's choice of cases on their home."""

    kind: str = ""
    when: HomePeriod = HomePeriod.ALWAYS

    @property
    def key(self) -> str:
        """Return the text under which the choice is stored."""
        return f"{self.when} {self.kind}"

    @classmethod
    def of(cls, key: str, kinds: Iterable[str]) -> "HomeFilter":
        """Parse a stored choice; an unknown kind or period means no filter."""
        period, _, kind = key.partition(" ")
        when = HomePeriod(period) if period in set(HomePeriod) else HomePeriod.ALWAYS
        return cls(kind if kind in set(kinds) else "", when)


@dataclass(frozen=True, slots=True, kw_only=True)
class HomePause:
    """An active pause."""

    description: str
    #: Empty for everything.
    scope: str
    #: Whether this reader may end it.
    is_resumable: bool
    #: The groups that may end it.
    resumers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class HomeDelegation:
    """A delegation from or to the reader of the home."""

    #: Accounts of the two, "team/user".
    giver: str
    taker: str
    giver_name: str
    taker_name: str
    #: Empty for every kind.
    kind: str
    #: The title of the kind; empty for every kind.
    kind_title: str
    ends_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class HomeRights:
    """The controls that the reader is offered."""

    #: Whether the reader may pause the desk or a part of it.
    may_pause: bool = False
    #: Whether the reader decides anything that another could decide for them.
    may_delegate: bool = False
    #: Whether the reader may raise a case: guests may not.
    may_raise: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class HomePreferences:
    """Choices of the reader for their home."""

    filter: HomeFilter = HomeFilter()
    #: Whether they get a digest of their own every morning.
    has_digest: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class HomeView:
    """The content of one person's App Home."""

    user: str
    #: Cases that wait for a decision of this person.
    waiting: tuple[CaseRow, ...]
    #: How many more wait.
    waiting_more: int
    #: Cases that this person owns.
    mine: tuple[CaseRow, ...]
    #: Cases of this person's groups.
    team: tuple[CaseRow, ...]
    team_more: int
    #: Cases that policy let run without an approval.
    alone: tuple[CaseRow, ...]
    days: tuple[TrendDay, ...]
    pauses: tuple[HomePause, ...]
    #: Delegations from and to this person.
    delegations: tuple[HomeDelegation, ...]
    #: Name and title of each kind that can be chosen.
    kinds: tuple[tuple[str, str], ...]
    rights: HomeRights = HomeRights()
    preferences: HomePreferences = HomePreferences()
    #: Set when their Slack status says that they are away.
    suggestion: str = ""
    at: datetime | None = None
    #: The figures of the last weeks, in one sentence; empty where nothing ended.
    figures: str = ""
    #: What the reader has approved in advance, and the title of its kind.
    grants: tuple[tuple[GrantMeter, str], ...] = ()
    #: What the reader is told of practice cases; empty where there are none.
    practice_notice: str = ""
    #: The changed playbooks that are tried, as sentences; for those who govern.
    versions: tuple[str, ...] = ()

    @property
    def sections(self) -> dict[str, tuple[str, ...]]:
        """List the case ids by section, for a refresh."""
        return {name: tuple(row.case.id for row in rows) for name, rows in self._rows.items()}

    @property
    def cases(self) -> list[Case]:
        """List the cases that a refresh may show in another way."""
        return [row.case for rows in self._rows.values() for row in rows]

    @property
    def _rows(self) -> dict[str, tuple[CaseRow, ...]]:
        return {
            "waiting": self.waiting,
            "mine": self.mine,
            "team": self.team,
            "alone": self.alone,
        }
