"""Statements on the driver: the values, the rows and the failures are those of SQLAlchemy."""

import sqlite3
import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError

from bot.outages import describe_failure
from bot.store import engines, tables
from bot.store.database import Database
from bot.store.dialects import insert_or_ignore, insert_or_update
from bot.store.statements import MAX_ROWS_PER_INSERT, CompiledStatement, InsertRows
from tests.conftest import _create
from tests.store.rows import rows_of

LABELS = tables.labels
INSERT = CompiledStatement(sa.insert(LABELS))
FIND = CompiledStatement(
    sa.select(LABELS)
    .where(LABELS.c.case_id.in_(sa.bindparam("ids", expanding=True)))
    .order_by(LABELS.c.case_id)
)
SET_KIND = CompiledStatement(
    sa.update(LABELS)
    .where(LABELS.c.case_id == sa.bindparam("id"), LABELS.c.kind != "fixed")
    .values(kind=sa.bindparam("new_kind"))
)
SECRET = "xoxb-very-secret"


def label(case_id, kind="low_stock"):
    return {"case_id": case_id, "kind": kind, "body": "{}"}


def write(store, run):
    return store.database.write(lambda unit: run(unit.driver), appends=False)


def insert(store, *case_ids):
    write(store, lambda driver: driver.change_each(INSERT, [label(one) for one in case_ids]))


def kinds(store, *ids):
    return [(row.case_id, row.kind) for row in store.database.fetch(FIND, {"ids": list(ids)})]


# --- values and rows ----------------------------------------------------------------------------


def test_what_is_written_is_read_again(store):
    insert(store, "EX-1", "EX-2")
    assert (
        write(store, lambda driver: driver.change(SET_KIND, {"id": "EX-1", "new_kind": "x"})) == 1
    )
    assert kinds(store, "EX-1", "EX-2", "EX-3") == [("EX-1", "x"), ("EX-2", "low_stock")]


def test_a_list_of_any_length_can_be_looked_for(store):
    ids = [f"EX-{number:03}" for number in range(40)]
    insert(store, *ids)
    for length in (0, 1, 2, 39, 40, 1):
        assert [one for one, _ in kinds(store, *ids[:length])] == ids[:length]


def test_a_constant_of_the_statement_is_one_of_its_values(store):
    insert(store, "EX-1")
    fix = {"id": "EX-1", "new_kind": "fixed"}
    assert [write(store, lambda driver: driver.change(SET_KIND, fix)) for _ in range(2)] == [1, 0]


def test_more_values_than_a_statement_has_do_no_harm(store):
    write(store, lambda driver: driver.change_later(INSERT, {**label("EX-1"), "other": 1}))
    assert kinds(store, "EX-1") == [("EX-1", "low_stock")]


@pytest.mark.parametrize("count", [0, 1, 2, MAX_ROWS_PER_INSERT, MAX_ROWS_PER_INSERT * 2 + 3])
def test_many_rows_are_inserted_in_few_statements(store, count):
    rows = [label(f"EX-{number:03}") for number in range(count)]
    write(store, lambda driver: driver.insert(InsertRows(LABELS), rows))
    assert [row.case_id for row in rows_of(store, LABELS)] == [row["case_id"] for row in rows]


def test_types_are_those_that_sqlalchemy_reads(world):
    """Among them: bytes, money, and a sum of money."""
    case = world.proposed()
    world.approve(case)
    world.work()
    effects = tables.effects.c
    queries = [
        sa.select(tables.effects),
        sa.select(sa.func.sum(effects.amount).label("sum"), sa.func.count().label("count")),
        sa.select(tables.inbox),
        sa.select(tables.cases),
        sa.select(tables.ledger),
    ]
    for query in queries:
        core = world.store.database.fetch(query)
        driver = world.store.database.fetch(CompiledStatement(query))
        assert [tuple(row) for row in driver] == [tuple(row) for row in core]
        assert [list(map(type, row)) for row in driver] == [list(map(type, row)) for row in core]
        assert core
    (row,) = world.store.database.fetch(CompiledStatement(queries[0]))
    assert isinstance(row.amount, Decimal)


@pytest.mark.parametrize("text", ["a\x00b", "half \ud800", "é 日本", "plain"])
def test_text_that_no_database_keeps_is_replaced(store, text):
    insert(store, text)
    (row,) = rows_of(store, LABELS)
    assert row.case_id == text.replace("\x00", "\N{REPLACEMENT CHARACTER}").replace(
        "\ud800", "\N{REPLACEMENT CHARACTER}"
    )
    assert kinds(store, text) == [(row.case_id, "low_stock")]


