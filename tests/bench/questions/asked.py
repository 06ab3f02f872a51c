"""A question as it was put, with everything that its grade follows from."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from tests.bench.questions.oracle import Oracle, Selection
from tests.bench.questions.records import Record
from tests.bench.questions.shown import Shown

Json = Any


@dataclass(frozen=True, kw_only=True)
class Wordings:
    """What people read in place of names in code, as configured."""

    #: Titles of kinds and actions.
    kinds: Mapping[str, str]
    actions: Mapping[str, str]
    #: The amounts that policy names.
    limits: tuple[int, ...]
    #: The kinds that policy lets run alone.
    alone: frozenset[str]


@dataclass(frozen=True, kw_only=True)
class Asked:
    """One question and its answer."""

    #: The line of the file, its placeholders filled.
    row: Mapping[str, Any]
    asker: str
    shown: Shown
    oracle: Oracle
    wordings: Wordings
    picked: Mapping[str, Record] = field(default_factory=dict)
    #: How many entries the ledger got while it was answered.
    entries_written: int = 0
    #: The answer to the same question about a case that does not exist.
    twin: Shown | None = None

    @property
    def meaning(self) -> Mapping[str, Any]:
        meaning: Mapping[str, Any] = self.row["meaning"]
        return meaning

    @property
    def ask(self) -> str:
        return str(self.meaning["ask"])

    @property
    def about(self) -> str:
        return str(self.meaning.get("about", ""))

    @property
    def mode(self) -> str:
        return str(self.row["answer"].get("cases", "exactly"))

    @property
    def order(self) -> str:
        return str(self.meaning.get("order", ""))

    @cached_property
    def selection(self) -> Selection:
        """Find the cases that the question is about; none where it names a single one."""
        if "where" not in self.meaning:
            return Selection([], [])
        return self.oracle.select(self.meaning["where"], self.asker)

    @cached_property
    def record(self) -> Record | None:
        """Return the one case that is meant, if there is one."""
        case_id = self.meaning.get("case", "")
        if case_id and case_id != "that":
            return self.oracle.data.by_id().get(case_id)
        if case_id == "that":
            chosen = self.selection.certain
            if self.order:
                chosen = self.oracle.ordered(chosen, self.order)
            place = max(self.meaning.get("nth", 1), 1) - 1
            return chosen[place] if place < len(chosen) else None
        return None

    @property
    def subjects(self) -> list[Record]:
        """List the case that is meant, or those that are."""
        if self.record:
            return [self.record]
        return self.selection.certain
