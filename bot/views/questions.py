"""A question to the bot, as it was understood."""

from dataclasses import KW_ONLY, dataclass
from datetime import datetime
from enum import StrEnum


class Intent(StrEnum):
    """The kind of answer that the question asks for."""

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


#: These are about no particular cases.
_GENERAL = frozenset({Intent.MINE, Intent.HANDLED, Intent.PAUSED, Intent.HELP})


@dataclass(frozen=True, slots=True)
class Span:
    """From ``since`` until before ``until``, as people call it."""

    since: datetime
    until: datetime
    name: str


@dataclass(frozen=True, slots=True)
class Question:
    """A question in the terms of the case list."""

    intent: Intent
    status: StatusFilter = StatusFilter.OPEN
    _: KW_ONLY
    kind: str = ""
    #: Looked for in the texts of cases.
    words: tuple[str, ...] = ()
    span: Span | None = None
    #: Set when one case is meant.
    case_id: str = ""
    how_long: bool = False

    def describe(self, title: str = "") -> str:
        """Say in words how the question was understood.

        ``title`` is that of the kind.
        """
        if self.intent in _GENERAL:
            return f"{self.intent}, {self.span.name}" if self.span else str(self.intent)
        if self.case_id and self.intent is Intent.WHY_ASKED:
            return f"{self.case_id}: {self.intent}"
        if self.case_id:
            return f"{self.intent} {self.case_id}"
        return ", ".join(self._phrases(title))

    def _phrases(self, title: str) -> list[str]:
        cases = "cases" if self.status is StatusFilter.ANY else f"{self.status} cases"
        phrases = [f"how many {cases}" if self.intent is Intent.COUNT else cases]
        if self.kind:
            phrases.append(f"of “{title or self.kind}”")
        if self.words:
            phrases.append(f"about “{' '.join(self.words)}”")
        if self.span:
            phrases.append(self.span.name)
        if self.how_long:
            phrases.append("and how long they took")
        return phrases


@dataclass(frozen=True, slots=True)
class Durations:
    """Median times of some cases, in seconds.

    None means that no case has come that far.
    """

    cases: int
    #: To the first decision.
    to_decision: float | None
    #: To the end.
    to_end: float | None
