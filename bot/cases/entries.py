"""The ledger's entries: dataclasses under stable names.

A released name keeps its meaning, and a new field gets a default: old ledgers fold forever.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar, TypeVar, get_args

from bot.cases.actor import Actor, CaseId
from bot.cases.approval import Approval
from bot.cases.canonical import Scalar, ScalarMapping, format_utc, from_plain, to_plain
from bot.cases.delegation import Delegation
from bot.cases.errors import UnreadableEntry
from bot.cases.evidence import Evidence
from bot.cases.grant import Grant
from bot.cases.inquiry import AnswerType
from bot.cases.lifecycle import Transition
from bot.cases.passkey import Passkey, Purpose
from bot.cases.plan import Money, Plan
from bot.cases.policy import Stage
from bot.cases.practice import PracticeSource
from bot.cases.probe import Probe, ProbeAnswer
from bot.cases.program_token import ProgramToken
from bot.cases.recognition import Recognition
from bot.cases.recommendation import Recommendation, Words
from bot.cases.review import ReviewVerdict
from bot.cases.rule_record import RuleRecord
from bot.cases.signal import Signal
from bot.cases.sla import Sla
from bot.cases.standing_rule import StandingRule
from bot.cases.verdict import Verdict
from bot.cases.version_record import VersionComparison, VersionPhase


class Body:
    """The base of all bodies.

    Each has a name in the ledger and a transition of the lifecycle.
    """

    name: ClassVar[str]
    usual_transition: ClassVar[Transition]

    @property
    def transition(self) -> Transition:
        """Return the transition that this entry takes."""
        return self.usual_transition


B = TypeVar("B", bound=type[Body])


def _entry(name: str, transition: Transition) -> Callable[[B], B]:
    def register(body_type: B) -> B:
        body_type.name = name
        body_type.usual_transition = transition
        return body_type

    return register


# --- signals ----------------------------------------------------------------------------------


@_entry("case.opened", Transition.OPEN)
@dataclass(frozen=True, slots=True, kw_only=True)
class Opened(Body):
    """A signal opens the case."""

    signal: Signal
    owner: str
    channel: str
    sla: Sla
    #: It is practice: nothing of it counts, and nothing is carried out.
    probe: Probe | None = None


@_entry("signal.recurred", Transition.RECUR)
@dataclass(frozen=True, slots=True)
class Recurred(Body):
    """The same trouble is reported again."""

    signal: Signal


@_entry("signal.cleared", Transition.CLEAR)
@dataclass(frozen=True, slots=True)
class Cleared(Body):
    """The source gives the all-clear, and the case ends."""

    signal: Signal


@_entry("signal.marked_clear", Transition.MARK_CLEAR)
@dataclass(frozen=True, slots=True)
class MarkedClear(Body):
    """The source gives the all-clear for a case that is decided already."""

    signal: Signal


@_entry("signal.conflicted", Transition.NOTE)
@dataclass(frozen=True, slots=True)
class Conflicted(Body):
    """A known key came with another body, which stays in the inbox."""

    source: str
    key: str
    digest: str


@_entry("case.reopened", Transition.REOPEN)
@dataclass(frozen=True, slots=True)
class Reopened(Body):
    """The trouble is back on a case that had ended."""

    reason: str


# --- triage -----------------------------------------------------------------------------------


@_entry("kind.recognised", Transition.RECOGNISE)
@dataclass(frozen=True, slots=True, kw_only=True)
class Recognised(Body):
    """Recognition names a kind, or none.

    Without a kind, owner and SLA stay, or tighten when much is at stake.
    """

    recognition: Recognition
    owner: str
    channel: str
    sla: Sla
    is_urgent: bool = False


@_entry("kind.named", Transition.NAME)
@dataclass(frozen=True, slots=True, kw_only=True)
class Named(Body):
    """A person names the kind, also in place of recognition's.

    The case is triaged again by its playbook. The kind is ``UNRECOGNISED`` where none fits.
    """

    kind: str
    owner: str
    channel: str
    sla: Sla
    by_name: str


@_entry("kind.novel", Transition.NOTE)
@dataclass(frozen=True, slots=True)
class Novel(Body):
    """A person says that no known kind fits.

    Recognition is not tried again.
    """

    by_name: str


@_entry("case.narrated", Transition.NOTE)
@dataclass(frozen=True, slots=True)
class Narrated(Body):
    """A model's words about one revision, shown in a labelled block."""

    words: Words
    on_revision: int


