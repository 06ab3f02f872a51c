"""Cases and their ledger entries, read and written whole."""

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

from bot.cases.case import Case
from bot.cases.control_commands import ControlCommand
from bot.cases.control_decisions import ControlDecision
from bot.cases.controls import DeskControls
from bot.cases.entries import Entry
from bot.cases.grant import Grant, GrantUse
from bot.cases.plan import Plan
from bot.cases.signal import Signal
from bot.cases.standing_rule import RuleUse, StandingRule
from bot.cases.usage import Usage
from bot.ports.outbox import LeasedMessage, OutboxMessage


class UsageAt(Protocol):
    """Sum what was carried out of a plan's actions lately."""

    def __call__(
        self, at: datetime, windows: Sequence[timedelta], *, plan: Plan, step: int = 0
    ) -> Usage:
        """Count what lies in each window that ends at ``at``.

        The windows come in order. The steps of ``plan`` from ``step`` on are left out.
        """


Guard = Callable[[DeskControls, UsageAt], None]
"""Check a change inside its transaction, against controls and usage as they are there.

A refusal that it raises writes nothing.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """All that one decision writes, or nothing of it."""

    #: The case before it; None when it opens one.
    before: Case | None
    entries: tuple[Entry, ...]
    #: The case after the entries.
    after: Case
    #: The effects that follow.
    messages: tuple[OutboxMessage, ...] = ()
    guard: Guard | None = None
    #: The version of the desk's controls that it was judged by. It is a conflict when they have
    #: been changed since, by whatever process. None: nothing of it rests on them.
    controls_version: int | None = None
    #: A decision about the desk, written in the same transaction.
    control_decision: ControlDecision | None = None
    #: Commands to the desk, decided in the same transaction on its controls as they are there.
    control_commands: tuple[ControlCommand, ...] = ()


class ReceiptOutcome(StrEnum):
    """The outcome of a received signal."""

    OPENED = "opened"
    COUNTED = "counted"
    CLEARED = "cleared"
    DUPLICATE = "duplicate"
    CONFLICT = "conflict"
    IGNORED = "ignored"


@dataclass(frozen=True, slots=True)
class Receipt:
    """The answer to a signal."""

    outcome: ReceiptOutcome
    case_id: str | None


Judge = Callable[[Case | None, str], Change | None]
"""Decide what a signal writes; None for nothing.

Takes the latest case of its fingerprint and the id that a new case would get.
"""


class CaseStore(Protocol):
    """Read cases and write decisions. Every method is one transaction."""

    def case(self, case_id: str) -> Case:
        """Return the case as it is now.

        Raises:
            NoSuchCase: there is none.
        """

    def case_of(self, message: LeasedMessage) -> Case:
        """Return the case that came with a message, or the present one.

        What another process has changed since then is not seen: whoever writes by it does so by
        compare-and-set, and the change has requested its own effects.

        Raises:
            NoSuchCase: there is none.
        """

    def entries(self, case_id: str, *, after: int = 0) -> list[Entry]:
        """Return the ledger entries of a case above this version, in order."""

    def receive(self, signal: Signal, raw: bytes, judge: Judge, now: datetime) -> Receipt:
        """Record a signal and its effect, once per source and key."""

    def commit(
        self,
        change: Change,
        *,
        finish: LeasedMessage | None = None,
        retry_at: datetime | None = None,
        renew: LeasedMessage | None = None,
        renew_until: datetime | None = None,
        urgent: bool = False,
    ) -> Case:
        """Append, project and enqueue, or do nothing. Return the case after it.

        ``finish`` is done with it, or due again at ``retry_at``. ``renew`` goes on being worked
        on: its lease must still be valid, and is extended to ``renew_until``. ``urgent``: a person
        waits for it, and it goes before what waits to be written.

        Raises:
            Conflict: the case changed meanwhile.
            StaleFence: another worker has taken the message over.
        """

    def submit(
        self, change: Change, *, finish: LeasedMessage | None = None, urgent: bool = False
    ) -> Future[Case]:
        """Commit without waiting until it is durable.

        A callback of the future runs as soon as it is, on the thread that writes: it must be short,
        and must neither read nor write the store. Its failures are those of ``commit``.
        """

    def usage(
        self, at: datetime, windows: Sequence[timedelta], *, plan: Plan, step: int = 0
    ) -> Usage:
        """Sum what was carried out in these windows, as ``UsageAt``."""

    def grant_use(self, grant: Grant) -> GrantUse:
        """Sum what was begun under a grant."""

    def rule_use(self, rule: StandingRule) -> RuleUse:
        """Count the plans that began by a standing rule."""

    def step_outcomes(self, action: str, limit: int) -> list[str]:
        """Return how the last steps of this action ended, the latest first."""

    def last_case_number(self) -> int:
        """Return the highest number that a case may have so far."""
