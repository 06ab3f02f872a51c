"""The versions of playbooks that judge cases.

The ledger says which those are, and has their texts, so that a process with older or newer files
judges like every other. Where the files are in force and nothing is tried, which is nearly always,
nothing is read.
"""

import logging
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bot.cases.case import Case
from bot.cases.controls import DESK_ID, DeskControls
from bot.cases.entries import VersionAdopted, VersionBegun
from bot.cases.errors import PlaybookInvalid
from bot.cases.expressions import Facts, evaluate
from bot.cases.playbook import Playbook
from bot.cases.playbook_version import with_version
from bot.cases.version_record import KindVersions, VersionPhase, VersionText, WaitingVersion
from bot.cases.version_rule import VersionRule, is_in_share
from bot.desk.rules_in_force import RulesInForce
from bot.ports.case_store import CaseStore
from bot.ports.desk_controls import DeskControlsStore
from bot.ports.library import Library

log = logging.getLogger(__name__)

#: What another process lets be in force is seen after this time where nothing is written, and at
#: once by whoever writes what was judged: see ``Change.controls_version``.
REFRESH_INTERVAL = timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class KindPlaybooks:
    """The playbooks that may judge a case of one kind."""

    in_force: Playbook
    #: The version that is tried; None for none.
    candidate: Playbook | None = None
    phase: VersionPhase = VersionPhase.SHADOW
    rule: VersionRule = field(default_factory=VersionRule)

    def is_on_trial(self, case: Case, facts: Facts) -> bool:
        """Tell whether the version that is tried judges this case."""
        if self.candidate is None or self.phase is not VersionPhase.TRIAL:
            return False
        condition = self.rule.only.get(self.candidate.kind)
        if condition:
            return evaluate(condition, facts)
        return is_in_share(self.candidate.version, case.signal.subject, self.rule.share)


class PlaybookVersions:
    """Finds the playbooks that judge now.

    Each process keeps what it has read.
    """

    def __init__(
        self,
        *,
        cases: CaseStore,
        desk_controls: DeskControlsStore,
        library: Library,
        rules: RulesInForce,
        is_by_files: bool = False,
    ) -> None:
        """Read versions by the store's ports."""
        self._cases = cases
        self._desk_controls = desk_controls
        self._library = library
        self._rules = rules
        self._is_by_files = is_by_files
        #: By checksum; None for what this release cannot read.
        self._playbooks: dict[str, Playbook | None] = {}
        #: The kinds whose files are in force, and when that was read.
        self._settled_kinds: frozenset[str] = frozenset()
        self._read_at: datetime | None = None
        self._read_version = 0
        self._tried_kinds: frozenset[str] = frozenset()

    def of_kind(self, kind: str, now: datetime) -> KindPlaybooks:
        """Return the playbooks that may judge a case of this kind now."""
        files = self._library.playbook(kind)
        if not files.version or self._is_by_files or self._is_settled(files.kind, now):
            return KindPlaybooks(in_force=files)
        controls = self._desk_controls.load()
        self._remember(controls, now)
        versions = controls.versions_of(files.kind)
        if versions is None:
            return KindPlaybooks(in_force=files)
        waiting, rule = versions.waiting, self.rule(controls)
        if waiting is None or rule is None:
            return KindPlaybooks(in_force=self.playbook_of(files, versions.in_force) or files)
        return KindPlaybooks(
            in_force=self.playbook_of(files, versions.in_force) or files,
            candidate=self.playbook_of(files, _text_of(waiting)),
            phase=waiting.phase,
            rule=rule,
        )

    def is_tried(self, kind: str) -> bool:
        """Tell whether a version of this kind is known as tried."""
        return kind in self._tried_kinds

    def of_case(self, case: Case) -> Playbook:
        """Return the playbook that judged a case."""
        files = self._library.playbook(case.kind)
        checksum = case.assessment.playbook_version
        if checksum in {"", files.version}:
            return files
        if checksum not in self._playbooks:
            versions = self._desk_controls.load().versions_of(files.kind)
            for one in _texts_of(versions) if versions else []:
                self.playbook_of(files, one)
        playbook = self._playbooks.get(checksum)
        return with_version(files, playbook) if playbook else files

    def rule(self, controls: DeskControls) -> VersionRule | None:
        """Return how versions are tried, by the policy in force."""
        waiting = self._rules.waiting(controls)
        policy = waiting.in_force.policy if waiting else self._library.policy()
        return policy.versions

    def playbook_of(self, files: Playbook, version: VersionText) -> Playbook | None:
        """Return the playbook of a version; None where it is unreadable."""
        if version.checksum == files.version:
            return files
        if version.checksum not in self._playbooks:
            self._playbooks[version.checksum] = self._read(files.kind, version)
        playbook = self._playbooks[version.checksum]
        return with_version(files, playbook) if playbook else None

    def _read(self, kind: str, version: VersionText) -> Playbook | None:
        text = self._text_at(version.entry)
        try:
            return self._library.playbook_from(kind, text) if text else None
        except PlaybookInvalid as error:
            log.warning("an earlier version of %s cannot be read: %s", kind, error)
            return None

    def _text_at(self, number: int) -> str:
        """Return the file that an entry about the desk has."""
        for entry in self._cases.entries(str(DESK_ID), after=number - 1):
            if entry.version == number and isinstance(entry.body, VersionAdopted | VersionBegun):
                return entry.body.text
        return ""

    def forget(self) -> None:
        """Read the controls again before the next case."""
        self._read_at = None

    def _is_settled(self, kind: str, now: datetime) -> bool:
        if self._read_at is None or self._read_version != self._desk_controls.latest().version:
            return False
        return now - self._read_at < REFRESH_INTERVAL and kind in self._settled_kinds

    def _remember(self, controls: DeskControls, now: datetime) -> None:
        self._tried_kinds = frozenset(one.kind for one in controls.versions if one.waiting)
        self._settled_kinds = frozenset(
            one.kind
            for one in controls.versions
            if not one.waiting and one.in_force.checksum == self._library.playbook(one.kind).version
        )
        self._read_at, self._read_version = now, controls.version


def _text_of(waiting: WaitingVersion) -> VersionText:
    return VersionText(waiting.checksum, waiting.entry)


def _texts_of(versions: KindVersions) -> list[VersionText]:
    """List the versions of a kind whose texts the ledger has."""
    waiting = [_text_of(versions.waiting)] if versions.waiting else []
    before = [versions.before] if versions.before else []
    return [versions.in_force, *waiting, *before]
