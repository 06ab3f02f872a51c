"""What a writing job may do inside the transaction. Ledger lines are gathered and written together when the batch ends."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    Connection,
    Table,
    and_,
    bindparam,
    case,
    func,
    insert,
    not_,
    select,
    text,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

from bot.cases.canonical import canonical_bytes, from_json, to_json
from bot.cases.case import Case
from bot.cases.control_folds import fold_controls
from bot.cases.controls import DeskControls
from bot.cases.entries import Entry, Settled, StepReported, StepStarted, StepState, entry_plain
from bot.cases.errors import Conflict, LedgerBroken, SettingsIncomplete, StaleFence
from bot.cases.ledger import GENESIS, Tree, chain_hash, leaf_hash
from bot.cases.lifecycle import State
from bot.cases.plan import Plan
from bot.cases.policy import Usage
from bot.cases.sla import rank
from bot.ports import LeasedMessage, OutboxMessage
from bot.store import tables as t

LONGEST_SEARCHED = 1_000
HEAD_IS_GONE = "the head of the ledger is gone from the table heads; restore a backup"
READY, LEASED, DONE, PARKED = "ready", "leased", "done", "parked"


@dataclass(frozen=True, slots=True)
class Line:
    """One ledger line before it has its place: serialised by the caller, so that the writer only hashes."""

    case_id: str
    version: int
    body: bytes


@dataclass(frozen=True, slots=True)
class Projection:
    """The row that lists are made from, and the version it must be found at (0: not at all)."""

    expected: int
    row: Mapping[str, Any]


def lines(entries: Iterable[Entry]) -> list[Line]:
    return [
        Line(entry.case_id, entry.version, canonical_bytes(entry_plain(entry))) for entry in entries
    ]


def projection(after: Case, expected: int) -> Projection:
    return Projection(
        expected,
        {
            "id": after.id,
            "number": int(after.id.rpartition("-")[2]),
            "kind": after.kind,
            "source": after.signal.source,
            "state": after.state.code,
            "fingerprint": after.fingerprint,
            "owner": after.owner,
            "version": after.version,
            "due_at": _seconds(after.due_at),
            "body": to_json(after),
            "channel": after.channel,
            "waits_on": f" {' '.join(after.waits_on)} ",
            "rank": rank(after.sla, after.stake.amount if after.stake else None),
            "decide_by": after.sla.decide_by.timestamp(),
            "stake": float(after.stake.amount) if after.stake else None,
            "opened_at": after.opened_at.timestamp(),
            "decided_at": _seconds(after.decided_at),
            "ended_at": _seconds(after.ended_at),
            "undo_until": _seconds(after.undo_until) if after.state is State.RESOLVED else None,
            "words": searched(after),
        },
    )


def searched(case: Case) -> str:
    """The words under which a case is found."""
    said = f"{case.id} {case.signal.title} {case.signal.subject} {case.kind.replace('_', ' ')} {case.what}"
    return " ".join(said.casefold().split())[:LONGEST_SEARCHED]


def _seconds(at: datetime | None) -> float | None:
    return at.timestamp() if at else None


def new_names(before: Case | None, after: Case) -> list[dict[str, str]]:
    """Those whom this change makes a party to the case."""
    known = set(before.people) if before else set()
    return [
        {"person": person, "case_id": after.id} for person in after.people if person not in known
    ]


def effect_rows(after: Case, entries: Iterable[Entry]) -> list[dict[str, Any]]:
    """The approvals that these entries consume: one row per step begun."""
    rows = []
    for entry in entries:
        if isinstance(entry.body, StepStarted):
            action = after.action(entry.body.step)
            key = {"case_id": after.id, "revision": entry.revision, "step": entry.body.step}
            amount = action.amount.amount if action.amount else 0
            when = {"day": f"{entry.at:%Y-%m-%d}", "at": entry.at.timestamp()}
            rows.append(
                {**key, **when, "action": action.name, "target": action.target, "amount": amount}
            )
    return rows


def outcome_rows(entries: Iterable[Entry]) -> list[dict[str, Any]]:
    """List how steps ended, for the limits and the circuit breaker.

    What is known once stays: an undoing is another matter.
    """
    return [
        {
            "of_case": entry.case_id,
            "of_revision": entry.revision,
            "of_step": step,
            "outcome": state.name,
        }
        for entry in entries
        for step, state in _ended(entry)
    ]


def _ended(entry: Entry) -> list[tuple[int, StepState]]:
    body = entry.body
    if isinstance(body, StepReported) and body.state in {StepState.LANDED, StepState.FAILED}:
        return [(body.step, body.state)]
    if isinstance(body, Settled):
        return [(body.step, StepState.LANDED if body.landed else StepState.FAILED)]
    return []


def outbox_row(outgoing: OutboxMessage) -> dict[str, Any]:
    return {
        "key": outgoing.key,
        "topic": outgoing.topic.value,
        "case_id": outgoing.case_id,
        "run_at": outgoing.run_at.timestamp(),
        "payload": json.dumps(dict(outgoing.payload)),
    }


class UnitOfWork:
    """One transaction of the writer."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self._head: _Head | None = None
        self._lines: list[Line] = []

    def lock_head(self) -> "_Head":
        """Take the head of the ledger: whoever holds it is alone in writing, in this process and in every other."""
        if self._head is None:
            rows = self.connection.execute(_HEADS).all()
            if [row.name for row in rows] != ["cases", "ledger"]:
                raise LedgerBroken(HEAD_IS_GONE)
            cases, row = rows
            tree = Tree(row.number, tuple(bytes.fromhex(peak) for peak in json.loads(row.peaks)))
            self._head = _Head(tree, row.chain, cases.number)
        return self._head

    def next_case_id(self) -> str:
        return f"EX-{self.lock_head().case_number + 1}"

    def number_above(self, number: int) -> None:
        """Give no case a number up to this one from now on."""
        head = self.lock_head()
        head.case_number = max(head.case_number, number)

    def latest_case(self, fingerprints: Sequence[str]) -> Case | None:
        """Find the newest case of the first of these fingerprints that has one."""
        for fingerprint in fingerprints:
            body = self.connection.execute(_LATEST, {"fingerprint": fingerprint}).scalar()
            if body:
                return from_json(Case, body)
        return None

    def case(self, case_id: str) -> Case | None:
        body = self.connection.execute(CASE_BODY, {"id": case_id}).scalar()
        return from_json(Case, body) if body else None

    def append(self, projected: Projection, new_lines: Sequence[Line]) -> None:
        """The compare-and-set: the projection moves from the expected version, or nothing is written."""
        if projected.expected == 0:
            self.lock_head().case_number += 1
            self.connection.execute(_INSERT_CASE, projected.row)
        else:
            moved = self.connection.execute(
                _MOVE_CASE,
                {**projected.row, "case_id": projected.row["id"], "expected": projected.expected},
            )
            if moved.rowcount != 1:
                raise Conflict(
                    f"{projected.row['id']} is no longer at version {projected.expected}"
                )
        self._lines.extend(new_lines)

    def follow(
        self,
        effects: Sequence[Mapping[str, Any]],
        outcomes: Sequence[Mapping[str, Any]],
        names: Sequence[Any],
    ) -> None:
        """What else follows from the entries: approvals consumed, steps ended, people named."""
        if effects:
            self.connection.execute(insert(t.effects), list(effects))
        if outcomes:
            self.connection.execute(_OUTCOME, list(outcomes))
        if names:
            self.connection.execute(_NAMED[self.connection.dialect.name], list(names))

    def controls(self) -> DeskControls:
        """What holds for the desk, as it is in this transaction."""
        body = self.connection.execute(STANDING_BODY).scalar()
        return from_json(DeskControls, body) if body else DeskControls()

    def usage(self, day: str, *, plan: Plan | None = None, step: int = 0) -> Usage:
        return usage_of(self.connection, day, plan, step)

    def save_controls(self, before: DeskControls, rulings: Sequence[Entry]) -> DeskControls:
        """The compare-and-set of the standing; its entries go into the same ledger."""
        after = fold_controls(rulings, before)
        values = {
            "expected": before.version,
            "new_version": after.version,
            "new_body": to_json(after),
        }
        if self.connection.execute(_STAND, values).rowcount != 1:
            raise Conflict(f"the standing is no longer at version {before.version}")
        self._lines.extend(lines(rulings))
        return after

    def enqueue(self, rows: Sequence[Mapping[str, Any]]) -> None:
        if rows:
            self.connection.execute(_ENQUEUE[self.connection.dialect.name], list(rows))

    def complete(self, work: LeasedMessage, again_at: float | None = None) -> None:
        """The fenced completion: asked for again meanwhile, the row is ready again; taken over meanwhile, nothing is written."""
        values = {
            "fenced_key": work.key,
            "fence_held": work.fence,
            "wanted_then": work.requests,
            "again_at": again_at,
        }
        finished = self.connection.execute(_AGAIN if again_at is not None else _COMPLETE, values)
        if finished.rowcount != 1:
            raise StaleFence(work.key)

    def hold(self, work: LeasedMessage, until: float) -> None:
        """Make sure that the lease still holds, and extend it."""
        values = {"fenced_key": work.key, "fence_held": work.fence, "held_until": until}
        if self.connection.execute(_RENEW, values).rowcount != 1:
            raise StaleFence(work.key)

    def must_hold(self, work: LeasedMessage) -> None:
        """Go on only while the lease on this row is ours: ``StaleFence`` otherwise."""
        held = {"fenced_key": work.key, "fence_held": work.fence}
        if self.connection.execute(_HELD, held).first() is None:
            raise StaleFence(work.key)

    def flush(self) -> None:
        """Give every gathered line its place, and move the head."""
        if not self._lines:
            if self._head is not None and self._head.moved:
                self._move_head(self._head)
            return
        head, rows = self.lock_head(), []
        for line in self._lines:
            leaf = leaf_hash(line.body)
            head.tree = head.tree.append(leaf)
            head.chain = chain_hash(head.chain, leaf)
            place = {"seq": head.tree.size, "leaf": leaf.hex(), "chain": head.chain}
            rows.append(
                {**place, "case_id": line.case_id, "version": line.version, "body": line.body}
            )
        self.connection.execute(insert(t.ledger), rows)
        self._move_head(head)

    def _move_head(self, head: "_Head") -> None:
        peaks = json.dumps([peak.hex() for peak in head.tree.peaks])
        self.connection.execute(
            _MOVE_HEAD,
            {"head": "ledger", "number": head.tree.size, "chain": head.chain, "peaks": peaks},
        )
        if head.moved:
            self.connection.execute(
                _MOVE_HEAD,
                {"head": "cases", "number": head.case_number, "chain": "", "peaks": "[]"},
            )


