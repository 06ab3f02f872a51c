"""What a person had before them when they decided, and which decisions a card offers in which state."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from bot.cases.canonical import digest, moment
from bot.cases.case import Case
from bot.cases.lifecycle import State

# So much of a SHA-256 tells one plan from every other, and fits into a button.
CHECKSUM_DIGITS = 32


class Decision(StrEnum):
    """Everything that a person may decide about a case. The values stand in the ledger."""

    APPROVE = "approve"
    WITHDRAW = "withdraw"
    REJECT = "reject"
    EDIT = "edit"
    SNOOZE = "snooze"
    RESOLVE = "resolve"
    TRY_AGAIN = "try again"
    SETTLE = "settle"
    UNDO = "take back"
    NAME_KIND = "name"
    CALL_NOVEL = "call new"
    CLAIM = "claim"
    HAND_OVER = "hand over"
    EMERGENCY = "break glass"


OFFERED: Mapping[Decision, frozenset[State]] = {
    Decision.APPROVE: frozenset({State.PROPOSED}),
    Decision.WITHDRAW: frozenset({State.PROPOSED, State.APPROVED}),
    Decision.REJECT: frozenset({State.PROPOSED, State.REFERRED}),
    Decision.EDIT: frozenset({State.PROPOSED}),
    Decision.SNOOZE: frozenset({State.PROPOSED, State.REFERRED}),
    Decision.RESOLVE: frozenset({State.REFERRED}),
    Decision.TRY_AGAIN: frozenset({State.REFERRED}),
    Decision.SETTLE: frozenset({State.OUTCOME_UNKNOWN}),
    Decision.UNDO: frozenset({State.RESOLVED}),
    Decision.NAME_KIND: frozenset({State.REFERRED}),
    Decision.CALL_NOVEL: frozenset({State.REFERRED}),
    Decision.CLAIM: frozenset({State.PROPOSED, State.REFERRED, State.OUTCOME_UNKNOWN}),
    Decision.HAND_OVER: frozenset(
        {
            State.OPEN,
            State.PROPOSED,
            State.REFERRED,
            State.SNOOZED,
            State.APPROVED,
            State.RUNNING,
            State.OUTCOME_UNKNOWN,
        }
    ),
    Decision.EMERGENCY: frozenset({State.PROPOSED}),
}
"""The states whose card offers a decision. In any other state it is refused."""

# These say who has a case, or take back one's own yes; they may have been seen a state earlier.
_KEEPS_ITS_COURSE = frozenset({Decision.CLAIM, Decision.HAND_OVER, Decision.WITHDRAW})
CHANGES_COURSE = frozenset(Decision) - _KEEPS_ITS_COURSE


@dataclass(frozen=True, slots=True)
class Seen:
    """The case as it stood before the person who decides.

    ``checksum`` is the beginning of the plan's SHA-256, or of the opening's where there was no
    plan: revisions and even case ids may be given again after a backup is restored, a checksum
    never is. ``doubt`` names the step whose outcome nobody knew, and since when; empty where none
    was asked about.
    """

    revision: int
    state: State
    checksum: str
    doubt: str = ""

    @classmethod
    def of(cls, case: Case) -> "Seen":
        """Describe the case as a card drawn now shows it."""
        checksum = case.plan.digest if case.plan else _opening_checksum(case)
        return cls(case.revision, case.state, checksum[:CHECKSUM_DIGITS], _doubt(case))


def _opening_checksum(case: Case) -> str:
    signal = case.signal
    return digest([case.id, moment(case.opened_at), signal.source, signal.key])


def _doubt(case: Case) -> str:
    step = case.step_in_doubt
    if case.state is not State.OUTCOME_UNKNOWN or step is None:
        return ""
    # The same step may be asked about twice: its doing, later its undoing.
    since = int(case.steps[step].at.timestamp() * 1000)
    return f"{step}@{since}"
