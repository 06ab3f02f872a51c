"""A plan is the ordered actions awaiting approval. It is a closed document, approved by its digest: what was shown is what runs."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from bot.cases.canonical import Scalar, canonical_hash, to_plain

NO_TIME = "PT0S"
CENT = Decimal("0.01")
MAX_AMOUNT = Decimal(10**12)
DRY_RUN = "dry-run"


class Idempotency(StrEnum):
    """How a connector keeps an action from happening twice. NONE is never retried by itself."""

    NATIVE_KEY = "native_key"
    CONDITIONAL = "conditional"
    MARKER = "marker"
    NONE = "none"


class Proposer(StrEnum):
    PLAYBOOK = "playbook"
    PERSON = "person"
    MODEL = "model"


@dataclass(frozen=True, slots=True)
class Money:
    amount: Decimal
    currency: str

    def __str__(self) -> str:
        symbol = {"GBP": "£", "EUR": "€", "USD": "$"}.get(self.currency, f"{self.currency} ")
        return f"{symbol}{self.amount:,.2f}"


def amount_of(value: object) -> Decimal | None:
    """Read an amount of money; None where the value is not one.

    A truth value, a NaN, an infinity, text without a number, less than nothing or more than there
    is: none of them is money.
    """
    if value is None or isinstance(value, bool):
        return None
    try:
        amount = Decimal(str(value))
    except (ArithmeticError, ValueError):
        return None
    # A NaN cannot be compared: whether it is finite comes first.
    if not amount.is_finite() or not 0 <= amount <= MAX_AMOUNT:
        return None
    return abs(amount.quantize(CENT))


@dataclass(frozen=True, slots=True)
class Action:
    """One change to one outside system. ``precondition`` is the snapshot that must still hold when it runs.

    ``amount`` is None only where the action declares that it moves no money: there is no action
    whose amount is not known.
    ``undo_for`` is how long after it has landed it may still be taken back; zero where the action declares no such window.
    """

    name: str
    version: int
    system: str
    connector: str
    target: str
    parameters: Mapping[str, Scalar]
    summary: str
    preview: str
    reversible: bool
    idempotency: Idempotency
    precondition: Mapping[str, Scalar]
    amount: Money | None = None
    undo_for: timedelta = timedelta(0)


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything an approval binds. Nothing outside this document influences what is executed."""

    case_id: str
    revision: int
    actions: tuple[Action, ...]
    playbook: str
    playbook_digest: str
    policy_digest: str
    proposer: Proposer
    requester: str | None
    beneficiary: str | None
    not_after: datetime
    #: What was approved is carried out in this mode ("live", "dry-run") or not at all. Empty in
    #: plans of earlier releases: they run in any.
    mode: str = ""

    @property
    def plan_hash(self) -> str:
        """SHA-256 of the RFC 8785 form: what an approval names and the executor recomputes.

        A field that came with a later release is left out where it says nothing, so that what was approved before an upgrade is
        still what was approved. The verifier leaves it out likewise.
        """
        plain = to_plain(self)
        for action in plain["actions"]:
            if action["undo_for"] == NO_TIME:
                del action["undo_for"]
        if not self.mode:
            del plain["mode"]
        return canonical_hash(plain)

    @property
    def amount(self) -> Money | None:
        """The money this plan moves, summed; None when it moves none. Mixed currencies are refused by policy."""
        moved = [action.amount for action in self.actions if action.amount]
        if not moved:
            return None
        return Money(sum((money.amount for money in moved), Decimal(0)), moved[0].currency)

    @property
    def undo_for(self) -> timedelta:
        """How long the whole plan may be taken back: as long as each of its actions allows."""
        return min(
            (action.undo_for if action.reversible else timedelta(0) for action in self.actions),
            default=timedelta(0),
        )

    @property
    def is_dry_run(self) -> bool:
        return self.mode == DRY_RUN

    def is_of(self, mode: str) -> bool:
        """Tell whether it may be carried out in this mode; a plan without a mode may in any."""
        return self.mode in {"", mode}

    def step_key(self, step: int) -> str:
        """The idempotency key of one step: the same for every attempt, different for every revision."""
        return canonical_hash([self.case_id, self.revision, step, self.plan_hash])
