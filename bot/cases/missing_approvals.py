"""The approvals that a plan still needs after those that were given."""

from collections.abc import Sequence
from dataclasses import dataclass

from bot.cases.approval import Approval, ApprovalRequirement, Groups, count_seats
from bot.cases.calls import open_groups


@dataclass(frozen=True, slots=True)
class MissingApprovals:
    """The number of missing approvals, and the groups that can give one."""

    count: int
    groups: tuple[str, ...]


def missing_approvals(
    factors: Sequence[ApprovalRequirement], approvals: Sequence[Approval], groups: Groups
) -> MissingApprovals:
    """Count the places that have no person of their own yet."""
    places = sum(factor.count for factor in factors)
    seats = count_seats(approvals, factors, groups)
    return MissingApprovals(places - seats, open_groups(factors, approvals, groups))
