"""Questions, how they were read, and whether the answers helped."""

from datetime import timedelta
from decimal import Decimal

import pytest
import sqlalchemy as sa

from bot.cases.lifecycle import State
from bot.ports.outbox import Topic
from bot.ports.question_log import AnsweredQuestion, QuestionRecord
from bot.store import tables
from bot.store.question_log import MAX_CASE_IDS, MAX_READING, MAX_TEXT, _questions
from bot.views.query import Ask, Condition, LastDecision, Order, Period, Query, Turn
from tests.fakes.clock import NOON
from tests.fakes.directory import principal
from tests.store.rows import message, outbox_row, query_plan, rows_of

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


# --- how they were answered ----------------------------------------------------------------------

LARGE = Query(
    ask=Ask.LIST,
    condition=Condition(
        is_open=True,
        states=(State.OUTCOME_UNKNOWN,),
        text="Château “No 1”",
        min_stake=Decimal("5000.50"),
        max_age=timedelta(days=2),
        opened=Period(begin="-P3D", end="today@12:00"),
        decision=LastDecision.BY_HAND,
        exclusion=Condition(kinds=("low_stock",), exclusion=Condition(is_overdue=True)),
    ),
    order=Order.LARGEST,
    limit=3,
)
OLDEST, NEWEST = (Query(ask=Ask.LIST, order=order) for order in (Order.OLDEST, Order.NEWEST))
ANSWER = AnsweredQuestion(
    reading="the large ones",
    query=LARGE,
    case_ids=("EX-2", "EX-1"),
    alternatives=(OLDEST, NEWEST),
    left_aside=("stuck", "\x00"),
)


def ask(store, name="q1", *, answer=ANSWER, minutes=0, conversation="C1", person=ANA):
    at = NOON + timedelta(minutes=minutes)
    record = question(name, asked_at=at, conversation=conversation, person=person)
    store.question_log.record(record, None)
    if answer is not None:
        store.question_log.record_answer(name, answer)


def spoil(store, **columns):
    """Write what another release may have written."""
    statement = sa.update(tables.questions).values(columns)
    store.database.write(lambda unit: unit.connection.execute(statement) and None, appends=False)


def test_an_answer_is_read_back_by_who_asked(store):
    ask(store)
    assert store.question_log.find_answer("q1", ANA) == ANSWER
    assert store.question_log.find_answer("q1", BEN) is None
    assert store.question_log.find_answer("q2", ANA) is None
    (record,) = store.question_log.questions(NOON, only_unanswered=False)
    assert (record.reading, record.conversation) == (ANSWER.reading, "C1")
    assert record.left_aside == ANSWER.left_aside


def test_a_question_that_was_not_understood_has_no_query(store):
    ask(store, answer=AnsweredQuestion(reading="", query=None))
    assert store.question_log.find_answer("q1", ANA) == AnsweredQuestion(reading="", query=None)
    assert store.question_log.last_turn(ANA, "C1", NOON) is None
    assert questions(store, only_unanswered=True) == ["q1"]


def test_an_answer_keeps_only_so_many_cases(store):
    case_ids = tuple(f"EX-{number}" for number in range(MAX_CASE_IDS + 1))
    ask(store, answer=AnsweredQuestion(reading="all", query=LARGE, case_ids=case_ids))
    assert store.question_log.find_answer("q1", ANA).case_ids == case_ids[:MAX_CASE_IDS]


def test_the_last_turn_is_the_persons_own_in_this_conversation(store):
    ask(store, "q1")
    ask(store, "q2", minutes=1, answer=AnsweredQuestion(reading="o", query=OLDEST))
    ask(store, "q3", minutes=2, answer=None)
    ask(store, "q4", minutes=3, conversation="C2")
    ask(store, "q5", minutes=4, person=BEN)
    last_turn = store.question_log.last_turn
    assert last_turn(ANA, "C1", NOON) == Turn(query=OLDEST, case_ids=())
    assert last_turn(ANA, "C2", NOON) == Turn(query=LARGE, case_ids=("EX-2", "EX-1"))
    assert last_turn(ANA, "C1", NOON + timedelta(minutes=2)) is None
    assert last_turn(BEN, "C2", NOON) is None


def test_the_last_turn_is_found_by_an_index(store):
    query = tables.questions.select().where(
        _questions.person == ANA, _questions.conversation == "C1", _questions.asked_at >= 0.0
    )
    assert "questions_by_conversation" in query_plan(store.database, query, {})


@pytest.mark.parametrize(
    ("person", "choice", "meant"),
    [(ANA, 0, OLDEST), (ANA, 1, NEWEST), (ANA, 2, None), (ANA, -1, None), (BEN, 0, None)],
)
def test_only_who_asked_chooses_and_only_what_was_offered(store, person, choice, meant):
    ask(store)
    assert store.question_log.record_choice("q1", person, choice) == meant
    assert store.question_log.record_choice("q2", person, choice) is None
    (record,) = store.question_log.questions(NOON, only_unanswered=False)
    assert record.choice == meant


@pytest.mark.parametrize("text", ["{", "{}", "null", "[1]", '{"ask": "dance"}', "\x00", "x"])
def test_what_another_release_wrote_is_nothing_and_no_failure(store, text):
    ask(store)
    columns = ("query", "case_ids", "alternatives", "left_aside", "choice")
    spoil(store, **dict.fromkeys(columns, text))
    answer = store.question_log.find_answer("q1", ANA)
    assert (answer.query, answer.case_ids, answer.alternatives) == (None, (), ())
    assert store.question_log.last_turn(ANA, "C1", NOON) is None
    assert store.question_log.record_choice("q1", ANA, 0) is None
    (record,) = store.question_log.questions(NOON, only_unanswered=False)
    assert (record.choice, record.left_aside) == (None, ())
