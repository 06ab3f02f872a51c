"""A restored backup is noticed, pauses everything, and is acknowledged by whoever runs the bot.

The ledger is compared with what was signed. One that does not grow from that may lack decisions and deeds that happened: nothing
runs before somebody has compared it with the systems of record.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass

from bot.cases.approval import Person
from bot.cases.controls import BEHIND, Acknowledge, Asked, DeskControls, FallBehind, decide_controls
from bot.cases.entries import Entry
from bot.desk.decisions import retry_on_conflict
from bot.desk.effects import card_message
from bot.ports.case_queries import CaseQueries
from bot.ports.case_store import CaseStore
from bot.ports.clock import Clock
from bot.ports.desk_controls import DeskControlsStore
from bot.ports.outbox import Outbox, Topic

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class RollbackWatch:
    """``compare`` gives what a witness outside the database says of the ledger; None when it agrees."""

    desk_controls: DeskControlsStore
    cases: CaseStore
    queries: CaseQueries
    outbox: Outbox
    compare: Callable[[], FallBehind | None]
    clock: Clock

    def look(self) -> DeskControls:
        """Pause everything if the ledger does not grow from what was signed.

        Raises:
            LedgerBroken: the witness itself cannot be read.
        """
        found = self.compare()
        if found is None:
            return self.desk_controls.load()

        def attempt() -> DeskControls:
            standing, now = self.desk_controls.load(), self.clock()
            rulings = decide_controls(standing, found, now)
            if not rulings:
                return standing
            cards = [card_message(case_id, now) for case_id in self.queries.open_ids()]
            after = self.desk_controls.rewind(standing, rulings, cards, found.numbers_from)
            log.error("%s", lost(found))
            return after

        return retry_on_conflict(attempt)

    def acknowledge(self, note: str, *, operator: str) -> DeskControls:
        """End the pause: whoever runs the bot has compared what was lost with the systems of record."""
        self.look()
        by = Asked(
            Person(f"operator:{operator}", operator), frozenset(), frozenset(), "command line"
        )

        def attempt() -> DeskControls:
            standing, now = self.desk_controls.load(), self.clock()
            rulings: tuple[Entry, ...] = decide_controls(
                standing, Acknowledge(by, note, self.cases.last_case_number()), now
            )
            cards = [card_message(case_id, now) for case_id in self.queries.open_ids()]
            return self.desk_controls.save(standing, rulings, cards)

        after = retry_on_conflict(attempt)
        self.outbox.run_now(Topic.EXECUTE, self.clock())
        return after


def lost(found: FallBehind) -> str:
    """What a restored backup lacks, and what to do about it."""
    gone = f"entries {found.common_size + 1} to {found.size} that were signed are not in it, or not proved to be the same"
    return (
        f"{BEHIND[0].upper()}{BEHIND[1:]}. It has {found.own_size} entries, {found.size} were signed; {gone}. "
        "Compare the systems of record with what was done since, then `countersign ledger acknowledge`"
    )
