"""Commands: what can be asked of a case, as data for ``decide``.

The decisions of people come first: which there are, when a card offers them, and who may take them.
"""

from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import ClassVar

from bot.cases.actor import CaseId
from bot.cases.approval import Groups, Person
from bot.cases.caller import Caller
from bot.cases.canonical import Scalar, ScalarMapping
from bot.cases.card_snapshot import CardSnapshot
from bot.cases.delegation import Delegation
from bot.cases.entries import FieldChange, RejectReason
from bot.cases.grant import Grant
from bot.cases.identity import UNLINKED, Identities
from bot.cases.inquiry import AnswerType
from bot.cases.lifecycle import WAITING_ON_PEOPLE, State
from bot.cases.passkey import Assertion, Passkey
from bot.cases.plan import Plan
from bot.cases.probe import Probe
from bot.cases.recommendation import Recommendation, Words
from bot.cases.signal import Signal
from bot.cases.sla import Sla
from bot.cases.verdict import Verdict

# --- decisions of people ----------------------------------------------------------------------


class DecisionKind(StrEnum):
    """Everything that a person may decide about a case.

    The values stand in the ledger.
    """

    APPROVE = "approve"
    WITHDRAW = "withdraw"
    REJECT = "reject"
    EDIT = "edit"
    SNOOZE = "snooze"
    WAKE = "wake"
    RESOLVE = "resolve"
    TRY_AGAIN = "try again"
    SETTLE = "settle"
    UNDO = "take back"
    NAME_KIND = "name"
    CALL_NOVEL = "call new"
    CLAIM = "claim"
    HAND_OVER = "hand over"
    ASK = "ask about"
    EMERGENCY = "break glass"
    NUDGE = "ask again about"
    RETRACT = "withdraw a case"
    CONFIRM_PRACTICE = "say what was done about"
    REVIEW = "review"
    REPORT_MISTAKE = "report a mistake in"


#: The states whose card offers a decision. In any other state it is refused.
OFFERED: Mapping[DecisionKind, frozenset[State]] = {
    DecisionKind.APPROVE: frozenset({State.PROPOSED}),
    DecisionKind.WITHDRAW: frozenset({State.PROPOSED, State.APPROVED}),
    DecisionKind.REJECT: frozenset({State.PROPOSED, State.REFERRED}),
    DecisionKind.EDIT: frozenset({State.PROPOSED}),
    DecisionKind.SNOOZE: frozenset({State.PROPOSED, State.REFERRED}),
    DecisionKind.WAKE: frozenset({State.SNOOZED}),
    DecisionKind.RESOLVE: frozenset({State.REFERRED}),
    DecisionKind.TRY_AGAIN: frozenset({State.REFERRED}),
    DecisionKind.SETTLE: frozenset({State.OUTCOME_UNKNOWN}),
    DecisionKind.UNDO: frozenset({State.RESOLVED}),
    DecisionKind.REPORT_MISTAKE: frozenset({State.RESOLVED}),
    # Recognition may have named a wrong one, and a plan may have come of it.
    DecisionKind.NAME_KIND: frozenset({State.PROPOSED, State.REFERRED}),
    DecisionKind.CALL_NOVEL: frozenset({State.REFERRED}),
    DecisionKind.CLAIM: WAITING_ON_PEOPLE,
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
    DecisionKind.ASK: frozenset({State.PROPOSED, State.REFERRED}),
    DecisionKind.EMERGENCY: frozenset({State.PROPOSED}),
    # These two stand in the message to whoever raised the case.
    DecisionKind.NUDGE: frozenset({State.PROPOSED, State.REFERRED}),
    DecisionKind.RETRACT: frozenset(
        {State.OPEN, State.PROPOSED, State.REFERRED, State.SNOOZED, State.APPROVED}
    ),
    # Of a plan that was recommended only; it may be known when the case has ended.
    DecisionKind.CONFIRM_PRACTICE: frozenset({State.REFERRED, State.CLEARED, State.RESOLVED}),
    DecisionKind.REVIEW: frozenset({State.RESOLVED}),
}

# These change the owner, take back one's own approval, ask again or say what was wrong: a card of a
# state earlier is enough.
_KEEPS_ITS_COURSE = frozenset(
    {
        DecisionKind.CLAIM,
        DecisionKind.HAND_OVER,
        DecisionKind.WITHDRAW,
        DecisionKind.NUDGE,
        DecisionKind.REPORT_MISTAKE,
    }
)
CHANGES_COURSE = frozenset(DecisionKind) - _KEEPS_ITS_COURSE


