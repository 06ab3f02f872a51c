"""Call rules: callees of a case, by its risk and the hour.

A channel has them in ``channels.yml``; a playbook may override them one by one.
"""

from dataclasses import dataclass, fields, replace
from enum import StrEnum
from typing import Annotated

from pydantic import Field

MAX_PER_HOUR = 60
#: Direct messages that one person gets within an hour before the rest waits for the next slot.
PerHour = Annotated[int, Field(ge=0, le=MAX_PER_HOUR, strict=True)]


class Reach(StrEnum):
    """The reach of a call."""

    NOBODY = "nobody"
    #: A mention in the channel.
    GROUP = "group"
    #: A mention, and a direct message to everybody on duty.
    DUTY = "duty"


class AfterHours(StrEnum):
    """The lowest risk that is called at once outside the working hours."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    NEVER = "never"


@dataclass(frozen=True, slots=True, kw_only=True)
class CallRules:
    """The rules of one channel, or of one kind in it."""

    #: A plan of low risk waits for approval.
    low: Reach = Reach.NOBODY
    #: A plan of medium risk waits for approval.
    medium: Reach = Reach.GROUP
    #: A plan of high risk waits for approval.
    high: Reach = Reach.DUTY
    #: No plan fits, and a person must look.
    person: Reach = Reach.GROUP
    #: What is of lower risk waits for the opening.
    after_hours: AfterHours = AfterHours.HIGH
    #: A person's budget of direct messages. What is of high risk is never held back.
    per_hour: PerHour = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class CallOverrides:
    """The calls of one kind, as its playbook has them.

    None leaves the rule of the channel.
    """

    #: A plan of low risk waits for approval.
    low: Reach | None = None
    #: A plan of medium risk waits for approval.
    medium: Reach | None = None
    #: A plan of high risk waits for approval.
    high: Reach | None = None
    #: No plan fits, and a person must look.
    person: Reach | None = None
    #: What is of lower risk waits for the opening.
    after_hours: AfterHours | None = None
    #: Direct messages that one person gets within an hour.
    per_hour: PerHour | None = None

    def apply_to(self, rules: CallRules) -> CallRules:
        """Return the channel's rules with these in their place."""
        changes = {}
        for rule in fields(self):
            value = getattr(self, rule.name)
            if value is not None:
                changes[rule.name] = value
        return replace(rules, **changes)
