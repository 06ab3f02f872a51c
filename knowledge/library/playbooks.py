"""``playbooks/*.yml``: one kind of case each, checked against systems and policy."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from bot.cases.approval import can_be_met
from bot.cases.errors import PlaybookInvalid
from bot.cases.playbook import ActionOffer, Playbook
from bot.cases.playbook_version import decision_checksum
from bot.cases.policy import Policy, RiskTier, Stage
from bot.cases.required_approvers import approvers_of
from bot.cases.tree_shape import tree_mistakes
from bot.connectors.specs import SystemSpec
from knowledge.library.sources import check_name
from knowledge.library.systems import find_action
from knowledge.library.yaml_files import locate, read_bytes, read_raw


def read_playbook(path: Path, *, stage: Stage | None = None) -> Playbook:
    """Read one playbook, checked by itself. ``stage`` overrides its own.

    Raises:
        PlaybookInvalid: one line for each mistake.
    """
    return playbook_from(path, read_bytes(path), stage=stage)


def playbook_from(path: Path, raw: bytes, *, stage: Stage | None = None) -> Playbook:
    """Read the content of a playbook's file; ``path`` only names it.

    Raises:
        PlaybookInvalid: one line for each mistake.
    """
    playbook = read_raw(path, raw, Playbook)
    terms = replace(
        playbook.terms,
        owners=playbook.owners.by_role(),
        stage=stage or playbook.terms.stage,
    )
    return replace(
        playbook,
        terms=terms,
        checksum=hashlib.sha256(raw).hexdigest(),
        version=decision_checksum(playbook),
        text=raw.decode("utf-8"),
    )


def read_earlier_playbook(
    kind: str, text: str, *, systems: Mapping[str, SystemSpec], policy: Policy
) -> Playbook:
    """Read a version of a playbook that the ledger has kept.

    Raises:
        PlaybookInvalid: this release cannot read it, or it does not fit the systems of now.
    """
    path = Path(f"{kind}.yml")
    playbook = playbook_from(path, text.encode())
    complaints = _check_lookups(playbook, systems)
    for first in playbook.offers:
        for offer in first.chain():
            complaints += _check_offer(offer, systems, policy)
    if complaints:
        raise PlaybookInvalid("\n".join(f"{path.name}: {complaint}" for complaint in complaints))
    return with_stake_currency(playbook, policy.currency)


def with_stake_currency(playbook: Playbook, currency: str) -> Playbook:
    """Return a playbook whose stake is in the currency of policy.

    A playbook that names a currency keeps it.
    """
    if playbook.stake.currency:
        return playbook
    return replace(playbook, stake=replace(playbook.stake, currency=currency))


def read_playbooks(
    files: Iterable[Path],
    *,
    systems: Mapping[str, SystemSpec],
    policy: Policy,
    stage: Stage | None,
) -> tuple[dict[str, Playbook], list[str]]:
    """Read these playbooks, with the complaints about others."""
    playbooks: dict[str, Playbook] = {}
    complaints: list[str] = []
    names: dict[str, str] = {}
    for path in files:
        try:
            playbook = read_playbook(path, stage=stage)
        except PlaybookInvalid as error:
            complaints.append(str(error))
            continue
        mistakes = _check_playbook(path, playbook, systems=systems, policy=policy)
        if not mistakes and playbook.kind in playbooks:
            other = names[playbook.kind]
            mistakes = [f"{path.name}: another playbook is already for {playbook.kind}, in {other}"]
        if mistakes:
            complaints += mistakes
        else:
            playbooks[playbook.kind] = with_stake_currency(playbook, policy.currency)
            names[playbook.kind] = path.name
    return playbooks, complaints


def _check_playbook(
    path: Path,
    playbook: Playbook,
    *,
    systems: Mapping[str, SystemSpec],
    policy: Policy,
) -> list[str]:
    """List what only shows when the files are read together."""
    complaints = _check_lookups(playbook, systems)
    for first in playbook.offers:
        for offer in first.chain():
            complaints += _check_offer(offer, systems, policy)
    complaints += _check_trees(playbook, systems)
    complaints = [f"{path.name}: {complaint}" for complaint in complaints]
    denominator = playbook.measure.denominator
    if denominator.system and denominator.system not in systems:
        place = locate(path, ("measure", "denominator", "system"))
        complaints += [
            f"{place}: {complaint}"
            for complaint in _check_system("measure.denominator", denominator.system, systems)
        ]
    for complaint in _check_approvers(playbook, policy):
        complaints.append(f"{locate(path, ('approval',))}: approval: {complaint}")
    return complaints


def _check_lookups(playbook: Playbook, systems: Mapping[str, SystemSpec]) -> list[str]:
    complaints = []
    for lookup in playbook.evidence:
        complaints += _check_system(f"evidence.{lookup.name}", lookup.system, systems)
    if playbook.detection:
        complaints += _check_system("signal", playbook.detection.system, systems)
        complaints += check_name("signal: system", playbook.detection.system)
    return complaints


def _check_system(
    place: str,
    name: str,
    systems: Mapping[str, SystemSpec],
) -> list[str]:
    if name in systems:
        return []
    names = ", ".join(sorted(systems))
    return [f"{place}: systems.yml has no system {name!r}; it has {names}"]


def _check_offer(
    offer: ActionOffer,
    systems: Mapping[str, SystemSpec],
    policy: Policy,
) -> list[str]:
    spec = find_action(systems, offer.action)
    if spec is None:
        return [f"actions: systems.yml has no action {offer.action!r}"]
    complaints = []
    if offer.if_refused and not spec.says_refusals:
        complaints.append(
            f"actions: {offer.action} has if_refused, and systems.yml does not say by what"
            " (refused) its system refuses"
        )
    if offer.action not in policy.actions:
        complaints.append(
            f"actions: policy.yml does not list {offer.action!r}, so it could never run"
        )
    if set(spec.parameters) != set(offer.parameters):
        expected = ", ".join(sorted(spec.parameters))
        actual = ", ".join(sorted(offer.parameters))
        complaints.append(f"actions: {offer.action} takes {expected}; given {actual}")
    return complaints


def _check_trees(playbook: Playbook, systems: Mapping[str, SystemSpec]) -> list[str]:
    """Check the trees of a playbook."""
    returns = {
        f"{name}.{action}": spec.returns
        for name, system in systems.items()
        for action, spec in system.actions.items()
    }
    complaints = []
    for offer in playbook.offers:
        mistakes = tree_mistakes(offer, returns)
        complaints += [f"actions: {mistake}" for mistake in mistakes]
        others = [other for other in playbook.offers if other.action == offer.action]
        if offer.is_tree and len(others) > 1:
            complaints.append(
                f"actions: {offer.action} is offered twice; a tree begins with an action of its own"
            )
    return complaints


def _check_approvers(playbook: Playbook, policy: Policy) -> list[str]:
    """Complain of named people who are too few, with those of policy."""
    complaints = []
    for tier in RiskTier:
        name = tier.name.lower()
        if not can_be_met(approvers_of(tier, playbook.terms, policy.tiers[name])):
            complaints.append(
                f"at {name} risk the people named here and in policy.yml can never be complete:"
                " somebody would be needed twice"
            )
    return complaints
