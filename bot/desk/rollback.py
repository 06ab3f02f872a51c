"""Rollbacks: a restored backup pauses everything until it is acknowledged.

The ledger is compared with its last signed checkpoint. A ledger that does not grow from it may
lack decisions and steps that happened: nothing runs until somebody has compared it with the
systems of record.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from bot.cases.caller import Caller
from bot.cases.control_commands import Acknowledge, FallBehind
from bot.cases.control_decisions import decide_controls
from bot.cases.controls import BEHIND, DeskControls
from bot.desk.retry import retry_on_conflict
from bot.ports.case_queries import CaseQueries
from bot.ports.case_store import CaseStore
from bot.ports.clock import Clock
from bot.ports.desk_controls import DeskControlsStore
from bot.ports.outbox import Outbox, OutboxMessage, Topic, card_message

log = logging.getLogger(__name__)
#: Cases that may have been opened after a backup was made, and whose numbers nobody remembers.
RESTORE_NUMBER_MARGIN = 1_000


@dataclass(frozen=True, kw_only=True)
class RollbackWatch:
    """Compares the ledger with a witness outside the database."""

    desk_controls: DeskControlsStore
    cases: CaseStore
    queries: CaseQueries
    outbox: Outbox
    #: Describes the disagreement; None when there is none.
    compare: Callable[[], FallBehind | None]
    clock: Clock

    def check(self) -> DeskControls:
        """Pause everything if the ledger does not grow from its last checkpoint.

        Raises:
            LedgerBroken: the checkpoint itself cannot be read.
        """
        rollback = self.compare()
        if rollback is None:
            return self.desk_controls.load()
        return self._record(rollback)

    def record_restore(self, size: int, root: str) -> DeskControls:
        """Pause everything after a backup of this size was restored.

        What was done after it may never have been signed, so no checkpoint need show that.
        """
        controls = self.check()
        if controls.is_behind:
            return controls
        numbers_from = self.cases.last_case_number() + RESTORE_NUMBER_MARGIN
        return self._record(
            FallBehind(
                size=size,
                root=root,
                own_size=size,
                common_size=size,
                numbers_from=numbers_from,
            )
        )

    def _record(self, rollback: FallBehind) -> DeskControls:
        def attempt() -> DeskControls:
            controls, now = self.desk_controls.load(), self.clock()
            decision = decide_controls(controls, rollback, now)
            if not decision.entries:
                return controls
            after = self.desk_controls.rewind(
                decision,
                self._all_cards(now),
                numbers_from=rollback.numbers_from,
            )
            log.error("%s", describe_loss(rollback))
            return after

        return retry_on_conflict(attempt)

    def acknowledge(self, note: str, *, operator: str) -> DeskControls:
        """End the pause after an operator has compared the systems of record."""
        self.check()
        caller = Caller.operator(operator)

        def attempt() -> DeskControls:
            controls, now = self.desk_controls.load(), self.clock()
            command = Acknowledge(caller, note, self.cases.last_case_number())
            decision = decide_controls(controls, command, now)
            return self.desk_controls.save(decision, self._all_cards(now))

        controls = retry_on_conflict(attempt)
        self.outbox.run_now(Topic.EXECUTE, self.clock())
        return controls

    def _all_cards(self, now: datetime) -> list[OutboxMessage]:
        return [card_message(case_id, now) for case_id in self.queries.open_ids()]


def describe_loss(rollback: FallBehind) -> str:
    """Say what a restored backup lacks, and what to do about it."""
    if rollback.common_size == rollback.size:
        return (
            f"{BEHIND[0].upper()}{BEHIND[1:]}. It has {rollback.own_size} entries; what was decided"
            " and done after the backup was made is not in it. Compare the systems of record with"
            " what was done since, then `countersign ledger acknowledge`"
        )
    missing = (
        f"entries {rollback.common_size + 1} to {rollback.size} that were signed are not in it, "
        "or not proved to be the same"
    )
    return (
        f"{BEHIND[0].upper()}{BEHIND[1:]}. "
        f"It has {rollback.own_size} entries, {rollback.size} were signed; {missing}. "
        "Compare the systems of record with what was done since, "
        "then `countersign ledger acknowledge`"
    )
