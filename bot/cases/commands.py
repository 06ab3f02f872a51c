"""What may be asked of a case, each as data: who asks, and what they say. ``decide`` turns a move into entries, or refuses."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import ClassVar

from bot.cases.approval import Groups, Person
from bot.cases.canonical import Scalar
from bot.cases.delegation import Delegation
from bot.cases.entries import FieldChange, RejectReason, StepState
from bot.cases.evidence import Evidence
from bot.cases.identity import UNLINKED, Identities
from bot.cases.passkey import Assertion, Passkey
from bot.cases.plan import Money, Plan
from bot.cases.policy import Verdict
from bot.cases.recognition import Recognition
from bot.cases.recommendation import Recommendation, Words
from bot.cases.seen import DecisionKind, Seen
from bot.cases.signal import Signal
from bot.cases.sla import Sla


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks, through which door, with their groups read fresh.

    ``behalf_of``: those who have asked them to stand in, read fresh too.
    ``playbook_owners``: the groups that own the playbook of the case; their members are in ``groups``.
    ``identities``: which accounts are one person.
    """

    person: Person
    groups: Groups = field(default_factory=dict)
    surface: str = "slack"
    behalf_of: tuple[Person, ...] = ()
    playbook_owners: tuple[str, ...] = ()
    identities: Identities = UNLINKED


@dataclass(frozen=True, slots=True)
class PersonDecision:
    """What a person decides: ``by`` whom, on what they had ``seen``. Judged alike for every one of them."""

    decision: ClassVar[DecisionKind]

    by: Asker
    seen: Seen


@dataclass(frozen=True, slots=True)
class Open:
    case_id: str
    signal: Signal
    owner: str
    channel: str
    sla: Sla


@dataclass(frozen=True, slots=True)
class Recur:
    """``reopen`` is set when the trouble came back on a case that had ended a short while ago."""

    signal: Signal
    reopen: bool = False
    identities: Identities = UNLINKED


@dataclass(frozen=True, slots=True)
class Clear:
    signal: Signal


@dataclass(frozen=True, slots=True)
class Recognise:
    """What recognition says of a case whose source named no known kind, and whose it is then."""

    recognition: Recognition
    owner: str
    channel: str
    sla: Sla
    is_urgent: bool = False


@dataclass(frozen=True, slots=True)
class NameKind(PersonDecision):
    decision = DecisionKind.NAME_KIND

    kind: str
    owner: str
    channel: str
    sla: Sla


@dataclass(frozen=True, slots=True)
class CallNovel(PersonDecision):
    decision = DecisionKind.CALL_NOVEL


@dataclass(frozen=True, slots=True)
class Narrate:
    words: Words
    revision: int


@dataclass(frozen=True, slots=True)
class Gather:
    evidence: tuple[Evidence, ...]
    what: str
    why: str
    stake: Money | None


@dataclass(frozen=True, slots=True)
class Recommend:
    """The desk's suggestion with policy's verdict on it; no plan means that a person must find one.

    ``expires_at`` is given where the hours of the channel put it later than policy's plain span would.
    """

    recommendation: Recommendation
    plan: Plan | None
    verdict: Verdict | None
    sla: Sla | None = None
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Approve(PersonDecision):
    """``emergency``: the glass is broken for this one yes, which then is enough alone.

    ``assertion`` is what the approver's device signed, with the passkeys that are known now.
    """

    decision = DecisionKind.APPROVE

    note: str = ""
    emergency: bool = False
    assertion: Assertion | None = None
    passkeys: tuple[Passkey, ...] = ()


@dataclass(frozen=True, slots=True)
class BeginApproval(PersonDecision):
    """A yes of the top class, which waits for its signature outside Slack."""

    decision = DecisionKind.APPROVE

    note: str
    ticket: str
    passkeys: tuple[Passkey, ...] = ()


@dataclass(frozen=True, slots=True)
class Withdraw(PersonDecision):
    decision = DecisionKind.WITHDRAW


@dataclass(frozen=True, slots=True)
class Reject(PersonDecision):
    decision = DecisionKind.REJECT

    reason: RejectReason
    note: str = ""


