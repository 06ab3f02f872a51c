"""The thread of a card in Slack: evidence once, notes written over, and answers to one person alone."""

import pytest

from bot.cases import commands
from bot.cases.decide import decide
from bot.cases.errors import ChatUnknown
from bot.demo.people import ANA as ANA_ID
from bot.views.thread_notes import ThreadEvidence
from bot.views.thread_orders import Confirmation, OrderKind, PostedOrder, ThreadOrder
from tests.cases.making import ANA, NOW, SEEN, asker, proposed, with_fields
from tests.handlers.cards.examples import fact, note_of

CHANNEL = "C0STOCK"


@pytest.fixture
def card(chat):
    return chat.draw_card(case(), [], look_first=False)


def case(**changes):
    return with_fields(
        proposed(),
        channel=CHANNEL,
        opened_at=NOW,
        evidence=(fact("stock.on_hand", label="On hand", value=4),),
        **changes,
    )


def evidence_of(card):
    return ThreadEvidence(
        key="note:EX-1:evidence:1.0",
        case=case(),
        channel=card.channel,
        thread_ts=card.ts,
    )


def replies(chat, card):
    messages = chat.emulator.messages(CHANNEL)
    return [one for one in messages if one.get("thread_ts") == card.ts and one["ts"] != card.ts]


@pytest.mark.parametrize("fault", [{"drop_next": 1}, {"fail_every": 1, "fail_applied": True}])
def test_evidence_whose_reply_was_lost_stands_once(chat, card, fault):
    chat.emulator.post("faults", fault)
    with pytest.raises(ChatUnknown):
        chat.post_evidence(evidence_of(card), look_first=False)
    chat.emulator.post("faults", {"fail_every": 0})
    chat.post_evidence(evidence_of(card), look_first=True)
    (reply,) = replies(chat, card)
    assert [block["type"] for block in reply["blocks"]] == ["rich_text", "table"]


def test_a_workspace_that_takes_no_table_gets_a_list(chat, card, monkeypatch):
    monkeypatch.setattr(
        "handlers.slack.thread_sender.evidence_table", lambda evidence: [{"type": "table"}]
    )
    chat.post_evidence(evidence_of(card), look_first=False)
    (reply,) = replies(chat, card)
    assert {block["type"] for block in reply["blocks"]} == {"rich_text"}


def test_a_note_is_written_over_and_one_that_is_gone_stays_away(chat, card, client):
    entries = decide(case(), commands.Claim(asker(ANA), SEEN), NOW).entries
    place = {"channel": card.channel, "thread_ts": card.ts}
    note = note_of(case(), entries, has_buttons=True, **place)
    ts = chat.post_note(note, look_first=False)
    assert "actions" in {block["type"] for block in replies(chat, card)[0]["blocks"]}
    chat.update_note(note_of(case(), entries, **place), ts)
    assert {block["type"] for block in replies(chat, card)[0]["blocks"]} == {"rich_text"}
    client.chat_delete(channel=card.channel, ts=ts)
    chat.update_note(note, ts)
    assert replies(chat, card) == []


def test_an_answer_is_shown_to_one_person_where_they_spoke(chat, card):
    order = ThreadOrder(kind=OrderKind.APPROVE)
    confirmation = Confirmation(case=case(), order=order)
    for thread in (card.ts, ""):
        posted_order = PostedOrder(
            id=f"C:{thread}",
            person=f"T/{ANA_ID}",
            user=ANA_ID,
            channel=CHANNEL,
            thread=thread,
            case_id="EX-1",
            text="approve",
            order=order,
        )
        chat.confirm(posted_order, confirmation)
    messages = chat.emulator.get(f"state?as={ANA_ID}")["ephemerals"]
    assert [one.get("thread_ts") for one in messages] == [card.ts, None]
    assert replies(chat, card) == []


def test_the_thread_of_a_message_is_found(chat, card, client):
    reply = client.chat_postMessage(channel=CHANNEL, text="x", thread_ts=card.ts)
    alone = client.chat_postMessage(channel=CHANNEL, text="y")
    assert chat.thread_of(CHANNEL, reply["ts"]) == card.ts
    assert chat.thread_of(CHANNEL, alone["ts"]) == ""
    assert chat.thread_of(CHANNEL, "1.0") == ""
