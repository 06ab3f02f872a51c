"""The next thing to do with an approved plan.

It follows from the progress of the steps alone.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import assert_never

from bot.cases.case import Case
from bot.cases.entries import StepState
from bot.cases.lifecycle import State
from bot.cases.plan import Plan
from bot.cases.plan_tree import TreeMove, find_way, has_refusal_branch


class StepKind(StrEnum):
    """The next thing that the executor does."""

    START = "start"
    RETRY = "retry"
    VERIFY = "verify"
    UNDO = "undo"
    VERIFY_UNDO = "verify undo"
    STOP = "stop"
    #: The tree does not foresee what was observed.
    ASK = "ask"
    FINISH = "finish"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class NextStep:
    """The next thing to do, and its step."""

    next: StepKind
    step: int = 0
    #: What was not foreseen.
    reason: str = ""


DOING = frozenset({StepState.STARTED, StepState.ACCEPTED, StepState.UNKNOWN, StepState.MISSING})
UNDOING = frozenset({StepState.UNDOING, StepState.UNDO_UNKNOWN, StepState.UNDO_MISSING})
_BACKING_OUT = frozenset({StepState.FAILED, StepState.ABSENT, StepState.UNDONE}) | UNDOING
STAYS_FROM_EARLIER = "done before this plan, and stays"
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
    return _go_on(case, case.proposal.plan)


def _go_on(case: Case, plan: Plan) -> NextStep:
    """Choose the next step when no other is in hand."""
    steps = case.execution.steps
    if not plan.branches:
        is_over = len(steps) >= len(plan.actions)
        return NextStep(StepKind.FINISH) if is_over else NextStep(StepKind.START, len(steps))
    if not plan.is_tree:
        return NextStep(StepKind.ASK, 0, "the branches of the plan do not fit its steps")
    way = find_way(plan, steps)
    match way.turn:
        case TreeMove.BEGIN:
            return NextStep(StepKind.START, way.step)
        case TreeMove.ASK:
            return NextStep(StepKind.ASK, way.step, way.reason)
        case TreeMove.END if case.execution.has_landed:
            return NextStep(StepKind.FINISH)
        case TreeMove.END:
            return NextStep(StepKind.ASK, 0, "every step was refused, and nothing else is planned")
        case _:
            assert_never(way.turn)


def is_backing_out(case: Case) -> bool:
    """Tell whether no step of this plan may be begun any more."""
    return case.execution.is_undo_running or any(
        step.state in _BACKING_OUT for step in case.execution.steps
    )


def undo_order(case: Case) -> Iterator[int]:
    """Yield the steps that have begun, the latest first.

    Those of earlier plans have higher numbers than those of the plan, and are older.
    """
    steps = range(len(case.execution.steps))
    plan = case.proposal.plan
    count = len(plan.actions) if plan else 0
    yield from reversed(steps[:count])
    yield from reversed(steps[count:])


def _back_out(case: Case) -> NextStep:
    for index in undo_order(case):
        state = case.execution.steps[index].state
        if state in UNDOING:
            return NextStep(StepKind.VERIFY_UNDO, index)
        if state in DOING:
            return NextStep(StepKind.VERIFY, index)
        if state is StepState.LANDED and case.action(index).reversible:
            return NextStep(StepKind.UNDO, index)
    return NextStep(StepKind.STOP)


def is_refusal_foreseen(case: Case, step: int) -> bool:
    """Tell whether the plan goes on when this step is refused."""
    plan = case.proposal.plan
    return plan is not None and not is_backing_out(case) and has_refusal_branch(plan, step)


def step_summary(case: Case) -> str:
    """Say what became of each step, in one sentence each."""
    execution = case.execution
    is_taken_back = execution.is_undo_running or any(
        step.state in _NOT_DONE for step in execution.steps
    )
    sentences = []
    for index, step in enumerate(case.execution.steps):
        if step.state is StepState.SKIPPED:
            continue
        sentence = f"{case.action(index).summary}: {step.state}"
        if is_taken_back and step.state is StepState.LANDED:
            sentence += " and stays, it cannot be undone"
        if step.detail:
            sentence += f" ({step.detail})"
        sentences.append(sentence)
    if execution.is_undo_running:
        sentences += [
            f"{one.action.summary}: {STAYS_FROM_EARLIER}" for one in execution.earlier_steps
        ]
    return "; ".join(sentences)
