"""Cases and their ledger entries: received, read and committed whole."""

import json
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from sqlalchemy import bindparam, insert, literal, select, true

from bot.cases.case import Case
from bot.cases.control_decisions import decide_controls
from bot.cases.decide import record_conflict
from bot.cases.entries import Entry, entry_of
from bot.cases.errors import NoSuchCase
from bot.cases.grant import Grant, GrantUse
from bot.cases.plan import Plan
from bot.cases.signal import Signal
from bot.cases.standing_rule import RuleUse, StandingRule
from bot.cases.usage import Usage
from bot.metrics import SIGNALS
from bot.ports.case_store import Change, Judge, Receipt, ReceiptOutcome
from bot.ports.outbox import LeasedMessage, OutboxMessage
from bot.store import tables
from bot.store.case_counters import count_change
from bot.store.database import Database
from bot.store.dialects import insert_or_ignore
from bot.store.ledger import LAST_CASE_NUMBER
from bot.store.projection import CaseWrite, case_write
from bot.store.statements import CompiledStatement
from bot.store.unit_of_work import CASE_BODY, UnitOfWork
from bot.store.usage import grant_use, rule_use, usage_at

FurtherEffects = Callable[[Change], Iterable[OutboxMessage]]
"""Return the messages that follow from a change beside its own."""


