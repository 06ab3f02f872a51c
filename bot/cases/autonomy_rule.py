"""The rule of what an action must show before it runs alone."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated

from pydantic import Field

from bot.cases.constraints import Span, Times

#: A share of decisions, or how sure to be of it.
Share = Annotated[float, Field(gt=0, lt=1)]


@dataclass(frozen=True, slots=True, kw_only=True)
class AutonomyRule:
    """The gate between an action that asks and one that runs alone."""

    #: How many comparable decisions people must have made.
    decisions: Annotated[int, Field(ge=20, le=10_000, strict=True)] = 60
    #: The share of decisions that the bot would have made alike, at least ...
    agreement: Share = 0.9
    #: ... with this confidence: its lower bound counts, not the share itself.
    confidence: Share = 0.95
    #: Decisions count for so long, and nothing bad may have happened within it.
    window: Span = timedelta(days=90)
    #: Agreement that fell from the earlier to the recent half counts as drift below this chance.
    drift: Share = 0.05
    #: A rejected promotion is not asked for again before.
    ask_again: Span = timedelta(days=30)
    #: How many plans of one kind may run alone on a day; further ones ask.
    alone_per_day: Times = 200
