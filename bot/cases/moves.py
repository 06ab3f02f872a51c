"""What may be asked of a case, each as data: who asks, and what they say. ``decide`` turns a move into entries, or refuses."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bot.cases.approval import Groups, Person
from bot.cases.canonical import Scalar
from bot.cases.delegation import Delegation
from bot.cases.entry import Change, RejectReason, StepState
from bot.cases.evidence import Evidence
from bot.cases.passkey import Assertion, Passkey
from bot.cases.plan import Money, Plan
from bot.cases.policy import Verdict
from bot.cases.recognition import Recognition
from bot.cases.recommendation import Recommendation, Words
from bot.cases.signal import Signal
from bot.cases.sla import Sla


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks, through which door, with their groups read fresh; and those who have asked them to stand in, read fresh too."""

    person: Person
    groups: Groups = field(default_factory=dict)
    surface: str = "slack"
    behalf_of: tuple[Person, ...] = ()


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
class NameKind:
    by: Asker
    kind: str
    owner: str
    channel: str
    sla: Sla


@dataclass(frozen=True, slots=True)
class CallNovel:
    by: Asker


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
class Approve:
    """``emergency``: the glass is broken for this one yes, which then is enough alone.

    ``assertion`` is what the approver's device signed, with the passkeys that are known now.
    """

    by: Asker
    revision: int
    note: str = ""
    emergency: bool = False
    assertion: Assertion | None = None
    passkeys: tuple[Passkey, ...] = ()


@dataclass(frozen=True, slots=True)
class BeginApproval:
    """A yes of the top class, which waits for its signature outside Slack."""

    by: Asker
    revision: int
    note: str
    ticket: str
    passkeys: tuple[Passkey, ...] = ()


@dataclass(frozen=True, slots=True)
class Withdraw:
    by: Asker
    revision: int


@dataclass(frozen=True, slots=True)
class Reject:
    by: Asker
    revision: int
    reason: RejectReason
    note: str = ""


@dataclass(frozen=True, slots=True)
class Edit:
    by: Asker
    revision: int
    plan: Plan
    verdict: Verdict
    changes: tuple[Change, ...]
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class HandOver:
    """``to`` is a person, or the group that the playbook names as the next owner."""

    by: Asker
    to: str
    done: str
    remains: str


@dataclass(frozen=True, slots=True)
class Claim:
    by: Asker


@dataclass(frozen=True, slots=True)
class Snooze:
    by: Asker
    until: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class Resolve:
    """Handled by hand: a person says so, and what they did."""

    by: Asker
    note: str


@dataclass(frozen=True, slots=True)
class TryAgain:
    by: Asker


@dataclass(frozen=True, slots=True)
class Settle:
    """A person looked in the outside system: did the step in doubt land or not?"""

    by: Asker
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
class Undo:
    by: Asker
    note: str


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


Move = (
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
    | StartStep
    | LookFirst
    | ReportStep
    | Drift
    | Stop
    | Park
    | Finish
    | Reopen
)
