"""Orders in words through the real desk: what is asked back, of whom, and that nothing is decided by words."""

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal

import pytest

from bot.cases.approval import Person
from bot.cases.hours import Hours
from bot.cases.lifecycle import State
from bot.views.thread_orders import OrderKind, PostedOrder, ThreadOrder
from tests.fakes.directory import principal
from tests.world import policy, request

ANA, BEN, CARLA, FINN = map(principal, ("ana", "ben", "carla", "finn"))


def say(world, case, kind, by=ANA, *, ts="2.0", **said):
    """Give an order in the case's thread, and return the answers to it so far."""
    posted_order = PostedOrder(
        id=f"C0STOCK:{ts}",
        person=by,
        user=by.partition("/")[2],
        channel="C0STOCK",
        thread="1.0",
        case_id=case.id,
        text="",
        order=ThreadOrder(kind=kind, **said),
    )
    world.desk.conversation.thread_orders.receive(posted_order)


def answer(world, case, kind, by=ANA, **said):
    say(world, case, kind, by, **said)
    world.work()
    return world.chat.confirmations[-1][1]


def test_words_ask_and_decide_nothing(world):
    case = world.proposed()
    before = world.entry_names(case)
    for kind in OrderKind:
        say(world, case, kind, ts=f"{kind}")
    world.work()
    assert len(world.chat.confirmations) == len(OrderKind)
    assert (world.entry_names(case), world.house.effects) == (before, [])


def test_one_message_is_answered_once_however_often_it_comes(world):
    case = world.proposed()
    for _ in range(3):
        say(world, case, OrderKind.APPROVE)
        world.work()
    assert len(world.chat.confirmations) == 1
    (question,) = world.store.question_log.questions(
        world.clock() - timedelta(days=1), only_unanswered=False
    )
    assert question.reading == f"approve {case.id}"


def test_whoever_may_not_is_told_why(world):
    case = world.proposed()
    assert "only @floor-managers" in answer(world, case, OrderKind.APPROVE, FINN).refusal
    assert "Nothing was done" in answer(world, case, OrderKind.REJECT, FINN, ts="3.0").refusal
    world.people.change("ana", guest=True)
    assert "guests cannot approve" in answer(world, case, OrderKind.APPROVE, ts="4.0").refusal
    stranger = answer(world, case, OrderKind.APPROVE, "T9/U9", ts="5.0")
    assert stranger.refusal
    assert world.entry_names(case).count("attempt.refused") == 0


def test_a_program_gets_no_answer(world):
    case = world.proposed()
    world.people.change("ana", bot=True)
    say(world, case, OrderKind.APPROVE)
    world.work()
    assert world.chat.confirmations == []


def test_whoever_has_approved_is_told_so(world):
    world.library.rules = policy(medium_above=Decimal(0), high_above=Decimal(1))
    case = world.proposed()
    world.desk.decisions.approve(request(case.id, BEN, world.seen(case)), "needed")
    world.work()
    assert world.case(case).state is State.PROPOSED
    assert "already" in answer(world, case, OrderKind.APPROVE, BEN).refusal
    assert answer(world, case, OrderKind.APPROVE, CARLA, ts="3.0").refusal == ""


def test_what_is_over_is_said(world):
    case = world.proposed()
    world.approve(case)
    world.work()
    for number, kind in enumerate((OrderKind.APPROVE, OrderKind.REJECT, OrderKind.SNOOZE)):
        assert case.id in answer(world, case, kind, ts=f"{number}").refusal


def test_a_case_that_needs_a_person_has_nothing_to_approve(world):
    world.house.rows[0]["quantity"] = None
    case = world.store.cases.case(world.receive(world.signal()).case_id)
    world.work()
    assert world.case(case).state is State.REFERRED
    assert answer(world, case, OrderKind.APPROVE).refusal == (
        f"Nothing was done: {case.id} needs a person. Its card has the buttons that work now."
    )
    assert answer(world, case, OrderKind.REJECT, ts="3.0").refusal == ""


def test_a_plan_that_changed_after_the_words_is_not_offered(world):
    case = world.proposed()
    say(world, case, OrderKind.APPROVE)
    world.desk.decisions.edit(
        request(case.id, principal("omar"), world.seen(case)), values={"quantity": 12}
    )
    world.work()
    assert "has changed since you said that" in world.chat.confirmations[-1][1].refusal


def test_ben_is_found_by_mention_by_name_or_among_two(world):
    case = world.proposed()
    mentioned = answer(world, case, OrderKind.HAND_OVER, to_user="UBEN")
    assert [person.id for person in mentioned.people] == [BEN]
    named = answer(world, case, OrderKind.HAND_OVER, to_name="ben", ts="3.0")
    assert [person.id for person in named.people] == [BEN]
    mine = answer(world, case, OrderKind.HAND_OVER, to_name="me", ts="4.0")
    assert "to take it on yourself" in mine.refusal
    other_ben = principal("benz")
    world.people.people[other_ben] = Person(other_ben, "Ben Zola")
    both = answer(world, case, OrderKind.HAND_OVER, to_name="Ben", ts="5.0")
    assert {person.id for person in both.people} == {BEN, other_ben}
    nobody = answer(world, case, OrderKind.HAND_OVER, to_name="Zoe", ts="6.0")
    assert (nobody.people, nobody.refusal) == ((), "")


@pytest.mark.parametrize("facts", [{"guest": True}, {"bot": True}, {"active": False}])
def test_nothing_is_handed_to_whoever_is_no_colleague(world, facts):
    case = world.proposed()
    world.people.change("ben", **facts)
    assert answer(world, case, OrderKind.HAND_OVER, to_user="UBEN").people == ()
    assert answer(world, case, OrderKind.HAND_OVER, to_user="UNOBODY", ts="3.0").people == ()


def test_monday_is_that_of_whoever_says_it(world):
    world.library.calendars["C0STOCK"] = Hours(
        zone="Europe/London", opens=time(9), closes=time(18), days=frozenset(range(5))
    )
    case = world.proposed()
    person = world.people.people[ANA]
    world.people.people[ANA] = replace(person, zone="America/New_York")
    confirmation = answer(world, case, OrderKind.SNOOZE, until="tomorrow 9")
    assert confirmation.until.astimezone(UTC) == datetime.combine(
        world.clock().date() + timedelta(days=1), time(14), UTC
    )
    monday = answer(world, case, OrderKind.SNOOZE, until="Monday", ts="3.0").until
    # When the channel opens in London.
    assert (monday.weekday(), monday.astimezone(UTC).hour) == (0, 9)
    unclear = answer(world, case, OrderKind.SNOOZE, until="he is back", ts="4.0")
    assert (unclear.until, unclear.refusal) == (None, "")


def test_an_unclear_question_in_the_thread_is_told_what_can_be_said(world):
    case = world.proposed()
    reply = world.desk.conversation.questions.answer("zeppelin gremlin", by=ANA, case_id=case.id)
    assert "In this thread you can say “approve”" in reply.text
    assert reply.rows == ()
    elsewhere = world.desk.conversation.questions.answer("zeppelin gremlin", by=ANA)
    assert "In this thread" not in elsewhere.text
