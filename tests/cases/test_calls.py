"""Who is called about a case, and how."""

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta

import pytest

from bot.cases.actor import DESK, Actor, Surface
from bot.cases.approval import Approval, ApprovalRequirement, Person
from bot.cases.call_rules import AfterHours, CallRules, Reach
from bot.cases.calls import (
    MAX_DIRECT_MESSAGES,
    Call,
    CallSubject,
    add_stand_ins,
    call_after,
    callees,
    is_due,
    may_be_held,
    may_wait,
    next_slot,
    open_groups,
    pending_call,
    people_on_duty,
    reach_of,
)
from bot.cases.case import Requester
from bot.cases.delegation import Delegation
from bot.cases.entries import (
    ApprovalGiven,
    Edited,
    Entry,
    Escalated,
    HandedOver,
    Nudged,
    Opened,
    Parked,
    Recurred,
    Rejected,
    RejectReason,
    Reminded,
)
from bot.cases.hours import Hours
from bot.cases.identity import Identities
from bot.cases.lifecycle import State
from bot.cases.policy import RiskTier
from tests.cases.making import NOW, proposed, with_fields

OPS = ApprovalRequirement("ops-leads", 1)
FINANCE = ApprovalRequirement("finance", 1)
GROUPS = {
    "ops-leads": frozenset({"T1/UBEN", "T1/UELSIE"}),
    "finance": frozenset({"T1/UCARLA", "T1/UELSIE"}),
}
RULES = CallRules()


def case(tier=RiskTier.HIGH, factors=(OPS, FINANCE), approvals=(), **changes):
    made = proposed()
    verdict = replace(made.proposal.verdict, tier=tier, factors=factors)
    made = replace(made, proposal=replace(made.proposal, verdict=verdict, approvals=approvals))
    return with_fields(made, **changes)


def vote(person):
    return Approval(person=person, name=person, digest="0" * 64, at=NOW)


def next_call(waiting):
    revision, count = waiting.proposal.revision, len(waiting.proposal.approvals)
    return Call(CallSubject.NEXT_APPROVAL, f"r{revision}a{count}")


@pytest.mark.parametrize(
    ("tier", "reach"),
    [
        (RiskTier.LOW, Reach.NOBODY),
        (RiskTier.MEDIUM, Reach.GROUP),
        (RiskTier.HIGH, Reach.DUTY),
    ],
)
def test_a_decision_calls_by_its_risk(tier, reach):
    waiting = case(tier)
    assert reach_of(pending_call(waiting), waiting, RULES) is reach


def test_the_settings_of_a_channel_decide():
    waiting = case(RiskTier.LOW)
    assert reach_of(pending_call(waiting), waiting, CallRules(low=Reach.DUTY)) is Reach.DUTY


def test_a_case_that_is_asked_first_calls_those_on_duty_and_another_the_group():
    referred = case(state=State.REFERRED)
    call = pending_call(referred)
    assert call.subject is CallSubject.PERSON
    assert reach_of(call, referred, RULES) is Reach.GROUP
    urgent = replace(referred, classification=replace(referred.classification, is_urgent=True))
    assert reach_of(call, urgent, RULES) is Reach.DUTY
    assert not may_wait(call, urgent, RULES)


def test_only_high_risk_is_called_outside_the_working_hours():
    for tier, waits in ((RiskTier.LOW, True), (RiskTier.MEDIUM, True), (RiskTier.HIGH, False)):
        waiting = case(tier)
        assert may_wait(pending_call(waiting), waiting, RULES) is waits
    never = CallRules(after_hours=AfterHours.NEVER)
    assert may_wait(pending_call(case()), case(), never)
    always = CallRules(after_hours=AfterHours.LOW)
    assert not may_wait(pending_call(case(RiskTier.LOW)), case(RiskTier.LOW), always)


def test_the_first_group_is_called_and_a_person_who_owns_the_case():
    waiting = case()
    assert callees(pending_call(waiting), waiting) == ("ops-leads",)
    owned = case(owner="T1/UBEN")
    assert callees(pending_call(owned), owned) == ("ops-leads", "T1/UBEN")


