"""Remove what is past its term, a few rows in each transaction.

Each leaves the ledger valid: what it changes there is bound by an entry of its own. After a kill
the next run goes on where this one stopped, and counts on.
"""

import json
import logging
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, assert_never
from uuid import uuid4

from sqlalchemy import (
    ColumnElement,
    Select,
    and_,
    bindparam,
    delete,
    exists,
    func,
    insert,
    or_,
    select,
    update,
)

from bot.cases.actor import Actor, CaseId, Surface
from bot.cases.canonical import canonical_hash, from_json, to_json
from bot.cases.case import Case
from bot.cases.content_removal import is_over, remove_content, without_content
from bot.cases.control_decisions import ControlDecision
from bot.cases.control_folds import fold_controls
from bot.cases.controls import DESK_ID
from bot.cases.desk_kinds import DESK_SOURCE
from bot.cases.entries import DataExpired, Entry, Redaction, entry_of
from bot.cases.errors import CountersignError
from bot.cases.precedent_json import precedent_from_json, precedent_to_plain
from bot.cases.retention import DataKind, is_held
from bot.ports.outbox import OutboxMessage, Topic
from bot.ports.retention import HeldData, RemovalOrder
from bot.store import tables
from bot.store.database import Database
from bot.store.derived import derive
from bot.store.erased_cases import NO_BYTES, RedactedLine, redacted_line, write_case, write_lines
from bot.store.outbox_rows import DONE
from bot.store.precedents import next_places
from bot.store.redactions import Redactions
from bot.store.unit_of_work import UnitOfWork

log = logging.getLogger(__name__)
RUNNING, WRITING = "running", "writing"
CASES_PER_BATCH = 10
ROWS_PER_BATCH = 200
#: No more than so many are counted to tell how far a run is behind.
MAX_COUNT = 1_000
#: Slack is cleared after whoever waits for it.
CLEANUP_PRIORITY = 9
_ledger, _cases, _inbox = tables.ledger.c, tables.cases.c, tables.inbox.c
_conflicts, _questions, _outbox = tables.inbox_conflicts.c, tables.questions.c, tables.outbox.c
_removals, _days = tables.removals.c, tables.ignored_requests.c