@_entry("evidence.gathered", Transition.GATHER)
@dataclass(frozen=True, slots=True, kw_only=True)
class Gathered(Body):
    """Evidence, the sentences made from it, and the money at stake."""

    evidence: tuple[Evidence, ...]
    what: str
    why: str
    stake: Money | None
    #: The checksum of what the playbook decides that judges the case.
    playbook_version: str = ""
    #: That version is on trial.
    is_on_trial: bool = False


@_entry("version.compared", Transition.NOTE)
@dataclass(frozen=True, slots=True)
class VersionCompared(Body):
    """A version that is tried was held against the one in force."""

    comparison: VersionComparison


@_entry("plan.recommended", Transition.RECOMMEND)
@dataclass(frozen=True, slots=True, kw_only=True)
class Recommended(Body):
    """A plan waits for approval."""

    recommendation: Recommendation
    plan: Plan
    verdict: Verdict
    expires_at: datetime
    #: A new SLA, when the old one had passed before this plan was made.
    sla: Sla | None = None


@_entry("case.referred", Transition.REFER)
@dataclass(frozen=True, slots=True, kw_only=True)
class Referred(Body):
    """A person must find out what to do."""

    reason: str
    recommendation: Recommendation
    plan: Plan | None = None
    verdict: Verdict | None = None
    sla: Sla | None = None


@_entry("plan.authorised", Transition.AUTHORISE)
@dataclass(frozen=True, slots=True, kw_only=True)
class Authorised(Body):
    """The quorum is complete, or policy lets the plan run.

    Recommendation, plan and verdict are set only when policy lets it run.
    """

    digest: str
    by: tuple[str, ...]
    recommendation: Recommendation | None = None
    plan: Plan | None = None
    verdict: Verdict | None = None


# --- votes ------------------------------------------------------------------------------------


@_entry("approval.begun", Transition.NOTE)
@dataclass(frozen=True, slots=True, kw_only=True)
class StepUpAsked(Body):
    """An approval waits for a signature by the approver's passkey."""

    #: The hash of the secret in the link to the page that asks for the signature.
    ticket: str
    note: str
    until: datetime
    by_name: str
    purpose: Purpose = Purpose.APPROVE


@_entry("approval.given", Transition.VOTE)
@dataclass(frozen=True, slots=True)
class ApprovalGiven(Body):
    """A person approves the plan."""

    approval: Approval


@_entry("approval.withdrawn", Transition.WITHDRAW)
@dataclass(frozen=True, slots=True)
class Withdrawn(Body):
    """A person takes back their approval."""

    person: str


# --- handling by people -----------------------------------------------------------------------


class RejectReason(StrEnum):
    """The closed list of reasons to reject a plan."""

    WRONG_PLAN = "wrong_plan"
    WRONG_FACTS = "wrong_facts"
    ALREADY_HANDLED = "already_handled"
    NOT_WORTH_IT = "not_worth_it"
    DUPLICATE = "duplicate"
    NOT_ALLOWED = "not_allowed"
    OTHER = "other"

    @property
    def description(self) -> str:
        """Return the text that the form shows."""
        return REJECT_REASONS[self]


REJECT_REASONS = {
    RejectReason.WRONG_PLAN: "The plan is wrong",
    RejectReason.WRONG_FACTS: "The facts are wrong",
    RejectReason.ALREADY_HANDLED: "Already taken care of",
    RejectReason.NOT_WORTH_IT: "Not worth acting on",
    RejectReason.DUPLICATE: "Same as another case",
    RejectReason.NOT_ALLOWED: "We must not do this",
    RejectReason.OTHER: "Something else",
}