def usage_of(connection: Connection, day: str, plan: Plan | None = None, step: int = 0) -> Usage:
    """Sum what has been carried out on this UTC day; what surely failed was not.

    Of ``plan`` itself the steps from ``step`` on are left out: they are still to come, also where
    one was begun and lost.
    """
    own = {"own_case": plan.case_id if plan else "", "own_revision": plan.revision if plan else 0}
    times: dict[str, int] = {}
    amounts: dict[str, Decimal] = {}
    targets: dict[str, int] = {}
    for row in connection.execute(_USAGE, {"day": day, "own_step": step, **own}):
        times[row.action] = times.get(row.action, 0) + row.times
        amounts[row.action] = amounts.get(row.action, Decimal(0)) + Decimal(str(row.amount))
        targets[f"{row.action} {row.target}"] = row.times
    return Usage(times, amounts, targets)


class _Head:
    __slots__ = ("_number_then", "case_number", "chain", "tree")

    def __init__(self, tree: Tree, chain: str, case_number: int) -> None:
        self.tree = tree
        self.chain = chain or GENESIS
        self.case_number = self._number_then = case_number

    @property
    def moved(self) -> bool:
        return self.case_number != self._number_then


def _upsert(dialect: Any, table: Table) -> Any:
    new = dialect.insert(table).values(
        key=bindparam("key"),
        topic=bindparam("topic"),
        case_id=bindparam("case_id"),
        state=READY,
        wanted=1,
        fence=0,
        attempts=0,
        doubt=0,
        run_at=bindparam("run_at"),
        payload=bindparam("payload"),
        error="",
    )
    at_rest = (table.c.state == DONE) | (table.c.state == PARKED)
    return new.on_conflict_do_update(
        index_elements=[table.c.key],
        set_={
            "wanted": table.c.wanted + 1,
            "state": case((at_rest, READY), else_=table.c.state),
            "attempts": case((at_rest, 0), else_=table.c.attempts),
            # A row that waits out a back-off goes on waiting.
            "run_at": case((at_rest, new.excluded.run_at), else_=table.c.run_at),
            "payload": new.excluded.payload,
        },
    )


