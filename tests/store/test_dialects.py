"""Statements that each database has in its own form."""

import pytest
import sqlalchemy as sa

from bot.store import tables
from bot.store.dialects import insert_or_ignore, insert_or_update
from tests.store.rows import rows_of

TICK = {"job": "digest", "slot": 7}
LABEL = {"case_id": "EX-1", "kind": "low_stock", "body": "{}"}


def run(store, statement, values):
    """Run a statement in a transaction; return the rows that it gives."""

    def job(unit):
        result = unit.connection.execute(statement.on(unit.connection), values)
        return result.all() if result.returns_rows else []

    return store.database.write(job, appends=False)


def test_a_row_whose_key_exists_is_skipped(store):
    statement = insert_or_ignore(tables.ticks)
    for _ in range(2):
        run(store, statement, TICK)
    assert len(rows_of(store, tables.ticks)) == 1


def test_only_rows_that_were_inserted_are_given_back(store):
    statement = insert_or_ignore(tables.ticks, returning=tables.ticks.c.slot)
    assert [row.slot for row in run(store, statement, TICK)] == [7]
    assert run(store, statement, TICK) == []


def test_of_many_rows_the_new_ones_are_written(store):
    run(store, insert_or_ignore(tables.ticks), TICK)
    run(store, insert_or_ignore(tables.ticks), [{"job": "digest", "slot": n} for n in range(9)])
    assert [row.slot for row in rows_of(store, tables.ticks)] == list(range(9))


def test_a_row_whose_key_exists_is_overwritten_in_every_other_column(store):
    statement = insert_or_update(tables.labels, key=[tables.labels.c.case_id])
    run(store, statement, LABEL)
    run(store, statement, {"case_id": "EX-1", "kind": "other", "body": "[]"})
    (row,) = rows_of(store, tables.labels)
    assert tuple(row) == ("EX-1", "other", "[]")


def test_a_key_of_two_columns_names_one_row(store):
    cards = tables.cards
    statement = insert_or_update(cards, key=[cards.c.case_id, cards.c.generation])
    row = {"case_id": "EX-1", "channel": "C", "ts": "1.0", "drawn": "1", "look": "2"}
    run(store, statement, [{**row, "generation": number} for number in (1, 2)])
    run(store, statement, {**row, "generation": 2, "ts": "9.0"})
    assert [(card.generation, card.ts) for card in rows_of(store, cards)] == [
        (1, "1.0"),
        (2, "9.0"),
    ]


def test_another_constraint_is_still_a_mistake(store):
    statement = insert_or_update(tables.labels, key=[tables.labels.c.case_id])
    with pytest.raises(sa.exc.IntegrityError):
        run(store, statement, {**LABEL, "kind": None})
    assert rows_of(store, tables.labels) == []


def test_each_form_speaks_its_own_dialect():
    statement = insert_or_ignore(tables.ticks)
    for name, url in URLS.items():
        form = statement.for_dialect(name)
        text = str(form.compile(dialect=sa.create_engine(f"{url}://").dialect))
        assert "ON CONFLICT DO NOTHING" in text


URLS = {"sqlite": "sqlite", "postgresql": "postgresql+psycopg"}
