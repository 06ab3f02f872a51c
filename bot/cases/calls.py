"""Calls: requests to reach those for whom a case waits.

Pure: the desk sends a call, and Slack shows it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import assert_never

from bot.cases.actor import is_person
from bot.cases.approval import (
    Approval,
    ApprovalRequirement,
    Groups,
    Person,
    count_seats,
    ineligibility_reason,
    is_colleague,
)
from bot.cases.call_rules import AfterHours, CallRules, Reach
from bot.cases.case import Case
from bot.cases.entries import (
    ApprovalGiven,
    Cleared,
    Edited,
    Entry,
    Escalated,
    Expired,
    HandedOver,
    Opened,
    Parked,
    Recommended,
    Referred,
    Rejected,
    Resolved,
)
from bot.cases.lifecycle import State
from bot.cases.policy import RiskTier

#: More mentions about one kind in one channel within ten minutes are noise.
MAX_MENTIONS = 3
#: A larger group is mentioned, and none of its members gets a direct message.
MAX_DIRECT_MESSAGES = 10


class CallSubject(StrEnum):
    """The thing that somebody is called about."""

    #: A plan waits for its first approval.
    DECISION = "decision"
    #: A plan has an approval and needs another.
    NEXT_APPROVAL = "next_approval"
    #: No plan fits.
    PERSON = "person"
    #: A step was begun, and nobody knows whether it had its effect.
    OUTCOME = "outcome"
    HAND_OVER = "hand_over"
    ESCALATION = "escalation"
    #: Whoever raised the case sees what it waits for.
    REQUEST = "request"
    #: Whoever raised the case is told how it ended.
    RESULT = "result"


# The note about a new owner mentions them in the thread already; whoever asked is told alone.
WITHOUT_MENTION = frozenset(
    {CallSubject.HAND_OVER, CallSubject.ESCALATION, CallSubject.REQUEST, CallSubject.RESULT}
)
# These are no interruption that could come at a better time.
AT_ONCE = frozenset({CallSubject.HAND_OVER, CallSubject.REQUEST, CallSubject.RESULT})
#: Cases on a shared card are called about once for all of them.
SHARED_IN_STORM = frozenset({CallSubject.DECISION, CallSubject.PERSON})


@dataclass(frozen=True, slots=True)
class Call:
    """A request to reach those for whom a case waits."""

    subject: CallSubject
    #: Names the matter within its case: nobody is called twice about one.
    matter: str
    #: The new owner after a hand-over or an escalation.
    to: str = ""


# --- from entries ---------------------------------------------------------------------------------


def call_after(entries: Iterable[Entry], case: Case) -> Call | None:
    """Find the call that these entries cause; the last one counts."""
    call = None
    for entry in entries:
        call = _call_of(entry, case) or call
    return call


def _call_of(entry: Entry, case: Case) -> Call | None:
    match entry.body:
        case Recommended() | Edited() | Referred():
            return pending_call(case)
        case ApprovalGiven() if case.state is State.PROPOSED:
            # The same after a withdrawal and another approval.
            count = len(case.proposal.approvals)
            return Call(CallSubject.NEXT_APPROVAL, f"r{case.proposal.revision}a{count}")
        case Parked():
            return Call(CallSubject.OUTCOME, f"v{entry.version}")
        case Opened(signal=signal) if is_person(signal.requester or ""):
            return Call(CallSubject.REQUEST, f"v{entry.version}", signal.requester or "")
        case Resolved() | Rejected() | Expired() | Cleared() if case.is_terminal:
            return _result_call(entry, case)
        case HandedOver(to=owner):
            return Call(CallSubject.HAND_OVER, f"v{entry.version}", owner)
        case Escalated(to=owner):
            return Call(CallSubject.ESCALATION, f"v{entry.version}", owner)
        case _:
            return None


def _result_call(entry: Entry, case: Case) -> Call | None:
    """Find the call to whoever raised a case that somebody else ended."""
    requester = case.signal.requester or ""
    if not is_person(requester) or str(entry.actor) == requester:
        return None
    return Call(CallSubject.RESULT, f"v{entry.version}", requester)


def pending_call(case: Case) -> Call | None:
    """Find the call about the proposal that waits now."""
    matter = f"r{case.proposal.revision}"
    if case.state is State.PROPOSED:
        return Call(CallSubject.DECISION, matter)
    if case.state is State.REFERRED:
        return Call(CallSubject.PERSON, matter)
    return None


# --- judged when it is sent -----------------------------------------------------------------------


def is_due(call: Call, case: Case) -> bool:
    """Tell whether the case still waits for what the call is about."""
    match call.subject:
        case CallSubject.DECISION | CallSubject.PERSON:
            return call == pending_call(case)
        case CallSubject.NEXT_APPROVAL:
            matter = f"r{case.proposal.revision}a{len(case.proposal.approvals)}"
            return case.state is State.PROPOSED and call.matter == matter
        case CallSubject.OUTCOME:
            return case.state is State.OUTCOME_UNKNOWN
        case CallSubject.HAND_OVER | CallSubject.ESCALATION:
            return not case.is_terminal and case.owner == call.to
        case CallSubject.REQUEST:
            return not case.is_terminal
        case CallSubject.RESULT:
            return case.is_terminal
        case _:
            assert_never(call.subject)


def reach_of(call: Call, case: Case, rules: CallRules) -> Reach:
    """Choose how far the call goes, by risk."""
    match call.subject:
        case CallSubject.DECISION:
            return _reach_by_tier(case, rules)
        case CallSubject.PERSON if not case.classification.is_urgent:
            return rules.person
        case _:
            # Somebody who is asked first, next or instead cannot know it from the channel.
            return Reach.DUTY


def may_wait(call: Call, case: Case, rules: CallRules) -> bool:
    """Tell whether the call waits for the working hours."""
    if call.subject in AT_ONCE:
        return False
    if rules.after_hours is AfterHours.NEVER:
        return True
    return _tier(call, case) < RiskTier[rules.after_hours.name]


def _reach_by_tier(case: Case, rules: CallRules) -> Reach:
    by_tier = {
        RiskTier.LOW: rules.low,
        RiskTier.MEDIUM: rules.medium,
        RiskTier.HIGH: rules.high,
    }
    # Without a verdict nothing is known of the risk.
    return by_tier[case.proposal.verdict.tier] if case.proposal.verdict else rules.high


def _tier(call: Call, case: Case) -> RiskTier:
    """Return the risk of waiting."""
    is_urgent = case.classification.is_urgent or call.subject is CallSubject.OUTCOME
    if is_urgent:
        return RiskTier.HIGH
    if case.proposal.verdict is None:
        return RiskTier.MEDIUM
    return case.proposal.verdict.tier


def callees(
    call: Call, case: Case, *, approvals: Sequence[Approval] = (), groups: Groups | None = None
) -> tuple[str, ...]:
    """List the groups and people that a call is for.

    ``approvals`` and ``groups`` are needed for the next approval only.
    """
    match call.subject:
        case CallSubject.DECISION:
            return _first_approvers(case)
        case CallSubject.NEXT_APPROVAL:
            factors = case.proposal.verdict.factors if case.proposal.verdict else ()
            return open_groups(factors, approvals, groups or {})
        case CallSubject.PERSON | CallSubject.OUTCOME:
            return case.waits_on
        case (
            CallSubject.HAND_OVER
            | CallSubject.ESCALATION
            | CallSubject.REQUEST
            | CallSubject.RESULT
        ):
            return (call.to,)
        case _:
            assert_never(call.subject)


def _first_approvers(case: Case) -> tuple[str, ...]:
    """List the first group of approvers, and a personal owner.

    The next group is called when the first has approved.
    """
    verdict = case.proposal.verdict
    names = [verdict.factors[0].group] if verdict and verdict.factors else []
    if is_person(case.owner):
        names.append(case.owner)
    return tuple(dict.fromkeys(names))


def open_groups(
    factors: Sequence[ApprovalRequirement], approvals: Sequence[Approval], groups: Groups
) -> tuple[str, ...]:
    """List the groups of which one more approval would help."""
    seats = count_seats(approvals, factors, groups)
    names = []
    for factor in factors:
        stranger = f"somebody of {factor.group}"
        members = {**groups, factor.group: groups.get(factor.group, frozenset()) | {stranger}}
        if count_seats(approvals, factors, members, others=(stranger,)) > seats:
            names.append(factor.group)
    return tuple(dict.fromkeys(names))


def people_on_duty(
    call: Call, case: Case, *, people: Mapping[str, Person], groups: Groups
) -> tuple[str, ...]:
    """List who of these people gets a direct message.

    Nobody does who is away, has approved already, or may not decide; nor does anybody of a group
    that is too large.
    """
    accounts = []
    for account, person in people.items():
        if (
            is_colleague(person)
            and not person.away
            and _may_act(person, call, case=case, groups=groups)
        ):
            accounts.append(account)
    if len(accounts) > MAX_DIRECT_MESSAGES:
        return ()
    return tuple(sorted(accounts))


def _may_act(person: Person, call: Call, *, case: Case, groups: Groups) -> bool:
    if call.subject not in {CallSubject.DECISION, CallSubject.NEXT_APPROVAL}:
        return True
    if any(person.id in approval.parties for approval in case.proposal.approvals):
        return False
    factors = case.proposal.verdict.factors if case.proposal.verdict else ()
    reason = ineligibility_reason(person, authors=case.authors, factors=factors, groups=groups)
    # Nobody is asked for what would be refused even with their approval.
    return reason is None
