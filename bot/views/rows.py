"""A case as one row of a list."""

from dataclasses import dataclass

from bot.cases.case import Case


@dataclass(frozen=True, slots=True)
class CaseRow:
    """A case, and the Slack message with its card.

    ``ts`` is empty when there is none.
    """

    case: Case
    channel: str
    ts: str
