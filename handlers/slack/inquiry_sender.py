"""Sends questions about cases, and keeps their messages true."""

from typing import Any

from bot.cases.actor import is_person
from bot.cases.errors import ChatFailed
from bot.clock import utc_now
from bot.ports.chat import PostedMessage
from bot.views.inquiries import InquiryMessage
from handlers.cards.inquiry_message import inquiry_blocks, inquiry_text
from handlers.slack.api import SlackApi
from handlers.slack.mentions import Mentions
from handlers.slack.message_metadata import MessageKind, message_options
from handlers.slack.message_search import MessageQuery
from handlers.slack.sender import NOT_EDITABLE_ERRORS, Sender

# A question in doubt is looked for soon after it was sent.
SEARCH_BACK_SECONDS = 7 * 86_400.0


class InquirySender(Sender):
    """Asks a person directly, and a group in the card's thread."""

    def __init__(self, api: SlackApi) -> None:
        super().__init__(api)
        self._inquiry_mentions = Mentions(api)

    def draw_inquiry(
        self, view: InquiryMessage, message: PostedMessage | None, *, look_first: bool
    ) -> PostedMessage:
        """Send a question, or update its message."""
        recipient, thread_ts = _recipient(view)
        reference = message
        if reference is None and look_first:
            reference = self._find_inquiry(view, recipient, thread_ts)
        if reference is None:
            options = message_options(MessageKind.INQUIRY, view.key)
            if thread_ts:
                options["thread_ts"] = thread_ts
            response = self.api.post_to(
                "chat.postMessage", recipient, **self._inquiry_content(view), **options
            )
            return PostedMessage(view.key, str(response["channel"]), str(response["ts"]))
        try:
            self.update_message(reference.channel, reference.ts, **self._inquiry_content(view))
        except ChatFailed as failure:
            # A message that is gone stays away: nobody is asked twice.
            if failure.error not in NOT_EDITABLE_ERRORS:
                raise
        return reference

    def _inquiry_content(self, view: InquiryMessage) -> dict[str, Any]:
        mentions = []
        if not is_person(view.inquiry.to):
            mentions = self._inquiry_mentions.elements_for([view.inquiry.to])
        return {
            "text": inquiry_text(view),
            "blocks": inquiry_blocks(view, self.permalink, mentions),
        }

    def _find_inquiry(
        self, view: InquiryMessage, recipient: str, thread_ts: str
    ) -> PostedMessage | None:
        query = MessageQuery(
            kind=MessageKind.INQUIRY,
            uid=view.key,
            recipient=recipient,
            since=utc_now().timestamp() - SEARCH_BACK_SECONDS,
            thread_ts=thread_ts,
            must_be_complete=True,
        )
        ts = self.search.find_first(query)
        if ts is None:
            return None
        return PostedMessage(view.key, self.api.channel_id(recipient), ts)


def _recipient(view: InquiryMessage) -> tuple[str, str]:
    """Return the person, or the channel and the message with the card."""
    if is_person(view.inquiry.to):
        return view.inquiry.to.rpartition("/")[2], ""
    return view.row.channel, view.row.ts
