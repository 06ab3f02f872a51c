"""Transactions on a system of record: read-only look-ups, and certain failures."""

import contextlib
import sqlite3
from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa

from bot.cases.errors import ConnectorFailed, OutcomeUnknown, SystemRefused
from bot.clock import boottime, time_limit
from bot.connectors.sql import SqlConnector
from bot.connectors.sql_database import SqlDatabase
from bot.connectors.sql_sqlite import SqliteEngine
from bot.connectors.sql_statements import parse_statement
from bot.ports.connector import EffectStatus
from tests.connectors.stock import (
    ORDER,
    administer,
    create_stock,
    fail_at_commit,
    on_order,
    stock_system,
)
from tests.fakes.servers import Proxy, Silent, serving
from tests.waiting import wait_until

WRITES = [
    "DELETE FROM stock",
    "UPDATE stock SET on_order = 1",
    "DROP TABLE stock",
    "CREATE TABLE x (a int)",
    "INSERT INTO stock VALUES (3, 'x', 1)",
    "SELECT 1 AS a; DELETE FROM stock",
    "SELECT 1 AS a; BEGIN; DELETE FROM stock; COMMIT",
    "SELECT 1 AS a; COMMIT; BEGIN READ WRITE; DELETE FROM stock; COMMIT",
    "WITH gone AS (DELETE FROM stock RETURNING *) SELECT * FROM gone",
]


@pytest.mark.parametrize("query", WRITES)
def test_evidence_can_only_read(house, query):
    with pytest.raises(ConnectorFailed):
        house.look_up(query, {}, 10)
    assert on_order(house, 2) == 6


def test_evidence_can_neither_attach_nor_set(house, tmp_path):
    statements = {
        "sqlite": [
            f"ATTACH '{tmp_path}/other.db' AS other",
            "PRAGMA journal_mode=DELETE",
            "SELECT load_extension('x')",
        ],
        "postgresql": [
            "COPY stock TO '/tmp/x'",
            "SET statement_timeout = 0; SELECT 1",
            "SELECT pg_read_file('/etc/hostname/x')",
        ],
        "mariadb": [
            "SET max_statement_time = 0",
            "LOAD DATA INFILE '/etc/hostname' INTO TABLE stock",
            "SELECT 1 INTO OUTFILE '/tmp/x'",
        ],
    }
    for statement in statements[house.sort]:
        with pytest.raises(ConnectorFailed):
            house.look_up(statement, {}, 1)


def test_rows_are_capped_and_parameters_are_values(house):
    assert len(house.look_up("SELECT * FROM stock", {}, 1)) == 1
    assert (
        house.look_up("SELECT * FROM stock WHERE name = :name", {"name": "x' OR '1'='1"}, 9) == []
    )


def test_a_slow_question_is_cut_off(house):
    slow = {
        "sqlite": "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)"
        " SELECT COUNT(*) FROM n",
        "postgresql": "SELECT pg_sleep(20)",
        "mariadb": "SELECT SLEEP(20)",
    }[house.sort]
    with pytest.raises(ConnectorFailed, match="longer than 1 s|statement timeout"):
        SqlConnector(replace(stock_system(), timeout=timedelta(seconds=1)), house.url).look_up(
            slow, {}, 1
        )


# --- one question, and nothing but a question -----------------------------------------------------


@pytest.mark.threat("C2")
@pytest.mark.parametrize(
    "query",
    [
        "SHOW server_version",
        "EXPLAIN ANALYZE DELETE FROM stock",
        "DO $$ BEGIN DELETE FROM stock; END $$",
        "LISTEN anything",
        "BEGIN READ WRITE",
        "SELECT * FROM stock FOR UPDATE",
        "SELECT set_config('transaction_read_only', 'off', false), empty_the_house()",
        "SELECT set_config('default_transaction_read_only', 'off', false), empty_the_house()",
    ],
)
def test_a_look_up_is_one_select_in_a_transaction_that_cannot_write(postgres_house, query):
    administer(
        postgres_house.url,
        "CREATE FUNCTION empty_the_house() RETURNS int LANGUAGE plpgsql AS"
        " $$ BEGIN DELETE FROM stock; RETURN 1; END $$",
    )
    with pytest.raises(ConnectorFailed):
        postgres_house.look_up(query, {}, 10)
    assert on_order(postgres_house, 2) == 6


