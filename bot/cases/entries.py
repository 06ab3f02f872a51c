"""The ledger's entries: what can be written about a case, each a dataclass under a stable name.

A name, once released, keeps its meaning; a new field gets a default, so that old ledgers fold forever.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar, TypeVar

from bot.cases.approval import Approval
from bot.cases.canonical import Scalar, format_utc, from_plain, to_plain
from bot.cases.delegation import Delegation
from bot.cases.evidence import Evidence
from bot.cases.lifecycle import Transition
from bot.cases.passkey import Passkey, Purpose
from bot.cases.plan import Money, Plan
from bot.cases.policy import Verdict
from bot.cases.recognition import Recognition
from bot.cases.recommendation import Recommendation, Words
from bot.cases.signal import Signal
from bot.cases.sla import Sla


class Body:
    """What happened. Every subclass is one line in the register below."""

    name: ClassVar[str]
    usual_transition: ClassVar[Transition]

    @property
    def transition(self) -> Transition:
        """The arrow of the lifecycle that this entry takes."""
        return self.usual_transition


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the ledger. ``version`` counts the entries of this case, ``revision`` the revisions of its plan."""

    case_id: str
    version: int
    revision: int
    at: datetime
    actor: str
    surface: str
    body: Body


BODIES: dict[str, type[Body]] = {}
B = TypeVar("B", bound=type[Body])


def _entry(name: str, move: Transition) -> Callable[[B], B]:
    def register(shape: B) -> B:
        shape.name, shape.usual_transition = name, move
        BODIES[name] = shape
        return shape

    return register


def entry_plain(entry: Entry) -> dict[str, Any]:
    """The entry as JSON types, ready for canonical bytes."""
    return {
        "type": entry.body.name,
        "case": entry.case_id,
        "version": entry.version,
        "revision": entry.revision,
        "at": format_utc(entry.at),
        "actor": entry.actor,
        "surface": entry.surface,
        "body": to_plain(entry.body),
    }


def entry_of(plain: Mapping[str, Any]) -> Entry:
    """The entry that ``entry_plain`` wrote."""
    return Entry(
        case_id=plain["case"],
        version=plain["version"],
        revision=plain["revision"],
        at=datetime.fromisoformat(plain["at"]),
        actor=plain["actor"],
        surface=plain["surface"],
        body=from_plain(BODIES[plain["type"]], plain["body"]),
    )


class RejectReason(StrEnum):
    """Why a plan was rejected: a closed list, each with what it means on the form."""

    WRONG_PLAN = "wrong_plan"
    WRONG_FACTS = "wrong_facts"
    ALREADY_HANDLED = "already_handled"
    NOT_WORTH_IT = "not_worth_it"
    DUPLICATE = "duplicate"
    NOT_ALLOWED = "not_allowed"
    OTHER = "other"

    @property
    def description(self) -> str:
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
    """How a case ended, from a closed list."""

    WORKED = "worked"
    BY_HAND = "handled by hand"


@dataclass(frozen=True, slots=True)
class FieldChange:
    field: str
    before: Scalar
    after: Scalar


@_entry("case.opened", Transition.OPEN)
@dataclass(frozen=True, slots=True)
class Opened(Body):
    signal: Signal
    owner: str
    channel: str
    sla: Sla


@_entry("signal.recurred", Transition.RECUR)
@dataclass(frozen=True, slots=True)
class Recurred(Body):
    signal: Signal


@_entry("signal.cleared", Transition.CLEAR)
@dataclass(frozen=True, slots=True)
class Cleared(Body):
    signal: Signal


@_entry("signal.marked_clear", Transition.MARK_CLEAR)
@dataclass(frozen=True, slots=True)
class MarkedClear(Body):
    signal: Signal


@_entry("signal.conflicted", Transition.NOTE)
@dataclass(frozen=True, slots=True)
class Conflicted(Body):
    """The same key came again with another body. It is stored in the inbox and changes nothing here."""

    source: str
    key: str
    digest: str