class Resolution(StrEnum):
    """The closed list of ways in which a case is resolved."""

    WORKED = "worked"
    BY_HAND = "handled by hand"


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One parameter of a plan that a person edited."""

    field: str
    before: Scalar
    after: Scalar


@_entry("plan.rejected", Transition.REJECT)
@dataclass(frozen=True, slots=True)
class Rejected(Body):
    """A person decides that the plan is not carried out."""

    reason: RejectReason
    note: str
    by_name: str


@_entry("plan.edited", Transition.EDIT)
@dataclass(frozen=True, slots=True, kw_only=True)
class Edited(Body):
    """A person replaces the plan by one with other parameters."""

    plan: Plan
    verdict: Verdict
    changes: tuple[FieldChange, ...]
    by_name: str
    expires_at: datetime


@_entry("case.handed_over", Transition.HAND_OVER)
@dataclass(frozen=True, slots=True)
class HandedOver(Body):
    """The case gets another owner, a person or a group."""

    to: str
    note: str
    by_name: str


@_entry("case.claimed", Transition.HAND_OVER)
@dataclass(frozen=True, slots=True)
class Claimed(Body):
    """A member of the owning group takes the case on."""

    by_name: str


@_entry("case.snoozed", Transition.SNOOZE)
@dataclass(frozen=True, slots=True)
class Snoozed(Body):
    """The case rests until a time, and is then triaged again."""

    until: datetime
    reason: str
    by_name: str


@_entry("case.woken_early", Transition.WAKE)
@dataclass(frozen=True, slots=True)
class WokenEarly(Body):
    """A person ends a snooze before its time."""

    by_name: str


@_entry("case.retriage_asked", Transition.RETRIAGE)
@dataclass(frozen=True, slots=True)
class RetriageAsked(Body):
    """A person wants a referred case triaged again."""

    by_name: str


@_entry("case.resolved", Transition.FINISH)
@dataclass(frozen=True, slots=True, kw_only=True)
class Resolved(Body):
    """The plan has run, or a person handled the case by hand."""

    resolution: Resolution
    note: str
    by_name: str = ""
    #: The plan may be undone until then; None when an action cannot be undone.
    undo_until: datetime | None = None
    #: How many people must approve the undo. The verifier counts them too.
    undo_votes: int = 0
    #: It ran alone, and one such case in so many is reviewed; 0 for none.
    review_one_in: int = 0

    @property
    def transition(self) -> Transition:
        """Return RESOLVE for a case handled by hand, else FINISH."""
        return Transition.RESOLVE if self.resolution is Resolution.BY_HAND else Transition.FINISH


# --- hindsight --------------------------------------------------------------------------------


@_entry("practice.observed", Transition.NOTE)
@dataclass(frozen=True, slots=True, kw_only=True)
class PracticeObserved(Body):
    """A comparison of people's own work with the plan."""

    action_agrees: bool
    parameters_agree: bool
    source: PracticeSource
    detail: str = ""
    by_name: str = ""


@_entry("review.given", Transition.NOTE)
@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewGiven(Body):
    """A person says whether a case that ran alone ended right."""

    verdict: ReviewVerdict
    note: str = ""
    by_name: str


# --- inquiries --------------------------------------------------------------------------------


@_entry("inquiry.opened", Transition.NOTE)
@dataclass(frozen=True, slots=True, kw_only=True)
class InquiryOpened(Body):
    """A person asks somebody a question about the case."""

    #: The account, or the handle of the group, that may answer.
    to: str
    to_name: str
    question: str
    answer_type: AnswerType
    options: tuple[str, ...] = ()
    #: The fact of the playbook that the answer gives; empty for none.
    fact: str = ""
    #: Tells one submitted form from another.
    key: str = ""
    by_name: str


@_entry("inquiry.answered", Transition.NOTE)
@dataclass(frozen=True, slots=True, kw_only=True)
class InquiryAnswered(Body):
    """The answer to an inquiry, which becomes evidence."""

    #: The version of the entry that opened the inquiry.
    inquiry: int
    value: Scalar
    by_name: str
    #: The fact of the playbook that the answer gives; empty for none.
    fact: str = ""
    #: The plan is made again, with the answer.
    is_replanned: bool = False

    @property
    def transition(self) -> Transition:
        """Return REPLAN where the plan is made again, else NOTE."""
        return Transition.REPLAN if self.is_replanned else Transition.NOTE


# --- whoever raised the case ------------------------------------------------------------------


