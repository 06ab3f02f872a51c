"""The transaction of a writing job.

Ledger lines are gathered, and get their places together when the batch of jobs ends.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from functools import lru_cache, partial
from typing import Any

from sqlalchemy import Connection, bindparam, insert, select, update

from bot.cases.canonical import from_json, to_json
from bot.cases.case import Case
from bot.cases.control_decisions import ControlDecision
from bot.cases.controls import DeskControls
from bot.cases.entries import GrantEnded
from bot.cases.errors import Conflict, StaleFence
from bot.cases.grant import giving_case
from bot.cases.ledger import chain_hash, leaf_hash
from bot.cases.plan import Plan
from bot.cases.usage import Usage
from bot.ports.outbox import LeasedMessage, OutboxMessage, card_message
from bot.store import outbox_rows, tables
from bot.store.case_tallies import ADD_TALLY, TallyChanges
from bot.store.decision_scores import DROP_SCORE, PUT_SCORE
from bot.store.decoded_cases import DecodedCases
from bot.store.dialects import insert_or_update
from bot.store.driver import DriverConnection
from bot.store.heads import (
    LEDGER_HEADS,
    MOVE_BOTH_HEADS,
    MOVE_CASES_HEAD,
    MOVE_LEDGER_HEAD,
    HeadMoved,
    Heads,
)
from bot.store.local_workers import Handover, LocalWorker
from bot.store.message_requests import MessageRequests
from bot.store.met_controls import MetControls
from bot.store.projection import CaseWrite, Line, ledger_lines
from bot.store.statements import CompiledStatement, InsertRows
from bot.store.usage import usage_at


class UnitOfWork:
    """One transaction of the writer, shared by the jobs of a batch."""

    def __init__(
        self,
        driver: DriverConnection,
        workers: Sequence[LocalWorker] = (),
        *,
        heads: Heads | None = None,
        decoded_cases: DecodedCases | None = None,
        met_controls: MetControls | None = None,
    ) -> None:
        """Use ``heads`` of the last transaction, if nobody else writes.

        That is checked when they move.
        """
        self.driver = driver
        self._workers = workers
        self._decoded_cases = decoded_cases or DecodedCases()
        self._heads = heads
        self._lines: list[Line] = []
        self._tallies = TallyChanges()
        self._met_controls = met_controls or MetControls()
        #: The desk's controls after the last change of them; None where nothing changed them.
        self.changed_controls: DeskControls | None = None
        #: What the present job leaves to the local workers.
        self.handover = Handover()

    @property
    def connection(self) -> Connection:
        """Return SQLAlchemy's connection, for statements outside the hot path."""
        return self.driver.connection

    # --- reading ---------------------------------------------------------------------------------

    def case(self, case_id: str) -> Case | None:
        """Return the case as it is in this transaction."""
        row = self.driver.fetch_first(CASE_BODY, {"id": case_id})
        return self._decoded_cases.decode(case_id, row.body) if row else None

    def latest_case(self, fingerprints: Sequence[str]) -> Case | None:
        """Return the newest case of the first fingerprint that has one."""
        for fingerprint in fingerprints:
            row = self.driver.fetch_first(_LATEST_BODY, {"fingerprint": fingerprint})
            if row:
                return self._decoded_cases.decode(row.id, row.body)
        return None

    def controls(self) -> DeskControls:
        """Return the desk's controls as they are in this transaction."""
        controls = controls_from(self.driver.fetch(CONTROLS_BODY))
        # What this transaction itself has changed may be rolled back.
        if self.changed_controls is None:
            self._met_controls.add(controls)
        return controls

    def usage(
        self, at: datetime, windows: Sequence[timedelta], *, plan: Plan, step: int = 0
    ) -> Usage:
        """Sum what was carried out in these windows, as ``UsageAt``."""
        return usage_at(self.driver.fetch, at, windows, plan=plan, step=step)

    # --- the ledger ------------------------------------------------------------------------------

    def lock_head(self) -> Heads:
        """Lock the head of the ledger until the end of the transaction.

        Its holder is the only one who appends, in this process and in every other.

        Raises:
            LedgerBroken: there is no head.
        """
        if self._heads is None:
            self._heads = Heads.from_rows(self.driver.fetch(LEDGER_HEADS))
        return self._heads

    @property
    def heads(self) -> Heads | None:
        """Return the heads after this transaction; None before they are read."""
        return self._heads

    def next_case_id(self) -> str:
        """Return the id that the next new case gets."""
        return f"EX-{self.lock_head().case_number + 1}"

    def number_above(self, number: int) -> None:
        """Give new cases numbers above this one."""
        heads = self.lock_head()
        heads.case_number = max(heads.case_number, number)

    def append(self, write: CaseWrite) -> None:
        """Write a change of a case and all that follows from it.

        Raises:
            Conflict: the case is no longer at the expected version.
        """
        if write.expected_version == 0:
            self.lock_head().case_number += 1
            self.driver.change_later(_INSERT_CASE, write.case)
        else:
            self._update_case(write)
        self._lines.extend(write.lines)
        self.driver.change_each(_INSERT_EFFECT, write.effects)
        self.driver.change_each(_SET_OUTCOME, write.outcomes)
        self.driver.change_each(_ADD_PERSON, write.people)
        self.driver.change_each(PUT_SCORE, write.scores)
        self.driver.change_each(DROP_SCORE, write.dropped_scores)
        self._tallies.add(write.tallies)

    def _update_case(self, write: CaseWrite) -> None:
        case_id, expected = write.case["id"], write.expected_version
        values = {**write.case, "case_id": case_id, "expected": expected}
        statement = _UPDATE_CASE
        if write.controls_version is not None:
            statement = _UPDATE_JUDGED_CASE
            values["controls_version"] = write.controls_version
        if self.driver.change(statement, values) == 1:
            return
        # Whoever judges again must know the controls of now.
        if write.controls_version is not None and self.controls().version != write.controls_version:
            raise Conflict("the desk's controls were changed since the case was judged")
        raise Conflict(f"{case_id} is no longer at version {expected}")

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
        if self.driver.change(_UPDATE_CONTROLS, values) != 1:
            raise Conflict(f"the desk's controls are no longer at version {expected}")
        self.changed_controls = decision.controls
        self._lines.extend(ledger_lines(decision.entries))
        # Whatever ends a grant, its meter goes with it: there is never a dead button.
        self.enqueue([card_message(case, at) for case, at in _ended_meters(decision)])

    def count_again(self, tallies: Sequence[Mapping[str, Any]]) -> None:
        """Change the tallies of cases whose rows were changed without an entry."""
        self._tallies.add(tallies)

    # --- the outbox ------------------------------------------------------------------------------

    def enqueue(
        self,
        messages: Sequence[OutboxMessage],
        now: datetime | None = None,
        *,
        case: Case | None = None,
    ) -> None:
        """Request effects. Local workers hear of them once the transaction is durable.

        ``now`` leases those that are due to workers with room, in this transaction: they need
        neither a look-up nor a second transaction. ``case``, as this transaction leaves it, goes
        along with them, and need not be read either.
        """
        requests = MessageRequests(self.driver, self._workers, self.handover, case=case)
        for message in messages:
            requests.add(message, now)

    def complete(self, message: LeasedMessage, retry_at: datetime | None = None) -> None:
        """Record that the message is done, or due again at ``retry_at``.

        Requested again meanwhile, it is due again at once.

        Raises:
            StaleFence: another worker has taken it over, and nothing is written.
        """
        values = outbox_rows.lease_values(message)
        if retry_at is None:
            values["leased_requests"] = message.requests
            statement = _COMPLETE
        else:
            values["retry_at"] = retry_at.timestamp()
            statement = _COMPLETE_AND_RETRY
        self.driver.fetch_later(statement, values, partial(_check_lease, self.handover, message))

    def hold(self, message: LeasedMessage, until: datetime | None = None) -> None:
        """Check that a lease is valid, and extend it to ``until``.

        Raises:
            StaleFence: another worker has taken it over.
        """
        values = outbox_rows.hold_values(message, until)
        self.driver.change_exactly(1, _HOLD, values, failure=StaleFence(message.key))

    # --- the end of the batch --------------------------------------------------------------------

    def flush(self) -> None:
        """Give every gathered line its place, and move the heads.

        Raises:
            HeadMoved: another process has appended since these heads were read.
        """
        rows = _place_lines(self._lines, self.lock_head()) if self._lines else []
        if self._heads is not None:
            # Before the lines: whoever has outdated heads must not try to insert any.
            self._move_heads(self._heads)
        self.driver.insert(_INSERT_LINES, rows)
        self.driver.change_each(ADD_TALLY, self._tallies.rows())

    def _move_heads(self, heads: Heads) -> None:
        if heads.has_new_lines and heads.has_new_cases:
            self._move(MOVE_BOTH_HEADS, heads, count=2)
        elif heads.has_new_lines:
            self._move(MOVE_LEDGER_HEAD, heads, count=1)
        elif heads.has_new_cases:
            self._move(MOVE_CASES_HEAD, heads, count=1)

    def _move(self, statement: CompiledStatement, heads: Heads, count: int) -> None:
        self.driver.change_exactly(count, statement, heads.values(), failure=HeadMoved())
        heads.mark_stored()


