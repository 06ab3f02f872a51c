"""The desk as a system of its own, with its stages.

A change is written into the ledger under the key of its step, once. It can be taken back, and is
looked for there.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from bot.cases.autonomy import Gate, gate_to, next_stage, percent_below
from bot.cases.canonical import Scalar, ScalarMapping
from bot.cases.case import Case
from bot.cases.control_commands import ChangeStage
from bot.cases.control_decisions import decide_controls
from bot.cases.controls import DESK_ID, DeskControls
from bot.cases.desk_kinds import DESK_SOURCE, DESK_SYSTEM, stage_kind
from bot.cases.entries import StageChanged
from bot.cases.errors import Conflict, ConnectorFailed, WorldMoved
from bot.cases.plan import Action, Idempotency
from bot.cases.policy import Stage
from bot.cases.stage_playbook import RECORD_QUERY
from bot.connectors.parameters import ParameterType, convert_parameters
from bot.connectors.specs import ActionSpec, Secrets, SystemSpec, prepare_action
from bot.ports.case_queries import CaseQueries
from bot.ports.case_store import CaseStore
from bot.ports.chat import Chat
from bot.ports.clock import Clock
from bot.ports.connector import NOTHING, Connector, EffectStatus, Systems
from bot.ports.decision_records import DecisionRecords
from bot.ports.desk_controls import DeskControlsStore
from bot.ports.library import Library

TIMEOUT = timedelta(seconds=10)
MAX_ATTEMPTS = 20
UNDO_FOR = timedelta(days=7)
NONE = "none"
TARGETS: Mapping[Stage, str] = {
    Stage.SHADOW: "only recommended",
    Stage.SUPERVISED: "carried out when people have approved",
    Stage.AUTONOMOUS: "carried out alone",
}


@dataclass(frozen=True, kw_only=True)
class DeskAction(ActionSpec):
    """A change of the desk's own record."""

    @property
    def reversible(self) -> bool:
        return True

    @property
    def idempotency(self) -> Idempotency:
        return Idempotency.NATIVE_KEY


@dataclass(frozen=True, kw_only=True)
class DeskSystem(SystemSpec):
    """The desk itself. No file declares it."""

    connector: Literal["desk"] = "desk"

    def secret_names(self) -> tuple[str, ...]:
        return ()

    def connect(self, secrets: Secrets, chat: Chat) -> Connector:
        raise ConnectorFailed("the desk is connected where it is built")


CHANGE_STAGE_SPEC = DeskAction(
    name="change_stage",
    title="Change what the bot may do alone",
    parameters=dict.fromkeys(("kind", "action", "stage"), ParameterType.TEXT),
    titles={"kind": "Kind of case", "action": "Action", "stage": "Stage"},
    target="stage:{kind}:{action}",
    summary="Let “{action_title}” be {target_text} for “{kind_title}”",
    past_summary="“{action_title}” is {target_text} for “{kind_title}”",
    preview="“{action_title}” is {target_text} for “{kind_title}”, until it is taken back",
    undo_for=UNDO_FOR,
)
ADOPT_RULES_SPEC = DeskAction(
    name="adopt_rules",
    title="Let the changed rules be in force",
    parameters={"checksum": ParameterType.TEXT},
    titles={"checksum": "Version"},
    target="rules",
    summary="Let the changed rules be in force",
    past_summary="The changed rules are in force",
    preview="The changed rules are in force, until they are taken back",
    undo_for=UNDO_FOR,
)
ADOPT_STANDING_RULE_SPEC = DeskAction(
    name="adopt_standing_rule",
    title="Let such plans run without being asked",
    parameters=dict.fromkeys(("kind", "rule"), ParameterType.TEXT),
    titles={"kind": "Kind of case", "rule": "Version"},
    target="rule:{kind_title}",
    summary="Let this run without being asked, until {until_text}: {sentence}",
    past_summary="This runs without being asked, until {until_text}: {sentence}",
    preview="Plans within these bounds are carried out alone, until {until_text}",
    undo_for=UNDO_FOR,
)
KEEP_STANDING_RULE_SPEC = DeskAction(
    name="keep_standing_rule",
    title="Keep a standing rule",
    parameters=dict.fromkeys(("kind", "rule", "until"), ParameterType.TEXT),
    titles={"kind": "Kind of case", "rule": "Rule", "until": "Until"},
    target="rule:{kind_title}",
    summary="Keep this until {until_text}: {sentence}",
    past_summary="This is kept until {until_text}: {sentence}",
    preview="Such plans go on running without being asked, until {until_text}",
    undo_for=UNDO_FOR,
)
ADOPT_VERSION_SPEC = DeskAction(
    name="adopt_version",
    title="Let the new version of a playbook be in force",
    parameters=dict.fromkeys(("kind", "version"), ParameterType.TEXT),
    titles={"kind": "Kind of case", "version": "Version"},
    target="version:{kind}",
    summary="Let the new version of “{kind_title}” be in force",
    past_summary="The new version of “{kind_title}” is in force",
    preview="The new version of “{kind_title}” judges every case, until it is taken back",
    undo_for=UNDO_FOR,
)
DESK_ACTIONS = (
    CHANGE_STAGE_SPEC,
    ADOPT_RULES_SPEC,
    ADOPT_STANDING_RULE_SPEC,
    KEEP_STANDING_RULE_SPEC,
    ADOPT_VERSION_SPEC,
)
DESK_SPEC = DeskSystem(
    name=DESK_SYSTEM,
    title="bot itself",
    timeout=TIMEOUT,
    actions={spec.name: spec for spec in DESK_ACTIONS},
)


