"""The ledger's size, its last link, and the highest case number."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import and_, bindparam, case, or_, select, update

from bot.cases.errors import LedgerBroken
from bot.cases.ledger import GENESIS, Tree
from bot.store import tables
from bot.store.statements import CompiledStatement, Values

HEAD_IS_GONE = "the head of the ledger is gone from the table heads; restore a backup"


class HeadMoved(Exception):
    """Another process has appended since the heads were read."""


@dataclass(slots=True, kw_only=True)
class Heads:
    """The ledger's tree, its last link, and the highest case number."""

    tree: Tree
    chain: str
    case_number: int
    #: As they stand in the table.
    stored_size: int
    stored_case_number: int

    @classmethod
    def from_rows(cls, rows: Sequence[Any]) -> "Heads":
        """Read the rows of ``LEDGER_HEADS``.

        Raises:
            LedgerBroken: one is missing.
        """
        if [row.name for row in rows] != ["cases", "ledger"]:
            raise LedgerBroken(HEAD_IS_GONE)
        cases, ledger = rows
        peaks = tuple(bytes.fromhex(peak) for peak in json.loads(ledger.peaks))
        return cls(
            tree=Tree(ledger.number, peaks),
            chain=ledger.chain or GENESIS,
            case_number=cases.number,
            stored_size=ledger.number,
            stored_case_number=cases.number,
        )

    @property
    def has_new_cases(self) -> bool:
        """Tell whether case numbers were given out."""
        return self.case_number != self.stored_case_number

    @property
    def has_new_lines(self) -> bool:
        """Tell whether the ledger has grown."""
        return self.tree.size != self.stored_size

    def values(self) -> Values:
        """Return the parameters of the statements that move the heads."""
        return {
            "size": self.tree.size,
            "link": self.chain,
            "new_peaks": json.dumps([peak.hex() for peak in self.tree.peaks]),
            "size_before": self.stored_size,
            "case_number": self.case_number,
            "case_number_before": self.stored_case_number,
        }

    def mark_stored(self) -> None:
        """Note that the table has these heads now."""
        self.stored_size = self.tree.size
        self.stored_case_number = self.case_number


_heads = tables.heads.c
# The third head, "memory", is left out: no writer of cases waits for the precedents.
HEADS_FOR_UPDATE = (
    select(tables.heads).where(_heads.name != "memory").order_by(_heads.name).with_for_update()
)
LEDGER_HEADS = CompiledStatement(HEADS_FOR_UPDATE)
# With outdated heads these statements change nothing.
_IS_LEDGER = and_(_heads.name == "ledger", _heads.number == bindparam("size_before"))
_IS_CASES = and_(_heads.name == "cases", _heads.number == bindparam("case_number_before"))
MOVE_LEDGER_HEAD = CompiledStatement(
    update(tables.heads)
    .where(_IS_LEDGER)
    .values(number=bindparam("size"), chain=bindparam("link"), peaks=bindparam("new_peaks"))
)
MOVE_CASES_HEAD = CompiledStatement(
    update(tables.heads).where(_IS_CASES).values(number=bindparam("case_number"))
)
MOVE_BOTH_HEADS = CompiledStatement(
    update(tables.heads)
    .where(or_(_IS_LEDGER, _IS_CASES))
    .values(
        number=case(
            (_heads.name == "ledger", bindparam("size", type_=_heads.number.type)),
            else_=bindparam("case_number", type_=_heads.number.type),
        ),
        chain=case(
            (_heads.name == "ledger", bindparam("link", type_=_heads.chain.type)),
            else_=_heads.chain,
        ),
        peaks=case(
            (_heads.name == "ledger", bindparam("new_peaks", type_=_heads.peaks.type)),
            else_=_heads.peaks,
        ),
    )
)
