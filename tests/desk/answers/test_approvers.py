"""Who may approve: by name and group, after some have, and where nobody can."""

from decimal import Decimal

import pytest

from bot.cases.actor import Surface
from bot.cases.commands import Claim, Withdraw
from bot.cases.identity import Identities
from bot.views.query import About, Ask
from tests.desk.answers.asking import (
    ANA,
    BEN,
    CARLA,
    DEV,
    ELSIE,
    FINN,
    NOON,
    OMAR,
    as_person,
    ask,
    whole,
)
from tests.world import HOUR


@pytest.fixture
def world(small_world):
    return small_world


@pytest.fixture
def big(world):
    """A case that needs ops-leads and finance."""
    world.house.amount = Decimal(5000)
    return world.proposed()


def delegate(world, giver, taker, *, kind="", begins_in=0):
    begins_at = world.clock() + begins_in * HOUR
    world.desk.controls.delegate(
        by=giver,
        to=taker,
        kind=kind,
        begins_at=begins_at,
        ends_at=begins_at + 2 * HOUR,
        surface=Surface.SLACK,
    )


def who_may(world, case, by=FINN):
    return ask(world, case, ask=Ask.WHO_MAY_APPROVE, by=by)


def test_each_group_of_a_large_plan_is_named_with_its_people(world, big):
    assert who_may(world, big).text == (
        "EX-1 needs 2 approvals. Still missing: Ben or Elsie (@ops-leads) and Carla (@finance)."
    )
    expected = "2 approvals are missing: @ops-leads (Ben, Elsie) and @finance (Carla)."
    assert expected in ask(world, big).facts


def test_a_group_in_which_nobody_can_approve_is_named_beside_the_others(world, big):
    world.people.change("carla", active=False)
    assert who_may(world, big).text == (
        "EX-1 needs 2 approvals. Still missing: Ben or Elsie (@ops-leads) and an approval of"
        " @finance, which nobody can give at the moment."
    )
    world.people.members["finance"] = {"carla", "dev"}
    assert who_may(world, big).text.endswith("and Dev (@finance).")


def test_an_approval_that_was_withdrawn_is_missing_again(world, big):
    world.approve(big, "ben", note="Fine.")
    assert who_may(world, big, by=BEN).facts == (
        "Ben has approved it.",
        "Your own approval is given.",
    )
    world.desk.decisions.decide(as_person(world, big, "ben"), Withdraw)
    answer = who_may(world, big, by=BEN)
    assert answer.text.endswith("Ben or Elsie (@ops-leads) and Carla (@finance).")
    assert answer.facts == ("You may approve it.",)


def test_a_person_in_both_groups_fills_either_place_and_not_both(world, big):
    world.people.members["finance"] = {"ben", "carla"}
    world.approve(big, "ben", note="fine")
    # Whichever place Ben takes, one person of the other group completes it.
    expected = "1 approval is missing: @ops-leads (Ben, Elsie) or @finance (Ben, Carla)."
    assert expected in ask(world, big).facts
    assert "Ben (" not in who_may(world, big).text


def test_whom_nobody_knows_is_told_of_the_others_alone(world):
    case = world.proposed()
    answer = who_may(world, case, by="T9/UNOBODY")
    assert answer.text == "EX-1 can be approved by Ana or Omar (@floor-managers)."
    assert answer.facts == ()


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"guest": True}, "You cannot approve it: guests cannot approve."),
        ({"external": True}, "You cannot approve it: people from other organisations cannot"),
        ({"active": False}, "You cannot approve it: your account is deactivated."),
    ],
)
def test_whoever_is_no_colleague_is_told_so_and_not_offered_to_others(world, change, reason):
    case = world.proposed()
    world.people.change("omar", **change)
    answer = who_may(world, case, by=OMAR)
    assert answer.text == "EX-1 can be approved by Ana (@floor-managers)."
    assert answer.facts[0].startswith(reason)


def test_a_stand_in_for_another_kind_or_for_later_is_not_named(world):
    case = world.proposed()
    delegate(world, ANA, FINN, kind="price_gap")
    delegate(world, OMAR, DEV, begins_in=1)
    assert who_may(world, case).text == "EX-1 can be approved by Ana or Omar (@floor-managers)."
    world.clock.forward(hours=1)
    assert who_may(world, case).text == (
        "EX-1 can be approved by Ana, Dev for Omar or Omar (@floor-managers)."
    )


