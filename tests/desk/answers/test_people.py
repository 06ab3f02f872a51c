"""Answers about people and the desk: only over what the asker may see, only what is in force."""

from decimal import Decimal

import pytest

from bot.cases.actor import Surface
from bot.views.query import ME, About, Ask, Condition, Query
from tests.desk.answers.asking import (
    ANA,
    BEN,
    ELSIE,
    FINN,
    NOON,
    as_person,
    asker,
    fact_answers,
    whole,
)
from tests.world import HOUR, playbook


@pytest.fixture
def world(small_world):
    return small_world


def people(world, about, *, by=ANA, **more):
    query = Query(ask=Ask.WHO, about=about, **more)
    return fact_answers(world).people.answer(query, asker(world, by))


def delegate(world, giver, taker, *, begins_in=0, lasts=2):
    now = world.clock()
    world.desk.controls.delegate(
        by=giver,
        to=taker,
        kind="",
        begins_at=now + begins_in * HOUR,
        ends_at=now + (begins_in + lasts) * HOUR,
        surface=Surface.SLACK,
    )


# --- who holds things up ------------------------------------------------------------------------


def test_whoever_something_overdue_waits_on_is_named_with_how_much(world):
    case = world.proposed()
    world.receive(world.signal("product:2"))
    world.work()
    assert (
        "No overdue case waits on anybody. Two cases wait on" in people(world, About.BLOCKER).text
    )
    world.clock.forward(hours=5)
    world.desk.decisions.hand_over(
        as_person(world, case, "ana"), to=BEN, progress="counted", remains="decide"
    )
    answer = people(world, About.BLOCKER)
    assert answer.text == "Two overdue cases wait on @floor-managers (Ana, Omar) and Ben."
    assert [(figure.label, figure.value) for figure in answer.table] == [
        ("@floor-managers (Ana, Omar)", "2"),
        ("Ben", "1"),
    ]


def test_a_group_that_has_approved_holds_nothing_up(world):
    world.house.amount = Decimal(5000)
    case = world.proposed()
    world.approve(case, "ben", note="fine")
    world.clock.forward(hours=5)
    expected = "One overdue case waits on @finance (Carla)."
    assert people(world, About.BLOCKER).text == expected


def test_blockers_are_those_of_the_cases_that_are_meant(world):
    world.proposed()
    world.clock.forward(hours=5)
    running_low = Condition(kinds=("low_stock",))
    answer = people(world, About.BLOCKER, condition=running_low)
    assert answer.text.startswith("One overdue case of “Running low” waits on @floor-managers")
    elsewhere = people(world, About.BLOCKER, condition=Condition(channel="C0OPS"))
    assert elsewhere.text == "Nobody: nothing that you may see waits on anybody."


def test_a_case_that_waits_on_several_is_counted_once_in_all(world):
    world.house.amount = Decimal(5000)
    world.proposed()
    world.clock.forward(hours=5)
    answer = people(world, About.BLOCKER)
    assert answer.text.startswith("One overdue case waits on")
    assert len(answer.table) > 1
    assert answer.facts == ("A case that waits on several counts for each of them.",)


def test_a_snoozed_case_holds_nobody_up(world):
    case = world.proposed()
    world.desk.decisions.snooze(
        as_person(world, case, "ana"), until=world.clock() + 9 * HOUR, reason="later"
    )
    world.clock.forward(hours=5)
    assert people(world, About.BLOCKER).text.startswith("Nobody")


@pytest.mark.threat("E2")
def test_what_the_asker_may_not_see_holds_nobody_up(world):
    world.proposed()
    world.clock.forward(hours=5)
    world.people.channels = {"C0STOCK": {"ana"}, "C0OPS": {"ana", "ben"}}
    answer = people(world, About.BLOCKER, by=BEN)
    assert answer.text == "Nobody: nothing that you may see waits on anybody."
    assert answer.table == ()


# --- stand-ins ----------------------------------------------------------------------------------


def test_a_stand_in_is_named_with_the_end_on_the_clock_of_the_asker(world):
    delegate(world, BEN, ELSIE)
    expected = "Elsie stands in for Ben until 21 Nov 19:30."
    assert people(world, About.STAND_IN, of=BEN).text == expected
    assert people(world, About.STAND_IN).text == expected
    assert people(world, About.STAND_IN, to=ELSIE).text == expected
    assert people(world, About.STAND_IN, of="ops-leads").text == expected
    answer = people(world, About.STAND_IN, of=ME)
    assert answer.text == "Nobody stands in for you at the moment."
    assert answer.facts == ("You stand in for nobody at the moment.",)
    answer = people(world, About.STAND_IN, by=ELSIE, of=ME)
    assert answer.facts == (expected,)


def test_a_stand_in_that_is_over_or_to_come_is_not_in_force(world):
    delegate(world, BEN, ELSIE)
    world.clock.forward(hours=3)
    assert people(world, About.STAND_IN, of=BEN).text == "Nobody stands in for Ben at the moment."
    delegate(world, BEN, FINN, begins_in=5)
    answer = people(world, About.STAND_IN, of=BEN)
    assert answer.text == "Nobody stands in for Ben at the moment."
    assert answer.facts == ("From 22 Nov 01:30 on: Finn stands in for Ben until 22 Nov 03:30.",)


# --- groups -------------------------------------------------------------------------------------


def test_the_members_of_a_group_are_named_and_guests_told_apart(world):
    assert people(world, About.MEMBERS, of="ops-leads").text == "In @ops-leads: Ben and Elsie."
    world.people.change("omar", guest=True)
    assert people(world, About.MEMBERS, of="floor-managers").text == (
        "In @floor-managers: Ana. Omar is in it too, but cannot decide."
    )
    assert people(world, About.MEMBERS, of="nobody-here").text == "I find nobody in @nobody-here."


def test_the_groups_of_a_person(world):
    assert people(world, About.MEMBERS, of=ELSIE).text == "Elsie is in @ops-leads and @owners."
    assert "none of the groups" in people(world, About.MEMBERS, of=FINN).text
    assert people(world, About.MEMBERS, of=ME).text == "You are in @floor-managers."


# --- pauses -------------------------------------------------------------------------------------


def test_a_pause_says_what_by_whom_since_when_and_why(world):
    assert people(world, About.PAUSE).text == "Nothing is paused."
    world.desk.controls.pause("kind:low_stock", by=ANA, reason="stocktaking", surface=Surface.SLACK)
    world.clock.forward(hours=1)
    assert people(world, About.PAUSE).text == (
        f"“Running low” has been paused by Ana since {NOON}: stocktaking."
    )


def test_everything_said_is_about_what_is_asked(world):
    world.library.book = playbook()
    assert "paused" not in whole(people(world, About.MEMBERS))
