"""The outbox: effects of a commit, done by workers under a lease."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Update, bindparam, func, literal, or_, select, update

from bot.ports.outbox import LeasedMessage, OutboxMessage, Topic
from bot.store import tables
from bot.store.database import Database
from bot.store.outbox_rows import (
    CLAIM,
    DONE,
    FENCED,
    HOLD,
    IS_DUE,
    LEASED,
    PARKED,
    READY,
    hold_values,
    lease_values,
    leased_message,
)
from bot.store.statements import CompiledStatement
from bot.store.ticks import CLAIM_TICK
from bot.store.unit_of_work import UnitOfWork

_outbox = tables.outbox.c
_HAS_DUE = CompiledStatement(select(literal(1).label("one")).where(IS_DUE).limit(1))
_CLAIM = CompiledStatement(CLAIM)
_RENEW = CompiledStatement(HOLD)
_WAITING_KEYS = CompiledStatement(
    select(_outbox.key).where(
        or_(_outbox.state == READY, _outbox.state == LEASED),
        _outbox.topic == bindparam("topic"),
        _outbox.case_id == bindparam("case_id"),
    )
)
_PARKED = select(tables.outbox).where(_outbox.state == PARKED).order_by(_outbox.key)
_BACKLOG = (
    select(_outbox.topic, _outbox.state, func.count().label("messages"))
    .where(_outbox.state != DONE)
    .group_by(_outbox.topic, _outbox.state)
)
_AGAIN = {"state": READY, "run_at": bindparam("again_at"), "error": bindparam("reason")}
_ONE_FAILURE_MORE = {"attempts": _outbox.attempts + 1}
#: Give a message back, by whether it surely had no effect and whether it counts as a failure.
_RETRY = {
    (False, False): CompiledStatement(FENCED.values(_AGAIN)),
    (True, False): CompiledStatement(FENCED.values({**_AGAIN, "doubt": 0})),
    (False, True): CompiledStatement(FENCED.values({**_AGAIN, **_ONE_FAILURE_MORE})),
    (True, True): CompiledStatement(FENCED.values({**_AGAIN, "doubt": 0, **_ONE_FAILURE_MORE})),
}


class SqlOutbox:
    """Queue effects, lease them to workers, and record how they ended.

    Every method is one transaction. None writes the ledger.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    # --- requests --------------------------------------------------------------------------------

    def enqueue(self, messages: Sequence[OutboxMessage]) -> None:
        """Request effects that follow from no decision."""
        if messages:
            self._database.write(lambda unit: unit.enqueue(messages), appends=False)

    def enqueue_once(self, job: str, slot: int, message: OutboxMessage) -> bool:
        """Request an effect unless this slot of the job has one.

        Tell whether it was.
        """
        tick = {"job": job, "slot": slot}

        def write(unit: UnitOfWork) -> bool:
            claim = unit.driver.fetch_first(CLAIM_TICK, tick)
            if claim is not None:
                unit.enqueue([message])
            return claim is not None

        return self._database.write(write, appends=False)

    def run_now(self, topic: Topic, now: datetime) -> None:
        """Make every waiting message of this topic due at once."""
        at = now.timestamp()
        is_waiting = (_outbox.topic == topic.value, _outbox.state == READY, _outbox.run_at > at)
        statement = update(tables.outbox).where(*is_waiting).values(run_at=at)
        self._update(statement, wakes=[topic])

    # --- leases ----------------------------------------------------------------------------------

    def has_due(self, topics: Sequence[Topic], now: datetime) -> bool:
        """Tell whether a claim would return anything.

        Idle workers read, and do not write.
        """
        values = {"topics": [topic.value for topic in topics], "now": now.timestamp()}
        return bool(self._database.fetch(_HAS_DUE, values))

    def waiting_keys(self, topic: Topic, case_id: str) -> list[str]:
        """Return the keys of a case's messages, but the done and parked."""
        values = {"topic": topic.value, "case_id": case_id}
        return [row.key for row in self._database.fetch(_WAITING_KEYS, values)]

    def claim(
        self, topics: Sequence[Topic], limit: int, now: datetime, lease_seconds: float
    ) -> list[LeasedMessage]:
        """Lease due messages, in order of priority."""
        at = now.timestamp()
        values = {
            "topics": [topic.value for topic in topics],
            "limit": limit,
            "now": at,
            "lease_until": at + lease_seconds,
        }

        def job(unit: UnitOfWork) -> list[LeasedMessage]:
            rows = unit.driver.fetch(_CLAIM, values)
            # An UPDATE returns its rows in no order.
            return sorted(map(leased_message, rows), key=lambda message: message.priority)

        messages = self._database.write(job, appends=False)
        if not messages:
            # Another has just taken what is due; or one that is stopped has locked it.
            self._database.end_stopped_writers()
        return messages

    def renew(self, messages: Sequence[LeasedMessage], until: datetime) -> set[tuple[str, int]]:
        """Extend the leases that still hold.

        Return the key and fence of each.
        """

        def job(unit: UnitOfWork) -> set[tuple[str, int]]:
            valid = set()
            # In one order, so that two that renew do not wait for each other.
            for message in sorted(messages, key=lambda message: message.key):
                if unit.driver.change(_RENEW, hold_values(message, until)):
                    valid.add((message.key, message.fence))
            return valid

        return self._database.write(job, appends=False)

    def finish(self, message: LeasedMessage, messages: Sequence[OutboxMessage] = ()) -> None:
        """Record that the effect is done, and request those that follow.

        Raises:
            StaleFence: another worker has taken the message over.
        """

        def job(unit: UnitOfWork) -> None:
            unit.complete(message)
            unit.enqueue(messages)

        self._database.write(job, appends=False)

    def wait(self, message: LeasedMessage, until: datetime, reason: str) -> None:
        """Give a message back until then: its time has not come."""
        # An earlier attempt may have had its effect.
        certain = message.uncertain_attempts <= 1
        self.retry(message, until, reason, certain=certain, counts=False)

    def retry(
        self,
        message: LeasedMessage,
        run_at: datetime,
        error: str,
        *,
        certain: bool,
        counts: bool = True,
    ) -> None:
        """Give the message back, to be tried again at ``run_at``.

        ``certain``: this attempt surely had no effect. ``counts``: it was a failure, not a wait.
        """
        # Only failures count towards parking: however long it waited, the first is the first.
        statement = _RETRY[certain, counts]
        values = {**lease_values(message), "again_at": run_at.timestamp(), "reason": error}

        def job(unit: UnitOfWork) -> None:
            # Whoever has lost the lease changes nothing here, and need not know.
            unit.driver.change_later(statement, values)

        self._database.write(job, appends=False)

    def park(self, message: LeasedMessage, error: str) -> None:
        """Give the message up until a person lets it be tried again."""
        values = {"state": PARKED, "run_at": 0.0, "error": error, "attempts": _outbox.attempts + 1}
        # Whoever has lost the lease changes nothing here, and need not know.
        self._update(FENCED.values(**values), parameters=lease_values(message))

    # --- operators -------------------------------------------------------------------------------

    def parked_messages(self) -> list[dict[str, Any]]:
        """Return the rows that wait for a person, with the reason."""
        return [dict(row._mapping) for row in self._database.fetch(_PARKED)]

    def unpark(self, key: str, now: datetime) -> bool:
        """Let a parked message be tried again.

        Tell whether there is one under this key.
        """
        is_parked: tuple[ColumnElement[bool], ...] = (_outbox.key == key, _outbox.state == PARKED)
        values = {"state": READY, "attempts": 0, "run_at": now.timestamp()}
        statement = update(tables.outbox).where(*is_parked).values(**values)
        return bool(self._update(statement, wakes=Topic))

    def discard(self, topics: Sequence[Topic]) -> None:
        """Mark all messages of these topics as done without doing them."""
        names = [topic.value for topic in topics]
        self._update(update(tables.outbox).where(_outbox.topic.in_(names)).values(state=DONE))

    def backlog(self) -> dict[str, int]:
        """Count the messages that are not done, by topic and state."""
        return {f"{row.topic} {row.state}": row.messages for row in self._database.fetch(_BACKLOG)}

    def _update(
        self,
        statement: Update,
        *,
        parameters: dict[str, Any] | None = None,
        wakes: Iterable[Topic] = (),
    ) -> int:
        """Run one statement. Return how many rows it changed."""

        def job(unit: UnitOfWork) -> int:
            changes = unit.connection.execute(statement, parameters or {}).rowcount
            if changes:
                unit.handover.wakes.update(wakes)
            return changes

        return self._database.write(job, appends=False)