@dataclass(frozen=True, slots=True)
class Edit(PersonDecision):
    decision = DecisionKind.EDIT

    plan: Plan
    verdict: Verdict
    changes: tuple[FieldChange, ...]
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class HandOver(PersonDecision):
    """``to`` is a person, or the group that the playbook names as the next owner."""

    decision = DecisionKind.HAND_OVER

    to: str
    done: str
    remains: str


@dataclass(frozen=True, slots=True)
class Claim(PersonDecision):
    decision = DecisionKind.CLAIM


@dataclass(frozen=True, slots=True)
class Snooze(PersonDecision):
    decision = DecisionKind.SNOOZE

    until: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class Resolve(PersonDecision):
    """Handled by hand: a person says so, and what they did."""

    decision = DecisionKind.RESOLVE

    note: str


@dataclass(frozen=True, slots=True)
class TryAgain(PersonDecision):
    decision = DecisionKind.TRY_AGAIN


@dataclass(frozen=True, slots=True)
class Settle(PersonDecision):
    """A person looked in the outside system: did the step in doubt land or not?"""

    decision = DecisionKind.SETTLE

    landed: bool
    note: str


@dataclass(frozen=True, slots=True)
class Wake:
    pass


@dataclass(frozen=True, slots=True)
class Expire:
    """Time is up: ask ``next_owner`` once, then close unexecuted. ``decide_for`` is how long the next owner has without a plan."""

    next_owner: str
    remind_at: datetime | None = None
    decide_for: timedelta = timedelta(hours=24)
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Remind:
    next_at: datetime


@dataclass(frozen=True, slots=True)
class Undo(PersonDecision):
    """One person's yes to taking the plan back; ``assertion`` as for the yes to doing it.

    ``mode`` is the one that the program runs in now.
    """

    decision = DecisionKind.UNDO

    note: str
    mode: str = ""
    assertion: Assertion | None = None
    passkeys: tuple[Passkey, ...] = ()


@dataclass(frozen=True, slots=True)
class BeginUndo(PersonDecision):
    """A yes to taking back a plan of the top class, which waits for its signature outside Slack."""

    decision = DecisionKind.UNDO

    note: str
    ticket: str
    mode: str = ""
    passkeys: tuple[Passkey, ...] = ()


@dataclass(frozen=True, slots=True)
class StartUndo:
    """What the executor found immediately before a step is undone because people want it so."""

    step: int
    groups: Groups
    people: Mapping[str, Person]
    delegations: tuple[Delegation, ...] = ()
    passkeys: tuple[Passkey, ...] = ()
    identities: Identities = UNLINKED
    playbook_owners: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class StartStep:
    """What the executor found immediately before the step; anything that moved stops it."""

    step: int
    digest: str
    verdict: Verdict
    groups: Groups
    people: Mapping[str, Person]
    precondition: Mapping[str, Scalar]
    delegations: tuple[Delegation, ...] = ()
    emergency_group: str = ""
    passkeys: tuple[Passkey, ...] = ()
    identities: Identities = UNLINKED
    mode: str = ""


@dataclass(frozen=True, slots=True)
class LookFirst:
    """A step that may have been carried out already, by a bot whose ledger was lost: it begins with a look."""

    step: int


@dataclass(frozen=True, slots=True)
class ReportStep:
    step: int
    state: StepState
    detail: str


@dataclass(frozen=True, slots=True)
class Drift:
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Stop:
    reason: str


@dataclass(frozen=True, slots=True)
class Park:
    step: int
    reason: str


@dataclass(frozen=True, slots=True)
class Finish:
    note: str
    undo_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Reopen:
    reason: str


Command = (
    Open
    | Recur
    | Clear
    | Recognise
    | NameKind
    | CallNovel
    | Narrate
    | Gather
    | Recommend
    | Approve
    | BeginApproval
    | Withdraw
    | Reject
    | Edit
    | HandOver
    | Claim
    | Snooze
    | Resolve
    | TryAgain
    | Settle
    | Wake
    | Expire
    | Remind
    | Undo
    | BeginUndo
    | StartUndo
    | StartStep
    | LookFirst
    | ReportStep
    | Drift
    | Stop
    | Park
    | Finish
    | Reopen
)
