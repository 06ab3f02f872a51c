"""Write in the threads of cards: evidence, then notes.

Notes stand in the order of the case's versions. A note that asks somebody to decide has buttons,
and is recorded as lists are: it follows its case, and loses them when the case is decided.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bot.cases.case import Case
from bot.cases.entries import ApprovalGiven, Entry, Escalated, HandedOver, InquiryAnswered, Reminded
from bot.cases.inquiries import asker_of
from bot.cases.lifecycle import WAITING_ON_PEOPLE, State
from bot.desk.alert_storms import AlertStorms, shared_card_key
from bot.desk.effects import BEGINNINGS, EFFECTS, LAST_VOTES, is_noted_with_outcome
from bot.ports.card_store import CardRef, CardStore
from bot.ports.case_store import CaseStore
from bot.ports.chat import Chat
from bot.ports.clock import Clock
from bot.ports.library import Library
from bot.ports.live_lists import LiveList, LiveLists
from bot.ports.outbox import LeasedMessage, Outbox, OutboxMessage, Topic
from bot.views.thread_notes import ThreadEvidence, ThreadNote

RETRY_INTERVAL = timedelta(seconds=1)
#: Cards that are due go first: the evidence is read by whoever scrolls.
EVIDENCE_INTERVAL = timedelta(seconds=2)
EVIDENCE_PRIORITY = 1
NOTE_PREFIX = "note:"
#: In a payload: an earlier attempt may have posted the evidence.
IS_DOUBTFUL = "doubtful"
_NOTE_KEY = re.compile(r"note:EX-\d+:(\d+)")
#: States of a plan that runs or has run.
CARRIED_OUT = frozenset({State.APPROVED, State.RUNNING, State.RESOLVED})
#: Entries by which somebody is asked to decide.
REQUESTS = (Reminded, Escalated, HandedOver)


@dataclass(frozen=True, kw_only=True)
class ThreadNotes:
    """Post notes and evidence, and keep the buttons of notes true."""

    cases: CaseStore
    card_store: CardStore
    #: Records the notes that have buttons.
    live_lists: LiveLists
    outbox: Outbox
    chat: Chat
    clock: Clock
    library: Library
    storms: AlertStorms | None = None

    def run(self, message: LeasedMessage) -> None:
        """Post the evidence or a note, or update a note."""
        if "evidence" in message.payload:
            self._post_evidence(message)
        elif "note" in message.payload:
            self._update_note(message)
        else:
            self._post_note(message)

    def follow(self, case: Case, live_list_keys: Sequence[str]) -> None:
        """Update the notes with buttons about a case that has changed."""
        keys = [key for key in live_list_keys if key.startswith(NOTE_PREFIX)]
        now = self.clock()
        messages = [_update_message(case, key, now) for key in keys]
        self.outbox.enqueue(messages)

    # --- evidence ---------------------------------------------------------------------------------

    def post_evidence(self, case: Case, card: CardRef, *, look_first: bool) -> None:
        """Post the evidence in the thread of a card."""
        evidence = ThreadEvidence(
            key=evidence_key(case, card),
            case=case,
            channel=card.channel,
            thread_ts=card.ts,
            labels=self.library.labels(),
        )
        self.chat.post_evidence(evidence, look_first=look_first)

    def _post_evidence(self, message: LeasedMessage) -> None:
        """Post the evidence that could not be posted right after its card."""
        now = self.clock()
        state = self.card_store.state_of(message, cards_due_at=now)
        card = _card_at(state.cards, str(message.payload["evidence"]))
        if card is None:
            self.outbox.finish(message)
            return
        is_retry = message.uncertain_attempts > 1
        if not is_retry and state.has_due_cards:
            self.outbox.wait(message, next_evidence_time(now), "cards go first")
            return
        look_first = is_retry or bool(message.payload.get(IS_DOUBTFUL))
        self.post_evidence(state.case, card, look_first=look_first)
        self.outbox.finish(message)

    # --- notes ------------------------------------------------------------------------------------

    def _post_note(self, message: LeasedMessage) -> None:
        """Post new entries of the case into its card's thread."""
        state = self.card_store.state_of(message)
        case, cards = state.case, state.cards
        if cards and self._is_overtaking(message):
            self.outbox.wait(message, self.clock() + RETRY_INTERVAL, "an earlier note goes first")
            return
        if cards:
            self._post_entries(case, cards[0], message)
        elif not self.storms or not shared_card_key(case.id, state.live_list_keys):
            # No failure: the card waits for Slack, and the update waits for the card.
            self.outbox.wait(message, self.clock() + RETRY_INTERVAL, "the card does not stand yet")
            return
        self.outbox.finish(message)

    def _is_overtaking(self, message: LeasedMessage) -> bool:
        """Tell whether an earlier note is still to be posted."""
        version = _version_of(message.key) or 0
        keys = self.outbox.waiting_keys(Topic.NOTE, message.case_id)
        earlier_versions = [_version_of(key) or version for key in keys]
        return min(earlier_versions, default=version) < version

    def _post_entries(self, case: Case, card: CardRef, message: LeasedMessage) -> None:
        versions = [int(version) for version in message.payload["versions"]]
        entries = self._entries(case, versions)
        if all(_is_stale(entry, case) for entry in entries):
            return
        note = self._note(message.key, case, entries, card=card)
        ts = self.chat.post_note(note, look_first=message.uncertain_attempts > 1)
        if note.has_buttons and ts:
            self._record(note, ts, versions)

    def _note(self, key: str, case: Case, entries: Sequence[Entry], *, card: CardRef) -> ThreadNote:
        call, is_loud = self._mention(case, entries)
        return ThreadNote(
            key=key,
            case=case,
            entries=entries,
            channel=card.channel,
            thread_ts=card.ts,
            call=call,
            is_loud=is_loud,
            has_buttons=_has_buttons(case, entries),
            labels=self.library.labels(),
        )

    def _entries(self, case: Case, versions: Sequence[int]) -> list[Entry]:
        """Return the entries of a note.

        Entries that wait for this note stand before them.
        """
        entries = self.cases.entries(case.id)
        beginning = _find_beginning([entry for entry in entries if entry.version < min(versions)])
        return [*beginning, *(entry for entry in entries if entry.version in versions)]

    def _mention(self, case: Case, entries: Sequence[Entry]) -> tuple[str, bool]:
        """Return whom a post mentions, and whether the whole channel is notified."""
        if any(_is_emergency(entry) for entry in entries):
            # An emergency is never quiet.
            owners = self.library.playbook(case.kind).owners
            return owners.governance, True
        mention = ""
        for entry in entries:
            if isinstance(entry.body, REQUESTS):
                mention = entry.body.to
            elif isinstance(entry.body, InquiryAnswered):
                mention = asker_of(case, entry.body.inquiry)
        return mention, False

    # --- buttons of notes -------------------------------------------------------------------------

    def _record(self, note: ThreadNote, ts: str, versions: Sequence[int]) -> None:
        """Record a note with buttons, so that it follows its case."""
        name = " ".join(map(str, versions))
        live_list = LiveList(
            key=note.key,
            place=note.channel,
            ts=ts,
            sections={name: (note.case.id,)},
            shown_at=self.clock(),
        )
        if self.live_lists.save(live_list, cases=[note.case]):
            self.follow(note.case, [note.key])

    def _update_note(self, message: LeasedMessage) -> None:
        """Give a note the buttons that work now; the last time, none."""
        key = str(message.payload["note"])
        live_list = self.live_lists.get(key)
        state = self.card_store.state_of(message)
        case, cards = state.case, state.cards
        if live_list and cards:
            (name,) = live_list.sections
            versions = [int(version) for version in name.split(" ")]
            entries = self._entries(case, versions)
            note = self._note(key, case, entries, card=cards[0])
            # The case may have a card in another channel by now.
            note = replace(note, channel=live_list.place)
            self.chat.update_note(note, live_list.ts)
            if not note.has_buttons:
                self.live_lists.delete(key)
        self.outbox.finish(message)


