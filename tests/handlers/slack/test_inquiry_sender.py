"""Questions over the wire: sent once, updated in place, and never markup."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from bot.cases.errors import ChatFailed, ChatUnknown
from bot.demo.people import ANA, BEN, TEAM
from bot.views.inquiries import InquiryMessage
from bot.views.rows import CaseRow
from handlers.cards import ids
from tests.cases.making import with_fields
from tests.handlers.cards.examples import answered_case, asking_case
from tests.handlers.slack.test_call_sender import action_ids, elements, group_id, mentions

CHANNEL = "C0STOCK"
HOSTILE = "Is it here? <!channel> <@U0ANA> <https://evil.example|bank>"
LOST_REPLIES = [{"drop_next": 1}, {"fail_every": 1, "fail_applied": True}]


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
    posted = chat.draw_inquiry(view(), None, look_first=False)
    (message,) = chat.emulator.messages(posted.channel)
    assert posted.channel == f"D{BEN[1:]}"
    assert action_ids(message["blocks"]) == list(ids.INQUIRY_CHOICES[:2])
    assert mentions(message["blocks"]) == []
    assert "<" not in message["text"]
    assert HOSTILE in [one.get("text") for one in elements(message["blocks"])]
    after = view(maker=answered_case)
    assert chat.draw_inquiry(after, posted, look_first=False) == posted
    (message,) = chat.emulator.messages(posted.channel)
    assert message["ts"] == posted.ts
    assert action_ids(message["blocks"]) == []


def test_a_group_is_asked_in_the_thread_of_the_card(chat):
    card = chat.draw_card(view().row.case, [], look_first=False)
    posted = chat.draw_inquiry(view("finance", ts=card.ts), None, look_first=False)
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
        chat.draw_inquiry(question, None, look_first=False)
    chat.emulator.post("faults", {"fail_every": 0})
    posted = chat.draw_inquiry(question, None, look_first=True)
    questions = [
        message["ts"]
        for message in chat.emulator.messages(posted.channel)
        if action_ids(message["blocks"])[:1] == [ids.INQUIRY_CHOICES[0]]
    ]
    assert questions == [posted.ts]


def test_a_question_that_was_never_posted_is_posted_after_the_search(chat):
    posted = chat.draw_inquiry(view(), None, look_first=True)
    assert [message["ts"] for message in chat.emulator.messages(posted.channel)] == [posted.ts]


def test_a_question_that_somebody_deleted_is_not_sent_again(chat, client):
    posted = chat.draw_inquiry(view(), None, look_first=False)
    client.chat_delete(channel=posted.channel, ts=posted.ts)
    assert chat.draw_inquiry(view(), posted, look_first=False) == posted
    assert chat.emulator.messages(posted.channel) == []


def test_any_other_refusal_of_slack_is_tried_again(chat):
    posted = chat.draw_inquiry(view(), None, look_first=False)
    with pytest.raises(ChatFailed):
        chat.draw_inquiry(view(), replace(posted, channel="C0NOWHERE"), look_first=False)
