"""Steps: begin, report, park, settle and stop the execution of a plan."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import assert_never

from bot.cases.approval import names_of
from bot.cases.case import Case, DoneStep, StatusReason, Step
from bot.cases.commands import LookFirst, Settle, StartStep, StepCommand
from bot.cases.entries import (
    IN_DOUBT,
    CaseBody,
    Drifted,
    Entry,
    Parked,
    Resolution,
    Resolved,
    Settled,
    StepBody,
    StepReported,
    StepStarted,
    StepState,
    Stopped,
)
from bot.cases.errors import BadRequest, LedgerBroken, MoveNotAllowed, WorldMoved
from bot.cases.evidence import list_changes
from bot.cases.execution import NextStep, StepKind, next_step
from bot.cases.plan import Plan
from bot.cases.verdict import Ruling, Verdict, still_satisfies
from bot.cases.votes import carries, shorten_note

# The owner of a parked case is reminded after this.
PARKED_REMINDER_DELAY = timedelta(hours=1)
NOW_FOR_REAL = "it was approved as a dry run; now it would be carried out"
NOW_FOR_SHOW = "it was approved to be carried out; now it would only be a dry run"
_UNDO_OR_DONE = frozenset(
    {
        StepState.UNDOING,
        StepState.UNDO_UNKNOWN,
        StepState.UNDO_MISSING,
        StepState.LANDED,
    }
)

# --- decide -----------------------------------------------------------------------------------


def decide(case: Case, command: StepCommand, now: datetime) -> tuple[CaseBody, ...]:
    """Find the entries of a step that begins or is settled.

    Raises:
        WorldMoved: a later step cannot start; what has landed must be undone.
        Refusal: the command does not fit the case.
    """
    match command:
        case StartStep():
            return (_start_step(case, command, now),)
        case LookFirst():
            # Nothing is judged yet: what was done was done under this approval, and what was
            # not is checked before it is.
            return (_start(case, command.step),)
        case Settle():
            return (_settle(case, command),)
        case _:
            assert_never(command)


def _start_step(case: Case, command: StartStep, now: datetime) -> StepStarted | Drifted:
    """Begin the step if everything is as it was approved.

    Otherwise the case goes back to triage.
    """
    if case.proposal.plan is None or case.proposal.verdict is None:
        raise LedgerBroken(f"{case.id} is approved without a plan")
    must_be_only_doubt(case, command.step)
    following = next_step(case)
    if case.proposal.plan.branches and following != NextStep(StepKind.START, command.step):
        raise MoveNotAllowed(f"step {command.step + 1} of {case.id} is not what comes next")
    reasons = find_drift(case, command, now)
    if reasons and case.execution.has_landed:
        raise WorldMoved("; ".join(reasons))
    if reasons:
        return drift(*reasons)
    return _start(case, command.step)


def _start(case: Case, step: int) -> StepStarted:
    if case.proposal.plan is None:
        raise LedgerBroken(f"{case.id} is approved without a plan")
    plan = case.proposal.plan
    return StepStarted(
        step=step,
        key=plan.step_key(step),
        digest=plan.plan_hash,
        inputs=case.inputs(step),
    )


def find_drift(case: Case, command: StartStep, now: datetime) -> list[str]:
    """List what is no longer as it was approved.

    The step may run when the list is empty.
    """
    plan, verdict = case.proposal.plan, case.proposal.verdict
    if plan is None or verdict is None:
        return ["there is no plan"]
    action = plan.actions[command.step]
    reasons = list_changes(action.precondition, command.precondition)
    if any(earlier.is_same_as(action) for earlier in case.execution.earlier_steps):
        reasons.append("it was done before, under an earlier plan of this case")
    if not _is_approved_plan(case, plan, command):
        reasons.append("the plan is not the one that was approved")
    if now >= plan.not_after:
        reasons.append("the approval is too old")
    if not plan.is_of(command.mode):
        reasons.append(NOW_FOR_REAL if plan.is_dry_run else NOW_FOR_SHOW)
    if not still_satisfies(verdict, command.verdict):
        reasons.append(f"policy is stricter now: {command.verdict.reason}")
    elif verdict.ruling is not Ruling.AUTO_APPROVE:
        reasons += _find_invalid_approvals(case, verdict, command=command, now=now)
    return reasons


def _is_approved_plan(case: Case, plan: Plan, command: StartStep) -> bool:
    if command.plan_hash != plan.plan_hash:
        return False
    return all(vote.digest == plan.plan_hash for vote in case.proposal.approvals)


def _find_invalid_approvals(
    case: Case, verdict: Verdict, *, command: StartStep, now: datetime
) -> list[str]:
    """Say why the approvals do not carry the plan.

    They must by the policy of then and by that of now.
    """
    if not carries(
        case,
        factors=verdict.factors,
        recheck=command,
        now=now,
    ):
        return ["the approvals no longer count"]
    # Where policy lets it run alone now, nobody is asked: what was approved still binds.
    if command.verdict.ruling is not Ruling.ASK:
        return []
    present_factors = command.verdict.factors
    # Mostly policy asks the same people as then, and they have just been checked.
    if present_factors == verdict.factors or carries(
        case,
        factors=present_factors,
        recheck=command,
        now=now,
    ):
        return []
    names = ", ".join(names_of(factor.group for factor in present_factors))
    return [f"policy asks other people now: {names}"]


def _settle(case: Case, command: Settle) -> Settled:
    if not command.note.strip():
        raise BadRequest("say what you saw, and where", field="note")
    step = case.execution.step_in_doubt
    if step is None:
        raise LedgerBroken(f"{case.id} is {case.state} without a step in doubt")
    return Settled(
        step=step,
        landed=command.has_landed,
        note=shorten_note(command.note),
        by_name=command.by.person.name,
    )


def ask_again(case: Case) -> Drifted:
    """Say what the tree did not foresee.

    No step may be in doubt.
    """
    return Drifted((next_step(case).reason,), is_settled=True, is_unforeseen=True)


def drift(*reasons: str) -> Drifted:
    """Say why the plan is no longer what was approved.

    No step may be in doubt.
    """
    return Drifted(reasons, is_settled=True)


def finish(case: Case, note: str, undo_until: datetime | None) -> Resolved:
    """Say that the plan has been carried out."""
    return Resolved(
        resolution=Resolution.WORKED,
        note=note,
        undo_until=undo_until,
        undo_votes=case.undo_votes_needed if undo_until else 0,
    )


def must_be_only_doubt(case: Case, step: int) -> None:
    """Refuse to begin anything while another step is in doubt.

    A person can settle only one.

    Raises:
        MoveNotAllowed: the outcome of another step is not known.
    """
    in_doubt = case.execution.step_in_doubt
    if in_doubt is not None and in_doubt != step:
        raise MoveNotAllowed(f"nobody knows yet what came of step {in_doubt + 1} of {case.id}")


def must_be_recordable(case: Case, body: StepReported | Parked) -> None:
    """Check a report of the executor against the steps of the case.

    Raises:
        MoveNotAllowed: another step is in doubt, or the one to park is not.
    """
    match body:
        case StepReported():
            if body.state in IN_DOUBT:
                must_be_only_doubt(case, body.step)
        case Parked():
            if case.execution.step_in_doubt != body.step:
                raise MoveNotAllowed(f"step {body.step + 1} of {case.id} is not in doubt")
        case _:
            assert_never(body)


# --- apply ------------------------------------------------------------------------------------


def apply(case: Case, body: StepBody, entry: Entry) -> Case:
    """Return the case after an entry about a step or the plan."""
    match body:
        case StepStarted():
            return _apply_start(case, body, entry)
        case StepReported():
            return _apply_report(case, body, entry)
        case Settled():
            return _apply_settlement(case, body, entry)
        case Parked():
            return _apply_parking(case, body, entry)
        case Stopped():
            reason = StatusReason(entry.at, str(entry.actor), body.reason)
            execution = replace(case.execution, is_undo_running=False, undo_until=None)
            return replace(case.with_reason(reason), execution=execution)
        case Drifted():
            return return_to_triage(_keep_landed(case, body), body.reasons)
        case _:
            assert_never(body)


def return_to_triage(case: Case, reasons: tuple[str, ...]) -> Case:
    """Begin again on a fresh card.

    Approvers of the old one see that it is another question.
    """
    return replace(
        case,
        generation=case.generation + 1,
        proposal=replace(case.proposal, approvals=(), expires_at=None),
        activity=replace(case.activity, drift_reasons=reasons, status_reason=None),
    )


def _keep_landed(case: Case, body: Drifted) -> Case:
    """Keep what has landed when the rest is given up.

    So it is not repeated.
    """
    plan, verdict = case.proposal.plan, case.proposal.verdict
    if not body.is_unforeseen or plan is None or plan.is_dry_run:
        return case
    new_steps = [
        DoneStep(
            name=branch.name,
            action=case.action(index),
            key=step.key,
            at=step.at,
            facts=step.facts,
            verdict=replace(verdict, inputs=None) if verdict else None,
        )
        for index, (branch, step) in enumerate(
            zip(plan.branches, case.execution.steps, strict=False)
        )
        if step.state is StepState.LANDED
    ]
    earlier_steps = (*case.execution.earlier_steps, *new_steps)
    return replace(case, execution=replace(case.execution, earlier_steps=earlier_steps))


def _apply_start(case: Case, body: StepStarted, entry: Entry) -> Case:
    step = Step(
        state=StepState.STARTED,
        key=body.key,
        detail="",
        at=entry.at,
        inputs=body.inputs,
    )
    steps = case.execution.steps
    if body.step < len(steps):
        return _with_step(case, body.step, step)
    # A tree passes over the steps that are not on its way.
    blank = Step(state=StepState.SKIPPED, key="", detail="", at=entry.at)
    between = (blank,) * (body.step - len(steps))
    return replace(case, execution=replace(case.execution, steps=(*steps, *between, step)))


def _apply_report(case: Case, body: StepReported, entry: Entry) -> Case:
    after = _report(case, body.step, body.state, detail=body.detail, at=entry.at)
    if not body.facts:
        return after
    step = replace(after.execution.steps[body.step], facts=body.facts)
    return _with_step(after, body.step, step)


def _apply_settlement(case: Case, body: Settled, entry: Entry) -> Case:
    state = _settled_state(case.execution.steps[body.step].state, has_landed=body.landed)
    detail = f"{body.by_name}: {body.note}"
    return _report(case, body.step, state, detail=detail, at=entry.at).with_reason(None)


def _settled_state(before: StepState, *, has_landed: bool) -> StepState:
    """Say what a person's word makes of a step in doubt.

    The doubt may be about its undo.
    """
    if before in _UNDO_OR_DONE:
        return StepState.UNDONE if has_landed else StepState.LANDED
    return StepState.LANDED if has_landed else StepState.FAILED


def _apply_parking(case: Case, body: Parked, entry: Entry) -> Case:
    reason = StatusReason(entry.at, str(entry.actor), body.reason)
    remind_at = entry.at + PARKED_REMINDER_DELAY
    timers = replace(case.timers, remind_at=remind_at, reminder_count=0)
    return replace(case.with_reason(reason), timers=timers)


def _report(case: Case, index: int, state: StepState, *, detail: str, at: datetime) -> Case:
    step = replace(case.execution.steps[index], state=state, detail=detail, at=at)
    after = _with_step(case, index, step)
    return _without_earlier(after, step.key) if state is StepState.UNDONE else after


def _without_earlier(case: Case, key: str) -> Case:
    """Forget a step of an earlier plan, which stands no longer."""
    earlier_steps = tuple(one for one in case.execution.earlier_steps if one.key != key)
    return replace(case, execution=replace(case.execution, earlier_steps=earlier_steps))


def _with_step(case: Case, index: int, step: Step) -> Case:
    before = case.execution.steps
    steps = (*before[:index], step, *before[index + 1 :])
    return replace(case, execution=replace(case.execution, steps=steps))
