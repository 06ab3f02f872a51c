"""Times of a case: since when, until when and how long, also once it is over or its year is."""

from datetime import UTC, datetime, timedelta
from functools import partial

import pytest

from bot.cases.commands import Retract, WakeEarly
from bot.views.query import About, Ask, Measure
from tests.desk.answers.asking import ANA, NOON, OMAR, as_person, ask, whole
from tests.world import HOUR

NEW_YEARS_EVE = datetime(2026, 12, 31, 17, 0, tzinfo=UTC)
DECISION_TIME = Measure.MEDIAN_TIME_TO_DECIDE


@pytest.fixture
def world(small_world):
    return small_world


def raised(world, by=ANA, key="press-1"):
    """A case that a person raised, about one product."""
    facts = {"product_id": "1"}
    receipt = world.desk.raising.raise_case(
        by=by, title="Wine on the floor", key=key, kind="low_stock", facts=facts
    )
    world.work()
    return world.store.cases.case(receipt.case_id)


def cleared(world):
    """A case that the source took back five minutes later."""
    signal = world.signal()
    receipt = world.receive(signal)
    world.work()
    world.clock.forward(minutes=5)
    world.clear(signal)
    world.work()
    return world.store.cases.case(receipt.case_id)


def snooze(world, case, reason, hours=2):
    world.desk.decisions.snooze(
        as_person(world, case, "omar"), until=world.clock() + hours * HOUR, reason=reason
    )


# --- how long -----------------------------------------------------------------------------------


def test_who_raised_it_is_said_and_how_often_it_was_reported(world):
    case = raised(world)
    assert ask(world, case, About.OPENING).facts == ("Ana raised it.",)
    raised(world, by=OMAR, key="press-2")
    world.clock.forward(minutes=90)
    answer = ask(world, case, About.OPENING)
    assert answer.text == f"EX-1 has been open for 90 minutes, since {NOON}."
    assert answer.facts == ("Ana raised it.", "It was reported 2 times.")
    assert "It was reported again by Omar." in whole(ask(world, case, About.TRAIL))
    recognition = ask(world, case, About.RECOGNITION)
    assert recognition.text == "EX-1 is “Running low” because Ana raised it as that."


def test_whoever_raised_it_and_left_is_a_colleague(world):
    case = raised(world)
    del world.people.people[ANA]
    assert ask(world, case, About.OPENING).facts == ("A colleague raised it.",)


def test_a_case_that_is_over_was_open_for_a_time_with_two_ends(world):
    answer = ask(world, cleared(world), About.OPENING)
    assert answer.text == f"EX-1 was open for 5 minutes, from {NOON} to 21 Nov 17:35."


def test_what_ended_without_a_decision_does_not_wait_on(world):
    case = cleared(world)
    world.clock.forward(days=3)
    answer = ask(world, case, About.DECISION, Ask.HOW_LONG)
    assert answer.text == (
        "EX-1 waited for 5 minutes, until 21 Nov 17:35; nobody decided about it."
    )
    answer = ask(world, case, ask=Ask.HOW_LONG, measure=DECISION_TIME)
    assert answer.text == "Nobody has decided about EX-1."


def test_how_long_it_waits_and_waited_for_a_decision(world):
    case = world.proposed()
    wait = partial(ask, world, case, About.APPROVER, Ask.HOW_LONG)
    world.clock.forward(minutes=45)
    assert wait().text == f"EX-1 has waited for 45 minutes, since {NOON}."
    world.approve(case)
    world.clock.forward(days=1)
    assert wait().text == "EX-1 was decided 45 minutes after it was opened."


@pytest.mark.parametrize(
    ("about", "text"),
    [
        (About.DUE, "EX-1 is to be decided by 21 Nov 21:30, in 4 hours."),
        (About.EXPIRY, "The time to approve EX-1 ends on 22 Nov 17:30, in 1 day."),
        (About.SNOOZE, "EX-1 is not snoozed: it is waiting for a decision."),
    ],
)
def test_how_long_until_something_is_its_time(world, about, text):
    assert ask(world, world.proposed(), about, Ask.HOW_LONG).text == text


# --- until when ---------------------------------------------------------------------------------


def test_a_time_of_another_year_has_its_year_and_its_day_is_the_askers(world):
    world.clock.at = NEW_YEARS_EVE
    case = world.proposed()
    # It is half past ten in the evening in Kolkata; four hours later is next year.
    assert ask(world, case, About.OPENING).text.endswith("since 31 Dec 22:30.")
    assert "is to be decided by 1 Jan 2027 02:30, in 4 hours." in ask(world, case, About.DUE).text
    world.clock.forward(hours=2)
    assert "since 31 Dec 2026 22:30." in ask(world, case, About.OPENING).text
    assert "by 1 Jan 02:30, in 2 hours." in ask(world, case, About.DUE).text


def test_what_is_decided_is_due_no_more(world):
    case = world.proposed()
    world.approve(case)
    world.work()
    answer = ask(world, case, About.DUE)
    assert answer.text == "EX-1 waits for no decision any more: it is resolved."
    assert answer.facts == ("It was due by 21 Nov 21:30.",)


