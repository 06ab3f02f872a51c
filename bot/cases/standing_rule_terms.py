"""The terms on which a rule is distilled from approvals, and ends."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated

from pydantic import Field

from bot.cases.constraints import Span, Times


@dataclass(frozen=True, slots=True, kw_only=True)
class StandingRuleTerms:
    """Terms on which rules are drafted and end."""

    #: How many plans people must have approved as they were proposed.
    yeses: Annotated[int, Field(ge=3, le=1_000, strict=True)] = 8
    #: A rule ends after this time, unless somebody keeps it.
    expires: Span = timedelta(days=90)
    #: A rule that nothing ran by for so long ends, unless somebody keeps it.
    disuse: Span = timedelta(days=30)
    #: How long before the end the owners are asked whether to keep it.
    notice: Span = timedelta(days=7)
    #: A rejected draft is not proposed again before.
    ask_again: Span = timedelta(days=30)
    #: How many plans may begin by one rule within a day.
    times_per_day: Times = 20
