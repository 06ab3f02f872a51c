"""All files of a folder, read together and refused together.

A folder holds ``playbooks/*.yml``, ``policy.yml``, ``systems.yml``, ``sources.yml``,
``channels.yml``, ``people.yml``, ``programs.yml``, ``recognition.yml``, ``questions.yml`` and the
presets of ``sources/``. The playbooks of the packaged sample lie in ``packs/``.
Secrets are only named in them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from bot.cases.approval import OWNER
from bot.cases.approval_playbook import approval_playbook, with_program_actions
from bot.cases.call_rules import CallRules
from bot.cases.constraints import is_channel_name
from bot.cases.desk_kinds import DESK_SYSTEM
from bot.cases.errors import PlaybookInvalid
from bot.cases.hours import Hours
from bot.cases.identity import UNLINKED, Identities
from bot.cases.merit_rules import MeritRules
from bot.cases.playbook import Playbook
from bot.cases.policy import Policy, Stage
from bot.cases.program import Program
from bot.cases.rule_record import KindRules, RuleRecord
from bot.cases.rules_playbook import rules_playbook
from bot.cases.signal import UNRECOGNISED
from bot.cases.source import Source
from bot.cases.stage_playbook import stage_playbook, with_desk_actions
from bot.cases.standing_rule_playbook import standing_rule_playbook
from bot.cases.version_playbook import version_playbook
from bot.connectors.desk import DESK_SPEC
from bot.connectors.specs import SystemSpec
from bot.views.labels import Labels
from knowledge.library import channel_ids
from knowledge.library.built_in import built_in_playbook
from knowledge.library.channels import Channels, read_channels
from knowledge.library.definitions import definition_checksums
from knowledge.library.people import read_names, read_people
from knowledge.library.playbook_files import PACKAGED, list_playbook_files
from knowledge.library.playbooks import (
    read_earlier_playbook,
    read_playbooks,
    with_stake_currency,
)
from knowledge.library.policy import (
    check_limits,
    check_names,
    read_policy,
    read_policy_text,
)
from knowledge.library.presets import Preset
from knowledge.library.programs import FILE_NAME as PROGRAMS_FILE
from knowledge.library.programs import (
    check_programs,
    find_strange_kinds,
    program_checksums,
    read_programs,
)
from knowledge.library.questions import FILE_NAME as QUESTIONS_FILE
from knowledge.library.questions import QuestionExamples, check_kinds, read_questions
from knowledge.library.recognition import FILE_NAME as RECOGNITION_FILE
from knowledge.library.recognition import check_merit_kinds, read_recognition
from knowledge.library.retention import check_retention
from knowledge.library.sources import (
    check_domains,
    check_record_checks,
    check_source_names,
    find_origin,
    list_speakers,
    read_sources,
)
from knowledge.library.systems import read_systems, with_currency
from knowledge.library.titles import collect_labels, find_missing_titles, with_programs


@dataclass(frozen=True, kw_only=True)
class FileLibrary:
    """The files of one folder, read and checked together."""

    playbooks: Mapping[str, Playbook]
    rules: Policy
    #: The file of the policy as it was read.
    policy_text: str = ""
    systems: Mapping[str, SystemSpec]
    sources: Mapping[str, Source]
    #: What products send, by the name of the source that takes it.
    presets: Mapping[str, Preset] = field(default_factory=dict)
    channel_rules: Channels
    #: The ids of channels that files name, as far as they are known.
    ids_of_channels: Mapping[str, str] = field(default_factory=dict)
    people: Identities = UNLINKED
    merit_rules: MeritRules = field(default_factory=MeritRules)
    programs: Mapping[str, Program] = field(default_factory=dict)
    #: An account in Slack of each person in people.yml, by name.
    people_by_name: Mapping[str, str] = field(default_factory=dict)
    #: The file of examples of questions. It is read when they are needed, which is seldom.
    questions_file: Path = PACKAGED / QUESTIONS_FILE
    #: Accounts and those before them, while a change of people.yml waits; else empty.
    _joint: list[tuple[Identities, Identities | None]] = field(default_factory=list, init=False)

    def identities(self) -> Identities:
        """Return which accounts are one person's."""
        return self._joint_identities[0]

    def declared_identities(self) -> Identities:
        """Return what the file alone says of the accounts."""
        return self.people

    def join_identities(self, earlier: Identities | None) -> None:
        """Count as one person, too, whoever is one by these.

        None for the file alone.
        """
        if earlier is not self._joint_identities[1]:
            joint = self.people if earlier is None else self.people.join(earlier)
            # One item, so that a reader in another thread never sees half of it.
            self._joint[:] = [(joint, earlier)]

    @property
    def _joint_identities(self) -> tuple[Identities, Identities | None]:
        return self._joint[0] if self._joint else (self.people, None)

    def playbook(self, kind: str) -> Playbook:
        """Return the playbook of this kind, or the one for unrecognised cases."""
        playbook = self.playbooks.get(kind) or self._own_playbooks.get(kind)
        return playbook or self.playbooks[UNRECOGNISED]

    @cached_property
    def _own_playbooks(self) -> dict[str, Playbook]:
        """Make the playbooks that no file declares."""
        books = [stage_playbook(playbook) for playbook in self.playbooks.values()]
        books += [standing_rule_playbook(playbook) for playbook in self.playbooks.values()]
        books += [version_playbook(playbook) for playbook in self.playbooks.values()]
        beside = self.playbooks[UNRECOGNISED]
        books += [approval_playbook(program, beside) for program in self.programs.values()]
        books.append(rules_playbook(self.playbooks[UNRECOGNISED], self.governors()))
        currency = self.rules.currency
        return {playbook.kind: with_stake_currency(playbook, currency) for playbook in books}

    def titles(self) -> list[tuple[str, str]]:
        """List the kinds that people can name, with and by their titles."""
        kinds = [
            (kind, playbook.title)
            for kind, playbook in self.playbooks.items()
            if kind != UNRECOGNISED
        ]
        return sorted(kinds, key=lambda pair: pair[1])

    def labels(self) -> Labels:
        """Return what people read in place of the names in these files."""
        return self._labels

    @cached_property
    def _labels(self) -> Labels:
        playbooks = {**self.playbooks, **self._own_playbooks}
        systems = {**self.systems, DESK_SYSTEM: DESK_SPEC}
        labels = collect_labels(playbooks, systems, self.channel_rules.titles)
        return with_programs(labels, self.programs)

    def channel_names(self) -> list[str]:
        """List the channels that files name by name, and not by id."""
        rules = self.channel_rules
        channels = {
            *self.channels(),
            *rules.channels(),
            self.merit_rules.channel,
        }
        for playbook in self.playbooks.values():
            channels.update(channel_ids.list_channel_names(playbook, self.systems))
        return sorted(channel for channel in channels if is_channel_name(channel))

    def with_channel_ids(self, ids: Mapping[str, str]) -> "FileLibrary":
        """Return the library with ids in place of names of channels."""
        return replace(
            self,
            playbooks={
                kind: channel_ids.with_channel_ids(book, ids, self.systems)
                for kind, book in self.playbooks.items()
            },
            programs={
                name: replace(program, channel=ids.get(program.channel, program.channel))
                for name, program in self.programs.items()
            },
            merit_rules=replace(
                self.merit_rules,
                channel=ids.get(self.merit_rules.channel, self.merit_rules.channel),
            ),
            channel_rules=self.channel_rules.with_ids(ids),
            ids_of_channels={**self.ids_of_channels, **ids},
        )

    def missing_titles(self) -> list[str]:
        """List the names without a title, which people would read unchanged."""
        return find_missing_titles(self.playbooks, self.systems)

    def policy(self) -> Policy:
        """Return the policy, with the limits of the desk's own actions."""
        return self._policy

    @cached_property
    def _policy(self) -> Policy:
        return self._with_own_actions(self.rules)

    def _with_own_actions(self, policy: Policy) -> Policy:
        return with_program_actions(with_desk_actions(policy), self.programs.values())

    def account_of(self, name: str) -> str:
        """Return the account of a person by their name in people.yml."""
        return self.people_by_name.get(name, name)

    def rule_record(self) -> RuleRecord:
        """Return policy, approver groups, connectors and people as one record."""
        return self._rule_record

    @cached_property
    def _rule_record(self) -> RuleRecord:
        return RuleRecord(
            policy_text=self.policy_text,
            policy_checksum=self.rules.checksum,
            kinds={
                kind: KindRules.of(playbook.terms, playbook.owners.by_role())
                for kind, playbook in self.playbooks.items()
            },
            actions={
                **definition_checksums(self.systems),
                **program_checksums(self.programs),
            },
            people_checksum=self.people.checksum,
        )

    def policy_from(self, text: str) -> Policy:
        """Read a policy that the ledger has kept, as ``policy`` returns it."""
        return self._with_own_actions(read_policy_text(text))

    def playbook_from(self, kind: str, text: str) -> Playbook:
        """Read a playbook that the ledger has kept.

        Raises:
            PlaybookInvalid: this release cannot read it, or it does not fit the systems of now.
        """
        playbook = read_earlier_playbook(kind, text, systems=self.systems, policy=self.rules)
        return channel_ids.with_channel_ids(playbook, self.ids_of_channels, self.systems)

    def limits_without_action(self) -> list[str]:
        """List the limits of policy.yml for actions that systems.yml does not declare."""
        actions = {
            f"{name}.{action}" for name, system in self.systems.items() for action in system.actions
        }
        return sorted(set(self.rules.actions) - actions)

    def strange_program_kinds(self) -> list[str]:
        """List the kinds that programs.yml names and no playbook has."""
        return find_strange_kinds(self.programs, self.playbooks)

    def hours(self, channel: str) -> Hours:
        """Return the working hours of a channel."""
        return self.channel_rules.hours(channel)

    def call_rules(self, channel: str, kind: str) -> CallRules:
        """Return the rules of calls about a kind in a channel."""
        return self.playbook(kind).calls.apply_to(self.channel_rules.calls(channel))

    def questions(self) -> QuestionExamples:
        """Read the examples of questions.

        Raises:
            PlaybookInvalid: one line for each mistake.
        """
        return read_questions(self.questions_file)

    def question_problems(self) -> list[str]:
        """List the mistakes in the examples of questions."""
        try:
            examples = self.questions()
        except PlaybookInvalid as error:
            return str(error).splitlines()
        if self.questions_file == PACKAGED / QUESTIONS_FILE:
            # It knows kinds that a library need not have.
            return []
        return check_kinds(self.questions_file, examples, self.playbooks)

    def deciders(self) -> list[str]:
        """List every group that may decide or own a case."""
        factors = [factor for tier in self.rules.tiers.values() for factor in tier.factors]
        for playbook in self.playbooks.values():
            factors += playbook.terms.factors
        groups = {factor.group for factor in factors}
        groups |= {program.owner for program in self.programs.values() if program.owner}
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
        return list(self.channel_rules.whole_desk_digests)

    def speakers(self) -> list[str]:
        """List every name under which signals come in: sources, systems and domains."""
        return list_speakers(self.sources, self.playbooks, self.programs.values())

    def channels(self) -> list[str]:
        """List every channel that cards go to."""
        channels = {program.channel for program in self.programs.values() if program.channel}
        return sorted(channels | {playbook.channel for playbook in self.playbooks.values()})


