"""``policy.yml``: limits and approvers."""

from collections.abc import Mapping
from pathlib import Path

from bot.cases.policy import Policy
from bot.connectors.specs import SystemSpec
from knowledge.library.systems import find_action
from knowledge.library.yaml_files import locate, read


def read_policy(path: Path) -> Policy:
    """Read the policy."""
    policy, _ = read(path, Policy)
    return policy


def check_limits(
    folder: Path,
    policy: Policy,
    systems: Mapping[str, SystemSpec],
) -> list[str]:
    """List limits that limit nothing, and actions that are always refused."""
    complaints = []
    for action in policy.actions:
        complaint = _check_limit(folder, action, policy=policy, systems=systems)
        if complaint:
            complaints.append(complaint)
    return complaints


def _check_limit(
    folder: Path,
    action: str,
    *,
    policy: Policy,
    systems: Mapping[str, SystemSpec],
) -> str:
    spec = find_action(systems, action)
    if spec is None:
        # It limits nothing that could run; `countersign check` asks whether it is misspelt.
        return ""
    limit = policy.actions[action]
    has_money_limit = limit.per_plan is not None or limit.amount_per_day is not None
    if has_money_limit and not spec.amount:
        place = locate(folder / "policy.yml", ("actions", action))
        reason = "declares no amount in systems.yml, so a limit of money says nothing"
        return f"{place}: {action} {reason}"
    if spec.amount and spec.currency != policy.currency:
        system, _, name = action.partition(".")
        place = locate(folder / "systems.yml", ("systems", system, "actions", name))
        reason = f"moves {spec.currency}; policy.yml speaks {policy.currency}, and refuses it"
        return f"{place}: {action} {reason}"
    return ""
