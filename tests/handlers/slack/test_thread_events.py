"""What Slack tells of a channel: orders in threads are taken once, and everything else is left alone."""

import itertools
import json

import pytest

from bot.views.thread_orders import OrderKind
from tests.handlers.slack.requests import JSON, post_signed

NUMBERS = itertools.count(2)


@pytest.fixture
def world(receiver):
    receiver.world.proposed()
    return receiver.world


def deliver(receiver, event, *, event_id="Ev1"):
    body = {
        "type": "event_callback",
        "team_id": "T1",
        "api_app_id": "A1",
        "event_id": event_id,
        "token": "x",
        "event": event,
        "authorizations": [{"team_id": "T1", "user_id": "UBOT", "is_bot": True}],
    }
    response = post_signed(receiver, json.dumps(body).encode(), **JSON)
    receiver.world.work()
    return response.status_code


def message(text="approve", **changes):
    event = {
        "type": "message",
        "channel": "C0STOCK",
        "channel_type": "channel",
        "user": "UANA",
        "team": "T1",
        "text": text,
        "ts": f"{next(NUMBERS)}.0",
        "thread_ts": "1.0",
        **changes,
    }
    return {name: value for name, value in event.items() if value is not None}


def reaction(name="white_check_mark", **changes):
    return {
        "type": "reaction_added",
        "user": "UANA",
        "reaction": name,
        "item": {"type": "message", "channel": "C0STOCK", "ts": "1.0"},
        "event_ts": f"{next(NUMBERS)}.5",
        **changes,
    }


def kinds(world):
    return [order.order.kind for order, _ in world.chat.confirmations]


def test_an_order_is_taken_in_the_thread_of_a_case_and_nowhere_else(receiver, world):
    assert deliver(receiver, message()) == 200
    deliver(receiver, message(thread_ts=None))
    deliver(receiver, message(thread_ts="9.9"))
    deliver(receiver, message(channel="C0OTHER"))
    assert kinds(world) == [OrderKind.APPROVE]
    ((order, confirmation),) = world.chat.confirmations
    assert (order.person, order.thread, confirmation.refusal) == ("T1/UANA", "1.0", "")


def test_a_mention_comes_as_two_events_and_is_one_order(receiver, world):
    said = message("<@UBOT> approve")
    deliver(receiver, said)
    deliver(receiver, {**said, "type": "app_mention"})
    deliver(receiver, said)
    assert kinds(world) == [OrderKind.APPROVE]
    assert world.chat.answers == []


def test_an_unclear_mention_is_answered_once_and_a_talk_of_colleagues_is_not(receiver, world):
    said = message("<@UBOT> good morning")
    deliver(receiver, said)
    deliver(receiver, {**said, "type": "app_mention"})
    deliver(receiver, {**said, "type": "app_mention"})
    assert len(world.chat.answers) == 1
    for text in ("good morning", "I would not approve that", "approve?", "<@UBEN> approve"):
        deliver(receiver, message(text))
    assert (len(world.chat.answers), kinds(world)) == (1, [])


@pytest.mark.parametrize(
    "changes",
    [
        {"subtype": "message_changed", "user": None},
        {"subtype": "message_deleted", "user": None},
        {"subtype": "bot_message", "bot_id": "B1"},
        {"bot_id": "B1"},
        {"user": None},
        {"subtype": "channel_join"},
    ],
    ids=str,
)
def test_edits_and_programs_give_no_orders(receiver, world, changes):
    said = message("<@UBOT> approve", **changes)
    assert deliver(receiver, said) in {200, 404}
    if "user" in said:
        assert deliver(receiver, {**said, "type": "app_mention"}) in {200, 404}
    assert (kinds(world), world.chat.answers) == ([], [])


@pytest.mark.parametrize("subtype", ["thread_broadcast", "file_share"])
def test_a_reply_that_is_shown_in_the_channel_too_is_an_order(receiver, world, subtype):
    deliver(receiver, message(subtype=subtype))
    assert kinds(world) == [OrderKind.APPROVE]


def test_a_check_mark_is_taken_once_and_other_reactions_are_not(receiver, world):
    for name in ("eyes", "tada", "+1", "x", "white_check_mark::skin-tone-2"):
        deliver(receiver, reaction(name))
    assert kinds(world) == []
    event = reaction()
    deliver(receiver, event)
    deliver(receiver, event)
    deliver(receiver, reaction("heavy_check_mark", user="UOMAR"))
    assert kinds(world) == [OrderKind.APPROVE] * 2
    assert world.chat.confirmations[0][0].thread == ""


@pytest.mark.parametrize(
    "changes",
    [
        {"item": {"type": "file", "file": "F1"}},
        {"item": {}},
        {"item": {"type": "message", "channel": "C0STOCK", "ts": "9.9"}},
        {"item": {"type": "message"}},
    ],
    ids=str,
)
def test_a_check_mark_on_anything_else_is_nothing(receiver, world, changes):
    assert deliver(receiver, reaction(**changes)) == 200
    assert kinds(world) == []


@pytest.mark.parametrize(
    "text", ["x" * 40_000, "&gt;" * 9_000, "approve " * 5_000, "app\u0000rove"]
)
def test_hostile_texts_are_left_alone(receiver, world, text):
    assert deliver(receiver, message(text)) == 200
    assert OrderKind.APPROVE not in kinds(world)


def test_no_control_character_reaches_the_record(receiver, world):
    deliver(receiver, message("\u0000approve because\u0000 enough room"))
    ((order, _),) = world.chat.confirmations
    assert (order.text, order.order.note) == ("approve because enough room", "enough room")


def test_a_stranger_is_refused_in_private(receiver, world):
    deliver(receiver, message(user_team="T9", user="USTRANGER"))
    ((order, confirmation),) = world.chat.confirmations
    assert order.person == "T9/USTRANGER"
    assert confirmation.refusal.startswith("Nothing was done")
