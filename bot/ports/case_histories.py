"""The ledger entries of the cases that a report is about."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Protocol

from bot.cases.entries import Entry

Span = tuple[datetime, datetime]


class CaseHistories(Protocol):
    """One moment of the ledger, read case by case."""

    def ledger_size(self) -> int:
        """Count the entries of the ledger."""

    def first_openings(self, kinds: Iterable[str]) -> dict[str, datetime]:
        """Return when the case of each kind that ended first was opened."""

    def find(self, spans: Sequence[Span], *, kind: str = "", team: str = "") -> list[int]:
        """List the cases that were open within the spans, by number."""

    def entries(self, numbers: Sequence[int]) -> Iterator[list[Entry]]:
        """Yield the entries of each of these cases.

        They are read a page at a time.
        """


class CaseHistorySource(Protocol):
    """Open the ledger for a report."""

    def snapshot(self) -> AbstractContextManager[CaseHistories]:
        """See one moment of the ledger, whatever is written meanwhile."""
