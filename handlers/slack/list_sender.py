"""Posts and redraws the lists of cases: digests and storm cards."""

from dataclasses import dataclass
from typing import Any

from bot.cases.errors import ChatFailed
from bot.clock import utc_now
from bot.ports.live_lists import LiveList
from bot.views.alert_storm import StormView
from bot.views.digest import DigestView
from handlers.cards.charts import without_charts
from handlers.cards.digest_card import digest_card, digest_text, rest_blocks
from handlers.cards.storm_card import storm_card, storm_headline
from handlers.cards.text import JsonMapping, escape_mrkdwn
from handlers.slack.message_metadata import MessageKind, message_options
from handlers.slack.message_search import MessageQuery
from handlers.slack.sender import BLOCK_ERRORS, NOT_EDITABLE_ERRORS, Sender, message_bucket

SEARCH_BACK_SECONDS = 86_400
REST_TITLE = "What else is open"


@dataclass(frozen=True, slots=True, kw_only=True)
class _ListMessage:
    kind: MessageKind
    key: str
    channel: str
    #: ``text`` and ``blocks``.
    content: JsonMapping


class ListSender(Sender):
    """Keeps one live message for each list."""

    def post_digest(
        self,
        digest: DigestView,
        board: LiveList | None,
        *,
        look_first: bool,
    ) -> str:
        """Post a digest, or redraw the one at ``board``; return its ``ts``.

        The cases that have no room in it are listed in its thread, once.
        """
        message = _ListMessage(
            kind=MessageKind.DIGEST,
            key=digest.key,
            channel=self.api.channel_id(digest.place.rpartition("/")[2]),
            content={"text": digest_text(digest), "blocks": digest_card(digest, self.permalink)},
        )
        existing_ts = self._update_existing(message, board, look_first=look_first)
        ts = existing_ts or self._post_list(message)
        # An earlier attempt may have got no further than the digest itself.
        if digest.rest and board is None:
            self._post_rest(digest, message.channel, thread_ts=ts, look_first=bool(existing_ts))
        return ts

    def post_storm(
        self,
        storm: StormView,
        board: LiveList | None,
        *,
        look_first: bool,
    ) -> str:
        """Post the card that many cases share; return its ``ts``.

        The one at ``board`` is redrawn instead.
        """
        message = _ListMessage(
            kind=MessageKind.STORM,
            key=storm.key,
            channel=storm.place,
            content={
                "text": escape_mrkdwn(storm_headline(storm)),
                "blocks": storm_card(storm, self.permalink),
            },
        )
        ts = self._update_existing(message, board, look_first=look_first)
        return ts or self._post_list(message)

    def _update_existing(
        self,
        message: _ListMessage,
        board: LiveList | None,
        *,
        look_first: bool,
    ) -> str | None:
        """Redraw the recorded list, or the one of an earlier attempt.

        Return its ``ts``; None when there is neither.
        """
        ts = board.ts if board is not None else None
        if board is None and look_first:
            query = MessageQuery(
                kind=message.kind,
                uid=message.key,
                recipient=message.channel,
                since=utc_now().timestamp() - SEARCH_BACK_SECONDS,
            )
            ts = self.search.find_first(query)
        if ts is not None:
            # An earlier attempt drew its cases as they were then.
            self._redraw_list(message, ts)
        return ts

    def _redraw_list(self, message: _ListMessage, ts: str) -> None:
        bucket = message_bucket(message.channel, ts)
        try:
            self._send_with_charts(
                "chat.update",
                message.channel,
                bucket=bucket,
                ts=ts,
                **message.content,
            )
        except ChatFailed as failure:
            # Somebody deleted the list: it stays away.
            if failure.error not in NOT_EDITABLE_ERRORS:
                raise

    def _post_list(self, message: _ListMessage) -> str:
        options = message_options(message.kind, message.key)
        response = self._send_with_charts(
            "chat.postMessage", message.channel, **message.content, **options
        )
        return str(response["ts"])

    def _post_rest(
        self,
        digest: DigestView,
        channel: str,
        *,
        thread_ts: str,
        look_first: bool,
    ) -> None:
        uid = f"{digest.key}/rest"
        query = MessageQuery(
            kind=MessageKind.DIGEST, uid=uid, recipient=channel, thread_ts=thread_ts
        )
        if look_first and self.search.find_first(query):
            return
        self.api.post_to(
            "chat.postMessage",
            channel,
            thread_ts=thread_ts,
            text=REST_TITLE,
            blocks=rest_blocks(digest, self.permalink),
            **message_options(MessageKind.DIGEST, uid),
        )

    def _send_with_charts(
        self,
        method: str,
        channel: str,
        **arguments: Any,
    ) -> JsonMapping:
        """Send charts, or the same numbers as text where charts fail."""
        try:
            return self.api.post_to(method, channel, **arguments)
        except ChatFailed as failure:
            if failure.error not in BLOCK_ERRORS:
                raise
        arguments["blocks"] = without_charts(arguments["blocks"])
        return self.api.post_to(method, channel, **arguments)
