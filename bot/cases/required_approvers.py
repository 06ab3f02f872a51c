"""The approvers of a plan, by policy and playbook together."""

from collections.abc import Iterable

from bot.cases.approval import OWNER, ApprovalRequirement
from bot.cases.policy import PlaybookTerms, RiskTier, TierRule


def approvers_of(
    tier: RiskTier,
    terms: PlaybookTerms,
    tier_rule: TierRule,
) -> tuple[ApprovalRequirement, ...]:
    """Return the approvers of this tier, by policy and playbook together.

    A role that the playbook does not fill has an empty name.
    """
    of_policy = resolve_roles(tier_rule.factors, terms)
    of_playbook = resolve_roles(terms.factors, terms)
    return combine_requirements(tier, of_policy, of_playbook)


def resolve_roles(
    factors: Iterable[ApprovalRequirement], terms: PlaybookTerms
) -> tuple[ApprovalRequirement, ...]:
    """Replace the roles of owners by the groups of the playbook.

    A role that it does not fill has an empty name.
    """
    result = []
    for factor in factors:
        if factor.group.startswith(OWNER):
            group = terms.owners.get(factor.group.removeprefix(OWNER), "")
            factor = ApprovalRequirement(group, factor.count)
        result.append(factor)
    return tuple(result)


def combine_requirements(
    tier: RiskTier,
    of_policy: tuple[ApprovalRequirement, ...],
    of_playbook: tuple[ApprovalRequirement, ...],
) -> tuple[ApprovalRequirement, ...]:
    """Combine the approvers of policy and playbook.

    There are never fewer people than either asks for. At low risk the playbook's approvers decide,
    where it names any. Above that both must be satisfied: a group that both name gives the larger
    count.
    """
    policy_counts = _count_by_group(of_policy)
    playbook_counts = _count_by_group(of_playbook)
    if tier is RiskTier.LOW and playbook_counts:
        shortfall = sum(policy_counts.values()) - sum(playbook_counts.values())
        first = next(iter(playbook_counts))
        counts = {**playbook_counts, first: playbook_counts[first] + max(shortfall, 0)}
    elif not policy_counts:
        return ()
    else:
        return add_requirements(of_policy, of_playbook)
    return tuple(ApprovalRequirement(group, count) for group, count in counts.items())


def add_requirements(
    ones: tuple[ApprovalRequirement, ...], others: tuple[ApprovalRequirement, ...]
) -> tuple[ApprovalRequirement, ...]:
    """Require both: a group that both name gives the larger count."""
    counts = _count_by_group(ones)
    for group, count in _count_by_group(others).items():
        counts[group] = max(count, counts.get(group, 0))
    return tuple(ApprovalRequirement(group, count) for group, count in counts.items())


def _count_by_group(factors: Iterable[ApprovalRequirement]) -> dict[str, int]:
    """Add up the counts of each group."""
    counts: dict[str, int] = {}
    for factor in factors:
        counts[factor.group] = counts.get(factor.group, 0) + factor.count
    return counts
