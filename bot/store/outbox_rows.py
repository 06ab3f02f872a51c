"""Outbox messages as rows: their states and the statements between them."""

import json
from datetime import datetime
from typing import Any

from sqlalchemy import Float, Update, and_, bindparam, case, func, or_, select, update

from bot.ports.outbox import LeasedMessage, OutboxMessage, Topic
from bot.store import tables
from bot.store.dialects import DialectStatement, Insert

READY, LEASED, DONE, PARKED = "ready", "leased", "done", "parked"

_outbox = tables.outbox.c


def message_row(message: OutboxMessage) -> dict[str, Any]:
    """Serialise a request for ``ENQUEUE``."""
    return {
        "key": message.key,
        "topic": message.topic.value,
        "case_id": message.case_id,
        "run_at": message.run_at.timestamp(),
        "priority": message.priority,
        "payload": json.dumps(dict(message.payload)),
    }


def leased_message(row: Any) -> LeasedMessage:
    """Read a row that has just been leased."""
    return LeasedMessage(
        key=row.key,
        topic=Topic(row.topic),
        case_id=row.case_id,
        fence=row.fence,
        requests=row.wanted,
        attempts=row.attempts,
        uncertain_attempts=row.doubt,
        payload=json.loads(row.payload),
        priority=row.priority,
    )


def _new_row(insert: Insert, **values: Any) -> Insert:
    return insert(tables.outbox).values(
        key=bindparam("key"),
        topic=bindparam("topic"),
        case_id=bindparam("case_id"),
        wanted=1,
        attempts=0,
        run_at=bindparam("run_at"),
        priority=bindparam("priority"),
        payload=bindparam("payload"),
        error="",
        **values,
    )


def _enqueue_leased(insert: Insert) -> Insert:
    """Insert a row already under lease, unless its key exists."""
    statement = _new_row(insert, state=LEASED, fence=1, doubt=1)
    return statement.on_conflict_do_nothing().returning(tables.outbox)


def _enqueue(insert: Insert) -> Insert:
    statement = _new_row(insert, state=READY, fence=0, doubt=0)
    # Not ``in_``: its list of values cannot be part of an executemany.
    at_rest = or_(_outbox.state == DONE, _outbox.state == PARKED)
    # Only the time that was asked for is waited for, and an earlier one is asked for now.
    is_early = and_(
        _outbox.state == READY, _outbox.error == "", statement.excluded.run_at < _outbox.run_at
    )
    return statement.on_conflict_do_update(
        index_elements=[_outbox.key],
        set_={
            "wanted": _outbox.wanted + 1,
            "state": case((at_rest, READY), else_=_outbox.state),
            "attempts": case((at_rest, 0), else_=_outbox.attempts),
            # A row that waits out a back-off goes on waiting, in its place.
            "run_at": case(
                (or_(at_rest, is_early), statement.excluded.run_at), else_=_outbox.run_at
            ),
            "priority": case((at_rest, statement.excluded.priority), else_=_outbox.priority),
            "payload": statement.excluded.payload,
        },
    )


def _lease(rows: Any) -> Update:
    """Lease rows until ``lease_until`` and return them."""
    return (
        update(tables.outbox)
        .where(rows)
        .values(
            state=LEASED,
            fence=_outbox.fence + 1,
            doubt=_outbox.doubt + 1,
            run_at=bindparam("lease_until"),
        )
        .returning(tables.outbox)
    )


ENQUEUE = DialectStatement.of_inserts(_enqueue)
ENQUEUE_LEASED = DialectStatement.of_inserts(_enqueue_leased)
# A leased row whose lease has run out is due again: ``run_at`` doubles as the end of the lease.
IS_DUE = and_(
    or_(_outbox.state == READY, _outbox.state == LEASED),
    _outbox.topic.in_(bindparam("topics", expanding=True)),
    _outbox.run_at <= bindparam("now"),
)
_FIRST_DUE = (
    select(_outbox.key)
    .where(IS_DUE)
    .order_by(_outbox.priority, _outbox.run_at)
    .limit(bindparam("limit"))
    .with_for_update(skip_locked=True)
    .scalar_subquery()
)
CLAIM = _lease(_outbox.key.in_(_FIRST_DUE))
LEASE_BY_KEY = _lease(
    and_(
        _outbox.key.in_(bindparam("keys", expanding=True)),
        _outbox.state == READY,
        _outbox.run_at <= bindparam("now"),
    )
)
# Every write of a worker is fenced: whoever has lost the lease changes nothing.
FENCED = update(tables.outbox).where(
    _outbox.key == bindparam("leased_key"),
    _outbox.fence == bindparam("leased_fence"),
    _outbox.state == LEASED,
)
_IS_DONE = _outbox.wanted == bindparam("leased_requests")
COMPLETE = FENCED.values(
    state=case((_IS_DONE, DONE), else_=READY),
    # Requested again while it ran: due at once.
    run_at=case((_IS_DONE, _outbox.run_at), else_=0.0),
    attempts=0,
    doubt=0,
    error="",
).returning(_outbox.state)
COMPLETE_AND_RETRY = FENCED.values(
    state=READY,
    attempts=0,
    doubt=0,
    error="",
    run_at=bindparam("retry_at"),
).returning(_outbox.state)
HOLD = FENCED.values(run_at=func.coalesce(bindparam("lease_until", type_=Float), _outbox.run_at))


def lease_values(message: LeasedMessage) -> dict[str, Any]:
    """Return the parameters of ``FENCED``."""
    return {"leased_key": message.key, "leased_fence": message.fence}


def hold_values(message: LeasedMessage, until: datetime | None) -> dict[str, Any]:
    """Return the parameters of ``HOLD``."""
    return {**lease_values(message), "lease_until": until.timestamp() if until else None}