def load(folder: Path = PACKAGED, *, stage: Stage | None = None) -> FileLibrary:
    """Load the library in this folder. ``stage`` overrides that of every playbook.

    Raises:
        PlaybookInvalid: every complaint of every file, one a line.
    """
    systems_file, policy_file = folder / "systems.yml", folder / "policy.yml"
    policy = read_policy(policy_file)
    systems = with_currency(read_systems(systems_file), policy.currency)
    source_files = read_sources(folder / "sources.yml")
    people = read_people(folder / "people.yml")
    people_by_name = read_names(folder / "people.yml")
    programs = read_programs(folder / PROGRAMS_FILE, people_by_name)
    merit_rules = read_recognition(folder / RECOGNITION_FILE)
    playbooks, playbook_complaints = read_playbooks(
        list_playbook_files(folder),
        systems=systems,
        policy=policy,
        stage=stage,
    )
    sources = source_files.with_kinds(playbooks)
    complaints = [
        *check_limits(policy_file, policy, systems, systems_file=systems_file),
        *check_source_names(sources, systems),
        *playbook_complaints,
        *_fill_origins(playbooks, sources),
        *check_record_checks(sources, systems),
        *check_domains(sources, systems, playbooks),
        *check_merit_kinds(folder, merit_rules, playbooks),
    ]
    if not playbook_complaints:
        # A playbook with a mistake is missing, and its kind would look misspelt.
        complaints += check_names(policy_file, policy, systems=systems, playbooks=playbooks)
        complaints += check_retention(policy_file, policy, systems=systems, playbooks=playbooks)
        complaints += check_programs(
            programs, systems=systems, policy=policy, playbooks=playbooks, people=people
        )
    if complaints:
        raise PlaybookInvalid("\n".join(complaints))
    channel_rules = read_channels(folder / "channels.yml")
    if UNRECOGNISED not in playbooks:
        playbooks[UNRECOGNISED] = built_in_playbook(
            PACKAGED / "playbooks" / f"{UNRECOGNISED}.yml",
            policy=policy,
            playbooks=playbooks,
            channels=channel_rules,
            stage=stage,
        )
    questions_file = folder / QUESTIONS_FILE
    if not questions_file.exists():
        questions_file = PACKAGED / QUESTIONS_FILE
    library = FileLibrary(
        playbooks=playbooks,
        rules=policy,
        policy_text=policy_file.read_text(encoding="utf-8"),
        systems=systems,
        sources=sources,
        presets=source_files.presets,
        channel_rules=channel_rules,
        people=people,
        merit_rules=merit_rules,
        programs=programs,
        people_by_name=people_by_name,
        questions_file=questions_file,
    )
    return library.with_channel_ids(channel_rules.ids) if channel_rules.ids else library


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
