"""A chat that writes to nobody: for a past that nobody is told of, and for trials."""

from collections.abc import Sequence

from bot.cases.case import Case
from bot.ports.card_store import CardContext, CardRef
from bot.ports.chat import Chat, PostedMessage
from bot.ports.connector import EffectStatus


class NullChat(Chat):
    """Messages that are part of a plan count as read."""

    def draw_card(
        self, case: Case, cards: Sequence[CardRef], *, look_first: bool, context: CardContext
    ) -> CardRef:
        return CardRef(
            case_id=case.id,
            generation=case.generation,
            channel=case.channel,
            ts="",
            version=case.version,
        )

    def retire_card(self, case: Case, older: CardRef) -> None:
        return None

    def messages_about(self, name: str, channel: str, since: float) -> list[PostedMessage]:
        return []

    def remove(self, copy: PostedMessage) -> None:
        return None

    def mark_as_copy(self, copy: PostedMessage, title: str, standing: CardRef) -> None:
        return None

    def post_note(
        self,
        case: Case,
        entries: object,
        cards: object,
        *,
        key: str,
        look_first: bool,
        call: str = "",
        is_loud: bool = False,
    ) -> None:
        return None

    def post_digest(self, digest: object, board: object, *, look_first: bool) -> str:
        return ""

    def post_storm(self, storm: object, board: object, *, look_first: bool) -> str:
        return ""

    def publish_home(self, home: object) -> None:
        return None

    def start_answer(self, question: object) -> str:
        return ""

    def post_progress(self, question: object, stream_ts: str, words: str) -> None:
        return None

    def answer(
        self, question: object, answer: object, *, look_first: bool, stream_ts: str = ""
    ) -> None:
        return None

    def send(self, to: str, text: str, key: str) -> str:
        return ""

    def find_message(self, to: str, key: str) -> EffectStatus:
        return EffectStatus.LANDED
