"""The SQL connector against real databases: SQLite and PostgreSQL as systems of record."""

import sqlite3
import threading
import uuid
from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa

from bot.cases.errors import ConnectorFailed, OutcomeUnknown, WorldMoved
from bot.cases.plan import Idempotency
from bot.clock import boottime, time_limit
from bot.connectors.dry_run import DryRun
from bot.connectors.specs import ActionSpec, ParameterType, SqlSystem, Statement
from bot.connectors.sql import SqlConnector
from bot.ports.connector import EffectStatus
from tests.conftest import _create
from tests.fakes.servers import Proxy, Silent, serving

SPEC = ActionSpec(
    "order",
    1,
    {"product_id": ParameterType.INTEGER, "quantity": ParameterType.INTEGER},
    "product:{product_id}",
    "Order {quantity} × {name}",
    "{on_order} + {quantity}",
    True,
    Idempotency.MARKER,
    "cost",
)
PRECONDITION = (
    "SELECT name, on_order, 2.5 * :quantity AS cost FROM stock WHERE product_id = :product_id"
)
CHANGE = "UPDATE stock SET on_order = on_order + :quantity WHERE product_id = :product_id"
UNDO = "UPDATE stock SET on_order = :was_on_order WHERE product_id = :product_id"
CONDITIONAL = "UPDATE stock SET on_order = :was_on_order + :quantity WHERE product_id = :product_id AND on_order = :was_on_order"
SEEN = "SELECT 1 AS seen FROM stock WHERE product_id = :product_id AND on_order = :was_on_order + :quantity"


def system(**changes) -> SqlSystem:
    spec = replace(SPEC, idempotency=Idempotency.CONDITIONAL, name="conditional")
    everything = replace(SPEC, name="everything")
    actions = {
        "order": Statement(SPEC, CHANGE, PRECONDITION, 1, "", UNDO),
        "conditional": Statement(spec, CONDITIONAL, PRECONDITION, 1, SEEN, UNDO),
        "everything": Statement(
            everything, "UPDATE stock SET on_order = on_order + :quantity", PRECONDITION, 1
        ),
    }
    return SqlSystem("house", "URL", timedelta(seconds=10), {**actions, **changes})


@pytest.fixture(params=["sqlite", "postgresql"])
def house(request, tmp_path):
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path / 'house.db'}"
    else:
        name = f"h{uuid.uuid4().hex[:10]}"
        server = request.getfixturevalue("postgres")
        _create(server, name)
        url = f"{server}/{name}"
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        connection.exec_driver_sql(
            "CREATE TABLE stock (product_id INTEGER PRIMARY KEY, name TEXT, on_order INTEGER)"
        )
        connection.exec_driver_sql("INSERT INTO stock VALUES (1, 'Merlot', 0), (2, 'Barolo', 6)")
    engine.dispose()
    connector = SqlConnector(system(), url)
    connector.is_sqlite = request.param == "sqlite"
    connector.url = url
    return connector


def on_order(house, product=1):
    return house.look_up("SELECT on_order FROM stock WHERE product_id = :id", {"id": product}, 1)[
        0
    ]["on_order"]


ORDER = {"product_id": 1, "quantity": 24}


def test_the_dry_run_changes_nothing_and_says_everything(house):
    action = house.prepare("order", ORDER)
    assert (action.summary, action.preview, action.target, str(action.amount)) == (
        "Order 24 × Merlot",
        "0 + 24",
        "product:1",
        "£60.00",
    )
    assert action.precondition == {"name": "Merlot", "on_order": 0, "cost": 60}
    assert DryRun(house).execute(action, "k").startswith("dry run, nothing changed")
    assert on_order(house) == 0


def test_an_action_happens_once_per_key(house):
    action = house.prepare("order", ORDER)
    assert house.verify(action, "k1") is EffectStatus.ABSENT
    assert house.execute(action, "k1") == "1 row changed"
    assert house.execute(action, "k1") == "already done"
    assert (on_order(house), house.verify(action, "k1")) == (24, EffectStatus.LANDED)


