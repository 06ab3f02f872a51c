"""Questions as Slack delivers them: where they belong, and how many are answered."""

import pytest

from handlers.slack.question_limit import LIMIT, TOO_MANY, Admission, QuestionLimit
from tests.handlers.slack.asking import DIRECT, deliver, direct_message, mention


def told(asking):
    return [arguments["text"] for arguments in asking.slack.arguments_of("chat.postEphemeral")]


def test_a_direct_conversation_is_one_whether_people_ask_in_its_threads_or_beside_them(asking):
    first = direct_message("what is open?")
    deliver(asking, first)
    deliver(asking, direct_message("and who approved it?", thread_ts=first["ts"]))
    deliver(asking, direct_message("only the late ones"))
    questions = asking.questions.received
    assert [question.conversation for question in questions] == [DIRECT] * 3
    assert [question.thread for question in questions] == [first["ts"]] * 2 + [questions[2].thread]
    assert all(question.is_direct for question in questions)


def test_each_thread_of_a_channel_is_a_conversation_of_its_own(asking):
    first, second = mention("what is open?"), mention("anything late?")
    for event in (first, second, mention("since when?", thread_ts=first["ts"])):
        deliver(asking, event)
    conversations = [question.conversation for question in asking.questions.received]
    first_thread, second_thread = f"C0STOCK:{first['ts']}", f"C0STOCK:{second['ts']}"
    assert conversations == [first_thread, second_thread, first_thread]
    assert [question.is_in_thread for question in asking.questions.received] == [False, False, True]
    assert asking.questions.received[0].text == "what is open?"


def test_a_question_that_is_delivered_twice_is_one(asking):
    event = direct_message("what is open?")
    for _ in range(3):
        deliver(asking, event)
    assert len(asking.questions.received) == 1


@pytest.mark.parametrize("text", ["approve EX-1 for me", "pause stock orders", "remind Ben"])
def test_an_order_outside_the_thread_of_a_card_is_a_question(asking, text):
    deliver(asking, direct_message(text))
    deliver(asking, mention(text))
    assert [question.text for question in asking.questions.received] == [text, text]


def test_in_the_thread_of_a_card_orders_come_first_and_other_requests_are_questions(asking):
    asking.world.proposed()
    deliver(asking, mention("approve", thread_ts="1.0"))
    deliver(asking, mention("change it to 12 bottles", thread_ts="1.0"))
    (question,) = asking.questions.received
    assert (question.text, question.case_id) == ("change it to 12 bottles", "EX-1")


@pytest.mark.threat("E5")
def test_a_burst_of_one_person_is_limited_kindly_and_nothing_is_dropped_silently(asking):
    for number in range(200):
        asking.seconds.now = number * 0.3
        assert deliver(asking, direct_message(f"question {number}")) == 200
    answered = len(asking.questions.received)
    assert LIMIT.burst <= answered <= 2 * LIMIT.burst
    assert told(asking) == [TOO_MANY]
    # What was not answered is in the log, without an order to answer it.
    assert len(asking.log.records) == 200 - answered
    assert set(asking.log.messages) == {None}


@pytest.mark.threat("E5")
def test_others_are_answered_meanwhile_and_the_same_person_a_minute_later(asking):
    for number in range(30):
        deliver(asking, direct_message(f"question {number}"))
    count = len(asking.questions.received)
    deliver(asking, direct_message("what is open?", user="UBEN", channel="D0BEN"))
    assert len(asking.questions.received) == count + 1
    asking.seconds.now = 30.0
    deliver(asking, direct_message("and now?"))
    assert len(asking.questions.received) == count + 1
    asking.seconds.now = 70.0
    deliver(asking, direct_message("and now?"))
    assert len(asking.questions.received) == count + 2


def test_a_conversation_at_the_pace_of_people_is_never_limited():
    seconds = iter(range(0, 10_000, 4))
    limit = QuestionLimit(lambda: float(next(seconds)))
    assert {limit.admit("T1/UANA") for _ in range(500)} == {Admission.ANSWER}


def test_a_visit_of_the_pane_suggests_questions_by_what_waits(asking):
    asking.world.proposed()
    visit = {"type": "app_home_opened", "tab": "messages", "user": "UANA", "channel": DIRECT}
    deliver(asking, visit)
    (arguments,) = asking.slack.arguments_of("assistant.threads.setSuggestedPrompts")
    messages = [prompt["message"] for prompt in arguments["prompts"]]
    assert messages[0] == "What waits on me?"
    assert len(messages) == 4
