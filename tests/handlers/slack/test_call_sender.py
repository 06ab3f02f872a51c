"""Calls over the wire: mentions by id, sent once, and direct messages redrawn in place."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from bot.cases.calls import CallSubject
from bot.cases.errors import ChatUnknown
from bot.cases.notices import moment
from bot.demo.people import BEN, TEAM
from bot.ports.connector import EffectStatus
from bot.views.calls import ThreadCall
from tests.cases.making import proposed, with_fields

CHANNEL = "C0STOCK"
HOSTILE = "Merlot <!channel> @here <@U0ANA>"


def case(**changes):
    changed = with_fields(proposed(), channel=CHANNEL, opened_at=datetime.now(UTC), **changes)
    return replace(changed, signal=replace(changed.signal, title=HOSTILE))


def elements(blocks):
    """Every element of rich text, in order."""
    found = []
    for block in blocks:
        if block["type"] == "rich_text":
            for part in block["elements"]:
                found += part["elements"]
    return found


def mentions(blocks):
    return [one for one in elements(blocks) if one["type"] in {"user", "usergroup"}]


def action_ids(blocks):
    return [
        element["action_id"]
        for block in blocks
        if block["type"] == "actions"
        for element in block["elements"]
    ]


def group_id(chat, handle):
    groups = chat.api.post_form("usergroups.list")["usergroups"]
    return next(group["id"] for group in groups if group["handle"] == handle)


def test_a_card_mentions_those_it_waits_for_and_nobody_else(chat):
    chat.draw_card(case(), [], look_first=False, mentions=["floor-managers", f"{TEAM}/{BEN}"])
    (message,) = chat.emulator.messages(CHANNEL)
    assert mentions(message["blocks"]) == [
        {"type": "usergroup", "usergroup_id": group_id(chat, "floor-managers")},
        {"type": "user", "user_id": BEN},
    ]


def test_people_named_one_by_one_are_mentioned_each(chat):
    chat.draw_card(case(), [], look_first=False, mentions=[f"people:{BEN}"])
    (message,) = chat.emulator.messages(CHANNEL)
    assert mentions(message["blocks"]) == [{"type": "user", "user_id": BEN}]


def test_the_lock_screen_shows_the_ask_with_its_price_and_no_markup_from_outside(chat):
    chat.draw_card(case(), [], look_first=False)
    (message,) = chat.emulator.messages(CHANNEL)
    assert message["text"].startswith("Order 24 for £100.00? Can be undone. (EX-1)")
    assert "<" not in message["text"]


@pytest.mark.parametrize("fault", [{"drop_next": 1}, {"fail_every": 1, "fail_applied": True}])
def test_a_mention_whose_reply_was_lost_is_not_repeated(chat, fault):
    card = chat.draw_card(case(), [], look_first=False)
    call = ThreadCall(
        channel=CHANNEL, thread_ts=card.ts, subject=CallSubject.NEXT_APPROVAL, case=case()
    )
    chat.emulator.post("faults", fault)
    with pytest.raises(ChatUnknown):
        chat.post_call(call, ["finance"], key="call:EX-1:r1a1", look_first=False)
    chat.emulator.post("faults", {"fail_every": 0})
    chat.post_call(call, ["finance"], key="call:EX-1:r1a1", look_first=True)
    _, message = chat.emulator.messages(CHANNEL)
    assert message["thread_ts"] == card.ts
    assert mentions(message["blocks"]) == [
        {"type": "usergroup", "usergroup_id": group_id(chat, "finance")}
    ]


def test_a_storm_is_called_about_by_its_title(chat):
    card = chat.draw_card(case(), [], look_first=False)
    call = ThreadCall(
        channel=CHANNEL,
        thread_ts=card.ts,
        subject=CallSubject.DECISION,
        case=None,
        storm_title="Running low",
    )
    chat.post_call(call, ["floor-managers"], key="call:storm:x", look_first=False)
    _, message = chat.emulator.messages(CHANNEL)
    assert "Running low" in message["text"]


def test_a_notice_is_found_under_its_key_and_shows_dates(chat):
    chat.send_notice(BEN, f"Until {moment(datetime.now(UTC))}, {HOSTILE}.", "call:desk:7")
    assert chat.find_message(BEN, "call:desk:7") is EffectStatus.LANDED
    (message,) = chat.emulator.messages(f"D{BEN[1:]}")
    assert [one["type"] for one in elements(message["blocks"])] == ["text", "date", "text"]
    assert "<!channel>" not in message["text"]
