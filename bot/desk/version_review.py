"""Changed playbooks: tried on live cases, then put before the governance owners.

What the files say is offered when a process starts, so that the process that started last has its
way and one with older files changes nothing. How far a version has come is looked at after each
comparison, and every few minutes.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from bot.cases.case import Case
from bot.cases.control_commands import (
    AdoptVersion,
    AdoptVersions,
    BeginTrial,
    BeginVersion,
    EndVersion,
    VersionCommand,
)
from bot.cases.control_decisions import decide_controls
from bot.cases.controls import DeskControls
from bot.cases.desk_kinds import DESK_SOURCE, version_kind
from bot.cases.errors import Conflict
from bot.cases.lifecycle import WAITING
from bot.cases.playbook import Playbook
from bot.cases.playbook_version import changed_parts
from bot.cases.signal import Signal, SignalStatus
from bot.cases.source import ABSENCE
from bot.cases.version_record import KindVersions, VersionText, WaitingVersion
from bot.cases.version_rule import VersionRule
from bot.desk.intake import Intake
from bot.desk.playbook_versions import PlaybookVersions
from bot.desk.retry import retry_on_conflict
from bot.desk.rules_in_force import RulesInForce
from bot.ports.case_queries import CaseFilter, CaseQueries
from bot.ports.case_store import CaseStore, ReceiptOutcome
from bot.ports.clock import Clock
from bot.ports.desk_controls import DeskControlsStore
from bot.ports.library import Library
from bot.views.version_progress import MAX_CASES, VersionProgress, VersionReport, VersionStatus

log = logging.getLogger(__name__)

FIRST_START = "the first start"
NEW_KIND = "there was no version to compare it with"
NO_TRIAL = "policy says nothing of trying versions"
UNREADABLE = "the version before it cannot be read any more"
PUT_BACK = "the file says again what is in force"
EDITED_AGAIN = "the file was edited again"
AUTHOR = "Countersign"
#: A version is looked at again for cases that were opened so long before it was tried.
GRACE = timedelta(days=7)


@dataclass(frozen=True, kw_only=True)
class VersionFigures:
    """Counts the cases that a version that is tried has seen."""

    queries: CaseQueries
    clock: Clock

    def progress(self, kind: str, version: WaitingVersion, rule: VersionRule) -> VersionProgress:
        """Return how far a version has come."""
        since = version.begun_at - GRACE
        cases = self.queries.find(
            CaseFilter(
                kinds=(kind,),
                opened_between=(since, self.clock() + timedelta(days=1)),
                is_any=True,
            ),
            MAX_CASES,
        )
        cases_compared = [case for case in cases if _is_about(case, version)]
        return VersionProgress(
            kind=kind,
            version=version,
            rule=rule,
            compared_cases=tuple(sorted(cases_compared, key=lambda case: case.timers.opened_at)),
        )


def _is_about(case: Case, version: WaitingVersion) -> bool:
    comparison = case.assessment.comparison
    if comparison is None:
        return False
    return comparison.version == version.checksum and comparison.at >= version.begun_at


@dataclass(frozen=True, kw_only=True)
class VersionReports:
    """Puts into words how a version does."""

    desk_controls: DeskControlsStore
    versions: PlaybookVersions
    figures: VersionFigures
    library: Library

    def describe(self, kind: str, checksum: str) -> VersionReport | None:
        """Return the report of a version; None where it is not tried."""
        controls = self.desk_controls.load()
        versions, rule = controls.versions_of(kind), self.versions.rule(controls)
        if versions is None or versions.waiting is None or rule is None:
            return None
        if versions.waiting.checksum != checksum:
            return None
        files = self.library.playbook(kind)
        waiting = versions.waiting
        before = self.versions.playbook_of(files, versions.in_force)
        after = self.versions.playbook_of(files, VersionText(waiting.checksum, waiting.entry))
        changes = changed_parts(before, after) if before and after else []
        return VersionReport(
            progress=self.figures.progress(kind, waiting, rule),
            changes=tuple(changes),
            kind_title=files.title,
        )

    def list(self) -> list[VersionStatus]:
        """List the versions of all kinds, by the titles of their kinds."""
        controls = self.desk_controls.load()
        return [
            self._status(title, versions, controls)
            for kind, title in self.library.titles()
            if (versions := controls.versions_of(kind)) is not None
        ]

    def notes(self, controls: DeskControls) -> tuple[str, ...]:
        """Say of each version that is tried how far it has come."""
        titles = dict(self.library.titles())
        return tuple(
            self._status(titles[one.kind], one, controls).sentence
            for one in controls.versions
            if one.waiting is not None and one.kind in titles
        )

    def _status(self, title: str, versions: KindVersions, controls: DeskControls) -> VersionStatus:
        kind = versions.kind
        rule, waiting = self.versions.rule(controls), versions.waiting
        progress = None
        if rule is not None and waiting is not None:
            progress = self.figures.progress(kind, waiting, rule)
        return VersionStatus(
            kind=kind,
            kind_title=title,
            versions=versions,
            progress=progress,
            file_version=self.library.playbook(kind).version,
        )


def build_reports(
    *,
    cases: CaseStore,
    desk_controls: DeskControlsStore,
    queries: CaseQueries,
    library: Library,
    clock: Clock,
) -> VersionReports:
    """Build what puts versions into words."""
    versions = PlaybookVersions(
        cases=cases,
        desk_controls=desk_controls,
        library=library,
        rules=RulesInForce(cases, library, desk_controls),
    )
    return VersionReports(
        desk_controls=desk_controls,
        versions=versions,
        figures=VersionFigures(queries=queries, clock=clock),
        library=library,
    )


@dataclass(frozen=True, kw_only=True)
class VersionReview:
    """Offers what the files say, and takes each version further."""

    desk_controls: DeskControlsStore
    versions: PlaybookVersions
    figures: VersionFigures
    queries: CaseQueries
    intake: Intake
    library: Library
    clock: Clock
    #: Nothing is carried out in this mode, and nothing is tried or adopted.
    is_idle: bool = False
    #: So many comparisons of a kind bring nothing new, since more cases than that are missing.
    _waits: dict[str, int] = field(default_factory=dict, init=False)

    def offer(self) -> None:
        """Compare the files with what is in force, once for each start."""
        if self.is_idle:
            return
        controls = self.desk_controls.load()
        is_first = not controls.versions
        adoptions = []
        for playbook in self._playbooks():
            if controls.versions_of(playbook.kind) is None:
                reason = FIRST_START if is_first else NEW_KIND
                adoptions.append(_adoption(playbook, reason))
            else:
                self._offer(playbook)
        if adoptions:
            self._decide(AdoptVersions(tuple(adoptions)))
        self.advance()

    def _offer(self, files: Playbook) -> None:
        controls = self.desk_controls.load()
        versions = controls.versions_of(files.kind)
        if versions is None:
            return
        waiting = versions.waiting
        if files.version == versions.in_force.checksum:
            if waiting is not None:
                self._end(files.kind, waiting.checksum, PUT_BACK)
        elif self.versions.rule(controls) is None:
            self._decide(AdoptVersions((_adoption(files, NO_TRIAL),)))
        elif self.versions.playbook_of(files, versions.in_force) is None:
            adoption = replace(_adoption(files, UNREADABLE), is_unreadable=True)
            self._decide(AdoptVersions((adoption,)))
        elif files.version in versions.past_candidates:
            if waiting is not None:
                self._end(files.kind, waiting.checksum, EDITED_AGAIN)
        elif waiting is None or waiting.checksum != files.version:
            self._begin(files)

    def _begin(self, files: Playbook) -> None:
        log.info("the new version of “%s” is tried beside the one in force", files.title)
        command = BeginVersion(kind=files.kind, checksum=files.version, text=files.text)
        self._decide(command)

    def _end(self, kind: str, checksum: str, reason: str) -> None:
        self._decide(EndVersion(kind=kind, checksum=checksum, reason=reason, may_return=True))

    def advance(self) -> int:
        """Take every version further; return how many cases that opened."""
        if self.is_idle:
            return 0
        controls = self.desk_controls.load()
        return sum(self._advance(versions, controls) for versions in controls.versions)

    def advance_kind(self, kind: str) -> None:
        """Take the version of one kind further, after a comparison."""
        # To count is to read all of its cases. What other processes have compared is counted later.
        if self._waits.get(kind, 0) > 0:
            self._waits[kind] -= 1
            return
        controls = self.desk_controls.load()
        versions = controls.versions_of(kind)
        if versions is not None and not self.is_idle:
            self._advance(versions, controls)

    def _advance(self, versions: KindVersions, controls: DeskControls) -> int:
        now, waiting = self.clock(), versions.waiting
        rule = self.versions.rule(controls)
        self._clear_others(versions.kind, waiting.checksum if waiting else "", now)
        if waiting is None:
            return 0
        files = self.library.playbook(versions.kind)
        if rule is None:
            if waiting.checksum == files.version:
                self._decide(AdoptVersions((_adoption(files, NO_TRIAL),)))
            return 0
        progress = self.figures.progress(versions.kind, waiting, rule)
        self._waits[versions.kind] = progress.missing_count - 1
        if progress.may_begin_trial:
            self._decide(BeginTrial(versions.kind, waiting.checksum))
            return 0
        if not progress.is_ready:
            return 0
        return self._ask(files, waiting, now)

    def _ask(self, files: Playbook, waiting: WaitingVersion, now: datetime) -> int:
        signal = _signal(files, waiting)
        if self._open_cases(files.kind) or not self._may_ask(signal, now):
            return 0
        signal = replace(signal, key=f"{signal.subject}@{int(now.timestamp())}")
        return int(self.intake.receive(signal, b"").outcome is ReceiptOutcome.OPENED)

    def _may_ask(self, signal: Signal, now: datetime) -> bool:
        """Tell whether nobody was asked the same a short while ago."""
        last_at = self.queries.last_signal_at(signal.fingerprint, except_from=ABSENCE)
        return last_at is None or now - last_at >= self.library.policy().autonomy.ask_again

    def _open_cases(self, kind: str) -> Sequence[Case]:
        return self.queries.open_from(DESK_SOURCE, version_kind(kind))

    def _clear_others(self, kind: str, checksum: str, now: datetime) -> None:
        """Clear the cases about versions that are not tried any more."""
        for case in self._open_cases(kind):
            if case.signal.facts.get("version") != checksum and case.state in WAITING:
                clear = replace(
                    case.signal,
                    key=f"{case.signal.key}#clear{case.version}",
                    occurred_at=now,
                    status=SignalStatus.CLEAR,
                )
                self.intake.receive(clear, b"")

    def _playbooks(self) -> list[Playbook]:
        playbooks = [self.library.playbook(kind) for kind, _ in self.library.titles()]
        return [playbook for playbook in playbooks if playbook.version]

    def _decide(self, command: VersionCommand) -> None:
        def attempt() -> None:
            decision = decide_controls(self.desk_controls.load(), command, self.clock())
            if decision.entries:
                self.desk_controls.save(decision)

        try:
            retry_on_conflict(attempt)
        except Conflict:
            # The next review, or the next start, looks again.
            log.warning("the controls keep changing; %s is not written", type(command).__name__)


def _adoption(files: Playbook, reason: str) -> AdoptVersion:
    return AdoptVersion(
        kind=files.kind,
        checksum=files.version,
        text=files.text,
        reason=reason,
        by_name=AUTHOR,
    )


def _signal(files: Playbook, waiting: WaitingVersion) -> Signal:
    return Signal(
        source=DESK_SOURCE,
        key="",
        kind=version_kind(files.kind),
        subject=f"{files.kind} {waiting.checksum}",
        title=f"Let the new version of “{files.title}” be in force?",
        occurred_at=None,
        facts={"of_kind": files.kind, "version": waiting.checksum},
    )
