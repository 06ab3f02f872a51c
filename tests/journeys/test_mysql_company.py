"""A company on MySQL: from init to undo, with a connection that dies while it commits."""

import json

import pytest

from bot.cases.entries import StepReported, StepState
from bot.store.database import Database
from bot.store.store import Store
from handlers.cards import ids
from tests.journeys.test_newcomer import Newcomer, newcomer, set_up
from tests.waiting import wait_until

pytestmark = [pytest.mark.journey, pytest.mark.proof, pytest.mark.timeout(600)]
__all__ = ["newcomer"]
TABLES = (
    "CREATE TABLE purchase_orders (id INT PRIMARY KEY, supplier_name VARCHAR(80),"
    " ordered_on DATE, due_on DATE, delivered_on DATE, total DECIMAL(10, 2),"
    " is_rushed TINYINT(1) NOT NULL DEFAULT 0)",
    "INSERT INTO purchase_orders (id, supplier_name, ordered_on, due_on, delivered_on, total)"
    " VALUES (1, 'Beck & Son', CURDATE() - INTERVAL 40 DAY, CURDATE() - INTERVAL 9 DAY, NULL, 120),"
    " (2, 'O''Hara', CURDATE() - INTERVAL 40 DAY, CURDATE() - INTERVAL 8 DAY, NULL, 80),"
    " (3, 'Lund', CURDATE() - INTERVAL 1 DAY, CURDATE() + INTERVAL 9 DAY, NULL, 70)",
    # Whatever is carried out leaves a row, and whatever is rolled back leaves none.
    "CREATE TABLE changes (id INT, due_on DATE)",
    "CREATE TRIGGER noted AFTER UPDATE ON purchase_orders FOR EACH ROW"
    " INSERT INTO changes VALUES (NEW.id, NEW.due_on)",
)


def card_of(newcomer: Newcomer, order: int) -> dict | None:
    for message in newcomer.messages():
        if f"Purchase order {order} (" in json.dumps(message.get("blocks", [])):
            return message
    return None


def wait_for_button(newcomer: Newcomer, order: int, action_id: str) -> dict:
    def has_button() -> bool:
        return action_id in json.dumps((card_of(newcomer, order) or {}).get("blocks", []))

    wait_until(has_button, f"{action_id} of order {order}")
    return card_of(newcomer, order)


def states_of_step(newcomer: Newcomer, title: str) -> list[StepState]:
    """Return what the ledger says of the step of this case, one after another."""
    database = Database(f"sqlite:///{newcomer.folder}/.countersign/countersign.db")
    try:
        cases = Store.over(database).cases
        for number in range(1, 5):
            entries = cases.entries(f"EX-{number}")
            if entries and title in str(entries[0].body):
                bodies = [entry.body for entry in entries]
                return [body.state for body in bodies if isinstance(body, StepReported)]
    finally:
        database.close()
    raise AssertionError(f"no case about {title}")


def test_a_company_on_mysql_goes_from_init_to_undo_and_nothing_happens_twice(newcomer, mariadb):
    with mariadb.database() as url:
        name = url.rpartition("/")[2]
        with mariadb.connect(name) as connection, connection.cursor() as cursor:
            for statement in TABLES:
                cursor.execute(statement)

        def ask(query: str) -> list[tuple]:
            with mariadb.connect(name) as connection, connection.cursor() as cursor:
                cursor.execute(query)
                return list(cursor.fetchall())

        run = set_up(
            newcomer,
            "purchase_order_overdue",
            database=url.replace("mysql+pymysql", "mysql"),
        )
        newcomer.leave_running(run)
        newcomer.approve(wait_for_button(newcomer, 1, ids.APPROVE))
        # Since an approval it may have become midnight.
        moved = (
            "SELECT id FROM purchase_orders"
            " WHERE due_on BETWEEN UTC_DATE() + INTERVAL 6 DAY AND UTC_DATE() + INTERVAL 7 DAY"
        )
        wait_until(lambda: ask(moved) == [(1,)], "the new date of the first order")

        # The second one: the connection is killed while its commit waits.
        message = wait_for_button(newcomer, 2, ids.APPROVE)
        with mariadb.killing_commits(name) as killed:
            newcomer.approve(message)
            assert killed.wait(60)
        wait_until(lambda: ask(f"{moved} ORDER BY id") == [(1,), (2,)], "the second date")
        once = "SELECT id, COUNT(*) FROM changes GROUP BY id ORDER BY id"
        assert ask(once) == [(1, 1), (2, 1)]
        message = wait_for_button(newcomer, 2, ids.UNDO)
        states = states_of_step(newcomer, "Purchase order 2")
        # Whether the server went on or rolled back, only verifying says so.
        assert states[0] is StepState.UNKNOWN
        assert states[-1] is StepState.LANDED
        assert StepState.FAILED not in states

        newcomer.press(message, ids.UNDO)
        newcomer.submit(**{ids.NOTE: "agreed on the phone"})
        wait_until(lambda: ask(moved) == [(1,)], "the old date")
        assert ask("SELECT DATEDIFF(UTC_DATE(), due_on) FROM purchase_orders WHERE id = 2") == [
            (8,)
        ]
        assert ask(once) == [(1, 1), (2, 2)]
        assert ask("SELECT COUNT(*) FROM countersign_marks") == [(3,)]
        newcomer.type("countersign ledger verify")
        # Before the database is dropped.
        newcomer.close()