def test_the_time_to_approve_ends_after_it_was_escalated(world):
    case = world.proposed()
    assert ask(world, case, About.EXPIRY).facts == (
        "Before it expires, it goes to @ops-leads once.",
    )
    world.clock.forward(hours=25)
    assert ask(world, case, About.EXPIRY).text == (
        "The time to approve EX-1 ends on 22 Nov 17:30, which has passed."
    )
    world.desk.upkeep.deadlines.process_due()
    answer = ask(world, case, About.EXPIRY)
    assert answer.text == "The time to approve EX-1 ends on 23 Nov 18:30, in 1 day."
    assert answer.facts == ("It then expires, and nothing is done.",)
    world.clock.forward(days=2)
    world.desk.upkeep.deadlines.process_due()
    assert ask(world, case, About.EXPIRY).text == "EX-1 expired on 24 Nov 18:30."


def test_what_was_decided_is_not_escalated_any_more(world):
    case = world.proposed()
    assert ask(world, case, About.ESCALATION).facts == (
        "Undecided on 21 Nov 21:30, it goes to @ops-leads.",
    )
    world.approve(case)
    answer = ask(world, case, About.ESCALATION)
    assert (answer.text, answer.facts) == ("EX-1 has not been escalated.", ())


def test_the_reason_of_a_snooze_is_said_as_it_was_written(world):
    case = world.proposed()
    snooze(world, case, "Lorry is late.")
    assert ask(world, case, About.SNOOZE).facts == ("Omar snoozed it: Lorry is late.",)
    assert ask(world, case).facts[-1] == "Omar snoozed it: Lorry is late."


def test_a_snooze_that_was_ended_is_told_as_the_last_one(world):
    case = world.proposed()
    snooze(world, case, "Lorry is late.")
    world.desk.decisions.decide(as_person(world, case, "ana"), WakeEarly)
    world.work()
    answer = ask(world, case, About.SNOOZE)
    assert answer.text == "EX-1 is not snoozed: it is waiting for a decision."
    assert answer.facts == ("Omar snoozed it until 21 Nov 19:30: Lorry is late.",)
    snooze(world, case, "still late", hours=4)
    assert ask(world, case, About.SNOOZE).text == "EX-1 is snoozed until 21 Nov 21:30."


def test_what_was_taken_back_by_whoever_raised_it(world):
    case = raised(world)
    world.clock.forward(minutes=10)
    world.desk.decisions.decide(as_person(world, case, "ana"), Retract)
    sentence = "Ana took it back on 21 Nov 17:40."
    assert ask(world, case, About.ENDING).text == f"EX-1: {sentence}"
    assert ask(world, case, About.DECISION, Ask.WHO).text == f"EX-1: {sentence}"
    assert ask(world, case).facts == (sentence,)
    assert ask(world, case, About.SNOOZE).text == "EX-1 is not snoozed: it is withdrawn."


# --- taking back --------------------------------------------------------------------------------


def test_what_never_ran_has_nothing_to_take_back_and_no_time_for_it(world):
    world.house.undo_for = timedelta(minutes=30)
    answer = ask(world, cleared(world), About.UNDO)
    assert answer.text == (
        "There is nothing to take back: EX-1 has cleared by itself, and has not been done."
    )
    assert answer.facts == ()


def test_what_is_under_way_cannot_be_taken_back_yet(world):
    world.house.undo_for = timedelta(hours=2)
    world.house.faults["execute"] = ["busy"]
    case = world.proposed()
    world.approve(case)
    world.work(rounds=2)
    answer = ask(world, case, About.UNDO)
    assert answer.text == "EX-1 cannot be taken back yet: it is being carried out."
    assert answer.facts == ("Once done, it can be taken back for 2 hours.",)


def test_without_a_plan_there_is_nothing_to_take_back(world):
    world.house.failing_lookups.add("look")
    answer = ask(world, world.proposed(), About.UNDO)
    assert answer.text == "There is nothing to take back: EX-1 has no plan."


def test_what_people_did_by_hand_the_desk_cannot_take_back(world):
    world.house.faults["execute"] = ["refuse"]
    case = world.proposed()
    world.approve(case)
    world.work()
    world.desk.decisions.resolve(as_person(world, case, "omar"), note="Phoned them.")
    assert ask(world, case, About.UNDO).text == (
        "EX-1 cannot be taken back: nothing was carried out by the desk."
    )


def test_what_cannot_be_undone_says_so(world):
    world.house.reversible = False
    case = world.proposed()
    world.approve(case, "ben")
    world.work()
    assert ask(world, case, About.UNDO).text == (
        "EX-1 cannot be taken back: what it did cannot be undone."
    )


def test_an_undo_under_way_is_said_wherever_it_is_asked(world):
    world.house.undo_for = timedelta(minutes=30)
    case = world.proposed()
    world.approve(case)
    world.work()
    world.desk.decisions.undo(as_person(world, case, "ana"), note="Wrong shop.")
    assert ask(world, case, About.UNDO).text == "EX-1 is being taken back now."
    assert ask(world, case, About.EXECUTION).text == "EX-1 is being taken back now."
