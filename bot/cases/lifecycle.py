"""The lifecycle of a case: one table.

A transition that is not in it is refused.
"""

from enum import StrEnum

from bot.cases.errors import MoveNotAllowed


class State(StrEnum):
    """The states of a case."""

    NEW = "new"
    OPEN = "open"
    PROPOSED = "waiting for a decision"
    REFERRED = "needs a person"
    SNOOZED = "snoozed"
    APPROVED = "approved"
    RUNNING = "being carried out"
    OUTCOME_UNKNOWN = "outcome unknown"
    RESOLVED = "resolved"
    REJECTED = "rejected"
    EXPIRED = "expired"
    CLEARED = "cleared by itself"
    #: Whoever raised it takes it back.
    WITHDRAWN = "withdrawn"

    @property
    def code(self) -> str:
        """Return the name of the state in columns and on buttons."""
        return _CODES.get(self, self.name)

    @property
    def predicate(self) -> str:
        """Complete a sentence about a case: "is approved", "needs a person"."""
        return _PREDICATES.get(self, f"is {self}")

    @classmethod
    def of_code(cls, code: str) -> "State":
        """Read a code.

        Raises:
            KeyError: no state has it.
        """
        return _BY_CODE[code]


# Columns and the buttons of cards that are already posted keep the code of an earlier name.
_CODES = {State.OUTCOME_UNKNOWN: "PARKED"}
_PREDICATES = {
    State.REFERRED: "needs a person",
    State.OUTCOME_UNKNOWN: "has an unknown outcome",
    State.CLEARED: "has cleared by itself",
}
_BY_CODE = {state.code: state for state in State}


class Transition(StrEnum):
    """The transitions between states; the values complete "cannot … a case"."""

    OPEN = "open"
    RECUR = "recur"
    CLEAR = "clear"
    MARK_CLEAR = "mark clear"
    RECOGNISE = "recognise"
    NAME = "name"
    GATHER = "gather evidence for"
    RECOMMEND = "recommend"
    REFER = "refer"
    VOTE = "approve"
    AUTHORISE = "authorise"
    WITHDRAW = "withdraw approval of"
    REJECT = "reject"
    EDIT = "edit"
    HAND_OVER = "hand over"
    SNOOZE = "snooze"
    WAKE = "wake"
    ESCALATE = "escalate"
    EXPIRE = "expire"
    START = "start a step of"
    REPORT = "report a step of"
    DRIFT = "stop"
    STOP = "give up"
    PARK = "park"
    SETTLE = "settle"
    UNDO_VOTE = "agree to take back"
    UNDO = "take back"
    RETRIAGE = "look again at"
    REPLAN = "plan again for"
    FINISH = "finish"
    UNDO_LAPSE = "leave as it is"
    RESOLVE = "resolve"
    RETRACT = "withdraw"
    REOPEN = "reopen"
    NOTE = "note on"


TERMINAL = frozenset(
    {State.RESOLVED, State.REJECTED, State.EXPIRED, State.CLEARED, State.WITHDRAWN}
)
WAITING = frozenset({State.OPEN, State.PROPOSED, State.REFERRED, State.SNOOZED})
#: Somebody must do something: decide, look, or say what happened.
WAITING_ON_PEOPLE = frozenset({State.PROPOSED, State.REFERRED, State.OUTCOME_UNKNOWN})
DECIDED = frozenset({State.APPROVED, State.RUNNING, State.OUTCOME_UNKNOWN})

