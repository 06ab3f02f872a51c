"""The desk's controls: pauses, delegations, emergencies, passkeys."""

from collections.abc import Sequence
from typing import Protocol

from bot.cases.control_decisions import ControlDecision
from bot.cases.controls import DeskControls
from bot.cases.identity import Identities
from bot.ports.outbox import OutboxMessage


class DeskControlsStore(Protocol):
    """Read and write the desk's controls."""

    def latest(self) -> DeskControls:
        """Return the newest controls that this process has met.

        Reads only where it has met none. Another process may have changed them since: whoever
        decides by them has the transaction check it, see ``Change.controls_version``.
        """

    def load(self) -> DeskControls:
        """Return the controls as they are now."""

    def save(
        self,
        decision: ControlDecision,
        messages: Sequence[OutboxMessage] = (),
        *,
        urgent: bool = False,
    ) -> DeskControls:
        """Append a decision about the desk. Return the controls after it.

        ``urgent``: a person waits for it.

        Raises:
            Conflict: somebody else wrote first.
        """

    def rewind(
        self,
        decision: ControlDecision,
        messages: Sequence[OutboxMessage],
        numbers_from: int,
    ) -> DeskControls:
        """Record that a backup was restored.

        New cases are numbered above ``numbers_from``, and no card counts as drawn.
        """

    def keep_accounts(self, accounts: Identities) -> None:
        """Keep who has which accounts; the file may change.

        They are personal, so that they are no part of the ledger, which has their checksum.
        """

    def accounts_of(self, checksum: str) -> Identities | None:
        """Return the accounts with this checksum; None where they are not kept."""