def test_statements_of_a_dialect_take_their_form(store):
    ignore = CompiledStatement(insert_or_ignore(LABELS, returning=LABELS.c.case_id))
    replace = CompiledStatement(insert_or_update(LABELS, key=[LABELS.c.case_id]))

    def both(driver):
        firsts = [driver.fetch_first(ignore, label("EX-1")) for _ in range(2)]
        driver.change_later(replace, label("EX-1", "new"))
        return [bool(first) for first in firsts]

    assert write(store, both) == [True, False]
    assert kinds(store, "EX-1") == [("EX-1", "new")]


def test_statements_of_both_sorts_share_the_transaction(store):
    def job(unit):
        unit.driver.change_later(INSERT, label("EX-1"))
        names = unit.connection.execute(sa.select(LABELS.c.case_id)).scalars().all()
        unit.connection.execute(sa.insert(LABELS), label("EX-2"))
        rows = unit.driver.fetch(FIND, {"ids": ["EX-1", "EX-2"]})
        return names, [row.case_id for row in rows]

    assert store.database.write(job, appends=False) == (["EX-1"], ["EX-1", "EX-2"])
    assert len(kinds(store, "EX-1", "EX-2")) == 2


def test_a_job_of_both_sorts_that_fails_leaves_nothing(store):
    def job(unit):
        unit.driver.change_later(INSERT, label("EX-1"))
        unit.connection.execute(sa.insert(LABELS), label("EX-2"))
        unit.driver.change_later(INSERT, label("EX-3"))
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        store.database.write(job, appends=False)
    assert rows_of(store, LABELS) == []


# --- results that can wait ----------------------------------------------------------------------


class Missing(Exception):
    pass


def test_a_change_that_must_change_one_row_and_changes_none_fails_its_job_alone(store):
    insert(store, "EX-1")

    def change(case_id):
        values = {"id": case_id, "new_kind": "seen"}
        return lambda unit: unit.driver.change_exactly(
            1, SET_KIND, values, failure=Missing(case_id)
        )

    with ThreadPoolExecutor(1) as pool:
        gate = threading.Event()
        held = pool.submit(store.database.write, lambda unit: gate.wait(30), appends=False)
        good = store.database.submit(change("EX-1"), appends=False)
        bad = store.database.submit(change("EX-9"), appends=False)
        also_good = store.database.submit(change("EX-1"), appends=False)
        gate.set()
        held.result(30)
        assert good.result(30) is None
        with pytest.raises(Missing, match="EX-9"):
            bad.result(30)
        assert also_good.result(30) is None
    assert kinds(store, "EX-1") == [("EX-1", "seen")]


def test_rows_are_used_before_the_transaction_is_durable(store):
    insert(store, "EX-1")
    found = []

    def use(rows):
        found.extend(row.case_id for row in rows)

    def job(driver):
        driver.fetch_later(FIND, {"ids": ["EX-1", "EX-2"]}, use)
        driver.fetch_later(FIND, {"ids": ["EX-2"]}, use)

    write(store, job)
    assert found == ["EX-1"]


def test_what_results_ask_for_is_part_of_the_transaction(store):
    def job(driver):
        driver.fetch_later(
            FIND, {"ids": ["EX-1"]}, lambda rows: driver.change_later(INSERT, label("EX-1"))
        )

    write(store, job)
    assert kinds(store, "EX-1") == [("EX-1", "low_stock")]


# --- failures -----------------------------------------------------------------------------------


def test_a_unique_key_that_was_lost_is_an_integrity_error_of_sqlalchemy(store):
    insert(store, SECRET)
    with pytest.raises(IntegrityError) as failure:
        insert(store, SECRET)
    text = describe_failure(failure.value)
    assert SECRET not in text
    assert ("IntegrityError" if store.database.is_sqlite else "UniqueViolation") in text
    assert ("SQLITE_CONSTRAINT" if store.database.is_sqlite else "23505") in text
    # The next job has a sound connection.
    insert(store, "EX-2")


def test_no_value_is_in_the_text_of_a_failure(store):
    broken = CompiledStatement(sa.text("SELECT * FROM nowhere WHERE x = :x").bindparams(x=None))
    with pytest.raises(DBAPIError) as failure:
        store.database.fetch(broken, {"x": SECRET})
    assert SECRET not in str(failure.value)
    assert failure.value.hide_parameters


