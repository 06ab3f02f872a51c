"""View models of the thread of a card: evidence and notes."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from bot.cases.case import Case
from bot.cases.entries import Entry
from bot.views.labels import Labels


@dataclass(frozen=True, slots=True, kw_only=True)
class ThreadNote:
    """Entries of a case, in the thread of its card."""

    #: The metadata under which the message is found again.
    key: str
    case: Case
    entries: Sequence[Entry]
    channel: str
    #: The message id of the card.
    thread_ts: str
    #: Mention this person or group; empty for nobody.
    call: str = ""
    #: Show it in the channel too.
    is_loud: bool = False
    #: Whoever is called finds the buttons of the case here.
    has_buttons: bool = False
    labels: Labels = field(default_factory=Labels)


@dataclass(frozen=True, slots=True, kw_only=True)
class ThreadEvidence:
    """The facts of a case, in the thread of its card."""

    #: The metadata under which the message is found again.
    key: str
    case: Case
    channel: str
    #: The message id of the card.
    thread_ts: str
    labels: Labels = field(default_factory=Labels)
