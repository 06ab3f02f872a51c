"""The check of the ledger's rows, their heads and the desk's controls."""

import json
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, select

from bot.audit.findings import CHANGED, TAMPERED, is_json_of
from bot.cases.control_folds import fold_controls
from bot.cases.controls import DESK_ID, DeskControls
from bot.cases.entries import Entry, LedgerBehind, Opened, entry_of
from bot.cases.errors import CountersignError
from bot.cases.ledger import GENESIS, Tree, chain_hash
from bot.store import tables
from bot.store.desk_controls import ACCOUNTS
from bot.store.redactions import Redactions

PAGE_SIZE = 2_000


class LedgerCheck:
    """One pass over the ledger, in order."""

    def __init__(self, connection: Connection, progress: Callable[[int], None] | None) -> None:
        self._connection = connection
        self._progress = progress
        self._redactions = Redactions(lambda query: connection.execute(query).all())
        self._controls = DeskControls()
        self._tree = Tree()
        self._chain = GENESIS
        self._case_number = 0
        self.entries = 0
        self.cases = 0
        #: The time of the latest entry.
        self.last_at: datetime | None = None

    def differences(self) -> Iterator[str]:
        """Yield what does not hold."""
        for row in self._rows():
            self.entries += 1
            yield from self._check_line(row)
            if self._progress:
                self._progress(1)
        yield from self._check_heads()
        yield from self._check_controls()

    def _rows(self) -> Iterator[Any]:
        after = 0
        while True:
            rows = self._connection.execute(_PAGE, {"after": after}).all()
            yield from rows
            if not rows:
                return
            after = rows[-1].seq

    def _check_line(self, row: Any) -> Iterator[str]:
        body = bytes(row.body)
        leaf = self._redactions.leaf_of(row)
        self._tree = self._tree.append(leaf)
        self._chain = chain_hash(self._chain, leaf)
        if row.seq != self.entries:
            yield f"entry {self.entries}: its place is {row.seq}: {TAMPERED}"
        if (row.leaf, row.chain) != (leaf.hex(), self._chain):
            yield f"entry {row.seq}: its leaf or link is not what its content makes: {TAMPERED}"
        try:
            yield from self._check_entry(row, entry_of(json.loads(body)))
        except (CountersignError, ValueError, KeyError, TypeError) as failure:
            yield f"entry {row.seq}: {type(failure).__name__}: {failure}"

    def _check_entry(self, row: Any, entry: Entry) -> Iterator[str]:
        self.last_at = max(entry.at, self.last_at or entry.at)
        if (row.case_id, row.version) != (entry.case_id, entry.version):
            yield (
                f"entry {row.seq}: it stands under {row.case_id} {row.version}, "
                f"and is of {entry.case_id} {entry.version}: {TAMPERED}"
            )
        yield from self._check_number(row.seq, entry)
        if entry.case_id == DESK_ID:
            self._controls = fold_controls([entry], self._controls)

    def _check_number(self, seq: int, entry: Entry) -> Iterator[str]:
        """Check that case numbers go up by one.

        After a restored backup they go on from the number that its entry names.
        """
        if isinstance(entry.body, LedgerBehind):
            self._case_number = max(self._case_number, entry.body.numbers_from)
        if isinstance(entry.body, Opened):
            self.cases += 1
            self._case_number += 1
            next_id = f"EX-{self._case_number}"
            if entry.case_id != next_id:
                yield (
                    f"entry {seq}: {entry.case_id} was opened where {next_id} was next: {TAMPERED}"
                )
                self._case_number = int(entry.case_id.rpartition("-")[2])

    def _check_heads(self) -> Iterator[str]:
        heads = {row.name: row for row in self._connection.execute(select(tables.heads))}
        peaks = [peak.hex() for peak in self._tree.peaks]
        ledger = heads.get("ledger")
        if ledger is None or (ledger.number, ledger.chain) != (self._tree.size, self._chain):
            yield (
                f"the head of the ledger does not say {self.entries} entries and their last link:"
                f" {TAMPERED}"
            )
        elif json.loads(ledger.peaks) != peaks:
            yield f"the head of the ledger does not hold the tree of its entries: {TAMPERED}"
        cases = heads.get("cases")
        expected = (self._case_number, "", "[]")
        if cases is None or (cases.number, cases.chain, cases.peaks) != expected:
            yield (
                f"the next case must be EX-{self._case_number + 1},"
                f" and the head of cases says another: {CHANGED}"
            )
        memory = heads.get("memory")
        last_change = self._connection.execute(_LAST_CHANGE).scalar() or 0
        if memory is None or memory.number < last_change:
            yield f"memory has {last_change} changes, and its head says less: {CHANGED}"

    def _check_controls(self) -> Iterator[str]:
        # The accounts of people are no part of the ledger; whoever reads them checks them.
        others = tables.controls.c.name != ACCOUNTS
        rows = self._connection.execute(select(tables.controls).where(others)).all()
        if [row.name for row in rows] != ["desk"]:
            yield f"{DESK_ID}: it must have one row of controls, and has {len(rows)}: {CHANGED}"
            return
        (row,) = rows
        if row.body:
            is_right = is_json_of(row.body, self._controls)
        else:
            is_right = self._controls == DeskControls()
        if not is_right or row.version != self._controls.version:
            yield f"{DESK_ID}: what is paused or delegated is not what the ledger says: {CHANGED}"


_PAGE = (
    select(tables.ledger)
    .where(tables.ledger.c.seq > bindparam("after"))
    .order_by(tables.ledger.c.seq)
    .limit(PAGE_SIZE)
)
_LAST_CHANGE = select(tables.precedents.c.seq).order_by(tables.precedents.c.seq.desc()).limit(1)
