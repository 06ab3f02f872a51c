"""The approvals that a plan still needs."""

import pytest

from bot.cases.approval import Approval, ApprovalRequirement
from bot.cases.missing_approvals import MissingApprovals, missing_approvals
from tests.cases.making import NOW

OPS, FINANCE = ApprovalRequirement("ops-leads", 1), ApprovalRequirement("finance", 1)
TWO_OPS = ApprovalRequirement("ops-leads", 2)
GROUPS = {
    "ops-leads": frozenset({"T1/UBEN", "T1/UELSIE"}),
    "finance": frozenset({"T1/UCARLA", "T1/UELSIE"}),
}


def vote(person):
    return Approval(person=person, name=person[4:], digest="d", at=NOW)


@pytest.mark.parametrize(
    ("factors", "voters", "count", "groups"),
    [
        ((OPS, FINANCE), (), 2, ("ops-leads", "finance")),
        ((OPS, FINANCE), ("T1/UBEN",), 1, ("finance",)),
        ((OPS, FINANCE), ("T1/UCARLA",), 1, ("ops-leads",)),
        # Of both groups: either of the two may come next.
        ((OPS, FINANCE), ("T1/UELSIE",), 1, ("ops-leads", "finance")),
        ((TWO_OPS,), (), 2, ("ops-leads",)),
        ((TWO_OPS, FINANCE), ("T1/UBEN",), 2, ("ops-leads", "finance")),
        ((OPS, FINANCE), ("T1/UBEN", "T1/UCARLA"), 0, ()),
    ],
)
def test_what_is_missing_is_counted_and_named(factors, voters, count, groups):
    votes = list(map(vote, voters))
    assert missing_approvals(factors, votes, GROUPS) == MissingApprovals(count, groups)