class Role(StrEnum):
    """A person's relation to a case. One person may have several."""

    APPROVER = "approver"
    PLAYBOOK_OWNER = "owner of the playbook"
    PRESENT_OWNER = "present owner"
    VOTER = "approved it"
    REQUESTER = "raised it"


_DECIDERS = frozenset({Role.APPROVER, Role.PLAYBOOK_OWNER})
_HOLDERS = _DECIDERS | {Role.PRESENT_OWNER}

#: The roles of which one is enough; ``docs/authority.md`` shows this table.
# Owning a case allows nothing but to claim it, hand it on, and ask about it.
MAY: Mapping[DecisionKind, frozenset[Role]] = {
    DecisionKind.APPROVE: frozenset({Role.APPROVER}),
    DecisionKind.UNDO: frozenset({Role.APPROVER}),
    DecisionKind.WITHDRAW: frozenset({Role.VOTER}),
    DecisionKind.REJECT: _DECIDERS,
    DecisionKind.EDIT: _DECIDERS,
    DecisionKind.SNOOZE: _DECIDERS,
    DecisionKind.WAKE: _DECIDERS,
    DecisionKind.RESOLVE: _DECIDERS,
    DecisionKind.TRY_AGAIN: _DECIDERS,
    DecisionKind.SETTLE: _DECIDERS,
    DecisionKind.NAME_KIND: _DECIDERS,
    DecisionKind.CALL_NOVEL: _DECIDERS,
    DecisionKind.CLAIM: _HOLDERS,
    DecisionKind.HAND_OVER: _HOLDERS,
    DecisionKind.ASK: _HOLDERS,
    DecisionKind.REPORT_MISTAKE: _HOLDERS | {Role.REQUESTER},
    # Whom policy names for emergencies is checked in ``decide_controls``.
    DecisionKind.EMERGENCY: frozenset(),
    DecisionKind.NUDGE: frozenset({Role.REQUESTER}),
    DecisionKind.RETRACT: frozenset({Role.REQUESTER}),
    DecisionKind.CONFIRM_PRACTICE: _DECIDERS,
    DecisionKind.REVIEW: frozenset({Role.PLAYBOOK_OWNER}),
}

# Whoever raised or edited a plan, or gains from it, may reject it and never approve it.
NEVER_BY_AUTHORS = frozenset({DecisionKind.APPROVE, DecisionKind.UNDO, DecisionKind.EMERGENCY})


@dataclass(frozen=True, slots=True)
class PersonDecision:
    """The base of what a person decides.

    Currency and authority are checked alike for all of them.
    """

    decision: ClassVar[DecisionKind]

    by: Caller
    #: The case as the person's card showed it.
    snapshot: CardSnapshot


# --- signals ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Open:
    """Open a case for a signal."""

    case_id: CaseId
    signal: Signal
    owner: str
    channel: str
    sla: Sla
    #: It is practice.
    probe: Probe | None = None


@dataclass(frozen=True, slots=True)
class Recur:
    """Count a signal on the case that is there."""

    signal: Signal
    #: The case had ended a short while ago.
    reopen: bool = False
    identities: Identities = UNLINKED


@dataclass(frozen=True, slots=True)
class Clear:
    """Record the all-clear of the source."""

    signal: Signal


# --- triage -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class NameKind(PersonDecision):
    """Name the kind of a case that was not recognised, or wrongly.

    What is of no known kind after all is named ``UNRECOGNISED``.
    """

    decision = DecisionKind.NAME_KIND

    _: KW_ONLY
    kind: str
    #: Owner, channel and SLA by the playbook of that kind.
    owner: str
    channel: str
    sla: Sla


@dataclass(frozen=True, slots=True)
class CallNovel(PersonDecision):
    """Say that no known kind fits."""

    decision = DecisionKind.CALL_NOVEL


@dataclass(frozen=True, slots=True)
class Narrate:
    """Show a model's words about one revision."""

    words: Words
    revision: int


@dataclass(frozen=True, slots=True)
class Recommend:
    """Propose a plan with policy's verdict.

    Without a plan a person must find one.
    """

    recommendation: Recommendation
    plan: Plan | None
    verdict: Verdict | None
    _: KW_ONLY
    #: A new SLA, when the old one has passed.
    sla: Sla | None = None
    #: Set when the channel's working hours end later than policy's plain time span.
    expires_at: datetime | None = None
    #: Approves the plan in advance; None where people are asked.
    grant: Grant | None = None


