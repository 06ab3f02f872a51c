"""The ``measure`` section of a playbook.

It promises times, and says what results are compared with.
"""

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from bot.cases.constraints import Amount, OptionalName, OptionalQuery, Span, not_below

#: The period of a report, in the query of a denominator.
SINCE = "since"
UNTIL = "until"

#: A part of a whole, 0.2 for 20 %. Strict, because YAML's true is a number too.
Ratio = Annotated[float, Field(ge=0, le=1, strict=True)]
Minutes = Annotated[Decimal, Field(ge=0, le=10_000)]
Weeks = Annotated[int, Field(ge=1, le=260, strict=True)]


@dataclass(frozen=True, slots=True)
class Denominator:
    """The number that the cases of a kind are counted against."""

    #: The plural of what is counted, like "bookings". Empty for none.
    name: Annotated[str, Field(max_length=100)] = ""
    #: The system of systems.yml that is asked.
    system: OptionalName = ""
    #: A read-only query over ``:since`` and ``:until`` that returns one number. Without it there is
    #: a name, and no rate.
    query: OptionalQuery = ""

    def __post_init__(self) -> None:
        if bool(self.system) != bool(self.query):
            raise ValueError("a query needs its system, and a system its query")
        if not self.query:
            return
        if not self.name:
            raise ValueError("name what the query counts, like bookings")
        if not self.query.lstrip().lower().startswith(("select", "with")):
            raise ValueError("the query must be a SELECT")
        for parameter in (SINCE, UNTIL):
            if f":{parameter}" not in self.query:
                raise ValueError(
                    f"the query must name :{SINCE} and :{UNTIL}, the period that it counts"
                )


def _read_denominator(value: Any) -> Any:
    """Read a plain text as a name without a query."""
    return {"name": value} if isinstance(value, str) else value


@dataclass(frozen=True, slots=True, kw_only=True)
class Targets:
    """The results that a kind shall reach.

    Those that are left out are not compared.
    """

    #: At most so many cases for each of the denominator.
    exception_rate: Ratio | None = None
    #: At least this share of the recommendations is accepted without an edit.
    accepted_unedited: Ratio | None = None
    #: At least this share is resolved without rework.
    without_rework: Ratio | None = None
    #: At least this share needs nobody.
    done_alone: Ratio | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """The work before the kind was live.

    It is given as the first weeks, or as figures that people measured.
    """

    #: The first weeks with cases of this kind.
    weeks: Weeks | None = None
    #: Who measured the figures below, when and how. They count for nothing without it.
    source: Annotated[str, Field(max_length=500)] = ""
    #: Cases for each of what the denominator counts.
    exception_rate: Ratio | None = None
    #: Median times, in working hours.
    time_to_decision: Span | None = None
    time_to_resolution: Span | None = None
    #: The share of cases that had to be done again.
    rework: Ratio | None = None
    #: The cost of one case, in the currency of the stake.
    cost_per_case: Amount | None = None

    def __post_init__(self) -> None:
        if self.has_figures and not self.source:
            raise ValueError("say in source who measured these figures, when and how")
        if self.has_figures and self.weeks is not None:
            raise ValueError("give either weeks or figures, not both")

    @property
    def has_figures(self) -> bool:
        """Tell whether people measured anything."""
        figures = (self.exception_rate, self.time_to_decision, self.time_to_resolution, self.rework)
        return any(figure is not None for figure in (*figures, self.cost_per_case))


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceLevel:
    """The service level of a kind, and the assumptions of its report."""

    #: The time for the first decision, in working hours of the channel.
    decide_for: Span
    #: The time until the case has ended, in working hours of the channel.
    resolve_for: Annotated[Span, not_below("decide_for")]
    #: The time after an action until its effect is looked at again.
    follow_up_for: Span
    #: What the cases are counted against: a plural, or a query with its name.
    denominator: Annotated[
        Denominator, BeforeValidator(_read_denominator, json_schema_input_type=str | Denominator)
    ] = field(default_factory=Denominator)
    #: The cost of one minute of a person's work, in the currency of the stake.
    cost_per_minute: Amount | None = None
    #: An assumption: how long a person takes for such a case without the bot.
    minutes_by_hand: Minutes | None = None
    #: An assumption: how long a person takes for one decision on a card.
    minutes_per_decision: Minutes = Decimal(2)
    #: The first day on which the kind was live. Cases before it are the baseline.
    live_since: date | None = None
    #: What is compared with: the time before the kind was live.
    baseline: Baseline = field(default_factory=Baseline)
    #: The results that the kind shall reach.
    targets: Targets = field(default_factory=Targets)