class SqlRetentionStore:
    """Remove what is past its term, and tell what there is."""

    def __init__(self, database: Database) -> None:
        self._database = database
        #: Cases whose entries do not follow on each other without what they were about.
        self._stuck_ids: set[str] = set()

    # --- runs ------------------------------------------------------------------------------------

    def begin_run(self, now: datetime) -> str:
        """Return the run that is not complete, or a new one."""

        def job(unit: UnitOfWork) -> str:
            row = unit.connection.execute(_RUN_IN_PROGRESS).first()
            if row:
                return str(row.run)
            run = uuid4().hex
            values = {"run": run, "state": RUNNING, "counts": "{}", "begun_at": now.timestamp()}
            unit.connection.execute(insert(tables.removals), values)
            return run

        return self._database.write(job, appends=False)

    def remove_batch(self, run: str, kind: DataKind, order: RemovalOrder) -> int:
        """Remove some of what is past its term. Return how much."""
        cutoff = order.cutoff(kind)
        if cutoff is None:
            return 0
        match kind:
            case DataKind.SIGNALS:
                return self._remove_signals(run, cutoff, order)
            case DataKind.QUESTIONS:
                return self._remove_questions(run, cutoff)
            case DataKind.CASES:
                return self._remove_cases(run, cutoff, order)
            case _:
                assert_never(kind)

    def complete_run(self, run: str, order: RemovalOrder) -> Mapping[str, int]:
        """Record in the ledger how much the run has removed, by kind.

        A run that removed nothing leaves no trace.
        """

        def job(unit: UnitOfWork) -> Mapping[str, int]:
            unit.lock_head()
            counts = _counts_of(unit, run)
            unit.connection.execute(delete(tables.removals).where(_removals.run == run))
            if counts:
                _append(unit, run, order=order, counts=counts, is_complete=True)
            return counts

        return self._database.write(job)

    # --- signals ---------------------------------------------------------------------------------

    def _remove_signals(self, run: str, cutoff: datetime, order: RemovalOrder) -> int:
        """Empty signals that came before. What was ignored goes as a whole."""
        keys = self._database.fetch(_past_signals(cutoff, order).limit(ROWS_PER_BATCH))
        conflicts = self._database.fetch(_past_conflicts(cutoff, order).limit(ROWS_PER_BATCH))
        day = cutoff.date().isoformat()

        def job(unit: UnitOfWork) -> int:
            for row in keys:
                unit.connection.execute(_EMPTY_SIGNAL, {"of_source": row.source, "of_key": row.key})
            for row in conflicts:
                values = {"of_source": row.source, "of_key": row.key, "of_digest": row.digest}
                unit.connection.execute(_EMPTY_CONFLICT, values)
            counts_of_day = unit.connection.execute(_DROP_IGNORED, {"before": day}).rowcount
            count = len(keys) + len(conflicts)
            _count(unit, run, DataKind.SIGNALS, count=count + counts_of_day)
            return count

        return self._database.write(job, appends=False)

    # --- questions -------------------------------------------------------------------------------

    def _remove_questions(self, run: str, cutoff: datetime) -> int:
        query = select(_questions.id).where(_questions.asked_at <= cutoff.timestamp())
        rows = self._database.fetch(query.order_by(_questions.asked_at).limit(ROWS_PER_BATCH))

        def job(unit: UnitOfWork) -> int:
            ids = [row.id for row in rows]
            if ids:
                is_answer = and_(
                    _outbox.topic == Topic.ANSWER.value,
                    _outbox.state == DONE,
                    _outbox.key.in_([f"answer:{id}" for id in ids]),
                )
                unit.connection.execute(delete(tables.outbox).where(is_answer))
                unit.connection.execute(delete(tables.questions).where(_questions.id.in_(ids)))
            _count(unit, run, DataKind.QUESTIONS, count=len(ids))
            return len(ids)

        return self._database.write(job, appends=False)

    # --- cases -----------------------------------------------------------------------------------

    def _remove_cases(self, run: str, cutoff: datetime, order: RemovalOrder) -> int:
        query = _past_cases(cutoff, order).where(_cases.id.not_in(self._stuck_ids))
        rows = self._database.fetch(query.limit(CASES_PER_BATCH))
        if not rows:
            return 0

        def job(unit: UnitOfWork) -> int:
            unit.lock_head()
            _set_state(unit, run, WRITING)
            redactions = Redactions(lambda query: unit.connection.execute(query).all()).all()
            lines: list[RedactedLine] = []
            case_ids: list[str] = []
            for row in rows:
                new_lines = _remove_case(unit, row.id, redactions=redactions, order=order)
                if new_lines is None:
                    # Something came up since it was selected, or its entries cannot be folded.
                    self._stuck_ids.add(row.id)
                else:
                    case_ids.append(row.id)
                    lines += new_lines
            if case_ids:
                marks = [{"case_id": case_id, "run": run} for case_id in case_ids]
                unit.connection.execute(insert(tables.removed_cases), marks)
            counts = {DataKind.CASES.value: len(case_ids)}
            if lines:
                _append(unit, run, order=order, counts=counts, lines=lines, before=cutoff)
            _count(unit, run, DataKind.CASES, count=len(case_ids))
            _set_state(unit, run, RUNNING)
            return len(rows)

        return self._database.write(job)

    # --- what there is ---------------------------------------------------------------------------

    def describe(self, order: RemovalOrder) -> list[HeldData]:
        """Tell what there is of each kind of data."""
        return [self._describe(kind, order) for kind in DataKind]

    def _describe(self, kind: DataKind, order: RemovalOrder) -> HeldData:
        cutoff = order.cutoff(kind)
        overdue: Sequence[Any] = ()
        if cutoff:
            query = _past_rows(kind, cutoff, order).limit(MAX_COUNT)
            overdue = self._database.fetch(query)
        return HeldData(
            kind=kind,
            oldest_at=self._oldest(kind),
            overdue=len(overdue),
            overdue_since=_moment(min((row.at for row in overdue), default=None)),
        )

    def _oldest(self, kind: DataKind) -> datetime | None:
        match kind:
            case DataKind.SIGNALS:
                query = select(func.min(_inbox.received_at).label("at")).where(_has_body(_inbox))
            case DataKind.QUESTIONS:
                query = select(func.min(_questions.asked_at).label("at"))
            case DataKind.CASES:
                is_there = _cases.id.not_in(_REMOVED_IDS)
                query = select(func.min(_cases.ended_at).label("at")).where(is_there)
            case _:
                assert_never(kind)
        return _moment(self._database.fetch(query)[0].at)


# --- what is past its term ----------------------------------------------------------------------


def _past_rows(kind: DataKind, cutoff: datetime, order: RemovalOrder) -> Select[Any]:
    match kind:
        case DataKind.SIGNALS:
            return _past_signals(cutoff, order)
        case DataKind.QUESTIONS:
            at = _questions.asked_at
            return select(at.label("at")).where(at <= cutoff.timestamp()).order_by(at)
        case DataKind.CASES:
            return _past_cases(cutoff, order)
        case _:
            assert_never(kind)


