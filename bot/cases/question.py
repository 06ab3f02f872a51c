"""A question as the desk understands it, and what is said back. Numbers and names come from queries; every answer names its cases."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Intent(StrEnum):
    """What is wanted."""

    LIST = "list"
    COUNT = "count"
    MINE = "what waits on me"
    SHOW = "show"
    WHY = "why"
    WHY_ASKED = "why it was asked and not just done"
    HANDLED = "what was handled without anybody"
    PAUSED = "what is paused"
    HELP = "help"


class StatusFilter(StrEnum):
    """Cases in which condition."""

    ANY = "all"
    OPEN = "open"
    LATE = "late"
    ENDED = "ended"
    RESOLVED = "resolved"
    REJECTED = "rejected"
    EXPIRED = "expired"
    CLEARED = "cleared by themselves"
    SNOOZED = "snoozed"
    UNRECOGNISED = "not recognised"


@dataclass(frozen=True, slots=True)
class Span:
    """From ``since`` until before ``until``, and what people call it."""

    since: datetime
    until: datetime
    name: str


@dataclass(frozen=True, slots=True)
class Question:
    """``words`` are looked for in what cases say; ``case_id`` is set when one is meant."""

    intent: Intent
    status: StatusFilter = StatusFilter.OPEN
    kind: str = ""
    words: tuple[str, ...] = ()
    span: Span | None = None
    case_id: str = ""
    how_long: bool = False

    def said(self, title: str = "") -> str:
        """What was understood, in words; ``title`` is that of the kind."""
        if self.intent in {Intent.MINE, Intent.HANDLED, Intent.PAUSED, Intent.HELP}:
            return f"{self.intent}{f', {self.span.name}' if self.span else ''}"
        if self.case_id:
            return (
                f"{self.intent} {self.case_id}"
                if self.intent is not Intent.WHY_ASKED
                else f"{self.case_id}: {self.intent}"
            )
        cases = "cases" if self.status is StatusFilter.ANY else f"{self.status} cases"
        parts = [f"how many {cases}" if self.intent is Intent.COUNT else cases]
        parts += [f"of “{title or self.kind}”"] if self.kind else []
        parts += [f"about “{' '.join(self.words)}”"] if self.words else []
        parts += [self.span.name] if self.span else []
        parts += ["and how long they took"] if self.how_long else []
        return ", ".join(parts)


@dataclass(frozen=True, slots=True)
class Line:
    """One case in an answer. ``channel`` and ``ts`` say where its card stands."""

    case_id: str
    title: str
    state: str
    detail: str
    channel: str
    ts: str


@dataclass(frozen=True, slots=True)
class Answer:
    """``text`` is our own sentence, ``told`` a model's words, which are shown as such. ``understood`` is empty when nothing was.

    ``is_public``: it says nothing but what everyone in the channel where it was asked may see, numbers included.
    """

    understood: str
    text: str
    lines: tuple[Line, ...] = ()
    more: int = 0
    told: str = ""
    model: str = ""
    examples: tuple[str, ...] = ()
    is_public: bool = False

    def is_all_in(self, channel: str) -> bool:
        """Whether everyone in this channel may see all of it."""
        is_here = all(line.channel == channel for line in self.lines)
        return self.is_public and bool(self.lines) and not self.told and is_here


@dataclass(frozen=True, slots=True)
class Durations:
    """How many, and the median time to the first decision and to the end, in seconds; None where nothing has come that far."""

    cases: int
    decided: float | None
    ended: float | None


EXAMPLES = (
    "What is open?",
    "What waits on me?",
    "Anything late?",
    "How many stock exceptions last week, and how long?",
)
