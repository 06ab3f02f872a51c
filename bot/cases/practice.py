"""Practice: what people did by hand where the bot only recommended."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from enum import StrEnum

from bot.cases.canonical import Scalar
from bot.cases.policy import Verdict

#: The rule of policy that keeps a plan from running because its stage is shadow.
SHADOW_RULE = "stage.shadow"


class PracticeSource(StrEnum):
    """Who says what was done. The values stand in the ledger."""

    #: The system of record shows it.
    SYSTEM = "system"
    #: A person said it in Slack.
    PERSON = "person"


@dataclass(frozen=True, slots=True, kw_only=True)
class Practice:
    """What was done by hand, compared with the plan of one revision."""

    revision: int
    #: The action of the plan was done.
    action_agrees: bool
    #: It was done with the parameters of the plan.
    parameters_agree: bool
    source: PracticeSource
    detail: str
    by_name: str
    at: datetime

    @property
    def agrees(self) -> bool:
        """Tell whether people did exactly what was recommended."""
        return self.action_agrees and self.parameters_agree


def is_shadow(verdict: Verdict | None) -> bool:
    """Tell whether the plan would have run, had its stage not been shadow."""
    return verdict is not None and verdict.rule == SHADOW_RULE


def differing_parameters(
    parameters: Mapping[str, Scalar], row: Mapping[str, Scalar]
) -> tuple[str, ...]:
    """Name the parameters that a row of the system of record contradicts.

    A parameter without a column of its name is not compared.
    """
    return tuple(
        name for name, value in parameters.items() if name in row and not _is_same(value, row[name])
    )


def _is_same(one: Scalar, other: Scalar) -> bool:
    """Compare as people do: 24 is 24.0 is "24"."""
    if one is None or other is None:
        return one is other
    try:
        return Decimal(str(one)) == Decimal(str(other))
    except InvalidOperation:
        return str(one).strip() == str(other).strip()
