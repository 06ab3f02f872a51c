"""A person's view of a case, and the decisions on offer."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from bot.cases.canonical import canonical_hash, format_utc
from bot.cases.case import Case
from bot.cases.lifecycle import State

# Enough of a SHA-256 to tell one plan from every other, and short enough for a button.
CHECKSUM_DIGITS = 32


class DecisionKind(StrEnum):
    """Everything that a person may decide about a case.

    The values stand in the ledger.
    """

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


#: The states whose card offers a decision. In any other state it is refused.
OFFERED: Mapping[DecisionKind, frozenset[State]] = {
    DecisionKind.APPROVE: frozenset({State.PROPOSED}),
    DecisionKind.WITHDRAW: frozenset({State.PROPOSED, State.APPROVED}),
    DecisionKind.REJECT: frozenset({State.PROPOSED, State.REFERRED}),
    DecisionKind.EDIT: frozenset({State.PROPOSED}),
    DecisionKind.SNOOZE: frozenset({State.PROPOSED, State.REFERRED}),
    DecisionKind.RESOLVE: frozenset({State.REFERRED}),
    DecisionKind.TRY_AGAIN: frozenset({State.REFERRED}),
    DecisionKind.SETTLE: frozenset({State.OUTCOME_UNKNOWN}),
    DecisionKind.UNDO: frozenset({State.RESOLVED}),
    DecisionKind.NAME_KIND: frozenset({State.REFERRED}),
    DecisionKind.CALL_NOVEL: frozenset({State.REFERRED}),
    DecisionKind.CLAIM: frozenset({State.PROPOSED, State.REFERRED, State.OUTCOME_UNKNOWN}),
    DecisionKind.HAND_OVER: frozenset(
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
    DecisionKind.EMERGENCY: frozenset({State.PROPOSED}),
}

# These change the owner, or take back one's own approval: a card of a state earlier is enough.
_KEEPS_ITS_COURSE = frozenset({DecisionKind.CLAIM, DecisionKind.HAND_OVER, DecisionKind.WITHDRAW})
CHANGES_COURSE = frozenset(DecisionKind) - _KEEPS_ITS_COURSE


@dataclass(frozen=True, slots=True)
class Seen:
    """The case as a person's card showed it."""

    revision: int
    state: State
    #: The beginning of the plan's SHA-256, or of the opening's where there was no plan. After a
    #: restored backup revisions and case ids are given again; a checksum never is.
    checksum: str
    #: The step whose outcome was not known, and since when; empty where none was asked about.
    doubt: str = ""

    @classmethod
    def of(cls, case: Case) -> "Seen":
        """Describe the case as a card rendered now shows it."""
        checksum = case.proposal.plan.plan_hash if case.proposal.plan else _opening_checksum(case)
        return cls(
            revision=case.proposal.revision,
            state=case.state,
            checksum=checksum[:CHECKSUM_DIGITS],
            doubt=_doubt(case),
        )


def _opening_checksum(case: Case) -> str:
    signal = case.signal
    return canonical_hash([case.id, format_utc(case.timers.opened_at), signal.source, signal.key])


def _doubt(case: Case) -> str:
    step = case.execution.step_in_doubt
    if case.state is not State.OUTCOME_UNKNOWN or step is None:
        return ""
    # The same step may be asked about twice: for its execution, later for its undo.
    since = int(case.execution.steps[step].at.timestamp() * 1000)
    return f"{step}@{since}"