def _past_signals(cutoff: datetime, order: RemovalOrder) -> Select[Any]:
    """Select earlier signals of no case that is open or on hold."""
    return (
        select(_inbox.source, _inbox.key, _inbox.received_at.label("at"))
        .outerjoin(tables.cases, _cases.id == _inbox.case_id)
        .where(
            _inbox.received_at <= cutoff.isoformat(),
            _has_body(_inbox),
            _of_no_open_case(cutoff, order),
        )
    )


def _past_conflicts(cutoff: datetime, order: RemovalOrder) -> Select[Any]:
    is_same = and_(_inbox.source == _conflicts.source, _inbox.key == _conflicts.key)
    return (
        select(_conflicts.source, _conflicts.key, _conflicts.digest)
        .outerjoin(tables.inbox, is_same)
        .outerjoin(tables.cases, _cases.id == _inbox.case_id)
        .where(
            _conflicts.received_at <= cutoff.isoformat(),
            _has_body(_conflicts),
            _of_no_open_case(cutoff, order),
        )
    )


def _of_no_open_case(cutoff: datetime, order: RemovalOrder) -> ColumnElement[bool]:
    is_ended = and_(
        _cases.ended_at.is_not(None),
        _is_undo_over(order.now),
        _cases.id.not_in(order.retention.hold),
        _cases.kind.not_in(order.retention.hold),
    )
    return or_(_cases.id.is_(None), is_ended)


def _past_cases(cutoff: datetime, order: RemovalOrder) -> Select[Any]:
    """Select cases that ended before, and of which nothing is under way.

    Cases about the desk itself stay: rules in force rest on them.
    """
    is_under_way = exists().where(_outbox.case_id == _cases.id, _outbox.state != DONE)
    return (
        select(_cases.id, _cases.ended_at.label("at"))
        .where(
            _cases.ended_at <= cutoff.timestamp(),
            _cases.source != DESK_SOURCE,
            _is_undo_over(order.now),
            _cases.id.not_in(_REMOVED_IDS),
            _cases.id.not_in(order.retention.hold),
            _cases.kind.not_in(order.retention.hold),
            ~is_under_way,
        )
        .order_by(_cases.ended_at)
    )


def _is_undo_over(now: datetime) -> ColumnElement[bool]:
    return or_(_cases.undo_until.is_(None), _cases.undo_until <= now.timestamp())


def _has_body(columns: Any) -> ColumnElement[bool]:
    return func.length(columns.body) > 0


def _moment(value: Any) -> datetime | None:
    if value is None:
        return None
    if isinstance(value, str):
        return datetime.fromisoformat(value)
    return datetime.fromtimestamp(float(value), UTC)


# --- one case -----------------------------------------------------------------------------------


def _remove_case(
    unit: UnitOfWork, case_id: str, *, redactions: Mapping[int, Redaction], order: RemovalOrder
) -> list[RedactedLine] | None:
    """Remove what a case was about. None where it must stay."""
    row = unit.connection.execute(_CASE, {"of_case": case_id}).one()
    case = from_json(Case, row.body)
    is_kept = is_held(case_id, case.kind, order.retention.hold)
    if is_kept or not is_over(case, order.now) or _is_under_way(unit, case_id):
        return None
    rows = unit.connection.execute(_ENTRIES, {"of_case": case_id}).all()
    plains = [json.loads(bytes(one.body)) for one in rows]
    new_plains = remove_content(plains)
    if not _can_be_folded(case_id, new_plains):
        return None
    lines = [
        redacted_line(one, plain, new=new, before=redactions.get(one.seq))
        for one, plain, new in zip(rows, plains, new_plains, strict=True)
        if new is not plain
    ]
    write_lines(unit, lines)
    _forget_precedents(unit, case_id)
    write_case(unit, row, new_plains)
    unit.connection.execute(_DROP_WORK, {"of_case": case_id})
    unit.connection.execute(_DROP_LABEL, {"of_case": case_id})
    if case.probe is None:
        unit.enqueue([_cleanup(case_id, order.now)])
    return lines


def _can_be_folded(case_id: str, plains: Sequence[Mapping[str, Any]]) -> bool:
    try:
        derive(map(entry_of, plains))
    except CountersignError as failure:
        # One such case keeps no other; `countersign doctor` tells that it is past its term.
        log.warning("%s is past its term, and is left as it is: %s", case_id, failure)
        return False
    return True


def _is_under_way(unit: UnitOfWork, case_id: str) -> bool:
    return unit.connection.execute(_OPEN_WORK, {"of_case": case_id}).first() is not None


