"""Which moves a case may make. A move not in the table is refused; there is no default arrow."""

from enum import StrEnum

from bot.cases.errors import MoveNotAllowed


class State(StrEnum):
    NEW = "new"
    OPEN = "open"
    PROPOSED = "waiting for a decision"
    REFERRED = "needs a person"
    SNOOZED = "snoozed"
    APPROVED = "approved"
    RUNNING = "being carried out"
    PARKED = "outcome unknown"
    RESOLVED = "resolved"
    REJECTED = "rejected"
    EXPIRED = "expired"
    CLEARED = "cleared by itself"


class Move(StrEnum):
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
    FINISH = "finish"
    UNDO_LAPSE = "leave as it is"
    RESOLVE = "resolve"
    REOPEN = "reopen"
    NOTE = "note on"


TERMINAL = frozenset({State.RESOLVED, State.REJECTED, State.EXPIRED, State.CLEARED})
WAITING = frozenset({State.OPEN, State.PROPOSED, State.REFERRED, State.SNOOZED})
DECIDED = frozenset({State.APPROVED, State.RUNNING, State.PARKED})

ARROWS: dict[tuple[State, Move], State] = {
    (State.NEW, Move.OPEN): State.OPEN,
    (State.OPEN, Move.RECOGNISE): State.OPEN,
    (State.OPEN, Move.GATHER): State.OPEN,
    (State.OPEN, Move.RECOMMEND): State.PROPOSED,
    (State.OPEN, Move.REFER): State.REFERRED,
    (State.OPEN, Move.AUTHORISE): State.APPROVED,
    (State.OPEN, Move.HAND_OVER): State.OPEN,
    (State.PROPOSED, Move.VOTE): State.PROPOSED,
    (State.PROPOSED, Move.WITHDRAW): State.PROPOSED,
    (State.PROPOSED, Move.AUTHORISE): State.APPROVED,
    (State.PROPOSED, Move.REJECT): State.REJECTED,
    (State.PROPOSED, Move.EDIT): State.PROPOSED,
    (State.PROPOSED, Move.REFER): State.REFERRED,
    (State.PROPOSED, Move.HAND_OVER): State.PROPOSED,
    (State.PROPOSED, Move.SNOOZE): State.SNOOZED,
    (State.PROPOSED, Move.ESCALATE): State.PROPOSED,
    (State.PROPOSED, Move.EXPIRE): State.EXPIRED,
    (State.PROPOSED, Move.DRIFT): State.OPEN,
    (State.REFERRED, Move.NAME): State.OPEN,
    (State.REFERRED, Move.REJECT): State.REJECTED,
    (State.REFERRED, Move.HAND_OVER): State.REFERRED,
    (State.REFERRED, Move.SNOOZE): State.SNOOZED,
    (State.REFERRED, Move.ESCALATE): State.REFERRED,
    (State.REFERRED, Move.RESOLVE): State.RESOLVED,
    (State.REFERRED, Move.RETRIAGE): State.OPEN,
    (State.SNOOZED, Move.WAKE): State.OPEN,
    (State.SNOOZED, Move.HAND_OVER): State.SNOOZED,
    (State.APPROVED, Move.WITHDRAW): State.PROPOSED,
    (State.APPROVED, Move.START): State.RUNNING,
    (State.APPROVED, Move.DRIFT): State.OPEN,
    (State.APPROVED, Move.HAND_OVER): State.APPROVED,
    (State.RUNNING, Move.START): State.RUNNING,
    (State.RUNNING, Move.REPORT): State.RUNNING,
    (State.RUNNING, Move.DRIFT): State.OPEN,
    (State.RUNNING, Move.STOP): State.REFERRED,
    (State.RUNNING, Move.PARK): State.PARKED,
    (State.RUNNING, Move.FINISH): State.RESOLVED,
    (State.RUNNING, Move.HAND_OVER): State.RUNNING,
    (State.PARKED, Move.SETTLE): State.RUNNING,
    (State.PARKED, Move.HAND_OVER): State.PARKED,
    (State.RESOLVED, Move.REOPEN): State.OPEN,
    (State.RESOLVED, Move.UNDO_VOTE): State.RESOLVED,
    (State.RESOLVED, Move.UNDO): State.RUNNING,
    (State.RUNNING, Move.UNDO_LAPSE): State.RESOLVED,
    (State.CLEARED, Move.REOPEN): State.OPEN,
    **{(state, Move.CLEAR): State.CLEARED for state in WAITING},
    **{(state, Move.MARK_CLEAR): state for state in DECIDED | TERMINAL},
    **{(state, Move.RECUR): state for state in WAITING | DECIDED | TERMINAL},
    **{(state, Move.NOTE): state for state in WAITING | DECIDED | TERMINAL},
}

# Earlier releases let people take these. Their ledgers are read; nothing new is written so.
FORMER_ARROWS: dict[tuple[State, Move], State] = {
    (State.REFERRED, Move.DRIFT): State.OPEN,
    (State.SNOOZED, Move.REJECT): State.REJECTED,
    (State.RUNNING, Move.RESOLVE): State.RESOLVED,
    (State.PARKED, Move.RESOLVE): State.RESOLVED,
}


def next_state(state: State, move: Move) -> State:
    """Where this move leads.

    Raises:
        MoveNotAllowed: the table has no such arrow.
    """
    try:
        return ARROWS[state, move]
    except KeyError:
        raise MoveNotAllowed(f"cannot {move} a case that is {state}") from None


def recorded_state(state: State, move: Move) -> State:
    """Where a move that stands in the ledger led, in this release or an earlier one.

    Raises:
        MoveNotAllowed: no release ever had such an arrow.
    """
    former = FORMER_ARROWS.get((state, move))
    return former or next_state(state, move)
