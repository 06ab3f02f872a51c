"""Record decided cases as precedents.

They are written from the ledger; memory follows the rows by itself. No decision waits for either.
"""

import contextlib
from dataclasses import dataclass
from datetime import timedelta

from bot.cases.errors import MemoryUnavailable
from bot.cases.precedent import precedents_from
from bot.ports.case_store import CaseStore
from bot.ports.memory import Memory, PrecedentStore
from bot.ports.outbox import LeasedMessage

# Of the cases that ended; a start looks at all of them.
RECONCILED_SPAN = timedelta(days=7)


@dataclass(frozen=True)
class PrecedentRecorder:
    """Write precedents, and find those that are missing."""

    cases: CaseStore
    store: PrecedentStore
    memory: Memory

    def run(self, message: LeasedMessage) -> None:
        """Record one case, in the transaction that finishes the message."""
        precedents, label = precedents_from(self.cases.entries(message.case_id))
        self.store.save(precedents, label, finish=message)

    def reconcile(self) -> int:
        """Record the cases that are missing. Return how many were."""
        missing = self.store.count_missing(RECONCILED_SPAN)
        if missing:
            for _ in self.store.rebuild():
                # Each step of the generator writes a batch.
                pass
        # An index that is away catches up later.
        with contextlib.suppress(MemoryUnavailable):
            self.memory.catch_up()
        return missing
