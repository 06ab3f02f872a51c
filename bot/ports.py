"""What the rules need from the world: small protocols, each with one real thing behind it and one fake beside it."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Protocol

from bot.cases.approval import Groups, Person
from bot.cases.canonical import Scalar
from bot.cases.case import Case
from bot.cases.controls import DeskControls
from bot.cases.entries import Entry
from bot.cases.evidence import Evidence
from bot.cases.hours import Hours
from bot.cases.identity import Identities
from bot.cases.plan import Action, Plan
from bot.cases.playbook import Playbook
from bot.cases.policy import Policy, Usage
from bot.cases.precedent import Label, Precedent
from bot.cases.recognition import Recognition
from bot.cases.recommendation import Recommendation, Words
from bot.cases.signal import Signal
from bot.views.alert_storm import StormView
from bot.views.answers import Answer
from bot.views.app_home import HomeView
from bot.views.digest import DigestView
from bot.views.questions import Durations, Question

Clock = Callable[[], datetime]
"""The time now, aware and in UTC."""


class Topic(StrEnum):
    """What an outbox row asks for. Each has one handler, plugged in by the wiring."""

    TRIAGE = "triage"
    CARD = "card"
    NOTE = "note"
    EXECUTE = "execute"
    FOLLOW_UP = "follow_up"
    REMEMBER = "remember"
    ANSWER = "answer"
    DIGEST = "digest"
    HOME = "home"
    STORM = "storm"
    SWEEP = "sweep"
    NARRATE = "narrate"


@dataclass(frozen=True, slots=True)
class OutboxMessage:
    """An effect that must happen because of a commit. The same key asked again before it is done is one effect, not two."""

    topic: Topic
    key: str
    case_id: str
    run_at: datetime
    payload: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class LeasedMessage:
    """An outbox row under lease. ``fence`` goes up with every claim: an old holder can no longer write.

    ``doubt`` counts the attempts since the last certain outcome, this one included: above 1, look before you repeat.
    """

    key: str
    topic: Topic
    case_id: str
    fence: int
    requests: int
    attempts: int
    uncertain_attempts: int
    payload: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class CardRef:
    """Where a card stands, which version of the case it shows, and in which look."""

    case_id: str
    generation: int
    channel: str
    ts: str
    version: int
    look: str = ""


# The look of a card that a newer one has replaced: it has no buttons any more.
REPLACED = "replaced"


@dataclass(frozen=True, slots=True)
class PostedMessage:
    """A message of ours as its channel tells of it: ``name`` is the case or list that it says it shows."""

    name: str
    channel: str
    ts: str
    #: Somebody has replied under it.
    is_answered: bool = False


class UsageOn(Protocol):
    """Sum what has been carried out on a UTC day.

    The steps of ``plan`` from ``step`` on are left out: they are still to come.
    """

    def __call__(self, day: str, *, plan: Plan | None = None, step: int = 0) -> Usage: ...


Guard = Callable[[DeskControls, UsageOn], None]
"""Asked inside the transaction, with the standing and the day's usage as they are there; a refusal writes nothing."""


@dataclass(frozen=True, slots=True)
class Change:
    """What one decision writes: the case before it, the entries, and the effects they ask for.

    ``guard`` has the last word. ``standing`` and its entries are written with it, or neither is. ``after`` is what the entries make
    of the case, where they have been folded already: nobody folds them twice.
    """

    before: Case | None
    entries: tuple[Entry, ...]
    messages: tuple[OutboxMessage, ...] = ()
    guard: Guard | None = None
    controls: DeskControls | None = None
    control_entries: tuple[Entry, ...] = ()
    after: Case | None = None


# The form of cards and buttons that this release draws. A card in another form is drawn again:
# its buttons do not say what they must. Change it when what a button carries changes.
CARD_FORMAT = "2"


@dataclass(frozen=True, slots=True)
class CardContext:
    """What a card shows beyond its case: why nothing runs now, and whether the plan can still be taken back."""

    paused: str = ""
    is_undoable: bool = False

    @property
    def key(self) -> str:
        holds = {"paused": bool(self.paused), "undoable": self.is_undoable}
        return " ".join([CARD_FORMAT, *(name for name, is_so in holds.items() if is_so)])


