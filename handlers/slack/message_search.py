"""Find our own messages in a channel or thread by their metadata."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass

from bot.cases.errors import ChatUnknown
from handlers.cards.text import Json, JsonMapping
from handlers.slack.api import SlackApi, response_data, slack_errors
from handlers.slack.message_metadata import LIST_KINDS, MessageKind

log = logging.getLogger(__name__)
PAGE_SIZE = 200
MAX_PAGES = 100
# Slack's clock and ours may differ.
CLOCK_DIFFERENCE_SECONDS = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageQuery:
    """A search for messages of this bot."""

    #: None finds every card of the case ``uid``, or every copy of the list ``uid``.
    kind: MessageKind | None
    uid: str
    #: A channel, or a person for the direct messages with them.
    recipient: str
    #: Unix time of the oldest message to look at; not used within a thread.
    since: float = 0.0
    #: Look through the replies to this message instead of the channel.
    thread_ts: str = ""
    #: Raise ``ChatUnknown`` rather than report "absent" when there were too many messages to read.
    must_be_complete: bool = False

    def matches(self, metadata: JsonMapping) -> bool:
        """Tell whether a message with this metadata is looked for."""
        kind = metadata.get("event_type")
        uid = str(metadata.get("event_payload", {}).get("uid", ""))
        if self.kind:
            return kind == self.kind and uid == self.uid
        if kind == MessageKind.CARD:
            # Of any generation: the uid of a card is "EX-12/<generation>".
            return uid.rpartition("/")[0] == self.uid
        return kind in LIST_KINDS and uid == self.uid


@dataclass(frozen=True, slots=True)
class MessageMatch:
    """A message that was found."""

    ts: str
    has_replies: bool


class MessageSearch:
    """Reads channels and threads page by page for messages of this bot."""

    def __init__(self, api: SlackApi) -> None:
        self._api = api

    def find(self, query: MessageQuery) -> list[MessageMatch]:
        """Return every message that matches, in the order of Slack's pages.

        Raises:
            ChatUnknown: ``must_be_complete``, nothing was found, and not everything could be read.
        """
        matches: list[MessageMatch] = []
        is_complete = False
        for page in self._pages(query):
            for message in page["messages"]:
                if self._is_match(message, query):
                    match = MessageMatch(str(message["ts"]), bool(message.get("reply_count")))
                    matches.append(match)
            is_complete = not _next_cursor(page)
        if not is_complete:
            self._report_incomplete(query, matches)
        return matches

    def find_first(self, query: MessageQuery) -> str | None:
        """Return the ``ts`` of the first match; delete its duplicates."""
        timestamps = sorted(match.ts for match in self.find(query))
        if not timestamps:
            return None
        first, *duplicates = timestamps
        # A list is recorded by its place: the sweep decides which of its copies is the live one.
        if query.kind not in LIST_KINDS:
            for ts in duplicates:
                self._api.post_to(
                    "chat.delete",
                    self._api.channel_id(query.recipient),
                    ts=ts,
                )
        return first

    def own_messages(self, query: MessageQuery) -> Iterator[tuple[str, str]]:
        """Yield ``ts`` and uid of every message of this bot."""
        bot_id = self._api.identity()["bot_id"]
        for page in self._pages(query):
            for message in page["messages"]:
                if message.get("bot_id") == bot_id:
                    payload = (message.get("metadata") or {}).get("event_payload") or {}
                    yield str(message["ts"]), str(payload.get("uid", ""))

    def _pages(self, query: MessageQuery) -> Iterator[JsonMapping]:
        client = self._api.client
        arguments: Json = {
            "channel": self._api.channel_id(query.recipient),
            "include_all_metadata": True,
            "limit": PAGE_SIZE,
        }
        if query.thread_ts:
            arguments["ts"] = query.thread_ts
            read_page = client.conversations_replies
        else:
            arguments["oldest"] = f"{query.since - CLOCK_DIFFERENCE_SECONDS:.6f}"
            read_page = client.conversations_history
        for _ in range(MAX_PAGES):
            with slack_errors():
                page = response_data(read_page(**arguments))
            yield page
            arguments["cursor"] = _next_cursor(page)
            if not arguments["cursor"]:
                return

    def _is_match(self, message: JsonMapping, query: MessageQuery) -> bool:
        if not query.matches(message.get("metadata") or {}):
            return False
        return bool(message.get("bot_id") == self._api.identity()["bot_id"])

    def _report_incomplete(self, query: MessageQuery, matches: list[MessageMatch]) -> None:
        if query.must_be_complete and not matches:
            raise ChatUnknown("there are too many messages to search")
        log.warning("%s: %s has too many messages to read", query.uid, query.recipient)


def _next_cursor(page: JsonMapping) -> str:
    metadata = page.get("response_metadata") or {}
    return str(metadata.get("next_cursor") or "")
