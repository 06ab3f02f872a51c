"""The SQL connector against real databases: SQLite and PostgreSQL as systems of record."""

import threading
from datetime import timedelta

import pytest
import sqlalchemy as sa

from bot.cases.errors import ConnectorFailed, WorldMoved
from bot.cases.plan import Idempotency
from bot.connectors.dry_run import DryRun
from bot.connectors.specs import ActionSpec, ParameterType, SqlSystem, Statement
from bot.connectors.sql import SqlConnector
from bot.ports import Landing
from tests.conftest import _create

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
PRECONDITION = "SELECT name, on_order, 2.5 * :quantity AS cost FROM stock WHERE product_id = :product_id"
CHANGE = "UPDATE stock SET on_order = on_order + :quantity WHERE product_id = :product_id"
UNDO = "UPDATE stock SET on_order = :was_on_order WHERE product_id = :product_id"
CONDITIONAL = (
    "UPDATE stock SET on_order = :was_on_order + :quantity WHERE product_id = :product_id AND on_order = :was_on_order"
)
SEEN = "SELECT 1 AS seen FROM stock WHERE product_id = :product_id AND on_order = :was_on_order + :quantity"


def system(**changes) -> SqlSystem:
    from dataclasses import replace

    spec = replace(SPEC, idempotency=Idempotency.CONDITIONAL, name="conditional")
    everything = replace(SPEC, name="everything")
    actions = {
        "order": Statement(SPEC, CHANGE, PRECONDITION, 1, "", UNDO),
        "conditional": Statement(spec, CONDITIONAL, PRECONDITION, 1, SEEN, UNDO),
        "everything": Statement(everything, "UPDATE stock SET on_order = on_order + :quantity", PRECONDITION, 1),
    }
    return SqlSystem("house", "URL", timedelta(seconds=1), {**actions, **changes})


@pytest.fixture(params=["sqlite", "postgresql"])
def house(request, tmp_path):
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path / 'house.db'}"
    else:
        import uuid

        name = f"h{uuid.uuid4().hex[:10]}"
        server = request.getfixturevalue("postgres")
        _create(server, name)
        url = f"{server}/{name}"
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE stock (product_id INTEGER PRIMARY KEY, name TEXT, on_order INTEGER)")
        connection.exec_driver_sql("INSERT INTO stock VALUES (1, 'Merlot', 0), (2, 'Barolo', 6)")
    engine.dispose()
    connector = SqlConnector(system(), url)
    connector.is_sqlite = request.param == "sqlite"
    return connector


def on_order(house, product=1):
    return house.look_up("SELECT on_order FROM stock WHERE product_id = :id", {"id": product}, 1)[0]["on_order"]


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
    assert house.verify(action, "k1") is Landing.ABSENT
    assert house.execute(action, "k1") == "1 row changed"
    assert house.execute(action, "k1") == "already done"
    assert (on_order(house), house.verify(action, "k1")) == (24, Landing.LANDED)


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
    assert (on_order(house), house.verify(action, "k1")) == (1, Landing.ABSENT)


def test_a_conditional_write_is_verified_by_what_is_seen(house):
    action = house.prepare("conditional", ORDER)
    assert house.verify(action, "k") is Landing.ABSENT
    house.execute(action, "k")
    assert house.verify(action, "k") is Landing.LANDED


def test_more_rows_than_expected_roll_back(house):
    with pytest.raises(WorldMoved, match="would have changed 2 rows, not 1"):
        house.execute(house.prepare("everything", ORDER), "k")
    assert (on_order(house, 1), on_order(house, 2)) == (0, 6)


def test_a_newer_version_of_the_action_is_not_what_was_approved(house):
    from dataclasses import replace

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
    "WITH gone AS (DELETE FROM stock RETURNING *) SELECT * FROM gone",
]


@pytest.mark.parametrize("query", WRITES)
def test_evidence_can_only_read(house, query):
    with pytest.raises(ConnectorFailed):
        house.look_up(query, {}, 10)
    assert on_order(house, 2) == 6


def test_sqlite_evidence_can_neither_attach_nor_set(house, tmp_path):
    statements = (
        [f"ATTACH '{tmp_path}/other.db' AS other", "PRAGMA journal_mode=DELETE", "SELECT load_extension('x')"]
        if house.is_sqlite
        else ["COPY stock TO '/tmp/x'", "SET statement_timeout = 0; SELECT 1", "SELECT pg_read_file('/etc/hostname/x')"]
    )
    for statement in statements:
        with pytest.raises(ConnectorFailed):
            house.look_up(statement, {}, 1)


def test_rows_are_capped_and_parameters_are_values(house):
    assert len(house.look_up("SELECT * FROM stock", {}, 1)) == 1
    assert house.look_up("SELECT * FROM stock WHERE name = :name", {"name": "x' OR '1'='1"}, 9) == []


def test_a_slow_question_is_cut_off(house):
    slow = (
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT COUNT(*) FROM n"
        if house.is_sqlite
        else "SELECT pg_sleep(20)"
    )
    with pytest.raises(ConnectorFailed, match="longer than 1 s|statement timeout"):
        house.look_up(slow, {}, 1)


def test_a_system_that_is_away_says_so(tmp_path):
    connector = SqlConnector(system(), f"sqlite:///{tmp_path / 'nowhere' / 'x.db'}")
    with pytest.raises(ConnectorFailed, match="unable to open"):
        connector.look_up("SELECT 1", {}, 1)
