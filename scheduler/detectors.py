"""Detectors: each playbook's own query, run on its interval; and what ought to be heard of and is not.

A row is a signal; a row that has gone clears its case. A silence is a signal; the first word clears its case.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from bot.cases.canonical import Scalar, canonical_hash
from bot.cases.errors import ConnectorFailed, KeyReused
from bot.cases.lifecycle import WAITING
from bot.cases.playbook import Absence, Detection, Playbook
from bot.cases.signal import Signal, SignalStatus
from bot.cases.source import ABSENCE
from bot.desk.detection import detection_parameters, subject_of
from bot.desk.intake import Intake
from bot.ports.case_queries import CaseQueries
from bot.ports.case_store import ReceiptOutcome
from bot.ports.clock import Clock
from bot.ports.connector import Systems

log = logging.getLogger(__name__)
MOST_ROWS = 5_000


@dataclass(frozen=True)
class Detector:
    """Runs one playbook's query and tells the intake what it sees."""

    playbook: Playbook
    detection: Detection
    systems: Systems
    queries: CaseQueries
    intake: Intake
    clock: Clock

    def look(self) -> int:
        """One look; returns how many new cases it opened. A system that cannot be read changes nothing: absence is not an all-clear."""
        now = self.clock()
        try:
            rows = self.systems[self.detection.system].look_up(
                self.detection.query, detection_parameters(now), MOST_ROWS
            )
        except ConnectorFailed as failure:
            log.warning("detector %s could not look: %s", self.playbook.kind, failure)
            return 0
        opened = sum(self._tell(row, now) for row in rows)
        if len(rows) < MOST_ROWS:
            self._clear({subject_of(row) for row in rows}, now)
        return opened

    def _tell(self, row: Mapping[str, Scalar], now: datetime) -> bool:
        signal = signal_of(self.playbook, self.detection, row, self.queries.count_clearings)
        try:
            return self.intake.receive(signal, b"").outcome is ReceiptOutcome.OPENED
        except KeyReused:
            log.warning("detector %s: %s came with another body", self.playbook.kind, signal.key)
            return False

    def _clear(self, present: set[str], now: datetime) -> None:
        for case in self.queries.open_from(self.detection.system, self.playbook.kind):
            is_ours = case.signal.kind == self.playbook.kind
            if is_ours and case.signal.subject not in present and case.state in WAITING:
                key = f"{case.signal.key}#clear{case.version}"
                gone = replace(
                    case.signal, key=key, occurred_at=now, facts={}, status=SignalStatus.CLEAR
                )
                self.intake.receive(gone, b"")


@dataclass(frozen=True)
class AbsenceDetector:
    """Notices what has not been heard of. It begins to count when it first looks, so that a new playbook does not cry at once."""

    playbook: Playbook
    absence: Absence
    queries: CaseQueries
    intake: Intake
    clock: Clock
    since: datetime

    def look(self) -> int:
        """One look; returns how many cases it opened."""
        now = self.clock()
        opened = sum(self._missed(subject, now) for subject in self.absence.subjects)
        self._close_former(now)
        return opened

    def _close_former(self, now: datetime) -> None:
        """Clear the cases from before ``origin`` was declared, which its word does not reach."""
        for case in self.queries.open_from(ABSENCE, self.playbook.kind):
            signal = case.signal
            if signal.domain == self.absence.origin or case.state not in WAITING:
                continue
            last = self.queries.last_signal_at(
                self._missing(signal.subject).fingerprint, except_from=ABSENCE
            )
            if last is not None and last > case.opened_at:
                key = f"{signal.key}#clear{case.version}"
                word = replace(
                    signal, key=key, occurred_at=now, facts={}, status=SignalStatus.CLEAR
                )
                self.intake.receive(word, b"")

    def _missing(self, subject: str) -> Signal:
        title = self.absence.title.replace("{subject}", subject)
        return Signal(
            source=ABSENCE,
            key="",
            kind=self.playbook.kind,
            subject=subject,
            title=title,
            occurred_at=None,
            facts={},
            domain=self.absence.origin,
        )

    def _missed(self, subject: str, now: datetime) -> bool:
        missing = self._missing(subject)
        heard = self.queries.last_signal_at(missing.fingerprint, except_from=ABSENCE) or self.since
        if now - heard <= self.absence.within:
            return False
        facts = {"last_heard": f"{heard:%Y-%m-%d %H:%M} UTC"}
        told = replace(missing, key=f"{subject}@{heard:%Y%m%dT%H%M%S}", facts=facts)
        return self.intake.receive(told, b"").outcome is ReceiptOutcome.OPENED


def signal_of(
    playbook: Playbook,
    detection: Detection,
    row: Mapping[str, Scalar],
    episodes: Callable[[Sequence[str]], int],
) -> Signal:
    """The signal of a row. An unchanged row is the same signal at every look, until it has gone away and come back."""
    subject, title = subject_of(row), str(row.get("title"))
    facts = {name: value for name, value in row.items() if name not in {"subject", "title"}}
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
    key = f"{subject}@{canonical_hash([title, facts])[:16]}#{episodes(signal.fingerprints)}"
    return replace(signal, key=key)
