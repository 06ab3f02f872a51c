"""Questions, how they were read, and whether the answers helped."""

from datetime import timedelta

import pytest

from bot.ports.outbox import Topic
from bot.ports.question_log import QuestionRecord
from bot.store import tables
from bot.store.question_log import MAX_READING, MAX_TEXT
from tests.fakes.clock import NOON
from tests.fakes.directory import principal
from tests.store.rows import message, outbox_row, rows_of

ANA, BEN = principal("ana"), principal("ben")


def question(name="q1", **changes) -> QuestionRecord:
    values = {"asked_at": NOON, "person": ANA, "text": "what waits on me?"}
    return QuestionRecord(id=name, **{**values, **changes})


def questions(store, *, since=NOON, only_unanswered=False, **more):
    records = store.question_log.questions(since, only_unanswered=only_unanswered, **more)
    return [record.id for record in records]


def test_a_question_is_recorded_once_and_answered_once(store):
    answer = message("answer:q1", topic=Topic.ANSWER)
    assert store.question_log.record(question(), answer)
    assert not store.question_log.record(question(text="sent again"), answer)
    (record,) = store.question_log.questions(NOON, only_unanswered=False)
    assert record == question()
    assert outbox_row(store, "answer:q1").wanted == 1


def test_a_question_that_is_only_logged_requests_no_answer(store):
    assert store.question_log.record(question(), None)
    assert rows_of(store, tables.outbox) == []


def test_a_question_is_kept_up_to_its_longest(store):
    store.question_log.record(question(text="w" * (MAX_TEXT + 1)), None)
    store.question_log.record_reading("q1", "r" * (MAX_READING + 1))
    (record,) = store.question_log.questions(NOON, only_unanswered=False)
    assert (record.text, record.reading) == ("w" * MAX_TEXT, "r" * MAX_READING)


def test_how_it_was_read_can_be_recorded_after_it(store):
    store.question_log.record(question(), None)
    store.question_log.record_reading("q1", "what waits on me")
    store.question_log.record_reading("unknown", "nothing")
    (record,) = store.question_log.questions(NOON, only_unanswered=False)
    assert record.reading == "what waits on me"


@pytest.mark.parametrize(
    ("question_id", "person", "counts"),
    [("q1", ANA, True), ("q1", BEN, False), ("q2", ANA, False)],
)
def test_only_the_person_who_put_the_question_votes_on_its_answer(
    store, question_id, person, counts
):
    store.question_log.record(question(), None)
    assert store.question_log.record_vote(question_id, person, "up") is counts
    (record,) = store.question_log.questions(NOON, only_unanswered=False)
    assert record.vote == ("up" if counts else "")


def test_a_vote_can_be_changed(store):
    store.question_log.record(question(), None)
    for vote in ("up", "down"):
        assert store.question_log.record_vote("q1", ANA, vote)
    assert questions(store, only_unanswered=True) == ["q1"]


def test_questions_come_since_a_time_the_latest_first_and_so_many(store):
    for minutes in (0, 2, 1):
        at = NOON + timedelta(minutes=minutes)
        store.question_log.record(question(f"q{minutes}", asked_at=at), None)
    assert questions(store) == ["q2", "q1", "q0"]
    assert questions(store, since=NOON + timedelta(minutes=1)) == ["q2", "q1"]
    assert questions(store, limit=2) == ["q2", "q1"]


def test_unanswered_are_those_not_understood_and_those_that_did_not_help(store):
    for number, (reading, vote) in enumerate(
        [("", ""), ("a list", ""), ("a list", "up"), ("a list", "down"), ("", "up")]
    ):
        name = f"q{number}"
        at = NOON + timedelta(seconds=number)
        store.question_log.record(question(name, asked_at=at, reading=reading), None)
        if vote:
            store.question_log.record_vote(name, ANA, vote)
    assert questions(store, only_unanswered=True) == ["q4", "q3", "q0"]