# --- votes ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Approve(PersonDecision):
    """Approve the plan."""

    decision = DecisionKind.APPROVE

    note: str = ""
    _: KW_ONLY
    #: Break-glass: this one approval is enough.
    emergency: bool = False
    #: The signature by the approver's passkey, and the passkeys known now.
    assertion: Assertion | None = None
    passkeys: tuple[Passkey, ...] = ()


@dataclass(frozen=True, slots=True)
class BeginApproval(PersonDecision):
    """Begin a step-up approval, which waits for a signature outside Slack."""

    decision = DecisionKind.APPROVE

    _: KW_ONLY
    note: str
    ticket: str
    passkeys: tuple[Passkey, ...] = ()


@dataclass(frozen=True, slots=True)
class Withdraw(PersonDecision):
    """Take back one's own approval."""

    decision = DecisionKind.WITHDRAW


# --- handling by people -----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Reject(PersonDecision):
    """Decide that the plan is not carried out."""

    decision = DecisionKind.REJECT

    reason: RejectReason
    note: str = ""


@dataclass(frozen=True, slots=True)
class Edit(PersonDecision):
    """Replace the plan by one with other parameters."""

    decision = DecisionKind.EDIT

    _: KW_ONLY
    plan: Plan
    verdict: Verdict
    changes: tuple[FieldChange, ...]
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class HandOver(PersonDecision):
    """Give the case to another owner."""

    decision = DecisionKind.HAND_OVER

    _: KW_ONLY
    #: A person, or the group that the playbook names as the next owner.
    to: str
    #: What has been done so far, in words.
    progress: str
    #: What is still open, in words.
    remains: str


@dataclass(frozen=True, slots=True)
class Claim(PersonDecision):
    """Take the case on oneself."""

    decision = DecisionKind.CLAIM


@dataclass(frozen=True, slots=True)
class Snooze(PersonDecision):
    """Let the case rest until a time."""

    decision = DecisionKind.SNOOZE

    _: KW_ONLY
    until: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class WakeEarly(PersonDecision):
    """End a snooze before its time."""

    decision = DecisionKind.WAKE


@dataclass(frozen=True, slots=True)
class Resolve(PersonDecision):
    """Say that the case was handled by hand, and how."""

    decision = DecisionKind.RESOLVE

    note: str


@dataclass(frozen=True, slots=True)
class TryAgain(PersonDecision):
    """Have a referred case triaged again."""

    decision = DecisionKind.TRY_AGAIN


# --- hindsight --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ConfirmPractice(PersonDecision):
    """Say that people did by hand exactly what was recommended."""

    decision = DecisionKind.CONFIRM_PRACTICE


@dataclass(frozen=True, slots=True)
class CorrectPractice(PersonDecision):
    """Say what people did instead of what was recommended."""

    decision = DecisionKind.CONFIRM_PRACTICE

    _: KW_ONLY
    #: It was the recommended action, with other parameters.
    is_same_action: bool
    note: str


@dataclass(frozen=True, slots=True)
class ReviewRight(PersonDecision):
    """Say that a case that ran alone ended right."""

    decision = DecisionKind.REVIEW


@dataclass(frozen=True, slots=True)
class ReviewWrong(PersonDecision):
    """Say that a case that ran alone ended wrong, and why."""

    decision = DecisionKind.REVIEW

    _: KW_ONLY
    note: str


# --- inquiries --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class AskQuestion(PersonDecision):
    """Ask a person or group a question about the case."""

    decision = DecisionKind.ASK

    _: KW_ONLY
    to: str
    to_name: str
    question: str
    answer_type: AnswerType
    options: tuple[str, ...] = ()
    #: The fact of the playbook that the answer gives; empty for none.
    fact: str = ""
    #: Tells one submitted form from another.
    key: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class GiveAnswer:
    """Answer a question.

    The question names the people who may answer, not a role.
    """

    by: Caller
    #: The number of the inquiry.
    inquiry: int
    #: As it was typed or chosen.
    text: str


# --- whoever raised the case ------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Nudge(PersonDecision):
    """Call again those who still have to decide."""

    decision = DecisionKind.NUDGE


@dataclass(frozen=True, slots=True)
class Retract(PersonDecision):
    """Take back a case that one has raised."""

    decision = DecisionKind.RETRACT


# --- programs ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelRequest:
    """A program takes its request back."""

    #: The source that the program is.
    source: str
    title: str


