"""``policy.yml``: limits and approvers."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from bot.cases.conditions import (
    compared_names,
    did_you_mean,
    fact_names,
    parameter_names,
)
from bot.cases.errors import PlaybookInvalid
from bot.cases.evidence import SIGNAL
from bot.cases.plan import CENT
from bot.cases.playbook import Playbook
from bot.cases.policy import ActionLimit, Policy
from bot.connectors.specs import ActionSpec, SystemSpec
from knowledge.library.retention import check_retention
from knowledge.library.systems import find_action
from knowledge.library.yaml_files import locate, locate_raw, read, read_raw


def read_policy(path: Path) -> Policy:
    """Read the policy, with the line of each rule.

    Raises:
        PlaybookInvalid: one line for each mistake, and what to do: there is no default policy.
    """
    try:
        policy, _ = read(path, Policy)
    except PlaybookInvalid as error:
        raise PlaybookInvalid(f"{error}\n{_remedy(path)}") from None
    return _with_lines(policy, path, path.read_bytes())


def _with_lines(policy: Policy, path: Path, raw: bytes) -> Policy:
    if not policy.rules:
        return policy
    rules = tuple(
        replace(rule, line=int(locate_raw(path, raw, ("rules", place, "when")).rpartition(":")[2]))
        for place, rule in enumerate(policy.rules)
    )
    return replace(policy, rules=rules)


def read_policy_text(text: str) -> Policy:
    """Read the text of a policy that was in force.

    Raises:
        PlaybookInvalid: one line for each mistake.
    """
    path, raw = Path("policy.yml"), text.encode()
    return _with_lines(read_raw(path, raw, Policy), path, raw)


def _remedy(path: Path) -> str:
    if not path.exists():
        return f"Nothing may run without a policy: put {path.name} back, or run `countersign init`"
    return (
        f"Nothing may run by a policy with mistakes: correct {path.name}, or put the last one back"
    )


def read_policy_file(
    path: Path,
    *,
    systems: Mapping[str, SystemSpec],
    playbooks: Mapping[str, Playbook],
    systems_file: Path,
) -> Policy:
    """Read another policy, checked against the other files.

    Raises:
        PlaybookInvalid: one line for each mistake, with file and line.
    """
    policy = read_policy(path)
    complaints = [
        *check_limits(path, policy, systems, systems_file=systems_file),
        *check_names(path, policy, systems=systems, playbooks=playbooks),
        *check_retention(path, policy, systems=systems, playbooks=playbooks),
    ]
    if complaints:
        raise PlaybookInvalid("\n".join(complaints))
    return policy


def check_limits(
    path: Path,
    policy: Policy,
    systems: Mapping[str, SystemSpec],
    *,
    systems_file: Path,
) -> list[str]:
    """List limits that limit nothing, and actions that are always refused."""
    complaints = []
    for action, limit in policy.actions.items():
        spec = find_action(systems, action)
        # A limit of no action limits nothing; `countersign check` asks whether it is misspelt.
        if spec is not None:
            complaints += _check_limit(path, action, limit=limit, spec=spec)
            complaints += _check_currency(systems_file, action, spec=spec, policy=policy)
    return complaints


def _check_limit(
    path: Path,
    action: str,
    *,
    limit: ActionLimit,
    spec: ActionSpec,
) -> list[str]:
    complaints = []
    if limit.has_money_limit and not spec.amount:
        place = locate(path, ("actions", action))
        reason = "declares no amount in systems.yml, so a limit of money says nothing"
        complaints.append(f"{place}: {action} {reason}")
    for name in limit.parameters:
        if name not in spec.parameters:
            place = locate(path, ("actions", action, "parameters", name))
            names = ", ".join(sorted(spec.parameters))
            hint = did_you_mean(name, spec.parameters) or f"; it has {names}"
            complaints.append(f"{place}: {action} has no parameter {name}{hint}")
    return complaints


def _check_currency(
    systems_file: Path,
    action: str,
    *,
    spec: ActionSpec,
    policy: Policy,
) -> list[str]:
    if not spec.amount or policy.convert(CENT, spec.currency) is not None:
        return []
    system, _, name = action.partition(".")
    place = locate(systems_file, ("systems", system, "actions", name))
    reason = f"moves {spec.currency}; policy.yml speaks {policy.currency}, and refuses it"
    return [f"{place}: {action} {reason}: give {spec.currency} a rate under currencies"]


def check_names(
    path: Path,
    policy: Policy,
    *,
    systems: Mapping[str, SystemSpec],
    playbooks: Mapping[str, Playbook],
) -> list[str]:
    """List kinds, actions, facts and parameters in policy that nothing else declares.

    A rule with such a name would hold never, or refuse always.
    """
    actions = [f"{name}.{action}" for name, system in systems.items() for action in system.actions]
    complaints = []
    for place, name in enumerate(policy.never_alone):
        if name not in playbooks and name not in actions:
            hint = did_you_mean(name, [*playbooks, *actions])
            where = locate(path, ("never_alone", place))
            complaints.append(f"{where}: never_alone: there is no kind or action {name}{hint}")
    for kind in policy.versions.only if policy.versions else ():
        if kind not in playbooks:
            where = locate(path, ("versions", "only", kind))
            hint = did_you_mean(kind, playbooks)
            complaints.append(f"{where}: versions.only: there is no kind {kind}{hint}")
    for place, rule in enumerate(policy.rules):
        for complaint in _unknown_names(
            rule.when, actions=actions, systems=systems, playbooks=playbooks
        ):
            where = locate(path, ("rules", place, "when"))
            complaints.append(f"{where}: rules.{place}.when: {complaint}")
    return complaints


def _unknown_names(
    condition: str,
    *,
    actions: Sequence[str],
    systems: Mapping[str, SystemSpec],
    playbooks: Mapping[str, Playbook],
) -> Iterator[str]:
    lookups = {SIGNAL, *(one.name for book in playbooks.values() for one in book.evidence)}
    parameters = {
        parameter
        for system in systems.values()
        for spec in system.actions.values()
        for parameter in spec.parameters
    }
    uses = (
        ("kind", compared_names(condition, "case.kind"), playbooks.keys()),
        ("action", compared_names(condition, "action.name"), actions),
        ("look-up", fact_names(condition), lookups),
        ("parameter of an action", parameter_names(condition), parameters),
    )
    for what, names, known_names in uses:
        for name in names:
            if name not in known_names:
                yield f"there is no {what} {name}{did_you_mean(name, known_names)}"
