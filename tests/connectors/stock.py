"""A stock-keeping database as a system of record, on SQLite, PostgreSQL or MariaDB."""

from datetime import timedelta

import sqlalchemy as sa

from bot.connectors.parameters import ParameterType
from bot.connectors.sql import SqlAction, SqlSystem
from tests.mariadb import MariaDb

#: Longer than any call takes on a busy machine: the tests of time-outs set their own.
PATIENT_TIMEOUT = timedelta(seconds=60)
ORDER = {"product_id": 1, "quantity": 24}
PRECONDITION = (
    "SELECT name, on_order, 2.5 * :quantity AS cost FROM stock WHERE product_id = :product_id"
)
CHANGE = "UPDATE stock SET on_order = on_order + :quantity WHERE product_id = :product_id"
UNDO = "UPDATE stock SET on_order = :was_on_order WHERE product_id = :product_id"
CONDITIONAL = (
    "UPDATE stock SET on_order = :was_on_order + :quantity"
    " WHERE product_id = :product_id AND on_order = :was_on_order"
)
HAS_EFFECT = (
    "SELECT 1 AS seen FROM stock"
    " WHERE product_id = :product_id AND on_order = :was_on_order + :quantity"
)


def order_action(**changes) -> SqlAction:
    fields = {
        "name": "order",
        "parameters": {"product_id": ParameterType.INTEGER, "quantity": ParameterType.INTEGER},
        "target": "product:{product_id}",
        "summary": "Order {quantity} × {name}",
        "preview": "{on_order} + {quantity}",
        "amount": "cost",
        "currency": "GBP",
        "precondition": PRECONDITION,
        "statement": CHANGE,
        "undo": UNDO,
    }
    return SqlAction(**{**fields, **changes})


def stock_system(**changes) -> SqlSystem:
    everything = "UPDATE stock SET on_order = on_order + :quantity"
    actions = {
        "order": order_action(),
        "conditional": order_action(
            name="conditional", statement=CONDITIONAL, verify=HAS_EFFECT, marker=False
        ),
        "everything": order_action(name="everything", statement=everything, undo=""),
    }
    fields = {"name": "house", "url_env": "URL", "timeout": PATIENT_TIMEOUT}
    return SqlSystem(**{**fields, "actions": actions, **changes})


def administer(url: str, *statements: str) -> None:
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)
    engine.dispose()


def create_stock(url: str) -> None:
    administer(
        url,
        "CREATE TABLE stock (product_id INTEGER PRIMARY KEY, name TEXT,"
        " on_order INTEGER CHECK (on_order < 1000))",
        "INSERT INTO stock VALUES (1, 'Merlot', 0), (2, 'Barolo', 6)",
    )


def mariadb_stock(server: MariaDb) -> str:
    """Make the stock database of this server as new, and return its URL.

    One for all tests: to create and drop a database takes longer than most of them.
    """
    url = f"{server.url}/stock"
    server.cut_connections("stock")
    with server.connect() as connection, connection.cursor() as cursor:
        cursor.execute("CREATE DATABASE IF NOT EXISTS stock")
        cursor.execute("USE stock")
        cursor.execute("SHOW TABLES")
        tables = {name for (name,) in cursor.fetchall()}
        for table in tables - {"stock"}:
            # Those who look for the marks find out that they are not there.
            cursor.execute(f"DROP TABLE {table}")
        cursor.execute("DROP TRIGGER IF EXISTS refusal")
        if "stock" in tables:
            cursor.execute("DELETE FROM stock")
            cursor.execute("INSERT INTO stock VALUES (1, 'Merlot', 0), (2, 'Barolo', 6)")
    if "stock" not in tables:
        create_stock(url)
    return url


def on_order(house, product: int = 1) -> int:
    query = "SELECT on_order FROM stock WHERE product_id = :id"
    return house.look_up(query, {"id": product}, 1)[0]["on_order"]


def fail_at_commit(url: str, error: str) -> None:
    """Let every commit that changed the stock end in this way."""
    administer(
        url,
        "CREATE FUNCTION at_commit() RETURNS trigger LANGUAGE plpgsql AS"
        f" $$ BEGIN {error}; RETURN NULL; END $$",
        "CREATE CONSTRAINT TRIGGER late AFTER UPDATE ON stock DEFERRABLE INITIALLY DEFERRED"
        " FOR EACH ROW EXECUTE FUNCTION at_commit()",
    )
