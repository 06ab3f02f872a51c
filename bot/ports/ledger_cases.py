"""The cases of the ledger by time."""

from datetime import datetime
from typing import Protocol


class LedgerCases(Protocol):
    """Find which cases the ledger has entries of."""

    def cases_since(self, at: datetime) -> list[str]:
        """Return the ids of cases with entries since this time.

        The desk's own id may be among them.
        """
