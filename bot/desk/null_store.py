"""A store of one recorded case, and an outbox for nothing.

They stand in while a case is played again.
What the desk reads to judge a plan is answered as it was then. Whatever would write fails: a replay
that wrote would be no replay.
"""

from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NoReturn, Protocol

from bot.cases.case import Case
from bot.cases.control_decisions import ControlDecision
from bot.cases.controls import DeskControls
from bot.cases.entries import Entry
from bot.cases.grant import Grant, GrantUse
from bot.cases.identity import Identities
from bot.cases.plan import Plan
from bot.cases.signal import Signal
from bot.cases.standing_rule import RuleUse, StandingRule
from bot.cases.usage import Usage
from bot.ports.case_store import CaseStore, Change, Judge, Receipt
from bot.ports.desk_controls import DeskControlsStore
from bot.ports.outbox import LeasedMessage, Outbox, OutboxMessage, Topic


class PastUsage(Protocol):
    """Sum what had been carried out before a moment."""

    def __call__(self, at: datetime, windows: Sequence[timedelta], *, plan: Plan | None) -> Usage:
        """Count what lies in each window that ends at ``at``."""


@dataclass(frozen=True)
class RecordedControls(DeskControlsStore):
    """The controls of the desk as they were."""

    recorded_controls: DeskControls

    def latest(self) -> DeskControls:
        """Return the controls as they were: nothing changes what was recorded."""
        return self.recorded_controls

    def load(self) -> DeskControls:
        """Return the controls as they were."""
        return self.recorded_controls

    def save(
        self,
        decision: ControlDecision,
        messages: Sequence[OutboxMessage] = (),
        *,
        urgent: bool = False,
    ) -> DeskControls:
        """Refuse."""
        _refuse()

    def rewind(
        self, decision: ControlDecision, messages: Sequence[OutboxMessage], numbers_from: int
    ) -> DeskControls:
        """Refuse."""
        _refuse()

    def keep_accounts(self, accounts: Identities) -> None:
        """Refuse."""
        _refuse()

    def accounts_of(self, checksum: str) -> Identities | None:
        """Return nothing: no change waits."""
        return None


@dataclass(frozen=True)
class RecordedCases(CaseStore):
    """One case, with the usage of its time."""

    recorded_case: Case
    recorded_usage: Usage
    #: Sums it anew for the plan that is judged, where the ledger is at hand.
    usage_before: PastUsage | None = None

    def case(self, case_id: str) -> Case:
        """Return the case as it was."""
        return self.recorded_case

    def case_of(self, message: LeasedMessage) -> Case:
        """Return the case as it was."""
        return self.recorded_case

    def entries(self, case_id: str, *, after: int = 0) -> list[Entry]:
        """Return nothing: whoever looks at a case has it."""
        return []

    def usage(
        self, at: datetime, windows: Sequence[timedelta], *, plan: Plan, step: int = 0
    ) -> Usage:
        """Return what had been carried out until then."""
        if self.usage_before is None:
            return self.recorded_usage
        return self.usage_before(at, windows, plan=plan)

    def grant_use(self, grant: Grant) -> GrantUse:
        """Return nothing: nothing is approved in advance."""
        return GrantUse()

    def rule_use(self, rule: StandingRule) -> RuleUse:
        """Return nothing: the uses of a day come with the usage."""
        return RuleUse()

    def step_outcomes(self, action: str, limit: int) -> list[str]:
        """Return nothing: no step begins."""
        return []

    def last_case_number(self) -> int:
        """Return that no case is opened."""
        return 0

    def receive(self, signal: Signal, raw: bytes, judge: Judge, now: datetime) -> Receipt:
        """Refuse."""
        _refuse()

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
        """Refuse."""
        _refuse()

    def submit(
        self, change: Change, *, finish: LeasedMessage | None = None, urgent: bool = False
    ) -> Future[Case]:
        """Refuse."""
        _refuse()


class NullOutbox(Outbox):
    """An outbox in which nothing waits and into which nothing goes."""

    def enqueue(self, messages: Sequence[OutboxMessage]) -> None:
        """Refuse."""
        _refuse()

    def enqueue_once(self, job: str, slot: int, message: OutboxMessage) -> bool:
        """Refuse."""
        _refuse()

    def has_due(self, topics: Sequence[Topic], now: datetime) -> bool:
        """Return that nothing is due."""
        return False

    def claim(
        self, topics: Sequence[Topic], limit: int, now: datetime, lease_seconds: float
    ) -> list[LeasedMessage]:
        """Return nothing."""
        return []

    def renew(self, messages: Sequence[LeasedMessage], until: datetime) -> set[tuple[str, int]]:
        """Refuse."""
        _refuse()

    def finish(self, message: LeasedMessage, messages: Sequence[OutboxMessage] = ()) -> None:
        """Refuse."""
        _refuse()

    def wait(self, message: LeasedMessage, until: datetime, reason: str) -> None:
        """Refuse."""
        _refuse()

    def retry(
        self,
        message: LeasedMessage,
        run_at: datetime,
        error: str,
        *,
        certain: bool,
        counts: bool = True,
    ) -> None:
        """Refuse."""
        _refuse()

    def park(self, message: LeasedMessage, error: str) -> None:
        """Refuse."""
        _refuse()

    def waiting_keys(self, topic: Topic, case_id: str) -> list[str]:
        """Return nothing."""
        return []

    def run_now(self, topic: Topic, now: datetime) -> None:
        """Refuse."""
        _refuse()


def _refuse() -> NoReturn:
    raise AssertionError("what is played again writes nothing")
