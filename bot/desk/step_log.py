"""The record of a plan's progress: intents before effects, outcomes after."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bot.cases.canonical import ScalarMapping
from bot.cases.case import Case
from bot.cases.decide import Decision, DeskRecord, record_entry
from bot.cases.entries import (
    Parked,
    Resolved,
    StepReported,
    StepStarted,
    StepState,
    Stopped,
)
from bot.cases.errors import Conflict, DeskPaused, NoLongerAlone
from bot.cases.execution import StepKind, is_backing_out, next_step, step_summary
from bot.cases.review import REVIEW_STEPS, review_one_in
from bot.cases.steps import ask_again, drift, finish
from bot.desk.controls import Controls
from bot.desk.effects import change
from bot.desk.playbook_versions import PlaybookVersions
from bot.desk.rules_in_force import RulesInForce
from bot.desk.step_guard import StepGuard
from bot.desk.step_work import Direction, StepWork, is_beginning
from bot.ports.case_store import CaseStore, Guard
from bot.ports.clock import Clock
from bot.ports.connector import NOTHING
from bot.ports.decision_records import DecisionRecords
from bot.ports.library import Library
from bot.ports.outbox import LeasedMessage, Outbox

MAX_REREADS = 20
MAX_DETAIL = 500
# A resumed desk runs what waits at once; this is for what that has missed.
PAUSE_INTERVAL = timedelta(minutes=1)
#: More runs than these change no sample.
MAX_COUNTED_RUNS = REVIEW_STEPS[-1].below + 1
MAY_BE_DONE = "a backup was restored: it is looked for before it is done"


@dataclass(frozen=True, kw_only=True)
class StepLog:
    """Commit intents and outcomes under the lease of the message in hand."""

    cases: CaseStore
    outbox: Outbox
    library: Library
    controls: Controls
    rules: RulesInForce
    versions: PlaybookVersions
    records: DecisionRecords
    clock: Clock
    #: How long the lease is renewed for when an effect begins.
    lease_duration: timedelta

    def begin(
        self,
        work: StepWork,
        decision: Decision,
        *,
        undoing: bool = False,
        looking: bool = False,
    ) -> StepWork | None:
        """Commit that an effect begins. Return None when it does not.

        The same transaction checks the pauses, the budgets of policy, the stage of what runs alone
        and the lease of the message. A worker whose lease was taken over begins nothing.
        ``looking``: nothing is done yet, and what runs alone is checked again before it is.
        """
        case = work.case
        guard = self._guard(work, decision.entries[-1].at, undoing=undoing, looking=looking)
        outcome = change(case, decision, self.library.playbook(case.kind))
        try:
            after = self.cases.commit(
                replace(outcome, guard=guard),
                renew=work.message,
                renew_until=decision.entries[-1].at + self.lease_duration,
            )
        except DeskPaused as pause:
            self.wait_for_resume(work.message, str(pause))
            return None
        except NoLongerAlone as change_of_stage:
            # What another process has let be in force may be the reason.
            self.versions.forget()
            self._ask_instead(work, decision, str(change_of_stage))
            return None
        return work.on(after)

    def _ask_instead(self, work: StepWork, decision: Decision, reason: str) -> None:
        """Put a plan before people of which nothing has happened."""
        if isinstance(decision.entries[0].body, StepStarted):
            self.write(work.case, drift(reason), work.message)
        else:
            self.report_absent(work, [reason])

    def _guard(self, work: StepWork, at: datetime, *, undoing: bool, looking: bool) -> Guard:
        return StepGuard(
            case=work.case,
            step=work.step,
            at=at,
            rules=self.rules,
            judged_by=work.controls,
            policy_digest=self.library.policy().checksum,
            playbook_digest=self.versions.of_kind(work.case.kind, at).in_force.checksum,
            undoing=undoing,
            looking=looking,
        )

    def end(self, case: Case, now: datetime) -> Resolved:
        """End a plan whose steps landed, with its share of reviews."""
        plan = case.proposal.plan
        end = resolve(case, now)
        if plan is None or plan.is_dry_run or not case.was_auto_approved:
            return end
        runs = [
            self.records.clean_runs(plan.playbook, name, MAX_COUNTED_RUNS)
            for name in {action.name for action in plan.actions}
        ]
        # This run is among them already.
        return replace(end, review_one_in=review_one_in(min(runs) - 1))

    def wait_for_resume(self, message: LeasedMessage, reason: str) -> None:
        """Try again later, without counting this as a failure."""
        again_at = self.clock() + PAUSE_INTERVAL
        self.outbox.retry(
            message,
            again_at,
            reason,
            certain=True,
            counts=False,
        )

    def mark_in_doubt(
        self,
        step: int,
        direction: Direction,
        beginning: Decision,
    ) -> Decision:
        """Add that the effect of the step may exist already."""
        doubt = StepReported(step, direction.unknown_state, MAY_BE_DONE)
        return beginning.then(record_entry(beginning.case, doubt, self.clock()))

    def count_attempts(self, work: StepWork, direction: Direction) -> int:
        """Count how often this step of this revision was begun."""
        attempts = 0
        for entry in self.cases.entries(work.case.id):
            if entry.revision == work.case.proposal.revision:
                attempts += is_beginning(entry, work.step, direction)
        return attempts

    def report(
        self,
        work: StepWork,
        state: StepState,
        detail: str,
        *,
        facts: ScalarMapping = NOTHING,
        again_in: timedelta = timedelta(0),
        drift_reasons: tuple[str, ...] = (),
    ) -> None:
        """Write how the step went.

        The end of the plan that follows from it goes into the same commit.
        """
        case = work.case
        # An outcome must not be lost because something else was written about the case meanwhile.
        for _ in range(MAX_REREADS):
            report = StepReported(
                step=work.step,
                state=state,
                detail=detail[:MAX_DETAIL],
                facts=dict(facts),
            )
            decision, is_over = self._decide_report(case, report, drift_reasons)
            again_at = None if is_over else decision.entries[0].at + again_in
            try:
                self.commit(case, decision, work.message, again_at=again_at)
                break
            except Conflict:
                latest = self.cases.case(case.id)
                if not _is_same_progress(latest, case):
                    raise
                case = latest
        # Failures of one action in a row may pause it for everybody.
        if state is StepState.FAILED:
            self.controls.trip_circuit_breaker(case.action(work.step).name)

    def report_absent(self, work: StepWork, reasons: list[str]) -> None:
        """Write that the step did not happen, and is no longer right.

        At the first step the plan is proposed again; at a later one the plan backs out.
        """
        is_first = not work.case.execution.has_landed and not is_backing_out(work.case)
        self.report(
            work,
            StepState.ABSENT,
            "; ".join(reasons),
            drift_reasons=tuple(reasons) if is_first else (),
        )

    def _decide_report(
        self,
        case: Case,
        report: StepReported,
        drift_reasons: tuple[str, ...],
    ) -> tuple[Decision, bool]:
        """Return the report with what follows from it.

        The flag says whether that ends the plan.
        """
        now = self.clock()
        decision = record_entry(case, report, now)
        after = decision.case
        next_kind = next_step(after).next
        if drift_reasons:
            return decision.then(record_entry(after, drift(*drift_reasons), now)), True
        # The last outcome and the end of the plan are one fact, so they are one commit.
        if next_kind is StepKind.FINISH:
            return decision.then(record_entry(after, self.end(after, now), now)), True
        if next_kind is StepKind.STOP:
            return decision.then(record_entry(after, stop(after), now)), True
        if next_kind is StepKind.ASK:
            return decision.then(record_entry(after, ask_again(after), now)), True
        return decision, False

    def park(self, work: StepWork, reason: str) -> None:
        """Ask a person for the outcome of the step."""
        question = f"{reason}. Please look there and say what happened"
        self.write(work.case, Parked(work.step, question), work.message)

    def write(
        self,
        case: Case,
        body: DeskRecord,
        message: LeasedMessage,
    ) -> None:
        """Commit one entry and finish the message."""
        self.commit(case, record_entry(case, body, self.clock()), message)

    def commit(
        self,
        case: Case,
        decision: Decision,
        message: LeasedMessage,
        *,
        again_at: datetime | None = None,
    ) -> None:
        """Commit a decision and finish the message.

        With ``again_at`` the message runs again then.
        """
        outcome = change(case, decision, self.library.playbook(case.kind))
        self.cases.commit(
            outcome,
            finish=message,
            retry_at=again_at,
        )


def _is_same_progress(one: Case, other: Case) -> bool:
    """Tell whether nothing that concerns the plan lies between these two versions."""
    return (one.proposal.revision, one.state, one.execution.steps) == (
        other.proposal.revision,
        other.state,
        other.execution.steps,
    )


def resolve(case: Case, now: datetime) -> Resolved:
    """End a plan whose steps have all landed.

    It may be undone for a while.
    """
    undo_for = _undo_for(case)
    undo_until = now + undo_for if undo_for else None
    return finish(case, step_summary(case), undo_until)


def _undo_for(case: Case) -> timedelta:
    """Return how long what was done may be undone."""
    plan = case.proposal.plan
    if plan is None:
        return timedelta(0)
    if not plan.branches:
        return plan.undo_for
    # Of a tree only the path that was taken has to be undone.
    steps = enumerate(case.execution.steps)
    indexes = [index for index, step in steps if step.state is StepState.LANDED]
    return replace(plan, actions=tuple(plan.actions[index] for index in indexes)).undo_for


def stop(case: Case) -> Stopped:
    """End a plan that was undone or could not be finished."""
    reason = case.activity.status_reason
    if case.execution.is_undo_running and reason:
        return Stopped(f"taken back by {reason.by}: {reason.note}. {step_summary(case)}")
    return Stopped(f"the plan could not be carried out. {step_summary(case)}")
