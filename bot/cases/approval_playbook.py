"""The built-in kinds of case with the requests of programs.

No file declares them: ``programs.yml`` says who may ask for what, and policy who decides.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import timedelta

from bot.cases.playbook import Owners, Playbook, Stake
from bot.cases.policy import ActionLimit, PlaybookTerms, Policy
from bot.cases.program import Program
from bot.cases.service_level import ServiceLevel

HOUR = timedelta(hours=1)


def approval_playbook(program: Program, beside: Playbook) -> Playbook:
    """Make the playbook of a program's requests.

    What the program does not say is as in ``beside``, the playbook of unrecognised cases.
    """
    owner = program.owner or beside.owners.business
    owners = Owners(
        business=owner,
        operations=beside.owners.operations,
        technical=beside.owners.technical,
        governance=beside.owners.governance,
        next_owner=beside.owners.next_owner,
    )
    return Playbook(
        kind=program.approval_kind,
        title=f"Requests of {program.title}",
        what="",
        channel=program.channel or beside.channel,
        stake=Stake("a program asks for it"),
        terms=PlaybookTerms(owners=owners.by_role()),
        owners=owners,
        measure=ServiceLevel(
            decide_for=beside.measure.decide_for,
            resolve_for=beside.measure.resolve_for,
            follow_up_for=HOUR,
        ),
        calls=beside.calls,
        checksum=beside.checksum,
    )


def with_program_actions(policy: Policy, programs: Iterable[Program]) -> Policy:
    """Return the policy with the limits of programs' own actions."""
    limits: dict[str, ActionLimit] = {}
    for program in programs:
        limits |= own_limits(program)
    return replace(policy, actions={**policy.actions, **limits})


def own_limits(program: Program) -> Mapping[str, ActionLimit]:
    """Return the limits of a program's own actions by name."""
    return {
        program.plan_action(name): ActionLimit(
            per_plan=action.per_request,
            amount_per_day=action.amount_per_day,
            times_per_day=action.times_per_day,
        )
        for name, action in program.actions.items()
        if "." not in name
    }
