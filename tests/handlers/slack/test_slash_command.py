"""The slash command: private answers, and errors in words."""

import json
from datetime import timedelta
from urllib.parse import urlencode

import pytest

from bot.cases.actor import Surface
from bot.views.query import ME, Ask, Condition, Query
from handlers.cards import ids
from handlers.slack.question_limit import TOO_MANY
from handlers.slack.slash_command import COMMAND
from tests.handlers.slack.conftest import receiver_of
from tests.handlers.slack.requests import post_signed


@pytest.fixture
def run(receiver):
    """Type a command; return the answer with its blocks."""

    def run(text, user="UANA", receiver=receiver):
        fields = {
            "command": COMMAND,
            "text": text,
            "team_id": "T1",
            "user_id": user,
            "channel_id": "C0STOCK",
            "trigger_id": "t",
        }
        response = post_signed(receiver, urlencode(fields).encode())
        assert response.status_code == 200
        answer = response.json()
        assert answer["response_type"] == "ephemeral"
        return answer["text"] + json.dumps(answer["blocks"])

    return run


@pytest.mark.parametrize("text", ["", "help", "HELP"])
def test_help_lists_the_subcommands(run, text):
    assert "reviewed EX-12" in run(text)


def test_help_tells_of_practice_cases_where_there_are_any(run, agreeable_slack, small_world):
    assert "practice case" not in run("help")
    small_world.waits["probes_per_week"] = 1
    small_world.start("")
    assert "practice case" in run("help", receiver=receiver_of(agreeable_slack, small_world))


@pytest.mark.parametrize("text", ["list", "list low stock", "show ex-1", "what is open?"])
def test_a_case_is_found(run, receiver, text):
    receiver.world.proposed()
    assert "EX-1" in run(text)


def test_mine_lists_what_waits_on_the_author(run, receiver):
    receiver.world.proposed()
    assert "EX-1" in run("mine", "UANA")


def test_a_case_must_be_named(run):
    assert "Not done: name the case, like EX-12." in run("show it")


def test_a_pause_needs_a_reason_and_holds_until_a_governance_owner_resumes(run, receiver):
    assert "Not done" in run("pause", "UELSIE")
    assert "Paused: everything" in run("pause because  the  line is down", "UELSIE")
    assert "Not done" in run("resume", "UANA")
    (pause,) = receiver.world.store.desk_controls.load().holds
    assert pause.reason == "the line is down"
    assert "Resumed: everything" in run("resume", "UELSIE")
    assert receiver.world.store.desk_controls.load().holds == ()


def test_the_report_counts_what_the_author_may_see(run, receiver):
    receiver.world.proposed()
    receiver.world.clock.forward(minutes=1)
    assert "Cases in the last thirty days: 1 opened, 0 ended." in run("report")


def test_an_unexpected_error_is_told_by_a_reference_and_logged(run, receiver, caplog, monkeypatch):
    def fail(*_, **__):
        raise LookupError("secret")

    monkeypatch.setattr(type(receiver.world.desk.conversation.questions), "answer", fail)
    answer = run("anything at all")
    assert "Something went wrong on our side; nothing was decided. Try again." in answer
    assert "Reference" in answer
    assert "secret" not in answer
    (record,) = [record for record in caplog.records if record.name == "handlers.slack.listeners"]
    assert record.reference in answer


@pytest.fixture
def command(asking):
    """Type a command to a desk whose answers are known beforehand; return the answer."""

    def command(text, user="UANA"):
        fields = {
            "command": COMMAND,
            "text": text,
            "team_id": "T1",
            "user_id": user,
            "channel_id": "C0STOCK",
            "trigger_id": "t",
        }
        return post_signed(asking, urlencode(fields).encode()).json()["text"]

    return command


@pytest.mark.parametrize(
    ("text", "query"),
    [
        ("list", Query(ask=Ask.LIST, condition=Condition(is_open=True))),
        ("mine", Query(ask=Ask.LIST, condition=Condition(is_open=True, waits_on=ME))),
        ("show ex-12", Query(ask=Ask.STATUS, case_id="EX-12")),
    ],
)
def test_a_subcommand_is_a_query_that_needs_no_reading(command, asking, text, query):
    assert command(text) == "Two are open."
    assert asking.questions.queries == [(query, "T1/UANA", "C0STOCK")]


def test_the_answer_to_a_question_has_the_buttons_of_every_answer(run, receiver):
    receiver.world.proposed()
    answer = run("what is open?")
    assert ids.FEEDBACK in answer
    assert ids.REREAD in answer
    (record,) = receiver.world.store.question_log.questions(
        receiver.world.clock() - timedelta(days=1), only_unanswered=False
    )
    assert record.text == "what is open?"
    assert f"up {record.id}" in answer
    assert record.id.startswith(f"{COMMAND}:C0STOCK:")


@pytest.mark.parametrize("text", ["list", "mine", "show ex-1", "help", "report"])
def test_a_subcommand_is_read_in_one_way_only(run, receiver, text):
    receiver.world.proposed()
    assert ids.FEEDBACK not in run(text)


def test_anything_else_is_a_question_in_a_conversation_of_its_author(command, asking):
    command("anything late?")
    command("list low stock")
    command("only over 5k")
    conversation = f"{COMMAND}:C0STOCK"
    assert asking.questions.asked == [
        (text, "T1/UANA", "C0STOCK", conversation)
        for text in ("anything late?", "open low stock", "only over 5k")
    ]


@pytest.mark.threat("E5")
def test_a_burst_of_questions_by_command_is_limited(command, asking):
    answers = [command(f"question {number}") for number in range(40)]
    assert answers[-1] == TOO_MANY
    assert len(asking.questions.asked) == answers.index(TOO_MANY)
    # It says that the rest is noted.
    assert len(asking.questions.asked) + len(asking.log.records) == len(answers)
    assert command("pause because the line is down", "UELSIE").startswith("Paused")


@pytest.fixture
def open_window(receiver, agreeable_slack):
    """Type a command that opens a window; return the window as text."""

    def open_window(text, user="UANA"):
        fields = {
            "command": COMMAND,
            "text": text,
            "team_id": "T1",
            "user_id": user,
            "channel_id": "C0STOCK",
            "trigger_id": "t",
        }
        assert post_signed(receiver, urlencode(fields).encode()).status_code == 200
        return json.dumps(agreeable_slack.arguments_of("views.open")[-1], ensure_ascii=False)

    return open_window


def test_the_digest_of_the_channel_is_shown_now(open_window, receiver):
    receiver.world.proposed()
    text = open_window("digest")
    assert "1 to decide" in text
    assert "Needs a decision" in text


def test_the_delegations_of_a_person_are_listed_to_be_ended(open_window, receiver):
    assert "Nobody stands in for you" in open_window("stand-ins")
    now = receiver.world.clock()
    receiver.world.desk.controls.delegate(
        by="T1/UANA",
        to="T1/UFINN",
        kind="",
        begins_at=now,
        ends_at=now + timedelta(days=2),
        surface=Surface.SLACK,
    )
    text = open_window("stand-ins", "UFINN")
    assert "Finn stands in for Ana until" in text
    assert "End now…" in text