@pytest.mark.parametrize(
    ("voters", "names"),
    [
        ((), ("ops-leads", "finance")),
        (("T1/UBEN",), ("finance",)),
        (("T1/UCARLA",), ("ops-leads",)),
        # Of both groups: either of the two may come next.
        (("T1/UELSIE",), ("ops-leads", "finance")),
        (("T1/UBEN", "T1/UELSIE"), ()),
        (("T1/UNOBODY",), ("ops-leads", "finance")),
    ],
)
def test_the_groups_whose_approval_is_still_missing_are_called(voters, names):
    assert open_groups((OPS, FINANCE), list(map(vote, voters)), GROUPS) == names


def test_the_second_of_one_group_is_called_too():
    two = ApprovalRequirement("ops-leads", 2)
    assert open_groups((two,), [vote("T1/UBEN")], GROUPS) == ("ops-leads",)
    assert open_groups((two,), [vote("T1/UBEN"), vote("T1/UELSIE")], GROUPS) == ()


def test_the_same_approval_given_again_is_the_same_matter():
    waiting = case(approvals=(vote("T1/UBEN"),))
    assert is_due(next_call(waiting), waiting)
    assert next_call(waiting) == next_call(case(approvals=(vote("T1/UELSIE"),)))
    assert not is_due(next_call(waiting), case())


def test_a_call_ends_with_what_it_is_about():
    waiting = case()
    call = pending_call(waiting)
    assert is_due(call, waiting)
    assert not is_due(call, case(revision=9))
    assert not is_due(call, case(state=State.APPROVED))
    handed = Call(CallSubject.HAND_OVER, "v7", "T1/UBEN")
    assert is_due(handed, case(owner="T1/UBEN"))
    assert not is_due(handed, case(owner="T1/UELSIE"))
    assert not is_due(handed, case(owner="T1/UBEN", state=State.REJECTED))


def entry(body, *, actor=DESK, at=NOW):
    return Entry(
        case_id=case().id,
        version=7,
        revision=1,
        at=at,
        actor=actor,
        surface=Surface.DESK,
        body=body,
    )


@pytest.mark.parametrize(
    ("body", "subject"),
    [
        (HandedOver("T1/UBEN", "note", "Ana"), CallSubject.HAND_OVER),
        (Escalated("ops-leads", NOW + timedelta(hours=8)), CallSubject.ESCALATION),
    ],
)
def test_the_new_owner_is_called(body, subject):
    call = call_after([entry(body)], case())
    assert call == Call(subject, "v7", body.to)
    assert callees(call, case()) == (body.to,)


def person(name, **facts):
    return Person(f"T1/U{name.upper()}", name, **facts)


def duty(people, waiting=None, call=None, **more):
    waiting = waiting or case()
    call = call or pending_call(waiting)
    accounts = {one.id: one for one in people}
    return people_on_duty(call, waiting, people=accounts, groups=GROUPS, **more)


def test_nobody_gets_a_direct_message_who_is_away_or_no_colleague():
    ben, elsie = person("Ben", away="On holiday"), person("Elsie", guest=True)
    assert duty([ben, elsie, person("Carla")]) == ("T1/UCARLA",)


def test_nobody_is_asked_whose_approval_would_be_refused():
    waiting = case(approvals=(vote("T1/UBEN"),))
    edited = replace(waiting, proposal=replace(waiting.proposal, editors=("T1/UELSIE",)))
    people = [person("Ben"), person("Elsie"), person("Carla"), person("Dev")]
    assert duty(people, edited, next_call(edited)) == ("T1/UCARLA",)


def test_nobody_is_asked_under_another_account_of_theirs():
    """Whoever raised it, or has approved it, is the same person under every account."""
    linked = Identities.of([("T1/UBEN", "ben@example.com"), ("T1/UCARLA", "E1/UCARLA")])
    raised = case()
    raised = replace(raised, signal=replace(raised.signal, requester="ben@example.com"))
    assert duty([person("Ben"), person("Elsie")], raised, identities=linked) == ("T1/UELSIE",)
    voted = case(approvals=(vote("E1/UCARLA"),))
    people = [person("Carla"), person("Elsie")]
    assert duty(people, voted, next_call(voted), identities=linked) == ("T1/UELSIE",)


