"""The transaction of a writing job.

Ledger lines are gathered, and get their places together when the batch of jobs ends.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, bindparam, insert, select, update

from bot.cases.canonical import from_json, to_json
from bot.cases.case import Case
from bot.cases.control_decisions import ControlDecision
from bot.cases.controls import DeskControls
from bot.cases.errors import Conflict, LedgerBroken, StaleFence
from bot.cases.ledger import GENESIS, Tree, chain_hash, leaf_hash
from bot.cases.plan import Plan
from bot.cases.policy import Usage
from bot.ports.outbox import LeasedMessage, OutboxMessage
from bot.store import outbox_rows, tables
from bot.store.case_tallies import TallyChanges, add_tallies
from bot.store.dialects import insert_or_update
from bot.store.local_workers import Handover, LocalWorker
from bot.store.projection import CaseWrite, Line, ledger_lines
from bot.store.usage import usage_on

HEAD_IS_GONE = "the head of the ledger is gone from the table heads; restore a backup"


class UnitOfWork:
    """One transaction of the writer, shared by the jobs of a batch."""

    def __init__(self, connection: Connection, workers: Sequence[LocalWorker] = ()) -> None:
        self.connection = connection
        self._workers = workers
        self._head: _Head | None = None
        self._lines: list[Line] = []
        self._tallies = TallyChanges()
        #: What the present job leaves to the local workers.
        self.handover = Handover()

    # --- reading ---------------------------------------------------------------------------------

    def case(self, case_id: str) -> Case | None:
        """Return the case as it is in this transaction."""
        body = self.connection.execute(CASE_BODY, {"id": case_id}).scalar()
        return from_json(Case, body) if body else None

    def latest_case(self, fingerprints: Sequence[str]) -> Case | None:
        """Return the newest case of the first fingerprint that has one."""
        for fingerprint in fingerprints:
            body = self.connection.execute(_LATEST_BODY, {"fingerprint": fingerprint}).scalar()
            if body:
                return from_json(Case, body)
        return None

    def controls(self) -> DeskControls:
        """Return the desk's controls as they are in this transaction."""
        return read_controls(self.connection)

    def usage(self, day: str, *, plan: Plan | None = None, step: int = 0) -> Usage:
        """Sum what has been carried out on this UTC day, as ``UsageOn``."""
        return usage_on(
            connection=self.connection,
            day=day,
            plan=plan,
            step=step,
        )

    # --- the ledger ------------------------------------------------------------------------------

    def lock_head(self) -> "_Head":
        """Lock the head of the ledger until the end of the transaction.

        Its holder is the only one who appends, in this process and in every other.

        Raises:
            LedgerBroken: there is no head.
        """
        if self._head is None:
            rows = self.connection.execute(_HEADS).all()
            if [row.name for row in rows] != ["cases", "ledger"]:
                raise LedgerBroken(HEAD_IS_GONE)
            cases, ledger = rows
            peaks = tuple(bytes.fromhex(peak) for peak in json.loads(ledger.peaks))
            self._head = _Head(
                tree=Tree(ledger.number, peaks),
                chain=ledger.chain or GENESIS,
                case_number=cases.number,
                case_number_before=cases.number,
            )
        return self._head

    def next_case_id(self) -> str:
        """Return the id that the next new case gets."""
        return f"EX-{self.lock_head().case_number + 1}"

    def number_above(self, number: int) -> None:
        """Give new cases numbers above this one."""
        head = self.lock_head()
        head.case_number = max(head.case_number, number)

    def append(self, write: CaseWrite) -> None:
        """Write a change of a case and all that follows from it.

        Raises:
            Conflict: the case is no longer at the expected version.
        """
        if write.expected_version == 0:
            self.lock_head().case_number += 1
            self.connection.execute(_INSERT_CASE, write.case)
        else:
            case_id, expected = write.case["id"], write.expected_version
            values = {**write.case, "case_id": case_id, "expected": expected}
            if self.connection.execute(_UPDATE_CASE, values).rowcount != 1:
                raise Conflict(f"{case_id} is no longer at version {expected}")
        self._lines.extend(write.lines)
        if write.effects:
            self.connection.execute(insert(tables.effects), list(write.effects))
        if write.outcomes:
            self.connection.execute(_SET_OUTCOME, list(write.outcomes))
        if write.people:
            self.connection.execute(_ADD_PEOPLE.on(self.connection), list(write.people))
        self._tallies.add(write.tallies)

    def append_controls(self, decision: ControlDecision) -> None:
        """Write a decision about the desk: entries and controls.

        Raises:
            Conflict: somebody else has changed the controls since the decision read them.
        """
        expected = decision.controls.version - len(decision.entries)
        values = {
            "expected": expected,
            "new_version": decision.controls.version,
            "new_body": to_json(decision.controls),
        }
        if self.connection.execute(_UPDATE_CONTROLS, values).rowcount != 1:
            raise Conflict(f"the desk's controls are no longer at version {expected}")
        self._lines.extend(ledger_lines(decision.entries))

    # --- the outbox ------------------------------------------------------------------------------

    def enqueue(self, messages: Sequence[OutboxMessage], now: datetime | None = None) -> None:
        """Request effects. Local workers hear of them once the transaction is durable.

        ``now`` leases those that are due to workers with room, in this transaction: they need
        neither a look-up nor a second transaction.
        """
        if not messages:
            return
        rows = outbox_rows.message_rows(messages)
        self.connection.execute(outbox_rows.ENQUEUE.on(self.connection), rows)
        self.handover.wakes = True
        if now is not None:
            for worker in self._workers:
                self._lease_to(worker, messages, now)

    def complete(self, message: LeasedMessage, retry_at: datetime | None = None) -> None:
        """Record that the message is done, or due again at ``retry_at``.

        Requested again meanwhile, it is due again at once.

        Raises:
            StaleFence: another worker has taken it over, and nothing is written.
        """
        values = outbox_rows.lease_values(message)
        if retry_at is None:
            values["leased_requests"] = message.requests
            statement = outbox_rows.COMPLETE
        else:
            values["retry_at"] = retry_at.timestamp()
            statement = outbox_rows.COMPLETE_AND_RETRY
            self.handover.wakes = True
        if self.connection.execute(statement, values).rowcount != 1:
            raise StaleFence(message.key)

    def hold(self, message: LeasedMessage, until: datetime | None = None) -> None:
        """Check that a lease is valid, and extend it to ``until``.

        Raises:
            StaleFence: another worker has taken it over.
        """
        lease_until = until.timestamp() if until else None
        values = {**outbox_rows.lease_values(message), "lease_until": lease_until}
        if self.connection.execute(outbox_rows.HOLD, values).rowcount != 1:
            raise StaleFence(message.key)

    def _lease_to(
        self, worker: LocalWorker, messages: Sequence[OutboxMessage], now: datetime
    ) -> None:
        at = now.timestamp()
        keys = [
            message.key
            for message in messages
            if message.topic in worker.topics and message.run_at.timestamp() <= at
        ]
        if keys and worker.has_room():
            values = {"keys": keys, "now": at, "lease_until": at + worker.lease_for}
            rows = self.connection.execute(outbox_rows.LEASE_BY_KEY, values).all()
            self.handover.messages += map(outbox_rows.leased_message, rows)

    # --- the end of the batch --------------------------------------------------------------------

    def flush(self) -> None:
        """Give every gathered line its place, and move the heads."""
        if self._lines:
            self._append_lines(self.lock_head())
        add_tallies(self.connection, self._tallies.rows())
        head = self._head
        if head is not None and head.case_number != head.case_number_before:
            values = {"number": head.case_number, "chain": "", "peaks": "[]"}
            self.connection.execute(_MOVE_HEAD, {"head": "cases", **values})

    def _append_lines(self, head: "_Head") -> None:
        rows = []
        for line in self._lines:
            leaf = leaf_hash(line.body)
            head.tree = head.tree.append(leaf)
            head.chain = chain_hash(head.chain, leaf)
            rows.append(
                {
                    "seq": head.tree.size,
                    "case_id": line.case_id,
                    "version": line.version,
                    "leaf": leaf.hex(),
                    "chain": head.chain,
                    "body": line.body,
                }
            )
        self.connection.execute(insert(tables.ledger), rows)
        peaks = json.dumps([peak.hex() for peak in head.tree.peaks])
        values = {"number": head.tree.size, "chain": head.chain, "peaks": peaks}
        self.connection.execute(_MOVE_HEAD, {"head": "ledger", **values})


