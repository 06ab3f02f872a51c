"""Intake of signals.

A signal opens a case, counts on one, clears one, or changes nothing.
"""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from bot import tracing
from bot.cases import commands
from bot.cases.actor import CaseId
from bot.cases.case import Case
from bot.cases.decide import decide
from bot.cases.errors import KeyReused
from bot.cases.hours import ALWAYS, Hours
from bot.cases.identity import UNLINKED, Identities
from bot.cases.lifecycle import State
from bot.cases.playbook import Playbook
from bot.cases.signal import Signal, SignalStatus
from bot.cases.sla import promise_sla
from bot.cases.source import Source
from bot.desk.effects import change
from bot.desk.record_checks import ON_RECORD, RecordChecks
from bot.desk.signal_rush import SignalRush
from bot.desk.source_throttle import SourceThrottle
from bot.ports.case_store import CaseStore, Change, Judge, Receipt, ReceiptOutcome
from bot.ports.clock import Clock
from bot.ports.ignored_requests import IgnoredRequests, NoIgnoredRequests
from bot.ports.library import Library

# Trouble that comes back within this time is the same case again, not a new one. Asking again soon
# after a "no" must not wear people down until somebody says yes.
SAME_CASE_FOR = timedelta(hours=24)


@dataclass(frozen=True, kw_only=True)
class Intake:
    """Records signals, and gives each new case its turn."""

    cases: CaseStore
    library: Library
    clock: Clock
    #: Spreads the cases of a loud source; None lets them come as they are.
    throttle: SourceThrottle | None = field(default_factory=SourceThrottle)
    #: Work on cases waits while many signals come.
    rush: SignalRush = field(default_factory=SignalRush)
    ignored_requests: IgnoredRequests = field(default_factory=NoIgnoredRequests)
    #: Tells what the systems of record have already; None where nobody is asked.
    record_checks: RecordChecks | None = None

    def ignore(self, source: str, event: str) -> None:
        """Count a request that its source leaves out."""
        self.ignored_requests.count(source, event, self.clock())

    def is_on_record(self, source: Source, signal: Signal) -> bool:
        """Tell whether this trouble is on record, and count it."""
        if self.record_checks is None or not self.record_checks.has(source, signal):
            return False
        self.ignore(source.name, ON_RECORD)
        return True

    def receive(self, signal: Signal, raw: bytes) -> Receipt:
        """Record a signal durably and return what it became.

        ``raw`` is kept as it came.

        Raises:
            KeyReused: the source used this key for something else; both are stored, none merged.
        """
        now = self.clock()
        playbook = self.library.playbook(signal.kind)
        hours = self.library.hours(playbook.channel)
        identities = self.library.identities()

        def judge_latest(latest: Case | None, new_id: str) -> Change | None:
            return judge(
                latest,
                new_id,
                signal=signal,
                playbook=playbook,
                now=now,
                hours=hours,
                identities=identities,
            )

        return self.record(signal, raw, judge=judge_latest, now=now)

    def record(self, signal: Signal, raw: bytes, *, judge: Judge, now: datetime) -> Receipt:
        """Record a signal with what ``judge`` makes of it.

        Raises:
            KeyReused: the source used this key for something else; both are stored, none merged.
        """
        kind = self.library.playbook(signal.kind).kind

        def judge_in_turn(latest: Case | None, new_id: str) -> Change | None:
            change = judge(latest, new_id)
            if change is None or change.before is not None:
                return change
            return self._schedule(change, signal, now)

        with self.rush, tracing.span("intake", kind=kind, source=signal.source) as span:
            receipt = self.cases.receive(signal, raw, judge=judge_in_turn, now=now)
            is_new = receipt.outcome is ReceiptOutcome.OPENED
            span.open_case(receipt.case_id or "", is_root=is_new)
            span.set(outcome=receipt.outcome.value)
        if receipt.outcome is ReceiptOutcome.CONFLICT:
            raise KeyReused(f"key {signal.key[:80]!r} was used before with another body")
        return receipt

    def _schedule(self, change: Change, signal: Signal, now: datetime) -> Change:
        """Give a new case its turn among those of other sources."""
        if self.throttle is None:
            return change
        turn = self.throttle.next_turn(signal.source, now)
        messages = []
        for message in change.messages:
            is_due = message.run_at <= now
            messages.append(
                replace(message, run_at=turn.run_at, priority=turn.priority) if is_due else message
            )
        return replace(change, messages=tuple(messages))


def judge(
    latest: Case | None,
    new_id: str,
    signal: Signal,
    playbook: Playbook,
    now: datetime,
    hours: Hours = ALWAYS,
    identities: Identities = UNLINKED,
) -> Change | None:
    """Decide what a signal writes, given the latest case of its fingerprint.

    None means nothing: there is no case to clear.
    """
    # Whoever opened a case, or shares a domain with them, may count on it or clear it. That must
    # not depend on a hash alone.
    if latest is not None and latest.signal.identity not in signal.identities:
        latest = None
    if signal.status is SignalStatus.CLEAR:
        return _clear(latest, signal, playbook=playbook, now=now)
    if latest is None or _is_over(latest, now):
        return open_case(new_id, signal, playbook, now=now, hours=hours)
    reopen = latest.state in {State.RESOLVED, State.CLEARED}
    return change(latest, decide(latest, commands.Recur(signal, reopen, identities), now), playbook)


def open_case(
    new_id: str, signal: Signal, playbook: Playbook, *, now: datetime, hours: Hours
) -> Change:
    """Open a case for a signal."""
    times = playbook.measure
    sla = promise_sla(
        now,
        decide_for=times.decide_for,
        resolve_for=times.resolve_for,
        hours=hours,
    )
    opening = commands.Open(
        case_id=CaseId(new_id),
        signal=signal,
        owner=playbook.owners.business,
        channel=playbook.channel,
        sla=sla,
    )
    return change(None, decide(None, opening, now), playbook)


def _clear(
    latest: Case | None, signal: Signal, *, playbook: Playbook, now: datetime
) -> Change | None:
    if latest is None or latest.is_terminal:
        return None
    return change(latest, decide(latest, commands.Clear(signal), now), playbook)


def _is_over(case: Case, now: datetime) -> bool:
    """Tell whether a new signal opens a new case."""
    # Nobody has judged these.
    is_undecided = case.state in {State.EXPIRED, State.WITHDRAWN}
    return case.is_terminal and (is_undecided or now - case.timers.changed_at > SAME_CASE_FOR)