def test_an_escalation_calls_nobody_who_raised_the_case_or_has_approved_it():
    call = Call(CallSubject.ESCALATION, "v7", "ops-leads")
    escalated = case(approvals=(vote("T1/UBEN"),))
    escalated = replace(escalated, proposal=replace(escalated.proposal, editors=("T1/UDEV",)))
    people = [person("Ben"), person("Dev"), person("Carla"), person("Fay")]
    # The next owner need not be an approver: they may reject it, or hand it on.
    assert duty(people, escalated, call) == ("T1/UCARLA", "T1/UFAY")


def test_whoever_is_given_a_case_is_told_whatever_they_may_decide():
    handed = Call(CallSubject.HAND_OVER, "v7", "T1/UDEV")
    assert duty([person("Dev")], call=handed) == ("T1/UDEV",)


def test_a_large_group_gets_no_direct_messages():
    handed = Call(CallSubject.ESCALATION, "v7", "ops-leads")
    people = [person(f"P{number}") for number in range(MAX_DIRECT_MESSAGES + 1)]
    assert len(duty(people[1:], call=handed)) == MAX_DIRECT_MESSAGES
    assert duty(people, call=handed) == ()


# --- whoever raised the case ----------------------------------------------------------------------


def raised(*others, **changes):
    """A case that Ana raised first, and these others later."""
    made = case(**changes)
    later = tuple(Requester(account, NOW + timedelta(hours=1)) for account in others)
    return replace(
        made,
        signal=replace(made.signal, requester="T1/UANA"),
        activity=replace(made.activity, later_requesters=later),
    )


def opening(requester):
    sla = case().timers.sla
    signal = replace(case().signal, requester=requester)
    return entry(Opened(signal=signal, owner="floor-managers", channel="C0STOCK", sla=sla))


def test_a_person_who_raises_a_case_is_told_and_a_program_is_not():
    call = Call(CallSubject.REQUEST, "v7", "T1/UANA")
    assert call_after([opening("T1/UANA")], raised()) == call
    assert callees(call, raised()) == ("T1/UANA",)
    assert call_after([opening("billing")], case()) is None
    assert call_after([opening(None)], case()) is None


def test_everybody_who_raises_it_later_is_told_once():
    later = NOW + timedelta(hours=1)
    waiting = raised("T1/UOMAR")
    again = Recurred(replace(waiting.signal, requester="T1/UOMAR"))
    first = call_after([entry(again, at=later)], waiting)
    assert first == Call(CallSubject.REQUEST, "v7", "T1/UOMAR")
    # The next time they are among those who raised it.
    assert call_after([entry(again, at=later + timedelta(hours=1))], waiting) is None
    assert is_due(first, waiting)


def test_the_outcome_reaches_everybody_who_raised_it_but_whoever_ended_it():
    ended = raised("T1/UOMAR", "billing", state=State.REJECTED)
    body = Rejected(RejectReason.DUPLICATE, "", "Ben")
    call = call_after([entry(body)], ended)
    assert (call.subject, callees(call, ended)) == (CallSubject.RESULT, ("T1/UANA", "T1/UOMAR"))
    assert is_due(call, ended)
    by_omar = call_after([entry(body, actor=Actor.parse("T1/UOMAR"))], ended)
    assert callees(by_omar, ended) == ("T1/UANA",)
    assert call_after([entry(body)], case(state=State.REJECTED)) is None


def test_what_notifies_nobody_is_no_call():
    assert call_after([entry(Reminded("ops-leads", NOW))], case()) is None
    assert pending_call(case(state=State.APPROVED)) is None


def test_an_outcome_in_doubt_calls_the_owner_at_once():
    parked = case(state=State.OUTCOME_UNKNOWN)
    call = call_after([entry(Parked(0, "nobody knows"))], parked)
    assert (call.subject, reach_of(call, parked, RULES)) == (CallSubject.OUTCOME, Reach.DUTY)
    assert callees(call, parked) == (parked.owner,)
    assert is_due(call, parked)
    assert not may_wait(call, parked, RULES)


# --- a nudge --------------------------------------------------------------------------------------


def nudge_of(waiting):
    return call_after([entry(Nudged("Ana"))], waiting)