def has_evidence(case: Case, card: CardRef) -> bool:
    """Tell whether there is evidence for the thread of a card."""
    if case.was_auto_approved and case.state in CARRIED_OUT:
        # Nobody decides by it; *Details* has it.
        return False
    return bool(card.ts) and any(fact.label for fact in case.assessment.evidence)


def evidence_key(case: Case, card: CardRef) -> str:
    """Return the key of the evidence in the thread of a card."""
    return f"{NOTE_PREFIX}{case.id}:evidence:{card.ts}"


def evidence_message(
    case: Case, card: CardRef, run_at: datetime, *, is_doubtful: bool = False
) -> OutboxMessage:
    """Request the evidence in the thread of a card.

    ``is_doubtful``: it may be there already, and is looked for first.
    """
    return OutboxMessage(
        topic=Topic.NOTE,
        key=evidence_key(case, card),
        case_id=case.id,
        run_at=run_at,
        payload={"evidence": card.ts, **({IS_DOUBTFUL: True} if is_doubtful else {})},
        priority=EVIDENCE_PRIORITY,
    )


def next_evidence_time(now: datetime) -> datetime:
    """Return when evidence that gave way to cards is tried.

    In full seconds, so that those of a burst are claimed together.
    """
    return (now + EVIDENCE_INTERVAL).replace(microsecond=0) + timedelta(seconds=1)


