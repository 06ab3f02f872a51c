"""The common part of the senders of messages."""

from typing import Any

from handlers.cards.text import Json
from handlers.slack.api import SlackApi
from handlers.slack.message_search import MessageSearch

# Slack's limit for the text of a section.
MAX_SECTION_TEXT = 3000
# The message cannot be written over any more.
NOT_EDITABLE_ERRORS = frozenset({"message_not_found", "cant_update_message", "edit_window_closed"})
# Slack's words for blocks that this workspace, or this surface, does not take.
BLOCK_ERRORS = frozenset({"invalid_blocks", "invalid_arguments", "invalid_blocks_format"})


class Sender:
    """The base of everything that writes to Slack."""

    def __init__(self, api: SlackApi) -> None:
        self.api = api
        self.search = MessageSearch(api)

    def permalink(self, channel: str, ts: str) -> str:
        """Return the address of a message; "" when it is unknown."""
        return self.api.permalink(channel, ts)

    def update_message(
        self,
        channel: str,
        ts: str,
        **content: Any,
    ) -> None:
        """Write a message over."""
        self.api.post_to(
            "chat.update",
            channel,
            bucket=message_bucket(channel, ts),
            ts=ts,
            **content,
        )


def message_bucket(channel: str, ts: str) -> str:
    """Name the rate limit of changes to one message.

    It is apart from that of the message's channel.
    """
    return f"{channel}/{ts}"


def plain_section(text: str) -> Json:
    """Build a block that shows text as it is, without markup."""
    return {
        "type": "section",
        "text": {"type": "plain_text", "text": text[:MAX_SECTION_TEXT], "emoji": False},
    }
