"""The ledger as rows: its head and its lines in order."""

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, select

from bot.cases.controls import Rollback
from bot.cases.errors import LedgerBroken
from bot.store import tables
from bot.store.database import Database
from bot.store.heads import HEAD_IS_GONE
from bot.store.redactions import Redactions
from bot.store.statements import CompiledStatement
from bot.store.unit_of_work import CONTROLS_BODY, controls_from

PAGE_SIZE = 2_000

LAST_CASE_NUMBER = CompiledStatement(
    select(tables.heads.c.number).where(tables.heads.c.name == "cases")
)
LEDGER_SIZE = CompiledStatement(
    select(tables.heads.c.number).where(tables.heads.c.name == "ledger")
)
_HEAD = select(tables.heads).where(tables.heads.c.name == "ledger")
_PAGE = (
    select(tables.ledger)
    .where(tables.ledger.c.seq > bindparam("after"))
    .order_by(tables.ledger.c.seq)
    .limit(bindparam("size"))
)
_ENTRY = select(tables.ledger.c.body).where(tables.ledger.c.seq == bindparam("seq"))
_CASES_AFTER = (
    select(tables.ledger.c.case_id).where(tables.ledger.c.seq > bindparam("after")).distinct()
)
# The clocks of several processes differ a little, so entries are nearly in the order of time.
CLOCK_TOLERANCE = timedelta(hours=1)
_LEAVES = (
    select(tables.ledger.c.seq, tables.ledger.c.leaf)
    .where(tables.ledger.c.seq > bindparam("after"), tables.ledger.c.seq <= bindparam("until"))
    .order_by(tables.ledger.c.seq)
    .limit(PAGE_SIZE)
)


class Ledger:
    """Read the ledger. ``UnitOfWork`` is the only writer."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def head(self) -> tuple[int, str, list[str]]:
        """Return the number of lines, the last link and the tree's peaks.

        Raises:
            LedgerBroken: there is no head.
        """
        rows = self._database.fetch(_HEAD)
        if not rows:
            raise LedgerBroken(HEAD_IS_GONE)
        head = rows[0]
        return head.number, head.chain, json.loads(head.peaks)

    def rows(self, *, after: int = 0, page_size: int = PAGE_SIZE) -> Iterator[Any]:
        """Yield the lines after this place, in order.

        They are read a page at a time, so that memory does not grow with the ledger.
        """
        while True:
            page = self._database.fetch(_PAGE, {"after": after, "size": page_size})
            yield from page
            if len(page) < page_size:
                return
            after = page[-1].seq

    def cases_since(self, at: datetime) -> list[str]:
        """Return the ids of cases with entries since this time.

        The desk's own id may be among them.
        """
        after = self._find_place(at - CLOCK_TOLERANCE)
        return sorted(row.case_id for row in self._database.fetch(_CASES_AFTER, {"after": after}))

    def _find_place(self, at: datetime) -> int:
        """Return the place of the last line before this time, or 0."""
        before, size = 0, self.head()[0]
        while before < size:
            middle = (before + size + 1) // 2
            body = self._database.fetch(_ENTRY, {"seq": middle})[0].body
            if datetime.fromisoformat(json.loads(body)["at"]) < at:
                before = middle
            else:
                size = middle - 1
        return before

    def leaves(self, *, until: int) -> Iterator[bytes]:
        """Yield the leaves up to this place, in order."""
        after = 0
        while page := self._database.fetch(_LEAVES, {"after": after, "until": until}):
            for row in page:
                yield bytes.fromhex(row.leaf)
            after = page[-1].seq

    def redactions(self) -> Redactions:
        """Return where persons were erased from entries, as it is now."""
        return Redactions(self._database.fetch)

    def last_case_number(self) -> int:
        """Return the highest number that a case may have so far."""
        number: int = self._database.fetch(LAST_CASE_NUMBER)[0].number
        return number

    def acknowledgement_of(self, size: int, root: str) -> Rollback | None:
        """Return the acknowledged restore of a backup that lacks this signed tree."""
        controls = controls_from(self._database.fetch(CONTROLS_BODY))
        return controls.acknowledgement_of(size, root)
