"""The places of each case's cards in Slack."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from bot.cases.case import Case
from bot.cases.controls import DeskControls
from bot.cases.grant import GrantMeter
from bot.cases.missing_approvals import MissingApprovals
from bot.ports.outbox import LeasedMessage, OutboxMessage
from bot.views.labels import Labels

# The look of a card that a newer one has replaced. It has no buttons any more.
REPLACED = "replaced"
# The form of cards and buttons that this release draws. A card in another form is drawn again,
# because its buttons lack something. Change it when what a button carries changes.
CARD_FORMAT = "3"
#: In the look of a card whose plan nobody can approve.
NOBODY = "nobody"


@dataclass(frozen=True, slots=True, kw_only=True)
class CardRef:
    """A posted card of a case."""

    case_id: str
    #: A new card, with a higher generation, replaces this one when the case is reopened.
    generation: int
    channel: str
    #: The message's id in its channel; empty when it was posted nowhere.
    ts: str
    #: The version of the case that the card shows. 0 draws it again.
    version: int
    look: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CardContext:
    """The part of a card that is not in its case."""

    #: Why nothing runs now, in words; empty when nothing is paused.
    pause_reason: str = ""
    #: Why nobody can approve the plan, in words; empty where somebody can.
    why_nobody: str = ""
    #: The plan can still be taken back.
    is_undoable: bool = False
    #: The name of whoever edited the plan last; empty when nobody did.
    edited_by: str = ""
    #: The name of whoever handed the case to the person who has it; empty when nobody did.
    handed_over_by: str = ""
    #: Whose approval is missing after others were given; None when that is not known.
    missing_approvals: MissingApprovals | None = None
    #: The names of the facts that were read too long ago to be shown without a mark.
    stale_facts: tuple[str, ...] = ()
    #: The name of the person who raised the case by hand; empty where nobody did.
    requester_name: str = ""
    #: What people read in place of names in code.
    labels: Labels = field(default_factory=Labels)
    #: What was approved in advance with this case, with its use; None where that is over.
    grant_meter: GrantMeter | None = None

    @property
    def key(self) -> str:
        """Return the look that a card drawn in this context has."""
        flags = {
            "paused": bool(self.pause_reason),
            NOBODY: bool(self.why_nobody),
            "undoable": self.is_undoable,
        }
        if self.grant_meter:
            flags[f"grant:{self.grant_meter.use.count}:{self.grant_meter.use.amount:.2f}"] = True
        return " ".join([CARD_FORMAT, *(name for name, is_set in flags.items() if is_set)])


@dataclass(frozen=True, slots=True, kw_only=True)
class CardState:
    """A case with all about its card, at one moment."""

    case: Case
    #: The newest generation first.
    cards: Sequence[CardRef]
    controls: DeskControls
    #: The keys of the live lists that follow the case, in order.
    live_list_keys: Sequence[str]
    #: App Homes were opened lately. They may have to show the case.
    has_homes: bool
    #: Cards are due that nobody has under lease.
    has_due_cards: bool


class CardStore(Protocol):
    """Record where cards stand, and find them again."""

    def state_of(
        self,
        message: LeasedMessage,
        *,
        homes_since: datetime | None = None,
        cards_due_at: datetime | None = None,
    ) -> CardState:
        """Return the present case of a message, and all about its card.

        ``homes_since``: look for App Homes that were shown after this time. ``cards_due_at``: look
        for cards that are due then.

        Raises:
            NoSuchCase: there is no such case.
        """

    def cards(self, case_id: str) -> list[CardRef]:
        """Return the cards of this case, the newest generation first."""

    def newest(self, case_ids: Sequence[str]) -> dict[str, CardRef]:
        """Return the newest card of each of these cases that has one."""

    def case_at(self, channel: str, ts: str) -> str:
        """Return the id of the case whose card stands there.

        Empty when none does.
        """

    def find_outdated(self, card_format: str, now: datetime) -> list[str]:
        """List the cases with live buttons whose newest card has another format."""

    def record(
        self,
        card: CardRef,
        *,
        finish: LeasedMessage | None = None,
        hold: LeasedMessage | None = None,
        messages: Sequence[OutboxMessage] = (),
        now: datetime | None = None,
    ) -> None:
        """Record where a card stands, and request the effects that follow.

        ``finish`` is done with it; the lease on ``hold`` must still be valid. ``now`` tells which
        effects are due at once: workers are not woken for the others before their time.

        Raises:
            StaleFence: another worker has taken the message over.
        """
