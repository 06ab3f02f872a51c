"""Answers in direct messages and in channels."""

import json
import re
from dataclasses import replace

import pytest

from bot.cases.errors import ChatFailed
from bot.demo.people import ANA, TEAM
from bot.ports.question_log import PostedQuestion
from bot.views.answers import Answer
from handlers.slack.answer_sender import is_plain_sentence
from handlers.slack.chat import SlackChat
from handlers.slack.rate_limiter import RateLimiter
from tests.handlers.cards.answer_examples import trend
from tests.handlers.cards.examples import low_risk_case, row
from tests.handlers.slack.fake_client import FakeWebClient

DIRECT = f"D{ANA[1:]}"


def question(**changes):
    """Build a question that Ana asks in her direct messages."""
    fields = {
        "id": f"{DIRECT}:1.0",
        "person": f"{TEAM}/{ANA}",
        "user": ANA,
        "text": "open?",
        "channel": DIRECT,
        "thread": "1.0",
        "is_direct": True,
    }
    return PostedQuestion(**{**fields, **changes})


def answer():
    return Answer(
        text="One is open, £312.00; it is due today, 13:00.",
        rows=(row(low_risk_case()),),
        total=1,
        reading="open cases",
        left_aside=("<!channel>",),
        read_by="m1",
    )


def ask_directly(chat, text="open?", **message):
    return chat.emulator.post("message", {"as": ANA, "channel": DIRECT, "text": text, **message})[
        "ts"
    ]


def bot_messages(chat, channel=DIRECT):
    return [message for message in chat.emulator.messages(channel) if message.get("bot_id")]


def statuses(chat):
    return list(chat.emulator.get(f"state?as={ANA}")["statuses"].values())


def test_an_answer_grows_in_a_direct_conversation_and_ends_with_its_cases(chat):
    chat.emulator.post("home", {"as": ANA, "tab": "messages"})
    thread = ask_directly(chat)
    direct_question = question(thread=thread)
    stream_ts = chat.start_answer(direct_question)
    chat.post_progress(direct_question, stream_ts, "Looking for: open <!channel>")
    assert bot_messages(chat) == []
    assert statuses(chat) == ["is looking for: open &lt;!channel&gt;…"]
    chat.answer(direct_question, answer(), look_first=False, stream_ts=stream_ts)
    chat.answer(direct_question, answer(), look_first=True)
    (message,) = bot_messages(chat)
    assert message["thread_ts"] == thread
    blocks = json.dumps(message["blocks"])
    assert blocks.count("One is open") == 1
    # The first line comes first, and no step of ours stands above it.
    assert message["blocks"][0]["type"] == "markdown"
    assert statuses(chat) == []
    assert "Read by m1." in blocks
    assert "/archives/C0STOCK/p1000001" in blocks
    assert "feedback_buttons" in blocks


def test_a_stream_that_slack_has_closed_meanwhile_is_written_over(chat):
    chat.emulator.post("home", {"as": ANA, "tab": "messages"})
    direct_question = question(thread=ask_directly(chat))
    stream_ts = chat.start_answer(direct_question)
    post_to = chat.api.post_to

    def close_stream(method, *arguments, **options):
        if method == "chat.stopStream":
            chat.emulator.post("clock", {"seconds": 400})
        return post_to(method, *arguments, **options)

    chat.api.post_to = close_stream
    chat.answer(direct_question, answer(), look_first=False, stream_ts=stream_ts)
    (message,) = bot_messages(chat)
    assert json.dumps(message["blocks"]).count("One is open") == 1
    assert "Read by m1." in json.dumps(message["blocks"])


def test_an_unfinished_stream_of_an_earlier_attempt_is_deleted(chat):
    """The next attempt answers anew, and leaves other answers alone."""
    chat.emulator.post("home", {"as": ANA, "tab": "messages"})
    thread = ask_directly(chat)
    first = question(thread=thread, id=f"{DIRECT}:{thread}")
    chat.api.post_to("chat.startStream", DIRECT, thread_ts=thread)
    second_ts = ask_directly(chat, "late?", thread_ts=thread)
    stream_ts = chat.api.post_to("chat.startStream", DIRECT, thread_ts=thread)["ts"]
    assert second_ts < stream_ts
    chat.answer(first, answer(), look_first=True)
    ours = bot_messages(chat)
    assert stream_ts in {message["ts"] for message in ours}
    metadata = [message.get("metadata", {}) for message in ours]
    uids = [entry.get("event_payload", {}).get("uid", "") for entry in metadata]
    assert uids == ["", f"{DIRECT}:{thread}"]