def test_twenty_at_once_under_one_key_are_one(house):
    action = house.prepare("order", ORDER)
    answers = []

    def act():
        try:
            answers.append(house.execute(action, "k1"))
        except ConnectorFailed as failure:
            answers.append(f"failed: {failure}")

    threads = [threading.Thread(target=act) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers.count("1 row changed") == 1
    assert on_order(house) == 24


def test_undo_takes_back_exactly_what_was_done_once(house):
    action = house.prepare("order", ORDER)
    house.execute(action, "k1")
    house.undo(action, "k1", "undo:k1")
    assert on_order(house) == 0
    assert house.undo(action, "k1", "undo:k1") == "already done"


def test_a_world_that_moved_is_refused_and_left_alone(house):
    action = house.prepare("order", ORDER)
    house.execute(house.prepare("order", {"product_id": 1, "quantity": 1}), "other")
    with pytest.raises(WorldMoved, match="on_order was 0, is 1"):
        house.execute(action, "k1")
    assert (on_order(house), house.verify(action, "k1")) == (1, EffectStatus.ABSENT)


def test_a_conditional_write_is_verified_by_what_is_seen(house):
    action = house.prepare("conditional", ORDER)
    assert house.verify(action, "k") is EffectStatus.ABSENT
    house.execute(action, "k")
    assert house.verify(action, "k") is EffectStatus.LANDED


def test_more_rows_than_expected_roll_back(house):
    with pytest.raises(WorldMoved, match="would have changed 2 rows, not 1"):
        house.execute(house.prepare("everything", ORDER), "k")
    assert (on_order(house, 1), on_order(house, 2)) == (0, 6)


def test_a_newer_version_of_the_action_is_not_what_was_approved(house):
    with pytest.raises(WorldMoved, match="version 2 was approved"):
        house.execute(replace(house.prepare("order", ORDER), version=2), "k")


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({"product_id": 1}, "quantity is missing"),
        ({**ORDER, "x": 1}, "no such parameter: x"),
        ({**ORDER, "quantity": "many"}, "must be a whole number"),
        ({**ORDER, "quantity": 2.5}, "must be a whole number"),
        ({**ORDER, "quantity": True}, "is missing"),
        ({**ORDER, "quantity": "1; DROP TABLE stock"}, "must be a whole number"),
        ({**ORDER, "product_id": 99}, "no rows match"),
    ],
)
def test_parameters_are_typed_and_complete(house, parameters, said):
    with pytest.raises(ConnectorFailed, match=said):
        house.prepare("order", parameters)


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


def test_sqlite_evidence_can_neither_attach_nor_set(house, tmp_path):
    statements = (
        [
            f"ATTACH '{tmp_path}/other.db' AS other",
            "PRAGMA journal_mode=DELETE",
            "SELECT load_extension('x')",
        ]
        if house.is_sqlite
        else [
            "COPY stock TO '/tmp/x'",
            "SET statement_timeout = 0; SELECT 1",
            "SELECT pg_read_file('/etc/hostname/x')",
        ]
    )
    for statement in statements:
        with pytest.raises(ConnectorFailed):
            house.look_up(statement, {}, 1)


def test_rows_are_capped_and_parameters_are_values(house):
    assert len(house.look_up("SELECT * FROM stock", {}, 1)) == 1
    assert (
        house.look_up("SELECT * FROM stock WHERE name = :name", {"name": "x' OR '1'='1"}, 9) == []
    )


def test_a_slow_question_is_cut_off(house):
    slow = (
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT COUNT(*) FROM n"
        if house.is_sqlite
        else "SELECT pg_sleep(20)"
    )
    with pytest.raises(ConnectorFailed, match="longer than 1 s|statement timeout"):
        SqlConnector(replace(system(), timeout=timedelta(seconds=1)), house.url).look_up(
            slow, {}, 1
        )


def test_a_system_that_is_away_says_so(tmp_path):
    connector = SqlConnector(system(), f"sqlite:///{tmp_path / 'nowhere' / 'x.db'}")
    with pytest.raises(ConnectorFailed, match="unable to open"):
        connector.look_up("SELECT 1", {}, 1)


# --- one question, and nothing but a question -------------------------------------------------------------------------------


@pytest.fixture
def postgres_house(request, postgres):
    """The same house on PostgreSQL alone, with its URL."""
    name = f"h{uuid.uuid4().hex[:10]}"
    _create(postgres, name)
    url = f"{postgres}/{name}"
    administer(
        url,
        "CREATE TABLE stock (product_id INTEGER PRIMARY KEY, name TEXT, on_order INTEGER)",
        "INSERT INTO stock VALUES (1, 'Merlot', 0), (2, 'Barolo', 6)",
    )
    connector = SqlConnector(system(), url)
    connector.url = url
    return connector


