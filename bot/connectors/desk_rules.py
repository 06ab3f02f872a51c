"""The rules of the desk, in the desk's own system.

What the files say comes into force by an action like any other: dry run, approval, effect under
the key of its step, verification, and a way back.
"""

from collections.abc import Callable
from datetime import timedelta

from bot.cases.canonical import Scalar, ScalarMapping
from bot.cases.case import Case
from bot.cases.control_commands import AdoptRules
from bot.cases.control_decisions import decide_controls
from bot.cases.controls import DESK_ID
from bot.cases.desk_kinds import (
    ADOPT_RULES,
    ADOPT_VERSION,
    DESK_SOURCE,
    DESK_SYSTEM,
    RULES_KIND,
    STANDING_RULE_ACTIONS,
)
from bot.cases.entries import PolicyAdopted
from bot.cases.errors import Conflict, ConnectorFailed, WorldMoved
from bot.cases.plan import Action
from bot.cases.rule_record import RuleRecord
from bot.cases.rules_playbook import CHANGE_QUERY
from bot.cases.standing_rule_playbook import STANDING_RULE_QUERY
from bot.cases.version_playbook import VERSION_QUERY
from bot.connectors.desk import (
    ADOPT_RULES_SPEC,
    DESK_SPEC,
    MAX_ATTEMPTS,
    TIMEOUT,
)
from bot.connectors.parameters import convert_parameters
from bot.connectors.specs import prepare_action
from bot.ports.case_queries import CaseQueries
from bot.ports.case_store import CaseStore
from bot.ports.clock import Clock
from bot.ports.connector import NOTHING, Connector, EffectStatus
from bot.ports.desk_controls import DeskControlsStore
from bot.ports.library import Library
from bot.views.rule_changes import RuleChange

#: Describe the change from what is in force to what the files say; None for no change.
DescribeChange = Callable[[], RuleChange | None]
NO_CHANGE = RuleChange(text="Nothing any more", figures="", comparison="")


class RulesConnector:
    """Puts the rules of the files in force, and takes them back."""

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

    def prepare(
        self, action: str, parameters: ScalarMapping, words: ScalarMapping = NOTHING
    ) -> Action:
        """Make the dry run of bringing the files into force."""
        if action != ADOPT_RULES_SPEC.name:
            raise ConnectorFailed(f"the desk has no action {action!r}")
        values = convert_parameters(parameters, ADOPT_RULES_SPEC.parameters)
        return prepare_action(
            ADOPT_RULES_SPEC,
            system=DESK_SYSTEM,
            connector=DESK_SPEC.connector,
            parameters=values,
            snapshot=self._snapshot(values),
            words=words,
        )

    def precondition(self, action: Action) -> ScalarMapping:
        """Return what the change rests on: what is in force now."""
        return self._snapshot(action.parameters)

    def execute(self, action: Action, key: str) -> str:
        """Record that the rules of the files are in force."""
        if self._entry_of(key) is not None:
            return "recorded before"
        if not self._is_of_files(action.parameters):
            raise WorldMoved("the files were changed again")
        case = self._case_of(key)
        if case is None:
            # Signals from outside decide nothing here.
            raise ConnectorFailed("no case of the desk about the rules asks for it")
        by_name = ", ".join(vote.name for vote in case.proposal.approvals)
        # Before they are in force: the next change is judged by them, too.
        self._desk_controls.keep_accounts(self._library.declared_identities())
        self._adopt(self._library.rule_record(), key=key, on_case=str(case.id), by_name=by_name)
        return "recorded"

    def verify(self, action: Action, key: str) -> EffectStatus:
        """Look for the change in the ledger."""
        return EffectStatus.ABSENT if self._entry_of(key) is None else EffectStatus.LANDED

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
        command = AdoptRules(record=record, by_name=by_name, on_case=on_case, key=key)
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

    def _entries(self) -> dict[int, PolicyAdopted]:
        return {
            entry.version: entry.body
            for entry in self._cases.entries(str(DESK_ID))
            if isinstance(entry.body, PolicyAdopted)
        }

    def _entry_of(self, key: str) -> PolicyAdopted | None:
        """Find the entry that was written under this key."""
        return next((body for body in self._entries().values() if body.key == key), None)

    def _record_at(self, version: int) -> RuleRecord:
        return self._entries()[version].record

    def _case_of(self, key: str) -> Case | None:
        """Find the case whose step has this key."""
        for case in self._queries.open_from(DESK_SOURCE, RULES_KIND):
            plan = case.proposal.plan
            if plan is not None and key in map(plan.step_key, range(len(plan.actions))):
                return case
        return None

    def _is_of_files(self, parameters: ScalarMapping) -> bool:
        return parameters["checksum"] == self._library.rule_record().checksum

    def _snapshot(self, parameters: ScalarMapping) -> dict[str, Scalar]:
        last = self._desk_controls.load().adopted_rules
        return {
            "in_force": last.checksum if last else "",
            "is_of_files": self._is_of_files(parameters),
        }


class CombinedDesk:
    """The desk as one system: stages, rules, standing rules and versions."""

    def __init__(
        self,
        stages: Connector,
        *,
        rules: Connector,
        standing_rules: Connector,
        versions: Connector,
    ) -> None:
        self._stages = stages
        self._by_query = {
            CHANGE_QUERY: rules,
            STANDING_RULE_QUERY: standing_rules,
            VERSION_QUERY: versions,
        }
        self._by_action = {
            ADOPT_RULES: rules,
            ADOPT_VERSION: versions,
            **dict.fromkeys(STANDING_RULE_ACTIONS, standing_rules),
        }

    @property
    def timeout(self) -> timedelta:
        return TIMEOUT

    def look_up(self, query: str, parameters: ScalarMapping, limit: int) -> list[dict[str, Scalar]]:
        part = self._by_query.get(query, self._stages)
        return part.look_up(query, parameters, limit)

    def prepare(
        self, action: str, parameters: ScalarMapping, words: ScalarMapping = NOTHING
    ) -> Action:
        return self._part(f"{DESK_SYSTEM}.{action}").prepare(action, parameters, words)

    def precondition(self, action: Action) -> ScalarMapping:
        return self._part(action.name).precondition(action)

    def execute(self, action: Action, key: str) -> str:
        return str(self._part(action.name).execute(action, key))

    def verify(self, action: Action, key: str) -> EffectStatus:
        return EffectStatus(self._part(action.name).verify(action, key))

    def undo(self, action: Action, key: str, undo_key: str) -> str:
        return self._part(action.name).undo(action, key, undo_key)

    def _part(self, name: str) -> Connector:
        return self._by_action.get(name, self._stages)