def test_a_stand_in_who_left_is_not_named(world):
    case = world.proposed()
    delegate(world, ANA, FINN)
    assert "Finn for Ana" in who_may(world, case).text
    world.people.change("finn", active=False)
    assert "Finn" not in who_may(world, case).text


# --- why, and whose it is -----------------------------------------------------------------------


def why_these(world, case, by=FINN):
    return ask(world, case, About.APPROVER, Ask.WHY, by=by)


def test_why_these_people_says_who_has_approved_and_who_is_missing(world, big):
    world.approve(big, "elsie", note="fine")
    assert why_these(world, big, by=CARLA).facts == (
        "It belongs to @floor-managers (Ana, Omar).",
        "You are in @finance.",
        "Elsie has approved it.",
        "1 approval is missing: @finance (Carla).",
        "You may approve it.",
    )


def test_a_stand_in_is_told_for_whom_and_until_when(world, big):
    delegate(world, CARLA, FINN)
    assert "You stand in for Carla until 21 Nov 19:30." in why_these(world, big).facts
    assert "You stand in" not in whole(why_these(world, big, by=DEV))
    world.clock.forward(hours=3)
    assert "You stand in" not in whole(why_these(world, big))


def test_why_a_case_without_a_plan_is_with_its_owner(world):
    world.house.failing_lookups.add("look")
    case = world.proposed()
    answer = why_these(world, case, by=ANA)
    assert answer.text.startswith("EX-1 needs a person. It is with @floor-managers (Ana, Omar).")
    assert " Because: " in answer.text
    assert answer.facts == (
        "It belongs to @floor-managers (Ana, Omar).",
        "You are in @floor-managers.",
    )
    world.desk.decisions.decide(as_person(world, case, "omar"), Claim)
    answer = why_these(world, case, by=OMAR)
    assert answer.text.startswith("EX-1 needs a person. It is with Omar.")
    assert "You have it." in answer.facts
    assert "You have it." not in why_these(world, case, by=ANA).facts


def test_whose_a_case_was_is_said_in_the_past_when_it_is_over(world):
    case = world.proposed()
    owner = "@floor-managers (Ana, Omar)"
    text = f"EX-1 belongs to {owner}; nobody of them has taken it on."
    assert ask(world, case, About.OWNER).text == text
    world.approve(case)
    world.work()
    assert ask(world, case, About.OWNER).text == f"EX-1 belonged to {owner}."
    world.receive(world.signal("product:2"))
    world.work()
    other = world.store.cases.case("EX-2")
    world.desk.decisions.decide(as_person(world, other, "omar"), Claim)
    world.approve(other, "omar")
    world.work()
    answer = ask(world, other, About.OWNER)
    assert (answer.text, answer.facts) == ("Omar had EX-2.", (f"Its team is {owner}.",))


def test_who_had_it_is_a_colleague_when_the_account_is_gone(world):
    case = world.proposed()
    world.desk.decisions.decide(as_person(world, case, "omar"), Claim)
    del world.people.people[OMAR]
    assert ask(world, case, About.OWNER).text == "A colleague has EX-1."


def test_a_decided_case_says_by_whom_in_place_of_who_may(world):
    case = world.proposed()
    world.approve(case, "omar", note="We are out.")
    world.work()
    answer = who_may(world, case)
    assert answer.text == "EX-1 waits for no approval: it is resolved."
    assert answer.facts == (f"EX-1: Omar approved it on {NOON}: “We are out.”",)


def test_one_person_with_two_accounts_fills_one_place(world, big):
    world.people.members["finance"] = {"elsie"}
    world.approve(big, "ben", note="fine")
    assert who_may(world, big).text.endswith("Still missing: Elsie (@finance).")
    world.library.people = Identities.of([[BEN, ELSIE]])
    assert who_may(world, big).text.endswith(
        "Still missing: an approval of @finance, which nobody can give at the moment."
    )
    assert "Your own approval is given." in who_may(world, big, by=ELSIE).facts
    assert not ask(world, big, by=ELSIE).rows[0].is_decidable