def _place_lines(lines: Sequence[Line], heads: Heads) -> list[dict[str, Any]]:
    """Give each line its place after the heads, and move them on."""
    rows = []
    for line in lines:
        leaf = leaf_hash(line.body)
        heads.tree = heads.tree.append(leaf)
        heads.chain = chain_hash(heads.chain, leaf)
        rows.append(
            {
                "seq": heads.tree.size,
                "case_id": line.case_id,
                "version": line.version,
                "leaf": leaf.hex(),
                "chain": heads.chain,
                "body": line.body,
            }
        )
    return rows


def _ended_meters(decision: ControlDecision) -> Iterator[tuple[str, datetime]]:
    """Yield the cases whose cards show a grant that has ended."""
    for entry in decision.entries:
        if isinstance(entry.body, GrantEnded):
            yield giving_case(entry.body.grant), entry.at


def _check_lease(handover: Handover, message: LeasedMessage, rows: Sequence[Any]) -> None:
    """Check that a message was completed under a valid lease.

    Raises:
        StaleFence: another worker has it.
    """
    if not rows:
        raise StaleFence(message.key)
    if rows[0].state == outbox_rows.READY:
        handover.wakes.add(message.topic)


def controls_from(rows: Sequence[Any]) -> DeskControls:
    """Read the rows of ``CONTROLS_BODY``."""
    body = rows[0].body if rows else ""
    return _decode_controls(body) if body else DeskControls()


