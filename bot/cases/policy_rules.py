"""Rules of policy: conditions in CEL, and what follows where one holds."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, Field, WithJsonSchema

from bot.cases.approvers import Approvers
from bot.cases.conditions import check_condition
from bot.cases.constraints import NOT_IN_FILE, Text


class RuleEffect(StrEnum):
    """The consequence of a rule whose condition holds.

    Each can only tighten: no rule lets run alone what would be asked about.
    """

    #: People decide, the rule's approvers among them.
    ASK = "ask"
    #: The plan may not run at all.
    REFUSE = "refuse"
    #: People decide, whatever the stage.
    NEVER_ALONE = "never_alone"


# Not `str` alone: the condition is compiled where the file is read, so that a mistake in it has
# its line, and a case never meets it.
ConditionText = Annotated[
    str,
    AfterValidator(check_condition),
    WithJsonSchema({"type": "string", "description": "A condition in CEL."}),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyRule:
    """One rule of ``policy.yml``."""

    #: When it holds.
    when: ConditionText
    #: What follows.
    effect: Annotated[RuleEffect, Field(validation_alias="then")]
    #: What people read as the reason.
    because: Text
    #: Approvers in addition to those of tier and playbook.
    factors: Annotated[Approvers, Field(validation_alias="approvers")] = ()
    #: The line in the file; 0 where it was not read from one.
    line: Annotated[int, NOT_IN_FILE] = 0

    def __post_init__(self) -> None:
        if self.factors and self.effect is RuleEffect.REFUSE:
            raise ValueError("a refusal has no approvers")
