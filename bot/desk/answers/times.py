"""Answers about the times of a case."""

from datetime import datetime

from bot.cases import entries
from bot.cases.entries import StepState
from bot.cases.lifecycle import WAITING, State
from bot.cases.source import BY_HAND
from bot.desk.answers.case_file import CaseFile, Statement
from bot.desk.case_texts import as_sentence, describe_span, describe_state
from bot.views.labels import start_upper
from bot.views.query import Measure


def describe_opening(file: CaseFile) -> Statement:
    """Say since when the case is open, or how long it was."""
    case = file.case
    opened_at = case.timers.opened_at
    since = file.time(opened_at)
    if case.ended_at:
        span = describe_span(case.ended_at - opened_at)
        text = f"{case.id} was open for {span}, from {since} to {file.time(case.ended_at)}."
    else:
        span = describe_span(file.now - opened_at)
        text = f"{case.id} has been open for {span}, since {since}."
    return Statement(text=text, facts=tuple(_describe_origin(file)))


def _describe_origin(file: CaseFile) -> list[str]:
    case = file.case
    facts = []
    if case.signal.source == BY_HAND and case.signal.requester:
        facts.append(start_upper(f"{file.names.person(case.signal.requester)} raised it."))
    else:
        facts.append(f"It came from {file.labels.system(case.shown_source)}.")
    if case.activity.signal_count > 1:
        facts.append(f"It was reported {case.activity.signal_count} times.")
    if case.activity.reopening_reason:
        facts.append(f"It was opened again: {file.words(case.activity.reopening_reason)}.")
    return facts


def describe_duration(file: CaseFile, measure: Measure | None) -> Statement:
    """Say how long the case took, or has taken until now."""
    opened_at = file.case.timers.opened_at
    if measure is Measure.MEDIAN_TIME_TO_DECIDE:
        decided_at = file.case.timers.decided_at
        if decided_at is None:
            yet = "" if file.case.is_terminal else " yet"
            return Statement(text=f"Nobody has decided about {file.id}{yet}.")
        span = describe_span(decided_at - opened_at)
        return Statement(text=f"The decision on {file.id} took {span}.")
    return describe_opening(file)


def describe_waiting_time(file: CaseFile) -> Statement:
    """Say how long the case waits, or waited, for its first decision."""
    opened_at = file.case.timers.opened_at
    decided_at = file.case.timers.decided_at
    ended_at = file.case.ended_at
    if decided_at:
        span = describe_span(decided_at - opened_at)
        return Statement(text=f"{file.id} was decided {span} after it was opened.")
    if ended_at:
        span = describe_span(ended_at - opened_at)
        text = f"{file.id} waited for {span}, until {file.time(ended_at)}; nobody decided about it."
        return Statement(text=text)
    span = describe_span(file.now - opened_at)
    return Statement(text=f"{file.id} has waited for {span}, since {file.time(opened_at)}.")


def describe_due(file: CaseFile) -> Statement:
    """Say by when the case is to be decided."""
    case = file.case
    decide_by = case.timers.sla.decide_by
    if case.state not in WAITING:
        text = f"{case.id} waits for no decision any more: it {case.state.predicate}."
        return Statement(text=text, facts=(f"It was due by {file.time(decide_by)}.",))
    text = f"{case.id} is to be decided by {file.time(decide_by)}"
    if decide_by < file.now:
        return Statement(text=f"{text}, which was {describe_span(file.now - decide_by)} ago.")
    return Statement(text=f"{text}, in {describe_span(decide_by - file.now)}.")


def describe_expiry(file: CaseFile) -> Statement:
    """Say when the time to approve the plan ends."""
    case = file.case
    if case.state is State.EXPIRED:
        ended_at = case.ended_at or case.timers.changed_at
        return Statement(text=f"{case.id} expired on {file.time(ended_at)}.")
    expires_at = case.proposal.expires_at
    if case.state is not State.PROPOSED or expires_at is None:
        text = f"{case.id} waits for no approval, so none runs out: it {case.state.predicate}."
        return Statement(text=text)
    span = _span_to(file, expires_at)
    text = f"The time to approve {case.id} ends on {file.time(expires_at)}{span}."
    if case.timers.is_escalated:
        return Statement(text=text, facts=("It then expires, and nothing is done.",))
    owner = file.names.group(file.playbook.owners.next_owner)
    return Statement(text=text, facts=(f"Before it expires, it goes to {owner} once.",))