@pytest.mark.threat("C2")
def test_what_one_look_up_sets_the_next_one_does_not_find(postgres_house):
    """The connection is given back without settings, locks and transaction."""
    for setting in ("default_transaction_read_only", "statement_timeout", "search_path"):
        value = {"statement_timeout": "0", "search_path": "pg_catalog"}.get(setting, "off")
        postgres_house.look_up(f"SELECT set_config('{setting}', '{value}', false)", {}, 1)
    postgres_house.look_up("SELECT pg_advisory_lock(7)", {}, 1)
    (row,) = postgres_house.look_up(
        "SELECT current_setting('default_transaction_read_only') AS every,"
        " current_setting('transaction_read_only') AS this,"
        " current_setting('statement_timeout') AS wait, current_setting('search_path') AS path,"
        " (SELECT COUNT(*) FROM pg_locks WHERE locktype = 'advisory') AS locks",
        {},
        1,
    )
    assert (row["every"], row["this"], row["wait"] != "0", row["path"], row["locks"]) == (
        "on",
        "on",
        True,
        '"$user", public',
        0,
    )


@pytest.mark.threat("C2")
def test_look_ups_log_in_as_the_role_that_can_only_read_and_deeds_do_not(
    postgres_house, reader_url
):
    house = SqlConnector(
        replace(stock_system(), read_url_env="READ_URL"), postgres_house.url, reader_url
    )
    assert house.look_up("SELECT current_user AS me", {}, 1)[0]["me"].startswith("reader")
    action = house.prepare("order", ORDER)
    assert house.execute(action, "k1") == "1 row changed"
    # The role that reads may not see the marks; they are looked for where they are written.
    assert (house.verify(action, "k1"), house.verify(action, "k2")) == (
        EffectStatus.LANDED,
        EffectStatus.ABSENT,
    )


@pytest.mark.threat("C2")
@pytest.mark.parametrize(
    "query",
    [
        "SELECT length(randomblob(900000000))",
        "SELECT load_extension('x')",
        "PRAGMA query_only = 0",
        "BEGIN",
        "VACUUM",
    ],
)
def test_sqlite_look_ups_can_only_compute_what_is_small(tmp_path, query):
    sqlite3.connect(tmp_path / "house.db").close()
    with pytest.raises(ConnectorFailed):
        SqlConnector(stock_system(), f"sqlite:///{tmp_path / 'house.db'}").look_up(query, {}, 1)


# --- what is certain, and what is not -------------------------------------------------------------


@pytest.mark.threat("A2")
def test_a_mark_that_may_not_be_looked_at_is_not_a_mark_that_is_not_there(
    postgres_house, reader_url
):
    action = postgres_house.prepare("order", ORDER)
    postgres_house.execute(action, "k1")
    blind = SqlConnector(stock_system(), reader_url)
    with pytest.raises(ConnectorFailed, match="permission denied"):
        blind.verify(action, "k1")


