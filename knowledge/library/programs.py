"""``programs.yml``: the callers that ask for approvals and are told of decisions."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated

from bot.cases.approval_playbook import own_limits
from bot.cases.canonical import canonical_hash, to_plain
from bot.cases.conditions import did_you_mean
from bot.cases.constraints import KEYED
from bot.cases.identity import Identities
from bot.cases.playbook import Playbook
from bot.cases.policy import Policy
from bot.cases.program import KIND_PREFIX, SYSTEM_PREFIX, Program, ProgramAction
from bot.connectors.specs import SystemSpec
from knowledge.library.sources import check_name
from knowledge.library.systems import find_action
from knowledge.library.yaml_files import read

FILE_NAME = "programs.yml"
#: They change what people read, and where.
_WORDS = ("title", "channel", "follow_up", "callback", "per_minute", "max_open")


@dataclass(frozen=True, slots=True)
class ProgramsFile:
    #: The programs by name.
    programs: Annotated[Mapping[str, Program], KEYED] = field(default_factory=dict)


def read_programs(path: Path, people: Mapping[str, str]) -> Mapping[str, Program]:
    """Read the programs by name; none where there is no file.

    ``people`` has the account of each person in people.yml by name.
    """
    if not path.exists():
        return {}
    document, _ = read(path, ProgramsFile)
    return {
        name: replace(
            program, acts_for=tuple(people.get(person, person) for person in program.acts_for)
        )
        for name, program in document.programs.items()
    }


def program_checksums(programs: Mapping[str, Program]) -> dict[str, str]:
    """Return checksums by program and own action.

    A change is decided like a change of systems.yml.
    """
    checksums = {}
    for program in programs.values():
        plain = to_plain(program)
        for name in _WORDS:
            plain.pop(name, None)
        checksum = canonical_hash(plain)
        checksums[program.source] = checksum
        checksums |= dict.fromkeys(own_limits(program), checksum)
    return checksums


def check_programs(
    programs: Mapping[str, Program],
    *,
    systems: Mapping[str, SystemSpec],
    policy: Policy,
    playbooks: Mapping[str, Playbook],
    people: Identities,
) -> list[str]:
    """List what a program could never do, or what nobody has bounded."""
    complaints = list(_clashes(programs, systems, playbooks))
    for program in programs.values():
        place = f"{FILE_NAME}: {program.name}"
        for person in program.acts_for:
            if people.person_of(person) is None:
                complaints.append(
                    f"{place}: acts_for: {person} is neither an account in Slack (team/user) nor a"
                    " name or account in people.yml"
                )
        for name, action in program.actions.items():
            complaints += [
                f"{place}: {name} {reason}"
                for reason in _action_faults(name, action, systems=systems, policy=policy)
            ]
    return complaints


def find_strange_kinds(
    programs: Mapping[str, Program], playbooks: Mapping[str, Playbook]
) -> list[str]:
    """List the kinds of programs that no playbook has."""
    problems = []
    for program in programs.values():
        for kind in program.kinds:
            if kind not in playbooks:
                hint = did_you_mean(kind, playbooks)
                place = f"{FILE_NAME}: {program.name}: kinds"
                problems.append(f"{place}: there is no kind {kind}{hint}")
    return problems


def _clashes(
    programs: Mapping[str, Program],
    systems: Mapping[str, SystemSpec],
    playbooks: Mapping[str, Playbook],
) -> Iterator[str]:
    by_system: dict[str, str] = {}
    for program in programs.values():
        yield from check_name(f"{FILE_NAME}: program", program.name)
        other = by_system.setdefault(program.system, program.name)
        if other != program.name:
            yield f"{FILE_NAME}: {program.name} and {other} differ in signs alone; rename one"
    for name in systems:
        if name.startswith(SYSTEM_PREFIX):
            yield f"systems.yml: no system may begin with {SYSTEM_PREFIX}; rename {name}"
    for kind in playbooks:
        if kind.startswith(KIND_PREFIX):
            yield f"playbooks: no kind may begin with {KIND_PREFIX}; rename {kind}"


def _action_faults(
    name: str, action: ProgramAction, *, systems: Mapping[str, SystemSpec], policy: Policy
) -> Iterator[str]:
    if "." not in name:
        if not action.title:
            yield "needs a title: systems.yml does not declare it"
        if not action.has_limit:
            yield "needs at least one limit (per_request, amount_per_day or times_per_day)"
        return
    spec = find_action(systems, name)
    if spec is None:
        actions = [f"{system}.{one}" for system in systems for one in systems[system].actions]
        yield f"is in no system of systems.yml{did_you_mean(name, actions)}"
        return
    if name not in policy.actions:
        yield "has no entry in policy.yml, so every request for it would be refused"
    if action.amount_per_day is not None or action.times_per_day is not None:
        yield "has its limits of a day in policy.yml; per_request is the only one here"
    if action.per_request is not None and not spec.amount:
        yield "declares no amount in systems.yml, so per_request says nothing"
    if action.amount or action.reversible:
        yield "is declared in systems.yml, which says what it moves and whether it has an undo"