_ENQUEUE = {"sqlite": _upsert(sqlite, t.outbox), "postgresql": _upsert(postgresql, t.outbox)}
# The heads of cases and ledger; that of memory is another matter, and no writer of cases waits for it.
_HEADS = (
    select(t.heads).where(t.heads.c.name != "memory").order_by(t.heads.c.name).with_for_update()
)
CASE_BODY = select(t.cases.c.body).where(t.cases.c.id == bindparam("id"))
_LATEST = (
    select(t.cases.c.body)
    .where(t.cases.c.fingerprint == bindparam("fingerprint"))
    .order_by(t.cases.c.number.desc())
    .limit(1)
)
_INSERT_CASE = insert(t.cases)
_MOVED = (
    *(
        "kind",
        "state",
        "owner",
        "version",
        "due_at",
        "body",
        "channel",
        "waits_on",
        "rank",
        "stake",
        "decide_by",
    ),
    *("decided_at", "ended_at", "undo_until", "words"),
)
_MOVE_CASE = (
    update(t.cases)
    .where(t.cases.c.id == bindparam("case_id"), t.cases.c.version == bindparam("expected"))
    .values({name: bindparam(name) for name in _MOVED})
)
_MOVE_HEAD = (
    update(t.heads)
    .where(t.heads.c.name == bindparam("head"))
    .values({name: bindparam(name) for name in ("number", "chain", "peaks")})
)
_FENCED = update(t.outbox).where(
    t.outbox.c.key == bindparam("fenced_key"),
    t.outbox.c.fence == bindparam("fence_held"),
    t.outbox.c.state == LEASED,
)
_HELD = (
    select(t.outbox.c.key)
    .where(
        t.outbox.c.key == bindparam("fenced_key"),
        t.outbox.c.fence == bindparam("fence_held"),
        t.outbox.c.state == LEASED,
    )
    .with_for_update()
)
_COMPLETE = _FENCED.values(
    state=case((t.outbox.c.wanted == bindparam("wanted_then"), DONE), else_=READY),
    # Asked for again while it ran: due at once.
    run_at=case((t.outbox.c.wanted == bindparam("wanted_then"), t.outbox.c.run_at), else_=0.0),
    attempts=0,
    doubt=0,
    error="",
)
_RENEW = _FENCED.values(run_at=bindparam("held_until"))
_AGAIN = _FENCED.values(state=READY, attempts=0, doubt=0, error="", run_at=bindparam("again_at"))