@dataclass(slots=True)
class _Head:
    """The ledger's tree, its last link, and the highest case number."""

    tree: Tree
    chain: str
    case_number: int
    #: As it was when the head was locked.
    case_number_before: int


def read_controls(connection: Connection) -> DeskControls:
    """Return the desk's controls."""
    body = connection.execute(_CONTROLS_BODY).scalar()
    return from_json(DeskControls, body) if body else DeskControls()


_cases = tables.cases.c
CASE_BODY = select(_cases.body).where(_cases.id == bindparam("id"))
_LATEST_BODY = (
    select(_cases.body)
    .where(_cases.fingerprint == bindparam("fingerprint"))
    .order_by(_cases.number.desc())
    .limit(1)
)
_INSERT_CASE = insert(tables.cases)
# Set once, when the case is opened.
_FIXED_COLUMNS = {"id", "number", "source", "fingerprint", "opened_at"}
_CHANGING_COLUMNS = [
    column.name for column in tables.cases.columns if column.name not in _FIXED_COLUMNS
]
_UPDATE_CASE = (
    update(tables.cases)
    .where(_cases.id == bindparam("case_id"), _cases.version == bindparam("expected"))
    .values({name: bindparam(name) for name in _CHANGING_COLUMNS})
)
_ADD_PEOPLE = insert_or_update(
    tables.case_people, key=[tables.case_people.c.person, tables.case_people.c.case_id]
)

_heads = tables.heads.c
# The third head, "memory", is left out: no writer of cases waits for the precedents.
_HEADS = select(tables.heads).where(_heads.name != "memory").order_by(_heads.name).with_for_update()
_MOVE_HEAD = (
    update(tables.heads)
    .where(_heads.name == bindparam("head"))
    .values({name: bindparam(name) for name in ("number", "chain", "peaks")})
)

_controls = tables.controls.c
_CONTROLS_BODY = select(_controls.body).where(_controls.name == "desk")
_UPDATE_CONTROLS = (
    update(tables.controls)
    .where(_controls.name == "desk", _controls.version == bindparam("expected"))
    .values(version=bindparam("new_version"), body=bindparam("new_body"))
)

_effects = tables.effects.c
# The first outcome stays: a landed step whose undoing is reported has landed.
_SET_OUTCOME = (
    update(tables.effects)
    .where(
        _effects.case_id == bindparam("of_case"),
        _effects.revision == bindparam("of_revision"),
        _effects.step == bindparam("of_step"),
        _effects.outcome == "",
    )
    .values(outcome=bindparam("outcome"))
)
