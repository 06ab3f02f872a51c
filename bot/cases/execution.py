"""What to do next with an approved plan, from how far its steps have come. Pure: the executor asks, acts and reports back."""

from dataclasses import dataclass
from enum import StrEnum

from bot.cases.case import Case
from bot.cases.entries import StepState
from bot.cases.lifecycle import State


class StepKind(StrEnum):
    START = "start"
    RETRY = "retry"
    VERIFY = "verify"
    UNDO = "undo"
    VERIFY_UNDO = "verify undo"
    STOP = "stop"
    FINISH = "finish"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class NextStep:
    next: StepKind
    step: int = 0


def next_step(case: Case) -> NextStep:
    """One thing at a time. A step in doubt is verified before anything else; after a failure what landed is undone, last first."""
    if case.plan is None or case.state not in {State.APPROVED, State.RUNNING}:
        return NextStep(StepKind.NOTHING)
    if is_backing_out(case):
        return _back_out(case)
    for index, step in enumerate(case.steps):
        if step.state in DOING:
            return NextStep(StepKind.VERIFY, index)
        if step.state is StepState.DEFERRED:
            return NextStep(StepKind.RETRY, index)
    if len(case.steps) < len(case.plan.actions):
        return NextStep(StepKind.START, len(case.steps))
    return NextStep(StepKind.FINISH)


DOING = frozenset({StepState.STARTED, StepState.ACCEPTED, StepState.UNKNOWN, StepState.MISSING})
UNDOING = frozenset({StepState.UNDOING, StepState.UNDO_UNKNOWN, StepState.UNDO_MISSING})
_BACKING_OUT = frozenset({StepState.FAILED, StepState.ABSENT, StepState.UNDONE}) | UNDOING


def is_backing_out(case: Case) -> bool:
    """Tell whether no step of this plan may be begun any more."""
    return case.undoing or any(step.state in _BACKING_OUT for step in case.steps)


def _back_out(case: Case) -> NextStep:
    for index in reversed(range(len(case.steps))):
        state = case.steps[index].state
        if state in UNDOING:
            return NextStep(StepKind.VERIFY_UNDO, index)
        if state in DOING:
            return NextStep(StepKind.VERIFY, index)
        if state is StepState.LANDED and case.action(index).reversible:
            return NextStep(StepKind.UNDO, index)
    return NextStep(StepKind.STOP)


def step_summary(case: Case) -> str:
    """What came of each step, in one sentence each."""
    lines = []
    failed = any(step.state in {StepState.FAILED, StepState.ABSENT} for step in case.steps)
    for index, step in enumerate(case.steps):
        left = (
            " and stays, it cannot be undone" if failed and step.state is StepState.LANDED else ""
        )
        detail = f" ({step.detail})" if step.detail else ""
        lines.append(f"{case.action(index).summary}: {step.state}{left}{detail}")
    return "; ".join(lines)