@_entry("case.nudged", Transition.NOTE)
@dataclass(frozen=True, slots=True)
class Nudged(Body):
    """A requester asks again for a decision."""

    by_name: str


@_entry("case.retracted", Transition.RETRACT)
@dataclass(frozen=True, slots=True)
class Retracted(Body):
    """A requester takes the case back, and it ends unexecuted."""

    by_name: str


# --- time -------------------------------------------------------------------------------------


@_entry("case.woken", Transition.WAKE)
@dataclass(frozen=True, slots=True)
class Woken(Body):
    """The snooze is over."""


@_entry("case.escalated", Transition.ESCALATE)
@dataclass(frozen=True, slots=True)
class Escalated(Body):
    """The case goes to the next owner, because nobody decided in time."""

    to: str
    expires_at: datetime
    #: The first reminder of the next owner.
    remind_at: datetime | None = None


@_entry("case.reminded", Transition.NOTE)
@dataclass(frozen=True, slots=True)
class Reminded(Body):
    """The owner is reminded."""

    to: str
    #: The next reminder, or the escalation.
    next_at: datetime


@_entry("case.expired", Transition.EXPIRE)
@dataclass(frozen=True, slots=True)
class Expired(Body):
    """Nobody decided in time, and the case ends unexecuted."""


# --- execution --------------------------------------------------------------------------------


class StepState(StrEnum):
    """The progress of a step.

    Only executing a step makes it FAILED. Verifying finds it LANDED, or leaves it in doubt.
    """

    #: A worker may be at it, for as long as an attempt can last.
    STARTED = "started"
    #: The system said that it is done, and does not show it yet. Never repeated.
    ACCEPTED = "accepted, not visible yet"
    LANDED = "done"
    #: The system refused for good.
    FAILED = "failed"
    #: The system refused for good, and the plan says what is done then.
    REFUSED = "refused"
    #: It is not on the path that the plan took.
    SKIPPED = "not needed"
    #: It did not happen, because it was no longer right; nothing failed.
    ABSENT = "did not happen"
    #: It did not happen, and is begun again under the same key.
    DEFERRED = "waiting to be tried again"
    #: The attempt is over, and its outcome is not known.
    UNKNOWN = "outcome unknown"
    #: The first verification after an unknown outcome found nothing.
    MISSING = "not found yet"
    UNDOING = "being undone"
    UNDO_UNKNOWN = "outcome of undoing unknown"
    UNDO_MISSING = "undoing not found yet"
    UNDONE = "undone"


#: The step, or its undo, may have happened: only a verification or a person settles it.
IN_DOUBT = frozenset(
    {
        StepState.STARTED,
        StepState.ACCEPTED,
        StepState.UNKNOWN,
        StepState.MISSING,
        StepState.UNDOING,
        StepState.UNDO_UNKNOWN,
        StepState.UNDO_MISSING,
    }
)

#: The undo has begun, and goes on to the end.
UNDO_BEGUN = frozenset(
    {StepState.UNDOING, StepState.UNDO_UNKNOWN, StepState.UNDO_MISSING, StepState.UNDONE}
)


@_entry("step.started", Transition.START)
@dataclass(frozen=True, slots=True)
class StepStarted(Body):
    """A worker is about to execute a step."""

    step: int
    key: str
    digest: str
    #: The parameters that earlier steps told.
    inputs: ScalarMapping = field(default_factory=dict)


@_entry("step.reported", Transition.REPORT)
@dataclass(frozen=True, slots=True)
class StepReported(Body):
    """The outcome of executing, verifying or undoing a step."""

    step: int
    state: StepState
    detail: str
    #: What the action tells about its effect.
    facts: ScalarMapping = field(default_factory=dict)


@_entry("plan.drifted", Transition.DRIFT)
@dataclass(frozen=True, slots=True)
class Drifted(Body):
    """The plan is no longer what was approved.

    The case is triaged again.
    """

    reasons: tuple[str, ...]
    #: No step was in doubt. Earlier releases wrote False, without reporting the step begun.
    is_settled: bool = False
    #: The tree did not foresee what was observed. What has landed stays, and is not repeated.
    is_unforeseen: bool = False


