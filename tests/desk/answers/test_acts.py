"""Requests to act: words do nothing, and the control is offered to those who may use it."""

from datetime import timedelta
from decimal import Decimal

import pytest

from bot.cases.actor import Surface
from bot.cases.errors import NoSuchCase
from bot.desk.visibility import NOT_VISIBLE
from bot.views.query import ME, Act, Ask, Condition, Query
from tests.desk.answers.asking import (
    ANA,
    BEN,
    CARLA,
    ELSIE,
    FINN,
    OMAR,
    as_person,
    asker,
    fact_answers,
    whole,
)

CASE_ACTS = (Act.APPROVE, Act.REJECT, Act.EDIT, Act.SNOOZE, Act.HAND_OVER, Act.CLAIM)


@pytest.fixture
def world(small_world):
    return small_world


def act(world, act, *, by=ANA, **more):
    query = Query(ask=Ask.ACT, act=act, **more)
    return fact_answers(world).acts.answer(query, asker(world, by))


# --- one case -----------------------------------------------------------------------------------


@pytest.mark.threat("E3")
@pytest.mark.parametrize("kind", CASE_ACTS)
def test_words_change_nothing_and_offer_the_button(world, kind):
    case = world.proposed()
    before = world.entry_names(case)
    answer = act(world, kind, case_id=case.id, words="supplier is shut")
    assert answer.text == "I do not decide from words; the button below does."
    (offer,) = answer.offers
    assert (offer.act, offer.row.case.id, offer.note) == (kind, case.id, "supplier is shut")
    assert world.entry_names(case) == before
    assert world.house.effects == []


@pytest.mark.threat("E3")
@pytest.mark.parametrize("kind", CASE_ACTS)
def test_whoever_may_not_gets_no_button_and_is_told_who_may(world, kind):
    case = world.proposed()
    answer = act(world, kind, case_id=case.id, by=FINN)
    assert answer.offers == ()
    assert answer.text == "I do not decide from words, and there is no button for you here."
    text = whole(answer)
    assert "nly @floor-managers" in text
    assert "Ana or Omar (@floor-managers)" in text


def test_an_approval_is_confirmed_with_its_plan(world):
    case = world.proposed()
    (offer,) = act(world, Act.APPROVE, case_id=case.id).offers
    assert offer.confirmation.case.proposal.plan.plan_hash == case.proposal.plan.plan_hash
    assert offer.confirmation.refusal == ""


def test_a_snooze_is_read_on_the_clock_of_whoever_says_it(world):
    case = world.proposed()
    (offer,) = act(world, Act.SNOOZE, case_id=case.id, until="monday").offers
    assert f"{offer.until:%d %b}" == "23 Nov"


def test_a_hand_over_names_the_colleague(world):
    case = world.proposed()
    (offer,) = act(world, Act.HAND_OVER, case_id=case.id, to=OMAR).offers
    assert offer.person.name == "Omar"
    (offer,) = act(world, Act.HAND_OVER, case_id=case.id, to="finance").offers
    assert offer.person is None


def test_taking_back_is_offered_until_its_time_is_over(world):
    world.house.undo_for = timedelta(minutes=30)
    case = world.proposed()
    assert "nothing to take back" in whole(act(world, Act.TAKE_BACK, case_id=case.id))
    world.approve(case)
    (offer,) = act(world, Act.TAKE_BACK, case_id=case.id).offers
    assert offer.act is Act.TAKE_BACK
    world.work()
    assert act(world, Act.TAKE_BACK, case_id=case.id).offers
    assert not act(world, Act.TAKE_BACK, case_id=case.id, by=FINN).offers
    world.clock.forward(hours=1)
    answer = act(world, Act.TAKE_BACK, case_id=case.id)
    assert answer.offers == ()
    assert "t is too late to take EX-1 back: the time for that ended on 21 Nov 18:00." in whole(
        answer
    )


def test_a_decided_case_has_nothing_to_approve(world):
    case = world.proposed()
    world.approve(case)
    world.work()
    answer = act(world, Act.APPROVE, case_id=case.id)
    assert answer.offers == ()
    assert "EX-1" in whole(answer)


@pytest.mark.threat("E2")
def test_an_invisible_case_is_one_that_does_not_exist(world):
    case = world.proposed()
    world.people.channels["C0STOCK"] = {"ana"}
    for case_id in (case.id, "EX-99"):
        with pytest.raises(NoSuchCase, match=NOT_VISIBLE):
            act(world, Act.APPROVE, case_id=case_id, by=BEN)


@pytest.mark.threat("E3")
def test_several_cases_are_never_decided_at_once(world):
    answer = act(world, Act.APPROVE, condition=Condition(waits_on=ME))
    assert "never on several cases at once" in answer.text
    assert answer.offers == ()
    assert "Say which case you mean" in act(world, Act.APPROVE).text