class DeskConnector:
    """Reads and changes the stages of the desk."""

    def __init__(
        self,
        *,
        desk_controls: DeskControlsStore,
        records: DecisionRecords,
        cases: CaseStore,
        queries: CaseQueries,
        library: Library,
        clock: Clock,
    ) -> None:
        """Read and write by the store's ports; no network is between."""
        self._desk_controls = desk_controls
        self._records = records
        self._cases = cases
        self._queries = queries
        self._library = library
        self._clock = clock

    @property
    def timeout(self) -> timedelta:
        return TIMEOUT

    def look_up(self, query: str, parameters: ScalarMapping, limit: int) -> list[dict[str, Scalar]]:
        """Return the record of an action of a kind."""
        if query != RECORD_QUERY:
            raise ConnectorFailed(f"the desk has no look-up {query[:50]!r}")
        kind, action = str(parameters["kind"]), str(parameters["action"])
        controls = self._desk_controls.load()
        stage = self._stage(controls, kind, action)
        target = next_stage(stage)
        if target is None:
            raise ConnectorFailed("it runs alone already")
        gate = self._gate(controls, kind, action=action, stage=target)
        return [self._row(target, gate)]

    def prepare(
        self, action: str, parameters: ScalarMapping, words: ScalarMapping = NOTHING
    ) -> Action:
        """Make the dry run of a change of stage."""
        if action != CHANGE_STAGE_SPEC.name:
            raise ConnectorFailed(f"the desk has no action {action!r}")
        values = convert_parameters(parameters, CHANGE_STAGE_SPEC.parameters)
        return prepare_action(
            CHANGE_STAGE_SPEC,
            system=DESK_SYSTEM,
            connector=DESK_SPEC.connector,
            parameters=values,
            snapshot=self._snapshot(values),
            words=words,
        )

    def precondition(self, action: Action) -> ScalarMapping:
        """Return what the change rests on: stage and record of now."""
        return self._snapshot(action.parameters)

    def execute(self, action: Action, key: str) -> str:
        """Write the stage into the ledger."""
        if self._entry_of(key) is not None:
            return "recorded before"
        kind, name, stage = _read(action.parameters)
        controls = self._desk_controls.load()
        gate = self._gate(controls, kind, action=name, stage=stage)
        if not gate.is_open:
            raise WorldMoved(f"it is not earned any more: {'; '.join(gate.reasons)}")
        case = self._case_of(kind, key)
        if case is None:
            # Signals from outside, and those who govern another kind, decide nothing here.
            raise ConnectorFailed("no case of the desk about this kind asks for it")
        command = ChangeStage(
            kind=kind,
            action=name,
            stage=stage,
            initial=self._library.playbook(kind).terms.stage,
            reason="people decided it on its record",
            by_name=", ".join(vote.name for vote in case.proposal.approvals),
            on_case=str(case.id),
            key=key,
            evidence=gate.evidence,
        )
        self._decide(command)
        # What turned out wrong in between took back a stage that was not there yet.
        late_gate = self._gate(self._desk_controls.load(), kind, action=name, stage=stage)
        if not late_gate.is_open:
            self.undo(action, key, f"{key}:late")
            raise WorldMoved(f"it is not earned any more: {'; '.join(late_gate.reasons)}")
        return "recorded"

    def verify(self, action: Action, key: str) -> EffectStatus:
        """Look for the change in the ledger."""
        return EffectStatus.ABSENT if self._entry_of(key) is None else EffectStatus.LANDED

    def undo(self, action: Action, key: str, undo_key: str) -> str:
        """Put the stage back to what it was."""
        entry = self._entry_of(key)
        if entry is None or self._entry_of(undo_key) is not None:
            return "nothing to take back"
        record = self._desk_controls.load().recorded_stage(entry.kind, entry.action)
        if record is None or record.key != key:
            return "it was taken back before"
        command = ChangeStage(
            kind=entry.kind,
            action=entry.action,
            stage=entry.before,
            initial=entry.before,
            reason=f"taken back in {entry.on_case}",
            by_name=entry.by_name,
            on_case=entry.on_case,
            key=undo_key,
        )
        self._decide(command)
        return "recorded"

    # --- parts -----------------------------------------------------------------------------------

    def _decide(self, command: ChangeStage) -> None:
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

    def _entry_of(self, key: str) -> StageChanged | None:
        """Find the entry that was written under this key."""
        for entry in self._cases.entries(str(DESK_ID)):
            if isinstance(entry.body, StageChanged) and entry.body.key == key:
                return entry.body
        return None

    def _case_of(self, kind: str, key: str) -> Case | None:
        """Find the case whose step has this key."""
        for case in self._queries.open_from(DESK_SOURCE, stage_kind(kind)):
            plan = case.proposal.plan
            if plan is not None and key in map(plan.step_key, range(len(plan.actions))):
                return case
        return None

    def _stage(self, controls: DeskControls, kind: str, action: str) -> Stage:
        return controls.stage_of(kind, action, self._library.playbook(kind).terms.stage)

    def _gate(self, controls: DeskControls, kind: str, *, action: str, stage: Stage) -> Gate:
        policy, now = self._library.policy(), self._clock()
        return gate_to(
            stage,
            kind=kind,
            action=action,
            controls=controls,
            scores=self._records.scores(kind, action, now - policy.autonomy.window),
            policy=policy,
            now=now,
        )

    def _snapshot(self, parameters: ScalarMapping) -> dict[str, Scalar]:
        kind, action, stage = _read(parameters)
        controls = self._desk_controls.load()
        labels = self._library.labels()
        return {
            "action_title": labels.action(action),
            "kind_title": labels.kind(kind),
            "target_text": TARGETS[stage],
            "stage_before": self._stage(controls, kind, action).value,
            "is_earned": self._gate(controls, kind, action=action, stage=stage).is_open,
        }

    def _row(self, target: Stage, gate: Gate) -> dict[str, Scalar]:
        rule = gate.rule
        agreement = f"{gate.agreements:,} of {gate.decisions:,} times"
        window = f"{rule.window.days} days"
        bound = f"{percent_below(gate.lower_bound)} %"
        misses, bad_cases = ", ".join(gate.misses) or NONE, ", ".join(gate.bad_cases) or NONE
        confidence = f"{round(rule.confidence * 100)} %"
        return {
            "to_stage": target.value,
            "agreement": agreement,
            "bound": f"{bound} (with {confidence} confidence)",
            "misses": misses,
            "bad_cases": bad_cases,
            "window": window,
            "limits": self._limits(target, rule.alone_per_day),
            "is_earned": gate.is_open,
            "missing": "; ".join(gate.reasons),
            "summary": (
                f"Of {gate.decisions:,} decisions it would have matched you {gate.agreements:,}"
                f" times (surely {bound} or more). {_outcomes(gate, window)}"
            ),
        }

    def _limits(self, target: Stage, alone_per_day: int) -> str:
        if target is not Stage.AUTONOMOUS:
            return "people approve every plan"
        return (
            f"low risk only, at most {alone_per_day:,} a day, within the limits of policy;"
            " one bad outcome ends it"
        )


class SystemsWithDesk:
    """The systems of the library, and the desk beside them."""

    def __init__(self, systems: Systems, desk: Connector) -> None:
        self.of_library = systems
        self._desk = desk

    def __getitem__(self, name: str) -> Connector:
        return self._desk if name == DESK_SYSTEM else self.of_library[name]


def _outcomes(gate: Gate, window: str) -> str:
    if not gate.bad_cases:
        return f"Nothing turned out wrong in {window}"
    return f"Turned out wrong in {window}: {', '.join(gate.bad_cases)}"


def _read(parameters: ScalarMapping) -> tuple[str, str, Stage]:
    """Read kind, action and stage.

    Raises:
        ConnectorFailed: there is no such stage.
    """
    try:
        stage = Stage(str(parameters["stage"]))
    except ValueError:
        raise ConnectorFailed(f"there is no stage {str(parameters['stage'])[:50]!r}") from None
    return str(parameters["kind"]), str(parameters["action"]), stage
