"""What has been decided goes into memory: written down from the ledger first, indexed after. Decisions never wait for either."""

import contextlib
from dataclasses import dataclass

from bot.cases.errors import MemoryUnavailable
from bot.cases.precedent import precedents_from
from bot.ports.case_store import CaseStore
from bot.ports.memory import Memory, PrecedentStore
from bot.ports.outbox import LeasedMessage


@dataclass(frozen=True)
class PrecedentRecorder:
    cases: CaseStore
    shelf: PrecedentStore
    memory: Memory

    def run(self, work: LeasedMessage) -> None:
        """Handle one outbox row. The shelf is written with the row's completion; an index that is away catches up later."""
        precedents, label = precedents_from(self.cases.entries(work.case_id))
        self.shelf.save(precedents, label, finish=work)
        with contextlib.suppress(MemoryUnavailable):
            self.memory.catch_up()

    def reconcile(self) -> int:
        """Whether memory still knows all that the ledger tells; what it lacks is written and indexed. Returns how many cases it lacked."""
        lacking = self.shelf.count_missing()
        if lacking:
            for _ in self.shelf.rebuild():
                pass
        with contextlib.suppress(MemoryUnavailable):
            self.memory.catch_up()
        return lacking