@pytest.mark.parametrize(
    ("tier", "reach"),
    [
        # Whoever asks again reaches somebody at least.
        (RiskTier.LOW, Reach.GROUP),
        (RiskTier.MEDIUM, Reach.GROUP),
        (RiskTier.HIGH, Reach.DUTY),
    ],
)
def test_a_nudge_reaches_as_far_as_the_call_that_it_repeats(tier, reach):
    waiting = case(tier)
    call = nudge_of(waiting)
    assert reach_of(call, waiting, RULES) is reach
    assert callees(call, waiting) == ("ops-leads",)
    assert is_due(call, waiting)
    assert not is_due(call, case(state=State.APPROVED))
    assert may_wait(call, waiting, RULES) is (tier is not RiskTier.HIGH)


def test_a_nudge_about_a_case_that_needs_a_person_calls_its_owner():
    waiting = case(state=State.REFERRED)
    assert reach_of(nudge_of(waiting), waiting, RULES) is Reach.GROUP
    assert callees(nudge_of(waiting), waiting) == waiting.waits_on


def test_a_nudge_never_reaches_those_who_have_decided():
    waiting = case(approvals=(vote("T1/UBEN"),))
    call = nudge_of(waiting)
    assert reach_of(call, waiting, RULES) is Reach.DUTY
    approvals = waiting.proposal.approvals
    assert callees(call, waiting, approvals=approvals, groups=GROUPS) == ("finance",)
    people = [person("Ben"), person("Carla")]
    assert duty(people, waiting, call) == ("T1/UCARLA",)


def test_a_nudge_for_the_second_of_one_group_names_the_others_one_by_one():
    two = ApprovalRequirement("ops-leads", 2)
    approvals = (vote("T1/UBEN"),)
    waiting = case(factors=(two,), approvals=approvals)
    call = nudge_of(waiting)
    assert callees(call, waiting, approvals=approvals, groups=GROUPS) == ("T1/UELSIE",)
    many = {"ops-leads": frozenset({"T1/UBEN", *map(str, range(MAX_DIRECT_MESSAGES + 1))})}
    assert callees(call, waiting, approvals=approvals, groups=many) == ("ops-leads",)


# --- what may wait --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("subject", "tier", "is_held"),
    [
        (CallSubject.DECISION, RiskTier.LOW, True),
        (CallSubject.DECISION, RiskTier.MEDIUM, True),
        (CallSubject.DECISION, RiskTier.HIGH, False),
        (CallSubject.PERSON, RiskTier.MEDIUM, True),
        (CallSubject.NUDGE, RiskTier.LOW, True),
        (CallSubject.NUDGE, RiskTier.HIGH, False),
        (CallSubject.NEXT_APPROVAL, RiskTier.LOW, False),
        (CallSubject.HAND_OVER, RiskTier.LOW, False),
        (CallSubject.ESCALATION, RiskTier.LOW, False),
        (CallSubject.OUTCOME, RiskTier.LOW, False),
        (CallSubject.REQUEST, RiskTier.LOW, False),
        (CallSubject.RESULT, RiskTier.LOW, False),
    ],
)
def test_only_a_first_decision_below_high_risk_is_held_back(subject, tier, is_held):
    assert may_be_held(subject, case(tier)) is is_held


def test_what_is_urgent_or_waits_for_the_last_approval_is_not_held_back():
    urgent = case(RiskTier.LOW)
    urgent = replace(urgent, classification=replace(urgent.classification, is_urgent=True))
    assert not may_be_held(CallSubject.PERSON, urgent)
    assert not may_be_held(CallSubject.NUDGE, case(RiskTier.LOW, approvals=(vote("T1/UBEN"),)))


def test_without_a_verdict_the_risk_is_that_of_the_middle():
    unknown = case(state=State.REFERRED)
    unknown = replace(unknown, proposal=replace(unknown.proposal, verdict=None))
    assert may_be_held(CallSubject.PERSON, unknown)
    assert may_wait(pending_call(unknown), unknown, RULES)
    proposed_without = replace(unknown, state=State.PROPOSED)
    assert reach_of(pending_call(proposed_without), proposed_without, RULES) is Reach.DUTY
    assert callees(next_call(proposed_without), proposed_without) == ()