@_entry("plan.stopped", Transition.STOP)
@dataclass(frozen=True, slots=True)
class Stopped(Body):
    """The plan failed or was undone."""

    reason: str


@_entry("step.parked", Transition.PARK)
@dataclass(frozen=True, slots=True)
class Parked(Body):
    """A person must find out the outcome of a step."""

    step: int
    reason: str


@_entry("step.settled", Transition.SETTLE)
@dataclass(frozen=True, slots=True)
class Settled(Body):
    """A person looked in the outside system, and reports the outcome."""

    step: int
    landed: bool
    note: str
    by_name: str


# --- undo -------------------------------------------------------------------------------------


@_entry("undo.approved", Transition.UNDO_VOTE)
@dataclass(frozen=True, slots=True)
class UndoApproved(Body):
    """A person approves the undo of the whole plan."""

    approval: Approval


@_entry("plan.undo_asked", Transition.UNDO)
@dataclass(frozen=True, slots=True, kw_only=True)
class UndoAsked(Body):
    """The quorum for the undo is complete, and it begins."""

    note: str
    by_name: str
    #: Who approved it; empty where an earlier release let one person be enough.
    by: tuple[str, ...] = ()
    #: The end of the undo window, should the undo not begin after all.
    until: datetime | None = None
    #: The keys of the steps of earlier plans that are taken back too, the first one first.
    earlier_keys: tuple[str, ...] = ()


@_entry("undo.lapsed", Transition.UNDO_LAPSE)
@dataclass(frozen=True, slots=True)
class UndoLapsed(Body):
    """The approvals of the undo became invalid before it began."""

    reason: str
    #: The undo may be approved again until then.
    undo_until: datetime | None = None


# --- how a plan turned out --------------------------------------------------------------------


@_entry("mistake.reported", Transition.NOTE)
@dataclass(frozen=True, slots=True)
class MistakeReported(Body):
    """A person says that what the bot did was a mistake."""

    text: str
    by_name: str


# --- practice ---------------------------------------------------------------------------------


@_entry("probe.answered", Transition.RETRACT)
@dataclass(frozen=True, slots=True)
class ProbeAnswered(Body):
    """A probe ends.

    Nobody is named: what a queue notices is counted, and never who did.
    """

    answer: ProbeAnswer


# --- refusals ---------------------------------------------------------------------------------


@_entry("attempt.refused", Transition.NOTE)
@dataclass(frozen=True, slots=True)
class AttemptRefused(Body):
    """A person tried something that was refused."""

    attempt: str
    code: str
    reason: str
    on_revision: int


# --- the desk as a whole: these entries carry the desk's id instead of a case's -----------------


@dataclass(frozen=True, slots=True, kw_only=True)
class StageEvidence:
    """The figures on which a stage was decided."""

    #: Comparable decisions, and those that the bot would have made alike.
    decisions: int
    agreements: int
    #: The lower bound of the agreement, in thousandths, and the confidence in per cent.
    lower_bound_permille: int
    confidence_percent: int
    window_days: int
    #: Cases in which people decided otherwise.
    misses: tuple[str, ...] = ()
    #: Cases that turned out wrong.
    bad_cases: tuple[str, ...] = ()


@_entry("stage.changed", Transition.NOTE)
@dataclass(frozen=True, slots=True, kw_only=True)
class StageChanged(Body):
    """An action of a kind runs from now on under another stage."""

    kind: str
    action: str
    stage: Stage
    before: Stage
    reason: str
    by_name: str
    #: The case that decided it, or whose outcome brought it about; empty for none.
    on_case: str = ""
    #: The idempotency key of the step that did it; empty for none.
    key: str = ""
    evidence: StageEvidence | None = None


@_entry("policy.adopted", Transition.NOTE)
@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyAdopted(Body):
    """Policy, approver groups and connectors are in force from now on."""

    checksum: str
    record: RuleRecord
    #: The checksum and the entry of what was in force before; empty and zero for nothing.
    before: str = ""
    before_version: int = 0
    by_name: str
    #: The case that decided it; empty for the first ones, which were there at the first start.
    on_case: str = ""
    #: The idempotency key of the step that did it; empty for none.
    key: str = ""


