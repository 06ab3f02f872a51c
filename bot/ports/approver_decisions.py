"""The decisions of people, for figures about queues."""

from collections.abc import Iterable
from datetime import datetime
from typing import Protocol

from bot.cases.approver_health import DecisionSample
from bot.cases.probe import Probe


class ApproverDecisions(Protocol):
    """Read decisions from the ledger."""

    def read(self, since: datetime) -> Iterable[DecisionSample]:
        """Return the decisions of people after this time."""

    def probes(self, since: datetime) -> Iterable[Probe]:
        """Return the practice cases after this time, with their answers."""


class NoApproverDecisions:
    """Read nothing, where an organisation has not agreed to figures about approvals."""

    def read(self, since: datetime) -> Iterable[DecisionSample]:
        """Return no decision."""
        return ()

    def probes(self, since: datetime) -> Iterable[Probe]:
        """Return no practice case."""
        return ()
