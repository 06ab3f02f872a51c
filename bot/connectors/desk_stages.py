"""The stages of the desk, in the desk's own system."""

from collections.abc import Mapping

from bot.cases.autonomy import Gate, gate_to, next_stage, percent_below
from bot.cases.canonical import Scalar, ScalarMapping
from bot.cases.control_commands import ChangeStage
from bot.cases.controls import DeskControls
from bot.cases.desk_kinds import stage_kind
from bot.cases.entries import StageChanged
from bot.cases.errors import ConnectorFailed, WorldMoved
from bot.cases.plan import Action
from bot.cases.policy import Stage
from bot.cases.stage_playbook import RECORD_QUERY
from bot.connectors.desk import CHANGE_STAGE_SPEC
from bot.connectors.desk_part import DeskPart
from bot.ports.case_queries import CaseQueries
from bot.ports.case_store import CaseStore
from bot.ports.clock import Clock
from bot.ports.decision_records import DecisionRecords
from bot.ports.desk_controls import DeskControlsStore
from bot.ports.library import Library

NONE = "none"
TARGETS: Mapping[Stage, str] = {
    Stage.SHADOW: "only recommended",
    Stage.SUPERVISED: "carried out when people have approved",
    Stage.AUTONOMOUS: "carried out alone",
}


class StagesConnector(DeskPart[StageChanged]):
    """Reads and changes the stages of the desk."""

    specs = (CHANGE_STAGE_SPEC,)
    bodies = StageChanged

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
        super().__init__(desk_controls=desk_controls, cases=cases, queries=queries, clock=clock)
        self._records = records
        self._library = library

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

    def execute(self, action: Action, key: str) -> str:
        """Write the stage into the ledger."""
        if self._entry_of(key) is not None:
            return "recorded before"
        kind, name, stage = _read(action.parameters)
        controls = self._desk_controls.load()
        gate = self._gate(controls, kind, action=name, stage=stage)
        if not gate.is_open:
            raise WorldMoved(f"it is not earned any more: {'; '.join(gate.reasons)}")
        case = self._case_of(stage_kind(kind), key)
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