@_entry("version.begun", Transition.NOTE)
@dataclass(frozen=True, slots=True, kw_only=True)
class VersionBegun(Body):
    """A version of a playbook is tried, beside the one in force."""

    kind: str
    checksum: str
    phase: VersionPhase
    #: The file; empty where an earlier entry has it.
    text: str = ""
    reason: str = ""


@_entry("version.adopted", Transition.NOTE)
@dataclass(frozen=True, slots=True, kw_only=True)
class VersionAdopted(Body):
    """A version of a playbook is in force from now on."""

    kind: str
    checksum: str
    #: The file; empty where an earlier entry has it.
    text: str = ""
    #: The entry about the desk that has the file; zero for this one.
    text_entry: int = 0
    #: What was in force before; empty for nothing.
    before: str = ""
    reason: str
    by_name: str
    #: The case that decided it, or whose outcome brought it about; empty for none.
    on_case: str = ""
    #: The idempotency key of the step that did it; empty for none.
    key: str = ""
    #: Until then a bad outcome brings the version before back.
    watch_until: datetime | None = None
    #: The version that went back, and is not tried again; empty for none.
    former_version: str = ""
    #: The version before could not be read any more, so that nothing could be compared.
    is_unreadable: bool = False


@_entry("version.ended", Transition.NOTE)
@dataclass(frozen=True, slots=True, kw_only=True)
class VersionEnded(Body):
    """A version that was tried is not tried any more."""

    kind: str
    checksum: str
    reason: str
    by_name: str
    #: The case that decided it, or whose outcome brought it about; empty for none.
    on_case: str = ""
    #: It may be tried again, as after a file that was put back.
    may_return: bool = False


@_entry("desk.paused", Transition.NOTE)
@dataclass(frozen=True, slots=True)
class Paused(Body):
    """No step within ``scope`` begins until it is resumed."""

    scope: str
    reason: str
    by_name: str


@_entry("desk.resumed", Transition.NOTE)
@dataclass(frozen=True, slots=True)
class Resumed(Body):
    """A pause ends."""

    scope: str
    by_name: str


@_entry("delegation.given", Transition.NOTE)
@dataclass(frozen=True, slots=True)
class Delegated(Body):
    """A person lets another decide for them."""

    delegation: Delegation


@_entry("delegation.ended", Transition.NOTE)
@dataclass(frozen=True, slots=True)
class DelegationEnded(Body):
    """A delegation ends before its time."""

    giver: str
    taker: str
    kind: str
    by_name: str


@_entry("grant.given", Transition.NOTE)
@dataclass(frozen=True, slots=True)
class GrantGiven(Body):
    """A person approves the next few plans like one, within bounds."""

    grant: Grant


@_entry("grant.ended", Transition.NOTE)
@dataclass(frozen=True, slots=True, kw_only=True)
class GrantEnded(Body):
    """A grant ends before its time."""

    grant: str
    reason: str
    by_name: str
    #: The case whose outcome ended it; empty for none.
    on_case: str = ""


@_entry("rule.adopted", Transition.NOTE)
@dataclass(frozen=True, slots=True, kw_only=True)
class RuleAdopted(Body):
    """Plans within a rule run from now on without being asked."""

    rule: StandingRule
    by_name: str
    #: The case that decided it.
    on_case: str
    #: The idempotency key of the step that did it.
    key: str
    #: Cases whose plans were approved, and of plans just outside that were not.
    yeses: tuple[str, ...] = ()
    counter_examples: tuple[str, ...] = ()


@_entry("rule.doubted", Transition.NOTE)
@dataclass(frozen=True, slots=True, kw_only=True)
class RuleDoubted(Body):
    """A rule ends soon, unless somebody keeps it."""

    rule: str
    reason: str
    until: datetime


@_entry("rule.prolonged", Transition.NOTE)
@dataclass(frozen=True, slots=True, kw_only=True)
class RuleProlonged(Body):
    """People keep a rule for longer."""

    rule: str
    until: datetime
    before: datetime
    by_name: str
    on_case: str
    key: str


