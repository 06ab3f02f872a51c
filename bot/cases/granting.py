"""The rules of grants: givers, cover and end."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from bot.cases.actor import Surface
from bot.cases.approval import Approval, is_colleague
from bot.cases.autonomy import bad_outcomes_after
from bot.cases.caller import Caller
from bot.cases.case import Case
from bot.cases.control_commands import EndGrants
from bot.cases.controls import DeskControls
from bot.cases.entries import Entry, Stopped
from bot.cases.errors import BadRequest, NoLongerAlone, NotEligible
from bot.cases.grant import DEFAULT_GRANT_COUNT, Grant, GrantUse
from bot.cases.identity import Identities
from bot.cases.plan import Money, Plan, Proposer
from bot.cases.policy import OWN_ACTIONS, Policy, RiskTier
from bot.cases.usage import Usage
from bot.cases.verdict import Ruling, Verdict, needs_governance

USED_UP = "what was approved in advance is used up"
OVER = "what was approved in advance is over"


@dataclass(frozen=True, slots=True, kw_only=True)
class GrantTerms:
    """The number, sum and end that a person chooses for a grant."""

    count: int
    #: In the currency of the plan; None where it moves no money.
    amount: Decimal | None
    until: datetime
    is_for_target: bool = False


# --- giving -----------------------------------------------------------------------------------


def may_be_offered(case: Case) -> bool:
    """Tell whether the card may offer to approve the next plans too."""
    plan, verdict = case.proposal.plan, case.proposal.verdict
    if plan is None or verdict is None or case.proposal.approvals:
        return False
    return _obstacle(plan, verdict) is None


def must_be_grantable(plan: Plan, verdict: Verdict, policy: Policy) -> None:
    """Refuse a plan whose like is always decided one by one.

    Raises:
        NotEligible: with the reason.
    """
    reason = _obstacle(plan, verdict)
    if reason is None and policy.is_never_alone(plan.playbook, [plan.actions[0].name]):
        reason = "policy never lets such a plan run without a person who looks at it"
    if reason:
        raise NotEligible(reason)


def _obstacle(plan: Plan, verdict: Verdict) -> str | None:
    """Say why plans like this one are never approved in advance."""
    if verdict.tier is RiskTier.HIGH or verdict.step_up:
        return "a high-risk plan is never approved in advance"
    if verdict.ruling is not Ruling.ASK or needs_governance(verdict):
        return "such a plan is decided one by one"
    if [factor.count for factor in verdict.factors] != [1]:
        return "it needs more than one person, so nobody can approve the next ones alone"
    if len(plan.actions) != 1 or plan.branches:
        return "a plan of several steps is decided one by one"
    if plan.actions[0].name.startswith(OWN_ACTIONS):
        return "what changes Countersign itself is decided one by one"
    if plan.proposer is not Proposer.PLAYBOOK:
        return "only what a playbook proposes by itself can be approved in advance"
    if verdict.inputs is not None and verdict.inputs.rules:
        return "a rule of policy wants a person to look at such a plan"
    return None


def suggested_amount(plan: Plan, policy: Policy) -> Decimal | None:
    """Return the sum that a form suggests, as much again for each."""
    if plan.amount is None:
        return None
    amount = plan.amount.amount * DEFAULT_GRANT_COUNT
    own_amount = policy.convert(amount, plan.amount.currency)
    return plan.amount.amount if own_amount is None or own_amount > policy.high_above else amount


def make_grant(
    case: Case,
    vote: Approval,
    terms: GrantTerms,
    *,
    policy: Policy,
    editable: Iterable[str],
) -> Grant:
    """Make the grant that goes with an approval of this case's plan.

    ``editable``: the parameters that the playbook lets people edit.

    Raises:
        Refusal: it cannot be given, or not on these terms.
    """
    plan, verdict = case.proposal.plan, case.proposal.verdict
    if plan is None or verdict is None:
        raise NotEligible("there is no plan to approve")
    must_be_grantable(plan, verdict, policy)
    if vote.behalf_of:
        raise NotEligible("who stands in for somebody decides one by one")
    if (plan.policy_digest, verdict.policy_digest) != (policy.checksum, policy.checksum):
        raise NotEligible("policy has changed since; approve this one alone")
    action = plan.actions[0]
    limits = {
        name: action.parameters[name] for name in editable if is_number(action.parameters.get(name))
    }
    return Grant(
        giver=vote.person,
        giver_name=vote.name,
        kind=plan.playbook,
        action=action.name,
        target=action.target if terms.is_for_target else "",
        group=verdict.factors[0].group,
        max_count=terms.count,
        max_amount=_max_amount(plan, terms, policy),
        until=terms.until,
        parameters=tuple(sorted(action.parameters)),
        limits=limits,
        policy_digest=policy.checksum,
        playbook_digest=plan.playbook_digest,
        on_case=str(case.id),
        on_revision=plan.revision,
    )


def _max_amount(plan: Plan, terms: GrantTerms, policy: Policy) -> Money | None:
    """Bound the sum by what one person may approve at once."""
    if plan.amount is None:
        return None
    if terms.amount is None or terms.amount <= 0:
        raise BadRequest("say up to which sum", field="amount")
    amount = policy.convert(terms.amount, plan.amount.currency)
    if amount is None or amount > policy.high_above:
        most = Money(policy.high_above, policy.currency)
        raise BadRequest(f"at most {most} in all: more needs others too", field="amount")
    return Money(terms.amount, plan.amount.currency)


def is_number(value: object) -> bool:
    """Tell whether this is a number, and no truth value."""
    return isinstance(value, int | float | Decimal) and not isinstance(value, bool)


# --- using ------------------------------------------------------------------------------------


def covering_grants(
    controls: DeskControls,
    plan: Plan,
    verdict: Verdict,
    *,
    case: Case,
    policy: Policy,
    identities: Identities,
    now: datetime,
) -> list[Grant]:
    """List the grants that may approve the first plan of this case.

    Whether one is used up is decided where the step begins.
    """
    # What was asked before, or came to nothing under a grant, is for people to decide.
    if case.proposal.revision or not controls.grants or not is_coverable(plan, verdict, policy):
        return []
    accounts = [requester.account for requester in case.requesters]
    authors = [plan.requester, plan.beneficiary, *accounts]
    linked_authors = identities.linked_accounts([author for author in authors if author])
    group = verdict.factors[0].group
    return [
        grant
        for grant in controls.grants
        if grant.giver not in linked_authors and is_covered(grant, plan, now=now, group=group)
    ]


def is_coverable(plan: Plan, verdict: Verdict, policy: Policy) -> bool:
    """Tell whether any grant might approve this plan."""
    if _obstacle(plan, verdict) is not None:
        return False
    return not policy.is_never_alone(plan.playbook, [plan.actions[0].name])


def is_covered(grant: Grant, plan: Plan, *, now: datetime, group: str) -> bool:
    """Tell whether a plan is, in time, like that of the grant."""
    action = plan.actions[0]
    return (
        now < grant.until
        and (grant.kind, grant.action, grant.group) == (plan.playbook, action.name, group)
        and grant.target in {"", action.target}
        and grant.parameters == tuple(sorted(action.parameters))
        and all(_is_at_most(action.parameters[name], grant.limits[name]) for name in grant.limits)
        and (grant.policy_digest, grant.playbook_digest)
        == (plan.policy_digest, plan.playbook_digest)
        and has_room(grant, plan, GrantUse())
    )


def _is_at_most(value: object, limit: object) -> bool:
    if not is_number(value) or not is_number(limit):
        return False
    return Decimal(str(value)) <= Decimal(str(limit))


def has_room(grant: Grant, plan: Plan, use: GrantUse) -> bool:
    """Tell whether one more plan is within number and sum."""
    if use.count + 1 > grant.max_count:
        return False
    if plan.amount is None or grant.max_amount is None:
        return plan.amount is None and grant.max_amount is None
    is_same_currency = plan.amount.currency == grant.max_amount.currency
    return is_same_currency and use.amount + plan.amount.amount <= grant.max_amount.amount


def must_still_be_granted(
    plan: Plan,
    grant_id: str,
    *,
    controls: DeskControls,
    usage: Usage,
    policy_digest: str,
    playbook_digest: str,
    now: datetime,
) -> None:
    """Refuse to begin under a grant that is over or used up.

    It is called in the transaction that begins the step.

    Raises:
        NoLongerAlone: people decide about the plan now.
    """
    grant = controls.grant(grant_id)
    if grant is None or not is_covered(grant, plan, now=now, group=grant.group):
        raise NoLongerAlone(OVER)
    if (grant.policy_digest, grant.playbook_digest) != (policy_digest, playbook_digest):
        raise NoLongerAlone("policy or the playbook has changed since it was approved in advance")
    if not has_room(grant, plan, usage.of_grant(grant_id)):
        raise NoLongerAlone(USED_UP)


# --- the end ----------------------------------------------------------------------------------


def may_stop(by: Caller, grant: Grant) -> bool:
    """Tell whether this caller may end a grant: stopping is easy.

    An operator may, and every colleague who decides or governs.
    """
    if by.surface is Surface.COMMAND_LINE:
        return True
    decides = by.person.id in {grant.giver, *by.deciders, *by.governors}
    return decides and is_colleague(by.person)


def live_grants(controls: DeskControls, now: datetime, *, on_case: str = "") -> list[Grant]:
    """List the grants in force, or those that came with one case."""
    return [
        grant
        for grant in controls.grants
        if now < grant.until and on_case in {"", grant.on_case, grant.id}
    ]


def grant_ends_after(
    before: Case | None, entries: Iterable[Entry], after: Case
) -> tuple[EndGrants, ...]:
    """List the grants of a kind and action that an outcome ends."""
    if before is None:
        return ()
    ends = [
        EndGrants(
            kind=score.kind,
            action=score.action,
            reason=f"{score.case_id} was {score.bad_outcome}: {score.bad_reason}".rstrip(": "),
            on_case=score.case_id,
        )
        for score in bad_outcomes_after(before, after)
    ]
    plan = after.proposal.plan
    if plan and after.grant_id and any(isinstance(entry.body, Stopped) for entry in entries):
        reason = f"{after.id} could not be carried out"
        ends.append(
            EndGrants(
                kind=plan.playbook,
                action=plan.actions[0].name,
                reason=reason,
                on_case=str(after.id),
            )
        )
    return tuple(ends)
