"""Sends mentions in threads, and direct messages that follow a case."""

from collections.abc import Sequence
from typing import Any

from bot.cases.errors import ChatFailed
from bot.clock import utc_now
from bot.ports.chat import PostedMessage
from bot.views.calls import DirectCall, ThreadCall
from handlers.cards.call_message import (
    direct_call_blocks,
    direct_call_text,
    thread_call_blocks,
    thread_call_text,
)
from handlers.slack.api import SlackApi
from handlers.slack.mentions import Mentions
from handlers.slack.message_metadata import MessageKind, message_options
from handlers.slack.message_search import MessageQuery
from handlers.slack.sender import NOT_EDITABLE_ERRORS, Sender

# A direct message in doubt is looked for soon after it was sent.
SEARCH_BACK_SECONDS = 7 * 86_400.0


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
        content: dict[str, Any] = {
            "text": direct_call_text(call),
            "blocks": direct_call_blocks(call, self.permalink),
        }
        reference = message
        if reference is None and look_first:
            reference = self._find_direct_call(call)
        if reference is None:
            options = message_options(MessageKind.CALL, call.key)
            user_id = _user_id(call.person)
            response = self.api.post_to("chat.postMessage", user_id, **content, **options)
            return PostedMessage(call.key, str(response["channel"]), str(response["ts"]))
        try:
            self.update_message(reference.channel, reference.ts, **content)
        except ChatFailed as failure:
            # A message that is gone stays away: nobody is called twice.
            if failure.error not in NOT_EDITABLE_ERRORS:
                raise
        return reference

    def _find_direct_call(self, call: DirectCall) -> PostedMessage | None:
        user_id = _user_id(call.person)
        query = MessageQuery(
            kind=MessageKind.CALL,
            uid=call.key,
            recipient=user_id,
            since=utc_now().timestamp() - SEARCH_BACK_SECONDS,
            must_be_complete=True,
        )
        ts = self.search.find_first(query)
        if ts is None:
            return None
        return PostedMessage(call.key, self.api.channel_id(user_id), ts)


def _user_id(account: str) -> str:
    return account.rpartition("/")[2]