@_entry("rule.ended", Transition.NOTE)
@dataclass(frozen=True, slots=True, kw_only=True)
class RuleEnded(Body):
    """A rule ends: plans within its bounds are put before people again."""

    rule: str
    kind: str
    actions: tuple[str, ...]
    reason: str
    by_name: str
    #: The case whose outcome ended it, or that decided it; empty for none.
    on_case: str = ""
    #: The idempotency key of the step that did it; empty for none.
    key: str = ""


@_entry("glass.broken", Transition.NOTE)
@dataclass(frozen=True, slots=True, kw_only=True)
class GlassBroken(Body):
    """A person approved a plan alone in an emergency."""

    on_case: str
    on_revision: int
    by_name: str
    reason: str
    review_by: datetime


@_entry("glass.reviewed", Transition.NOTE)
@dataclass(frozen=True, slots=True)
class GlassReviewed(Body):
    """Another person reviewed an emergency approval."""

    on_case: str
    note: str
    by_name: str


@_entry("ledger.behind", Transition.NOTE)
@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerBehind(Body):
    """A backup was restored: the ledger is older than its last checkpoint.

    Nothing runs until an operator acknowledges it.
    """

    #: Size and root of the last checkpoint.
    signed_size: int
    signed_root: str
    #: How many entries the ledger has.
    own_size: int
    #: How many of them are proved to be in the checkpoint too.
    common_size: int
    #: New cases are numbered above this.
    numbers_from: int


@_entry("ledger.acknowledged", Transition.NOTE)
@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerAcknowledged(Body):
    """An operator has compared the restored ledger with the systems of record."""

    #: Size and root of the checkpoint, so that the next one may follow it.
    signed_size: int
    signed_root: str
    note: str
    by_name: str
    numbers_from: int


@_entry("ledger.key_rotated", Transition.NOTE)
@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerKeyRotated(Body):
    """An operator has replaced the key that signs checkpoints.

    A checkpoint before this entry carries the signatures of both keys.
    """

    #: As C2SP writes verifier keys.
    old_key: str
    new_key: str
    by_name: str


@_entry("passkey.invited", Transition.NOTE)
@dataclass(frozen=True, slots=True)
class PasskeyInvited(Body):
    """An operator lets a person add a passkey.

    The link works once.
    """

    to: str
    to_name: str
    ticket: str
    until: datetime


@_entry("passkey.added", Transition.NOTE)
@dataclass(frozen=True, slots=True)
class PasskeyAdded(Body):
    """A person registered a device by the link of an invitation."""

    passkey: Passkey
    ticket: str


@_entry("passkey.removed", Transition.NOTE)
@dataclass(frozen=True, slots=True)
class PasskeyRemoved(Body):
    """A passkey is revoked."""

    credential: str
    owner: str


@_entry("token.made", Transition.NOTE)
@dataclass(frozen=True, slots=True)
class TokenMade(Body):
    """A program has one more token. Its secret is nowhere."""

    token: ProgramToken


@_entry("token.revoked", Transition.NOTE)
@dataclass(frozen=True, slots=True, kw_only=True)
class TokenRevoked(Body):
    """A token signs nobody in any more."""

    token: str
    program: str
    by_name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Redaction:
    """The new content of one entry, bound by its hash."""

    #: The place of the entry in the ledger, and its leaf, which stays.
    seq: int
    leaf: str
    #: The hash of a leaf over what stands there now, so that nobody changes it again.
    content: str
    #: The hash of the plan in the entry as it was approved; empty without a plan.
    plan: str = ""
    #: What the device of an approver signed; empty without a passkey.
    challenge: str = ""


@_entry("data.erased", Transition.NOTE)
@dataclass(frozen=True, slots=True, kw_only=True)
class DataErased(Body):
    """An operator orders that a person cannot be read any more.

    A large erasure is done in several steps, with an entry each.
    """

    #: Stands in the place of the person.
    label: str
    reason: str
    by_name: str
    redactions: tuple[Redaction, ...] = ()
    #: What was reached apart from the ledger, by table or place.
    counts: Mapping[str, int] = field(default_factory=dict)
    is_complete: bool = False


