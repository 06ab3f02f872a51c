"""The buttons under answers: thumbs, other readings, and questions to review."""

import json
from dataclasses import replace

import pytest

from bot.ports.question_log import QuestionRecord
from handlers.cards import ids
from handlers.slack.question_buttons import (
    ASK_DIFFERENTLY,
    NOT_YOUR_VOTE,
    NOT_YOURS,
    THANKS,
    WHICH_ONE,
)
from tests.handlers.slack.asking import DIRECT, press

QUESTION = "C0STOCK:1.0"


COMMAND_QUESTION = "/exceptions:C0STOCK:1"


@pytest.fixture
def asked(asking):
    """One question of Ana, which was understood."""
    record = QuestionRecord(
        id=QUESTION,
        asked_at=asking.world.clock(),
        person="T1/UANA",
        text="anything stuck?",
        reading="open cases",
    )
    asking.log.records.append(record)
    asking.questions.readings = {(QUESTION, "T1/UANA"): ("late cases", "paused cases")}
    return asking


def private_messages(asking):
    return asking.slack.arguments_of("chat.postEphemeral")


def window(asking):
    return json.dumps(asking.slack.arguments_of("views.open")[-1], ensure_ascii=False)


@pytest.mark.parametrize("vote", ["up", "down"])
def test_a_thumb_is_recorded_and_thanked_for_in_the_thread(asked, vote):
    press(asked, ids.FEEDBACK, f"{vote} {QUESTION}")
    assert asked.log.records[0].vote == vote
    (message,) = private_messages(asked)
    assert (message["text"], message["thread_ts"]) == (THANKS[vote], "1.0")


def test_a_thumb_of_somebody_else_counts_for_nothing_and_is_answered(asked):
    press(asked, ids.FEEDBACK, f"up {QUESTION}", user="UBEN")
    (message,) = private_messages(asked)
    assert (message["text"], message["user"]) == (NOT_YOUR_VOTE, "UBEN")
    assert asked.log.records[0].vote == ""


def test_a_reading_that_somebody_else_chooses_is_not_answered(asked):
    press(asked, ids.CHOOSE_READING, f"0 {QUESTION}", user="UBEN")
    (message,) = private_messages(asked)
    assert message["text"].startswith("Not done: this reading is not offered")
    assert message["user"] == "UBEN"


def test_a_forged_thumb_is_ignored(asked):
    press(asked, ids.FEEDBACK, f"sideways {QUESTION}")
    assert private_messages(asked) == []


def test_the_other_readings_are_offered_in_private_and_the_answer_counts_as_wrong(asked):
    press(asked, ids.REREAD, QUESTION)
    (message,) = private_messages(asked)
    assert (message["text"], message["user"]) == (WHICH_ONE, "UANA")
    buttons = [block["elements"][0] for block in message["blocks"] if block["type"] == "actions"]
    assert [button["text"]["text"] for button in buttons] == ["Late cases", "Paused cases"]
    assert [button["value"] for button in buttons] == [f"0 {QUESTION}", f"1 {QUESTION}"]
    assert asked.log.records[0].vote == "down"


def test_without_another_reading_it_says_how_to_ask(asked):
    asked.questions.readings = {}
    press(asked, ids.REREAD, QUESTION)
    (message,) = private_messages(asked)
    assert message["text"] == ASK_DIFFERENTLY
    assert "kept for review" in message["text"]
    assert json.dumps(message["blocks"]).count("rich_text_section") == 4


@pytest.mark.threat("E2")
def test_only_whoever_asked_is_offered_other_readings(asked):
    press(asked, ids.REREAD, QUESTION, user="UBEN")
    (message,) = private_messages(asked)
    assert (message["text"], message["user"]) == (NOT_YOURS, "UBEN")


def test_a_reading_is_answered_where_the_first_answer_stands(asked):
    press(asked, ids.CHOOSE_READING, f"1 {QUESTION}")
    (message,) = private_messages(asked)
    assert (message["text"], message["thread_ts"]) == ("Read as: paused cases.", "1.0")


