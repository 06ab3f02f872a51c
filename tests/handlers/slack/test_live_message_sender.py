"""Messages that follow their cases, over the wire: sent once, updated in place, never markup."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from bot.cases.actor import CaseId
from bot.cases.calls import CallSubject
from bot.cases.errors import ChatFailed, ChatUnknown
from bot.cases.lifecycle import State
from bot.demo.people import ANA, BEN, TEAM
from bot.desk.call_slots import MAX_ROWS
from bot.views.calls import DirectCall, SlotCall
from bot.views.inquiries import InquiryMessage
from bot.views.progress import Progress, UsualTimes
from bot.views.rows import CaseRow
from handlers.cards import ids
from tests.cases.making import with_fields
from tests.handlers.cards.examples import answered_case, asking_case
from tests.handlers.slack.test_call_sender import action_ids, case, elements, group_id, mentions

CHANNEL = "C0STOCK"
HOSTILE = "Is it here? <!channel> <@U0ANA> <https://evil.example|bank>"
LOST_REPLIES = [{"drop_next": 1}, {"fail_every": 1, "fail_applied": True}]


def direct_call(shown, *, is_pending=True, ts=""):
    return DirectCall(
        key=f"call:{shown.id}:r1:{TEAM}/{BEN}",
        person=f"{TEAM}/{BEN}",
        subject=CallSubject.DECISION,
        row=CaseRow(case=shown, channel=CHANNEL, ts=ts),
        is_pending=is_pending,
    )


def view(to=f"{TEAM}/{BEN}", *, maker=asking_case, is_pending=True, ts=""):
    case = with_fields(maker(), channel=CHANNEL, opened_at=datetime.now(UTC))
    inquiry = replace(case.activity.inquiries[0], to=to, question=HOSTILE, by=f"{TEAM}/{ANA}")
    return InquiryMessage(
        key="inquiry:EX-1:3",
        inquiry=inquiry,
        row=CaseRow(case=case, channel=CHANNEL, ts=ts),
        is_pending=is_pending,
    )


@pytest.mark.threat("C7")
def test_a_person_is_asked_in_a_direct_message_that_becomes_its_outcome(chat):
    posted = chat.draw_message(view(), None, look_first=False)
    (message,) = chat.emulator.messages(posted.channel)
    assert posted.channel == f"D{BEN[1:]}"
    assert action_ids(message["blocks"]) == list(ids.INQUIRY_CHOICES[:2])
    assert mentions(message["blocks"]) == []
    assert "<" not in message["text"]
    assert HOSTILE in [one.get("text") for one in elements(message["blocks"])]
    after = view(maker=answered_case)
    assert chat.draw_message(after, posted, look_first=False) == posted
    (message,) = chat.emulator.messages(posted.channel)
    assert message["ts"] == posted.ts
    assert action_ids(message["blocks"]) == []


def test_a_group_is_asked_in_the_thread_of_the_card(chat):
    card = chat.draw_card(view().row.case, [], look_first=False)
    posted = chat.draw_message(view("finance", ts=card.ts), None, look_first=False)
    _, message = chat.emulator.messages(CHANNEL)
    assert (message["ts"], message["thread_ts"]) == (posted.ts, card.ts)
    assert mentions(message["blocks"]) == [
        {"type": "usergroup", "usergroup_id": group_id(chat, "finance")}
    ]


@pytest.mark.parametrize("fault", LOST_REPLIES)
@pytest.mark.parametrize("to", [f"{TEAM}/{BEN}", "finance"])
def test_a_question_whose_reply_was_lost_is_found_again(chat, fault, to):
    card = chat.draw_card(view().row.case, [], look_first=False)
    question = view(to, ts=card.ts)
    chat.emulator.post("faults", fault)
    with pytest.raises(ChatUnknown):
        chat.draw_message(question, None, look_first=False)
    chat.emulator.post("faults", {"fail_every": 0})
    posted = chat.draw_message(question, None, look_first=True)
    questions = [
        message["ts"]
        for message in chat.emulator.messages(posted.channel)
        if action_ids(message["blocks"])[:1] == [ids.INQUIRY_CHOICES[0]]
    ]
    assert questions == [posted.ts]


def test_a_question_that_was_never_posted_is_posted_after_the_search(chat):
    posted = chat.draw_message(view(), None, look_first=True)
    assert [message["ts"] for message in chat.emulator.messages(posted.channel)] == [posted.ts]


def test_a_question_that_somebody_deleted_is_not_sent_again(chat, client):
    posted = chat.draw_message(view(), None, look_first=False)
    client.chat_delete(channel=posted.channel, ts=posted.ts)
    assert chat.draw_message(view(), posted, look_first=False) == posted
    assert chat.emulator.messages(posted.channel) == []


def test_any_other_refusal_of_slack_is_tried_again(chat):
    posted = chat.draw_message(view(), None, look_first=False)
    with pytest.raises(ChatFailed):
        chat.draw_message(view(), replace(posted, channel="C0NOWHERE"), look_first=False)


def test_a_direct_message_has_the_buttons_and_becomes_the_outcome_in_place(chat):
    call = direct_call(case())
    posted = chat.draw_message(call, None, look_first=False)
    (message,) = chat.emulator.messages(posted.channel)
    assert posted.channel.startswith("D")
    assert {"case.approve", "case.reject", "case.more"} <= set(action_ids(message["blocks"]))
    assert message["text"].startswith("Order 24 for £100.00?")
    assert mentions(message["blocks"]) == []
    rejected = direct_call(case(state=State.REJECTED), is_pending=False)
    assert chat.draw_message(rejected, posted, look_first=False) == posted
    (message,) = chat.emulator.messages(posted.channel)
    assert message["ts"] == posted.ts
    assert action_ids(message["blocks"]) == []


@pytest.mark.parametrize("fault", [{"drop_next": 1}, {"fail_every": 1, "fail_applied": True}])
def test_a_direct_message_whose_reply_was_lost_is_found_again(chat, fault):
    call = direct_call(case())
    chat.emulator.post("faults", fault)
    with pytest.raises(ChatUnknown):
        chat.draw_message(call, None, look_first=False)
    chat.emulator.post("faults", {"fail_every": 0})
    posted = chat.draw_message(call, None, look_first=True)
    assert [message["ts"] for message in chat.emulator.messages(posted.channel)] == [posted.ts]


def test_a_direct_message_that_somebody_deleted_is_not_sent_again(chat, client):
    call = direct_call(case())
    posted = chat.draw_message(call, None, look_first=False)
    client.chat_delete(channel=posted.channel, ts=posted.ts)
    assert chat.draw_message(call, posted, look_first=False) == posted
    assert chat.emulator.messages(posted.channel) == []


def test_whoever_raised_a_case_sees_one_line_and_may_ask_again_or_withdraw_it(chat):
    call = replace(
        direct_call(case()),
        subject=CallSubject.REQUEST,
        progress=Progress(
            waits_for=("Ana", "@floor-managers"), usual_times=UsualTimes(2400.0, 7200.0)
        ),
    )
    posted = chat.draw_message(call, None, look_first=False)
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
    posted = chat.draw_message(call, None, look_first=False)
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
    posted = chat.draw_message(slot_call(case(), second_case(), more=3), None, look_first=False)
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
    posted = chat.draw_message(slot_call(case(), second_case()), None, look_first=False)
    decided = slot_call(case(state=State.REJECTED), second_case(state=State.REJECTED))
    assert chat.draw_message(decided, posted, look_first=False) == posted
    (message,) = chat.emulator.messages(posted.channel)
    assert action_ids(message["blocks"]) == []
    text = "".join(one.get("text", "") for one in elements(message["blocks"]))
    assert text.startswith("Nothing here waits for you any more")


@pytest.mark.parametrize("fault", [{"drop_next": 1}, {"fail_every": 1, "fail_applied": True}])
def test_the_message_of_a_slot_whose_reply_was_lost_is_found_again(chat, fault):
    slot = slot_call(case())
    chat.emulator.post("faults", fault)
    with pytest.raises(ChatUnknown):
        chat.draw_message(slot, None, look_first=False)
    chat.emulator.post("faults", {"fail_every": 0})
    posted = chat.draw_message(slot, None, look_first=True)
    assert [message["ts"] for message in chat.emulator.messages(posted.channel)] == [posted.ts]


def test_the_message_of_a_slot_that_somebody_deleted_is_not_sent_again(chat, client):
    slot = slot_call(case())
    posted = chat.draw_message(slot, None, look_first=False)
    client.chat_delete(channel=posted.channel, ts=posted.ts)
    assert chat.draw_message(slot, posted, look_first=False) == posted
    assert chat.emulator.messages(posted.channel) == []


def test_the_largest_message_of_a_slot_fits_into_slack(chat):
    long = "Barolo & <Merlot> " * 200
    cases = []
    for number in range(MAX_ROWS):
        large = replace(case(), id=CaseId(f"EX-{number}"))
        cases.append(replace(large, signal=replace(large.signal, title=long)))
    posted = chat.draw_message(slot_call(*cases, more=90), None, look_first=False)
    assert posted.ts
