"""Sends plain messages: those of a plan's actions, and private replies."""

import contextlib
from collections.abc import Mapping, Sequence

from bot.cases.errors import ChatFailed
from bot.clock import utc_now
from bot.ports.connector import EffectStatus
from handlers.cards.text import escape_mrkdwn
from handlers.slack.message_metadata import MessageKind, message_options
from handlers.slack.message_search import MessageQuery
from handlers.slack.sender import MAX_SECTION_TEXT, Sender, plain_section

# An approval that is older has expired: its message is not sent again for want of an earlier one.
SEARCH_BACK_SECONDS = 30 * 86_400.0
# Slack's limits for the agent pane.
MAX_PROMPTS = 4
MAX_PROMPT_TITLE = 60


class TextSender(Sender):
    """Sends text from outside as plain text."""

    def send(
        self,
        to: str,
        text: str,
        key: str,
    ) -> str:
        """Post a message to a channel or person; return its ``ts``."""
        response = self.api.post_to(
            "chat.postMessage",
            to,
            text=escape_mrkdwn(text, MAX_SECTION_TEXT),
            blocks=[plain_section(text)],
            **message_options(MessageKind.MESSAGE, key),
        )
        return str(response["ts"])

    def find_message(self, to: str, key: str) -> EffectStatus:
        """Look for the message with this key.

        Raises:
            ChatUnknown: it was not found, and not everything could be looked through.
        """
        query = MessageQuery(
            kind=MessageKind.MESSAGE,
            uid=key,
            recipient=to,
            since=utc_now().timestamp() - SEARCH_BACK_SECONDS,
            must_be_complete=True,
        )
        return EffectStatus.LANDED if self.search.find_first(query) else EffectStatus.ABSENT

    def send_ephemeral(
        self,
        channel: str,
        user: str,
        text: str,
        blocks: Sequence[Mapping[str, object]] = (),
        *,
        thread_ts: str = "",
    ) -> None:
        """Show a message in a channel or thread to one person alone.

        ``blocks`` are shown in place of the text.
        """
        place = {"thread_ts": thread_ts} if thread_ts else {}
        self.api.post_to(
            "chat.postEphemeral",
            channel,
            # Slack counts these apart from the messages that everybody sees.
            bucket=f"{channel}/{user}",
            user=user,
            text=escape_mrkdwn(text, MAX_SECTION_TEXT),
            blocks=list(blocks) or [plain_section(text)],
            **place,
        )

    def send_direct(self, user: str, text: str) -> None:
        """Send a direct message to one person."""
        self.api.post_to(
            "chat.postMessage",
            user,
            text=escape_mrkdwn(text, MAX_SECTION_TEXT),
            blocks=[plain_section(text)],
        )

    def suggest_prompts(self, channel: str, questions: Sequence[str]) -> None:
        """Offer questions above the empty line of the agent pane."""
        prompts = [
            {"title": question[:MAX_PROMPT_TITLE], "message": question}
            for question in questions[:MAX_PROMPTS]
        ]
        with contextlib.suppress(ChatFailed):
            self.api.post(
                "assistant.threads.setSuggestedPrompts", channel_id=channel, prompts=prompts
            )
