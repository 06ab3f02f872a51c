"""The gauges of the work, read from the database when Prometheus asks.

A scrape runs three statements, each over a range of an index that holds what is open or waits:
its cost does not grow with what is done. Scrapes within a few seconds share one reading.
"""

import logging
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from sqlalchemy import case, func, or_, select
from sqlalchemy.exc import SQLAlchemyError

from bot.cases.desk_kinds import counted_kind
from bot.cases.errors import LedgerBroken
from bot.cases.lifecycle import TERMINAL, State
from bot.clock import monotonic
from bot.metrics import kind_label
from bot.ports.clock import Clock
from bot.store import tables
from bot.store.database import Database
from bot.store.ledger import LEDGER_SIZE
from bot.store.outbox_rows import LEASED, PARKED, READY
from bot.store.statements import CompiledStatement

log = logging.getLogger(__name__)
#: Two servers of Prometheus, or an impatient one, cost no more than one.
CACHE_SECONDS = 5.0

_cases = tables.cases.c
_outbox = tables.outbox.c
_OPEN_CODES = [state.code for state in State if state not in TERMINAL]
_OPEN_CASES = CompiledStatement(
    select(_cases.kind, _cases.source, _cases.state, func.count().label("cases"))
    .where(or_(*(_cases.state == code for code in _OPEN_CODES)), _cases.number > 0)
    .group_by(_cases.state, _cases.kind, _cases.source)
)
# A message that was requested again while it ran is due since 0, which is no time.
_due_since = case((_outbox.run_at > 0, _outbox.run_at))
_MESSAGES = CompiledStatement(
    select(
        _outbox.topic,
        _outbox.state,
        func.count().label("messages"),
        func.min(_due_since).label("first_at"),
    )
    .where(or_(*(_outbox.state == state for state in (READY, LEASED, PARKED))))
    .group_by(_outbox.state, _outbox.topic)
)


@dataclass(frozen=True, slots=True)
class SignedSize:
    """The last signed checkpoint."""

    #: How many entries it covers.
    entries: int
    #: When it was signed, in seconds since 1970.
    at: float


@dataclass(kw_only=True, eq=False)
class WorkGauges(Collector):
    """Reads what is open, what waits and what is signed."""

    database: Database
    clock: Clock
    #: Returns the last checkpoint; None where nothing is signed or can be read.
    last_checkpoint: Callable[[], SignedSize | None]
    #: Counts the pairs of kind and action, by kind and stage.
    count_stages: Callable[[], Mapping[tuple[str, str], int]]
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False)
    _metrics: list[Metric] = field(default_factory=list, init=False)
    _read_at: float = field(default=float("-inf"), init=False)

    def collect(self) -> Iterator[Metric]:
        """Return the gauges as they were a few seconds ago at most."""
        with self._lock:
            if monotonic() - self._read_at >= CACHE_SECONDS:
                self._metrics = self._read()
                self._read_at = monotonic()
            return iter(self._metrics)

    def describe(self) -> Iterator[Metric]:
        """Name nothing: to be registered must not read the database."""
        return iter(())

    def _read(self) -> list[Metric]:
        up = GaugeMetricFamily(
            "countersign_database_up", "1 when the database answered this scrape, else 0."
        )
        try:
            gauges = [self._cases(), *self._messages(), *self._ledger(), self._stages()]
        except (SQLAlchemyError, LedgerBroken) as failure:
            # The counters are shown all the same, and this gauge says what is missing.
            log.warning("no gauges of the work: %s", type(failure).__name__)
            gauges = []
        up.add_metric([], float(bool(gauges)))
        return [up, *gauges]

    def _cases(self) -> Metric:
        gauge = GaugeMetricFamily(
            "countersign_open_cases", "Open cases by kind and state.", labels=["kind", "state"]
        )
        counts: dict[tuple[str, str], int] = {}
        for row in self.database.fetch(_OPEN_CASES):
            kind = kind_label(counted_kind(row.kind, row.source))
            key = (kind, State.of_code(row.state).name.lower())
            counts[key] = counts.get(key, 0) + row.cases
        for key, count in counts.items():
            gauge.add_metric(key, count)
        return gauge

    def _messages(self) -> tuple[Metric, Metric]:
        messages = GaugeMetricFamily(
            "countersign_outbox_messages",
            "Messages of the outbox that are not done: ready, leased, or parked for a person.",
            labels=["topic", "state"],
        )
        age = GaugeMetricFamily(
            "countersign_outbox_oldest_due_age_seconds",
            "Seconds for which the oldest due message of a topic has waited for a worker.",
            labels=["topic"],
        )
        now = self.clock().timestamp()
        ages: dict[str, float] = {}
        for row in self.database.fetch(_MESSAGES):
            messages.add_metric([row.topic, row.state], row.messages)
            ages.setdefault(row.topic, 0.0)
            # A leased one is due again when its lease runs out, which is its time.
            if row.state != PARKED and row.first_at is not None:
                ages[row.topic] = max(ages[row.topic], now - row.first_at)
        for topic, seconds in ages.items():
            age.add_metric([topic], seconds)
        return messages, age

    def _ledger(self) -> Iterator[Metric]:
        size = self.database.fetch(LEDGER_SIZE)[0].number
        yield GaugeMetricFamily(
            "countersign_ledger_entries", "Entries of the ledger.", value=float(size)
        )
        checkpoint = self.last_checkpoint()
        if checkpoint is None:
            return
        yield GaugeMetricFamily(
            "countersign_ledger_signed_entries",
            "Entries under the last signed checkpoint.",
            value=float(checkpoint.entries),
        )
        yield GaugeMetricFamily(
            "countersign_ledger_checkpoint_timestamp_seconds",
            "When the last checkpoint was signed, in seconds since 1970.",
            value=checkpoint.at,
        )

    def _stages(self) -> Metric:
        gauge = GaugeMetricFamily(
            "countersign_stage_actions",
            "Actions of a kind at each stage: shadow, supervised or autonomous.",
            labels=["kind", "stage"],
        )
        for (kind, stage), count in self.count_stages().items():
            gauge.add_metric([kind_label(kind), stage], count)
        return gauge
