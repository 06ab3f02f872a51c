"""Calls over the wire: mentions by id, sent once, and direct messages redrawn in place."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from bot.cases.actor import CaseId
from bot.cases.calls import CallSubject
from bot.cases.errors import ChatUnknown
from bot.cases.lifecycle import State
from bot.cases.notices import moment
from bot.demo.people import BEN, TEAM
from bot.desk.call_slots import MAX_ROWS
from bot.ports.connector import EffectStatus
from bot.views.calls import DirectCall, SlotCall, ThreadCall
from bot.views.progress import Progress, UsualTimes
from bot.views.rows import CaseRow
from tests.cases.making import proposed, with_fields

CHANNEL = "C0STOCK"
HOSTILE = "Merlot <!channel> @here <@U0ANA>"


def case(**changes):
    changed = with_fields(proposed(), channel=CHANNEL, opened_at=datetime.now(UTC), **changes)
    return replace(changed, signal=replace(changed.signal, title=HOSTILE))


def direct_call(shown, *, is_pending=True, ts=""):
    return DirectCall(
        key=f"call:{shown.id}:r1:{TEAM}/{BEN}",
        person=f"{TEAM}/{BEN}",
        subject=CallSubject.DECISION,
        row=CaseRow(case=shown, channel=CHANNEL, ts=ts),
        is_pending=is_pending,
    )


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


def test_a_direct_message_has_the_buttons_and_becomes_the_outcome_in_place(chat):
    call = direct_call(case())
    posted = chat.draw_direct_call(call, None, look_first=False)
    (message,) = chat.emulator.messages(posted.channel)
    assert posted.channel.startswith("D")
    assert {"case.approve", "case.reject", "case.more"} <= set(action_ids(message["blocks"]))
    assert message["text"].startswith("Order 24 for £100.00?")
    assert mentions(message["blocks"]) == []
    rejected = direct_call(case(state=State.REJECTED), is_pending=False)
    assert chat.draw_direct_call(rejected, posted, look_first=False) == posted
    (message,) = chat.emulator.messages(posted.channel)
    assert message["ts"] == posted.ts
    assert action_ids(message["blocks"]) == []


@pytest.mark.parametrize("fault", [{"drop_next": 1}, {"fail_every": 1, "fail_applied": True}])
def test_a_direct_message_whose_reply_was_lost_is_found_again(chat, fault):
    call = direct_call(case())
    chat.emulator.post("faults", fault)
    with pytest.raises(ChatUnknown):
        chat.draw_direct_call(call, None, look_first=False)
    chat.emulator.post("faults", {"fail_every": 0})
    posted = chat.draw_direct_call(call, None, look_first=True)
    assert [message["ts"] for message in chat.emulator.messages(posted.channel)] == [posted.ts]


def test_a_direct_message_that_somebody_deleted_is_not_sent_again(chat, client):
    call = direct_call(case())
    posted = chat.draw_direct_call(call, None, look_first=False)
    client.chat_delete(channel=posted.channel, ts=posted.ts)
    assert chat.draw_direct_call(call, posted, look_first=False) == posted
    assert chat.emulator.messages(posted.channel) == []


def test_whoever_raised_a_case_sees_one_line_and_may_ask_again_or_withdraw_it(chat):
    call = replace(
        direct_call(case()),
        subject=CallSubject.REQUEST,
        progress=Progress(
            waits_for=("Ana", "@floor-managers"), usual_times=UsualTimes(2400.0, 7200.0)
        ),
    )
    posted = chat.draw_direct_call(call, None, look_first=False)
    (message,) = chat.emulator.messages(posted.channel)
    text = "".join(one.get("text", "") for one in elements(message["blocks"]))
    assert (
        "Waits for Ana and @floor-managers; cases like it take 40 minutes, four in five under 2"
        " hours. Decide by "
    ) in text
    assert action_ids(message["blocks"]) == ["case.nudge", "case.retract"]


@pytest.mark.parametrize(
    ("subject", "reason"),
    [
        (CallSubject.HAND_OVER, "This was handed over to you"),
        (CallSubject.ESCALATION, "Nobody decided in time; this is with you now"),
        (CallSubject.NEXT_APPROVAL, "Somebody approved this; it needs your approval too"),
        (CallSubject.NUDGE, "Whoever raised this asks again; it still waits for you"),
    ],
)
def test_each_reason_to_be_called_is_said_above_the_buttons(chat, subject, reason):
    call = replace(direct_call(case()), subject=subject)
    posted = chat.draw_direct_call(call, None, look_first=False)
    (message,) = chat.emulator.messages(posted.channel)
    assert elements(message["blocks"])[0]["text"] == reason
    assert {"case.approve", "case.reject"} <= set(action_ids(message["blocks"]))
    assert message["text"].startswith("Order 24 for £100.00?")


# --- the message of a slot ------------------------------------------------------------------------


def second_case(**changes):
    return replace(case(**changes), id=CaseId("EX-2"))


def slot_call(*cases, more=0, is_decidable=True):
    rows = [
        CaseRow(case=shown, channel=CHANNEL, ts="", is_decidable=is_decidable) for shown in cases
    ]
    key = f"slot:{TEAM}/{BEN}:1764000000"
    return SlotCall(key=key, person=f"{TEAM}/{BEN}", rows=tuple(rows), more=more)


def test_the_message_of_a_slot_has_the_buttons_of_each_case_and_the_first_ask_on_top(chat):
    posted = chat.draw_slot_call(slot_call(case(), second_case(), more=3), None, look_first=False)
    (message,) = chat.emulator.messages(posted.channel)
    assert posted.channel.startswith("D")
    assert message["text"].startswith("Order 24 for £100.00?")
    assert message["text"].endswith("· and 4 more")
    ids = action_ids(message["blocks"])
    assert ids.count("case.approve") == ids.count("case.reject") == ids.count("case.open") == 2
    text = "".join(one.get("text", "") for one in elements(message["blocks"]))
    assert text.startswith("5 cases wait for you")
    assert "<!channel>" not in message["text"]
    assert mentions(message["blocks"]) == []


def test_the_message_of_a_slot_becomes_the_outcomes_in_place(chat):
    posted = chat.draw_slot_call(slot_call(case(), second_case()), None, look_first=False)
    decided = slot_call(case(state=State.REJECTED), second_case(state=State.REJECTED))
    assert chat.draw_slot_call(decided, posted, look_first=False) == posted
    (message,) = chat.emulator.messages(posted.channel)
    assert action_ids(message["blocks"]) == []
    text = "".join(one.get("text", "") for one in elements(message["blocks"]))
    assert text.startswith("Nothing here waits for you any more")


@pytest.mark.parametrize("fault", [{"drop_next": 1}, {"fail_every": 1, "fail_applied": True}])
def test_the_message_of_a_slot_whose_reply_was_lost_is_found_again(chat, fault):
    slot = slot_call(case())
    chat.emulator.post("faults", fault)
    with pytest.raises(ChatUnknown):
        chat.draw_slot_call(slot, None, look_first=False)
    chat.emulator.post("faults", {"fail_every": 0})
    posted = chat.draw_slot_call(slot, None, look_first=True)
    assert [message["ts"] for message in chat.emulator.messages(posted.channel)] == [posted.ts]


def test_the_message_of_a_slot_that_somebody_deleted_is_not_sent_again(chat, client):
    slot = slot_call(case())
    posted = chat.draw_slot_call(slot, None, look_first=False)
    client.chat_delete(channel=posted.channel, ts=posted.ts)
    assert chat.draw_slot_call(slot, posted, look_first=False) == posted
    assert chat.emulator.messages(posted.channel) == []


def test_the_largest_message_of_a_slot_fits_into_slack(chat):
    long = "Barolo & <Merlot> " * 200
    cases = []
    for number in range(MAX_ROWS):
        large = replace(case(), id=CaseId(f"EX-{number}"))
        cases.append(replace(large, signal=replace(large.signal, title=long)))
    posted = chat.draw_slot_call(slot_call(*cases, more=90), None, look_first=False)
    assert posted.ts


# --- notices --------------------------------------------------------------------------------------


def test_a_notice_is_found_under_its_key_and_shows_dates(chat):
    chat.send_notice(BEN, f"Until {moment(datetime.now(UTC))}, {HOSTILE}.", "call:desk:7")
    assert chat.find_message(BEN, "call:desk:7") is EffectStatus.LANDED
    (message,) = chat.emulator.messages(f"D{BEN[1:]}")
    assert [one["type"] for one in elements(message["blocks"])] == ["text", "date", "text"]
    assert "<!channel>" not in message["text"]
