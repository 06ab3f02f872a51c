"""Calls: requests to reach those for whom a case waits.

Pure: the desk sends a call, and Slack shows it.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
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
from bot.cases.delegation import Delegation
from bot.cases.entries import (
    ApprovalGiven,
    Cleared,
    Edited,
    Entry,
    Escalated,
    Expired,
    HandedOver,
    Nudged,
    Opened,
    Parked,
    Recommended,
    Recurred,
    Referred,
    Rejected,
    Resolved,
)
from bot.cases.hours import Hours
from bot.cases.identity import UNLINKED, Identities
from bot.cases.lifecycle import State
from bot.cases.policy import RiskTier

#: More mentions about one kind in one channel within ten minutes are noise.
MAX_MENTIONS = 3
#: A larger group is mentioned, and none of its members gets a direct message.
MAX_DIRECT_MESSAGES = 10
#: What waits goes out together, at every full and half hour of the working day.
SLOT_INTERVAL = timedelta(minutes=30)
# A slot that is closer has perhaps begun in another process.
MIN_SLOT_NOTICE = timedelta(minutes=1)


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
    #: Whoever raised the case asks again.
    NUDGE = "nudge"
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
# Somebody has just decided, or nobody did: these wait only where nobody is called at night.
SOON = frozenset({CallSubject.NEXT_APPROVAL, CallSubject.ESCALATION})
# These ask for a decision, and may come together with others.
HOLDABLE = frozenset({CallSubject.DECISION, CallSubject.PERSON, CallSubject.NUDGE})
#: These tell a person about their own request, and use up nothing of their budget.
ABOUT_OWN_REQUEST = frozenset({CallSubject.REQUEST, CallSubject.RESULT})
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
        case Nudged():
            return Call(CallSubject.NUDGE, f"v{entry.version}")
        case Opened(signal=signal) | Recurred(signal=signal):
            return _request_call(entry, case, signal.requester or "")
        case Resolved() | Rejected() | Expired() | Cleared() if case.is_terminal:
            return _result_call(entry, case)
        case HandedOver(to=owner):
            return Call(CallSubject.HAND_OVER, f"v{entry.version}", owner)
        case Escalated(to=owner):
            return Call(CallSubject.ESCALATION, f"v{entry.version}", owner)
        case _:
            return None


def _request_call(entry: Entry, case: Case, requester: str) -> Call | None:
    """Find the call to a requester, once for each of them."""
    since = {one.account: one.at for one in case.requesters}
    if not is_person(requester) or since.get(requester) != entry.at:
        return None
    return Call(CallSubject.REQUEST, f"v{entry.version}", requester)


def _result_call(entry: Entry, case: Case) -> Call | None:
    """Find the call to the requesters when somebody else ended the case."""
    requesters = [name for name in _requesters(case) if name != str(entry.actor)]
    if not requesters:
        return None
    return Call(CallSubject.RESULT, f"v{entry.version}", " ".join(requesters))


def _requesters(case: Case) -> list[str]:
    """List the people who raised the case."""
    return [one.account for one in case.requesters if is_person(one.account)]


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
        case CallSubject.NUDGE:
            return case.state in {State.PROPOSED, State.REFERRED}
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
        case CallSubject.NUDGE:
            return _reach_of_nudge(case, rules)
        case _:
            # Somebody who is asked first, next or instead cannot know it from the channel.
            return Reach.DUTY


def may_wait(call: Call, case: Case, rules: CallRules) -> bool:
    """Tell whether the call waits for the working hours."""
    if call.subject in AT_ONCE:
        return False
    if rules.after_hours is AfterHours.NEVER:
        return True
    if call.subject in SOON:
        return False
    return _tier(call.subject, case) < RiskTier[rules.after_hours.name]


def may_be_held(subject: CallSubject, case: Case) -> bool:
    """Tell whether a direct message may wait for the next slot.

    High risk and the approval that another one waits for never do.
    """
    if subject not in HOLDABLE or case.proposal.approvals:
        return False
    return _tier(subject, case) < RiskTier.HIGH


def next_slot(now: datetime, hours: Hours) -> datetime:
    """Return the next full or half hour that is open."""
    interval = SLOT_INTERVAL.total_seconds()
    number = math.ceil((now + MIN_SLOT_NOTICE).timestamp() / interval)
    return hours.next_opening(datetime.fromtimestamp(number * interval, UTC))


def _reach_by_tier(case: Case, rules: CallRules) -> Reach:
    by_tier = {
        RiskTier.LOW: rules.low,
        RiskTier.MEDIUM: rules.medium,
        RiskTier.HIGH: rules.high,
    }
    # Without a verdict nothing is known of the risk.
    return by_tier[case.proposal.verdict.tier] if case.proposal.verdict else rules.high


def _reach_of_nudge(case: Case, rules: CallRules) -> Reach:
    """Choose the reach of the repeated call: somebody at least."""
    if case.proposal.approvals or case.classification.is_urgent:
        return Reach.DUTY
    reach = rules.person
    if case.state is State.PROPOSED:
        reach = _reach_by_tier(case, rules)
    if reach is Reach.NOBODY:
        return Reach.GROUP
    return reach


def _tier(subject: CallSubject, case: Case) -> RiskTier:
    """Return the risk of waiting."""
    is_urgent = case.classification.is_urgent or subject is CallSubject.OUTCOME
    if is_urgent:
        return RiskTier.HIGH
    if case.proposal.verdict is None:
        return RiskTier.MEDIUM
    return case.proposal.verdict.tier


def callees(
    call: Call, case: Case, *, approvals: Sequence[Approval] = (), groups: Groups | None = None
) -> tuple[str, ...]:
    """List the groups and people that a call is for.

    ``approvals`` and ``groups`` are needed where an approval is still missing.
    """
    match call.subject:
        case CallSubject.DECISION:
            return _first_approvers(case)
        case CallSubject.NEXT_APPROVAL:
            return _next_approvers(case, approvals, groups or {})
        case CallSubject.NUDGE:
            return _still_to_decide(case, approvals, groups or {})
        case CallSubject.PERSON | CallSubject.OUTCOME:
            return case.waits_on
        case CallSubject.RESULT:
            return tuple(call.to.split())
        case CallSubject.HAND_OVER | CallSubject.ESCALATION | CallSubject.REQUEST:
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


def _next_approvers(case: Case, approvals: Sequence[Approval], groups: Groups) -> tuple[str, ...]:
    factors = case.proposal.factors
    return open_groups(factors, approvals, groups)


def _still_to_decide(case: Case, approvals: Sequence[Approval], groups: Groups) -> tuple[str, ...]:
    """List the callees of the call that a nudge repeats."""
    if case.state is State.REFERRED:
        return case.waits_on
    if not approvals:
        return _first_approvers(case)
    names = _next_approvers(case, approvals, groups)
    voters = {account for approval in approvals for account in approval.parties}
    callees: list[str] = []
    for name in names:
        members = groups.get(name, frozenset())
        others = sorted(members - voters)
        # A mention of the group would ask those again who have approved.
        is_split = len(others) < len(members) and len(others) <= MAX_DIRECT_MESSAGES
        callees += others if is_split else [name]
    return tuple(dict.fromkeys(callees))


def open_groups(
    factors: Sequence[ApprovalRequirement], approvals: Sequence[Approval], groups: Groups
) -> tuple[str, ...]:
    """List the groups of which one more approval would help."""
    seats = count_seats(approvals, factors, groups)
    names = []
    for factor in factors:
        stranger = f"somebody of {factor.group}"
        people = groups.get(factor.group, frozenset())
        members = {**groups, factor.group: people | {stranger}}
        if count_seats(approvals, factors, members, others=(stranger,)) > seats:
            names.append(factor.group)
    return tuple(dict.fromkeys(names))


def add_stand_ins(
    groups: Groups, case: Case, *, delegations: Iterable[Delegation], now: datetime
) -> Groups:
    """Add those who decide for a member now.

    Nobody decides for an author of the plan.
    """
    current = [
        delegation
        for delegation in delegations
        if delegation.holds(case.kind, now) and delegation.giver not in case.authors
    ]
    groups_with_takers = {}
    for handle, members in groups.items():
        takers = {delegation.taker for delegation in current if delegation.giver in members}
        groups_with_takers[handle] = members | takers
    return groups_with_takers


def people_on_duty(
    call: Call,
    case: Case,
    *,
    people: Mapping[str, Person],
    groups: Groups,
    identities: Identities = UNLINKED,
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
            and _may_act(
                person,
                call,
                case=case,
                groups=groups,
                identities=identities,
            )
        ):
            accounts.append(account)
    if len(accounts) > MAX_DIRECT_MESSAGES:
        return ()
    return tuple(sorted(accounts))


def _may_act(
    person: Person, call: Call, *, case: Case, groups: Groups, identities: Identities
) -> bool:
    """Tell whether the person can do what is asked of them."""
    if case.state is not State.PROPOSED or call.subject in AT_ONCE:
        return True
    # Nobody is asked for what would be refused even with their approval.
    authors = identities.linked_accounts(case.authors)
    voters = identities.linked_accounts(
        account for approval in case.proposal.approvals for account in approval.parties
    )
    if person.id in authors or person.id in voters:
        return False
    if call.subject is CallSubject.ESCALATION:
        # The next owner may reject it, or give it to somebody who approves.
        return True
    factors = case.proposal.factors
    reason = ineligibility_reason(
        person,
        authors=authors,
        factors=factors,
        groups=groups,
    )
    return reason is None
