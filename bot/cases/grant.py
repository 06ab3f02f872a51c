"""Grants: bounded approval of the next few plans like one."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

from bot.cases.canonical import Scalar
from bot.cases.plan import Money

MAX_GRANT_COUNT = 20
#: Below the day that usage always looks back, so that what was spent is seen whole.
MAX_GRANT_TIME = timedelta(hours=12)
DEFAULT_GRANT_COUNT = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """An approval in advance of the next plans like one."""

    #: The case whose approval it came with, and the entry of the desk: "EX-12/7".
    id: str = ""
    giver: str
    giver_name: str
    kind: str
    #: The one action of each plan.
    action: str
    #: Empty for any.
    target: str = ""
    #: The one group that policy asks, to which the giver belongs.
    group: str
    max_count: int
    #: None where the action moves no money.
    max_amount: Money | None
    until: datetime
    #: The names of the parameters, and the most that those may be which people could edit.
    parameters: tuple[str, ...]
    limits: Mapping[str, Scalar] = field(default_factory=dict)
    policy_digest: str
    playbook_digest: str
    on_case: str
    on_revision: int


@dataclass(frozen=True, slots=True)
class GrantUse:
    """The number and the sum that were used of a grant."""

    count: int = 0
    amount: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True)
class GrantMeter:
    """A grant with what was used of it."""

    grant: Grant
    use: GrantUse


def giving_case(grant_id: str) -> str:
    """Return the case whose approval a grant came with."""
    return grant_id.partition("/")[0]