@pytest.mark.parametrize("subject", [CallSubject.NEXT_APPROVAL, CallSubject.ESCALATION])
def test_a_second_factor_and_an_escalation_wait_for_no_opening(subject):
    call = Call(subject, "v7", "ops-leads")
    low = case(RiskTier.LOW)
    assert not may_wait(call, low, RULES)
    assert may_wait(call, low, CallRules(after_hours=AfterHours.NEVER))


@pytest.mark.parametrize("subject", [CallSubject.HAND_OVER, CallSubject.RESULT])
def test_what_is_told_to_one_person_waits_for_nothing(subject):
    call = Call(subject, "v7", "T1/UBEN")
    assert not may_wait(call, case(), CallRules(after_hours=AfterHours.NEVER))


def at(clock):
    hours, minutes = clock.split(":")
    return datetime(2026, 11, 23, int(hours), int(minutes), tzinfo=UTC)


@pytest.mark.parametrize(
    ("now", "slot"),
    [
        ("10:00", "10:30"),
        ("10:01", "10:30"),
        ("10:29", "10:30"),
        # Too close: another process may have begun with it.
        ("10:30", "11:00"),
        ("16:45", "17:00"),
        ("06:10", "09:00"),
    ],
)
def test_the_next_slot_is_a_full_or_half_hour_that_is_open(now, slot):
    hours = Hours(opens=time(9), closes=time(18))
    assert next_slot(at(now), hours) == at(slot)


def test_after_closing_the_next_slot_is_the_opening():
    hours = Hours(opens=time(9), closes=time(18))
    assert next_slot(at("17:45"), hours) == at("09:00") + timedelta(days=1)


# --- a plan, and its first approval ---------------------------------------------------------------


def test_a_plan_that_is_proposed_calls_for_a_decision():
    waiting = case()
    body = Edited(
        plan=waiting.proposal.plan,
        verdict=waiting.proposal.verdict,
        changes=(),
        by_name="Ben",
        expires_at=NOW,
    )
    assert call_after([entry(body)], waiting) == Call(CallSubject.DECISION, "r1")


def test_an_approval_calls_for_the_next_one_and_the_last_for_none():
    given = entry(ApprovalGiven(vote("T1/UBEN")))
    waiting = case(approvals=(vote("T1/UBEN"),))
    assert call_after([given], waiting) == Call(CallSubject.NEXT_APPROVAL, "r1a1")
    assert call_after([given], case(state=State.APPROVED)) is None


# --- those who stand in ---------------------------------------------------------------------------


def delegation(giver, taker, kind="", hours=8):
    return Delegation(
        giver=giver,
        giver_name=giver,
        taker=taker,
        taker_name=taker,
        kind=kind,
        begins_at=NOW,
        ends_at=NOW + timedelta(hours=hours),
    )


def stand_ins(*delegations, waiting=None, now=NOW):
    groups = add_stand_ins(GROUPS, waiting or case(), delegations=delegations, now=now)
    return {handle: sorted(members - GROUPS[handle]) for handle, members in groups.items()}


def test_whoever_decides_for_a_member_is_called_in_every_group_of_that_member():
    assert stand_ins(delegation("T1/UELSIE", "T1/UDEV")) == {
        "ops-leads": ["T1/UDEV"],
        "finance": ["T1/UDEV"],
    }


@pytest.mark.parametrize(
    ("given", "now"),
    [
        (delegation("T1/UANA", "T1/UDEV"), NOW),
        (delegation("T1/UBEN", "T1/UDEV", kind="lead_cold"), NOW),
        (delegation("T1/UBEN", "T1/UDEV", hours=1), NOW + timedelta(hours=1)),
    ],
)
def test_a_delegation_of_somebody_else_of_another_kind_or_that_is_over_calls_nobody(given, now):
    assert stand_ins(given, now=now) == {"ops-leads": [], "finance": []}


def test_nobody_is_called_for_an_author():
    edited = case()
    edited = replace(edited, proposal=replace(edited.proposal, editors=("T1/UBEN",)))
    given = delegation("T1/UBEN", "T1/UDEV")
    assert stand_ins(given, waiting=edited) == {"ops-leads": [], "finance": []}
