"""Detectors: a playbook's own query, and signals that are missing.

A row opens a case, and clears it when it is gone. A silence opens a case, and the first signal
clears it.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from bot.cases.canonical import ScalarMapping, canonical_hash
from bot.cases.case import Case
from bot.cases.errors import ConnectorFailed, KeyReused
from bot.cases.lifecycle import WAITING
from bot.cases.playbook import Absence, Detection, Playbook
from bot.cases.signal import Signal, SignalStatus
from bot.cases.source import ABSENCE
from bot.desk.detection import detection_parameters, subject_of
from bot.desk.intake import Intake
from bot.metrics import DETECTOR_INTERVAL, DETECTOR_LOOKED_AT
from bot.ports.case_queries import CaseQueries
from bot.ports.case_store import ReceiptOutcome
from bot.ports.clock import Clock
from bot.ports.connector import Systems

log = logging.getLogger(__name__)
MAX_ROWS = 5_000
#: So many polls after a failure it is still told.
MAX_MISSED_POLLS = 3
CHECKSUM_DIGITS = 16
# The columns that are no facts of the case.
SIGNAL_COLUMNS = frozenset({"subject", "title"})


class BlindDetectors:
    """The detectors of this process that could not look lately.

    Another process may run the next poll, and then the last failure here says nothing any more.
    """

    def __init__(self) -> None:
        #: The system that could not be read, and until when that is news, by kind.
        self._failures: dict[str, tuple[str, datetime]] = {}

    def record_failure(self, kind: str, detection: Detection, now: datetime) -> None:
        """Record that a detector could not look."""
        self._failures[kind] = (detection.system, now + MAX_MISSED_POLLS * detection.every)

    def record_success(self, kind: str) -> None:
        """Record that a detector has looked."""
        self._failures.pop(kind, None)

    def describe(self, now: datetime) -> list[str]:
        """Say which systems cannot be read, and what that hides."""
        return [
            f"The system {system} cannot be read, so nobody looks for {', '.join(kinds)}"
            for system, kinds in self.kinds_by_system(now).items()
        ]

    def kinds_by_system(self, now: datetime) -> dict[str, list[str]]:
        """Return the systems that cannot be read, with their hidden kinds."""
        kinds_by_system: dict[str, list[str]] = {}
        for kind, (system, until) in sorted(self._failures.copy().items()):
            if now <= until:
                kinds_by_system.setdefault(system, []).append(kind)
        return kinds_by_system


@dataclass(frozen=True, kw_only=True)
class Detector:
    """Runs one playbook's query and reports its rows as signals."""

    playbook: Playbook
    detection: Detection
    systems: Systems
    queries: CaseQueries
    intake: Intake
    clock: Clock
    blind_detectors: BlindDetectors = field(default_factory=BlindDetectors)

    def poll(self) -> int:
        """Run the query; return how many cases it opened.

        A system that cannot be read changes nothing: that is no all-clear.
        """
        now = self.clock()
        DETECTOR_INTERVAL.labels(self.playbook.kind).set(self.detection.every.total_seconds())
        system = self.systems[self.detection.system]
        try:
            rows = system.look_up(
                self.detection.query,
                detection_parameters(now),
                MAX_ROWS,
            )
        except ConnectorFailed as failure:
            log.warning("detector %s could not look: %s", self.playbook.kind, failure)
            self.blind_detectors.record_failure(self.playbook.kind, self.detection, now)
            return 0
        DETECTOR_LOOKED_AT.labels(self.playbook.kind).set(now.timestamp())
        self.blind_detectors.record_success(self.playbook.kind)
        opened_count = sum(self._report(row) for row in rows)
        # With more rows than were read it is not known which are gone.
        if len(rows) < MAX_ROWS:
            self._clear_missing({subject_of(row) for row in rows}, now)
        return opened_count

    def _report(self, row: ScalarMapping) -> bool:
        """Report a row; tell whether it opened a case."""
        signal = signal_from_row(
            self.playbook,
            self.detection,
            row,
            count_episodes=self.queries.count_clearings,
        )
        try:
            return self.intake.receive(signal, b"").outcome is ReceiptOutcome.OPENED
        except KeyReused:
            log.warning("detector %s: %s came with another body", self.playbook.kind, signal.key)
            return False

    def _clear_missing(self, present: set[str], now: datetime) -> None:
        """Clear the cases whose rows are gone."""
        for case in self.queries.open_from(self.detection.system, self.playbook.kind):
            is_ours = case.signal.kind == self.playbook.kind
            is_gone = case.signal.subject not in present
            if is_ours and is_gone and case.state in WAITING:
                self.intake.receive(_clear_signal(case, now), b"")


