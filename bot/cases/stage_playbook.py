"""The built-in kinds of case that decide the stages of others.

No file has to declare it, so it cannot be forgotten: the governance owners of the kind concerned
decide, in the channel of that kind.
"""

from dataclasses import replace
from datetime import timedelta

from bot.cases.approval import ApprovalRequirement
from bot.cases.desk_kinds import (
    ADOPT_RULES,
    ADOPT_VERSION,
    CHANGE_STAGE,
    DESK_SYSTEM,
    STANDING_RULE_ACTIONS,
    stage_kind,
)
from bot.cases.playbook import ActionOffer, Lookup, Owners, Playbook, Stake
from bot.cases.policy import ActionLimit, PlaybookTerms, Policy
from bot.cases.service_level import ServiceLevel

RECORD_QUERY = "record"
MAX_CHANGES_PER_DAY = 20
DAY = timedelta(days=1)


def stage_playbook(of_kind: Playbook) -> Playbook:
    """Make the playbook that decides the stages of a kind."""
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
        kind=stage_kind(of_kind.kind),
        title=f"More autonomy: {of_kind.title}",
        what="{record.summary}; decided otherwise: {record.misses}.",
        brief="decided otherwise: {record.misses}",
        channel=of_kind.channel,
        evidence=(_record_lookup(),),
        stake=Stake("{record.summary}."),
        offers=(_offer(),),
        terms=terms,
        owners=owners,
        measure=ServiceLevel(decide_for=3 * DAY, resolve_for=7 * DAY, follow_up_for=DAY),
        checksum=of_kind.checksum,
    )


def _record_lookup() -> Lookup:
    return Lookup(
        name="record",
        system=DESK_SYSTEM,
        query=RECORD_QUERY,
        parameters={"kind": "signal.of_kind", "action": "signal.of_action"},
        show={
            "agreement": "Decided as the bot would have",
            "bound": "Agreement is surely at least",
            "misses": "Decided otherwise",
            "bad_cases": "Turned out wrong",
            "window": "Counted over",
            "limits": "What remains",
        },
        fresh_for=DAY,
    )


def _offer() -> ActionOffer:
    return ActionOffer(
        action=CHANGE_STAGE,
        when="record.is_earned",
        otherwise="it has not earned it: {record.missing}",
        parameters={
            "kind": "signal.of_kind",
            "action": "signal.of_action",
            "stage": "signal.to_stage",
        },
        reason="People have decided like the bot for long enough",
    )


def with_desk_actions(policy: Policy) -> Policy:
    """Return the policy with the limits of the desk's own actions."""
    limit = ActionLimit(times_per_day=MAX_CHANGES_PER_DAY)
    names = (CHANGE_STAGE, ADOPT_RULES, ADOPT_VERSION, *STANDING_RULE_ACTIONS)
    own_actions = dict.fromkeys(names, limit)
    return replace(policy, actions={**policy.actions, **own_actions})