class ReceiptOutcome(StrEnum):
    """What became of a signal at the door."""

    OPENED = "opened"
    COUNTED = "counted"
    CLEARED = "cleared"
    DUPLICATE = "duplicate"
    CONFLICT = "conflict"
    IGNORED = "ignored"


@dataclass(frozen=True, slots=True)
class Receipt:
    outcome: ReceiptOutcome
    case_id: str | None


class Store(Protocol):
    """Persistence. Every method is one transaction."""

    def case(self, case_id: str) -> Case:
        """The case as it is now; ``NoSuchCase`` when there is none."""

    def receive(self, signal: Signal, raw: bytes, judge: "Judge", now: datetime) -> Receipt:
        """Record the signal and what ``judge`` makes of it, once per (source, key)."""

    def commit(
        self,
        change: Change,
        *,
        finished: LeasedMessage | None = None,
        retry_at: datetime | None = None,
        leased: LeasedMessage | None = None,
        leased_until: datetime | None = None,
    ) -> Case:
        """Append, project and enqueue, or do nothing: ``Conflict`` when the case moved, ``StaleFence`` when the lease did.

        ``held`` goes on being worked on: its lease must still hold, and lasts until ``held_until``.
        """

    def usage(self, day: str, *, plan: Plan | None = None, step: int = 0) -> Usage:
        """Sum what has been carried out on this UTC day; see ``UsageOn``."""

    def controls(self) -> DeskControls:
        """What holds for the whole desk now."""

    def save_controls(
        self,
        before: DeskControls,
        rulings: tuple[Entry, ...],
        outgoing: Sequence[OutboxMessage] = (),
    ) -> DeskControls:
        """Write what was ruled about the desk, or ``Conflict`` when somebody else wrote first."""

    def rewind(
        self,
        before: DeskControls,
        rulings: tuple[Entry, ...],
        outgoing: Sequence[OutboxMessage],
        numbers_from: int,
    ) -> DeskControls:
        """Write that a backup was restored: cases are numbered above ``numbers_from``, and no card counts as drawn."""

    def case_number(self) -> int:
        """The highest number that a case may have got so far."""

    def open_ids(self) -> list[str]:
        """Every case that has not ended, the most urgent first."""

    def run_now(self, topic: Topic, now: datetime) -> None:
        """Let what waits for its next attempt be tried at once."""

    def affected(self, scope: str) -> list[str]:
        """Open cases whose card shows a pause of this scope."""

    def outcomes(self, action: str, limit: int) -> list[str]:
        """How the last steps of this action ended, the latest first."""

    def due(self, now: datetime, limit: int) -> list[Case]:
        """Cases for which time itself has something to do."""

    def open_from(self, source: str, kind: str) -> list[Case]:
        """Cases of this kind and source that have not ended."""

    def episodes(self, fingerprints: Sequence[str]) -> int:
        """How often this trouble has gone away by itself so far."""

    def has_due(self, topics: Sequence[Topic], now: datetime) -> bool:
        """Whether a claim would find anything."""

    def claim(
        self, topics: Sequence[Topic], limit: int, now: datetime, lease_for: float
    ) -> list[LeasedMessage]:
        """Take due rows under a lease of ``lease_for`` seconds."""

    def renew(self, works: Sequence[LeasedMessage], until: datetime) -> set[tuple[str, int]]:
        """Extend the leases that still hold; returns key and fence of each."""

    def finish(
        self,
        work: LeasedMessage,
        *,
        drawn: CardRef | None = None,
        outgoing: Sequence[OutboxMessage] = (),
    ) -> None:
        """The work is done, the card stands where ``drawn`` says, and these effects follow."""

    def record_card(
        self,
        drawn: CardRef,
        *,
        work: LeasedMessage | None = None,
        outgoing: Sequence[OutboxMessage] = (),
    ) -> None:
        """Record where a card stands; ``StaleFence`` when the lease on ``work`` is somebody else's."""

    def retry(
        self,
        work: LeasedMessage,
        run_at: datetime,
        error: str,
        *,
        certain: bool,
        counts: bool = True,
    ) -> None:
        """Again later. ``certain``: this attempt surely had no effect. ``counts``: it was a failure, and not only a wait."""

    def park(self, work: LeasedMessage, error: str) -> None:
        """Not again without a person."""

    def cards(self, case_id: str) -> list[CardRef]:
        """Where the cards of this case stand, the newest generation first."""

    def outdated_cards(self, card_format: str, now: datetime) -> list[str]:
        """List the cases that somebody may press on whose newest card was drawn in another form."""

    def entries(self, case_id: str, *, after: int = 0) -> list[Entry]:
        """The ledger entries of a case, in order."""


