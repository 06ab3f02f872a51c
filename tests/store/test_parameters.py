"""Text that no database keeps is replaced before it is sent, in rows and in look-ups."""

import pytest
from sqlalchemy import insert, select

from bot.store import tables

COLUMNS = tables.ticks.c


@pytest.mark.parametrize("letter", ["\x00", "\ud800"])
def test_what_no_database_keeps_is_replaced_in_every_row_and_found_again(store, letter):
    rows = [{"job": f"ä{letter}", "slot": 1}, {"job": letter, "slot": 2}]
    store.database.write(
        lambda unit: unit.connection.execute(insert(tables.ticks), rows), appends=False
    )
    for row in rows:
        query = select(COLUMNS.job).where(COLUMNS.job == row["job"], COLUMNS.slot == row["slot"])
        expected = row["job"].replace(letter, "\ufffd")
        assert [stored.job for stored in store.database.fetch(query)] == [expected]


def test_other_text_is_kept_as_it_is(store):
    text = "Größe — 🍷\n"
    store.database.write(
        lambda unit: unit.connection.execute(insert(tables.ticks), {"job": text, "slot": 1}),
        appends=False,
    )
    assert [row.job for row in store.database.fetch(select(COLUMNS.job))] == [text]
