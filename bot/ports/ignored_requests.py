"""Requests that their source leaves out, counted: none is dropped silently."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class IgnoredCount:
    """The ignored requests of one source, event and day."""

    source: str
    day: date
    #: What the product calls it.
    event: str
    count: int
    last_at: datetime


class IgnoredRequests(Protocol):
    """Count what sources leave out."""

    def count(self, source: str, event: str, at: datetime) -> None:
        """Count a request; what is older than the retention goes."""

    def list(self, source: str = "") -> Sequence[IgnoredCount]:
        """List counts, of one source or all, latest day first."""


class NoIgnoredRequests:
    """Count nothing, where nothing is received."""

    def count(self, source: str, event: str, at: datetime) -> None:
        """Count nothing."""

    def list(self, source: str = "") -> Sequence[IgnoredCount]:
        """List nothing."""
        return ()
