"""Removes what is past its term, by the policy in force.

One process runs it at a time, in transactions of a few rows, and after whoever decides. It stops
after a while, and goes on where it stopped at its next slot.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bot.cases.retention import DataKind, longest_retention, with_shortest_case_term
from bot.clock import monotonic
from bot.desk.decision_priority import DecisionPriority
from bot.desk.rules_in_force import RulesInForce
from bot.metrics import RETENTION_OLDEST, RETENTION_OVERDUE
from bot.ports.clock import Clock
from bot.ports.desk_controls import DeskControlsStore
from bot.ports.retention import HeldData, RemovalOrder, RetentionStore

log = logging.getLogger(__name__)
#: Well below the interval, so that no other process begins meanwhile.
MAX_RUN_SECONDS = 600.0
#: Each removed case is some calls to Slack, which others need too.
MAX_REMOVED_PER_RUN = 2_000
#: Data that are past their term for longer are told of.
MAX_DELAY = timedelta(days=2)
_TITLES = {
    DataKind.SIGNALS: "signals",
    DataKind.QUESTIONS: "questions",
    DataKind.CASES: "ended cases",
}


@dataclass(frozen=True, kw_only=True)
class RetentionTerms:
    """Finds the terms that hold now."""

    rules: RulesInForce
    desk_controls: DeskControlsStore

    def order(self, now: datetime) -> RemovalOrder:
        """Return what is to be removed now.

        While a change of the rules waits, whatever either of them keeps is kept. Nothing is removed
        that anything still looks back at.
        """
        policies = [one.policy for one in self.rules.each(self.desk_controls.load())]
        shortest_term = max(policy.shortest_case_term for policy in policies)
        retention = longest_retention([policy.retention for policy in policies])
        return RemovalOrder(
            retention=with_shortest_case_term(retention, shortest_term),
            # The first is that in force.
            policy=policies[0].checksum,
            now=now,
        )


class RetentionDelays:
    """The delays that this process has seen last."""

    def __init__(self) -> None:
        self._sentences: list[str] = []

    def record(self, order: RemovalOrder, ages: Sequence[HeldData]) -> None:
        """Record what there is."""
        for one in ages:
            oldest = one.oldest_at.timestamp() if one.oldest_at else 0.0
            RETENTION_OLDEST.labels(one.kind.value).set(oldest)
            RETENTION_OVERDUE.labels(one.kind.value).set(one.overdue)
        self._sentences = describe_delays(order, ages)

    def describe(self) -> list[str]:
        """Say what is kept for longer than policy lets."""
        return list(self._sentences)


@dataclass(frozen=True, kw_only=True)
class RetentionJob:
    """Removes what is past its term."""

    terms: RetentionTerms
    store: RetentionStore
    priority: DecisionPriority
    clock: Clock
    delays: RetentionDelays = field(default_factory=RetentionDelays)
    #: Of a clock that is never set back.
    seconds_now: Callable[[], float] = monotonic

    def run(self) -> None:
        """Remove in small steps, and record what was removed."""
        order = self.terms.order(self.clock())
        if not order.retention.is_on:
            return
        try:
            self._remove_all(order)
        finally:
            # What could not be removed is told of, too.
            self.delays.record(order, self.store.describe(order))

    def _remove_all(self, order: RemovalOrder) -> None:
        stop_at = self.seconds_now() + MAX_RUN_SECONDS
        run = self.store.begin_run(order.now)
        for kind in DataKind:
            self._remove(run, kind, order=order, stop_at=stop_at)
        counts = self.store.complete_run(run, order)
        if counts:
            log.info("past their terms, and removed: %s", counts)

    def _remove(self, run: str, kind: DataKind, *, order: RemovalOrder, stop_at: float) -> None:
        removed_count = 0
        while self.seconds_now() < stop_at and removed_count < MAX_REMOVED_PER_RUN:
            self.priority.wait_while_deciding()
            count = self.store.remove_batch(run, kind, order)
            if not count:
                return
            removed_count += count


def describe_delays(order: RemovalOrder, ages: Sequence[HeldData]) -> list[str]:
    """Say what is kept for longer than policy lets."""
    sentences = []
    for one in ages:
        cutoff = order.cutoff(one.kind)
        if one.overdue_since and cutoff and cutoff - one.overdue_since > MAX_DELAY:
            days = (cutoff - one.overdue_since).days
            sentences.append(
                f"{one.overdue:,} {_TITLES[one.kind]} are past their term, the oldest by"
                f" {days} days: what removes them did not run, or failed as the log says"
            )
    return sentences


def describe_terms(order: RemovalOrder, ages: Sequence[HeldData]) -> list[str]:
    """Say how long data are kept, and how old the oldest is."""
    lines = []
    for one in ages:
        term = order.retention.term_of(one.kind)
        duration = f"kept for {term / timedelta(days=1):g} days" if term else "kept for ever"
        oldest = f"the oldest from {one.oldest_at:%-d %b %Y}" if one.oldest_at else "there are none"
        lines.append(f"{_TITLES[one.kind]}: {duration}; {oldest}")
    return lines