@dataclass(frozen=True, slots=True)
class Viewer:
    """Whose eyes: the channels this person is in now. They see the cases there, and those they are a party to."""

    person: str
    channels: frozenset[str]


@dataclass(frozen=True, slots=True)
class CaseFilter:
    """Which cases to list. Open ones, unless states are named, or ``is_over`` or ``is_any`` says otherwise; no sight sees all."""

    viewer: Viewer | None = None
    states: tuple[str, ...] = ()
    kind: str = ""
    channel: str = ""
    live_list: str = ""
    owner: str = ""
    waits_on: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    opened: tuple[datetime, datetime] | None = None
    ended: tuple[datetime, datetime] | None = None
    late_at: datetime | None = None
    unrecognised: bool = False
    is_over: bool = False
    is_any: bool = False


CaseTimes = tuple[float, float | None, float | None]
"""One case as a trend counts it: opened, first decided, ended, in seconds since 1970."""


@dataclass(frozen=True, slots=True)
class LiveList:
    """A list that stands in a message or a view, and which cases it shows, by section.

    A person's App Home has no ``ts`` of its own; there it holds the filter they chose.
    """

    key: str
    place: str
    ts: str
    sections: Mapping[str, Sequence[str]]
    shown_at: datetime


@dataclass(frozen=True, slots=True)
class QuestionRecord:
    """A question as it was put, what was made of it, and whether the answer helped."""

    id: str
    asked_at: datetime
    person: str
    text: str
    understood: str = ""
    vote: str = ""


@dataclass(frozen=True, slots=True)
class PostedQuestion:
    """A question and where it was put. ``thread`` is where the answer goes; ``is_direct`` between the two of us."""

    id: str
    person: str
    user: str
    text: str
    channel: str
    thread: str
    is_direct: bool
    case_id: str = ""


class Lists(Protocol):
    """Lists of cases, boards that follow them, and the record of what was asked."""

    def find(self, wanted: CaseFilter, limit: int) -> list[Case]: ...

    def count(self, wanted: CaseFilter) -> int: ...

    def closest(self, words: Sequence[str], sight: Viewer | None, limit: int) -> list[Case]: ...

    def durations(self, wanted: CaseFilter) -> Durations: ...

    def case_times(
        self, wanted: CaseFilter, since: datetime, until: datetime
    ) -> list[CaseTimes]: ...

    def by_id(self, ids: Sequence[str]) -> dict[str, Case]: ...

    def is_named(self, person: str, case_id: str) -> bool: ...

    def cards_of(self, ids: Sequence[str]) -> dict[str, CardRef]: ...

    def case_at(self, channel: str, ts: str) -> str: ...

    def last_signal_at(self, fingerprint: str, *, except_from: str) -> datetime | None: ...

    def live_list(self, key: str) -> LiveList | None: ...

    def live_lists(self, prefix: str, since: datetime) -> list[LiveList]: ...

    def live_lists_with(self, case_id: str) -> list[str]: ...

    def save_live_list(self, board: LiveList, *, follow: bool = True) -> None: ...

    def add_to_live_list(self, case_id: str, board: str) -> None: ...

    def delete_live_list(self, key: str) -> None: ...

    def enqueue(self, outgoing: Sequence[OutboxMessage]) -> None: ...

    def enqueue_once(self, job: str, slot: int, outgoing: OutboxMessage) -> bool: ...

    def record_question(self, question: QuestionRecord, outgoing: OutboxMessage | None) -> bool: ...

    def record_reading(self, question_id: str, understood: str) -> None: ...

    def record_vote(self, question_id: str, person: str, vote: str) -> bool: ...

    def questions(
        self, since: datetime, *, unanswered: bool, limit: int = 100
    ) -> list[QuestionRecord]: ...


Judge = Callable[[Case | None, str], Change]
"""Given the latest case of a fingerprint and the id that a new one would get: what to write."""


class EffectStatus(StrEnum):
    """What ``verify`` found in the outside system."""

    LANDED = "landed"
    ABSENT = "absent"
    UNKNOWN = "unknown"


