"""Sends mentions in threads, and notices."""

from collections.abc import Sequence

from bot.views.calls import ThreadCall
from handlers.cards.call_message import (
    notice_blocks,
    notice_text,
    thread_call_blocks,
    thread_call_text,
)
from handlers.slack.api import SlackApi
from handlers.slack.mentions import Mentions
from handlers.slack.message_metadata import MessageKind, message_options
from handlers.slack.message_search import MessageQuery
from handlers.slack.sender import Sender


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

    def send_notice(self, to: str, text: str, key: str) -> None:
        """Send a notice, with dates in the reader's time zone."""
        self.api.post_to(
            "chat.postMessage",
            to,
            text=notice_text(text),
            blocks=notice_blocks(text),
            **message_options(MessageKind.MESSAGE, key),
        )