def test_beside_a_private_answer_in_the_channel_the_reading_is_answered_there_too(asked):
    press(asked, ids.CHOOSE_READING, f"1 {QUESTION}", thread_ts="")
    (message,) = private_messages(asked)
    assert "thread_ts" not in message


def test_in_a_direct_conversation_the_answer_is_a_message(asked):
    asked.questions.readings = {(f"{DIRECT}:1.0", "T1/UANA"): ("late cases",)}
    press(asked, ids.CHOOSE_READING, f"0 {DIRECT}:1.0", channel=DIRECT)
    (message,) = asked.slack.arguments_of("chat.postMessage")
    assert (message["channel"], message["thread_ts"]) == (DIRECT, "1.0")
    assert message["text"] == "Read as: late cases."


@pytest.mark.threat("E2")
@pytest.mark.parametrize(
    "value",
    ["9 C0STOCK:1.0", f"{'9' * 5_000} C0STOCK:1.0", "x C0STOCK:1.0", "", "1", "-1 C0STOCK:1.0"],
)
def test_a_forged_choice_is_refused_in_words(asked, value):
    press(asked, ids.CHOOSE_READING, value)
    (message,) = private_messages(asked)
    assert message["text"].startswith("Not done: this reading is not offered")


@pytest.fixture
def asked_by_command(asked):
    """One question that Ana put by command, where the bot may be no member."""
    record = replace(asked.log.records[0], id=COMMAND_QUESTION)
    asked.log.records.append(record)
    asked.questions.readings = {(COMMAND_QUESTION, "T1/UANA"): ("late cases", "paused cases")}
    return asked


def command_replies(asking):
    """Return the private answers below the answer to the command."""
    assert private_messages(asking) == []
    replies = asking.slack.arguments_of("response.press")
    assert all(reply["response_type"] == "ephemeral" for reply in replies)
    assert not any(reply["replace_original"] for reply in replies)
    return replies


def test_under_a_command_a_thumb_is_thanked_for_there(asked_by_command):
    press(asked_by_command, ids.FEEDBACK, f"up {COMMAND_QUESTION}")
    (reply,) = command_replies(asked_by_command)
    assert reply["text"] == THANKS["up"]
    assert asked_by_command.log.records[-1].vote == "up"


def test_under_a_command_another_reading_is_offered_and_answered_there(asked_by_command):
    press(asked_by_command, ids.REREAD, COMMAND_QUESTION)
    press(asked_by_command, ids.CHOOSE_READING, f"1 {COMMAND_QUESTION}")
    offer, answer = command_replies(asked_by_command)
    assert offer["text"] == WHICH_ONE
    assert f"1 {COMMAND_QUESTION}" in json.dumps(offer["blocks"])
    assert answer["text"] == "Read as: paused cases."
    assert f"down {COMMAND_QUESTION}" in json.dumps(answer["blocks"])
    assert asked_by_command.slack.arguments_of("chat.postMessage") == []


@pytest.mark.threat("E2")
def test_under_a_command_nobody_else_is_answered(asked_by_command):
    press(asked_by_command, ids.REREAD, COMMAND_QUESTION, user="UBEN")
    press(asked_by_command, ids.CHOOSE_READING, f"1 {COMMAND_QUESTION}", user="UBEN")
    refusals = [reply["text"] for reply in command_replies(asked_by_command)]
    assert refusals[0] == NOT_YOURS
    assert refusals[1].startswith("Not done: this reading is not offered")


def test_the_questions_of_a_channel_are_listed_for_its_members(asked):
    asked.log.record_vote(QUESTION, "T1/UANA", "down")
    press(asked, ids.REVIEW_QUESTIONS, "C0STOCK 0", user="UBEN")
    assert "“anything stuck?”" in window(asked)


@pytest.mark.threat("E2")
@pytest.mark.parametrize("value", ["C0STOCK x", "x", "", "T1/UANA 0", f"C0STOCK {'9' * 30}"])
def test_nobody_reads_the_questions_of_others(asked, value):
    asked.log.record_vote(QUESTION, "T1/UANA", "down")
    press(asked, ids.REVIEW_QUESTIONS, value, user="UBEN")
    assert "Not done" in window(asked)
    assert "anything stuck" not in window(asked)
