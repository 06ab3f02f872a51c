"""View models of calls, in a thread and in a direct message."""

from dataclasses import dataclass, field
from datetime import datetime

from bot.cases.calls import CallSubject
from bot.cases.case import Case
from bot.cases.lifecycle import State
from bot.views.labels import Labels
from bot.views.progress import Progress
from bot.views.rows import CaseRow

MAX_TITLE = 150


@dataclass(frozen=True, slots=True, kw_only=True)
class ThreadCall:
    """A mention under the card of one or of many cases."""

    channel: str
    #: The message id of the card.
    thread_ts: str
    subject: CallSubject
    case: Case | None
    #: The kind of the cases that share a card; empty for a case with its own.
    storm_title: str = ""
    labels: Labels = field(default_factory=Labels)


@dataclass(frozen=True, slots=True, kw_only=True)
class DirectCall:
    """A direct message about one case, with its buttons while they work."""

    #: The metadata under which the message is found again.
    key: str
    #: The account that gets the message.
    person: str
    subject: CallSubject
    row: CaseRow
    #: The case still waits for this person.
    is_pending: bool
    #: For whoever raised the case.
    progress: Progress = field(default_factory=Progress)
    #: When whoever raised it may ask again; None for now.
    next_nudge_at: datetime | None = None
    labels: Labels = field(default_factory=Labels)


@dataclass(frozen=True, slots=True, kw_only=True)
class SlotCall:
    """A direct message about several cases, with their buttons while they work."""

    #: The metadata under which the message is found again.
    key: str
    #: The account that gets the message.
    person: str
    #: The most urgent first.
    rows: tuple[CaseRow, ...]
    #: The number of further cases, which have no row.
    more: int = 0
    labels: Labels = field(default_factory=Labels)


@dataclass(frozen=True, slots=True, kw_only=True)
class MissedCall:
    """A case that nobody decided in time, though somebody was called."""

    row: CaseRow
    #: Those who got a direct message.
    names: tuple[str, ...]
    #: A group was mentioned in the channel.
    is_mentioned: bool

    @property
    def title(self) -> str:
        """Name the case, and the money at stake."""
        case = self.row.case
        stake = f" ({case.assessment.stake} at stake)" if case.assessment.stake else ""
        # Text from outside may have lines of its own.
        title = " ".join(case.signal.title.split())[:MAX_TITLE]
        return f"{case.id} {title}{stake}"

    @property
    def sentence(self) -> str:
        """Say what came of the case, and who was called."""
        is_over = self.row.case.state is State.EXPIRED
        ending = "it expired" if is_over else "it went to the next owner"
        if not self.names:
            return f"{ending}; its group was mentioned in the channel"
        verb = "was" if len(self.names) == 1 else "were"
        return f"{ending}; {_join(self.names)} {verb} called"


def _join(names: tuple[str, ...]) -> str:
    *first_names, last_name = names
    return f"{', '.join(first_names)} and {last_name}" if first_names else last_name
