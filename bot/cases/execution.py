"""The next thing to do with an approved plan.

It follows from the progress of the steps alone.
"""

from dataclasses import dataclass
from enum import StrEnum

from bot.cases.case import Case
from bot.cases.entries import StepState
from bot.cases.lifecycle import State


class StepKind(StrEnum):
    """The next thing that the executor does."""

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
    """The next thing to do, and its step."""

    next: StepKind
    step: int = 0


DOING = frozenset({StepState.STARTED, StepState.ACCEPTED, StepState.UNKNOWN, StepState.MISSING})
UNDOING = frozenset({StepState.UNDOING, StepState.UNDO_UNKNOWN, StepState.UNDO_MISSING})
_BACKING_OUT = frozenset({StepState.FAILED, StepState.ABSENT, StepState.UNDONE}) | UNDOING
_NOT_DONE = frozenset({StepState.FAILED, StepState.ABSENT})


def next_step(case: Case) -> NextStep:
    """Choose one thing to do.

    A step in doubt is verified before anything else. After a failure everything that has landed
    is undone, last first.
    """
    if case.proposal.plan is None or case.state not in {State.APPROVED, State.RUNNING}:
        return NextStep(StepKind.NOTHING)
    if is_backing_out(case):
        return _back_out(case)
    for index, step in enumerate(case.execution.steps):
        if step.state in DOING:
            return NextStep(StepKind.VERIFY, index)
        if step.state is StepState.DEFERRED:
            return NextStep(StepKind.RETRY, index)
    if len(case.execution.steps) < len(case.proposal.plan.actions):
        return NextStep(StepKind.START, len(case.execution.steps))
    return NextStep(StepKind.FINISH)


def is_backing_out(case: Case) -> bool:
    """Tell whether no step of this plan may be begun any more."""
    return case.execution.is_undo_running or any(
        step.state in _BACKING_OUT for step in case.execution.steps
    )


def _back_out(case: Case) -> NextStep:
    for index in reversed(range(len(case.execution.steps))):
        state = case.execution.steps[index].state
        if state in UNDOING:
            return NextStep(StepKind.VERIFY_UNDO, index)
        if state in DOING:
            return NextStep(StepKind.VERIFY, index)
        if state is StepState.LANDED and case.action(index).reversible:
            return NextStep(StepKind.UNDO, index)
    return NextStep(StepKind.STOP)


def step_summary(case: Case) -> str:
    """Say what became of each step, in one sentence each."""
    has_failed = any(step.state in _NOT_DONE for step in case.execution.steps)
    sentences = []
    for index, step in enumerate(case.execution.steps):
        sentence = f"{case.action(index).summary}: {step.state}"
        if has_failed and step.state is StepState.LANDED:
            sentence += " and stays, it cannot be undone"
        if step.detail:
            sentence += f" ({step.detail})"
        sentences.append(sentence)
    return "; ".join(sentences)
