"""The built-in kinds of case that decide the version of a playbook.

No file has to declare it, so it cannot be forgotten: the governance owners of the kind concerned
decide, in the channel of that kind.
"""

from datetime import timedelta

from bot.cases.approval import ApprovalRequirement
from bot.cases.playbook import ActionOffer, Lookup, Owners, Playbook, Stake
from bot.cases.policy import PlaybookTerms
from bot.cases.service_level import ServiceLevel
from bot.cases.stage_playbook import ADOPT_VERSION, DESK_SYSTEM, VERSION_PREFIX

VERSION_QUERY = "version"
DAY = timedelta(days=1)


def version_kind(kind: str) -> str:
    """Name the kind of case that decides the version of another kind."""
    return f"{VERSION_PREFIX}{kind}"


def is_version_kind(kind: str) -> bool:
    """Tell whether cases of this kind decide a version."""
    return kind.startswith(VERSION_PREFIX)


def version_playbook(of_kind: Playbook) -> Playbook:
    """Make the playbook that decides the version of a kind."""
    governance = of_kind.owners.governance
    owners = Owners(
        business=governance,
        operations=governance,
        technical=of_kind.owners.technical,
        governance=governance,
        next_owner=governance,
    )
    terms = PlaybookTerms(
        factors=(ApprovalRequirement(governance, 1),), expires_for=7 * DAY, owners=owners.by_role()
    )
    return Playbook(
        kind=version_kind(of_kind.kind),
        title=f"New version: {of_kind.title}",
        what="Another version of the playbook: {trial.changes} differ.",
        brief="judged otherwise: {trial.examples}",
        channel=of_kind.channel,
        evidence=(_trial_lookup(),),
        stake=Stake("{trial.summary}: {trial.examples}. {trial.outcomes}."),
        offers=(_offer(),),
        terms=terms,
        owners=owners,
        measure=ServiceLevel(decide_for=3 * DAY, resolve_for=7 * DAY, follow_up_for=DAY),
        checksum=of_kind.checksum,
    )


def _trial_lookup() -> Lookup:
    return Lookup(
        name="trial",
        system=DESK_SYSTEM,
        query=VERSION_QUERY,
        parameters={"kind": "signal.of_kind", "version": "signal.version"},
        show={
            "changes": "What changes",
            "compared": "Compared beside the version in force",
            "on_trial": "Judged by the new version",
            "return": "If a case turns out wrong",
            **{f"case_{number}": f"Judged otherwise, {number}" for number in range(1, 9)},
        },
        fresh_for=DAY,
    )


def _offer() -> ActionOffer:
    return ActionOffer(
        action=ADOPT_VERSION,
        when="trial.is_ready",
        otherwise="it is not tried any more: {trial.missing}",
        parameters={"kind": "signal.of_kind", "version": "signal.version"},
        reason="It has judged enough cases beside the version in force",
    )
