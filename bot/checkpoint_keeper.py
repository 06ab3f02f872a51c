"""The keeper of the signed checkpoints."""

import logging
from dataclasses import dataclass

from bot.cases.controls import BEHIND, DeskControls
from bot.cases.errors import LedgerBroken
from bot.desk.rollback import RollbackWatch, lost
from bot.ports import Clock
from bot.settings import Settings, Signer
from bot.store.checkpoints import Checkpoints, Witness
from bot.store.store import SqlStore

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class CheckpointKeeper:
    """Sign the ledger, and pause the desk when entries are missing.

    The ledger of a restored backup lacks entries that were signed. It is not signed again before
    an operator has acknowledged that.
    """

    watch: RollbackWatch
    witness: Witness
    store: SqlStore

    def start(self) -> None:
        """Compare the ledger before anything runs, and log what is wrong."""
        if self.compare().is_behind:
            log.error("open, but paused: %s. `countersign doctor` says more.", BEHIND)
        elif not isinstance(self.witness, Checkpoints) and not self.witness.is_there:
            log.warning("%s", _unreadable(self.witness))

    def compare(self) -> DeskControls:
        """Return the desk's standing after the ledger was compared with its checkpoints."""
        try:
            return self.watch.look()
        except LedgerBroken as failure:
            # A folder that cannot be read stops nobody: it says nothing about the ledger.
            log.critical("the ledger cannot be compared with its checkpoints: %s", failure)
            return self.store.controls()

    def sign(self) -> None:
        """Sign new entries, unless another process does or some are missing."""
        if self.compare().is_behind or not isinstance(self.witness, Checkpoints):
            return
        try:
            self.witness.sign(self.store)
        except LedgerBroken as failure:
            log.critical("the ledger is not signed: %s", failure)


def open_keeper(settings: Settings, store: SqlStore, clock: Clock) -> CheckpointKeeper:
    """Open the checkpoints of these settings with the watch over them."""
    witness = open_witness(settings)
    watch = RollbackWatch(store, lambda: witness.compare(store), clock)
    return CheckpointKeeper(watch, witness, store)


def open_witness(settings: Settings) -> Witness:
    """Open the folder of checkpoints, for signing if this process signs."""
    if settings.checkpoints is Signer.ON:
        return Checkpoints(settings.checkpoints_dir, settings.origin)
    return Witness(settings.checkpoints_dir, settings.origin)


def sign_or_compare(witness: Witness, store: SqlStore) -> None:
    """Sign the ledger, or compare it where another process signs.

    Raises:
        LedgerBroken: it does not grow from what was signed.
    """
    if isinstance(witness, Checkpoints):
        witness.sign(store)
        return
    rollback = witness.compare(store)
    if rollback is not None:
        raise LedgerBroken(lost(rollback))


def checkpoint_problems(settings: Settings, store: SqlStore) -> list[str]:
    """Return a sentence for each disagreement of checkpoints and ledger.

    Writes nothing.
    """
    # Not ``Checkpoints``: that one would make a key where there is none.
    witness = Witness(settings.checkpoints_dir, settings.origin)
    try:
        rollback = witness.compare(store)
    except LedgerBroken as failure:
        return [f"checkpoints: {failure}"]
    standing = store.controls()
    if rollback and standing.acknowledgement_of(rollback.size, rollback.root) is None:
        return [lost(rollback)]
    if standing.is_behind:
        return [f"{BEHIND}: `countersign ledger acknowledge`"]
    if settings.checkpoints is Signer.ELSEWHERE and not witness.is_there:
        return [_unreadable(witness)]
    return []


def _unreadable(witness: Witness) -> str:
    folder = witness.folder
    return f"no checkpoint can be read in {folder}: a restored backup would not be seen"