def administer(url, *statements):
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)
    engine.dispose()


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
        "CREATE FUNCTION empty_the_house() RETURNS int LANGUAGE plpgsql AS $$ BEGIN DELETE FROM stock; RETURN 1; END $$",
    )
    with pytest.raises(ConnectorFailed):
        postgres_house.look_up(query, {}, 10)
    assert on_order(postgres_house, 2) == 6


@pytest.mark.threat("C2")
def test_what_one_look_up_sets_the_next_one_does_not_find(postgres_house):
    """The connection is given back as it was: no setting, no lock of the session, no transaction stays."""
    for setting in ("default_transaction_read_only", "statement_timeout", "search_path"):
        value = {"statement_timeout": "0", "search_path": "pg_catalog"}.get(setting, "off")
        postgres_house.look_up(f"SELECT set_config('{setting}', '{value}', false)", {}, 1)
    postgres_house.look_up("SELECT pg_advisory_lock(7)", {}, 1)
    (found,) = postgres_house.look_up(
        "SELECT current_setting('default_transaction_read_only') AS every, current_setting('transaction_read_only') AS this,"
        " current_setting('statement_timeout') AS wait, current_setting('search_path') AS path,"
        " (SELECT COUNT(*) FROM pg_locks WHERE locktype = 'advisory') AS locks",
        {},
        1,
    )
    assert (found["every"], found["this"], found["wait"] != "0", found["path"], found["locks"]) == (
        "on",
        "on",
        True,
        '"$user", public',
        0,
    )


@pytest.fixture
def reader_url(postgres_house):
    """The same database as a role that may read the stock and nothing else."""
    name = f"reader{uuid.uuid4().hex[:8]}"
    administer(postgres_house.url, f"CREATE ROLE {name} LOGIN", f"GRANT SELECT ON stock TO {name}")
    yield postgres_house.url.replace("countersign@", f"{name}@")
    administer(postgres_house.url, f"DROP OWNED BY {name}", f"DROP ROLE {name}")


@pytest.mark.threat("C2")
def test_look_ups_log_in_as_the_role_that_can_only_read_and_deeds_do_not(
    postgres_house, reader_url
):
    house = SqlConnector(replace(system(), read_url_env="READ_URL"), postgres_house.url, reader_url)
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
        SqlConnector(system(), f"sqlite:///{tmp_path / 'house.db'}").look_up(query, {}, 1)


# --- what is certain, and what is not ---------------------------------------------------------------------------------------


@pytest.mark.threat("A2")
def test_a_mark_that_may_not_be_looked_at_is_not_a_mark_that_is_not_there(
    postgres_house, reader_url
):
    action = postgres_house.prepare("order", ORDER)
    postgres_house.execute(action, "k1")
    blind = SqlConnector(system(), reader_url)
    with pytest.raises(ConnectorFailed, match="permission denied"):
        blind.verify(action, "k1")


