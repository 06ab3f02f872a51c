"""Answers about one case: each is what was recorded, on the clock of the asker."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from bot.cases.actor import Surface
from bot.cases.commands import Claim
from bot.cases.entries import RejectReason
from bot.cases.policy import ActionLimit, PlaybookTerms, Stage
from bot.views.query import About, Ask, Condition, LastDecision, Measure, Query
from tests.desk.answers.asking import (
    ANA,
    BEN,
    CARLA,
    FINN,
    NOON,
    OMAR,
    as_person,
    ask,
    asker,
    fact_answers,
    whole,
)
from tests.fakes.mind import FakeRecogniser, mind
from tests.world import HOUR, World, playbook, policy

AUTONOMOUS_RULES = policy(actions={"house.order_stock": ActionLimit(alone=True)})


@pytest.fixture
def world(small_world):
    return small_world


def done(world, note="we are out"):
    """A case that was approved and carried out."""
    case = world.proposed()
    world.approve(case, note=note)
    world.work()
    return case


def big(world):
    """A case that needs ops-leads and finance."""
    world.house.amount = Decimal(5000)
    return world.proposed()


def automatic(world):
    """A case that policy let run."""
    world.library.rules = AUTONOMOUS_RULES
    world.library.book = playbook(terms=PlaybookTerms(stage=Stage.AUTONOMOUS))
    case = world.proposed()
    world.work()
    return case


def rejected(world, note="closed on Mondays"):
    case = world.proposed()
    world.desk.decisions.reject(
        as_person(world, case, "omar"), reason=RejectReason.WRONG_PLAN, note=note
    )
    return case


# --- the case itself ----------------------------------------------------------------------------


def test_every_answer_carries_its_case_with_what_the_asker_may_do(world):
    case = world.proposed()
    for about in list(About)[:23]:
        (row, *_) = ask(world, case, about).rows
        assert (row.case.id, row.is_decidable) == (case.id, True)
    assert not ask(world, case, by=FINN).rows[0].is_decidable


def test_the_status_says_where_it_is_and_who_must_decide_by_when(world):
    case = world.proposed()
    text = whole(ask(world, case))
    assert text.startswith("EX-1 is waiting for a decision. Merlot: 4 left. £312.50 is at stake.")
    assert "The plan: Do order_stock." in text
    assert "1 approval is missing: @floor-managers (Ana, Omar)." in text
    assert "EX-1 is to be decided by 21 Nov 21:30, in 4 hours." in text


def test_the_status_of_a_case_that_is_over_says_what_came_of_it(world):
    text = whole(ask(world, done(world)))
    assert text.startswith("EX-1 is resolved.")
    assert f"Ana approved it on {NOON}: “we are out”." in text
    assert f"It worked on {NOON}." in text


def test_the_status_of_a_case_that_needs_a_person_says_whom_and_why(world):
    world.house.failing_lookups.add("look")
    text = whole(ask(world, world.proposed()))
    assert "EX-1 needs a person" in text
    assert "Somebody of @floor-managers (Ana, Omar) has to look at it." in text
    assert "The reason: " in text


# --- decisions ----------------------------------------------------------------------------------


def test_who_approved_it_and_when_it_ran(world):
    case = world.proposed()
    world.approve(case)
    world.clock.forward(minutes=3)
    world.work()
    answer = ask(world, case, About.DECISION, Ask.WHO)
    assert answer.text == f"EX-1: Ana approved it on {NOON}."
    assert answer.facts == ("It began to run on 21 Nov 17:33.", "It worked on 21 Nov 17:33.")


def test_two_approvals_are_both_named_and_one_given_back_is_not(world):
    case = big(world)
    world.approve(case, "ben", note="fine")
    text = whole(ask(world, case, About.DECISION, Ask.WHO))
    assert text.startswith("Nobody has decided about EX-1 yet")
    assert "Ben approved it" in text
    assert "1 approval is missing: @finance (Carla)." in text
    world.approve(case, "carla", note="paid before")
    world.work()
    text = whole(ask(world, case, About.DECISION, Ask.WHO))
    assert "Ben approved it" in text
    assert f"Carla approved it on {NOON}: “paid before”." in text


def test_what_policy_let_run_was_decided_by_no_person(world):
    case = automatic(world)
    text = whole(ask(world, case, About.DECISION, Ask.WHO))
    assert text.startswith(f"EX-1: No person approved it; policy let it run by itself on {NOON}.")
    assert "It worked" in text


def test_why_it_was_rejected_is_the_reason_with_the_note(world):
    answer = ask(world, rejected(world), About.DECISION, Ask.WHY)
    sentence = "Omar rejected it on 21 Nov 17:30: the plan is wrong (“closed on Mondays”)."
    assert answer.text == f"EX-1: {sentence}"


def test_an_approval_without_words_has_no_reason(world):
    text = whole(ask(world, done(world, note=""), About.DECISION, Ask.WHY))
    assert "No reason was written down with it." in text
    assert "The reason for the plan itself: because." in text


def test_why_it_expired(world):
    case = world.proposed()
    world.clock.forward(hours=25)
    world.desk.upkeep.deadlines.process_due()
    world.clock.forward(days=30)
    world.desk.upkeep.deadlines.process_due()
    text = whole(ask(world, case, About.ENDING, Ask.WHY))
    assert "EX-1 expired on 22 Dec 18:30: nobody decided in time, and nothing was done." in text
    assert "Nobody had decided by 22 Nov 18:30, so it went to @ops-leads." in text
    assert "EX-1 expired" in ask(world, case, About.DECISION, Ask.WHO).text
    assert "was escalated" in ask(world, case, About.ESCALATION).text


def test_a_case_that_was_never_escalated_says_so(world):
    text = whole(ask(world, world.proposed(), About.ESCALATION))
    assert "EX-1 has not been escalated." in text
    assert "Undecided on 21 Nov 21:30, it goes to @ops-leads." in text


def test_why_it_was_not_done_by_itself_and_why_it_was(world):
    text = whole(ask(world, world.proposed(), ask=Ask.EXPLAIN_DECISION))
    assert "I do not do EX-1 without people: one reversible change, moving £100.00" in text
    assert "low risk, and policy asks for 1 approval" in text
    assert "It needs 1 of @floor-managers (Ana, Omar)." in text
    world.receive(world.signal("product:2"))
    world.library.rules = AUTONOMOUS_RULES
    world.library.book = playbook(terms=PlaybookTerms(stage=Stage.AUTONOMOUS))
    world.work()
    other = world.store.cases.case("EX-2")
    text = ask(world, other, ask=Ask.EXPLAIN_DECISION).text
    assert text.startswith("EX-2 was done without asking: one reversible change")


def test_changes_are_told_field_by_field(world):
    case = world.proposed()
    assert ask(world, case, About.CHANGES).text == "Nobody has edited the plan of EX-1."
    world.desk.decisions.edit(as_person(world, case, "omar"), values={"quantity": 12})
    answer = ask(world, case, About.CHANGES)
    assert answer.facts == (f"quantity: 24 → 12, by Omar on {NOON}.",)


def test_drift_says_what_had_changed(world):
    case = world.proposed()
    assert "never asked again" in ask(world, case, About.DRIFT).text
    world.approve(case)
    world.house.facts["on_hand"] = 9
    world.work()
    text = whole(ask(world, case, About.DRIFT))
    assert f"It was asked again on {NOON}: on_hand was 4, is 9." in text
    assert "on_hand was 4" in whole(ask(world, case, About.EXECUTION, Ask.WHY))
    assert ask(world, case, About.DECISION, Ask.WHO).text.startswith("Nobody has decided")


# --- times --------------------------------------------------------------------------------------


def test_times_are_those_of_the_asker_and_of_what_was_asked(world):
    case = world.proposed()
    assert ask(world, case, About.DUE, Ask.WHEN).text.startswith(
        "EX-1 is to be decided by 21 Nov 21:30"
    )
    assert ask(world, case, About.EXPIRY, Ask.WHEN).text.startswith(
        "The time to approve EX-1 ends on 22 Nov 17:30"
    )
    world.clock.forward(hours=6)
    assert "which was 2 hours ago" in ask(world, case, About.DUE).text


def test_how_long_it_is_open(world):
    case = world.proposed()
    world.clock.forward(hours=60)
    answer = ask(world, case, About.OPENING, Ask.HOW_LONG)
    assert answer.text == f"EX-1 has been open for 2.5 days, since {NOON}."
    assert answer.facts == ("It came from api.",)
    to_decide = ask(world, case, ask=Ask.HOW_LONG, measure=Measure.MEDIAN_TIME_TO_DECIDE)
    assert to_decide.text == "Nobody has decided about EX-1 yet."


def test_how_long_a_decision_took(world):
    case = world.proposed()
    world.clock.forward(hours=3)
    world.approve(case)
    answer = ask(world, case, ask=Ask.HOW_LONG, measure=Measure.MEDIAN_TIME_TO_DECIDE)
    assert answer.text == "The decision on EX-1 took 3 hours."


def test_an_expiry_that_nothing_waits_for(world):
    assert "none runs out" in ask(world, done(world), About.EXPIRY).text


def test_it_can_be_taken_back_until_the_time_is_over(world):
    world.house.undo_for = timedelta(minutes=30)
    case = world.proposed()
    assert "Once done, it can be taken back for 30 minutes." in whole(ask(world, case, About.UNDO))
    world.approve(case)
    world.work()
    assert "EX-1 can be taken back until 21 Nov 18:00" in ask(world, case, About.UNDO).text
    world.clock.forward(hours=1)
    answer = ask(world, case, About.UNDO)
    assert answer.text == (
        "It is too late to take EX-1 back: the time for that ended on 21 Nov 18:00."
    )


def test_it_cannot_be_taken_back_where_no_time_is_set(world):
    assert "cannot be taken back" in ask(world, done(world), About.UNDO).text


def test_it_was_taken_back(world):
    world.house.undo_for = timedelta(minutes=30)
    case = done(world)
    world.desk.decisions.undo(as_person(world, case, "ana"), note="wrong shop")
    world.work()
    assert "has been taken back already" in ask(world, case, About.UNDO).text
    assert "Ana took it back on" in whole(ask(world, case, About.DECISION, Ask.WHO))


def test_a_snooze_has_an_end_a_name_and_a_reason(world):
    case = world.proposed()
    assert "is not snoozed" in ask(world, case, About.SNOOZE).text
    world.desk.decisions.snooze(
        as_person(world, case, "ana"), until=world.clock() + 2 * HOUR, reason="lorry is late"
    )
    text = whole(ask(world, case, About.SNOOZE))
    assert "EX-1 is snoozed until 21 Nov 19:30." in text
    assert "Ana snoozed it: lorry is late." in text
    assert "lorry is late" in whole(ask(world, case))


# --- the plan -----------------------------------------------------------------------------------


def test_evidence_has_value_source_and_time(world):
    answer = ask(world, world.proposed(), About.EVIDENCE)
    assert answer.facts == (f"On hand: 4 (house, {NOON}).",)


def test_a_look_up_that_failed_is_told(world):
    world.house.failing_lookups.add("look")
    text = whole(ask(world, world.proposed(), About.EVIDENCE))
    assert "could not be read, the system is away" in text


def test_what_happens_on_approval_comes_from_the_plan(world):
    world.house.undo_for = timedelta(minutes=30)
    text = whole(ask(world, world.proposed(), About.CONSEQUENCE))
    assert text.startswith("If EX-1 is approved: do order_stock, moving £100.00.")
    assert "The dry run says: order_stock done." in text
    assert "Once done, it can be taken back for 30 minutes." in text
    assert "Do order_stock (product id 1, quantity 24)." in whole(
        ask(world, world.store.cases.case("EX-1"), About.PLAN)
    )


def test_a_plan_that_is_paused_or_incomplete_does_not_run_at_once(world):
    case = big(world)
    world.desk.controls.pause("", by=ANA, reason="stocktaking", surface=Surface.SLACK)
    text = whole(ask(world, case, About.CONSEQUENCE))
    assert "everything is paused by Ana: stocktaking" in text
    assert "It runs only when the approvals are complete. 2 approvals are missing" in text


def test_nothing_is_left_to_approve(world):
    text = ask(world, done(world), About.CONSEQUENCE).text
    assert text == "There is nothing to approve now: EX-1 is resolved."


def test_why_this_is_recommended(world):
    text = whole(ask(world, world.proposed(), About.RECOMMENDATION, Ask.WHY))
    assert "I recommend “order stock” because: because." in text
    assert "It rests on rule 1 of the playbook “Running low”." in text
    confidence = ask(world, world.store.cases.case("EX-1"), About.CONFIDENCE).text
    assert "I cannot give a figure for EX-1" in confidence


def test_a_confidence_is_the_recorded_one(world):
    case = world.proposed()
    recommendation = replace(case.proposal.recommendation, confidence=73, promise="held so far")
    case = replace(case, proposal=replace(case.proposal, recommendation=recommendation))
    query = Query(ask=Ask.STATUS, about=About.CONFIDENCE)
    text = whole(fact_answers(world).case_facts.answer(query, case, asker(world)))
    assert "73% for EX-1" in text
    assert "held so far." in text


def test_why_it_is_not_done_yet(world):
    case = world.proposed()
    assert "still waits for a decision" in ask(world, case, About.EXECUTION, Ask.WHY).text
    world.approve(case)
    assert "runs as soon as a worker is free" in ask(world, case, About.EXECUTION, Ask.WHY).text
    world.desk.controls.pause("kind:low_stock", by=ANA, reason="stocktaking", surface=Surface.SLACK)
    text = ask(world, case, About.EXECUTION, Ask.WHY).text
    assert "waits because “Running low” is paused by Ana: stocktaking (since 21 Nov 17:30)" in text


def test_what_ran_is_told_step_by_step(world):
    text = whole(ask(world, done(world), About.EXECUTION))
    assert f"Do order_stock: done on {NOON}" in text
    assert f"It worked on {NOON}." in whole(
        ask(world, world.store.cases.case("EX-1"), About.OUTCOME)
    )


def test_why_it_failed(world):
    world.house.faults["execute"] = ["refuse"]
    case = world.proposed()
    world.approve(case)
    world.work()
    assert "needs a person: " in ask(world, case, About.EXECUTION, Ask.WHY).text


def test_why_it_is_of_this_kind(world, small_world):
    assert "because api reported it as that" in whole(
        ask(world, world.proposed(), About.RECOGNITION, Ask.WHY)
    )


def test_a_recognised_kind_has_its_confidence(world):
    world = World(world.store, mind(recogniser=FakeRecogniser(kind="low_stock", confidence=91)))
    receipt = world.receive(world.signal("thing:1", kind="unrecognised"))
    world.work()
    text = whole(ask(world, world.store.cases.case(receipt.case_id), About.RECOGNITION, Ask.WHY))
    assert "I recognised EX-1 as “Running low” with 91% confidence, by hand." in text
    assert "The likeliest kinds: Running low 91%." in text


# --- people -------------------------------------------------------------------------------------


def test_who_may_approve_is_named_and_whoever_may_not_is_told_why(world):
    case = world.proposed()
    answer = ask(world, case, ask=Ask.WHO_MAY_APPROVE)
    assert answer.text == "EX-1 can be approved by Ana or Omar (@floor-managers)."
    text = whole(ask(world, case, ask=Ask.WHO_MAY_APPROVE, by=FINN))
    assert "You cannot approve it: only @floor-managers may approve this." in text


def test_a_guest_and_whoever_edited_it_are_not_among_them(world):
    case = world.proposed()
    world.people.change("ana", guest=True)
    text = ask(world, case, ask=Ask.WHO_MAY_APPROVE, by=FINN).text
    assert text == "EX-1 can be approved by Omar (@floor-managers)."
    world.desk.decisions.edit(as_person(world, case, "omar"), values={"quantity": 12})
    text = ask(world, case, ask=Ask.WHO_MAY_APPROVE, by=FINN).text
    assert text == (
        "EX-1 needs an approval of @floor-managers, which nobody can give at the moment."
    )


def test_a_stand_in_may_approve_while_it_is_in_force(world):
    case = world.proposed()
    now = world.clock()
    world.desk.controls.delegate(
        by=ANA, to=FINN, kind="", begins_at=now, ends_at=now + HOUR, surface=Surface.SLACK
    )
    assert "Finn for Ana" in ask(world, case, ask=Ask.WHO_MAY_APPROVE).text
    world.clock.forward(hours=2)
    assert "Finn" not in ask(world, case, ask=Ask.WHO_MAY_APPROVE).text


def test_who_is_missing_after_the_first_of_two(world):
    case = big(world)
    world.approve(case, "ben", note="fine")
    answer = ask(world, case, ask=Ask.WHO_MAY_APPROVE, by=BEN)
    assert answer.text == "EX-1 needs 2 approvals. Still missing: Carla (@finance)."
    assert answer.facts == ("Ben has approved it.", "Your own approval is given.")


def test_why_it_is_on_me(world):
    case = big(world)
    text = whole(ask(world, case, About.APPROVER, Ask.WHY, by=CARLA))
    assert "EX-1 is high risk: moves £5,000.00, over £2,500.00." in text
    assert "1 of @finance (Carla)" in text
    assert "You are in @finance." in text


def test_who_has_it(world):
    case = world.proposed()
    assert "EX-1 belongs to @floor-managers (Ana, Omar)" in ask(world, case, About.OWNER).text
    world.desk.decisions.decide(as_person(world, case, "omar"), Claim)
    answer = ask(world, case, About.OWNER, Ask.WHO)
    assert answer.text == "Omar has EX-1."
    assert answer.facts == ("Its team is @floor-managers (Ana, Omar).",)


def test_approvers_of_a_case_that_waits_for_nobody(world):
    text = whole(ask(world, done(world), ask=Ask.WHO_MAY_APPROVE))
    assert "EX-1 waits for no approval: it is resolved." in text
    assert "Ana approved it" in text


# --- the trail ----------------------------------------------------------------------------------


def test_the_trail_tells_every_entry_oldest_first(world):
    case = world.proposed()
    decisions = world.desk.decisions
    decisions.hand_over(
        as_person(world, case, "ana"), to=OMAR, progress="counted", remains="decide"
    )
    world.clock.forward(minutes=10)
    world.approve(case, "omar")
    world.work()
    answer = ask(world, case, About.TRAIL)
    count = len(world.store.cases.entries(case.id))
    assert answer.text == f"EX-1 has {count} entries in its ledger, the oldest first:"
    first, second = answer.facts
    assert first.startswith(f"{NOON}: It was opened: Merlot is running low. It was looked up:")
    assert " Ana handed it over to Omar: " in first
    assert second.startswith("21 Nov 17:40: Omar approved it. The approvals were complete.")
    assert second.endswith(" It worked.")


# --- precedents ---------------------------------------------------------------------------------


def test_how_it_was_handled_last_time_shows_decided_cases_of_the_kind(world):
    done(world)
    world.receive(world.signal("product:2"))
    world.work()
    case = world.store.cases.case("EX-2")
    answer = ask(world, case, About.PRECEDENTS)
    assert [row.case.id for row in answer.rows] == ["EX-2", "EX-1"]
    assert f"EX-1: Ana approved it on {NOON}: “we are out”. It worked on {NOON}." in answer.text
    assert "only decided case of this kind" in whole(answer)


@pytest.mark.threat("E2")
def test_precedents_of_a_channel_that_the_asker_is_not_in_never_appear(world):
    rejected(world, note="the secret reason")
    world.library.book = playbook(channel="C0OPS")
    world.receive(world.signal("product:2"))
    world.work()
    world.people.channels["C0STOCK"] = {"ben"}
    answer = ask(world, world.store.cases.case("EX-2"), About.PRECEDENTS, by=ANA)
    assert "EX-1" not in whole(answer)
    assert "secret" not in whole(answer)
    assert [row.case.id for row in answer.rows] == ["EX-2"]
    assert "I find no decided case" in answer.text


# --- several cases ------------------------------------------------------------------------------


def test_several_cases_have_a_line_each_and_the_names_in_front(world):
    for number in (1, 2, 3):
        world.receive(world.signal(f"product:{number}"))
    world.work()
    cases = [world.store.cases.case(f"EX-{number}") for number in (1, 2, 3)]
    for case, name in zip(cases, ("ana", "omar", "omar"), strict=True):
        world.desk.decisions.reject(
            as_person(world, case, name), reason=RejectReason.WRONG_PLAN, note=f"by {name}"
        )
    cases = [world.case(case) for case in cases]
    query = Query(ask=Ask.WHO, about=About.DECISION)
    answer = fact_answers(world).case_facts.summarise(query, cases, asker(world))
    assert answer.text == "Omar (2) and Ana (1)."
    assert [row.case.id for row in answer.rows] == ["EX-1", "EX-2", "EX-3"]
    query = Query(ask=Ask.WHY, about=About.DECISION)
    answer = fact_answers(world).case_facts.summarise(query, cases, asker(world))
    assert answer.text == "The plan is wrong (3)."
    assert answer.facts[0].endswith("the plan is wrong (“by ana”).")
    assert len(answer.facts) == 3


def test_who_edited_and_who_handed_over_are_decisions_of_their_own(world):
    case = world.proposed()
    decisions = world.desk.decisions
    decisions.edit(as_person(world, case, "omar"), values={"quantity": 12})
    decisions.hand_over(as_person(world, case, "ana"), to=BEN, progress="counted", remains="decide")
    answers = fact_answers(world).case_facts
    for decision, sentence in (
        (LastDecision.EDITED, f"EX-1: Omar edited the plan on {NOON}: quantity 24 → 12."),
        (LastDecision.HANDED_OVER, f"EX-1: Ana handed it over on {NOON}: "),
    ):
        query = Query(ask=Ask.WHO, about=About.DECISION, condition=Condition(decision=decision))
        answer = answers.summarise(query, [world.case(case)], asker(world))
        assert answer.text.startswith(sentence)
    text = whole(ask(world, case, About.DECISION, Ask.WHO))
    assert text.startswith("Nobody has decided about EX-1 yet")
    assert "Omar edited the plan" in text


def test_everybody_who_decided_many_cases_is_counted(world):
    for number in range(1, 13):
        world.receive(world.signal(f"product:{number}"))
    world.work(rounds=200)
    cases = [world.store.cases.case(f"EX-{number}") for number in range(1, 13)]
    for index, case in enumerate(cases):
        name = "omar" if index == 11 else "ana"
        world.desk.decisions.reject(
            as_person(world, case, name), reason=RejectReason.WRONG_PLAN, note="no"
        )
    query = Query(ask=Ask.WHO, about=About.DECISION)
    cases = [world.case(case) for case in cases]
    answer = fact_answers(world).case_facts.summarise(query, cases, asker(world))
    assert answer.text == "Ana (11) and Omar (1)."
    assert (len(answer.rows), answer.total) == (10, 12)