@dataclass(frozen=True, kw_only=True)
class AbsenceDetector:
    """Reports subjects of which no signal has come for too long."""

    playbook: Playbook
    absence: Absence
    queries: CaseQueries
    intake: Intake
    clock: Clock
    #: A subject without any signal counts from here, so that a new playbook does not cry at once.
    since: datetime

    def poll(self) -> int:
        """Report the silent subjects; return how many cases that opened."""
        now = self.clock()
        opened_count = sum(self._report(subject, now) for subject in self.absence.subjects)
        self._clear_former(now)
        return opened_count

    def _report(self, subject: str, now: datetime) -> bool:
        """Report a silent subject; tell whether that opened a case."""
        signal = self._signal(subject)
        last_at = self._last_signal_at(signal) or self.since
        if now - last_at <= self.absence.within:
            return False
        signal = replace(
            signal,
            key=f"{subject}@{last_at:%Y%m%dT%H%M%S}",
            facts={"last_heard": f"{last_at:%Y-%m-%d %H:%M} UTC"},
        )
        return self.intake.receive(signal, b"").outcome is ReceiptOutcome.OPENED

    def _clear_former(self, now: datetime) -> None:
        """Clear the cases from before ``origin`` was declared.

        A signal of that origin does not reach them by itself.
        """
        for case in self.queries.open_from(ABSENCE, self.playbook.kind):
            if case.signal.domain == self.absence.origin or case.state not in WAITING:
                continue
            last_at = self._last_signal_at(self._signal(case.signal.subject))
            if last_at is not None and last_at > case.timers.opened_at:
                self.intake.receive(_clear_signal(case, now), b"")

    def _last_signal_at(self, signal: Signal) -> datetime | None:
        return self.queries.last_signal_at(signal.fingerprint, except_from=ABSENCE)

    def _signal(self, subject: str) -> Signal:
        """Build the signal of a silence, without its key and facts."""
        return Signal(
            source=ABSENCE,
            key="",
            kind=self.playbook.kind,
            subject=subject,
            title=self.absence.title.replace("{subject}", subject),
            occurred_at=None,
            facts={},
            domain=self.absence.origin,
        )


def signal_from_row(
    playbook: Playbook,
    detection: Detection,
    row: ScalarMapping,
    *,
    count_episodes: Callable[[Sequence[str]], int],
) -> Signal:
    """Build the signal of a row.

    An unchanged row is the same signal at every poll, until it is gone and comes back:
    ``count_episodes`` tells how often the trouble with these fingerprints has gone away so far.
    """
    subject = subject_of(row)
    title = str(row.get("title"))
    facts = {name: value for name, value in row.items() if name not in SIGNAL_COLUMNS}
    signal = Signal(
        source=detection.system,
        key="",
        kind=playbook.kind,
        subject=subject,
        title=title,
        occurred_at=None,
        facts=facts,
        domain=detection.domain,
    )
    checksum = canonical_hash([title, facts])[:CHECKSUM_DIGITS]
    episode = count_episodes(signal.fingerprints)
    return replace(signal, key=f"{subject}@{checksum}#{episode}")


def _clear_signal(case: Case, now: datetime) -> Signal:
    """Build the signal that clears this version of a case."""
    return replace(
        case.signal,
        key=f"{case.signal.key}#clear{case.version}",
        occurred_at=now,
        facts={},
        status=SignalStatus.CLEAR,
    )
