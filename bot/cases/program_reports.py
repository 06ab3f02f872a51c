"""Commands of programs: take a request back, report an outcome. Pure."""

from typing import assert_never

from bot.cases.case import Case
from bot.cases.commands import CancelRequest, ProgramCommand, ReportedOutcome, ReportOutcome
from bot.cases.entries import (
    CaseBody,
    Parked,
    Retracted,
    Settled,
    StepReported,
    StepState,
)
from bot.cases.errors import TooLate
from bot.cases.lifecycle import WAITING, State
from bot.cases.program import is_own_action

_STATES = {
    ReportedOutcome.DONE: StepState.LANDED,
    ReportedOutcome.FAILED: StepState.FAILED,
    ReportedOutcome.UNKNOWN: StepState.UNKNOWN,
}


def decide(case: Case, command: ProgramCommand) -> tuple[CaseBody, ...]:
    """Find the entries of a program's command on its request.

    Raises:
        TooLate: it has been decided, or reported before.
    """
    match command:
        case CancelRequest():
            if case.state not in WAITING:
                raise TooLate(f"{case.id} {case.state.predicate}; it cannot be taken back any more")
            return (Retracted(command.title),)
        case ReportOutcome():
            return _report(case, command)
        case _:
            assert_never(command)


def is_handed_back(case: Case) -> bool:
    """Tell whether the program may act now, by an approval."""
    plan, steps = case.proposal.plan, case.execution.steps
    if case.state is not State.RUNNING or plan is None or not steps or plan.is_dry_run:
        return False
    return is_own_action(plan.actions[0].name) and steps[0].state is StepState.ACCEPTED


def _report(case: Case, command: ReportOutcome) -> tuple[CaseBody, ...]:
    state = _STATES[command.outcome]
    if is_handed_back(case):
        report = StepReported(0, state, command.detail, facts=dict(command.facts))
        if state is not StepState.UNKNOWN:
            return (report,)
        question = f"{command.title} does not know what came of it. Please look there"
        return report, Parked(0, question)
    if _is_missed(case) and state is not StepState.UNKNOWN:
        # It comes late: the owner was asked already.
        note = command.detail or f"{command.title} says so"
        has_landed = state is StepState.LANDED
        return (Settled(step=0, landed=has_landed, note=note, by_name=command.title),)
    raise TooLate(f"{case.id} {case.state.predicate}; there is no outcome to report")


def _is_missed(case: Case) -> bool:
    """Tell whether the owner is asked for the program's outcome."""
    plan = case.proposal.plan
    is_asked = case.state is State.OUTCOME_UNKNOWN and plan is not None
    return is_asked and plan is not None and is_own_action(plan.actions[0].name)
