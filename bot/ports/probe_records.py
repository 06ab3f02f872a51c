"""Practice cases, which no other query finds."""

from datetime import datetime
from typing import Protocol

from bot.cases.case import Case


class ProbeRecords(Protocol):
    """Read the practice cases of the past."""

    def since(self, at: datetime) -> list[Case]:
        """Return the probes opened after this time, the latest first."""
