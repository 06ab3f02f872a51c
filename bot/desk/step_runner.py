"""Do one step: check, write the intent, execute, report."""

import logging
from dataclasses import dataclass, replace

from bot.cases import commands
from bot.cases.decide import decide, record_entry
from bot.cases.entries import StepReported, StepStarted, StepState, Stopped
from bot.cases.errors import ConnectorFailed, OutcomeUnknown, SystemRefused, WorldMoved
from bot.cases.execution import is_refusal_foreseen, step_summary
from bot.cases.plan import Idempotency
from bot.cases.steps import drift, find_drift
from bot.clock import time_limit
from bot.desk.step_checks import StepChecks
from bot.desk.step_lease import StepLease
from bot.desk.step_log import StepLog
from bot.desk.step_undo import UNEXPECTED, StepUndo
from bot.desk.step_verification import (
    LOOK_INTERVAL,
    MAX_ATTEMPTS,
    MAX_LOOKS,
    StepVerification,
    look,
)
from bot.desk.step_work import FORWARD, StepWork
from bot.ports.clock import Clock
from bot.ports.connector import NOTHING, Effect, EffectStatus, Systems

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class StepRunner:
    """Begin a step, repeat it if need be, and record the outcome.

    Only the execution itself may say that a step failed.
    """

    systems: Systems
    checks: StepChecks
    step_log: StepLog
    verification: StepVerification
    undo: StepUndo
    lease: StepLease
    clock: Clock

    def start(self, work: StepWork) -> None:
        """Begin a step for the first time."""
        if self.checks.may_be_done(work):
            self._look_first(work)
            return
        try:
            facts = self.checks.start_facts(work, self.clock())
            # The lease counts from here: reading the facts may have taken a while.
            began_at = self.lease.stopwatch()
            decision = decide(work.case, facts, self.clock())
        except WorldMoved as change:
            self._give_up_before_start(work, str(change))
            return
        # Drift or a refusal by policy is written instead of a beginning.
        if not isinstance(decision.entries[0].body, StepStarted):
            self.step_log.commit(work.case, decision, work.message)
            return
        begun_work = self.step_log.begin(work, decision)
        if begun_work is not None:
            self._execute(begun_work, began_at)

    def verify(self, work: StepWork) -> None:
        """Verify the step, and repeat it if it surely did not happen."""
        if self.verification.find_out(work, FORWARD):
            self.repeat(work)

    def repeat(self, work: StepWork) -> None:
        """Repeat a step that surely did not happen.

        Everything is checked again first.
        """
        try:
            # The look before it may have taken a while.
            facts = self.checks.start_facts(replace(work, controls=None), self.clock())
            began_at = self.lease.stopwatch()
            now = self.clock()
            reasons = find_drift(work.case, facts, now)
        except WorldMoved as change:
            self._handle_drift(work, [str(change)])
            return
        except ConnectorFailed as failure:
            self._handle_unreadable_system(work, str(failure))
            return
        if reasons:
            self._handle_drift(work, reasons)
            return
        report = StepReported(work.step, StepState.STARTED, "it had not happened; doing it again")
        begun_work = self.step_log.begin(work, record_entry(work.case, report, now))
        if begun_work is not None:
            self._execute(begun_work, began_at)

    def _look_first(self, work: StepWork) -> None:
        """Look for an effect that a lost ledger may have recorded."""
        beginning = decide(work.case, commands.LookFirst(work.step), self.clock())
        doubtful = self.step_log.mark_in_doubt(work.step, FORWARD, beginning)
        begun_work = self.step_log.begin(work, doubtful, looking=True)
        if begun_work is not None:
            self.verify(begun_work)

    def _give_up_before_start(self, work: StepWork, reason: str) -> None:
        """Propose the plan again, or undo the steps that landed."""
        if work.case.execution.has_landed:
            self._back_out(work, reason)
        else:
            self.step_log.write(work.case, drift(reason), work.message)

    def _back_out(self, work: StepWork, reason: str) -> None:
        """Undo the last step that has landed.

        The step in hand was not begun, so it has no record that could fail.
        """
        case = work.case
        last_landed = max(
            index
            for index, step in enumerate(case.execution.steps)
            if step.state is StepState.LANDED
        )
        explanation = f"step {work.step + 1} was not begun: {reason}"
        if case.action(last_landed).reversible:
            self.undo.undo(StepWork(case, last_landed, work.message), explanation)
        else:
            end = Stopped(f"{explanation}. {step_summary(case)}")
            self.step_log.write(case, end, work.message)

    def _execute(self, work: StepWork, began_at: float) -> None:
        """Execute the action and report the outcome.

        Every doubt is looked into later.
        """
        if self.lease.is_too_late(began_at, work.message):
            return
        action = work.action
        connector = self.systems[action.system]
        try:
            with time_limit(self.lease.attempt_ends(began_at, connector)):
                outcome = connector.execute(action, work.record.key)
        except OutcomeUnknown as doubt:
            self._report_doubt(work, str(doubt))
        except WorldMoved as change:
            self._handle_drift(work, [str(change)])
        except ConnectorFailed as failure:
            self._handle_refusal(work, failure)
        except Exception:
            # Whatever it was, it may have come after the effect.
            log.exception(
                "step %d of %s ended unexpectedly; it is looked for", work.step + 1, work.case.id
            )
            self._report_doubt(work, UNEXPECTED)
        else:
            effect = Effect(outcome, NOTHING) if isinstance(outcome, str) else outcome
            self._handle_success(work, effect)

    def _handle_success(self, work: StepWork, effect: Effect) -> None:
        """Report the step as landed once its effect is visible.

        An effect that is not visible yet is accepted, and never counts as undone.
        """
        if self._is_visible(work):
            self.step_log.report(work, StepState.LANDED, effect.detail, facts=effect.facts)
        else:
            self.step_log.report(work, StepState.ACCEPTED, effect.detail, again_in=LOOK_INTERVAL)

    def _is_visible(self, work: StepWork) -> bool:
        if work.action.idempotency is Idempotency.NONE:
            # Without a key there is nothing to look for.
            return True
        return self._look(work) is EffectStatus.LANDED

    def _handle_refusal(self, work: StepWork, failure: ConnectorFailed) -> None:
        """Retry a temporary refusal a few times; otherwise fail the step."""
        is_temporary = failure.retryable and work.action.idempotency is not Idempotency.NONE
        attempts = MAX_ATTEMPTS
        if is_temporary:
            attempts = self.step_log.count_attempts(work, FORWARD)
        if attempts < MAX_ATTEMPTS:
            wait = LOOK_INTERVAL * 2 ** (attempts - 1)
            self.step_log.report(work, StepState.DEFERRED, str(failure), again_in=wait)
        elif isinstance(failure, SystemRefused) and is_refusal_foreseen(work.case, work.step):
            self.step_log.report(work, StepState.REFUSED, str(failure))
        else:
            self.step_log.report(work, StepState.FAILED, str(failure))

    def _handle_drift(self, work: StepWork, reasons: list[str]) -> None:
        """Report that the world is no longer as it was approved."""
        status = EffectStatus.ABSENT
        if self._is_repeated(work):
            # An earlier attempt may be what changed it.
            status = self._look(work)
        if status is EffectStatus.LANDED:
            self.verification.report_found(work, FORWARD)
        elif status is EffectStatus.ABSENT:
            self.step_log.report_absent(work, reasons)
        else:
            self._report_doubt(work, "; ".join(reasons))

    def _is_repeated(self, work: StepWork) -> bool:
        is_first_start = work.record.state is StepState.STARTED
        return not is_first_start or self.step_log.count_attempts(work, FORWARD) > 1

    def _handle_unreadable_system(self, work: StepWork, reason: str) -> None:
        """Wait for a system that cannot be read now.

        A step that was only put off is left undone in the end.
        """
        is_last_look = work.message.attempts + 1 >= MAX_LOOKS
        if work.record.state is StepState.DEFERRED and is_last_look:
            self.step_log.report_absent(work, [reason])
        else:
            self.verification.look_again(work, reason)

    def _look(self, work: StepWork) -> EffectStatus:
        action = work.action
        return look(self.systems[action.system], action, work.record.key)

    def _report_doubt(self, work: StepWork, reason: str) -> None:
        self.step_log.report(work, StepState.UNKNOWN, reason, again_in=LOOK_INTERVAL)