@pytest.mark.threat("A2")
def test_a_database_that_is_locked_says_neither_that_it_is_there_nor_that_it_is_not(tmp_path):
    url = f"sqlite:///{tmp_path / 'house.db'}"
    administer(
        url, "CREATE TABLE stock (product_id INTEGER PRIMARY KEY, name TEXT, on_order INTEGER)"
    )
    administer(url, "INSERT INTO stock VALUES (1, 'Merlot', 0)")
    house = SqlConnector(stock_system(), url)
    hasty = SqlConnector(replace(stock_system(), timeout=timedelta(seconds=0.3)), url)
    action = house.prepare("order", ORDER)
    house.execute(action, "k1")
    holder = sqlite3.connect(tmp_path / "house.db", isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    for look in (hasty.verify, hasty.execute):
        with pytest.raises(ConnectorFailed, match="locked|longer than") as failure:
            look(action, "k1")
        assert (type(failure.value), failure.value.retryable) == (ConnectorFailed, True)
    holder.execute("ROLLBACK")
    holder.close()
    assert (house.verify(action, "k1"), on_order(house)) == (EffectStatus.LANDED, 24)


@pytest.mark.threat("A2")
def test_a_commit_that_sqlite_could_not_make_surely_did_not_happen(tmp_path):
    """Without a write-ahead log a reader keeps a writer from committing."""
    url = f"sqlite:///{tmp_path / 'house.db'}"
    administer(
        url, "CREATE TABLE stock (product_id INTEGER PRIMARY KEY, name TEXT, on_order INTEGER)"
    )
    administer(url, "INSERT INTO stock VALUES (1, 'Merlot', 0)")
    house = SqlConnector(stock_system(), url)
    hasty = SqlConnector(replace(stock_system(), timeout=timedelta(seconds=0.3)), url)
    action = house.prepare("order", ORDER)
    house.execute(house.prepare("order", {"product_id": 1, "quantity": 0}), "makes the marks")
    reader = sqlite3.connect(tmp_path / "house.db", isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT * FROM stock").fetchall()
    with pytest.raises(ConnectorFailed) as failure:
        hasty.execute(action, "k1")
    assert (type(failure.value), failure.value.retryable) == (ConnectorFailed, True)
    reader.close()
    assert (house.verify(action, "k1"), on_order(house)) == (EffectStatus.ABSENT, 0)
    assert house.execute(action, "k1") == "1 row changed"


@pytest.mark.threat("A2")
@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        ("RAISE EXCEPTION 'no' USING ERRCODE = '23514'", SystemRefused),
        ("RAISE EXCEPTION 'no' USING ERRCODE = '40001'", ConnectorFailed),
        ("RAISE EXCEPTION 'who knows' USING ERRCODE = '40003'", OutcomeUnknown),
        ("RAISE EXCEPTION 'who knows' USING ERRCODE = '58030'", OutcomeUnknown),
        ("PERFORM pg_terminate_backend(pg_backend_pid())", OutcomeUnknown),
    ],
)
def test_at_commit_only_the_databases_own_no_is_certain(postgres_house, error, outcome):
    fail_at_commit(postgres_house.url, error)
    action = postgres_house.prepare("order", ORDER)
    with pytest.raises(ConnectorFailed) as failure:
        postgres_house.execute(action, "k1")
    assert (type(failure.value), on_order(postgres_house)) == (outcome, 0)
    assert postgres_house.verify(action, "k1") is EffectStatus.ABSENT


@pytest.mark.threat("A2")
def test_a_row_that_somebody_else_holds_can_be_tried_again(postgres_house):
    action = postgres_house.prepare("order", ORDER)
    hasty = SqlConnector(replace(stock_system(), timeout=timedelta(seconds=1)), postgres_house.url)
    postgres_house.execute(
        postgres_house.prepare("order", {"product_id": 2, "quantity": 1}), "makes the marks"
    )
    engine = sa.create_engine(postgres_house.url)
    with engine.begin() as holder:
        holder.exec_driver_sql("UPDATE stock SET name = 'x' WHERE product_id = 1")
        with pytest.raises(ConnectorFailed) as failure:
            hasty.execute(action, "k1")
        holder.rollback()
    engine.dispose()
    assert (type(failure.value), failure.value.retryable) == (ConnectorFailed, True)
    assert postgres_house.execute(action, "k1") == "1 row changed"


