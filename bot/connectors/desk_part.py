"""The parts of the desk as a system, and their common behaviour.

What people decide about the desk is carried out by actions like any other: dry run, approval,
effect under the key of its step, verification, and a way back. Each effect is one entry of the
ledger.
"""

from abc import ABC, abstractmethod
from datetime import timedelta
from typing import Any, ClassVar, Generic, TypeVar, cast

from bot.cases.canonical import Scalar, ScalarMapping
from bot.cases.case import Case
from bot.cases.control_commands import ControlCommand
from bot.cases.control_decisions import decide_controls
from bot.cases.controls import DESK_ID
from bot.cases.desk_kinds import DESK_SOURCE, DESK_SYSTEM
from bot.cases.errors import Conflict, ConnectorFailed
from bot.cases.plan import Action
from bot.connectors.desk import DESK_SPEC, TIMEOUT, DeskAction
from bot.connectors.parameters import convert_parameters
from bot.connectors.specs import prepare_action
from bot.ports.case_queries import CaseQueries
from bot.ports.case_store import CaseStore
from bot.ports.clock import Clock
from bot.ports.connector import NOTHING, EffectStatus
from bot.ports.desk_controls import DeskControlsStore

MAX_ATTEMPTS = 20
BodyT = TypeVar("BodyT")


class DeskPart(ABC, Generic[BodyT]):
    """Reads and changes one part of the desk by its own ledger."""

    #: The actions of this part, by their names.
    specs: ClassVar[tuple[DeskAction, ...]]
    #: The entries that these actions write; each has a ``key``.
    bodies: ClassVar[Any]

    def __init__(
        self,
        *,
        desk_controls: DeskControlsStore,
        cases: CaseStore,
        queries: CaseQueries,
        clock: Clock,
    ) -> None:
        """Read and write by the store's ports; no network is between."""
        self._desk_controls = desk_controls
        self._cases = cases
        self._queries = queries
        self._clock = clock

    @property
    def timeout(self) -> timedelta:
        return TIMEOUT

    def prepare(
        self, action: str, parameters: ScalarMapping, words: ScalarMapping = NOTHING
    ) -> Action:
        """Make the dry run of an action on the desk."""
        spec = next((spec for spec in self.specs if spec.name == action), None)
        if spec is None:
            raise ConnectorFailed(f"the desk has no action {action!r}")
        values = convert_parameters(parameters, spec.parameters)
        return prepare_action(
            spec,
            system=DESK_SYSTEM,
            connector=DESK_SPEC.connector,
            parameters=values,
            snapshot=self._snapshot(values),
            words=words,
        )

    def precondition(self, action: Action) -> ScalarMapping:
        """Return what the action rests on, as it is now."""
        return self._snapshot(action.parameters)

    def verify(self, action: Action, key: str) -> EffectStatus:
        """Look for the entry in the ledger."""
        return EffectStatus.ABSENT if self._entry_of(key) is None else EffectStatus.LANDED

    # --- parts -----------------------------------------------------------------------------------

    @abstractmethod
    def _snapshot(self, parameters: ScalarMapping) -> dict[str, Scalar]:
        """Return what an action with these parameters rests on."""

    def _decide(self, command: ControlCommand) -> None:
        """Decide the command on the controls of the moment of writing."""
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

    def _entry_of(self, key: str) -> BodyT | None:
        """Find the entry that was written under this key."""
        for entry in self._cases.entries(str(DESK_ID)):
            if isinstance(entry.body, self.bodies) and entry.body.key == key:
                return cast(BodyT, entry.body)
        return None

    def _case_of(self, kind: str, key: str) -> Case:
        """Find the case of this kind whose step has this key.

        Raises:
            ConnectorFailed: there is none. Signals from outside decide nothing here.
        """
        for case in self._queries.open_from(DESK_SOURCE, kind):
            plan = case.proposal.plan
            if plan is not None and key in map(plan.step_key, range(len(plan.actions))):
                return case
        raise ConnectorFailed("no case of the desk asks for it")
