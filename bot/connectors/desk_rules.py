"""The rules of the desk, in the desk's own system.

What the files say comes into force by an action like any other: dry run, approval, effect under
the key of its step, verification, and a way back.
"""

from collections.abc import Callable

from bot.cases.canonical import Scalar, ScalarMapping
from bot.cases.control_commands import AdoptRules
from bot.cases.controls import DESK_ID
from bot.cases.desk_kinds import (
    RULES_KIND,
)
from bot.cases.entries import PolicyAdopted
from bot.cases.errors import ConnectorFailed, WorldMoved
from bot.cases.plan import Action
from bot.cases.rule_record import RuleRecord
from bot.cases.rules_playbook import CHANGE_QUERY
from bot.connectors.desk import (
    ADOPT_RULES_SPEC,
)
from bot.connectors.desk_part import DeskPart
from bot.ports.case_queries import CaseQueries
from bot.ports.case_store import CaseStore
from bot.ports.clock import Clock
from bot.ports.desk_controls import DeskControlsStore
from bot.ports.library import Library
from bot.views.rule_changes import RuleChange

#: Describe the change from what is in force to what the files say; None for no change.
DescribeChange = Callable[[], RuleChange | None]
NO_CHANGE = RuleChange(text="Nothing any more", figures="", comparison="")


class RulesConnector(DeskPart[PolicyAdopted]):
    """Puts the rules of the files in force, and takes them back."""

    specs = (ADOPT_RULES_SPEC,)
    bodies = PolicyAdopted

    def __init__(
        self,
        *,
        desk_controls: DeskControlsStore,
        cases: CaseStore,
        queries: CaseQueries,
        library: Library,
        clock: Clock,
        describe: DescribeChange,
    ) -> None:
        """Read and write by the store's ports; no network is between."""
        super().__init__(desk_controls=desk_controls, cases=cases, queries=queries, clock=clock)
        self._library = library
        self._describe = describe

    def look_up(self, query: str, parameters: ScalarMapping, limit: int) -> list[dict[str, Scalar]]:
        """Return what changes, with the figures of the back-test."""
        if query != CHANGE_QUERY:
            raise ConnectorFailed(f"the desk has no look-up {query[:50]!r}")
        change = self._describe() or NO_CHANGE
        row: dict[str, Scalar] = {
            "changes": change.text,
            "figures": change.figures,
            "comparison": change.comparison,
            "is_waiting": change is not NO_CHANGE and self._is_of_files(parameters),
        }
        return [row]

    def execute(self, action: Action, key: str) -> str:
        """Record that the rules of the files are in force."""
        if self._entry_of(key) is not None:
            return "recorded before"
        if not self._is_of_files(action.parameters):
            raise WorldMoved("the files were changed again")
        case = self._case_of(RULES_KIND, key)
        by_name = ", ".join(vote.name for vote in case.proposal.approvals)
        # Before they are in force: the next change is judged by them, too.
        self._desk_controls.keep_accounts(self._library.declared_identities())
        self._adopt(self._library.rule_record(), key=key, on_case=str(case.id), by_name=by_name)
        return "recorded"

    def undo(self, action: Action, key: str, undo_key: str) -> str:
        """Put what was in force before back in force."""
        entry = self._entry_of(key)
        if entry is None or self._entry_of(undo_key) is not None:
            return "nothing to take back"
        last = self._desk_controls.load().adopted_rules
        if last is None or last.key != key:
            return "other rules came into force since"
        self._adopt(
            self._record_at(entry.before_version),
            key=undo_key,
            on_case=entry.on_case,
            by_name=entry.by_name,
        )
        return "recorded"

    # --- parts -----------------------------------------------------------------------------------

    def _adopt(self, record: RuleRecord, *, key: str, on_case: str, by_name: str) -> None:
        self._decide(AdoptRules(record=record, by_name=by_name, on_case=on_case, key=key))

    def _record_at(self, version: int) -> RuleRecord:
        for entry in self._cases.entries(str(DESK_ID), after=version - 1):
            if entry.version == version and isinstance(entry.body, PolicyAdopted):
                return entry.body.record
        raise ConnectorFailed("the rules before are not in the ledger")

    def _is_of_files(self, parameters: ScalarMapping) -> bool:
        return parameters["checksum"] == self._library.rule_record().checksum

    def _snapshot(self, parameters: ScalarMapping) -> dict[str, Scalar]:
        last = self._desk_controls.load().adopted_rules
        return {
            "in_force": last.checksum if last else "",
            "is_of_files": self._is_of_files(parameters),
        }
