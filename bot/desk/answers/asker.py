"""The person who asks, as every answer needs to know them."""

from dataclasses import dataclass

from bot.cases.hours import Hours
from bot.ports.case_queries import Viewer


@dataclass(frozen=True, slots=True, kw_only=True)
class Asker:
    """A person with their sight and their clock."""

    person: str
    viewer: Viewer
    #: Of the channel where they ask; its zone is that of the asker.
    hours: Hours
    #: Where they ask: the name of a channel, or empty.
    channel: str = ""
