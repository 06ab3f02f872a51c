"""All files of a folder, read together and refused together.

A folder holds ``playbooks/*.yml``, ``policy.yml``, ``systems.yml``, ``sources.yml``,
``channels.yml`` and ``people.yml``. Secrets are only named in them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from bot.cases.approval import OWNER
from bot.cases.errors import PlaybookInvalid
from bot.cases.hours import Hours
from bot.cases.identity import UNLINKED, Identities
from bot.cases.playbook import Playbook
from bot.cases.policy import Policy, Stage
from bot.cases.signal import UNRECOGNISED
from bot.cases.source import Source
from bot.connectors.specs import SystemSpec
from knowledge.library.calendars import DEFAULT, read_calendars, read_whole_desk_digests
from knowledge.library.people import read_people
from knowledge.library.playbooks import read_playbooks
from knowledge.library.policy import check_limits, read_policy
from knowledge.library.sources import (
    check_domains,
    check_source_names,
    find_origin,
    read_sources,
)
from knowledge.library.systems import read_systems

#: The files of this release.
PACKAGED = Path(__file__).parent.parent


@dataclass(frozen=True, kw_only=True)
class FileLibrary:
    """The files of one folder, read and checked together."""

    playbooks: Mapping[str, Playbook]
    rules: Policy
    systems: Mapping[str, SystemSpec]
    sources: Mapping[str, Source]
    #: The working hours by channel, and those of every other one under "default".
    calendars: Mapping[str, Hours]
    people: Identities = UNLINKED
    #: The channels that get one digest of all cases.
    lead_channels: tuple[str, ...] = ()

    def identities(self) -> Identities:
        """Return which accounts are one person's."""
        return self.people

    def playbook(self, kind: str) -> Playbook:
        """Return the playbook of this kind, or the one for unrecognised cases."""
        return self.playbooks.get(kind) or self.playbooks[UNRECOGNISED]

    def titles(self) -> list[tuple[str, str]]:
        """List the kinds that people can name, with and by their titles."""
        kinds = [
            (kind, playbook.title)
            for kind, playbook in self.playbooks.items()
            if kind != UNRECOGNISED
        ]
        return sorted(kinds, key=lambda pair: pair[1])

    def policy(self) -> Policy:
        """Return the policy."""
        return self.rules

    def limits_without_action(self) -> list[str]:
        """List the limits of policy.yml for actions that systems.yml does not declare."""
        actions = {
            f"{name}.{action}" for name, system in self.systems.items() for action in system.actions
        }
        return sorted(set(self.rules.actions) - actions)

    def hours(self, channel: str) -> Hours:
        """Return the working hours of a channel."""
        return self.calendars.get(channel) or self.calendars[DEFAULT]

    def deciders(self) -> list[str]:
        """List every group that may decide or own a case."""
        factors = [factor for tier in self.rules.tiers.values() for factor in tier.factors]
        for playbook in self.playbooks.values():
            factors += playbook.terms.factors
        groups = {factor.group for factor in factors}
        for playbook in self.playbooks.values():
            owners = playbook.owners
            groups |= {owners.business, owners.operations, owners.next_owner, owners.governance}
            for role, group in playbook.terms.owners.items():
                if f"{OWNER}{role}" in groups:
                    groups.add(group)
        return sorted(group for group in groups if not group.startswith(OWNER))

    def governors(self) -> list[str]:
        """List every group that answers for a kind."""
        return sorted({playbook.owners.governance for playbook in self.playbooks.values()})

    def whole_desk_digests(self) -> list[str]:
        """List the channels that get one digest of all cases, for leads."""
        return list(self.lead_channels)

    def channels(self) -> list[str]:
        """List every channel that cards go to."""
        return sorted({playbook.channel for playbook in self.playbooks.values()})


def load(folder: Path = PACKAGED, *, stage: Stage | None = None) -> FileLibrary:
    """Load the library in this folder. ``stage`` overrides that of every playbook.

    Raises:
        PlaybookInvalid: every complaint of every file, one a line.
    """
    systems = read_systems(folder / "systems.yml")
    policy = read_policy(folder / "policy.yml")
    sources = read_sources(folder / "sources.yml")
    calendars = read_calendars(folder / "channels.yml")
    people = read_people(folder / "people.yml")
    playbooks, playbook_complaints = read_playbooks(
        folder / "playbooks", systems=systems, policy=policy, stage=stage
    )
    complaints = [
        *check_limits(folder, policy, systems),
        *check_source_names(sources, systems),
        *playbook_complaints,
        *_fill_origins(playbooks, sources),
        *check_domains(sources, systems, playbooks),
    ]
    if UNRECOGNISED not in playbooks and not complaints:
        complaints.append(
            f"playbooks: one must be for kind {UNRECOGNISED}, so that nothing is dropped"
        )
    if complaints:
        raise PlaybookInvalid("\n".join(complaints))
    return FileLibrary(
        playbooks=playbooks,
        rules=policy,
        systems=systems,
        sources=sources,
        calendars=calendars,
        people=people,
        lead_channels=read_whole_desk_digests(folder / "channels.yml"),
    )


def _fill_origins(playbooks: dict[str, Playbook], sources: Mapping[str, Source]) -> list[str]:
    """Replace what each absence names by the domain that it listens to."""
    complaints = []
    for kind, playbook in playbooks.items():
        if playbook.absence is None:
            continue
        try:
            origin = find_origin(kind, playbook.absence, sources=sources, playbooks=playbooks)
        except PlaybookInvalid as error:
            complaints.append(str(error))
            continue
        playbooks[kind] = replace(playbook, absence=replace(playbook.absence, origin=origin))
    return complaints
