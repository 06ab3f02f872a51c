"""The one sender of messages."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from bot.cases.case import Case
from bot.ports.card_store import CardContext, CardRef
from bot.ports.connector import EffectStatus
from bot.ports.live_lists import LiveList
from bot.ports.question_log import PostedQuestion
from bot.views.alert_storm import StormView
from bot.views.answers import Answer
from bot.views.app_home import HomeView
from bot.views.calls import ThreadCall
from bot.views.digest import DigestView
from bot.views.live_messages import LiveMessage
from bot.views.thread_notes import ThreadEvidence, ThreadNote
from bot.views.thread_orders import Confirmation, PostedOrder


@dataclass(frozen=True, slots=True)
class PostedMessage:
    """A message of the bot as its channel shows it."""

    #: The case or list that the message says it shows.
    name: str
    channel: str
    ts: str
    #: Somebody has replied under it.
    is_answered: bool = False


class Chat(Protocol):
    """Post and update messages. Raises ``ChatFailed`` and its kin.

    ``look_first``: an earlier attempt may have posted the message already.
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
        """Make the one live card of this case show its state.

        ``mentions`` are people and groups. A post notifies them, an update does not.

        Return where it stands.
        """

    def retire_card(self, case: Case, older: CardRef) -> None:
        """Remove the buttons from a card that a newer one replaces."""

    def messages_about(self, name: str, channel: str, since: float) -> list[PostedMessage]:
        """Read from the channel which messages show this case or list."""

    def remove(self, copy: PostedMessage) -> None:
        """Delete a message that was posted twice."""

    def clear_case(
        self,
        case_id: str,
        cards: Sequence[CardRef],
        people: Sequence[str],
        since: float,
        *,
        with_card: bool = False,
    ) -> int:
        """Delete what was posted about a case, ``with_card`` its newest card too.

        Return how many messages.
        """

    def clear_thread(self, channel: str, ts: str) -> int:
        """Delete the bot's own replies to a message. Return how many."""

    def mark_as_copy(self, copy: PostedMessage, title: str, standing: CardRef) -> None:
        """Replace the buttons of a duplicate message by a link."""

    def post_note(self, note: ThreadNote, *, look_first: bool) -> str:
        """Post entries, in words, in the thread of the card.

        Return its message id.
        """

    def update_note(self, note: ThreadNote, ts: str) -> None:
        """Write a note over, with the buttons that work now."""

    def post_evidence(self, evidence: ThreadEvidence, *, look_first: bool) -> None:
        """Post the facts of a case in its thread, once a card."""

    def post_call(
        self,
        call: ThreadCall,
        mentions: Sequence[str],
        *,
        key: str,
        look_first: bool,
    ) -> None:
        """Mention people and groups in a thread, once for each ``key``."""

    def draw_message(
        self, view: LiveMessage, message: PostedMessage | None, *, look_first: bool
    ) -> PostedMessage:
        """Send a message that follows its cases, or update ``message``.

        Return the place of the message.
        """

    def post_digest(
        self, digest: DigestView, live_list: LiveList | None, *, look_first: bool
    ) -> str:
        """Post a digest, or update the one that stands.

        Return its message id.
        """

    def post_storm(self, storm: StormView, live_list: LiveList | None, *, look_first: bool) -> str:
        """Post the card that many cases share, or update it.

        Return its message id.
        """

    def publish_home(self, home: HomeView) -> None:
        """Publish a person's App Home."""

    def start_answer(self, question: PostedQuestion) -> str:
        """Show that an answer is being prepared.

        Return a name for it, with which the answer may grow in its place; or nothing.
        """

    def post_progress(self, question: PostedQuestion, stream_ts: str, words: str) -> None:
        """Say what is being looked up for the answer."""

    def answer(
        self, question: PostedQuestion, answer: Answer, *, look_first: bool, stream_ts: str = ""
    ) -> None:
        """Answer where the question was posted.

        Privately, unless everyone there may see all of the answer.
        """

    def confirm(self, order: PostedOrder, confirmation: Confirmation) -> None:
        """Answer an order in words, to the person alone."""

    def send(self, to: str, text: str, key: str) -> str:
        """Send a plain message under this key. Return its id."""

    def send_notice(self, to: str, text: str, key: str) -> None:
        """Send a notice under this key.

        Dates are shown in the reader's time zone.
        """

    def find_message(self, to: str, key: str) -> EffectStatus:
        """Look whether the message under this key is there."""
