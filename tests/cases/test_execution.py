"""The next thing to do with a plan: a table over the progress of its steps."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.cases.entries import IN_DOUBT, StepReported, StepStarted, StepState, UndoAsked
from bot.cases.execution import (
    DOING,
    UNDOING,
    NextStep,
    StepKind,
    is_backing_out,
    next_step,
    step_summary,
)
from bot.cases.lifecycle import State
from tests.cases.making import (
    CASES,
    action,
    approved,
    landed,
    opened,
    record,
    resolved,
    running,
)

(
    STARTED,
    ACCEPTED,
    LANDED,
    FAILED,
    REFUSED,
    SKIPPED,
    ABSENT,
    DEFERRED,
    UNKNOWN,
    MISSING,
    BEING_UNDONE,
    UNDO_UNKNOWN,
    UNDO_MISSING,
    UNDONE,
) = StepState


def progress(*states: StepState, count: int = 2, reversible: tuple[bool, ...] = (True, True)):
    """A plan of some actions whose first steps have come so far."""
    actions = tuple(
        action(summary=f"Action {number + 1}", reversible=reversible[number])
        for number in range(count)
    )
    case = approved(actions=actions)
    for step, state in enumerate(states):
        start = StepStarted(step, case.proposal.plan.step_key(step), case.proposal.plan.plan_hash)
        case = record(case, start, StepReported(step, state, ""))
    return case


# --- one step -------------------------------------------------------------------------------------

ONE_STEP = {
    STARTED: StepKind.VERIFY,
    ACCEPTED: StepKind.VERIFY,
    UNKNOWN: StepKind.VERIFY,
    MISSING: StepKind.VERIFY,
    DEFERRED: StepKind.RETRY,
    LANDED: StepKind.FINISH,
    FAILED: StepKind.STOP,
    # Only a tree has these: in a list nothing follows from them.
    REFUSED: StepKind.FINISH,
    SKIPPED: StepKind.FINISH,
    ABSENT: StepKind.STOP,
    BEING_UNDONE: StepKind.VERIFY_UNDO,
    UNDO_UNKNOWN: StepKind.VERIFY_UNDO,
    UNDO_MISSING: StepKind.VERIFY_UNDO,
    UNDONE: StepKind.STOP,
}


@pytest.mark.parametrize("state", StepState)
def test_the_only_step_of_a_plan_says_what_is_next(state):
    assert next_step(progress(state, count=1)) == NextStep(ONE_STEP[state], 0)


def test_every_doubt_is_verified_one_way_or_the_other():
    assert DOING | UNDOING == IN_DOUBT
    assert not DOING & UNDOING


# --- two steps ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("states", "kind", "step"),
    [
        ((), StepKind.START, 0),
        ((LANDED,), StepKind.START, 1),
        ((LANDED, LANDED), StepKind.FINISH, 0),
        # A doubt is settled before the next step begins.
        ((STARTED,), StepKind.VERIFY, 0),
        ((LANDED, STARTED), StepKind.VERIFY, 1),
        ((LANDED, DEFERRED), StepKind.RETRY, 1),
        ((DEFERRED,), StepKind.RETRY, 0),
        # After a failure what has landed is taken back.
        ((FAILED,), StepKind.STOP, 0),
        ((LANDED, FAILED), StepKind.UNDO, 0),
        ((LANDED, ABSENT), StepKind.UNDO, 0),
        ((BEING_UNDONE, FAILED), StepKind.VERIFY_UNDO, 0),
        ((UNDO_UNKNOWN, FAILED), StepKind.VERIFY_UNDO, 0),
        ((UNDONE, FAILED), StepKind.STOP, 0),
        # The last one first.
        ((LANDED, BEING_UNDONE), StepKind.VERIFY_UNDO, 1),
        ((LANDED, UNDONE), StepKind.UNDO, 0),
        ((UNDONE, UNDONE), StepKind.STOP, 0),
        # A step in doubt is verified even while others are taken back.
        ((FAILED, STARTED), StepKind.VERIFY, 1),
        ((STARTED, FAILED), StepKind.VERIFY, 0),
    ],
)
def test_two_steps_say_what_is_next(states, kind, step):
    assert next_step(progress(*states)) == NextStep(kind, step)


@pytest.mark.parametrize(
    ("reversible", "kind", "step"),
    [
        ((True, True), StepKind.UNDO, 1),
        ((True, False), StepKind.UNDO, 0),
        ((False, True), StepKind.UNDO, 1),
        ((False, False), StepKind.STOP, 0),
    ],
)
def test_what_cannot_be_undone_stays(reversible, kind, step):
    case = progress(LANDED, LANDED, FAILED, count=3, reversible=(*reversible, True))
    assert next_step(case) == NextStep(kind, step)


@pytest.mark.parametrize("state", CASES, ids=lambda state: state.name)
def test_only_an_approved_plan_has_a_next_step(state):
    case = CASES[state]()
    is_carried_out = state in {State.APPROVED, State.RUNNING}
    assert (next_step(case).next is not StepKind.NOTHING) is is_carried_out


def test_an_undo_that_people_asked_for_takes_back_what_landed():
    undoing = record(resolved(), UndoAsked(note="wrong", by_name="Ana"))
    assert is_backing_out(undoing)
    assert next_step(undoing) == NextStep(StepKind.UNDO, 0)
    assert not is_backing_out(landed())
    assert not is_backing_out(opened())


STATES = st.lists(st.sampled_from(StepState), max_size=3)


@given(STATES, st.tuples(st.booleans(), st.booleans(), st.booleans()))
def test_no_next_step_touches_what_it_must_not(states, reversible):
    case = progress(*states, count=3, reversible=reversible)
    work = next_step(case)
    match work.next:
        case StepKind.START:
            assert all(state in {LANDED, REFUSED, SKIPPED} for state in states)
            assert work.step == len(states)
        case StepKind.RETRY:
            assert states[work.step] is DEFERRED
        case StepKind.VERIFY:
            assert states[work.step] in DOING
        case StepKind.UNDO:
            assert states[work.step] is LANDED
            assert reversible[work.step]
            assert is_backing_out(case)
        case StepKind.VERIFY_UNDO:
            assert states[work.step] in UNDOING
        case StepKind.STOP:
            assert not IN_DOUBT & set(states)
        case StepKind.FINISH:
            assert len(states) == 3
            assert set(states) <= {LANDED, REFUSED, SKIPPED}


# --- words ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("states", "reversible", "text"),
    [
        ((), (True, True), ""),
        ((LANDED,), (True, True), "Action 1: done"),
        ((LANDED, LANDED), (True, True), "Action 1: done; Action 2: done"),
        (
            (LANDED, FAILED),
            (False, True),
            "Action 1: done and stays, it cannot be undone; Action 2: failed",
        ),
        ((UNDONE, FAILED), (True, True), "Action 1: undone; Action 2: failed"),
        (
            (LANDED, ABSENT),
            (False, True),
            "Action 1: done and stays, it cannot be undone; Action 2: did not happen",
        ),
        ((UNKNOWN,), (True, True), "Action 1: outcome unknown"),
    ],
)
def test_each_step_is_told_in_one_sentence(states, reversible, text):
    assert step_summary(progress(*states, reversible=reversible)) == text


def test_the_detail_of_a_step_stands_in_brackets():
    case = running(StepReported(0, FAILED, "the till said no"))
    assert step_summary(case) == "Order 24: failed (the till said no)"


def test_a_next_step_names_the_first_step_where_it_needs_none():
    assert NextStep(StepKind.FINISH) == NextStep(StepKind.FINISH, 0)
    assert replace(NextStep(StepKind.UNDO), step=1) == NextStep(StepKind.UNDO, 1)