class ReportedOutcome(StrEnum):
    """The outcome of what a program has carried out itself."""

    DONE = "done"
    FAILED = "failed"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportOutcome:
    """A program reports the outcome of what was handed back."""

    #: The source that the program is.
    source: str
    title: str
    outcome: ReportedOutcome
    detail: str = ""
    facts: ScalarMapping = field(default_factory=dict)


# --- time -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Wake:
    """End a snooze."""


@dataclass(frozen=True, slots=True)
class Expire:
    """Escalate to the next owner once, then close the case unexecuted."""

    next_owner: str
    _: KW_ONLY
    #: The first reminder of the next owner.
    remind_at: datetime | None = None
    #: The time that the next owner has when there is no plan.
    decide_for: timedelta = timedelta(hours=24)
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Remind:
    """Remind the owner, and again at ``next_at``."""

    next_at: datetime


# --- execution --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Settle(PersonDecision):
    """Report the outcome of a step in doubt.

    The person has looked in the outside system.
    """

    decision = DecisionKind.SETTLE

    _: KW_ONLY
    has_landed: bool
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Recheck:
    """The base of what begins an effect.

    It holds the approvers, read fresh immediately before.
    """

    step: int
    groups: Groups
    #: The approvers by user id. Who cannot be read any more is missing.
    people: Mapping[str, Person]
    delegations: tuple[Delegation, ...] = ()
    passkeys: tuple[Passkey, ...] = ()
    identities: Identities = UNLINKED


@dataclass(frozen=True, slots=True, kw_only=True)
class StartStep(Recheck):
    """Begin a step.

    Anything that is no longer as it was approved stops it.
    """

    #: The hash of the plan that is about to run.
    plan_hash: str
    #: Policy's verdict now.
    verdict: Verdict
    #: The snapshot of the outside system now.
    precondition: Mapping[str, Scalar]
    #: The group that may approve alone in an emergency.
    emergency_group: str = ""
    #: The mode that the program runs in.
    mode: str = ""


@dataclass(frozen=True, slots=True)
class LookFirst:
    """Begin a step with a verification.

    A lost ledger may have carried it out already.
    """

    step: int


# --- undo -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Undo(PersonDecision):
    """Approve the undo of the whole plan."""

    decision = DecisionKind.UNDO

    note: str
    _: KW_ONLY
    #: The mode that the program runs in.
    mode: str = ""
    #: The signature by the approver's passkey, and the passkeys known now.
    assertion: Assertion | None = None
    passkeys: tuple[Passkey, ...] = ()


@dataclass(frozen=True, slots=True)
class BeginUndo(PersonDecision):
    """Begin a step-up approval of an undo.

    It waits for a signature outside Slack.
    """

    decision = DecisionKind.UNDO

    _: KW_ONLY
    note: str
    ticket: str
    mode: str = ""
    passkeys: tuple[Passkey, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class StartUndo(Recheck):
    """Begin to undo a step because people approved the undo."""

    #: The groups that own the playbook of the case.
    playbook_owners: tuple[str, ...] = ()


# --- how it turned out ------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ReportMistake(PersonDecision):
    """Say that what the bot did was a mistake, and why."""

    decision = DecisionKind.REPORT_MISTAKE

    text: str


# --- all commands -----------------------------------------------------------------------------

SignalCommand = Recur | Clear
TriageCommand = NameKind | CallNovel | Narrate | Recommend
#: Decisions that say nothing but who takes them.
PlainDecision = (
    Withdraw
    | CallNovel
    | Claim
    | WakeEarly
    | TryAgain
    | Nudge
    | Retract
    | ConfirmPractice
    | ReviewRight
)
VoteCommand = Approve | BeginApproval | Withdraw
HandlingCommand = Reject | Edit | HandOver | Claim | Snooze | WakeEarly | Resolve | TryAgain
HindsightCommand = ConfirmPractice | CorrectPractice | ReviewRight | ReviewWrong
InquiryCommand = AskQuestion | GiveAnswer
#: The commands of whoever raised the case.
RequesterCommand = Nudge | Retract
ProgramCommand = CancelRequest | ReportOutcome
TimerCommand = Wake | Expire | Remind
StepCommand = StartStep | LookFirst | Settle
UndoCommand = Undo | BeginUndo | StartUndo
OutcomeCommand = ReportMistake
Command = (
    Open
    | SignalCommand
    | TriageCommand
    | VoteCommand
    | HandlingCommand
    | HindsightCommand
    | InquiryCommand
    | RequesterCommand
    | ProgramCommand
    | TimerCommand
    | StepCommand
    | UndoCommand
    | OutcomeCommand
)