def test_in_a_channel_nothing_grows_and_what_not_all_may_see_is_for_one_alone(chat):
    message = {"as": ANA, "channel": "C0OPS", "text": "open?"}
    thread = chat.emulator.post("message", message)["ts"]
    in_channel = question(channel="C0OPS", thread=thread, is_direct=False)
    assert chat.start_answer(in_channel) == ""
    chat.answer(in_channel, answer(), look_first=False)
    ephemerals = chat.emulator.get(f"state?as={ANA}")["ephemerals"]
    assert [ephemeral["to"] for ephemeral in ephemerals] == [ANA]
    here = replace(row(low_risk_case()), channel="C0OPS")
    here = replace(here, case=replace(here.case, channel="C0OPS"))
    public = replace(answer(), rows=(here,), is_public=True)
    chat.answer(in_channel, public, look_first=False)
    threads = [reply.get("thread_ts") for reply in bot_messages(chat, "C0OPS")]
    assert threads.count(thread) == 1


@pytest.mark.parametrize(
    ("text", "is_plain"),
    [
        ("Eight, £10,563.97 together; the oldest since 08:07 today.", True),
        ("20 open cases, £42,708.72 together.", True),
        ("7 of 51 (14 %) of the decided were rejected.", True),
        ("EX-425, Marlow & Sons has not been followed up; £7,260.00.", True),
        ("1. open the door", False),
        ("2) open the door", False),
        ("Marlow &amp; Sons", False),
        ("see evil.example", False),
        ("*bold*", False),
        ("<!channel>", False),
        ("", False),
    ],
)
def test_only_a_sentence_without_markup_is_streamed(text, is_plain):
    assert is_plain_sentence(text) is is_plain


@pytest.mark.parametrize(("is_in_thread", "thread"), [(True, "1.0"), (False, None)])
def test_a_private_answer_is_in_a_thread_only_where_there_is_one(chat, is_in_thread, thread):
    """Slack shows no private message in a thread that nobody has written in yet."""
    in_channel = question(channel="C0OPS", is_direct=False, is_in_thread=is_in_thread)
    chat.answer(in_channel, answer(), look_first=False)
    (ephemeral,) = chat.emulator.get(f"state?as={ANA}")["ephemerals"]
    assert ephemeral.get("thread_ts") == thread


def test_a_first_line_with_markup_in_it_is_not_streamed(chat):
    chat.emulator.post("home", {"as": ANA, "tab": "messages"})
    direct_question = question(thread=ask_directly(chat))
    stream_ts = chat.start_answer(direct_question)
    hostile = replace(answer(), text="None for *Zanzibar* <!channel> evil.example.")
    chat.answer(direct_question, hostile, look_first=False, stream_ts=stream_ts)
    (message,) = bot_messages(chat)
    assert message["blocks"][0]["type"] == "rich_text"
    assert "markdown" not in [block["type"] for block in message["blocks"]]


def test_a_status_is_shown_until_the_answer(chat):
    chat.emulator.post("home", {"as": ANA, "tab": "messages"})
    direct_question = question(thread=ask_directly(chat))
    chat.start_answer(direct_question)
    assert statuses(chat) == ["is looking…"]


def test_where_slack_takes_no_table_and_no_chart_the_numbers_come_as_text():
    client = FakeWebClient()
    client.errors["chat.postMessage"] = ["invalid_blocks"]
    chat = SlackChat(client, RateLimiter(0, 1))
    chat.answer(question(), trend(), look_first=False)
    refused, accepted = client.arguments_of("chat.postMessage")
    assert "data_visualization" in json.dumps(refused["blocks"])
    types = {block["type"] for block in accepted["blocks"]}
    assert types.isdisjoint({"table", "data_visualization"})
    assert re.search(r"Tue 24 Nov +9", json.dumps(accepted["blocks"]))


def test_blocks_that_slack_refuses_for_another_reason_are_not_sent_again():
    client = FakeWebClient()
    client.errors["chat.postMessage"] = ["invalid_blocks"]
    chat = SlackChat(client, RateLimiter(0, 1))
    with pytest.raises(ChatFailed):
        chat.answer(question(), Answer(text="One."), look_first=False)
    assert len(client.arguments_of("chat.postMessage")) == 1
