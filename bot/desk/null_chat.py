"""A chat that writes to nobody, for trials and a played history."""

from collections.abc import Sequence

from bot.cases.case import Case
from bot.ports.card_store import CardContext, CardRef
from bot.ports.chat import Chat, PostedMessage
from bot.ports.connector import EffectStatus
from bot.views.live_messages import LiveMessage


class NullChat(Chat):
    """Accept everything and show nothing.

    Messages that are part of a plan count as delivered.
    """

    def draw_card(
        self,
        case: Case,
        cards: Sequence[CardRef],
        *,
        look_first: bool,
        context: CardContext,
        mentions: Sequence[str] = (),
    ) -> CardRef:
        """Return a card that was posted nowhere."""
        return CardRef(
            case_id=case.id,
            generation=case.generation,
            channel=case.channel,
            ts="",
            version=case.version,
        )

    def retire_card(self, case: Case, older: CardRef) -> None:
        """Do nothing."""

    def messages_about(
        self,
        name: str,
        channel: str,
        since: float,
    ) -> list[PostedMessage]:
        """Find nothing."""
        return []

    def remove(self, copy: PostedMessage) -> None:
        """Do nothing."""

    def clear_case(
        self,
        case_id: str,
        cards: Sequence[CardRef],
        people: Sequence[str],
        since: float,
        *,
        with_card: bool = False,
    ) -> int:
        """Delete nothing."""
        return 0

    def clear_thread(self, channel: str, ts: str) -> int:
        """Delete nothing."""
        return 0

    def mark_as_copy(
        self,
        copy: PostedMessage,
        title: str,
        standing: CardRef,
    ) -> None:
        """Do nothing."""

    def post_note(self, note: object, *, look_first: bool) -> str:
        """Return no message id."""
        return ""

    def update_note(self, note: object, ts: str) -> None:
        """Do nothing."""

    def post_evidence(self, evidence: object, *, look_first: bool) -> None:
        """Do nothing."""

    def confirm(self, order: object, confirmation: object) -> None:
        """Do nothing."""

    def post_call(
        self,
        call: object,
        mentions: Sequence[str],
        *,
        key: str,
        look_first: bool,
    ) -> None:
        """Do nothing."""

    def draw_message(
        self,
        view: LiveMessage,
        message: PostedMessage | None,
        *,
        look_first: bool,
    ) -> PostedMessage:
        """Return a message that was sent to nobody."""
        return PostedMessage(view.key, channel="", ts="")

    def post_digest(
        self,
        digest: object,
        live_list: object,
        *,
        look_first: bool,
    ) -> str:
        """Return no message id."""
        return ""

    def post_storm(
        self,
        storm: object,
        live_list: object,
        *,
        look_first: bool,
    ) -> str:
        """Return no message id."""
        return ""

    def publish_home(self, home: object) -> None:
        """Do nothing."""

    def start_answer(self, question: object) -> str:
        """Return no message id."""
        return ""

    def post_progress(
        self,
        question: object,
        stream_ts: str,
        words: str,
    ) -> None:
        """Do nothing."""

    def answer(
        self,
        question: object,
        answer: object,
        *,
        look_first: bool,
        stream_ts: str = "",
    ) -> None:
        """Do nothing."""

    def send_notice(
        self,
        to: str,
        text: str,
        key: str,
    ) -> None:
        """Do nothing."""

    def send(
        self,
        to: str,
        text: str,
        key: str,
    ) -> str:
        """Return no message id."""
        return ""

    def find_message(self, to: str, key: str) -> EffectStatus:
        """Report every message as delivered."""
        return EffectStatus.LANDED