@pytest.mark.threat("A2")
def test_a_transaction_that_could_not_begin_has_changed_nothing(tmp_path):
    """Where the marks are known, the first thing to wait for the lock is BEGIN."""
    url = f"sqlite:///{tmp_path / 'house.db'}"
    create_stock(url)
    house = SqlConnector(stock_system(), url)
    house.execute(house.prepare("order", {"product_id": 2, "quantity": 1}), "makes the marks")
    action = house.prepare("order", ORDER)
    holder = sqlite3.connect(tmp_path / "house.db", isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    with (
        time_limit(boottime() + 0.5),
        pytest.raises(ConnectorFailed, match="locked|longer than") as failure,
    ):
        house.execute(action, "k1")
    assert (type(failure.value), failure.value.retryable) == (ConnectorFailed, True)
    assert (house.verify(action, "k1"), on_order(house)) == (EffectStatus.ABSENT, 0)
    holder.execute("ROLLBACK")
    holder.close()
    assert house.execute(action, "k1") == "1 row changed"


class FailingSession:
    """A session of which one stage fails."""

    def __init__(self, stage, failure, is_rolled_back):
        self.stage, self.failure, self.is_certain = stage, failure, is_rolled_back
        self.ends = []

    def _reach(self, stage):
        if stage == self.stage:
            raise self.failure

    def open_session(self):
        self._reach("connect")
        return self

    failures = (sqlite3.Error, OSError)
    is_transient = SqliteEngine.is_transient
    is_refusal = SqliteEngine.is_refusal
    reason = SqliteEngine.reason

    def begin(self):
        self._reach("begin")

    def change(self, query, values):
        self._reach("statement")
        return 1

    def commit(self):
        self._reach("commit")

    def is_rolled_back(self, error):
        return self.is_certain

    def discard(self):
        self.ends.append("discard")

    def release(self):
        self.ends.append("release")


LOCKED = sqlite3.OperationalError("database is locked")


@pytest.mark.threat("A2")
@pytest.mark.parametrize(
    ("stage", "failure", "is_rolled_back", "outcome"),
    [
        ("connect", LOCKED, False, (ConnectorFailed, True)),
        ("connect", OSError(24, "Too many open files"), False, (ConnectorFailed, True)),
        ("begin", LOCKED, False, (ConnectorFailed, True)),
        ("begin", TimeoutError(), False, (ConnectorFailed, True)),
        ("begin", OSError(9, "Bad file descriptor"), False, (ConnectorFailed, False)),
        ("statement", LOCKED, False, (ConnectorFailed, True)),
        ("statement", sqlite3.IntegrityError("CHECK"), False, (SystemRefused, False)),
        ("commit", LOCKED, True, (ConnectorFailed, True)),
        ("commit", LOCKED, False, (OutcomeUnknown, False)),
        ("commit", TimeoutError(), False, (OutcomeUnknown, False)),
        ("commit", OSError(9, "Bad file descriptor"), False, (OutcomeUnknown, False)),
    ],
)
def test_a_failure_is_certain_until_commit_is_sent(stage, failure, is_rolled_back, outcome):
    session = FailingSession(stage, failure, is_rolled_back)
    database = SqlDatabase("sqlite:///nowhere.db", seconds=1)
    database._writer = session
    with pytest.raises(ConnectorFailed) as end, database.writing() as transaction:
        transaction.change("UPDATE stock", {})
    assert (type(end.value), end.value.retryable) == outcome
    # What is not known to be whole is never used again; what was taken is given back.
    assert session.ends == ([] if stage == "connect" else ["discard", "release"])


@pytest.mark.threat("A2")
def test_a_connection_that_the_server_has_closed_is_replaced_before_anything_is_sent(
    postgres_house,
):
    action = postgres_house.prepare("order", ORDER)
    postgres_house.execute(
        postgres_house.prepare("order", {"product_id": 2, "quantity": 1}), "makes the marks"
    )
    administer(
        postgres_house.url,
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()",
    )
    assert on_order(postgres_house) == 0
    assert postgres_house.execute(action, "k1") == "1 row changed"
    assert (postgres_house.verify(action, "k1"), on_order(postgres_house)) == (
        EffectStatus.LANDED,
        24,
    )


# --- as few statements as there are questions -----------------------------------------------------


def test_a_look_up_in_sqlite_is_one_statement(tmp_path):
    url = f"sqlite:///{tmp_path / 'house.db'}"
    create_stock(url)
    house = SqlConnector(stock_system(), url)
    statements = []
    engine = house._database._reader._engine
    sa.event.listen(engine, "connect", lambda raw, _: raw.set_trace_callback(statements.append))
    on_order(house)
    statements.clear()
    assert (on_order(house), on_order(house, 2)) == (0, 6)
    assert statements == [
        "SELECT on_order FROM stock WHERE product_id = 1",
        "SELECT on_order FROM stock WHERE product_id = 2",
    ]


def test_a_statement_is_parsed_once(house):
    engine = house._database._reader._engine
    query = "SELECT on_order FROM stock WHERE name LIKE '100%' OR product_id IN (:one, :id, :id)"
    statement = parse_statement(query, engine.dialect)
    assert parse_statement(query, engine.dialect) is statement
    assert set(statement.names) == {"one", "id"}
    assert house.look_up(query, {"one": 1, "id": 2, "unused": 3}, 9) == [
        {"on_order": 0},
        {"on_order": 6},
    ]


def test_a_value_that_a_query_names_and_nobody_gives_is_refused(house):
    with pytest.raises(ConnectorFailed, match="a value is required for id"):
        house.look_up("SELECT name FROM stock WHERE product_id = :id", {}, 1)


# --- in time --------------------------------------------------------------------------------------


@pytest.mark.threat("A3")
def test_a_database_that_accepts_and_never_answers_ends_in_time():
    with serving(Silent()) as server:
        url = f"postgresql+psycopg://countersign@127.0.0.1:{server.port}/house"
        house = SqlConnector(replace(stock_system(), timeout=timedelta(seconds=0.4)), url)
        with pytest.raises(ConnectorFailed, match="longer than 0.4 s") as failure:
            house.look_up("SELECT 1 AS found", {}, 1)
        assert (type(failure.value), failure.value.retryable) == (ConnectorFailed, True)


def is_absent(house, action):
    with contextlib.suppress(ConnectorFailed):
        return house.verify(action, "k1") is EffectStatus.ABSENT
    return False


@pytest.mark.threat("A3")
@pytest.mark.parametrize(
    ("fatal", "outcome"), [(b"UPDATE stock", ConnectorFailed), (b"COMMIT", OutcomeUnknown)]
)
def test_a_network_that_hangs_ends_in_time_and_only_a_commit_is_in_doubt(
    postgres_house, fatal, outcome
):
    action = postgres_house.prepare("order", ORDER)
    postgres_house.execute(
        postgres_house.prepare("order", {"product_id": 2, "quantity": 1}), "makes the marks"
    )
    address = sa.make_url(postgres_house.url)
    with serving(Proxy(address.port)) as proxy:
        house = SqlConnector(
            replace(stock_system(), timeout=timedelta(seconds=1.5)),
            str(address.set(port=proxy.port)),
        )
        wait_until(lambda: is_absent(house, action), "a connection that is good")
        proxy.fatal = fatal
        # A busy machine may use up the time before the fatal statement: then nothing was done.
        while not proxy.is_frozen.is_set():
            with pytest.raises(ConnectorFailed) as failure:
                house.execute(action, "k1")
        assert type(failure.value) is outcome
        # A connection that was good before: the look ends in time as well.
        with pytest.raises(ConnectorFailed):
            house.verify(action, "k1")
    assert on_order(postgres_house) == 0


@pytest.mark.threat("A3")
def test_a_deed_whose_time_is_over_is_not_committed(house):
    """As after a stop of the process between intent and execution."""
    action = house.prepare("order", ORDER)
    with time_limit(boottime() - 1), pytest.raises(ConnectorFailed) as failure:
        house.execute(action, "k1")
    assert (type(failure.value), failure.value.retryable, on_order(house)) == (
        ConnectorFailed,
        True,
        0,
    )
    assert house.verify(action, "k1") is EffectStatus.ABSENT


def test_sqlite_look_ups_read_lists_and_objects_in_json(tmp_path):
    sqlite3.connect(tmp_path / "house.db").close()
    house = SqlConnector(stock_system(), f"sqlite:///{tmp_path / 'house.db'}")
    query = "SELECT value AS item FROM json_each(:items) UNION ALL SELECT key FROM json_tree(:tree)"
    rows = house.look_up(query, {"items": "[1, 2]", "tree": '{"a": 3}'}, 9)
    assert [row["item"] for row in rows] == [1, 2, None, "a"]
