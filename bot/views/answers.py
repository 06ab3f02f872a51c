"""The answer to a question.

Numbers and names come from queries, and every answer lists its cases.
"""

from dataclasses import dataclass
from datetime import datetime

from bot.cases.approval import Person
from bot.cases.grant import GrantMeter
from bot.views.query import Act
from bot.views.rows import CaseRow
from bot.views.thread_orders import Confirmation

#: More cases than this are a list of their own.
MAX_ROWS = 10

EXAMPLES = (
    "What is open?",
    "What waits on me?",
    "Anything late?",
    "How many stock exceptions last week, and how long?",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A label and a figure: a row of a small table."""

    label: str
    #: "3", "£12,460.00", "2.5 days".
    value: str
    #: The same as a plain number, for a chart.
    number: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """A control that does what was asked for in words.

    The press decides, never the words.
    """

    act: Act
    #: The case that it is about; None where it is about none.
    row: CaseRow | None = None
    #: The order with its plan, for acts that are confirmed as in the thread of a card.
    confirmation: Confirmation | None = None
    #: The kind or scope of a pause; empty for everything.
    scope: str = ""
    #: The person that the act is about: whom to remind, or who stands in.
    person: Person | None = None
    until: datetime | None = None
    #: The text of the exception to raise, or the reason that was given.
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """An answer, with the cases that it is about."""

    #: The answer itself, in one sentence of ours.
    text: str
    #: Further sentences of ours, one line each.
    facts: tuple[str, ...] = ()
    #: The cases, at most ``MAX_ROWS``, with what the asker may do about each.
    rows: tuple[CaseRow, ...] = ()
    #: How many cases there are in all.
    total: int = 0
    #: Says why the rows are shown when they are not what was asked for: "The nearest:".
    rows_title: str = ""
    table: tuple[Figure, ...] = ()
    #: The titles of its two columns.
    table_titles: tuple[str, str] = ("", "")
    #: The table runs over time, and is drawn as a chart too.
    is_trend: bool = False
    offers: tuple[Offer, ...] = ()
    #: What is approved in advance, each with the title of its kind; the asker may stop it.
    grants: tuple[tuple[GrantMeter, str], ...] = ()
    #: The question as it was understood; empty when it was not.
    reading: str = ""
    #: Words that narrowed nothing.
    left_aside: tuple[str, ...] = ()
    #: Other ways to read the question, in words. Their places are those of the log.
    choices: tuple[str, ...] = ()
    #: The name of the chat model that read the question; it wrote nothing of this.
    read_by: str = ""
    examples: tuple[str, ...] = ()
    #: Everyone in the channel of the question may see all of it, numbers included.
    is_public: bool = False

    def is_all_in(self, channel: str) -> bool:
        """Tell whether everyone in this channel may see all of it."""
        has_cases = bool(self.rows)
        is_here = all(row.case.channel == channel for row in self.rows)
        return self.is_public and has_cases and is_here