def _forget_precedents(unit: UnitOfWork, case_id: str) -> None:
    """Take precedents back, without what they said."""
    precedents = tables.precedents.c
    query = select(precedents.id, precedents.body).where(precedents.case_id == case_id)
    rows = unit.connection.execute(query).all()
    for row, seq in zip(rows, next_places(unit, len(rows)) if rows else (), strict=True):
        plain = precedent_to_plain(without_content(precedent_from_json(row.body)))
        values = {
            "body": to_json(plain),
            "digest": canonical_hash(plain),
            "is_gone": 1,
            "seq": seq,
        }
        unit.connection.execute(
            update(tables.precedents).where(precedents.id == row.id).values(values)
        )


def _cleanup(case_id: str, now: datetime) -> OutboxMessage:
    return OutboxMessage(
        topic=Topic.SWEEP,
        key=f"sweep:{case_id}:removed",
        case_id=case_id,
        run_at=now,
        payload={"name": case_id, "thread": "", "removed": True},
        priority=CLEANUP_PRIORITY,
    )


# --- the record ---------------------------------------------------------------------------------


def _append(
    unit: UnitOfWork,
    run: str,
    *,
    order: RemovalOrder,
    counts: Mapping[str, int],
    lines: Sequence[RedactedLine] = (),
    before: datetime | None = None,
    is_complete: bool = False,
) -> None:
    terms = {
        kind.value: int(term.total_seconds())
        for kind in DataKind
        if (term := order.retention.term_of(kind)) is not None
    }
    body = DataExpired(
        run=run,
        terms=terms,
        before=before,
        redactions=tuple(line.redaction for line in lines),
        counts=counts,
        is_complete=is_complete,
    )
    controls = unit.controls()
    entry = Entry(
        case_id=CaseId(DESK_ID),
        version=controls.version + 1,
        revision=0,
        at=order.now,
        actor=Actor.from_policy(order.policy),
        surface=Surface.SCHEDULER,
        body=body,
    )
    unit.append_controls(ControlDecision((entry,), fold_controls([entry], controls)))


def _counts_of(unit: UnitOfWork, run: str) -> dict[str, int]:
    row = unit.connection.execute(_RUN, {"of_run": run}).first()
    return json.loads(row.counts) if row else {}


def _count(unit: UnitOfWork, run: str, kind: DataKind, *, count: int) -> None:
    if not count:
        return
    counts = _counts_of(unit, run)
    counts[kind.value] = counts.get(kind.value, 0) + count
    values = {"of_run": run, "new_counts": json.dumps(counts)}
    unit.connection.execute(_SET_COUNTS, values)


def _set_state(unit: UnitOfWork, run: str, state: str) -> None:
    unit.connection.execute(_SET_STATE, {"of_run": run, "new_state": state})


_REMOVED_IDS = select(tables.removed_cases.c.case_id)
_RUN_IN_PROGRESS = select(_removals.run).order_by(_removals.begun_at).limit(1)
_RUN = select(_removals.counts).where(_removals.run == bindparam("of_run"))
_SET_COUNTS = (
    update(tables.removals)
    .where(_removals.run == bindparam("of_run"))
    .values(counts=bindparam("new_counts"))
)
_SET_STATE = (
    update(tables.removals)
    .where(_removals.run == bindparam("of_run"))
    .values(state=bindparam("new_state"))
)
_EMPTY_SIGNAL = (
    update(tables.inbox)
    .where(_inbox.source == bindparam("of_source"), _inbox.key == bindparam("of_key"))
    .values(body=NO_BYTES)
)
_EMPTY_CONFLICT = (
    update(tables.inbox_conflicts)
    .where(
        _conflicts.source == bindparam("of_source"),
        _conflicts.key == bindparam("of_key"),
        _conflicts.digest == bindparam("of_digest"),
    )
    .values(body=NO_BYTES)
)
_DROP_IGNORED = delete(tables.ignored_requests).where(_days.day < bindparam("before"))
_ENTRIES = (
    select(_ledger.seq, _ledger.leaf, _ledger.body)
    .where(_ledger.case_id == bindparam("of_case"))
    .order_by(_ledger.version)
)
_CASE = select(tables.cases).where(_cases.id == bindparam("of_case"))
_OPEN_WORK = select(_outbox.key).where(
    _outbox.case_id == bindparam("of_case"), _outbox.state != DONE
)
_DROP_WORK = delete(tables.outbox).where(_outbox.case_id == bindparam("of_case"))
_DROP_LABEL = delete(tables.labels).where(tables.labels.c.case_id == bindparam("of_case"))
