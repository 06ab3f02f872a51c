"""The keeper of the signed checkpoints."""

import logging
from dataclasses import dataclass

from bot.audit.checkpoints import Checkpoints, Rotation, Witness
from bot.cases.caller import Caller
from bot.cases.control_commands import RecordKeyRotation
from bot.cases.control_decisions import decide_controls
from bot.cases.controls import BEHIND, DeskControls
from bot.cases.errors import LedgerBroken, Refusal, SettingsIncomplete
from bot.desk.retry import retry_on_conflict
from bot.desk.rollback import RollbackWatch, describe_loss
from bot.ports.clock import Clock
from bot.settings import Settings, Signer
from bot.store.store import Store

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class CheckpointKeeper:
    """Sign the ledger, and pause the desk when entries are missing.

    The ledger of a restored backup lacks entries that were signed. It is not signed again before
    an operator has acknowledged that.
    """

    watch: RollbackWatch
    witness: Witness
    store: Store

    def start(self) -> None:
        """Compare the ledger before anything runs, and log what is wrong."""
        if self.compare().is_behind:
            log.error("open, but paused: %s. `countersign doctor` says more.", BEHIND)
        elif not isinstance(self.witness, Checkpoints) and not self.witness.is_there:
            log.warning("%s", _unreadable(self.witness))

    def compare(self) -> DeskControls:
        """Return the desk's standing after the ledger was compared with its checkpoints."""
        try:
            return self.watch.check()
        except LedgerBroken as failure:
            # A folder that cannot be read stops nobody: it says nothing about the ledger.
            log.critical("the ledger cannot be compared with its checkpoints: %s", failure)
            return self.store.desk_controls.load()

    def sign(self) -> None:
        """Sign new entries, unless another process does or some are missing."""
        if self.compare().is_behind or not isinstance(self.witness, Checkpoints):
            return
        try:
            self.witness.sign(self.store.ledger)
        except LedgerBroken as failure:
            log.critical("the ledger is not signed: %s", failure)

    def rotate_key(self, operator: str) -> Rotation:
        """Replace the key under both signatures, and record by whom.

        Raises:
            Refusal: this process does not sign, or a restored backup is not acknowledged.
        """
        if not isinstance(self.witness, Checkpoints):
            raise Refusal(
                "this process does not sign checkpoints (COUNTERSIGN_CHECKPOINTS): replace the key"
                " where they are signed"
            )
        if self.compare().is_behind:
            raise Refusal(f"{BEHIND}: `countersign ledger acknowledge`")
        rotation = self.witness.rotate(self.store.ledger)
        caller = Caller.operator(operator)
        command = RecordKeyRotation(caller, rotation.old_key, rotation.new_key)

        def attempt() -> DeskControls:
            controls = self.store.desk_controls.load()
            decision = decide_controls(controls, command, self.watch.clock())
            return self.store.desk_controls.save(decision)

        retry_on_conflict(attempt)
        # The first note of the new key alone, over the entry that says who brought it in.
        self.witness.sign(self.store.ledger)
        return rotation


def open_keeper(settings: Settings, store: Store, clock: Clock) -> CheckpointKeeper:
    """Open the checkpoints of these settings with the watch over them."""
    witness = open_witness(settings)
    return CheckpointKeeper(watch_over(witness, store, clock), witness, store)


def watch_over(witness: Witness, store: Store, clock: Clock) -> RollbackWatch:
    """Return the watch that compares the ledger with this witness."""
    return RollbackWatch(
        desk_controls=store.desk_controls,
        cases=store.cases,
        queries=store.queries,
        outbox=store.outbox,
        compare=lambda: witness.compare(store.ledger),
        clock=clock,
    )


def open_witness(settings: Settings) -> Witness:
    """Open the folder of checkpoints, for signing if this process signs."""
    if settings.checkpoints is Signer.ON:
        return Checkpoints(settings.checkpoints_dir, settings.origin)
    return Witness(settings.checkpoints_dir, settings.origin)


def sign_or_compare(witness: Witness, store: Store) -> None:
    """Sign the ledger, or compare it where another process signs.

    Raises:
        LedgerBroken: it does not grow from what was signed.
    """
    if isinstance(witness, Checkpoints):
        witness.sign(store.ledger)
        return
    rollback = witness.compare(store.ledger)
    if rollback is not None:
        raise LedgerBroken(describe_loss(rollback))


def checkpoint_problems(settings: Settings, store: Store) -> list[str]:
    """Return a sentence for each disagreement of checkpoints and ledger.

    Writes nothing.
    """
    # Not ``Checkpoints``: that one would make a key where there is none.
    try:
        witness = Witness(settings.checkpoints_dir, settings.origin)
        rollback = witness.compare(store.ledger)
    except (LedgerBroken, SettingsIncomplete) as failure:
        return [f"checkpoints: {failure}"]
    standing = store.desk_controls.load()
    if rollback and standing.acknowledgement_of(rollback.size, rollback.root) is None:
        return [describe_loss(rollback)]
    if standing.is_behind:
        return [f"{BEHIND}: `countersign ledger acknowledge`"]
    if settings.checkpoints is Signer.ELSEWHERE and not witness.is_there:
        return [_unreadable(witness)]
    return []


def _unreadable(witness: Witness) -> str:
    folder = witness.folder
    return f"no checkpoint can be read in {folder}: a restored backup would not be seen"