@_entry("kind.recognised", Transition.RECOGNISE)
@dataclass(frozen=True, slots=True)
class Recognised(Body):
    """Which kind it is taken for, or that none fits: then ``owner`` and the clock stay, or tighten when much is at stake."""

    recognition: Recognition
    owner: str
    channel: str
    sla: Sla
    is_urgent: bool = False


@_entry("kind.named", Transition.NAME)
@dataclass(frozen=True, slots=True)
class Named(Body):
    """A person says which kind it is. It is looked at again, by that kind's playbook."""

    kind: str
    owner: str
    channel: str
    sla: Sla
    by_name: str


@_entry("kind.novel", Transition.NOTE)
@dataclass(frozen=True, slots=True)
class Novel(Body):
    """A person says that it is something new: no guess fits, and none is made again."""

    by_name: str


@_entry("case.narrated", Transition.NOTE)
@dataclass(frozen=True, slots=True)
class Narrated(Body):
    """A model's words about the case, of this revision. They change nothing but what is read in their labelled block."""

    words: Words
    on_revision: int


@_entry("evidence.gathered", Transition.GATHER)
@dataclass(frozen=True, slots=True)
class Gathered(Body):
    evidence: tuple[Evidence, ...]
    what: str
    why: str
    stake: Money | None


@_entry("plan.recommended", Transition.RECOMMEND)
@dataclass(frozen=True, slots=True)
class Recommended(Body):
    """``sla`` is a new promise, where the old one had run out before this plan was made."""

    recommendation: Recommendation
    plan: Plan
    verdict: Verdict
    expires_at: datetime
    sla: Sla | None = None


@_entry("case.referred", Transition.REFER)
@dataclass(frozen=True, slots=True)
class Referred(Body):
    reason: str
    recommendation: Recommendation
    plan: Plan | None = None
    verdict: Verdict | None = None
    sla: Sla | None = None


@_entry("approval.begun", Transition.NOTE)
@dataclass(frozen=True, slots=True)
class StepUpAsked(Body):
    """A yes of the top class: it counts when the person's own device has signed it, by the link whose ticket this is."""

    ticket: str
    note: str
    until: datetime
    by_name: str
    purpose: Purpose = Purpose.APPROVE


@_entry("approval.given", Transition.VOTE)
@dataclass(frozen=True, slots=True)
class ApprovalGiven(Body):
    approval: Approval


@_entry("approval.withdrawn", Transition.WITHDRAW)
@dataclass(frozen=True, slots=True)
class Withdrawn(Body):
    person: str


@_entry("plan.authorised", Transition.AUTHORISE)
@dataclass(frozen=True, slots=True)
class Authorised(Body):
    """The quorum is complete, or policy allows this plan to run alone; ``plan`` and the rest are set only then."""

    digest: str
    by: tuple[str, ...]
    recommendation: Recommendation | None = None
    plan: Plan | None = None
    verdict: Verdict | None = None


@_entry("plan.rejected", Transition.REJECT)
@dataclass(frozen=True, slots=True)
class Rejected(Body):
    reason: RejectReason
    note: str
    by_name: str


@_entry("plan.edited", Transition.EDIT)
@dataclass(frozen=True, slots=True)
class Edited(Body):
    plan: Plan
    verdict: Verdict
    changes: tuple[FieldChange, ...]
    by_name: str
    expires_at: datetime


@_entry("case.handed_over", Transition.HAND_OVER)
@dataclass(frozen=True, slots=True)
class HandedOver(Body):
    to: str
    note: str
    by_name: str


@_entry("case.claimed", Transition.HAND_OVER)
@dataclass(frozen=True, slots=True)
class Claimed(Body):
    """Somebody of the owning group takes it on."""

    by_name: str


@_entry("case.snoozed", Transition.SNOOZE)
@dataclass(frozen=True, slots=True)
class Snoozed(Body):
    until: datetime
    reason: str
    by_name: str


@_entry("case.woken", Transition.WAKE)
@dataclass(frozen=True, slots=True)
class Woken(Body):
    pass