@pytest.mark.threat("A2")
def test_a_database_that_is_locked_says_neither_that_it_is_there_nor_that_it_is_not(tmp_path):
    url = f"sqlite:///{tmp_path / 'house.db'}"
    administer(
        url, "CREATE TABLE stock (product_id INTEGER PRIMARY KEY, name TEXT, on_order INTEGER)"
    )
    administer(url, "INSERT INTO stock VALUES (1, 'Merlot', 0)")
    house = SqlConnector(replace(system(), timeout=timedelta(seconds=0.3)), url)
    action = house.prepare("order", ORDER)
    house.execute(action, "k1")
    holder = sqlite3.connect(tmp_path / "house.db", isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    for look in (house.verify, house.execute):
        with pytest.raises(ConnectorFailed, match="locked|longer than") as raised:
            look(action, "k1")
        assert (type(raised.value), raised.value.retryable) == (ConnectorFailed, True)
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
    house = SqlConnector(replace(system(), timeout=timedelta(seconds=0.3)), url)
    action = house.prepare("order", ORDER)
    house.execute(house.prepare("order", {"product_id": 1, "quantity": 0}), "makes the marks")
    reader = sqlite3.connect(tmp_path / "house.db", isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT * FROM stock").fetchall()
    with pytest.raises(ConnectorFailed) as raised:
        house.execute(action, "k1")
    assert (type(raised.value), raised.value.retryable) == (ConnectorFailed, True)
    reader.close()
    assert (house.verify(action, "k1"), on_order(house)) == (EffectStatus.ABSENT, 0)
    assert house.execute(action, "k1") == "1 row changed"


def at_commit(url, error):
    """Let every commit that changed the stock end in this way."""
    administer(
        url,
        f"CREATE FUNCTION at_commit() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {error}; RETURN NULL; END $$",
        "CREATE CONSTRAINT TRIGGER late AFTER UPDATE ON stock DEFERRABLE INITIALLY DEFERRED"
        " FOR EACH ROW EXECUTE FUNCTION at_commit()",
    )


@pytest.mark.threat("A2")
@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        ("RAISE EXCEPTION 'no' USING ERRCODE = '23514'", ConnectorFailed),
        ("RAISE EXCEPTION 'no' USING ERRCODE = '40001'", ConnectorFailed),
        ("RAISE EXCEPTION 'who knows' USING ERRCODE = '40003'", OutcomeUnknown),
        ("RAISE EXCEPTION 'who knows' USING ERRCODE = '58030'", OutcomeUnknown),
        ("PERFORM pg_terminate_backend(pg_backend_pid())", OutcomeUnknown),
    ],
)
def test_at_commit_only_the_databases_own_no_is_certain(postgres_house, error, outcome):
    at_commit(postgres_house.url, error)
    action = postgres_house.prepare("order", ORDER)
    with pytest.raises(ConnectorFailed) as raised:
        postgres_house.execute(action, "k1")
    assert (type(raised.value), on_order(postgres_house)) == (outcome, 0)
    assert postgres_house.verify(action, "k1") is EffectStatus.ABSENT


@pytest.mark.threat("A2")
def test_a_row_that_somebody_else_holds_can_be_tried_again(postgres_house):
    action = postgres_house.prepare("order", ORDER)
    hasty = SqlConnector(replace(system(), timeout=timedelta(seconds=1)), postgres_house.url)
    hasty.execute(hasty.prepare("order", {"product_id": 2, "quantity": 1}), "makes the marks")
    engine = sa.create_engine(postgres_house.url)
    with engine.begin() as holder:
        holder.exec_driver_sql("UPDATE stock SET name = 'x' WHERE product_id = 1")
        with pytest.raises(ConnectorFailed) as raised:
            hasty.execute(action, "k1")
        holder.rollback()
    engine.dispose()
    assert (type(raised.value), raised.value.retryable) == (ConnectorFailed, True)
    assert postgres_house.execute(action, "k1") == "1 row changed"


# --- in time -------------------------------------------------------------------------------------------------------------


@pytest.mark.threat("A3")
def test_a_database_that_accepts_and_never_answers_ends_in_time():
    with serving(Silent()) as server:
        url = f"postgresql+psycopg://countersign@127.0.0.1:{server.port}/house"
        house = SqlConnector(replace(system(), timeout=timedelta(seconds=0.4)), url)
        with pytest.raises(ConnectorFailed, match="longer than 0.4 s") as raised:
            house.look_up("SELECT 1 AS found", {}, 1)
        assert (type(raised.value), raised.value.retryable) == (ConnectorFailed, True)


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
    parsed = sa.make_url(postgres_house.url)
    with serving(Proxy(parsed.port)) as proxy:
        house = SqlConnector(
            replace(system(), timeout=timedelta(seconds=1.5)), str(parsed.set(port=proxy.port))
        )
        assert house.verify(action, "k1") is EffectStatus.ABSENT
        proxy.fatal = fatal
        with pytest.raises(ConnectorFailed) as raised:
            house.execute(action, "k1")
        assert (type(raised.value), proxy.is_frozen.is_set()) == (outcome, True)
        # A connection that was good before: the look ends in time as well.
        with pytest.raises(ConnectorFailed):
            house.verify(action, "k1")
    assert on_order(postgres_house) == 0


@pytest.mark.threat("A3")
def test_a_deed_whose_time_is_over_is_not_committed(house):
    """As after a stop of the process between the intent and the deed."""
    action = house.prepare("order", ORDER)
    with time_limit(boottime() - 1), pytest.raises(ConnectorFailed) as raised:
        house.execute(action, "k1")
    assert (type(raised.value), raised.value.retryable, on_order(house)) == (
        ConnectorFailed,
        True,
        0,
    )
    assert house.verify(action, "k1") is EffectStatus.ABSENT
