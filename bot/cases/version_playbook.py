"""The built-in kinds of case that decide the version of a playbook.

No file has to declare them. The governance owners of the kind concerned decide, in its channel.
"""

from dataclasses import replace
from datetime import timedelta

from bot.cases.desk_kinds import ADOPT_VERSION, DESK_SYSTEM, version_kind
from bot.cases.playbook import ActionOffer, Lookup, Playbook, Stake
from bot.cases.stage_playbook import stage_playbook

VERSION_QUERY = "version"
DAY = timedelta(days=1)


def version_playbook(of_kind: Playbook) -> Playbook:
    """Make the playbook that decides the version of a kind."""
    return replace(
        stage_playbook(of_kind),
        kind=version_kind(of_kind.kind),
        title=f"New version: {of_kind.title}",
        what="Another version of the playbook: {trial.changes} differ.",
        brief="judged otherwise: {trial.examples}",
        evidence=(_trial_lookup(),),
        stake=Stake("{trial.summary}: {trial.examples}. {trial.outcomes}."),
        offers=(_offer(),),
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