@_entry("case.retriage_asked", Transition.RETRIAGE)
@dataclass(frozen=True, slots=True)
class RetriageAsked(Body):
    """A person wants a case without a plan that fits to be looked at again, from the beginning."""

    by_name: str


@_entry("case.escalated", Transition.ESCALATE)
@dataclass(frozen=True, slots=True)
class Escalated(Body):
    """``remind_at``: when the next owner is reminded for the first time."""

    to: str
    expires_at: datetime
    remind_at: datetime | None = None


@_entry("case.reminded", Transition.NOTE)
@dataclass(frozen=True, slots=True)
class Reminded(Body):
    """The same owner is asked again; ``next_at`` is when once more, or when it goes to the next."""

    to: str
    next_at: datetime


@_entry("case.expired", Transition.EXPIRE)
@dataclass(frozen=True, slots=True)
class Expired(Body):
    pass


@_entry("step.started", Transition.START)
@dataclass(frozen=True, slots=True)
class StepStarted(Body):
    step: int
    key: str
    digest: str


class StepState(StrEnum):
    """How far a step has come. Only the deed itself makes it FAILED; a look finds it LANDED, or leaves it in doubt."""

    #: A worker may be at it, for as long as an attempt can last.
    STARTED = "started"
    #: The system said that it is done, and does not show it yet. Never repeated.
    ACCEPTED = "accepted, not visible yet"
    LANDED = "done"
    #: The system refused for good.
    FAILED = "failed"
    #: It surely did not happen, because it was no longer right: nobody's failure.
    ABSENT = "did not happen"
    #: It surely did not happen, and is begun again under the same key.
    DEFERRED = "waiting to be tried again"
    #: The attempt is over, and nobody knows how it ended.
    UNKNOWN = "outcome unknown"
    #: The first look after an unknown outcome found nothing.
    MISSING = "not found yet"
    UNDOING = "being undone"
    UNDO_UNKNOWN = "outcome of undoing unknown"
    UNDO_MISSING = "undoing not found yet"
    UNDONE = "undone"


#: Doing and undoing that may have happened: only a look or a person's word ends it.
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


#: Taking it back has begun: it goes on to the end.
UNDO_BEGUN = frozenset(
    {StepState.UNDOING, StepState.UNDO_UNKNOWN, StepState.UNDO_MISSING, StepState.UNDONE}
)


@_entry("step.reported", Transition.REPORT)
@dataclass(frozen=True, slots=True)
class StepReported(Body):
    step: int
    state: StepState
    detail: str


@_entry("plan.drifted", Transition.DRIFT)
@dataclass(frozen=True, slots=True)
class Drifted(Body):
    """What was approved is no longer so. Nothing runs; the case is looked at again under a new revision.

    ``is_settled``: no step was in doubt. Earlier releases wrote this without a report of the step that had begun.
    """

    reasons: tuple[str, ...]
    is_settled: bool = False


@_entry("plan.stopped", Transition.STOP)
@dataclass(frozen=True, slots=True)
class Stopped(Body):
    reason: str


@_entry("step.parked", Transition.PARK)
@dataclass(frozen=True, slots=True)
class Parked(Body):
    step: int
    reason: str


@_entry("step.settled", Transition.SETTLE)
@dataclass(frozen=True, slots=True)
class Settled(Body):
    """A person looked in the outside system and says what happened."""

    step: int
    landed: bool
    note: str
    by_name: str


@_entry("case.resolved", Transition.FINISH)
@dataclass(frozen=True, slots=True)
class Resolved(Body):
    """``undo_until``: so long the plan may be taken back whole, where every action declares it.

    ``undo_votes``: how many people must say so. It tells the verifier too that they are asked for.
    """

    resolution: Resolution
    note: str
    by_name: str = ""
    undo_until: datetime | None = None
    undo_votes: int = 0

    @property
    def transition(self) -> Transition:
        """A plan that ran is finished by the executor; only a person handles a case by hand."""
        return Transition.RESOLVE if self.resolution is Resolution.BY_HAND else Transition.FINISH


