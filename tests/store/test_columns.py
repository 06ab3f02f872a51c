"""Hostile text in every column of text: stored as far as a database can, and never a failure."""

import pytest
import sqlalchemy as sa

from bot.cases.text import is_storable, storable
from bot.ports.card_store import CardRef
from bot.ports.live_lists import LiveList
from bot.ports.question_log import QuestionRecord
from bot.store import tables
from tests.fakes.clock import NOON
from tests.store.rows import lease, message, rows_of

HOSTILE = {
    "nul": "a\x00b",
    "high surrogate": "a\ud83d",
    "low surrogate": "\udf77b",
    "emoji": "🍷 Merlot 👩‍💻",
    "right to left": "\u202eretro\u202c",
    "quotes": "'; DROP TABLE cases; -- \"%_\\",
    "line breaks": "a\r\nb\u2028c\tlast",
    "very long": "wörter " * 30_000,
    "empty": "",
}
#: A filler for columns that are not text.
NUMBERS = {
    sa.Integer: 1,
    sa.BigInteger: 1,
    sa.Float: 1.5,
    sa.Numeric: 2,
    sa.LargeBinary: b"{}",
}
TABLES = [table for table in tables.metadata.sorted_tables if table is not tables.ledger]


@pytest.fixture(params=HOSTILE.values(), ids=HOSTILE)
def hostile(request) -> str:
    """A text that some database, wire or screen has trouble with."""
    return request.param


def text_columns(table):
    return [column.name for column in table.columns if isinstance(column.type, sa.Text)]


def full_row(table, text):
    """A row of this table whose every text is this one."""
    row = {}
    for column in table.columns:
        is_text = isinstance(column.type, sa.Text)
        row[column.name] = text if is_text else NUMBERS[type(column.type)]
    return row


def insert(store, table, text):
    values = full_row(table, text)
    store.database.write(
        lambda unit: unit.connection.execute(sa.insert(table), values).rowcount, appends=False
    )


# One database for all tables: making one costs more than what is tested in it. Their names are a
# string of their own sort, which does not travel between processes.
def test_every_text_column_takes_it_and_gives_it_back(store, hostile, subtests):
    # A key is indexed, and no index takes megabytes: keys are bounded where they are made.
    text = hostile[:500]
    for table in TABLES:
        with subtests.test(str(table.name)):
            insert(store, table, text)
            rows = [row._mapping for row in rows_of(store, table)]
            names = text_columns(table)
            assert names
            assert {name: storable(text) for name in names} in [
                {name: row[name] for name in names} for row in rows
            ]


def test_a_row_is_found_again_by_the_text_that_it_was_written_under(store, subtests):
    text = HOSTILE["nul"]
    for table in TABLES:
        with subtests.test(str(table.name)):
            column = table.columns[text_columns(table)[0]]
            query = sa.select(sa.func.count().label("rows")).where(column == text)
            insert(store, table, text)
            assert store.database.fetch(query)[0].rows == 1


# --- through the stores -------------------------------------------------------------------------


def test_a_payload_keeps_it_exactly(store, hostile):
    store.outbox.enqueue([message("card:EX-1", payload={"text": hostile, "list": [hostile]})])
    assert lease(store).payload == {"text": hostile, "list": [hostile]}


def test_an_error_of_a_parked_message_is_kept_for_a_person(store, hostile):
    store.outbox.enqueue([message("card:EX-1")])
    store.outbox.park(lease(store), hostile)
    (row,) = store.outbox.parked_messages()
    assert row["error"] == storable(hostile)


def test_the_sections_of_a_list_keep_it_exactly(store, hostile):
    live_list = LiveList(
        key="home:1", place="D1", ts="1.0", sections={hostile: ["EX-1"]}, shown_at=NOON
    )
    store.live_lists.save(live_list)
    assert store.live_lists.get("home:1") == live_list


def test_a_question_can_be_anything(store, hostile):
    question = QuestionRecord(id="q1", asked_at=NOON, person="T1/UANA", text=hostile)
    assert store.question_log.record(question, None)
    assert not store.question_log.record(question, None)
    (record,) = store.question_log.questions(NOON, only_unanswered=True)
    assert record.text == storable(hostile[:2_000])


def test_a_card_in_a_channel_of_any_name_is_found_by_it(store, hostile):
    channel = hostile[:500]
    card = CardRef(case_id="EX-1", generation=1, channel=channel, ts="1.0", version=1)
    store.cards.record(card)
    assert store.cards.case_at(channel, "1.0") == "EX-1"


def test_a_case_is_searched_for_by_any_words(world, hostile):
    case = world.proposed()
    assert world.store.queries.closest([hostile[:500], "merlot"], None, 5) == [case]


def test_a_signal_of_any_text_becomes_a_case_that_reads_back(world, hostile):
    title = storable(hostile)[:500] or "untitled"
    case_id = world.receive(world.signal("product:1", title=title)).case_id
    world.work()
    case = world.store.cases.case(case_id)
    assert case.signal.title == title
    assert is_storable(case.assessment.what)
    assert world.store.outbox.parked_messages() == []
