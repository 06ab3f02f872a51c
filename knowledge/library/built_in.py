"""The playbook of unrecognised cases, where a library has none."""

import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from bot.cases.approval import OWNER, PEOPLE
from bot.cases.errors import PlaybookInvalid
from bot.cases.playbook import Playbook
from bot.cases.policy import TIER_NAMES, Policy, Stage
from bot.cases.signal import UNRECOGNISED
from knowledge.library.channels import Channels
from knowledge.library.playbooks import playbook_from
from knowledge.library.yaml_files import read_values


def built_in_playbook(
    path: Path,
    *,
    policy: Policy,
    playbooks: Mapping[str, Playbook],
    channels: Channels,
    stage: Stage | None,
) -> Playbook:
    """Read the playbook of this release for the groups of a library.

    Raises:
        PlaybookInvalid: no file of the library names a channel, or a group.
    """
    channel = _find_channel(playbooks, channels)
    owners = _find_owners(policy, playbooks)
    if not channel or not owners:
        missing = "group" if channel else "channel"
        raise PlaybookInvalid(
            f"playbooks: no file names a {missing} for cases that fit no playbook; write one, or"
            f" a playbook for kind {UNRECOGNISED}, so that nothing is dropped"
        )
    values = read_values(path)
    values["channel"] = channel
    values["owners"] = owners
    values["stake"] = {**values["stake"], "currency": policy.currency}
    # The ledger keeps the text, from which the playbook of these groups can be read again.
    lines = [f"{name}: {json.dumps(value, ensure_ascii=False)}\n" for name, value in values.items()]
    return playbook_from(path, "".join(lines).encode(), stage=stage)


def _find_channel(playbooks: Mapping[str, Playbook], channels: Channels) -> str:
    """Return the channel of most playbooks, else the library's first."""
    usual = Counter(playbook.channel for playbook in playbooks.values()).most_common(1)
    if usual:
        return usual[0][0]
    names = [*channels.whole_desk_digests, *channels.titles, *channels.hours_by_channel]
    return names[0] if names else ""


def _find_owners(policy: Policy, playbooks: Mapping[str, Playbook]) -> dict[str, str]:
    """Return the approving groups by role, else the first playbook's owners.

    Whoever may approve at low risk looks first, and whoever answers for most is next.
    """
    groups = [
        factor.group
        for tier in TIER_NAMES
        for factor in policy.tiers[tier].factors
        if not factor.group.startswith((OWNER, PEOPLE))
    ]
    if not groups:
        return next((playbook.owners.by_role() for playbook in playbooks.values()), {})
    governors = policy.emergency.group if policy.emergency else groups[-1]
    roles = dict.fromkeys(("business", "operations", "technical"), groups[0])
    return {**roles, "governance": governors, "next": governors}