class Connector(Protocol):
    """Speaks to one outside system. Every call ends within ``timeout``, whatever the system does.

    A call inside a ``time_limit`` has done nothing after it, and does nothing later.
    """

    @property
    def timeout(self) -> timedelta: ...

    def look_up(
        self, query: str, parameters: Mapping[str, Scalar], limit: int
    ) -> list[dict[str, Scalar]]:
        """At most ``limit`` rows of one read-only question. Raises ``ConnectorFailed``."""

    def prepare(self, action: str, parameters: Mapping[str, Scalar]) -> Action:
        """The dry run: typed parameters, target, preview and precondition snapshot. Raises ``ConnectorFailed``."""

    def precondition(self, action: Action) -> Mapping[str, Scalar]:
        """The snapshot as it is now. Raises ``ConnectorFailed``."""

    def execute(self, action: Action, key: str) -> str:
        """Do it once; says what came of it.

        Raises:
            WorldMoved: it surely did not happen, and is no longer right.
            OutcomeUnknown: it may have happened.
            ConnectorFailed: it surely did not happen; ``retryable`` says whether it may be tried again.
        """

    def verify(self, action: Action, key: str) -> EffectStatus:
        """Look whether the effect under this key is there. ABSENT is an answer of the system; no answer is UNKNOWN."""

    def undo(self, action: Action, key: str, undo_key: str) -> str:
        """Take back the effect under ``key``; the undoing has a key of its own."""


class Systems(Protocol):
    """The outside systems by name."""

    def __getitem__(self, name: str) -> Connector: ...


class Library(Protocol):
    """Playbooks and policy, as people wrote them."""

    def playbook(self, kind: str) -> Playbook:
        """The playbook of a kind, or the one for what is not recognised."""

    def policy(self) -> Policy: ...

    def titles(self) -> list[tuple[str, str]]:
        """Every kind that can be named, with its title, by title."""

    def hours(self, channel: str) -> Hours:
        """When people of this channel are at work."""

    def deciders(self) -> list[str]:
        """Every group that decides, owns or is asked next, anywhere."""

    def channels(self) -> list[str]:
        """Every channel that cards go to."""

    def governors(self) -> list[str]:
        """Every group that answers for a kind."""

    def identities(self) -> Identities:
        """Which accounts are one person's, as people declared it."""


@dataclass(frozen=True, slots=True)
class StoredPrecedent:
    """A precedent on the shelf: its place in the order of changes, and whether it has been taken back."""

    seq: int
    digest: str
    is_gone: bool
    precedent: Precedent


@dataclass(frozen=True, slots=True)
class Batch:
    """An imported past: how many precedents of which kind."""

    name: str
    kind: str
    precedents: int


class PrecedentStore(Protocol):
    """Where precedents and labels are kept as rows; indexes are made from it and catch up by its order of changes."""

    def save(
        self,
        precedents: Sequence[Precedent],
        label: Label | None = None,
        *,
        done: LeasedMessage | None = None,
    ) -> int:
        """Write what is new or different; returns how many were."""

    def changes_since(self, seq: int, limit: int = 500) -> list[StoredPrecedent]:
        """What has changed after this place, in order."""

    def by_id(self, ids: Sequence[str]) -> dict[str, Precedent]:
        """These precedents, as far as they are still there."""

    def of_kind(self, kind: str, limit: int) -> list[Precedent]:
        """The latest of this kind, the oldest of them first."""

    def kinds(self) -> dict[str, int]:
        """How many each kind has."""

    def count(self) -> int: ...

    def labels(self) -> list[Label]:
        """What people said of unrecognised cases."""

    def count_missing(self) -> int:
        """Decided cases of the ledger that the shelf knows nothing of."""

    def rebuild(self) -> Iterator[tuple[int, int]]:
        """Write once more what the ledger tells; gives cases and entries done."""


class Memory(Protocol):
    """The index over the shelf. It is never an authority: whatever it cannot do, cards go out without."""

    def catch_up(self) -> int:
        """Take in what the shelf has that the index has not; returns how many. Raises ``MemoryUnavailable``."""

    def related(self, words: str, channels: Collection[str], now: datetime) -> list[str]:
        """Ids of decided cases in these channels that mean something like this, best first; none when it cannot say."""


class Recogniser(Protocol):
    """Which kind a text speaks of, or none. Never fails: what it cannot tell, it abstains from."""

    def recognise(self, text: str) -> Recognition: ...


