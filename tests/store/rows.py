"""Look past the stores, at the rows and plans of the database itself."""

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from bot.cases.actor import Actor, Surface
from bot.cases.control_decisions import ControlDecision
from bot.cases.control_folds import fold_controls
from bot.cases.controls import DESK_ID, DeskControls
from bot.cases.entries import ControlBody, Entry, Paused, Resumed
from bot.ports.outbox import LeasedMessage, OutboxMessage, Topic
from bot.store import tables
from bot.store.database import Database
from bot.store.store import Store
from tests.fakes.clock import NOON
from tests.fakes.directory import principal


def rows_of(store: Store, table: sa.Table) -> list[Any]:
    """Every row of a table, in the order of its primary key."""
    return list(store.database.fetch(sa.select(table).order_by(*table.primary_key.columns)))


def table_sizes(store: Store) -> dict[str, int]:
    """How many rows each table has."""
    return {table.name: len(rows_of(store, table)) for table in tables.metadata.sorted_tables}


def outbox_row(store: Store, key: str) -> Any:
    """The row of one outbox message."""
    (row,) = store.database.fetch(sa.select(tables.outbox).where(tables.outbox.c.key == key))
    return row


def message(key: str, *, topic: Topic = Topic.CARD, run_at=NOON, **more: Any) -> OutboxMessage:
    """A request for an effect that is due at noon."""
    return OutboxMessage(topic=topic, key=key, run_at=run_at, **{"case_id": "EX-1", **more})


def lease(store: Store, *, at=NOON, topic: Topic = Topic.CARD, seconds=30.0) -> LeasedMessage:
    """Lease the first message that is due."""
    (leased_message,) = store.outbox.claim([topic], 1, at, seconds)
    return leased_message


def stale_lease(store: Store, key: str) -> LeasedMessage:
    """A lease that another worker has taken over."""
    store.outbox.enqueue([message(key)])
    first = lease(store, seconds=-1)
    lease(store)
    return first


def paused_entry(controls: DeskControls, *, scope="kind:low_stock", reason="wait") -> Entry:
    """The entry of a pause, the next after these controls."""
    return desk_entry(controls, Paused(scope=scope, reason=reason, by_name="Ana"))


def resumed_entry(controls: DeskControls, *, scope="kind:low_stock") -> Entry:
    """The entry of the end of a pause."""
    return desk_entry(controls, Resumed(scope=scope, by_name="Ana"))


def decision_after(controls: DeskControls, entry: Entry) -> ControlDecision:
    """The decision that made this entry."""
    return ControlDecision(entries=(entry,), controls=fold_controls([entry], controls))


def desk_entry(controls: DeskControls, body: ControlBody) -> Entry:
    return Entry(
        case_id=DESK_ID,
        version=controls.version + 1,
        revision=0,
        at=NOON,
        actor=Actor.parse(principal("ana")),
        surface=Surface.SLACK,
        body=body,
    )


def query_plan(database: Database, query: sa.Executable, values: Mapping[str, Any]) -> str:
    """How the database would answer a query, however few rows there are."""
    statements: list[tuple[str, Any]] = []

    def remember(connection, cursor, statement, parameters, context, is_many):
        statements.append((statement, parameters))

    with database.engine.connect() as connection:
        if not database.is_sqlite:
            connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
        sa.event.listen(connection, "before_cursor_execute", remember)
        connection.execute(query, values)
        sa.event.remove(connection, "before_cursor_execute", remember)
        statement, parameters = statements[-1]
        explain = "EXPLAIN QUERY PLAN" if database.is_sqlite else "EXPLAIN"
        lines = connection.exec_driver_sql(f"{explain} {statement}", parameters).all()
        connection.rollback()
    return "\n".join(" ".join(map(str, line)) for line in lines)
