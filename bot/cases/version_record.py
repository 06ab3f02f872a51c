"""The versions of a playbook as the ledger keeps them."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

#: How many versions are remembered that were tried and ended.
MAX_ENDED_VERSIONS = 20
#: So many characters name a version among those of one playbook.
SHORT_LENGTH = 8


def short_version(checksum: str) -> str:
    """Return the name of a version that people compare by eye."""
    return checksum[:SHORT_LENGTH]


class VersionPhase(StrEnum):
    """The phases of a version before it is in force."""

    #: It judges beside the version in force, and nothing follows from it.
    SHADOW = "in shadow"
    #: It judges some of the cases; the version in force judges the others.
    TRIAL = "on trial"


@dataclass(frozen=True, slots=True)
class VersionText:
    """A version, and where the ledger has its text."""

    checksum: str
    #: The number of the entry about the desk that has the text.
    entry: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingVersion:
    """A version that is being tried."""

    checksum: str
    #: The number of the entry about the desk that has the text.
    entry: int
    phase: VersionPhase
    #: Cases count from here on.
    begun_at: datetime
    phase_since: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class KindVersions:
    """The version in force, and the one that is tried."""

    kind: str
    in_force: VersionText
    since: datetime
    reason: str
    by_name: str
    on_case: str = ""
    #: The idempotency key of the step that put it in force; empty for none.
    key: str = ""
    #: Until then a bad outcome brings the version before back; None for never.
    watch_until: datetime | None = None
    before: VersionText | None = None
    waiting: WaitingVersion | None = None
    #: Those that were rejected or went back: they are not tried again.
    past_candidates: tuple[str, ...] = ()
    #: The last of them: why, and the case that brought it about.
    end_reason: str = ""
    ended_on: str = ""


@dataclass(frozen=True, slots=True)
class VersionDifference:
    """One thing that two versions say differently about a case."""

    name: str
    in_force: str
    candidate: str


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionComparison:
    """The difference of two versions on one case."""

    #: The version that is tried.
    version: str
    at: datetime
    on_revision: int
    #: The version that is tried judged the case; else the one in force.
    is_on_trial: bool
    differences: tuple[VersionDifference, ...] = ()
    #: Why it could not judge; empty where it could.
    failure: str = ""

    @property
    def differs(self) -> bool:
        """Tell whether it did not say the same."""
        return bool(self.differences or self.failure)
