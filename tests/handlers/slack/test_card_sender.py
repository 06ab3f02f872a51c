"""Cards and notes: posted once, found again, redrawn in place."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from bot.cases import commands as moves
from bot.cases.decide import decide
from bot.cases.errors import ChatFailed, ChatUnknown, Unreachable
from bot.views.thread_notes import ThreadNote
from handlers.slack.chat import SlackChat
from handlers.slack.rate_limiter import RateLimiter
from handlers.slack.web_client import web_client
from tests.cases.making import (
    ANA,
    NOW,
    SEEN,
    asker,
    proposed,
    with_fields,
)
from tests.conftest import free_port

CHANNEL = "C0STOCK"
CARD_METADATA = {"event_type": "exception_card", "event_payload": {"uid": "EX-1/1"}}


def case(**changes):
    return with_fields(proposed(), channel=CHANNEL, opened_at=datetime.now(UTC), **changes)


def posted_times(chat):
    return [message["ts"] for message in chat.emulator.messages(CHANNEL)]


def block_types(message):
    return {block["type"] for block in message["blocks"]}


def test_a_card_is_posted_once_and_then_redrawn_in_place(chat):
    card = chat.draw_card(case(), [], look_first=False)
    second = chat.draw_card(case(version=9), [card], look_first=False)
    assert (second.ts, second.version) == (card.ts, 9)
    (message,) = chat.emulator.messages(CHANNEL)
    assert message["metadata"] == CARD_METADATA


@pytest.mark.parametrize("fault", [{"drop_next": 1}, {"fail_every": 1, "fail_applied": True}])
def test_a_card_whose_reply_was_lost_is_found_and_adopted(chat, fault):
    chat.emulator.post("faults", fault)
    with pytest.raises(ChatUnknown):
        chat.draw_card(case(), [], look_first=False)
    chat.emulator.post("faults", {"fail_every": 0})
    card = chat.draw_card(case(), [], look_first=True)
    assert posted_times(chat) == [card.ts]


def test_of_two_copies_the_first_is_adopted_and_the_other_can_be_found_and_deleted(chat, client):
    first, _ = [
        client.chat_postMessage(channel=CHANNEL, text="card", metadata=CARD_METADATA)["ts"]
        for _ in range(2)
    ]
    card = chat.draw_card(case(), [], look_first=True)
    (copy,) = [
        message for message in chat.messages_about("EX-1", CHANNEL, 0.0) if message.ts != card.ts
    ]
    chat.remove(copy)
    chat.remove(copy)
    assert posted_times(chat) == [first] == [card.ts]


def test_a_card_that_somebody_deleted_is_posted_again(chat, client):
    card = chat.draw_card(case(), [], look_first=False)
    client.chat_delete(channel=CHANNEL, ts=card.ts)
    again = chat.draw_card(case(), [card], look_first=False)
    assert posted_times(chat) == [again.ts]


def test_a_new_generation_is_a_new_card_and_the_old_one_loses_its_buttons(chat):
    old = chat.draw_card(case(), [], look_first=False)
    new = chat.draw_card(case(generation=2), [old], look_first=False)
    chat.retire_card(case(generation=2), old)
    first, second = chat.emulator.messages(CHANNEL)
    assert (first["ts"], second["ts"]) == (old.ts, new.ts)
    assert "actions" not in block_types(first)
    assert "actions" in block_types(second)


def test_a_card_that_can_no_longer_be_edited_is_deleted_when_it_is_retired(chat):
    old = chat.draw_card(case(), [], look_first=False)
    chat.emulator.post("faults", {"edit_window_closed": True})
    chat.retire_card(case(generation=2), old)
    assert posted_times(chat) == []


def test_a_refusal_is_told_from_a_slack_that_cannot_be_reached(chat):
    elsewhere = replace(case(), channel="C0NOWHERE")
    with pytest.raises(ChatFailed, match="channel_not_found") as failure:
        chat.draw_card(elsewhere, [], look_first=False)
    assert type(failure.value) is ChatFailed
    nobody = web_client("xoxb-emulator", f"http://127.0.0.1:{free_port()}/api/")
    with pytest.raises(Unreachable):
        SlackChat(nobody, RateLimiter(0, 1)).draw_card(case(), [], look_first=False)


def test_a_note_is_posted_once_in_the_thread(chat):
    card = chat.draw_card(case(), [], look_first=False)
    entries = decide(case(), moves.Approve(asker(ANA), SEEN), NOW).entries
    note = ThreadNote(
        key="note:EX-1:3",
        case=case(),
        entries=entries,
        channel=card.channel,
        thread_ts=card.ts,
    )
    first, second = (chat.post_note(note, look_first=look_first) for look_first in (False, True))
    assert first == second
    threads = [message.get("thread_ts") for message in chat.emulator.messages(CHANNEL)]
    assert threads == [card.ts, card.ts]
