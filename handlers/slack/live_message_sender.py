"""Sends messages that follow their cases: direct calls, slots and questions."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import assert_never

from bot.cases.actor import is_person
from bot.cases.errors import ChatFailed
from bot.clock import utc_now
from bot.ports.chat import PostedMessage
from bot.views.calls import DirectCall, SlotCall
from bot.views.inquiries import InquiryMessage
from bot.views.live_messages import LiveMessage
from handlers.cards.call_message import (
    direct_call_blocks,
    direct_call_text,
    slot_call_blocks,
    slot_call_text,
)
from handlers.cards.inquiry_message import inquiry_blocks, inquiry_text
from handlers.cards.text import Json
from handlers.slack.api import SlackApi
from handlers.slack.mentions import Mentions
from handlers.slack.message_metadata import MessageKind, message_options
from handlers.slack.message_search import MessageQuery
from handlers.slack.sender import NOT_EDITABLE_ERRORS, Sender

# A message in doubt is looked for soon after it was sent.
SEARCH_BACK_SECONDS = 7 * 86_400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Content:
    """A message as Slack takes it."""

    kind: MessageKind = MessageKind.CALL
    key: str
    #: A user or a channel.
    recipient: str
    #: The message with the card; empty outside of threads.
    thread_ts: str = ""
    text: str
    blocks: Sequence[Json]


class LiveMessageSender(Sender):
    """Sends such a message once, and redraws it where it stands."""

    def __init__(self, api: SlackApi) -> None:
        super().__init__(api)
        self._group_mentions = Mentions(api)

    def draw_message(
        self, view: LiveMessage, message: PostedMessage | None, *, look_first: bool
    ) -> PostedMessage:
        """Send a message, or update the one in the channel already.

        Return its place.
        """
        content = self._content(view)
        reference = message
        if reference is None and look_first:
            reference = self._find_message(content)
        if reference is None:
            return self._post_message(content)
        try:
            self.update_message(
                reference.channel, reference.ts, text=content.text, blocks=content.blocks
            )
        except ChatFailed as failure:
            # A message that is gone stays away: nobody is called twice.
            if failure.error not in NOT_EDITABLE_ERRORS:
                raise
        return reference

    def _content(self, view: LiveMessage) -> _Content:
        match view:
            case DirectCall():
                return _Content(
                    key=view.key,
                    recipient=_user_id(view.person),
                    text=direct_call_text(view),
                    blocks=direct_call_blocks(view, self.permalink),
                )
            case SlotCall():
                return _Content(
                    key=view.key,
                    recipient=_user_id(view.person),
                    text=slot_call_text(view),
                    blocks=slot_call_blocks(view, self.permalink),
                )
            case InquiryMessage():
                return self._inquiry_content(view)
            case _:
                assert_never(view)

    def _inquiry_content(self, view: InquiryMessage) -> _Content:
        """Address a person directly, and a group in the card's thread."""
        to = view.inquiry.to
        is_direct = is_person(to)
        if is_direct:
            recipient = _user_id(to)
            thread_ts = ""
            mentions = []
        else:
            recipient = view.row.channel
            thread_ts = view.row.ts
            mentions = self._group_mentions.elements_for([to])
        return _Content(
            kind=MessageKind.INQUIRY,
            key=view.key,
            recipient=recipient,
            thread_ts=thread_ts,
            text=inquiry_text(view),
            blocks=inquiry_blocks(view, self.permalink, mentions),
        )

    def _post_message(self, content: _Content) -> PostedMessage:
        options = message_options(content.kind, content.key)
        if content.thread_ts:
            options["thread_ts"] = content.thread_ts
        response = self.api.post_to(
            "chat.postMessage",
            content.recipient,
            text=content.text,
            blocks=content.blocks,
            **options,
        )
        return PostedMessage(content.key, str(response["channel"]), str(response["ts"]))

    def _find_message(self, content: _Content) -> PostedMessage | None:
        query = MessageQuery(
            kind=content.kind,
            uid=content.key,
            recipient=content.recipient,
            since=utc_now().timestamp() - SEARCH_BACK_SECONDS,
            thread_ts=content.thread_ts,
            must_be_complete=True,
        )
        ts = self.search.find_first(query)
        if ts is None:
            return None
        return PostedMessage(content.key, self.api.channel_id(content.recipient), ts)


def _user_id(account: str) -> str:
    return account.rpartition("/")[2]
