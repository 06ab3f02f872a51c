"""Posts in the threads of cards, and private answers there."""

from collections.abc import Sequence

from bot.cases.errors import ChatFailed, ChatUnknown, RateLimited
from bot.views.thread_notes import ThreadEvidence, ThreadNote
from bot.views.thread_orders import Confirmation, PostedOrder
from handlers.cards.notes import note_blocks, note_text
from handlers.cards.text import Json, JsonMapping
from handlers.cards.thread_confirmation import confirmation_blocks, confirmation_text
from handlers.cards.thread_table import evidence_list, evidence_table, evidence_text
from handlers.slack.api import SlackApi, response_data, slack_errors
from handlers.slack.mentions import Mentions
from handlers.slack.message_metadata import MessageKind, message_options
from handlers.slack.message_search import MessageQuery
from handlers.slack.sender import BLOCK_ERRORS, NOT_EDITABLE_ERRORS, Sender


class ThreadSender(Sender):
    """Notes, evidence and private answers."""

    def __init__(self, api: SlackApi) -> None:
        super().__init__(api)
        self._note_mentions = Mentions(api)

    def post_note(self, note: ThreadNote, *, look_first: bool) -> str:
        """Post entries in the thread, once for each key; return the ``ts``."""
        if look_first:
            ts = self._find(MessageKind.NOTE, note)
            if ts:
                # An earlier attempt offered the buttons that worked then.
                self.update_note(note, ts)
                return ts
        options = message_options(MessageKind.NOTE, note.key)
        if note.is_loud:
            options["reply_broadcast"] = True
        response = self.api.post_to(
            "chat.postMessage",
            note.channel,
            thread_ts=note.thread_ts,
            **self._note_content(note),
            **options,
        )
        return str(response["ts"])

    def update_note(self, note: ThreadNote, ts: str) -> None:
        """Write a note over; one that is gone stays away."""
        try:
            self.update_message(note.channel, ts, **self._note_content(note))
        except ChatFailed as failure:
            if failure.error not in NOT_EDITABLE_ERRORS:
                raise

    def post_evidence(self, evidence: ThreadEvidence, *, look_first: bool) -> None:
        """Post the evidence in the thread, once for each key."""
        if look_first and self._find(MessageKind.EVIDENCE, evidence):
            return
        try:
            self._post_evidence(evidence, evidence_table(evidence))
        except ChatFailed as failure:
            if failure.error not in BLOCK_ERRORS:
                raise
            self._post_evidence(evidence, evidence_list(evidence))

    def confirm(self, order: PostedOrder, confirmation: Confirmation) -> None:
        """Answer an order to the person alone, where it was given."""
        place = {"thread_ts": order.thread} if order.thread else {}
        self.api.post_to(
            "chat.postEphemeral",
            order.channel,
            user=order.user,
            text=confirmation_text(confirmation),
            blocks=confirmation_blocks(confirmation),
            **place,
        )

    def thread_of(self, channel: str, ts: str) -> str:
        """Return the thread in which a message stands; "" for none."""
        try:
            with slack_errors():
                response = self.api.client.conversations_replies(channel=channel, ts=ts, limit=1)
        except (ChatUnknown, RateLimited):
            raise
        except ChatFailed:
            # The message is gone, or the channel is not ours to read.
            return ""
        messages: Sequence[JsonMapping] = response_data(response).get("messages", ())
        return str(messages[0].get("thread_ts") or "") if messages else ""

    def _note_content(self, note: ThreadNote) -> Json:
        mention = self._note_mentions.element_for(note.call)
        return {
            "text": note_text(note),
            "blocks": note_blocks(note, self.permalink, mention),
        }

    def _post_evidence(self, evidence: ThreadEvidence, blocks: Sequence[Json]) -> None:
        self.api.post_to(
            "chat.postMessage",
            evidence.channel,
            thread_ts=evidence.thread_ts,
            text=evidence_text(evidence),
            blocks=blocks,
            **message_options(MessageKind.EVIDENCE, evidence.key),
        )

    def _find(self, kind: MessageKind, message: ThreadNote | ThreadEvidence) -> str | None:
        query = MessageQuery(
            kind=kind,
            uid=message.key,
            recipient=message.channel,
            thread_ts=message.thread_ts,
        )
        return self.search.find_first(query)
