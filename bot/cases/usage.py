"""Usage: what was carried out lately, for the limits of policy."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

DAY = timedelta(days=1)
NOTHING = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class UsedActions:
    """Actions of one name, target, requester and currency, counted together."""

    action: str
    times: int
    amount: Decimal = NOTHING
    #: Empty for the currency of policy, the only one of earlier releases.
    currency: str = ""
    #: Empty where it is no target of the plan that is judged.
    target: str = ""
    #: Empty where it is not the requester of the plan that is judged.
    requester: str = ""
    #: The shortest window asked for in which they lie.
    window: timedelta = DAY
    #: The kind of the plans, where policy let them run alone.
    alone_kind: str = ""
    #: How many of them were the first step of a plan.
    first_steps: int = 0


@dataclass(frozen=True, slots=True)
class Usage:
    """The actions carried out within the windows of policy."""

    rows: tuple[UsedActions, ...] = ()

    def of(self, action: str, window: timedelta) -> Iterator[UsedActions]:
        """Yield what was done of an action within this window."""
        for row in self.rows:
            if row.action == action and row.window <= window:
                yield row

    def alone_times(self, kind: str) -> int:
        """Count the plans of a kind that began alone within a day, by their first actions."""
        return sum(
            row.first_steps for row in self.rows if row.alone_kind == kind and row.window <= DAY
        )
