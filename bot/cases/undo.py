"""Undo: approve that a whole plan is taken back, and begin it.

What earlier plans of the case have done before something unforeseen ended them goes with it.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime
from typing import assert_never

from bot.cases.actor import Surface
from bot.cases.approval import Approval, Groups, quorum_met
from bot.cases.authority import ineligibility
from bot.cases.caller import Caller
from bot.cases.case import Case, DoneStep, StatusReason, Step
from bot.cases.commands import BeginUndo, DecisionKind, StartUndo, Undo, UndoCommand
from bot.cases.delegation import stands_in_for
from bot.cases.entries import (
    CaseBody,
    Entry,
    StepReported,
    StepState,
    StepUpAsked,
    UndoApproved,
    UndoAsked,
    UndoBody,
    UndoLapsed,
)
from bot.cases.errors import BadRequest, LedgerBroken, TooLate
from bot.cases.passkey import STEP_UP_LIFETIME, Purpose
from bot.cases.plan import Action, Plan
from bot.cases.step_up import must_have_passkey, verify_step_up
from bot.cases.verdict import Ruling, Verdict
from bot.cases.votes import (
    attribute_vote,
    must_be_new,
    other_step_ups,
    shorten_note,
    still_counts,
)

# --- decide -----------------------------------------------------------------------------------


def decide(case: Case, command: UndoCommand, now: datetime) -> tuple[CaseBody, ...]:
    """Find the entries of an undo.

    Raises:
        Refusal: an expected no, safe to show the person who asked.
    """
    match command:
        case Undo():
            return _undo(case, command, now)
        case BeginUndo():
            return (_begin_undo(case, command, now),)
        case StartUndo():
            return (_start_undo(case, command, now),)
        case _:
            assert_never(command)


def _undo(case: Case, command: Undo, now: datetime) -> tuple[CaseBody, ...]:
    """Count the approval.

    With as many as the plan itself needed, the undo begins.
    """
    vote, verdict = _judge_approval(case, command, now)
    if verdict.step_up:
        assertion = verify_step_up(
            case,
            command,
            plan_hash=vote.digest,
            purpose=Purpose.UNDO,
            now=now,
        )
        vote = replace(vote, assertion=assertion)
    votes = (*case.execution.undo_approvals, vote)
    if not _is_agreed(verdict, command.by.identities.distinct_votes(votes), command.by.groups):
        return (UndoApproved(vote),)
    beginning = UndoAsked(
        note=vote.note,
        by_name=" and ".join(one.name for one in votes),
        by=tuple(one.person for one in votes),
        until=case.execution.undo_until,
        earlier_keys=tuple(one.key for one in undo_scope(case, now).earlier),
    )
    return UndoApproved(vote), beginning


@dataclass(frozen=True, slots=True)
class UndoScope:
    """The steps of all plans that an undo takes back or leaves."""

    #: The steps of the plan, by number.
    own: tuple[int, ...]
    #: Those of earlier plans, as they were done.
    earlier: tuple[DoneStep, ...]
    #: What cannot be taken back, of any plan.
    remaining: tuple[Action, ...]

    def actions(self, case: Case) -> tuple[Action, ...]:
        """List what is taken back, the latest first."""
        own = [case.action(step) for step in reversed(self.own)]
        return (*own, *(one.action for one in reversed(self.earlier)))


def undo_scope(case: Case, at: datetime) -> UndoScope:
    """Find what an undo at this time takes back."""
    landed_steps = [
        step for step, record in enumerate(case.execution.steps) if record.state is StepState.LANDED
    ]
    own = tuple(step for step in landed_steps if case.action(step).reversible)
    plan = case.proposal.plan
    # What was done for real is not taken back for show.
    is_real = plan is not None and not plan.is_dry_run
    earlier = tuple(
        one for one in case.execution.earlier_steps if is_real and one.may_be_undone(at)
    )
    remaining = [case.action(step) for step in landed_steps if step not in own]
    remaining += [one.action for one in case.execution.earlier_steps if one not in earlier]
    return UndoScope(own, earlier, tuple(remaining))


def _begin_undo(case: Case, command: BeginUndo, now: datetime) -> StepUpAsked:
    """Judge the approval before it is signed.

    Nobody should use their passkey in vain.
    """
    vote, verdict = _judge_approval(case, command, now)
    if not verdict.step_up:
        raise BadRequest("this plan is taken back on its card")
    must_have_passkey(vote, command.passkeys)
    return StepUpAsked(
        ticket=command.ticket,
        note=vote.note,
        until=now + STEP_UP_LIFETIME,
        by_name=vote.name,
        purpose=Purpose.UNDO,
    )


def _judge_approval(
    case: Case, command: Undo | BeginUndo, now: datetime
) -> tuple[Approval, Verdict]:
    """Make the approval of a person who may undo the plan now.

    The verdict of the plan comes with it.
    """
    plan, verdict, until, by = (
        case.proposal.plan,
        case.undo_verdict,
        case.execution.undo_until,
        command.by,
    )
    if plan is None or verdict is None or until is None:
        raise TooLate(nothing_to_undo(case))
    _must_be_of_mode(plan, command.mode)
    if now >= until:
        raise TooLate("the time to take it back has passed; raise what is wrong as a new case")
    vote = Approval(
        person=by.person.id,
        name=by.person.name,
        digest=plan.plan_hash,
        at=now,
        note=shorten_note(command.note),
    )
    # Nobody approved what policy let run alone, so whoever decides here may stop it.
    if verdict.ruling is not Ruling.AUTO_APPROVE:
        vote = attribute_vote(case, vote, by=by, verdict=verdict)
    must_be_new(
        vote,
        case.execution.undo_approvals,
        identities=by.identities,
        refusal="you have said already that it is taken back",
    )
    if not command.note.strip():
        raise BadRequest("say why it is taken back", field="note")
    return vote, verdict


def _is_agreed(verdict: Verdict, votes: tuple[Approval, ...], groups: Groups) -> bool:
    """Tell whether as many approve the undo as the plan needed.

    One is enough where it needed none.
    """
    if verdict.ruling is Ruling.AUTO_APPROVE:
        return bool(votes)
    return quorum_met(votes, verdict.factors, groups)


def _must_be_of_mode(plan: Plan, mode: str) -> None:
    """Refuse to undo what was done in another mode.

    It is not there.
    """
    if plan.is_of(mode):
        return
    if plan.is_dry_run:
        raise TooLate("it was a dry run: nothing was changed, so there is nothing to take back")
    raise TooLate(
        "it was carried out for real, and nothing is carried out now: it cannot be taken back"
    )


def nothing_to_undo(case: Case) -> str:
    """Say that an undo comes too late."""
    return f"{case.id} {case.state.predicate}; there is nothing that can be taken back"


def _start_undo(case: Case, command: StartUndo, now: datetime) -> StepReported | UndoLapsed:
    """Begin the undo only if everybody who approved it still may."""
    # Earlier releases did not record who asked for the undo.
    is_new = case.execution.undo_approvals and not case.execution.is_undo_begun
    if is_new and not _is_still_agreed(case, command, now):
        return UndoLapsed(
            "the approvals to take it back no longer count", case.execution.undo_until
        )
    return StepReported(command.step, StepState.UNDOING, "")


def _is_still_agreed(case: Case, command: StartUndo, now: datetime) -> bool:
    verdict = case.undo_verdict
    if verdict is None:
        return False
    votes = [
        vote
        for vote in case.execution.undo_approvals
        if _still_counts(case, vote, verdict, command, now=now)
    ]
    return _is_agreed(verdict, command.identities.distinct_votes(votes), command.groups)


def _still_counts(
    case: Case, vote: Approval, verdict: Verdict, command: StartUndo, *, now: datetime
) -> bool:
    if verdict.ruling is Ruling.AUTO_APPROVE:
        return _still_decides(case, vote, command=command, now=now)
    return still_counts(
        case,
        vote,
        factors=verdict.factors,
        recheck=command,
        now=now,
    )


def _still_decides(case: Case, vote: Approval, *, command: StartUndo, now: datetime) -> bool:
    """Tell whether the voter may still undo what nobody had approved."""
    person = command.people.get(vote.person)
    if person is None:
        return False
    delegations = stands_in_for(command.delegations, vote.person, kind=case.kind, now=now)
    givers = [command.people.get(delegation.giver) for delegation in delegations]
    caller = Caller(
        person=person,
        surface=Surface.DESK,
        groups=command.groups,
        behalf_of=tuple(giver for giver in givers if giver),
        playbook_owners=command.playbook_owners,
        identities=command.identities,
    )
    return ineligibility(case, DecisionKind.UNDO, caller) is None


# --- apply ------------------------------------------------------------------------------------


def apply(case: Case, body: UndoBody, entry: Entry) -> Case:
    """Return the case after an entry about its undo."""
    match body:
        case UndoApproved():
            return _apply_approval(case, body, entry)
        case UndoAsked():
            return _apply_undo(case, body, entry)
        case UndoLapsed():
            return _apply_lapse(case, body, entry)
        case _:
            assert_never(body)


def _apply_undo(case: Case, body: UndoAsked, entry: Entry) -> Case:
    reason = StatusReason(
        at=entry.at,
        by=body.by_name,
        reason="taken back",
        note=body.note,
    )
    execution = replace(case.execution, is_undo_running=True, undo_until=body.until)
    after = replace(case.with_reason(reason), execution=execution)
    return _with_earlier(after, body.earlier_keys) if body.earlier_keys else after


def _with_earlier(case: Case, keys: Collection[str]) -> Case:
    """Append the steps of earlier plans to those of the plan.

    They are taken back like them.
    """
    plan = case.proposal.plan
    earlier = tuple(one for one in case.execution.earlier_steps if one.key in keys)
    if plan is None or len(earlier) != len(keys):
        raise LedgerBroken(f"the undo of {case.id} names steps that no earlier plan has done")
    steps = case.execution.steps
    blank = Step(state=StepState.SKIPPED, key="", detail="", at=case.timers.changed_at)
    blanks = (blank,) * (len(plan.actions) - len(steps))
    earlier_steps = tuple(
        Step(state=StepState.LANDED, key=one.key, detail="", at=one.at, facts=one.facts)
        for one in earlier
    )
    execution = replace(
        case.execution, steps=(*steps, *blanks, *earlier_steps), earlier_undone=earlier
    )
    return replace(case, execution=execution)


def _own_steps(case: Case) -> tuple[Step, ...]:
    """Return the steps as they were before the undo."""
    steps = case.execution.steps
    if case.proposal.plan is None or not case.execution.earlier_undone:
        return steps
    own_steps = list(steps[: len(case.proposal.plan.actions)])
    # A tree records nothing after the last step of its way.
    while own_steps and own_steps[-1].state is StepState.SKIPPED:
        own_steps.pop()
    return tuple(own_steps)


def _apply_approval(case: Case, body: UndoApproved, entry: Entry) -> Case:
    approvals = (*case.execution.undo_approvals, body.approval)
    step_ups = other_step_ups(case, str(entry.actor))
    return replace(
        case,
        proposal=replace(case.proposal, step_ups=step_ups),
        execution=replace(case.execution, undo_approvals=approvals),
    )


def _apply_lapse(case: Case, body: UndoLapsed, entry: Entry) -> Case:
    reason = StatusReason(entry.at, str(entry.actor), f"not taken back: {body.reason}")
    execution = replace(
        case.execution,
        is_undo_running=False,
        undo_until=body.undo_until,
        undo_approvals=(),
        steps=_own_steps(case),
        earlier_undone=(),
    )
    return replace(case.with_reason(reason), execution=execution)
