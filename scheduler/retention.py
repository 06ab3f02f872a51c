"""Removes what is past its term, by the policy in force.

One process runs it at a time, in transactions of a few rows, and after whoever decides. It stops
after a while, and goes on where it stopped at its next slot.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.cases.retention import DataKind, longest_retention, with_shortest_case_term
from bot.clock import monotonic
from bot.desk.decision_priority import DecisionPriority
from bot.desk.rules_in_force import RulesInForce
from bot.ports.clock import Clock
from bot.ports.desk_controls import DeskControlsStore
from bot.ports.retention import RemovalOrder, RetentionStore

log = logging.getLogger(__name__)
#: Well below the interval, so that no other process begins meanwhile.
MAX_RUN_SECONDS = 600.0
#: Each removed case is some calls to Slack, which others need too.
MAX_CASES_PER_RUN = 2_000
#: Data that are past their term for longer are told of.
MAX_DELAY = timedelta(days=2)


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


@dataclass(frozen=True, kw_only=True)
class RetentionJob:
    """Removes what is past its term."""

    terms: RetentionTerms
    store: RetentionStore
    priority: DecisionPriority
    clock: Clock
    elapsed: Callable[[], float] = monotonic

    def run(self) -> None:
        """Remove in small steps, and record what was removed."""
        order = self.terms.order(self.clock())
        if not order.retention.is_on:
            return
        stop_at = self.elapsed() + MAX_RUN_SECONDS
        run = self.store.begin_run(order.now)
        for kind in DataKind:
            self._remove(run, kind, order=order, stop_at=stop_at)
        counts = self.store.complete_run(run, order)
        if counts:
            log.info("past their terms, and removed: %s", counts)

    def _remove(self, run: str, kind: DataKind, *, order: RemovalOrder, stop_at: float) -> None:
        removed_count = 0
        while self.elapsed() < stop_at and removed_count < MAX_CASES_PER_RUN:
            self.priority.wait_while_deciding()
            count = self.store.remove_batch(run, kind, order)
            if not count:
                return
            removed_count += count


def describe_delays(terms: RetentionTerms, store: RetentionStore, now: datetime) -> list[str]:
    """Say what is kept for longer than policy lets."""
    order = terms.order(now)
    if not order.retention.is_on:
        return []
    sentences = []
    for held in store.describe(order):
        cutoff = order.cutoff(held.kind)
        if held.overdue_since and cutoff and cutoff - held.overdue_since > MAX_DELAY:
            days = (cutoff - held.overdue_since).days
            sentences.append(
                f"{held.overdue:,} {held.kind.value} are past their term, the oldest by {days} days:"
                " what should have removed them did not run, or the log says why it failed"
            )
    return sentences
