"""Who is called about a case, and how."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.cases.actor import DESK, Surface
from bot.cases.approval import Approval, ApprovalRequirement, Person
from bot.cases.call_rules import AfterHours, CallRules, Reach
from bot.cases.calls import (
    MAX_DIRECT_MESSAGES,
    Call,
    CallSubject,
    call_after,
    callees,
    is_due,
    may_wait,
    open_groups,
    pending_call,
    people_on_duty,
    reach_of,
)
from bot.cases.entries import Entry, Escalated, HandedOver
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


@pytest.mark.parametrize(
    ("body", "subject"),
    [
        (HandedOver("T1/UBEN", "note", "Ana"), CallSubject.HAND_OVER),
        (Escalated("ops-leads", NOW + timedelta(hours=8)), CallSubject.ESCALATION),
    ],
)
def test_the_new_owner_is_called(body, subject):
    entry = Entry(
        case_id=case().id,
        version=7,
        revision=1,
        at=NOW,
        actor=DESK,
        surface=Surface.DESK,
        body=body,
    )
    call = call_after([entry], case())
    assert call == Call(subject, "v7", body.to)
    assert callees(call, case()) == (body.to,)


def person(name, **facts):
    return Person(f"T1/U{name.upper()}", name, **facts)


def duty(people, waiting=None, call=None):
    waiting = waiting or case()
    accounts = {one.id: one for one in people}
    return people_on_duty(call or pending_call(waiting), waiting, people=accounts, groups=GROUPS)


def test_nobody_gets_a_direct_message_who_is_away_or_no_colleague():
    ben, elsie = person("Ben", away="On holiday"), person("Elsie", guest=True)
    assert duty([ben, elsie, person("Carla")]) == ("T1/UCARLA",)


def test_nobody_is_asked_whose_approval_would_be_refused():
    waiting = case(approvals=(vote("T1/UBEN"),))
    edited = replace(waiting, proposal=replace(waiting.proposal, editors=("T1/UELSIE",)))
    people = [person("Ben"), person("Elsie"), person("Carla"), person("Dev")]
    assert duty(people, edited, next_call(edited)) == ("T1/UCARLA",)


def test_whoever_is_given_a_case_is_told_whatever_they_may_decide():
    handed = Call(CallSubject.HAND_OVER, "v7", "T1/UDEV")
    assert duty([person("Dev")], call=handed) == ("T1/UDEV",)


def test_a_large_group_gets_no_direct_messages():
    handed = Call(CallSubject.ESCALATION, "v7", "ops-leads")
    people = [person(f"P{number}") for number in range(MAX_DIRECT_MESSAGES + 1)]
    assert len(duty(people[1:], call=handed)) == MAX_DIRECT_MESSAGES
    assert duty(people, call=handed) == ()
