"""The versions of playbooks as a part of the desk's own system.

A version comes into force by an action like any other: dry run, approval, effect under the key of
its step, verification, and a way back.
"""

from collections.abc import Callable
from datetime import timedelta

from bot.cases.canonical import Scalar, ScalarMapping
from bot.cases.case import Case
from bot.cases.control_commands import AdoptVersion, AdoptVersions
from bot.cases.control_decisions import decide_controls
from bot.cases.controls import DESK_ID
from bot.cases.desk_kinds import DESK_SOURCE, DESK_SYSTEM, version_kind
from bot.cases.entries import VersionAdopted
from bot.cases.errors import Conflict, ConnectorFailed, WorldMoved
from bot.cases.plan import Action
from bot.cases.version_playbook import VERSION_QUERY
from bot.connectors.desk import ADOPT_VERSION_SPEC, DESK_SPEC, MAX_ATTEMPTS, TIMEOUT
from bot.connectors.parameters import convert_parameters
from bot.connectors.specs import prepare_action
from bot.ports.case_queries import CaseQueries
from bot.ports.case_store import CaseStore
from bot.ports.clock import Clock
from bot.ports.connector import NOTHING, EffectStatus
from bot.ports.desk_controls import DeskControlsStore
from bot.ports.library import Library
from bot.views.version_progress import VersionReport

#: Describe how a version of a kind does; None where it is not tried.
DescribeVersion = Callable[[str, str], VersionReport | None]
GONE = "It is not tried any more"


class VersionsConnector:
    """Puts a version of a playbook in force, and takes it back."""

    def __init__(
        self,
        *,
        desk_controls: DeskControlsStore,
        cases: CaseStore,
        queries: CaseQueries,
        library: Library,
        clock: Clock,
        describe: DescribeVersion,
    ) -> None:
        """Read and write by the store's ports; no network is between."""
        self._desk_controls = desk_controls
        self._cases = cases
        self._queries = queries
        self._library = library
        self._clock = clock
        self._describe = describe

    @property
    def timeout(self) -> timedelta:
        return TIMEOUT

    def look_up(self, query: str, parameters: ScalarMapping, limit: int) -> list[dict[str, Scalar]]:
        """Return how a version does beside the one in force."""
        if query != VERSION_QUERY:
            raise ConnectorFailed(f"the desk has no look-up {query[:50]!r}")
        kind, version = _read(parameters)
        report = self._describe(kind, version)
        if report is None:
            return [{"summary": GONE, "is_ready": False, "missing": GONE.lower()}]
        return [report.row()]

    def prepare(
        self, action: str, parameters: ScalarMapping, words: ScalarMapping = NOTHING
    ) -> Action:
        """Make the dry run of putting a version in force."""
        if action != ADOPT_VERSION_SPEC.name:
            raise ConnectorFailed(f"the desk has no action {action!r}")
        values = convert_parameters(parameters, ADOPT_VERSION_SPEC.parameters)
        return prepare_action(
            ADOPT_VERSION_SPEC,
            system=DESK_SYSTEM,
            connector=DESK_SPEC.connector,
            parameters=values,
            snapshot=self._snapshot(values),
            words=words,
        )

    def precondition(self, action: Action) -> ScalarMapping:
        """Return what is in force and tried now."""
        return self._snapshot(action.parameters)

    def execute(self, action: Action, key: str) -> str:
        """Write into the ledger that the version is in force."""
        if self._entry_of(key) is not None:
            return "recorded before"
        kind, version = _read(action.parameters)
        report = self._describe(kind, version)
        if report is None or report.missing:
            raise WorldMoved(report.missing if report else GONE.lower())
        case = self._case_of(kind, key)
        if case is None:
            # Signals from outside, and those who govern another kind, decide nothing here.
            raise ConnectorFailed("no case of the desk about this kind asks for it")
        now = self._clock()
        adoption = AdoptVersion(
            kind=kind,
            checksum=version,
            reason="people decided it on its record",
            by_name=", ".join(vote.name for vote in case.proposal.approvals),
            on_case=str(case.id),
            key=key,
            watch_until=now + report.watch,
        )
        self._adopt(adoption)
        if self._entry_of(key) is None:
            # A case turned out wrong in between, and the version is not tried any more.
            raise WorldMoved(GONE.lower())
        return "recorded"

    def verify(self, action: Action, key: str) -> EffectStatus:
        """Look for the change in the ledger."""
        return EffectStatus.ABSENT if self._entry_of(key) is None else EffectStatus.LANDED

    def undo(self, action: Action, key: str, undo_key: str) -> str:
        """Put the version before back in force."""
        entry = self._entry_of(key)
        if entry is None or self._entry_of(undo_key) is not None:
            return "nothing to take back"
        versions = self._desk_controls.load().versions_of(entry.kind)
        if versions is None or versions.key != key or versions.before is None:
            return "another version came into force since"
        adoption = AdoptVersion(
            kind=entry.kind,
            checksum=versions.before.checksum,
            reason=f"taken back in {entry.on_case}",
            by_name=entry.by_name,
            on_case=entry.on_case,
            key=undo_key,
            former_version=entry.checksum,
        )
        self._adopt(adoption)
        return "recorded"

    # --- parts -----------------------------------------------------------------------------------

    def _adopt(self, adoption: AdoptVersion) -> None:
        command = AdoptVersions((adoption,))
        for _ in range(MAX_ATTEMPTS):
            decision = decide_controls(self._desk_controls.load(), command, self._clock())
            if not decision.entries:
                return
            try:
                self._desk_controls.save(decision)
            except Conflict:
                continue
            return
        raise ConnectorFailed("the controls keep changing", retryable=True)

    def _entry_of(self, key: str) -> VersionAdopted | None:
        """Find the entry that was written under this key."""
        for entry in self._cases.entries(str(DESK_ID)):
            if isinstance(entry.body, VersionAdopted) and entry.body.key == key:
                return entry.body
        return None

    def _case_of(self, kind: str, key: str) -> Case | None:
        """Find the case whose step has this key."""
        for case in self._queries.open_from(DESK_SOURCE, version_kind(kind)):
            plan = case.proposal.plan
            if plan is not None and key in map(plan.step_key, range(len(plan.actions))):
                return case
        return None

    def _snapshot(self, parameters: ScalarMapping) -> dict[str, Scalar]:
        kind, version = _read(parameters)
        versions = self._desk_controls.load().versions_of(kind)
        waiting = versions.waiting if versions else None
        return {
            "kind_title": self._library.labels().kind(kind),
            "in_force": versions.in_force.checksum if versions else "",
            "is_tried": waiting is not None and waiting.checksum == version,
        }


def _read(parameters: ScalarMapping) -> tuple[str, str]:
    return str(parameters["kind"]), str(parameters["version"])
