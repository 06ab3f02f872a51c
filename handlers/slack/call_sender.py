"""Sends mentions in threads, and direct messages that follow a case."""

from collections.abc import Sequence
from dataclasses import dataclass

from bot.cases.errors import ChatFailed
from bot.clock import utc_now
from bot.ports.chat import PostedMessage
from bot.views.calls import DirectCall, SlotCall, ThreadCall
from handlers.cards.call_message import (
    direct_call_blocks,
    direct_call_text,
    notice_blocks,
    notice_text,
    slot_call_blocks,
    slot_call_text,
    thread_call_blocks,
    thread_call_text,
)
from handlers.cards.text import Json
from handlers.slack.api import SlackApi
from handlers.slack.mentions import Mentions
from handlers.slack.message_metadata import MessageKind, message_options
from handlers.slack.message_search import MessageQuery
from handlers.slack.sender import NOT_EDITABLE_ERRORS, Sender

# A direct message in doubt is looked for soon after it was sent.
SEARCH_BACK_SECONDS = 7 * 86_400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Content:
    """A direct message that follows one or more cases."""

    key: str
    person: str
    text: str
    blocks: Sequence[Json]


class CallSender(Sender):
    """Mentions people, and writes to them."""

    def __init__(self, api: SlackApi) -> None:
        super().__init__(api)
        self._call_mentions = Mentions(api)

    def post_call(
        self,
        call: ThreadCall,
        mentions: Sequence[str],
        *,
        key: str,
        look_first: bool,
    ) -> None:
        """Mention people and groups in a thread, once for each ``key``."""
        query = MessageQuery(
            kind=MessageKind.CALL,
            uid=key,
            recipient=call.channel,
            thread_ts=call.thread_ts,
        )
        if look_first and self.search.find_first(query):
            return
        elements = self._call_mentions.elements_for(mentions)
        self.api.post_to(
            "chat.postMessage",
            call.channel,
            thread_ts=call.thread_ts,
            text=thread_call_text(call),
            blocks=thread_call_blocks(call, elements),
            **message_options(MessageKind.CALL, key),
        )

    def draw_direct_call(
        self, call: DirectCall, message: PostedMessage | None, *, look_first: bool
    ) -> PostedMessage:
        """Send a direct message about a case, or update it."""
        content = _Content(
            key=call.key,
            person=call.person,
            text=direct_call_text(call),
            blocks=direct_call_blocks(call, self.permalink),
        )
        return self._draw(content, message, look_first=look_first)

    def draw_slot_call(
        self, slot: SlotCall, message: PostedMessage | None, *, look_first: bool
    ) -> PostedMessage:
        """Send a direct message about several cases, or update it."""
        content = _Content(
            key=slot.key,
            person=slot.person,
            text=slot_call_text(slot),
            blocks=slot_call_blocks(slot, self.permalink),
        )
        return self._draw(content, message, look_first=look_first)

    def send_notice(self, to: str, text: str, key: str) -> None:
        """Send a notice, with dates in the reader's time zone."""
        self.api.post_to(
            "chat.postMessage",
            to,
            text=notice_text(text),
            blocks=notice_blocks(text),
            **message_options(MessageKind.MESSAGE, key),
        )

    def _draw(
        self, content: _Content, message: PostedMessage | None, *, look_first: bool
    ) -> PostedMessage:
        reference = message
        if reference is None and look_first:
            reference = self._find_direct(content)
        if reference is None:
            return self._post_direct(content)
        try:
            self.update_message(
                reference.channel, reference.ts, text=content.text, blocks=content.blocks
            )
        except ChatFailed as failure:
            # A message that is gone stays away: nobody is called twice.
            if failure.error not in NOT_EDITABLE_ERRORS:
                raise
        return reference

    def _post_direct(self, content: _Content) -> PostedMessage:
        response = self.api.post_to(
            "chat.postMessage",
            _user_id(content.person),
            text=content.text,
            blocks=content.blocks,
            **message_options(MessageKind.CALL, content.key),
        )
        return PostedMessage(content.key, str(response["channel"]), str(response["ts"]))

    def _find_direct(self, content: _Content) -> PostedMessage | None:
        user_id = _user_id(content.person)
        query = MessageQuery(
            kind=MessageKind.CALL,
            uid=content.key,
            recipient=user_id,
            since=utc_now().timestamp() - SEARCH_BACK_SECONDS,
            must_be_complete=True,
        )
        ts = self.search.find_first(query)
        if ts is None:
            return None
        return PostedMessage(content.key, self.api.channel_id(user_id), ts)


def _user_id(account: str) -> str:
    return account.rpartition("/")[2]