def _span_to(file: CaseFile, at: datetime) -> str:
    return f", in {describe_span(at - file.now)}" if at > file.now else ", which has passed"


def describe_snooze(file: CaseFile) -> Statement:
    """Say until when the case is snoozed, by whom and why."""
    snooze = None
    for entry in file.entries:
        if isinstance(entry.body, entries.Snoozed):
            snooze = entry.body
    until = file.case.timers.snoozed_until
    if file.case.state is not State.SNOOZED or until is None or snooze is None:
        text = f"{file.id} is not snoozed: it {file.case.state.predicate}."
        if snooze is None:
            return Statement(text=text)
        last = f"{snooze.by_name} snoozed it until {file.time(snooze.until)}: {snooze.reason}"
        return Statement(text=text, facts=(as_sentence(last),))
    text = f"{file.id} is snoozed until {file.time(until)}."
    reason = as_sentence(f"{snooze.by_name} snoozed it: {snooze.reason}")
    return Statement(text=text, facts=(reason,))


def describe_undo(file: CaseFile) -> Statement:
    """Say until when the plan can be taken back, or why not."""
    case = file.case
    if case.execution.is_undo_running:
        return Statement(text=f"{case.id} is being taken back now.")
    if any(step.state is StepState.UNDONE for step in case.execution.steps):
        return Statement(text=f"{case.id} has been taken back already.")
    if case.proposal.plan is None:
        return Statement(text=f"There is nothing to take back: {case.id} has no plan.")
    if case.state in {State.RUNNING, State.OUTCOME_UNKNOWN}:
        text = f"{case.id} cannot be taken back yet: it {case.state.predicate}."
        return Statement(text=text, facts=(describe_undo_window(file),))
    if case.state is not State.RESOLVED:
        text = f"There is nothing to take back: {describe_state(case)}, and has not been done."
        if case.is_terminal:
            return Statement(text=text)
        return Statement(text=text, facts=(describe_undo_window(file),))
    return _describe_undo_of_resolved(file)


def _describe_undo_of_resolved(file: CaseFile) -> Statement:
    until = _undo_deadline(file)
    if until is None:
        text = f"{file.id} cannot be taken back: {_reason_without_undo(file)}."
        return Statement(text=text)
    at = file.time(until)
    if until <= file.now:
        text = f"It is too late to take {file.id} back: the time for that ended on {at}."
        return Statement(text=text)
    people = max(1, file.case.undo_votes_needed)
    span = describe_span(until - file.now)
    text = f"{file.id} can be taken back until {at}, for another {span}."
    approvals = "one approval" if people == 1 else f"{people} approvals"
    return Statement(text=text, facts=(f"That takes {approvals}, like the plan.",))


def _undo_deadline(file: CaseFile) -> datetime | None:
    """Return the end of the undo window as it was recorded last."""
    until = None
    for entry in file.entries:
        match entry.body:
            case entries.Resolved():
                until = entry.body.undo_until
            case entries.UndoLapsed():
                until = entry.body.undo_until
            case _:
                continue
    return until


def _reason_without_undo(file: CaseFile) -> str:
    plan = file.case.proposal.plan
    if not any(step.state is StepState.LANDED for step in file.case.execution.steps):
        return "nothing was carried out by the desk"
    if plan and any(not action.reversible for action in plan.actions):
        return "what it did cannot be undone"
    return "no time to take it back is set for what it did"


def describe_undo_window(file: CaseFile) -> str:
    """Say how long a plan can be taken back once done."""
    plan = file.case.proposal.plan
    if plan is None or not plan.undo_for:
        return "Once done, it cannot be taken back from here."
    return f"Once done, it can be taken back for {describe_span(plan.undo_for)}."