class Narrator(Protocol):
    """A model's words about a case. None when it has none in time, within its cost, or in the right shape."""

    def narrate(self, case: Case, playbook: Playbook, check: "Check") -> Words | None: ...


Check = Callable[[Mapping[str, Scalar]], str]
"""What the plan would say with these parameters; raises ``Refusal`` when the playbook or the system does not allow them."""


class QuestionParser(Protocol):
    """What a question means, without a model. None when nothing is understood."""

    def understand(
        self, text: str, now: datetime, hours: Hours, case_id: str = ""
    ) -> Question | None: ...


class CaseTools(Protocol):
    """What a model may ask on somebody's behalf: the same queries, through the same eyes; reading only."""

    def search(self, question: str) -> str:
        """Cases that fit a question in plain words."""

    def show(self, case_id: str) -> str:
        """All that is known of one case."""


class Assistant(Protocol):
    """A model that answers from tools. None when it has no answer in time, within its cost, or at all."""

    name: str

    def answer(
        self, text: str, tools: CaseTools, on_progress: Callable[[str], None]
    ) -> str | None: ...


class Recommender(Protocol):
    """Which plan to suggest. It only proposes: what it returns is validated and judged like anything else."""

    def recommend(
        self, case: Case, playbook: Playbook, evidence: Sequence[Evidence], prepare: "Prepare"
    ) -> tuple[Recommendation, tuple[Action, ...]]: ...


Prepare = Callable[[str, Mapping[str, Scalar]], Action]


class Directory(Protocol):
    """Who people are and which groups they are in, as their workspace says now."""

    def person(self, principal: str, *, fresh: bool = False) -> Person:
        """``NotEligible`` when nobody, or more than one, is meant. While nothing can be read: ``ChatFailed``, from all three."""

    def groups(self, handles: Sequence[str], *, fresh: bool = False) -> Groups:
        """Members by group handle; a group that does not exist, or that we may not read, is empty."""

    def members_of(self, channel: str) -> frozenset[str]:
        """Who is in this channel now; nobody when we may not read it."""


class Chat(Protocol):
    """The one sender of messages. Raises ``ChatFailed`` and its kin. ``look_first``: an earlier attempt may have posted."""

    def draw_card(
        self, case: Case, cards: Sequence[CardRef], *, look_first: bool, context: CardContext
    ) -> CardRef:
        """Make the one live card of this case show its state, in this look."""

    def retire_card(self, case: Case, older: CardRef) -> None:
        """Take the buttons from a card that a newer one replaces."""

    def messages_about(self, name: str, channel: str, since: float) -> list[PostedMessage]:
        """Read from the channel which messages say that they show this case or list."""

    def remove(self, copy: PostedMessage) -> None:
        """Take a message away that was posted twice."""

    def mark_as_copy(self, copy: PostedMessage, title: str, standing: CardRef) -> None:
        """Leave a message that was posted twice without buttons, and say which one stands."""

    def post_note(
        self,
        case: Case,
        entries: Sequence[Entry],
        cards: Sequence[CardRef],
        *,
        key: str,
        look_first: bool,
        call: str = "",
        is_loud: bool = False,
    ) -> None:
        """Say in the card's thread what these entries tell; ``call`` a person or group by name, ``is_loud`` in the channel too."""

    def post_digest(self, digest: DigestView, board: LiveList | None, *, look_first: bool) -> str:
        """Post the digest of a channel or person, or make the one that stands show its cases as they are; returns where."""

    def post_storm(self, storm: StormView, board: LiveList | None, *, look_first: bool) -> str:
        """Post the card that many cases share, or draw it again; returns where."""

    def publish_home(self, home: HomeView) -> None:
        """Make a person's App Home show this."""

    def start_answer(self, question: PostedQuestion) -> str:
        """Show that an answer is being worked out, where that can be shown; returns where it grows, or nothing."""

    def post_progress(self, question: PostedQuestion, stream_ts: str, words: str) -> None:
        """Say what is being looked at for it."""

    def answer(
        self, question: PostedQuestion, answer: Answer, *, look_first: bool, stream_ts: str = ""
    ) -> None:
        """Answer where it was asked; privately, unless everyone there may see all of it."""

    def send(self, to: str, text: str, key: str) -> str:
        """A plain message to a channel or person, once per key; returns its id."""

    def find_message(self, to: str, key: str) -> EffectStatus:
        """Whether the message under this key is there."""