@_entry("undo.approved", Transition.UNDO_VOTE)
@dataclass(frozen=True, slots=True)
class UndoApproved(Body):
    """One who may approve the plan says, inside its window, that it is taken back whole."""

    approval: Approval


@_entry("plan.undo_asked", Transition.UNDO)
@dataclass(frozen=True, slots=True)
class UndoAsked(Body):
    """Enough people have said that the plan is taken back whole: it begins now.

    ``by``: whose yeses these are; none where an earlier release let one person be enough.
    ``until``: when the window closes, in case that it does not begin after all.
    """

    note: str
    by_name: str
    by: tuple[str, ...] = ()
    until: datetime | None = None


@_entry("undo.lapsed", Transition.UNDO_LAPSE)
@dataclass(frozen=True, slots=True)
class UndoLapsed(Body):
    """The yeses to the undoing counted no longer when it was to begin: what was done stands.

    ``undo_until``: so long it may be asked for again.
    """

    reason: str
    undo_until: datetime | None = None


@_entry("case.reopened", Transition.REOPEN)
@dataclass(frozen=True, slots=True)
class Reopened(Body):
    reason: str


@_entry("attempt.refused", Transition.NOTE)
@dataclass(frozen=True, slots=True)
class AttemptRefused(Body):
    attempt: str
    code: str
    reason: str
    on_revision: int


# --- about the desk as a whole: these carry the desk's id, not a case's ---------------------------------------------------


@_entry("desk.paused", Transition.NOTE)
@dataclass(frozen=True, slots=True)
class Paused(Body):
    """The kill switch: no step of what ``scope`` covers is begun until it is resumed."""

    scope: str
    reason: str
    by_name: str


@_entry("desk.resumed", Transition.NOTE)
@dataclass(frozen=True, slots=True)
class Resumed(Body):
    scope: str
    by_name: str


@_entry("delegation.given", Transition.NOTE)
@dataclass(frozen=True, slots=True)
class Delegated(Body):
    delegation: Delegation


@_entry("delegation.ended", Transition.NOTE)
@dataclass(frozen=True, slots=True)
class DelegationEnded(Body):
    giver: str
    taker: str
    kind: str
    by_name: str


@_entry("glass.broken", Transition.NOTE)
@dataclass(frozen=True, slots=True)
class GlassBroken(Body):
    """One person let a plan through alone, in an emergency."""

    on_case: str
    on_revision: int
    by_name: str
    reason: str
    review_by: datetime


@_entry("glass.reviewed", Transition.NOTE)
@dataclass(frozen=True, slots=True)
class GlassReviewed(Body):
    on_case: str
    note: str
    by_name: str


@_entry("ledger.behind", Transition.NOTE)
@dataclass(frozen=True, slots=True)
class LedgerBehind(Body):
    """The ledger was found to be older than what was signed: a backup was restored. Nothing runs until that is acknowledged.

    ``signed_size`` and ``signed_root`` are of the last checkpoint, ``own_size`` is how many entries were found, of which
    ``common_size`` are proved to be what they were then. New cases are numbered above ``numbers_from``.
    """

    signed_size: int
    signed_root: str
    own_size: int
    common_size: int
    numbers_from: int


@_entry("ledger.acknowledged", Transition.NOTE)
@dataclass(frozen=True, slots=True)
class LedgerAcknowledged(Body):
    """Whoever runs the bot has looked at what was lost; what was signed before is named, so that the next note may follow it."""

    signed_size: int
    signed_root: str
    note: str
    by_name: str
    numbers_from: int


@_entry("passkey.invited", Transition.NOTE)
@dataclass(frozen=True, slots=True)
class PasskeyInvited(Body):
    """Whoever runs the bot lets a person add a passkey, by a link that works once."""

    to: str
    to_name: str
    ticket: str
    until: datetime


@_entry("passkey.added", Transition.NOTE)
@dataclass(frozen=True, slots=True)
class PasskeyAdded(Body):
    passkey: Passkey
    ticket: str


@_entry("passkey.removed", Transition.NOTE)
@dataclass(frozen=True, slots=True)
class PasskeyRemoved(Body):
    credential: str
    owner: str
