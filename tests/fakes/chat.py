"""A chat that remembers what it was asked to show, and can fail in each of the ways Slack does."""

from bot.cases.errors import ChatFailed
from bot.ports.card_store import CardRef
from bot.ports.chat import PostedMessage
from bot.ports.connector import EffectStatus
from bot.views.calls import DirectCall, SlotCall
from bot.views.inquiries import InquiryMessage


class FakeChat:
    def __init__(self) -> None:
        self.cards: dict[str, list] = {}
        self.notes: list[str] = []
        self.calls: list[tuple[str, bool]] = []
        #: Each note as it was drawn last, by its key.
        self.drawn_notes: dict[str, object] = {}
        self.evidence: list = []
        self.confirmations: list = []
        #: Whom each post of a card, and each call, mentioned.
        self.mentions: list[tuple[str, ...]] = []
        self.direct_calls: dict[str, list] = {}
        self.inquiries: dict[str, list] = {}
        self.slot_calls: dict[str, list] = {}
        self.sent: dict[str, str] = {}
        self.digests: list = []
        self.storms: list = []
        self.homes: list = []
        self.answers: list = []
        self.steps: list = []
        self.failures: list[ChatFailed] = []
        self.cleared: list[tuple] = []
        self.removed_cards: list[str] = []
        self.cleared_threads: list[tuple[str, str]] = []
        self.looked_first = 0
        self.looks: dict[str, object] = {}

    def _maybe_fail(self) -> None:
        if self.failures:
            raise self.failures.pop(0)

    def draw_card(self, case, cards, *, look_first, context, mentions=()):
        self.looked_first += look_first
        self._maybe_fail()
        if mentions and not any(card.generation == case.generation for card in cards):
            self.mentions.append(tuple(mentions))
        self.looks[case.id] = context
        self.cards.setdefault(f"{case.id}/{case.generation}", []).append(case)
        return CardRef(
            case_id=case.id,
            generation=case.generation,
            channel=case.channel,
            ts=f"{case.generation}.0",
            version=case.version,
        )

    def retire_card(self, case, older):
        self._maybe_fail()

    def messages_about(self, name, channel, since):
        self._maybe_fail()
        last = [uid for uid in self.cards if uid.rpartition("/")[0] == name][-1:]
        return [PostedMessage(name, channel, f"{uid.rpartition('/')[2]}.0") for uid in last]

    def remove(self, copy):
        self._maybe_fail()

    def clear_case(self, case_id, cards, people, since, *, with_card=False):
        self._maybe_fail()
        self.cleared.append((case_id, [card.ts for card in cards], list(people)))
        if with_card:
            self.removed_cards.append(case_id)
        return len(cards)

    def clear_thread(self, channel, ts):
        self._maybe_fail()
        self.cleared_threads.append((channel, ts))
        return 1

    def mark_as_copy(self, copy, title, standing):
        self._maybe_fail()

    def post_note(self, note, *, look_first):
        self._maybe_fail()
        self.notes.append(note.key)
        self.calls.append((note.call, note.is_loud))
        self.drawn_notes[note.key] = note
        return f"5.{len(self.notes)}"

    def update_note(self, note, ts):
        self._maybe_fail()
        self.drawn_notes[note.key] = note

    def post_evidence(self, evidence, *, look_first):
        self._maybe_fail()
        self.evidence.append(evidence)

    def confirm(self, order, confirmation):
        self._maybe_fail()
        self.confirmations.append((order, confirmation))

    def post_call(self, call, mentions, *, key, look_first):
        self._maybe_fail()
        self.mentions.append(tuple(mentions))

    def draw_message(self, view, message, *, look_first):
        self.looked_first += look_first
        self._maybe_fail()
        match view:
            case DirectCall():
                messages, place = self.direct_calls, f"D{view.person}"
            case SlotCall():
                messages, place = self.slot_calls, f"D{view.person}"
            case InquiryMessage():
                messages = self.inquiries
                to = view.inquiry.to
                place = f"D{to}" if "/" in to else view.row.channel
        messages.setdefault(view.key, []).append(view)
        return message or PostedMessage(view.key, place, f"6.{len(messages)}")

    def post_digest(self, digest, board, *, look_first):
        self._maybe_fail()
        self.digests.append(digest)
        return board.ts if board else f"9.{len(self.digests)}"

    def post_storm(self, storm, board, *, look_first):
        self._maybe_fail()
        self.storms.append(storm)
        return board.ts if board else f"8.{len(self.storms)}"

    def publish_home(self, home):
        self._maybe_fail()
        self.homes.append(home)

    def start_answer(self, question):
        return "7.0" if question.is_direct else ""

    def post_progress(self, question, stream_ts, words):
        self.steps.append(words)

    def answer(self, question, answer, *, look_first, stream_ts=""):
        self._maybe_fail()
        self.answers.append((question, answer))

    def send(self, to, text, key):
        self._maybe_fail()
        self.sent[key] = text
        return key

    def send_notice(self, to, text, key):
        self.send(to, text, key)

    def find_message(self, to, key):
        return EffectStatus.LANDED if key in self.sent else EffectStatus.ABSENT
