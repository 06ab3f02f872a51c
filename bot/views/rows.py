"""A case as one row of a list."""

from dataclasses import dataclass, field

from bot.cases.case import Case
from bot.views.labels import Labels


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseRow:
    """A case, and the Slack message with its card."""

    case: Case
    channel: str
    #: The message with its card; empty when there is none.
    ts: str
    #: The name of the person who owns the case; empty for a group.
    owner_name: str = ""
    #: Whether readers of this list are offered the buttons that decide.
    is_decidable: bool = True
    #: What people read in place of names in code.
    labels: Labels = field(default_factory=Labels)
