"""The versions of playbooks as a part of the desk's own system.

A version comes into force by an action like any other: dry run, approval, effect under the key of
its step, verification, and a way back.
"""

from collections.abc import Callable

from bot.cases.canonical import Scalar, ScalarMapping
from bot.cases.control_commands import AdoptVersion, AdoptVersions
from bot.cases.desk_kinds import version_kind
from bot.cases.entries import VersionAdopted
from bot.cases.errors import ConnectorFailed, WorldMoved
from bot.cases.plan import Action
from bot.cases.version_playbook import VERSION_QUERY
from bot.connectors.desk import ADOPT_VERSION_SPEC
from bot.connectors.desk_part import DeskPart
from bot.ports.case_queries import CaseQueries
from bot.ports.case_store import CaseStore
from bot.ports.clock import Clock
from bot.ports.desk_controls import DeskControlsStore
from bot.ports.library import Library
from bot.views.version_progress import VersionReport

#: Describe how a version of a kind does; None where it is not tried.
DescribeVersion = Callable[[str, str], VersionReport | None]
GONE = "It is not tried any more"


class VersionsConnector(DeskPart[VersionAdopted]):
    """Puts a version of a playbook in force, and takes it back."""

    specs = (ADOPT_VERSION_SPEC,)
    bodies = VersionAdopted

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
        super().__init__(desk_controls=desk_controls, cases=cases, queries=queries, clock=clock)
        self._library = library
        self._describe = describe

    def look_up(self, query: str, parameters: ScalarMapping, limit: int) -> list[dict[str, Scalar]]:
        """Return how a version does beside the one in force."""
        if query != VERSION_QUERY:
            raise ConnectorFailed(f"the desk has no look-up {query[:50]!r}")
        kind, version = _read(parameters)
        report = self._describe(kind, version)
        if report is None:
            return [{"summary": GONE, "is_ready": False, "missing": GONE.lower()}]
        return [report.row()]

    def execute(self, action: Action, key: str) -> str:
        """Write into the ledger that the version is in force."""
        if self._entry_of(key) is not None:
            return "recorded before"
        kind, version = _read(action.parameters)
        report = self._describe(kind, version)
        if report is None or report.missing:
            raise WorldMoved(report.missing if report else GONE.lower())
        case = self._case_of(version_kind(kind), key)
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
        self._decide(AdoptVersions((adoption,)))
        if self._entry_of(key) is None:
            # A case turned out wrong in between, and the version is not tried any more.
            raise WorldMoved(GONE.lower())
        return "recorded"

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
        self._decide(AdoptVersions((adoption,)))
        return "recorded"

    # --- parts -----------------------------------------------------------------------------------

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