STANDING_BODY = select(t.controls.c.body).where(t.controls.c.name == "desk")
_STAND = (
    update(t.controls)
    .where(t.controls.c.name == "desk", t.controls.c.version == bindparam("expected"))
    .values(version=bindparam("new_version"), body=bindparam("new_body"))
)
_OUTCOME = (
    update(t.effects)
    .where(
        t.effects.c.case_id == bindparam("of_case"),
        t.effects.c.revision == bindparam("of_revision"),
        t.effects.c.step == bindparam("of_step"),
        t.effects.c.outcome == "",
    )
    .values(outcome=bindparam("outcome"))
)
_NAMED = {
    name: module.insert(t.case_people).on_conflict_do_nothing()
    for name, module in (("sqlite", sqlite), ("postgresql", postgresql))
}
_USAGE = (
    select(
        t.effects.c.action,
        t.effects.c.target,
        func.count().label("times"),
        func.sum(t.effects.c.amount).label("amount"),
    )
    .where(
        t.effects.c.day == bindparam("day"),
        t.effects.c.outcome != StepState.FAILED.name,
        not_(
            and_(
                t.effects.c.case_id == bindparam("own_case"),
                t.effects.c.revision == bindparam("own_revision"),
                t.effects.c.step >= bindparam("own_step"),
            )
        ),
    )
    .group_by(t.effects.c.action, t.effects.c.target)
)

LATEST_MIGRATION = "0005"
_VERSION = text("SELECT version_num FROM alembic_version")


def migration_of(connection: Connection) -> str | None:
    """Which migration the database is at; read without Alembic, whose import costs most of a second."""
    if not connection.dialect.has_table(connection, "alembic_version"):
        return None
    found: str | None = connection.execute(_VERSION).scalar()
    if found is None:
        raise SettingsIncomplete(
            "the database does not say of which release it is: its table alembic_version is empty."
            f" Restore a backup, or put back the row ({LATEST_MIGRATION} for this release)"
        )
    return found
