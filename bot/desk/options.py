"""The settings that the desk itself needs."""

from dataclasses import dataclass

from bot.desk.alert_storms import MAX_CARDS
from bot.ports.event_sender import EventSender
from bot.ports.receipts import ReceiptSigner


@dataclass(frozen=True, kw_only=True)
class DeskOptions:
    """The settings that the desk itself needs."""

    #: What plans are approved for: "live", "dry-run" or "shadow". Empty binds them to none.
    mode: str = ""
    #: Cards of one kind from one source before the rest share one; 0 for never.
    storm_after: int = MAX_CARDS
    #: Seconds that work stays with a worker that gives no sign of life.
    lease_for: float = 30.0
    #: Seconds before a message whose posting is in doubt is looked for.
    settle_for: float = 30.0
    #: The lead of the operation sees how groups decide.
    is_health_shown: bool = False
    #: Posts events to programs; None for a desk that tells them nothing.
    event_sender: EventSender | None = None
    #: Signs the decisions that programs are told of; None for none.
    receipt_signer: ReceiptSigner | None = None
    #: The address at which people and programs reach the bot.
    public_url: str = ""
    #: Practice cases for each queue and week; 0 for none.
    probes_per_week: int = 0
