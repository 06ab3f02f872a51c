"""The record of decisions on the actions of a kind."""

from datetime import datetime
from typing import Protocol

from bot.cases.agreement import DecisionScore


class DecisionRecords(Protocol):
    """Read scores of decisions."""

    def scores(self, kind: str, action: str, since: datetime) -> list[DecisionScore]:
        """Return the scores of an action from this time on, in order."""

    def clean_runs(self, kind: str, action: str, limit: int) -> int:
        """Count runs alone since the last wrong one, to a limit."""