def _card_at(cards: Sequence[CardRef], ts: str) -> CardRef | None:
    """Return the newest card, if it is this message."""
    return cards[0] if cards and ts and cards[0].ts == ts else None


def _update_message(case: Case, note_key: str, now: datetime) -> OutboxMessage:
    """Request the buttons of a note as they are now."""
    version = note_key.rpartition(":")[2]
    return OutboxMessage(
        topic=Topic.NOTE,
        key=f"{NOTE_PREFIX}{case.id}:buttons:{version}",
        case_id=case.id,
        run_at=now,
        payload={"note": note_key},
    )


def _version_of(key: str) -> int | None:
    """Return the first version of a note; None for another key."""
    match = _NOTE_KEY.fullmatch(key)
    return int(match[1]) if match else None


def _find_beginning(earlier: Sequence[Entry]) -> list[Entry]:
    """Find the earlier entries that the next note must show too."""
    causes = [entry for entry in earlier if isinstance(entry.body, EFFECTS[Topic.NOTE])]
    if not causes or not isinstance(causes[-1].body, BEGINNINGS):
        return []
    beginning = causes[-1:]
    if len(causes) > 1 and isinstance(causes[-2].body, LAST_VOTES):
        # The last vote was given in the same commit.
        beginning = causes[-2:]
    bodies = [entry.body for entry in beginning]
    return beginning if is_noted_with_outcome(bodies) else []


def _has_buttons(case: Case, entries: Sequence[Entry]) -> bool:
    """Tell whether a note asks somebody to decide what still waits."""
    if case.state not in WAITING_ON_PEOPLE:
        return False
    return any(isinstance(entry.body, REQUESTS) for entry in entries)


def _is_emergency(entry: Entry) -> bool:
    return isinstance(entry.body, ApprovalGiven) and entry.body.approval.emergency


def _is_stale(entry: Entry, case: Case) -> bool:
    """Tell whether a later reminder or a decision has overtaken this reminder."""
    if not isinstance(entry.body, Reminded):
        return False
    return (
        case.timers.remind_at is None
        or case.timers.remind_at > entry.body.next_at
        or not case.waits_on
    )