@_entry("data.expired", Transition.NOTE)
@dataclass(frozen=True, slots=True, kw_only=True)
class DataExpired(Body):
    """Policy has removed what was kept for its term.

    A run does it in several steps, with an entry for each that changes the ledger, and a last one.
    """

    #: One for all entries of a run.
    run: str
    #: The terms in seconds, by what they are of.
    terms: Mapping[str, int]
    #: The cases of these redactions had ended before.
    before: datetime | None = None
    redactions: tuple[Redaction, ...] = ()
    #: How much was removed by this step; by the whole run in its last entry.
    counts: Mapping[str, int] = field(default_factory=dict)
    is_complete: bool = False


# --- all bodies -------------------------------------------------------------------------------

SignalBody = Recurred | Cleared | MarkedClear | Conflicted | Reopened
TriageBody = (
    Recognised
    | Named
    | Novel
    | Narrated
    | Gathered
    | VersionCompared
    | Recommended
    | Referred
    | Authorised
)
VoteBody = StepUpAsked | ApprovalGiven | Withdrawn
HandlingBody = (
    Rejected
    | Edited
    | HandedOver
    | Claimed
    | Snoozed
    | WokenEarly
    | RetriageAsked
    | Resolved
    | AttemptRefused
)
HindsightBody = PracticeObserved | ReviewGiven
InquiryBody = InquiryOpened | InquiryAnswered
RequesterBody = Nudged | Retracted
TimerBody = Woken | Escalated | Reminded | Expired
StepBody = StepStarted | StepReported | Drifted | Stopped | Parked | Settled
UndoBody = UndoApproved | UndoAsked | UndoLapsed
OutcomeBody = MistakeReported
ProbeBody = ProbeAnswered
CaseBody = (
    Opened
    | SignalBody
    | TriageBody
    | VoteBody
    | HandlingBody
    | HindsightBody
    | InquiryBody
    | RequesterBody
    | TimerBody
    | StepBody
    | UndoBody
    | OutcomeBody
    | ProbeBody
)
StandingRuleBody = RuleAdopted | RuleDoubted | RuleProlonged | RuleEnded
VersionBody = VersionBegun | VersionAdopted | VersionEnded
TokenBody = TokenMade | TokenRevoked
ControlBody = (
    Paused
    | Resumed
    | Delegated
    | DelegationEnded
    | GlassBroken
    | GlassReviewed
    | LedgerBehind
    | LedgerAcknowledged
    | LedgerKeyRotated
    | PasskeyInvited
    | PasskeyAdded
    | PasskeyRemoved
    | StageChanged
    | GrantGiven
    | GrantEnded
    | PolicyAdopted
    | StandingRuleBody
    | VersionBody
    | TokenBody
    | DataErased
    | DataExpired
)

BODIES: dict[str, type[Body]] = {body.name: body for body in get_args(CaseBody | ControlBody)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line of the ledger."""

    case_id: CaseId
    #: Counts the entries of this case.
    version: int
    #: Counts the revisions of its plan.
    revision: int
    at: datetime
    actor: Actor
    #: A ``Surface``; old ledgers may name others.
    surface: str
    body: CaseBody | ControlBody


def entry_plain(entry: Entry) -> dict[str, Any]:
    """Convert an entry to JSON types, ready for canonical bytes."""
    return {
        "type": entry.body.name,
        "case": entry.case_id,
        "version": entry.version,
        "revision": entry.revision,
        "at": format_utc(entry.at),
        "actor": str(entry.actor),
        # Plain text: of an enumeration the fast encoder of canonical bytes knows nothing.
        "surface": str(entry.surface),
        "body": to_plain(entry.body),
    }


def entry_of(plain: Mapping[str, Any]) -> Entry:
    """Read an entry that ``entry_plain`` wrote.

    Raises:
        UnreadableEntry: a later release wrote it.
    """
    shape = BODIES.get(plain["type"])
    if shape is None:
        raise UnreadableEntry(f"{plain['case']} has {plain['type']!r}, an entry of a later release")
    return Entry(
        case_id=CaseId(plain["case"]),
        version=plain["version"],
        revision=plain["revision"],
        at=datetime.fromisoformat(plain["at"]),
        actor=Actor.parse(plain["actor"]),
        surface=plain["surface"],
        body=from_plain(shape, plain["body"]),
    )
