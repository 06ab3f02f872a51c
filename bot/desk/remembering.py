"""What has been decided goes into memory: written down from the ledger first, indexed after. Decisions never wait for either."""

import contextlib
from dataclasses import dataclass

from bot.cases.errors import MemoryUnavailable
from bot.cases.precedent import remembered
from bot.ports import Memory, Shelf, Store, Work


@dataclass(frozen=True)
class Remembering:
    store: Store
    shelf: Shelf
    memory: Memory

    def run(self, work: Work) -> None:
        """Handle one outbox row. The shelf is written with the row's completion; an index that is away catches up later."""
        precedents, label = remembered(self.store.entries(work.case_id))
        self.shelf.keep(precedents, label, done=work)
        with contextlib.suppress(MemoryUnavailable):
            self.memory.catch_up()

    def look_again(self) -> int:
        """Whether memory still knows all that the ledger tells; what it lacks is written and indexed. Returns how many cases it lacked."""
        lacking = self.shelf.missing()
        if lacking:
            for _ in self.shelf.derive():
                pass
        with contextlib.suppress(MemoryUnavailable):
            self.memory.catch_up()
        return lacking