def test_a_second_approval_by_the_same_person_is_not_offered(world):
    world.house.amount = Decimal(5000)
    case = world.proposed()
    world.approve(case, "ben", note="fine")
    assert act(world, Act.APPROVE, case_id=case.id, by=BEN).offers == ()
    assert act(world, Act.APPROVE, case_id=case.id, by=CARLA).offers


# --- the desk -----------------------------------------------------------------------------------


def test_a_pause_is_offered_to_those_who_decide(world):
    condition = Condition(kinds=("low_stock",))
    (offer,) = act(world, Act.PAUSE, condition=condition, words="stocktaking").offers
    assert (offer.act, offer.scope, offer.note) == (Act.PAUSE, "kind:low_stock", "stocktaking")
    assert act(world, Act.PAUSE).offers[0].scope == ""
    answer = act(world, Act.PAUSE, condition=condition, by=FINN)
    assert answer.offers == ()
    assert "@floor-managers (Ana, Omar)" in whole(answer)
    assert world.store.desk_controls.load().pauses == ()


def test_what_is_paused_already_is_said(world):
    world.desk.controls.pause("kind:low_stock", by=BEN, reason="stocktaking", surface=Surface.SLACK)
    answer = act(world, Act.PAUSE, condition=Condition(kinds=("low_stock",)))
    assert answer.offers == ()
    assert "paused by Ben since 21 Nov 17:30: stocktaking" in whole(answer)


def test_only_governance_owners_are_offered_to_resume(world):
    assert "Nothing is paused" in act(world, Act.RESUME, by=ELSIE).text
    world.desk.controls.pause("kind:low_stock", by=BEN, reason="stocktaking", surface=Surface.SLACK)
    (offer,) = act(world, Act.RESUME, by=ELSIE).offers
    assert (offer.act, offer.scope) == (Act.RESUME, "kind:low_stock")
    answer = act(world, Act.RESUME)
    assert answer.offers == ()
    assert "@owners (Elsie)" in whole(answer)


def test_a_stand_in_is_offered_with_person_and_time(world):
    answer = act(world, Act.STAND_IN, by=BEN, of=ME, to=ELSIE, until="thursday")
    (offer,) = answer.offers
    assert (offer.person.name, f"{offer.until:%d %b}") == ("Elsie", "26 Nov")
    assert world.store.desk_controls.load().delegations == ()


def test_nobody_arranges_a_stand_in_for_others(world):
    assert act(world, Act.STAND_IN, of=BEN, to=ELSIE).offers == ()
    assert act(world, Act.STAND_IN, by=FINN, to=ELSIE).offers == ()


def test_raising_is_offered_with_the_words(world):
    (offer,) = act(world, Act.RAISE, words="the dishwasher is dead").offers
    assert (offer.act, offer.note) == (Act.RAISE, "the dishwasher is dead")
    world.people.change("ana", guest=True)
    assert act(world, Act.RAISE, words="x").offers == ()


# --- reminders ----------------------------------------------------------------------------------


def test_a_reminder_is_offered_where_something_waits(world):
    assert (
        "Nothing that you both may see waits on Omar"
        in act(world, Act.REMIND, by=BEN, of=OMAR).text
    )
    world.proposed()
    answer = act(world, Act.REMIND, by=BEN, of=OMAR)
    assert [offer.person.name for offer in answer.offers] == ["Omar"]
    assert "1 case waits on Omar." in whole(answer)
    group = act(world, Act.REMIND, by=BEN, of="floor-managers")
    assert [offer.person.name for offer in group.offers] == ["Ana", "Omar"]
    world.work()
    assert not [text for text in world.chat.sent.values() if "reminds you" in text]


def test_a_reminder_needs_somebody_else(world):
    assert "Say whom I should remind" in act(world, Act.REMIND).text
    assert "Say whom I should remind" in act(world, Act.REMIND, of=ME).text


@pytest.mark.threat("E2")
def test_what_only_the_other_may_see_is_no_reason_for_a_reminder(world):
    case = world.proposed()
    world.people.channels["C0STOCK"] = {"ana", "omar"}
    answer = act(world, Act.REMIND, by=BEN, of=OMAR)
    assert answer.offers == ()
    assert case.id not in whole(answer)


def test_an_edit_by_whoever_may_is_offered_on_the_row(world):
    case = world.proposed()
    world.desk.decisions.edit(as_person(world, case, "omar"), values={"quantity": 12})
    (offer,) = act(world, Act.EDIT, case_id=case.id).offers
    assert offer.row.case.proposal.revision == 2