def test_a_deadlock_is_repeated_until_it_is_won(postgres):
    """Two writers that lock two rows in opposite orders: the loser runs again."""
    name = f"lock{uuid.uuid4().hex[:10]}"
    _create(postgres, name, "template_countersign")
    one, other = Database(f"{postgres}/{name}"), Database(f"{postgres}/{name}")
    attempts, both_hold = [], threading.Barrier(2)

    def job(first, second):
        def run(unit):
            attempts.append(first)
            unit.driver.change(SET_KIND, {"id": first, "new_kind": "held"})
            if len(attempts) <= 2:
                both_hold.wait(30)
            unit.driver.change(SET_KIND, {"id": second, "new_kind": "held"})

        return run

    try:
        one.write(lambda unit: unit.driver.change_each(INSERT, [label("a"), label("b")]))
        with ThreadPoolExecutor(2) as pool:
            futures = [
                pool.submit(one.write, job("a", "b"), appends=False),
                pool.submit(other.write, job("b", "a"), appends=False),
            ]
            for future in futures:
                future.result(60)
        assert len(attempts) == 3
    finally:
        one.close()
        other.close()


def test_a_serialization_failure_is_repeated(postgres):
    name = f"serial{uuid.uuid4().hex[:10]}"
    _create(postgres, name, "template_countersign")
    database, other = Database(f"{postgres}/{name}"), Database(f"{postgres}/{name}")
    attempts = []
    serializable = CompiledStatement(sa.text("SET TRANSACTION ISOLATION LEVEL SERIALIZABLE"))

    def job(unit):
        attempts.append(1)
        unit.driver.change_later(serializable)
        unit.driver.fetch(FIND, {"ids": ["a"]})
        if len(attempts) == 1:
            other.write(
                lambda unit: unit.driver.change(SET_KIND, {"id": "a", "new_kind": "theirs"}),
                appends=False,
            )
        return unit.driver.change(SET_KIND, {"id": "a", "new_kind": "ours"})

    try:
        database.write(lambda unit: unit.driver.change_later(INSERT, label("a")), appends=False)
        assert database.write(job, appends=False) == 1
        assert len(attempts) == 2
    finally:
        database.close()
        other.close()


def cut_connections(database):
    """Cut every connection to this database but the one that does it."""
    with database.engine.connect() as connection:
        connection.exec_driver_sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        ).all()


@pytest.fixture
def cut(postgres):
    """A database on PostgreSQL, and another connection to it."""
    name = f"cut{uuid.uuid4().hex[:10]}"
    _create(postgres, name, "template_countersign")
    database, stranger = Database(f"{postgres}/{name}"), Database(f"{postgres}/{name}")
    yield database, stranger
    database.close()
    stranger.close()


def test_a_reader_that_the_server_cut_off_is_replaced(cut):
    database, stranger = cut
    assert database.fetch(FIND, {"ids": ["a"]}) == []
    cut_connections(stranger)
    assert database.fetch(FIND, {"ids": ["a"]}) == []


def test_a_writer_that_the_server_cut_off_is_replaced(cut):
    database, stranger = cut
    database.write(lambda unit: unit.driver.change_later(INSERT, label("a")), appends=False)
    cut_connections(stranger)
    with pytest.raises(DBAPIError) as failure:
        database.write(lambda unit: unit.driver.change_later(INSERT, label("b")), appends=False)
    assert failure.value.connection_invalidated
    database.write(lambda unit: unit.driver.change_later(INSERT, label("c")), appends=False)
    assert [row.case_id for row in database.fetch(FIND, {"ids": ["c"]})] == ["c"]


def test_a_writer_that_is_cut_off_in_its_transaction_leaves_nothing(cut):
    database, stranger = cut

    def job(unit):
        unit.driver.change(INSERT, label("a"))
        cut_connections(stranger)
        unit.driver.change(INSERT, label("b"))

    with pytest.raises(OperationalError) as failure:
        database.write(job, appends=False)
    assert failure.value.connection_invalidated
    assert database.fetch(FIND, {"ids": ["a", "b"]}) == []


def test_a_file_that_another_program_locks_for_long_fails_as_operational(small_world, monkeypatch):
    path = small_world.store.database.engine.url.database
    monkeypatch.setattr(engines, "SQLITE_BUSY_TIMEOUT_SECONDS", 0.05)
    database = Database(f"sqlite:///{path}")
    stranger = sqlite3.connect(path, isolation_level=None)
    try:
        stranger.execute("BEGIN IMMEDIATE")
        with pytest.raises(OperationalError, match="locked") as failure:
            database.write(lambda unit: None)
        assert describe_failure(failure.value).endswith("(SQLITE_BUSY)")
        stranger.execute("ROLLBACK")
        assert database.write(lambda unit: unit.next_case_id()) == "EX-1"
    finally:
        stranger.close()
        database.close()
