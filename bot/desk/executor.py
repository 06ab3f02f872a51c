"""Carry out exactly what was approved, step by step, never twice.

Before a step everything is checked again: the plan's hash, policy, the approvers, the precondition.
The intent is committed before the effect, and an effect is begun only while the lease of that
commit holds. After a crash or a lost answer the effect is looked for more than once, and not before
the earlier attempt is surely over. What cannot be found out is put to a person.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import assert_never

from bot import tracing
from bot.cases.case import Case
from bot.cases.controls import BEHIND
from bot.cases.decide import Decision, record_entry
from bot.cases.entries import StepReported, StepState
from bot.cases.execution import DOING, UNDOING, NextStep, StepKind, next_step
from bot.cases.plan import Plan
from bot.cases.steps import NOW_FOR_REAL, ask_again, drift
from bot.desk.controls import Controls
from bot.desk.proposal import Proposals
from bot.desk.step_checks import StepChecks
from bot.desk.step_lease import StepLease
from bot.desk.step_log import StepLog, stop
from bot.desk.step_runner import StepRunner
from bot.desk.step_undo import StepUndo
from bot.desk.step_verification import StepVerification
from bot.desk.step_work import StepWork
from bot.ports.case_store import CaseStore
from bot.ports.clock import Clock
from bot.ports.connector import Systems
from bot.ports.decision_records import DecisionRecords
from bot.ports.desk_controls import DeskControlsStore
from bot.ports.directory import Directory
from bot.ports.library import Library
from bot.ports.outbox import LeasedMessage, Outbox

#: These read or change an outside system; the others only write down how the plan ended.
TOUCHES_SYSTEM = frozenset(
    {StepKind.START, StepKind.RETRY, StepKind.VERIFY, StepKind.UNDO, StepKind.VERIFY_UNDO}
)
WAS_DRY_RUN = "a dry run, nothing was changed"
BEGUN_FOR_REAL = "it was begun for real, and goes on when the program runs live again"


@dataclass(frozen=True, kw_only=True)
class Executor:
    """Advance a plan by one step for each outbox message."""

    cases: CaseStore
    outbox: Outbox
    desk_controls: DeskControlsStore
    proposals: Proposals
    runner: StepRunner
    undo: StepUndo
    step_log: StepLog
    lease: StepLease
    clock: Clock

    def run(self, message: LeasedMessage) -> None:
        """Do the next thing that this plan needs, until there is none."""
        controls = self.desk_controls.load()
        if controls.is_behind:
            # Nothing of a restored backup is touched before it is acknowledged, not even to look.
            self.step_log.wait_for_resume(message, BEHIND)
            return
        case = self.cases.case(message.case_id)
        following = next_step(case)
        tracing.annotate(kind=case.kind, state=case.state.name.lower(), call=following.next.value)
        is_current = case.proposal.revision == message.payload.get("revision")
        if not is_current or following.next is StepKind.NOTHING or case.probe is not None:
            self.outbox.finish(message)
        elif case.proposal.plan and self._is_of_other_mode(case, case.proposal.plan, following):
            self._set_aside(case, case.proposal.plan, message)
        else:
            work = StepWork(
                case=case,
                step=following.step,
                message=message,
                controls=controls,
            )
            self._dispatch(following, work)

    def _dispatch(self, following: NextStep, work: StepWork) -> None:
        case, message = work.case, work.message
        match following.next:
            case StepKind.START:
                self.runner.start(work)
            case StepKind.RETRY:
                self.runner.repeat(work)
            case StepKind.VERIFY:
                self.runner.verify(work)
            case StepKind.UNDO:
                self.undo.undo(work)
            case StepKind.VERIFY_UNDO:
                self.undo.verify(work)
            case StepKind.ASK:
                self.step_log.write(case, ask_again(case), message)
            case StepKind.STOP:
                self.step_log.write(case, stop(case), message)
            case StepKind.FINISH:
                self.step_log.write(case, self.step_log.end(case, self.clock()), message)
            case StepKind.NOTHING:
                self.outbox.finish(message)
            case _:
                assert_never(following.next)

    def _is_of_other_mode(
        self,
        case: Case,
        plan: Plan,
        following: NextStep,
    ) -> bool:
        """Tell whether this plan was begun in another mode."""
        if following.next not in TOUCHES_SYSTEM or not case.execution.steps:
            return False
        return not plan.is_of(self.proposals.mode)

    def _set_aside(
        self,
        case: Case,
        plan: Plan,
        message: LeasedMessage,
    ) -> None:
        """Leave alone what was begun in another mode.

        The steps of a dry run did not happen. Real steps can be neither verified nor undone from
        a dry run, so they wait.
        """
        if not plan.is_dry_run:
            self.step_log.wait_for_resume(message, BEGUN_FOR_REAL)
            return
        now = self.clock()
        decision = Decision((), case)
        for report in _dry_run_reports(case):
            decision = decision.then(record_entry(decision.case, report, now))
        after = decision.case
        end = stop(after) if case.execution.is_undo_running else drift(NOW_FOR_REAL)
        self.step_log.commit(case, decision.then(record_entry(after, end, now)), message)


def build_executor(  # noqa: PLR0913 (one argument for each port)
    *,
    cases: CaseStore,
    outbox: Outbox,
    desk_controls: DeskControlsStore,
    library: Library,
    systems: Systems,
    directory: Directory,
    proposals: Proposals,
    controls: Controls,
    records: DecisionRecords,
    clock: Clock,
    lease_for: timedelta,
) -> Executor:
    """Build the executor and its parts.

    ``lease_for``: how long an intent may wait for its effect.
    """
    lease = StepLease(outbox, clock, lease_for)
    checks = StepChecks(
        cases=cases,
        desk_controls=desk_controls,
        library=library,
        systems=systems,
        directory=directory,
        proposals=proposals,
    )
    step_log = StepLog(
        cases=cases,
        outbox=outbox,
        library=library,
        controls=controls,
        rules=proposals.rules,
        versions=proposals.versions,
        records=records,
        clock=clock,
        lease_duration=lease_for,
    )
    verification = StepVerification(
        outbox=outbox,
        systems=systems,
        step_log=step_log,
        lease=lease,
        clock=clock,
    )
    undo = StepUndo(
        systems=systems,
        checks=checks,
        step_log=step_log,
        verification=verification,
        lease=lease,
        clock=clock,
    )
    runner = StepRunner(
        systems=systems,
        checks=checks,
        step_log=step_log,
        verification=verification,
        undo=undo,
        lease=lease,
        clock=clock,
    )
    return Executor(
        cases=cases,
        outbox=outbox,
        desk_controls=desk_controls,
        proposals=proposals,
        runner=runner,
        undo=undo,
        step_log=step_log,
        lease=lease,
        clock=clock,
    )


def _dry_run_reports(case: Case) -> list[StepReported]:
    """Report that the steps of a dry run changed nothing."""
    reports = []
    for step, record in enumerate(case.execution.steps):
        if record.state in DOING or record.state is StepState.DEFERRED:
            reports.append(StepReported(step, StepState.ABSENT, WAS_DRY_RUN))
        elif record.state in UNDOING or (
            case.execution.is_undo_running and record.state is StepState.LANDED
        ):
            reports.append(StepReported(step, StepState.UNDONE, WAS_DRY_RUN))
    return reports
