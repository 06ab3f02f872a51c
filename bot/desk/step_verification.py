"""Find out whether an effect exists after a doubt."""

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.cases.canonical import ScalarMapping
from bot.cases.entries import StepState
from bot.cases.errors import ConnectorFailed
from bot.cases.execution import is_backing_out
from bot.cases.plan import Action, Idempotency
from bot.desk.step_lease import StepLease
from bot.desk.step_log import StepLog
from bot.desk.step_work import FORWARD, Direction, StepWork, effect_key
from bot.ports.clock import Clock
from bot.ports.connector import (
    NOTHING,
    Connector,
    EffectStatus,
    FactReader,
    ReportAwaiting,
    Systems,
)
from bot.ports.outbox import Outbox

log = logging.getLogger(__name__)

MAX_LOOKS = 5
# A system may show late what it has accepted, so it is looked for during some minutes.
MAX_LOOKS_AFTER_SUCCESS = 9
# One step is begun so often, with the same key, before a person is asked.
MAX_ATTEMPTS = 5
LOOK_INTERVAL = timedelta(seconds=2)


@dataclass(frozen=True, kw_only=True)
class StepVerification:
    """Look for effects.

    Nothing is repeated or given up because of a single look.
    """

    outbox: Outbox
    systems: Systems
    step_log: StepLog
    lease: StepLease
    clock: Clock

    def find_out(self, work: StepWork, direction: Direction) -> bool:
        """Look for the effect, and record the outcome.

        Returns True, and records nothing, when the effect surely does not exist and the step may
        be attempted again.
        """
        connector = self.systems[work.action.system]
        status = look(connector, work.action, effect_key(work, direction))
        state = work.record.state
        if status is EffectStatus.LANDED:
            self.report_found(work, direction)
        elif state is direction.begun_state:
            # Whoever began it may still be at it, so a look that found nothing says nothing.
            self._wait_for_other_worker(work, direction)
        elif state is StepState.ACCEPTED:
            # The system said that it is done, so it is never repeated.
            self._wait_until_visible(work)
        elif status is EffectStatus.UNKNOWN:
            self._wait_until_known(work, direction)
        elif state is direction.unknown_state:
            self._record_first_miss(work, direction, connector)
        elif self.clock() < self._second_look_at(work, connector):
            second_look_at = self._second_look_at(work, connector)
            self.outbox.retry(
                work.message,
                second_look_at,
                "too early",
                certain=False,
                counts=False,
            )
        else:
            return self._may_repeat(work, direction)
        return False

    def report_found(self, work: StepWork, direction: Direction) -> None:
        """Report an effect that was found, with the facts that it tells.

        Facts that cannot be read now are read a little later. In the end they are missing, and
        nobody guesses them.
        """
        facts = NOTHING
        if direction is FORWARD and work.action.returns:
            try:
                facts = self._read_facts(work)
            except ConnectorFailed as failure:
                if work.message.attempts + 1 < MAX_LOOKS:
                    self.look_again(work, f"what it told cannot be read: {failure}")
                    return
        self.step_log.report(work, direction.done_state, direction.detail, facts=facts)

    def _read_facts(self, work: StepWork) -> ScalarMapping:
        action = work.action
        connector = self.systems[action.system]
        if not isinstance(connector, FactReader):
            return NOTHING
        try:
            return connector.read_facts(action, work.record.key)
        except ConnectorFailed:
            raise
        except Exception as bug:
            log.exception("reading what %s told ended unexpectedly", action.system)
            raise ConnectorFailed("it ended in a way that was not expected") from bug

    def _wait_for_other_worker(self, work: StepWork, direction: Direction) -> None:
        """Wait until the attempt of whoever began the step is surely over."""
        connector = self.systems[work.action.system]
        attempt_ends = work.record.at + self.lease.attempt_limit(connector)
        if self.clock() > attempt_ends:
            self.step_log.report(
                work, direction.unknown_state, "whoever began it has not reported back"
            )
            return
        self.outbox.retry(
            work.message,
            attempt_ends + timedelta(milliseconds=1),
            "another worker may be at it",
            certain=False,
            counts=False,
        )

    def _wait_until_visible(self, work: StepWork) -> None:
        action = work.action
        connector = self.systems[action.system]
        if isinstance(connector, ReportAwaiting):
            self._wait_for_report(work, connector)
            return
        reason = f"{action.summary}: {action.system} accepted it, but it is not to be seen there"
        self.look_again(work, reason, max_looks=MAX_LOOKS_AFTER_SUCCESS)

    def _wait_for_report(self, work: StepWork, connector: ReportAwaiting) -> None:
        """Wait for the program's report; in the end ask its owner."""
        due_at = work.record.at + connector.report_within
        if self.clock() >= due_at:
            self.step_log.park(work, connector.missing_report)
            return
        self.outbox.retry(work.message, due_at, "it was handed back", certain=False, counts=False)

    def _wait_until_known(self, work: StepWork, direction: Direction) -> None:
        action = work.action
        event = "it happened" if direction is FORWARD else "it was undone"
        self.look_again(work, f"{action.summary}: {action.system} does not say whether {event}")

    def _record_first_miss(
        self,
        work: StepWork,
        direction: Direction,
        connector: Connector,
    ) -> None:
        self.step_log.report(
            work,
            direction.missing_state,
            "looked for once, to be looked for again",
            again_in=_second_look_after(connector),
        )

    def _may_repeat(self, work: StepWork, direction: Direction) -> bool:
        """Decide what follows when two looks have found nothing."""
        action = work.action
        if direction is FORWARD and is_backing_out(work.case):
            self.step_log.report_absent(work, ["it is not done any more"])
        elif action.idempotency is Idempotency.NONE:
            # Without a key a second request could be a second effect.
            reason = f"{action.summary}: not found, and this action is never repeated by itself"
            self.step_log.park(work, reason)
        elif self.step_log.count_attempts(work, direction) >= MAX_ATTEMPTS:
            reason = f"{action.summary}: tried {MAX_ATTEMPTS} times, without an answer"
            self.step_log.park(work, reason)
        else:
            return True
        return False

    def look_again(
        self,
        work: StepWork,
        reason: str,
        *,
        max_looks: int = MAX_LOOKS,
    ) -> None:
        """Look again after a growing wait; in the end ask a person."""
        attempts = work.message.attempts
        if attempts + 1 >= max_looks:
            self.step_log.park(work, reason)
            return
        again_at = self.clock() + LOOK_INTERVAL * 2**attempts
        self.outbox.retry(work.message, again_at, reason, certain=False)

    def _second_look_at(self, work: StepWork, connector: Connector) -> datetime:
        return work.record.at + _second_look_after(connector)


def look(connector: Connector, action: Action, key: str) -> EffectStatus:
    """Look for the effect under this key.

    A look that fails finds out nothing.
    """
    try:
        return connector.verify(action, key)
    except ConnectorFailed:
        return EffectStatus.UNKNOWN
    except Exception:
        # A bug in a connector says nothing about the effect either.
        log.exception("looking for an effect at %s ended unexpectedly", action.system)
        return EffectStatus.UNKNOWN


def _second_look_after(connector: Connector) -> timedelta:
    """Return the time between two looks that find nothing."""
    # The system may still be working on a request that it had just accepted.
    return max(LOOK_INTERVAL, connector.timeout)
