"""Promotions: ask the governance owners about an earned stage.

A promotion is a case like any other: it has a card, a record and a vote. It goes away by itself
when its evidence does.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from threading import Lock

from bot.cases.autonomy import next_stage
from bot.cases.case import Case
from bot.cases.controls import DeskControls
from bot.cases.desk_kinds import DESK_SOURCE, stage_kind
from bot.cases.lifecycle import WAITING
from bot.cases.playbook import Playbook
from bot.cases.policy import Stage
from bot.cases.signal import Signal, SignalStatus
from bot.cases.source import ABSENCE
from bot.desk.action_stages import ActionStages, actions_of
from bot.desk.intake import Intake
from bot.desk.proposal import SHADOW_MODE
from bot.ports.case_queries import CaseQueries
from bot.ports.case_store import ReceiptOutcome
from bot.ports.clock import Clock
from bot.ports.desk_controls import DeskControlsStore
from bot.ports.library import Library


@dataclass(frozen=True, kw_only=True)
class Promotions:
    """Open a case for each open gate, and clear the others."""

    desk_controls: DeskControlsStore
    stages: ActionStages
    queries: CaseQueries
    intake: Intake
    library: Library
    clock: Clock
    mode: str = ""
    _lock: Lock = field(default_factory=Lock)

    def review(self) -> int:
        """Judge every record; return how many cases that opened."""
        return sum(self.review_kind(kind) for kind, _ in self.library.titles())

    def review_kind(self, kind: str) -> int:
        """Judge the records of one kind; return how many cases that opened."""
        playbook = self.library.playbook(kind)
        if self.mode == SHADOW_MODE or not self._may_ever_ask(playbook):
            return 0
        with self._lock:
            return self._review(playbook, self.desk_controls.load(), self.clock())

    def _may_ever_ask(self, playbook: Playbook) -> bool:
        """Tell from the files alone whether any action can go further."""
        actions = self.library.policy().actions
        limits = [actions[name] for name in actions_of(playbook) if name in actions]
        is_wide = playbook.terms.stage is not Stage.SHADOW
        return any(limit.alone for limit in limits) if is_wide else bool(limits)

    def _review(self, playbook: Playbook, controls: DeskControls, now: datetime) -> int:
        open_cases = {
            case.signal.subject: case
            for case in self.queries.open_from(DESK_SOURCE, stage_kind(playbook.kind))
        }
        opened_count = 0
        for action, target in self._candidates(playbook, controls):
            signal = self._signal(playbook, action, target)
            case = open_cases.get(signal.subject)
            gate = self.stages.gate(playbook.kind, action, target, controls=controls, now=now)
            if gate.is_open:
                if case is None:
                    opened_count += self._open(signal, now)
            elif case is not None and case.state in WAITING:
                self.intake.receive(_clear(case, now), b"")
        return opened_count

    def _candidates(
        self, playbook: Playbook, controls: DeskControls
    ) -> Iterator[tuple[str, Stage]]:
        """Yield the actions that policy lets go further, with their next stage."""
        policy = self.library.policy()
        for action in actions_of(playbook):
            target = next_stage(controls.stage_of(playbook.kind, action, playbook.terms.stage))
            limit = policy.actions.get(action)
            if target is None or limit is None:
                continue
            if target is not Stage.AUTONOMOUS or limit.alone:
                yield action, target

    def _open(self, signal: Signal, now: datetime) -> bool:
        """Ask, unless that was done lately; tell whether it opened a case."""
        last_at = self.queries.last_signal_at(signal.fingerprint, except_from=ABSENCE)
        if last_at is not None and now - last_at < self.library.policy().autonomy.ask_again:
            return False
        # Two processes that look at once ask under one key, and open one case.
        after = 0 if last_at is None else int(last_at.timestamp())
        signal = replace(signal, key=f"{signal.subject} after {after}")
        return self.intake.receive(signal, b"").outcome is ReceiptOutcome.OPENED

    def _signal(self, playbook: Playbook, action: str, target: Stage) -> Signal:
        title = self.library.labels().action(action)
        manner = "alone" if target is Stage.AUTONOMOUS else "once people have approved it"
        return Signal(
            source=DESK_SOURCE,
            key="",
            kind=stage_kind(playbook.kind),
            subject=f"{action} {target.value}",
            title=f"Let the bot do “{title}” {manner}?",
            occurred_at=None,
            facts={"of_kind": playbook.kind, "of_action": action, "to_stage": target.value},
        )


def _clear(case: Case, now: datetime) -> Signal:
    """Build the signal that clears this version of a case."""
    return replace(
        case.signal,
        key=f"{case.signal.key}#clear{case.version}",
        occurred_at=now,
        status=SignalStatus.CLEAR,
    )
