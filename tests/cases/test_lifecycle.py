"""The lifecycle: its table is closed, and codes outlive the names of states."""

import pytest

from bot.cases.errors import MoveNotAllowed
from bot.cases.lifecycle import (
    DECIDED,
    FORMER_TRANSITIONS,
    TERMINAL,
    TRANSITIONS,
    WAITING,
    State,
    Transition,
    next_state,
    recorded_state,
)


def test_every_state_is_exactly_one_of_new_waiting_decided_and_ended():
    groups = [{State.NEW}, WAITING, DECIDED, TERMINAL]
    assert sum(len(group) for group in groups) == len(State)
    assert set().union(*groups) == set(State)


def test_codes_of_columns_and_buttons_never_change():
    assert {state: state.code for state in State} == {
        State.NEW: "NEW",
        State.OPEN: "OPEN",
        State.PROPOSED: "PROPOSED",
        State.REFERRED: "REFERRED",
        State.SNOOZED: "SNOOZED",
        State.APPROVED: "APPROVED",
        State.RUNNING: "RUNNING",
        State.OUTCOME_UNKNOWN: "PARKED",
        State.RESOLVED: "RESOLVED",
        State.REJECTED: "REJECTED",
        State.EXPIRED: "EXPIRED",
        State.CLEARED: "CLEARED",
        State.WITHDRAWN: "WITHDRAWN",
    }


@pytest.mark.parametrize("state", State)
def test_a_code_leads_back_to_its_state(state):
    assert State.of_code(state.code) is state


@pytest.mark.parametrize("code", ["", "open", "OUTCOME_UNKNOWN", "PROPOSED ", "waiting"])
def test_any_other_text_is_no_code(code):
    with pytest.raises(KeyError):
        State.of_code(code)


def test_signals_and_notes_are_taken_in_every_state_after_the_opening():
    for state in set(State) - {State.NEW}:
        assert next_state(state, Transition.RECUR) is state
        assert next_state(state, Transition.NOTE) is state
        is_waiting = state in WAITING
        assert ((state, Transition.CLEAR) in TRANSITIONS) is is_waiting
        assert ((state, Transition.MARK_CLEAR) in TRANSITIONS) is not is_waiting
    assert {move for state, move in TRANSITIONS if state is State.NEW} == {Transition.OPEN}


def test_only_what_was_approved_is_carried_out():
    assert {source for source, move in TRANSITIONS if move is Transition.START} == {
        State.APPROVED,
        State.RUNNING,
    }
    into_approved = {pair for pair, target in TRANSITIONS.items() if target is State.APPROVED}
    # Handing over, signals and notes leave a case where it is.
    assert {pair for pair in into_approved if pair[0] is not State.APPROVED} == {
        (State.OPEN, Transition.AUTHORISE),
        (State.PROPOSED, Transition.AUTHORISE),
    }
    into_running = {pair for pair, target in TRANSITIONS.items() if target is State.RUNNING}
    assert {pair for pair in into_running if pair[0] is not State.RUNNING} == {
        (State.APPROVED, Transition.START),
        (State.OUTCOME_UNKNOWN, Transition.SETTLE),
        (State.RESOLVED, Transition.UNDO),
    }


def test_an_end_is_left_only_by_a_trouble_that_is_back_or_by_an_undo():
    exits = {
        (source, move)
        for (source, move), target in TRANSITIONS.items()
        if source in TERMINAL and target is not source
    }
    assert exits == {
        (State.RESOLVED, Transition.REOPEN),
        (State.RESOLVED, Transition.UNDO),
        (State.CLEARED, Transition.REOPEN),
    }


def test_transitions_of_earlier_releases_are_none_of_the_present_ones():
    assert not FORMER_TRANSITIONS.keys() & TRANSITIONS.keys()


def test_a_recorded_transition_is_one_of_this_release_or_of_an_earlier_one():
    every = {**TRANSITIONS, **FORMER_TRANSITIONS}
    for state in State:
        for move in Transition:
            if (state, move) in every:
                assert recorded_state(state, move) is every[state, move]
                continue
            with pytest.raises(MoveNotAllowed) as failure:
                recorded_state(state, move)
            assert str(failure.value) == f"cannot {move} a case that {state.predicate}"
