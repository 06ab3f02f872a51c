"""Record decided cases as precedents.

They are written from the ledger; memory follows the rows by itself. No decision waits for either.
"""

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from bot import metrics
from bot.cases.errors import MemoryUnavailable
from bot.cases.precedent import Precedent, precedents_from
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
        if self.store.save(precedents, label, finish=message):
            _count_promises(precedents)

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


def _count_promises(precedents: Sequence[Precedent]) -> None:
    """Count whether what the latest card promised was kept."""
    latest = precedents[-1]
    if latest.decision.card_promise is None or not latest.is_trainable:
        return
    if any(latest.card_id == earlier.card_id for earlier in precedents[:-1]):
        # The card was rejected, and counted, before a person handled the case by hand.
        return
    outcome = "kept" if latest.was_right else "missed"
    metrics.PROMISES.labels(metrics.kind_label(latest.kind), outcome).inc()
