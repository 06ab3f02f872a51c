"""A person's view of a case."""

from dataclasses import dataclass

from bot.cases.canonical import canonical_hash, format_utc
from bot.cases.case import Case
from bot.cases.lifecycle import State

# Enough of a SHA-256 to tell one plan from every other, and short enough for a button.
CHECKSUM_DIGITS = 32


@dataclass(frozen=True, slots=True)
class CardSnapshot:
    """The case as a person's card showed it."""

    revision: int
    state: State
    #: The beginning of the plan's SHA-256, or of the opening's where there was no plan. After a
    #: restored backup revisions and case ids are given again; a checksum never is.
    checksum: str
    #: The step whose outcome was not known, and since when; empty where none was asked about.
    doubt: str = ""

    @classmethod
    def of(cls, case: Case) -> "CardSnapshot":
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
    if case.state is not State.OUTCOME_UNKNOWN:
        return ""
    step = case.execution.step_in_doubt
    if step is None:
        return ""
    # The same step may be asked about twice: for its execution, later for its undo.
    since = int(case.execution.steps[step].at.timestamp() * 1000)
    return f"{step}@{since}"
