"""Apply ledger entries to a case.

It is pure: the same entries always give the same case.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from bot.cases import (
    agreement,
    handling,
    hindsight,
    inquiries,
    intake,
    probes,
    requester,
    steps,
    timers,
    triage,
    undo,
    votes,
)
from bot.cases.actor import DESK, is_person
from bot.cases.case import Case
from bot.cases.entries import (
    IN_DOUBT,
    AttemptRefused,
    CaseBody,
    ControlBody,
    Drifted,
    Entry,
    HandlingBody,
    HindsightBody,
    InquiryBody,
    Opened,
    OutcomeBody,
    ProbeBody,
    RequesterBody,
    Settled,
    SignalBody,
    StepBody,
    StepReported,
    StepState,
    TimerBody,
    TriageBody,
    UndoBody,
    VoteBody,
)
from bot.cases.errors import DoubtDropped, LedgerBroken
from bot.cases.last_decision import with_last_decision
from bot.cases.lifecycle import WAITING_ON_PEOPLE, State, recorded_state


def fold(entries: Iterable[Entry]) -> Case | None:
    """Build the case of these entries; None without any."""
    case: Case | None = None
    for entry in entries:
        case = evolve(case, entry)
    return case


def evolve(case: Case | None, entry: Entry) -> Case:
    """Return the case after this entry.

    Raises:
        LedgerBroken: the entry does not follow the one before.
        DoubtDropped: the entry forgets a step whose outcome is not known.
        MoveNotAllowed: the lifecycle has no such transition.
    """
    if case is None:
        return intake.open_case(entry)
    return apply_entry(case, entry, recorded_state(case.state, entry.body.transition))


def apply_entry(case: Case, entry: Entry, state: State) -> Case:
    """Return the case after this entry, in this state.

    Raises:
        LedgerBroken: the entry does not follow the one before.
        DoubtDropped: the entry forgets a step whose outcome is not known.
    """
    if entry.case_id != case.id or entry.version != case.version + 1:
        raise LedgerBroken(
            f"{entry.case_id} entry {entry.version} does not follow {case.id} entry {case.version}"
        )
    timers = replace(case.timers, changed_at=entry.at)
    changed_case = replace(
        case,
        state=state,
        version=entry.version,
        timers=timers,
    )
    after = _apply_body(changed_case, entry.body, entry)
    after = with_last_decision(after, entry)
    after = agreement.with_plan_decisions(case, after, entry)
    _must_keep_doubt(case, after, entry)
    if after.is_terminal:
        after = inquiries.close_unanswered(after)
    due_at = _next_due(after)
    new_people = _new_people(case, entry)
    if due_at != after.timers.due_at:
        after = replace(after, timers=replace(after.timers, due_at=due_at))
    if new_people:
        people = (*after.activity.people, *new_people)
        after = replace(after, activity=replace(after.activity, people=people))
    return after


def _apply_body(case: Case, body: CaseBody | ControlBody, entry: Entry) -> Case:
    """Hand the entry to the module of its subject."""
    if isinstance(body, Opened | ControlBody):
        raise LedgerBroken(f"{case.id} entry {entry.version} cannot be {body.name}")
    if isinstance(body, SignalBody):
        return intake.apply(case, body, entry)
    if isinstance(body, TriageBody):
        return triage.apply(case, body, entry)
    if isinstance(body, VoteBody):
        return votes.apply(case, body, entry)
    if isinstance(body, HandlingBody):
        return handling.apply(case, body, entry)
    if isinstance(body, InquiryBody):
        return inquiries.apply(case, body, entry)
    if isinstance(body, RequesterBody):
        return requester.apply(case, body, entry)
    if isinstance(body, TimerBody):
        return timers.apply(case, body, entry)
    return _apply_progress(case, body, entry)


def _apply_progress(
    case: Case, body: StepBody | UndoBody | HindsightBody | OutcomeBody | ProbeBody, entry: Entry
) -> Case:
    """Hand an entry about the execution to the module of its subject."""
    if isinstance(body, StepBody):
        return steps.apply(case, body, entry)
    if isinstance(body, UndoBody):
        return undo.apply(case, body, entry)
    if isinstance(body, HindsightBody):
        return hindsight.apply(case, body, entry)
    if isinstance(body, ProbeBody):
        return probes.apply(case, body, entry)
    return agreement.apply(case, body, entry)


def _must_keep_doubt(before: Case, after: Case, entry: Entry) -> None:
    """Refuse to forget a step in doubt.

    It ends with a report, or with a person's word.
    """
    if before.execution.step_in_doubt is None or isinstance(entry.body, StepReported | Settled):
        return
    if _drifts_unreported(before, entry):
        return
    is_carried_out = after.state in {State.RUNNING, State.OUTCOME_UNKNOWN}
    for index, step in enumerate(before.execution.steps):
        if step.state not in IN_DOUBT:
            continue
        is_there = index < len(after.execution.steps) and after.execution.steps[index] == step
        if not (is_carried_out and is_there):
            raise DoubtDropped(f"nobody knows yet what came of step {index + 1} of {before.id}")


def _drifts_unreported(before: Case, entry: Entry) -> bool:
    """Recognise the drift that earlier releases wrote after a step had begun.

    Their executor knew that nothing had happened, and wrote no report of the step.
    """
    body = entry.body
    return (
        isinstance(body, Drifted)
        and not body.is_settled
        and entry.actor == DESK
        and before.execution.step_in_doubt == 0
        and len(before.execution.steps) == 1
        and before.execution.steps[0].state is not StepState.UNDOING
    )


def _new_people(case: Case, entry: Entry) -> list[str]:
    """List the people whom this entry makes a party to the case."""
    # A refused attempt makes nobody a party.
    if isinstance(entry.body, AttemptRefused):
        return []
    names = []
    if entry.actor.is_person:
        names.append(entry.actor.id)
    receiver: str = getattr(entry.body, "to", "")
    if receiver and is_person(receiver):
        names.append(receiver)
    return [name for name in dict.fromkeys(names) if name not in case.activity.people]


def _next_due(case: Case) -> datetime | None:
    """Find when time itself next has something to do with this case."""
    if case.state is State.SNOOZED:
        return case.timers.snoozed_until
    if case.state not in WAITING_ON_PEOPLE:
        return None
    times = [case.timers.remind_at]
    if case.state is State.PROPOSED:
        times.append(case.proposal.expires_at)
    if case.state is not State.OUTCOME_UNKNOWN and not case.timers.is_escalated:
        times.append(case.timers.sla.decide_by)
    return min((at for at in times if at), default=None)
