"""Undo a step that has landed, as carefully as it was done."""

import logging
from dataclasses import dataclass

from bot.cases.decide import Decision, decide, record_entry
from bot.cases.entries import StepReported, StepState, UndoLapsed
from bot.cases.errors import ConnectorFailed, OutcomeUnknown
from bot.clock import time_limit
from bot.desk.step_checks import StepChecks
from bot.desk.step_lease import StepLease
from bot.desk.step_log import MAX_DETAIL, StepLog
from bot.desk.step_verification import LOOK_INTERVAL, StepVerification
from bot.desk.step_work import BACKWARD, StepWork, undo_key
from bot.ports.clock import Clock
from bot.ports.connector import Systems

log = logging.getLogger(__name__)

UNEXPECTED = "it ended in a way that was not expected"


@dataclass(frozen=True, kw_only=True)
class StepUndo:
    """Undo one step.

    Either a later step failed, or people asked for it.
    """

    systems: Systems
    checks: StepChecks
    step_log: StepLog
    verification: StepVerification
    lease: StepLease
    clock: Clock

    def undo(self, work: StepWork, reason: str = "") -> None:
        """Begin the undo and carry it out, if it is still wanted."""
        case = work.case
        facts = None
        if case.execution.is_undo_running and not case.execution.is_undo_begun:
            facts = self.checks.undo_facts(work, self.clock())
        # The lease counts from here: reading the facts may have taken a while.
        began_at = self.lease.stopwatch()
        now = self.clock()
        # People asked for the first undo, and are checked for it; the steps after it follow.
        if facts is None:
            report = StepReported(work.step, StepState.UNDOING, reason[:MAX_DETAIL])
            beginning = record_entry(case, report, now)
        else:
            beginning = decide(case, facts, now)
        if isinstance(beginning.entries[0].body, UndoLapsed):
            self.step_log.commit(case, beginning, work.message)
            return
        is_first_attempt = work.record.state is StepState.LANDED
        if is_first_attempt and self.checks.may_be_done(work):
            self._look_first(work, beginning)
            return
        begun_work = self.step_log.begin(work, beginning, undoing=True)
        if begun_work is not None:
            self._execute(begun_work, began_at)

    def verify(self, work: StepWork) -> None:
        """Verify the undo, and repeat it if it surely did not happen."""
        if self.verification.find_out(work, BACKWARD):
            self.undo(work)

    def _look_first(self, work: StepWork, beginning: Decision) -> None:
        """Look for an undo that a lost ledger may have recorded."""
        doubtful = self.step_log.mark_in_doubt(work.step, BACKWARD, beginning)
        begun_work = self.step_log.begin(work, doubtful, undoing=True)
        if begun_work is not None:
            self.verify(begun_work)

    def _execute(self, work: StepWork, began_at: float) -> None:
        """Execute the undo.

        A refusal goes to a person; every doubt is looked into later.
        """
        if self.lease.is_too_late(began_at, work.message):
            return
        action, key = work.action, work.record.key
        connector = self.systems[action.system]
        try:
            with time_limit(self.lease.attempt_ends(began_at, connector)):
                detail = connector.undo(action, key, undo_key(key))
        except ConnectorFailed as failure:
            if failure.retryable or isinstance(failure, OutcomeUnknown):
                self._report_doubt(work, str(failure))
            else:
                self.step_log.park(work, f"{action.summary} could not be undone: {failure}")
        except Exception:
            # Whatever it was, it may have come after the effect.
            log.exception(
                "undoing step %d of %s ended unexpectedly; it is looked for",
                work.step + 1,
                work.case.id,
            )
            self._report_doubt(work, UNEXPECTED)
        else:
            self.step_log.report(work, StepState.UNDONE, detail)

    def _report_doubt(self, work: StepWork, reason: str) -> None:
        self.step_log.report(work, StepState.UNDO_UNKNOWN, reason, again_in=LOOK_INTERVAL)