class SqlCaseStore:
    """Read cases and write decisions. Every method is one transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._decoded_cases = database.decoded_cases
        #: What else follows from a change, written with it: nothing, unless a program hears of it.
        self.further_effects: list[FurtherEffects] = []

    def case(self, case_id: str) -> Case:
        """Return the case as it is now.

        Raises:
            NoSuchCase: there is none.
        """
        rows = self._database.fetch(CASE_BODY, {"id": case_id})
        if not rows:
            raise NoSuchCase(f"there is no case {case_id[:40]}")
        return self._decoded_cases.decode(case_id, rows[0].body)

    def case_of(self, message: LeasedMessage) -> Case:
        """Return the case that came with a message, or the present one.

        What another process has changed since then is not seen: whoever writes by it does so by
        compare-and-set, and the change has requested its own effects.

        Raises:
            NoSuchCase: there is none.
        """
        case = message.case
        if case is None or self._decoded_cases.has_newer(case):
            return self.case(message.case_id)
        return case

    def entries(self, case_id: str, *, after: int = 0) -> list[Entry]:
        """Return the ledger entries of a case above this version, in order."""
        rows = self._database.fetch(_ENTRIES, {"case_id": case_id, "after": after})
        return [entry_of(json.loads(row.body)) for row in rows]

    def commit(
        self,
        change: Change,
        *,
        finish: LeasedMessage | None = None,
        retry_at: datetime | None = None,
        renew: LeasedMessage | None = None,
        renew_until: datetime | None = None,
        urgent: bool = False,
    ) -> Case:
        """Append, project and enqueue, or do nothing. Return the case after it.

        ``finish`` is done with it, or due again at ``retry_at``. ``renew`` goes on being worked
        on: its lease must still be valid, and is extended to ``renew_until``. ``urgent``: a person
        waits for it, and it goes before what waits to be written.

        Raises:
            Conflict: the case changed meanwhile.
            StaleFence: another worker has taken the message over.
        """
        change = self._with_further_effects(change)
        write = self._serialise(change)

        def job(unit: UnitOfWork) -> Case:
            if finish:
                unit.complete(finish, retry_at)
            if renew:
                unit.hold(renew, renew_until)
            return _write_change(unit, change, write)

        after = self._database.write(job, urgent=urgent)
        count_change(change.before, after)
        self._report_scores(write)
        return after

    def submit(
        self, change: Change, *, finish: LeasedMessage | None = None, urgent: bool = False
    ) -> Future[Case]:
        """Commit without waiting until it is durable.

        A callback of the future runs as soon as it is, on the thread that writes: it must be short,
        and must neither read nor write the store. Its failures are those of ``commit``.
        """
        change = self._with_further_effects(change)
        write = self._serialise(change)

        def job(unit: UnitOfWork) -> Case:
            if finish:
                unit.complete(finish)
            return _write_change(unit, change, write)

        future = self._database.submit(job, urgent=urgent)
        future.add_done_callback(partial(self._finish_submitted, change, write))
        return future

    def _finish_submitted(self, change: Change, write: CaseWrite, result: Future[Case]) -> None:
        if result.exception() is None:
            count_change(change.before, change.after)
            self._report_scores(write)

    def _report_scores(self, write: CaseWrite) -> None:
        for kind in {row["kind"] for row in write.scores}:
            for listener in self._database.score_listeners:
                listener(kind)

    def _with_further_effects(self, change: Change) -> Change:
        messages = [message for effects in self.further_effects for message in effects(change)]
        # Most changes have none, and stay as they are.
        return replace(change, messages=(*change.messages, *messages)) if messages else change

    def _serialise(self, change: Change) -> CaseWrite:
        write = replace(
            case_write(change.before, change.after, change.entries),
            controls_version=change.controls_version,
        )
        # Before it is written: a body that never is will never be read.
        self._decoded_cases.add(write.case["body"], change.after)
        return write

    def receive(self, signal: Signal, raw: bytes, judge: Judge, now: datetime) -> Receipt:
        """Record a signal and its effect, once per source and key."""
        row = {
            "source": signal.source,
            "key": signal.key,
            "digest": signal.body_checksum,
            "body": raw,
            "received_at": now.isoformat(),
            "fingerprint": signal.fingerprint,
        }

        def job(unit: UnitOfWork) -> tuple[Receipt, Change | None]:
            (before,) = unit.driver.fetch(_BEFORE, row)
            if before.digest is not None:
                receipt = _receive_again(
                    unit=unit,
                    earlier=before,
                    row=row,
                    now=now,
                )
                return receipt, None
            change = judge(self._latest_case(unit, before, signal), unit.next_case_id())
            receipt = self._write_signal(
                unit,
                change,
                signal=signal,
                now=now,
            )
            values = {"outcome": receipt.outcome, "case_id": receipt.case_id}
            unit.driver.change_later(_INSERT_SIGNAL, {**row, **values})
            return receipt, change

        receipt, change = self._database.write(job)
        SIGNALS.labels(signal.source, receipt.outcome.value).inc()
        if change is not None:
            count_change(change.before, change.after)
        return receipt

    def _latest_case(self, unit: UnitOfWork, before: Any, signal: Signal) -> Case | None:
        if before.id is not None:
            return self._decoded_cases.decode(before.id, before.body)
        return unit.latest_case(signal.fingerprints[1:])

    def _write_signal(
        self, unit: UnitOfWork, change: Change | None, *, signal: Signal, now: datetime
    ) -> Receipt:
        if change is None:
            return Receipt(ReceiptOutcome.IGNORED, None)
        change = self._with_further_effects(change)
        unit.append(self._serialise(change))
        _decide_controls(unit, change)
        unit.enqueue(change.messages, now, case=change.after)
        return Receipt(_outcome(change, signal), change.after.id)

    def usage(
        self, at: datetime, windows: Sequence[timedelta], *, plan: Plan, step: int = 0
    ) -> Usage:
        """Sum what was carried out in these windows, as ``UsageAt``."""
        return usage_at(self._database.fetch, at, windows, plan=plan, step=step)

    def grant_use(self, grant: Grant) -> GrantUse:
        """Sum what was begun under a grant."""
        return grant_use(self._database.fetch, grant)

    def rule_use(self, rule: StandingRule) -> RuleUse:
        """Count the plans that began by a standing rule."""
        return rule_use(self._database.fetch, rule)

    def step_outcomes(self, action: str, limit: int) -> list[str]:
        """Return how the last steps of this action ended, the latest first."""
        rows = self._database.fetch(_STEP_OUTCOMES, {"action": action, "limit": limit})
        return [row.outcome for row in rows]

    def last_case_number(self) -> int:
        """Return the highest number that a case may have so far."""
        number: int = self._database.fetch(LAST_CASE_NUMBER)[0].number
        return number


def _write_change(unit: UnitOfWork, change: Change, write: CaseWrite) -> Case:
    if change.guard:
        change.guard(unit.controls(), unit.usage)
    unit.append(write)
    if change.control_decision:
        unit.append_controls(change.control_decision)
    _decide_controls(unit, change)
    unit.enqueue(change.messages, change.entries[-1].at, case=change.after)
    return change.after


def _decide_controls(unit: UnitOfWork, change: Change) -> None:
    """Decide what the change asks of the desk, in its transaction."""
    for command in change.control_commands:
        decision = decide_controls(unit.controls(), command, change.entries[-1].at)
        if decision.entries:
            unit.append_controls(decision)


def _receive_again(unit: UnitOfWork, earlier: Any, row: dict[str, Any], now: datetime) -> Receipt:
    """Answer a key that was received before.

    The same body is the same signal. Another body is a conflict, recorded and refused.
    """
    if earlier.digest == row["digest"]:
        return Receipt(ReceiptOutcome.DUPLICATE, earlier.case_id)
    is_new = unit.driver.fetch_first(_KEEP_CONFLICT, row) is not None
    case = unit.case(earlier.case_id) if earlier.case_id and is_new else None
    if case is not None:
        conflict = record_conflict(
            case,
            source=row["source"],
            key=row["key"],
            checksum=row["digest"],
            now=now,
        )
        unit.append(case_write(case, conflict.case, conflict.entries))
    return Receipt(ReceiptOutcome.CONFLICT, earlier.case_id)


def _outcome(change: Change, signal: Signal) -> ReceiptOutcome:
    if change.before is None:
        return ReceiptOutcome.OPENED
    return ReceiptOutcome.CLEARED if signal.status == "clear" else ReceiptOutcome.COUNTED


_ENTRIES = CompiledStatement(
    select(tables.ledger.c.body)
    .where(
        tables.ledger.c.case_id == bindparam("case_id"),
        tables.ledger.c.version > bindparam("after"),
    )
    .order_by(tables.ledger.c.version)
)
# What the store knows of a signal, in one row: how its key was received before, and the newest case
# of its fingerprint.
_known_key = (
    select(tables.inbox.c.digest, tables.inbox.c.case_id)
    .where(tables.inbox.c.source == bindparam("source"), tables.inbox.c.key == bindparam("key"))
    .subquery()
)
_latest = (
    select(tables.cases.c.id, tables.cases.c.body)
    .where(tables.cases.c.fingerprint == bindparam("fingerprint"))
    .order_by(tables.cases.c.number.desc())
    .limit(1)
    .subquery()
)
_one_row = select(literal(1).label("one")).subquery()
_BEFORE = CompiledStatement(
    select(_known_key.c.digest, _known_key.c.case_id, _latest.c.id, _latest.c.body).select_from(
        _one_row.outerjoin(_known_key, true()).outerjoin(_latest, true())
    )
)
_INSERT_SIGNAL = CompiledStatement(insert(tables.inbox))
_KEEP_CONFLICT = CompiledStatement(
    insert_or_ignore(tables.inbox_conflicts, returning=tables.inbox_conflicts.c.digest)
)
_STEP_OUTCOMES = CompiledStatement(
    select(tables.effects.c.outcome)
    .where(tables.effects.c.action == bindparam("action"), tables.effects.c.outcome != "")
    .order_by(tables.effects.c.at.desc())
    .limit(bindparam("limit"))
)
