"""Usage: what was carried out lately, for the limits of policy."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from bot.cases.grant import GrantUse

DAY = timedelta(days=1)
NOTHING = Decimal(0)
STORED_DIGITS = Decimal("0.0001")


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
    #: The id of the grant that approved them; empty for none.
    grant_id: str = ""
    #: The id of the standing rule that they ran by; empty for none.
    rule_id: str = ""


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
        """Count the plans of a kind that began alone within a day."""
        return sum(
            row.first_steps for row in self.rows if row.alone_kind == kind and row.window <= DAY
        )

    def rule_times(self, rule_id: str) -> int:
        """Count the plans that began by a standing rule within a day."""
        return sum(
            row.first_steps for row in self.rows if row.rule_id == rule_id and row.window <= DAY
        )

    def of_grant(self, grant_id: str) -> GrantUse:
        """Sum the plans begun under a grant."""
        # A grant never lasts as long as a day, so the rows of a day have all of it.
        rows = [row for row in self.rows if row.grant_id == grant_id]
        return sum_grant((row.times, row.amount) for row in rows)


def sum_grant(rows: Iterable[tuple[int, Decimal]]) -> GrantUse:
    """Add up numbers and amounts, to the digits that are stored."""
    rows = list(rows)
    # SQLite sums in binary, and a sum that is used up to the penny must not seem above it.
    amount = sum((amount for _, amount in rows), NOTHING).quantize(STORED_DIGITS)
    return GrantUse(sum(times for times, _ in rows), amount)