@lru_cache(maxsize=8)
def _decode_controls(body: str) -> DeskControls:
    # They are read for every card, and change seldom.
    return from_json(DeskControls, body)


_cases = tables.cases.c
CASE_BODY = CompiledStatement(select(_cases.body).where(_cases.id == bindparam("id")))
_LATEST_BODY = CompiledStatement(
    select(_cases.id, _cases.body)
    .where(_cases.fingerprint == bindparam("fingerprint"))
    .order_by(_cases.number.desc())
    .limit(1)
)
_INSERT_CASE = CompiledStatement(insert(tables.cases))
# Set once, when the case is opened.
_FIXED_COLUMNS = {"id", "number", "source", "fingerprint", "opened_at"}
_CHANGING_COLUMNS = [
    column.name for column in tables.cases.columns if column.name not in _FIXED_COLUMNS
]
_UPDATE_CASE = CompiledStatement(
    update(tables.cases)
    .where(_cases.id == bindparam("case_id"), _cases.version == bindparam("expected"))
    .values({name: bindparam(name) for name in _CHANGING_COLUMNS})
)
# What was judged by the desk's controls is written while they are the same: no statement more.
_UPDATE_JUDGED_CASE = CompiledStatement(
    update(tables.cases)
    .where(
        _cases.id == bindparam("case_id"),
        _cases.version == bindparam("expected"),
        select(tables.controls.c.version).where(tables.controls.c.name == "desk").scalar_subquery()
        == bindparam("controls_version"),
    )
    .values({name: bindparam(name) for name in _CHANGING_COLUMNS})
)
_ADD_PERSON = CompiledStatement(
    insert_or_update(
        tables.case_people, key=[tables.case_people.c.person, tables.case_people.c.case_id]
    )
)
_INSERT_LINES = InsertRows(tables.ledger)

_controls = tables.controls.c
CONTROLS_BODY = CompiledStatement(select(_controls.body).where(_controls.name == "desk"))
_UPDATE_CONTROLS = CompiledStatement(
    update(tables.controls)
    .where(_controls.name == "desk", _controls.version == bindparam("expected"))
    .values(version=bindparam("new_version"), body=bindparam("new_body"))
)

_effects = tables.effects.c
_INSERT_EFFECT = CompiledStatement(
    insert(tables.effects).values(
        {
            column.name: bindparam(column.name)
            for column in tables.effects.columns
            if column.name != "outcome"
        }
    )
)
# The first outcome stays: a landed step whose undoing is reported has landed.
_SET_OUTCOME = CompiledStatement(
    update(tables.effects)
    .where(
        _effects.case_id == bindparam("of_case"),
        _effects.revision == bindparam("of_revision"),
        _effects.step == bindparam("of_step"),
        _effects.outcome == "",
    )
    .values(outcome=bindparam("outcome"))
)

_COMPLETE = CompiledStatement(outbox_rows.COMPLETE)
_COMPLETE_AND_RETRY = CompiledStatement(outbox_rows.COMPLETE_AND_RETRY)
_HOLD = CompiledStatement(outbox_rows.HOLD)