TRANSITIONS: dict[tuple[State, Transition], State] = {
    (State.NEW, Transition.OPEN): State.OPEN,
    (State.OPEN, Transition.RECOGNISE): State.OPEN,
    (State.OPEN, Transition.GATHER): State.OPEN,
    (State.OPEN, Transition.RECOMMEND): State.PROPOSED,
    (State.OPEN, Transition.REFER): State.REFERRED,
    (State.OPEN, Transition.AUTHORISE): State.APPROVED,
    (State.OPEN, Transition.HAND_OVER): State.OPEN,
    (State.PROPOSED, Transition.VOTE): State.PROPOSED,
    (State.PROPOSED, Transition.WITHDRAW): State.PROPOSED,
    (State.PROPOSED, Transition.AUTHORISE): State.APPROVED,
    (State.PROPOSED, Transition.REJECT): State.REJECTED,
    (State.PROPOSED, Transition.EDIT): State.PROPOSED,
    (State.PROPOSED, Transition.REFER): State.REFERRED,
    (State.PROPOSED, Transition.HAND_OVER): State.PROPOSED,
    (State.PROPOSED, Transition.SNOOZE): State.SNOOZED,
    (State.PROPOSED, Transition.ESCALATE): State.PROPOSED,
    (State.PROPOSED, Transition.EXPIRE): State.EXPIRED,
    (State.PROPOSED, Transition.DRIFT): State.OPEN,
    (State.PROPOSED, Transition.REPLAN): State.OPEN,
    (State.PROPOSED, Transition.NAME): State.OPEN,
    (State.REFERRED, Transition.NAME): State.OPEN,
    (State.REFERRED, Transition.REJECT): State.REJECTED,
    (State.REFERRED, Transition.HAND_OVER): State.REFERRED,
    (State.REFERRED, Transition.SNOOZE): State.SNOOZED,
    (State.REFERRED, Transition.ESCALATE): State.REFERRED,
    (State.REFERRED, Transition.RESOLVE): State.RESOLVED,
    (State.REFERRED, Transition.RETRIAGE): State.OPEN,
    (State.REFERRED, Transition.REPLAN): State.OPEN,
    (State.SNOOZED, Transition.WAKE): State.OPEN,
    (State.SNOOZED, Transition.HAND_OVER): State.SNOOZED,
    (State.APPROVED, Transition.WITHDRAW): State.PROPOSED,
    (State.APPROVED, Transition.START): State.RUNNING,
    (State.APPROVED, Transition.DRIFT): State.OPEN,
    (State.APPROVED, Transition.HAND_OVER): State.APPROVED,
    (State.RUNNING, Transition.START): State.RUNNING,
    (State.RUNNING, Transition.REPORT): State.RUNNING,
    (State.RUNNING, Transition.DRIFT): State.OPEN,
    (State.RUNNING, Transition.STOP): State.REFERRED,
    (State.RUNNING, Transition.PARK): State.OUTCOME_UNKNOWN,
    (State.RUNNING, Transition.FINISH): State.RESOLVED,
    (State.RUNNING, Transition.HAND_OVER): State.RUNNING,
    (State.OUTCOME_UNKNOWN, Transition.SETTLE): State.RUNNING,
    (State.OUTCOME_UNKNOWN, Transition.HAND_OVER): State.OUTCOME_UNKNOWN,
    (State.RESOLVED, Transition.REOPEN): State.OPEN,
    (State.RESOLVED, Transition.UNDO_VOTE): State.RESOLVED,
    (State.RESOLVED, Transition.UNDO): State.RUNNING,
    (State.RUNNING, Transition.UNDO_LAPSE): State.RESOLVED,
    (State.CLEARED, Transition.REOPEN): State.OPEN,
    (State.APPROVED, Transition.RETRACT): State.WITHDRAWN,
    **{(state, Transition.RETRACT): State.WITHDRAWN for state in WAITING},
    **{(state, Transition.CLEAR): State.CLEARED for state in WAITING},
    **{(state, Transition.MARK_CLEAR): state for state in DECIDED | TERMINAL},
    **{(state, Transition.RECUR): state for state in WAITING | DECIDED | TERMINAL},
    **{(state, Transition.NOTE): state for state in WAITING | DECIDED | TERMINAL},
}

# Earlier releases allowed these too. Their ledgers are read; nothing new is written so.
FORMER_TRANSITIONS: dict[tuple[State, Transition], State] = {
    (State.REFERRED, Transition.DRIFT): State.OPEN,
    (State.SNOOZED, Transition.REJECT): State.REJECTED,
    (State.RUNNING, Transition.RESOLVE): State.RESOLVED,
    (State.OUTCOME_UNKNOWN, Transition.RESOLVE): State.RESOLVED,
}


def next_state(state: State, transition: Transition) -> State:
    """Return the state that this transition leads to.

    Raises:
        MoveNotAllowed: the table has no such transition.
    """
    try:
        return TRANSITIONS[state, transition]
    except KeyError:
        raise MoveNotAllowed(f"cannot {transition} a case that {state.predicate}") from None


def recorded_state(state: State, transition: Transition) -> State:
    """Return the state that a recorded transition led to.

    Transitions of earlier releases count too.

    Raises:
        MoveNotAllowed: no release ever had such a transition.
    """
    former_state = FORMER_TRANSITIONS.get((state, transition))
    return former_state or next_state(state, transition)
