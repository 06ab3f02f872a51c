"""Look in the systems of record for what people did by hand."""

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.cases.canonical import Scalar, storable
from bot.cases.case import Case
from bot.cases.decide import record_entry
from bot.cases.entries import PracticeObserved
from bot.cases.errors import ConnectorFailed
from bot.cases.lifecycle import State
from bot.cases.plan import Action, Plan
from bot.cases.playbook import Observation, Playbook
from bot.cases.practice import PracticeSource, differing_parameters
from bot.desk.detection import detection_parameters
from bot.desk.effects import change
from bot.ports.case_store import CaseStore
from bot.ports.clock import Clock
from bot.ports.connector import Systems
from bot.ports.library import Library
from bot.ports.outbox import LeasedMessage, Outbox
from bot.views.labels import as_words

log = logging.getLogger(__name__)

MIN_INTERVAL = timedelta(minutes=1)
#: A case that waits for days is looked at less and less often.
SHARE_OF_AGE = 10
NOT_DONE = "it ended, and the system of record does not show that this was done"
MAX_ROWS = 1


@dataclass(frozen=True, kw_only=True)
class PracticeObservation:
    """Compare work by hand with a plan that was not run.

    It only reads. It looks until the action is found, or the time to follow up is over.
    """

    cases: CaseStore
    outbox: Outbox
    library: Library
    systems: Systems
    clock: Clock

    def run(self, message: LeasedMessage) -> None:
        """Look once, and record what is certain by now."""
        case = self.cases.case(message.case_id)
        plan = case.proposal.plan
        if plan is None or not _is_open(case, message):
            self.outbox.finish(message)
            return
        playbook = self.library.playbook(case.kind)
        now = self.clock()
        practice = self._observe(case, plan, playbook=playbook, now=now)
        if practice is None:
            self._look_again(case, playbook, message=message, now=now)
            return
        decision = record_entry(case, practice, now)
        self.cases.commit(change(case, decision, playbook), finish=message)

    def _look_again(
        self, case: Case, playbook: Playbook, *, message: LeasedMessage, now: datetime
    ) -> None:
        until = _last_look_at(case, playbook)
        if until is not None and now >= until:
            # Its system never answered, so nothing can be said.
            self.outbox.finish(message)
            return
        interval = max(MIN_INTERVAL, (now - case.timers.opened_at) / SHARE_OF_AGE)
        again_at = now + interval
        self.outbox.wait(message, min(again_at, until or again_at), "not done by hand so far")

    def _observe(
        self, case: Case, plan: Plan, *, playbook: Playbook, now: datetime
    ) -> PracticeObserved | None:
        """Return what is certain; None while nothing is."""
        observations = playbook.observations([action.name for action in plan.actions])
        differences: list[str] = []
        for action in plan.actions:
            observation = observations.get(action.name)
            if observation is None:
                continue
            try:
                row = self._find(observation, action, case=case, now=now)
            except ConnectorFailed as failure:
                log.warning("%s cannot be compared with practice: %s", case.id, failure)
                return None
            if row is None:
                return _not_done(case, playbook, now)
            differences += _describe_differences(action, row)
        return PracticeObserved(
            action_agrees=True,
            parameters_agree=not differences,
            source=PracticeSource.SYSTEM,
            detail="; ".join(differences),
        )

    def _find(
        self, observation: Observation, action: Action, *, case: Case, now: datetime
    ) -> dict[str, Scalar] | None:
        before = {f"was_{name}": value for name, value in action.precondition.items()}
        since = {"since": detection_parameters(case.timers.opened_at)["now"]}
        parameters = {**before, **action.parameters, **since, **detection_parameters(now)}
        system = self.systems[observation.system]
        rows = system.look_up(observation.query, parameters, MAX_ROWS)
        return rows[0] if rows else None


def _is_open(case: Case, message: LeasedMessage) -> bool:
    """Tell whether the practice of this plan is still unknown."""
    if case.proposal.revision != message.payload.get("revision"):
        return False
    # A plan that the bot carries out is no practice of people.
    is_with_people = case.state in {State.REFERRED, State.SNOOZED} or case.is_terminal
    return is_with_people and case.activity.practice is None and not case.execution.steps


def _last_look_at(case: Case, playbook: Playbook) -> datetime | None:
    """Return when nothing more is expected; None while the case is open."""
    return case.ended_at + playbook.measure.follow_up_for if case.ended_at else None


def _not_done(case: Case, playbook: Playbook, now: datetime) -> PracticeObserved | None:
    """Record a miss, once the case has ended for long enough."""
    # Otherwise only agreements would ever be found, and every kind would look perfect.
    until = _last_look_at(case, playbook)
    if until is None or now < until or not case.is_in_shadow:
        return None
    return PracticeObserved(
        action_agrees=False,
        parameters_agree=False,
        source=PracticeSource.SYSTEM,
        detail=NOT_DONE,
    )


def _describe_differences(action: Action, row: dict[str, Scalar]) -> list[str]:
    """Write each parameter that people chose otherwise: "quantity 30, not 24"."""
    sentences = []
    for name in differing_parameters(action.parameters, row):
        value = storable(row[name])
        sentences.append(f"{as_words(name)} {value}, not {action.parameters[name]}")
    return sentences
