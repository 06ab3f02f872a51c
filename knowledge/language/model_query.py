"""The shape of a query that a chat model writes.

The descriptions are part of the schema that the model receives.
"""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from bot.cases.policy import RiskTier
from bot.views.query import About, Act, Ask, Grouping, LastDecision, Measure, Order

Name = Annotated[str, StringConstraints(max_length=120, strip_whitespace=True)]
PeriodName = Annotated[str, StringConstraints(max_length=40, strip_whitespace=True)]
#: Pounds, without a sign.
Amount = Annotated[str, StringConstraints(pattern=r"^(\d{1,9}(\.\d{1,2})?)?$")]
#: An ISO 8601 duration of one unit.
Age = Annotated[str, StringConstraints(pattern=r"^(P\d{1,3}[DWM]|PT\d{1,3}[HM])?$")]
MAX_ITEMS = 12

PERIOD_HELP = (
    "today, yesterday, overnight, this_week, last_month and the like, a weekday or month, a date"
    " like 2026-11-21, or a distance from now like -P3D; empty if no time is said"
)


class ModelPeriod(BaseModel):
    """A period of time."""

    model_config = ConfigDict(extra="forbid")

    begin: PeriodName = Field(default="", description=f"Its first part: {PERIOD_HELP}.")
    end: PeriodName = Field(default="", description="Its last part; empty: until now.")
    before: PeriodName = Field(default="", description="Everything before this.")


class ModelCondition(BaseModel):
    """The cases that are meant.

    Fields that the question does not speak of stay empty.
    """

    model_config = ConfigDict(extra="forbid")

    is_open: bool | None = Field(default=None, description="True: not ended. False: ended.")
    states: tuple[Name, ...] = Field(default=(), max_length=MAX_ITEMS, description="State names.")
    kinds: tuple[Name, ...] = Field(
        default=(), max_length=MAX_ITEMS, description="Names of kinds, from the document."
    )
    text: Name = Field(default="", description="A customer, product or other name in the cases.")
    min_stake: Amount = Field(default="", description="Least amount of money, digits only.")
    max_stake: Amount = Field(default="", description="Largest amount of money, digits only.")
    min_age: Age = Field(default="", description="Open at least so long: P2D, PT3H, P1W.")
    max_age: Age = Field(default="", description="Open at most so long.")
    opened: ModelPeriod | None = Field(default=None, description="When it came in.")
    decided: ModelPeriod | None = Field(default=None, description="When it was decided.")
    ended: ModelPeriod | None = Field(default=None, description="When it was closed.")
    due: ModelPeriod | None = Field(default=None, description="When it must be decided.")
    due_within: PeriodName = Field(default="", description="To be decided by the end of this.")
    expires_within: PeriodName = Field(default="", description="Its approval runs out by then.")
    is_overdue: bool = Field(default=False, description="Late.")
    owner: Name = Field(default="", description='Person or group who has it; "me" is the asker.')
    waits_on: Name = Field(default="", description='Who must act now: a person, group or "me".')
    approver: Name = Field(default="", description="A group whose approval it needs.")
    min_approvals: int = Field(default=0, ge=0, le=9, description="It needs so many approvals.")
    is_part_approved: bool = Field(default=False, description="One approval, waits for more.")
    decision: LastDecision | None = Field(default=None, description="How it was decided.")
    decided_by: Name = Field(default="", description='A person, "me", or "policy".')
    action: Name = Field(default="", description="An action of its plan.")
    is_automatic: bool = Field(default=False, description="Done without a person.")
    risk: RiskTier | None = Field(default=None, description="Its risk.")
    raised_by: Name = Field(default="", description='The person who raised it, or "me".')
    source: Name = Field(default="", description="The source that it came from.")
    channel: Name = Field(default="", description="The channel of its card.")
    is_snoozed: bool = Field(default=False, description="Put off until later.")
    is_paused: bool = Field(default=False, description="Its kind is paused.")
    is_unrecognised: bool = Field(default=False, description="Nobody knows its kind.")


class ModelQuery(BaseModel):
    """A question about cases, as a query."""

    model_config = ConfigDict(extra="forbid", title="Query")

    ask: Ask | None = Field(
        default=None,
        description=(
            "list: show cases. count, sum, group, how_long: a figure. when, who, why, status: about"
            " one case or some. act: something is to be done. capability, help: about you."
            " Empty if the question is not clear."
        ),
    )
    condition: ModelCondition = Field(
        default_factory=ModelCondition, description="Which cases are meant."
    )
    leave_out: ModelCondition | None = Field(
        default=None, description="Cases that are not wanted: without, except."
    )
    order: Order | None = Field(default=None, description="The order of the list.")
    limit: int | None = Field(default=None, ge=1, le=100, description="How many are wanted.")
    nth: int = Field(default=0, ge=0, le=100, description="Only the one in this place.")
    grouping: Grouping | None = Field(default=None, description="What is counted by.")
    measure: Measure | None = Field(default=None, description="The figure that is asked for.")
    case_id: Name = Field(default="", description="The one case that is meant, like EX-12.")
    about: About | None = Field(default=None, description="What of it is asked about.")
    act: Act | None = Field(default=None, description="What is to be done, if ask is act.")
    of: Name = Field(default="", description="The person or group that it is about.")
    to: Name = Field(default="", description="The person or group that is to get it.")
    until: PeriodName = Field(default="", description="Until when.")
    not_understood: tuple[Name, ...] = Field(
        default=(), max_length=MAX_ITEMS, description="Words that you did not understand."
    )
