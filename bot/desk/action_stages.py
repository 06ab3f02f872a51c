"""The stages of all actions, with their records."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from bot.cases.autonomy import Gate, gate_to, next_stage
from bot.cases.controls import DeskControls
from bot.cases.playbook import Playbook
from bot.cases.policy import Stage
from bot.ports.clock import Clock
from bot.ports.decision_records import DecisionRecords
from bot.ports.desk_controls import DeskControlsStore
from bot.ports.library import Library
from bot.views.autonomy import ActionStage


@dataclass(frozen=True, kw_only=True)
class ActionStages:
    """Tell what each action may do, and what is missing for more."""

    desk_controls: DeskControlsStore
    records: DecisionRecords
    library: Library
    clock: Clock

    def list(self) -> list[ActionStage]:
        """List the actions of all kinds, by the titles of their kinds."""
        controls, now = self.desk_controls.load(), self.clock()
        return [
            self.describe(playbook, action, controls=controls, now=now)
            for playbook in map(self.library.playbook, self._kinds())
            for action in actions_of(playbook)
        ]

    def _kinds(self) -> Iterator[str]:
        yield from (kind for kind, _ in self.library.titles())

    def describe(
        self, playbook: Playbook, action: str, *, controls: DeskControls, now: datetime
    ) -> ActionStage:
        """Return the stage of one action, with its record."""
        kind, labels = playbook.kind, self.library.labels()
        record = controls.recorded_stage(kind, action)
        stage = controls.stage_of(kind, action, playbook.terms.stage)
        target = next_stage(stage)
        gate, since, by_name = None, None, ""
        if target is not None:
            gate = self.gate(kind, action, target, controls=controls, now=now)
        if record is not None:
            since, by_name = record.at, record.by_name
        return ActionStage(
            kind=kind,
            kind_title=playbook.title,
            action=action,
            action_title=labels.action(action),
            stage=stage,
            since=since,
            by_name=by_name,
            gate=gate,
        )

    def gate(
        self, kind: str, action: str, target: Stage, *, controls: DeskControls, now: datetime
    ) -> Gate:
        """Judge whether an action has earned a stage."""
        policy = self.library.policy()
        return gate_to(
            target,
            kind=kind,
            action=action,
            controls=controls,
            scores=self.records.scores(kind, action, now - policy.autonomy.window),
            policy=policy,
            now=now,
        )


def actions_of(playbook: Playbook) -> tuple[str, ...]:
    """List the actions that a playbook may recommend, once each."""
    names = [offer.action for first in playbook.offers for offer in first.chain()]
    return tuple(dict.fromkeys(names))
