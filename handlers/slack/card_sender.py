"""Posts and redraws cards."""

from collections.abc import Sequence
from dataclasses import replace

from bot.cases.case import Case
from bot.cases.errors import ChatFailed
from bot.desk.message_cleanup import posted_since
from bot.ports.card_store import CardContext, CardRef
from bot.ports.chat import PostedMessage
from handlers.cards.call_message import mention_block
from handlers.cards.case_card import DEFAULT_CONTEXT, case_card, notification_text, superseded_card
from handlers.cards.copies import COPY_TEXT, copy_blocks
from handlers.cards.text import Json, JsonMapping, escape_mrkdwn
from handlers.slack.api import SlackApi
from handlers.slack.mentions import Mentions
from handlers.slack.message_metadata import MessageKind, message_metadata, message_options
from handlers.slack.message_search import MessageQuery
from handlers.slack.sender import NOT_EDITABLE_ERRORS, Sender, message_bucket


class CardSender(Sender):
    """Keeps one live card for each case."""

    def __init__(self, api: SlackApi) -> None:
        super().__init__(api)
        self._mentions = Mentions(api)

    def draw_card(
        self,
        case: Case,
        cards: Sequence[CardRef],
        *,
        look_first: bool,
        context: CardContext = DEFAULT_CONTEXT,
        mentions: Sequence[str] = (),
    ) -> CardRef:
        """Redraw the live card of the case, or post one.

        ``cards``: those that are recorded. ``look_first``: an earlier attempt may have posted one
        that is not recorded; it is looked for and adopted. ``mentions``: people and groups; only
        a post notifies them.
        """
        content = self._card_content(case, context, mentions)
        live = _live_card(case, cards)
        if live:
            try:
                return self._redraw(case, live, content)
            except ChatFailed as failure:
                if failure.error not in NOT_EDITABLE_ERRORS:
                    raise
        if live or look_first:
            unconfirmed_card = self._find_unconfirmed_card(case, cards)
            if unconfirmed_card:
                return self._redraw(case, unconfirmed_card, content)
        return self._post_card(case, content)

    def retire_card(self, case: Case, older: CardRef) -> None:
        """Take the buttons from a card that a newer one replaces."""
        if not older.ts:
            return
        message = PostedMessage(
            name=case.id,
            channel=older.channel,
            ts=older.ts,
        )
        content = {"text": notification_text(case), "blocks": superseded_card(case)}
        self._overwrite_or_delete(message, content)

    def messages_about(
        self,
        name: str,
        channel: str,
        since: float,
    ) -> list[PostedMessage]:
        """List the messages in a channel that show this case or list.

        Cards of every generation are among them.
        """
        query = MessageQuery(
            kind=None,
            uid=name,
            recipient=channel,
            since=since,
        )
        messages = []
        for match in self.search.find(query):
            message = PostedMessage(
                name=name,
                channel=channel,
                ts=match.ts,
                is_answered=match.has_replies,
            )
            messages.append(message)
        return messages

    def remove(self, copy: PostedMessage) -> None:
        """Delete a message that was posted twice."""
        bucket = message_bucket(copy.channel, copy.ts)
        try:
            self.api.post_to("chat.delete", copy.channel, bucket=bucket, ts=copy.ts)
        except ChatFailed as failure:
            if failure.error not in NOT_EDITABLE_ERRORS:
                raise

    def mark_as_copy(
        self,
        copy: PostedMessage,
        title: str,
        standing: CardRef,
    ) -> None:
        """Replace a duplicate by a link to the live card."""
        link = self.permalink(standing.channel, standing.ts)
        content = {
            "text": escape_mrkdwn(COPY_TEXT),
            "blocks": copy_blocks(title, link),
            # Without buttons it is no card any more: it must not be found as one again.
            "metadata": message_metadata(MessageKind.RETIRED_COPY, copy.name),
        }
        self._overwrite_or_delete(copy, content)

    def _find_unconfirmed_card(self, case: Case, cards: Sequence[CardRef]) -> CardRef | None:
        """Find the oldest card whose post was never confirmed."""
        # The search costs calls too: none before there is room for the post that may follow it.
        self.api.limiter.require_room("chat.postMessage", case.channel)
        query = MessageQuery(
            kind=MessageKind.CARD,
            uid=_card_uid(case),
            recipient=case.channel,
            since=posted_since(case, cards),
        )
        unconfirmed_ts = {match.ts for match in self.search.find(query)}
        unconfirmed_ts -= {card.ts for card in cards}
        if not unconfirmed_ts:
            return None
        return _card_at(case, min(unconfirmed_ts))

    def _card_content(self, case: Case, context: CardContext, mentions: Sequence[str]) -> Json:
        blocks = case_card(case, context)
        elements = self._mentions.elements_for(mentions)
        if elements:
            # After the buttons: whom it is for is small print to whoever is reading it.
            blocks.append(mention_block(elements))
        return {"text": notification_text(case, context), "blocks": blocks}

    def _post_card(self, case: Case, content: JsonMapping) -> CardRef:
        response = self.api.post_to(
            "chat.postMessage",
            case.channel,
            **content,
            **message_options(MessageKind.CARD, _card_uid(case)),
        )
        return _card_at(case, str(response["ts"]))

    def _redraw(
        self,
        case: Case,
        card: CardRef,
        content: JsonMapping,
    ) -> CardRef:
        self.update_message(card.channel, card.ts, **content)
        return replace(card, version=case.version)

    def _overwrite_or_delete(self, message: PostedMessage, content: JsonMapping) -> None:
        """Write a message over, or delete it when that fails."""
        try:
            self.update_message(message.channel, message.ts, **content)
        except ChatFailed as failure:
            if failure.error not in NOT_EDITABLE_ERRORS:
                raise
            if failure.error != "message_not_found":
                self.remove(message)


def _live_card(case: Case, cards: Sequence[CardRef]) -> CardRef | None:
    for card in cards:
        if card.generation == case.generation:
            return card
    return None


def _card_at(case: Case, ts: str) -> CardRef:
    return CardRef(
        case_id=case.id,
        generation=case.generation,
        channel=case.channel,
        ts=ts,
        version=case.version,
    )


def _card_uid(case: Case) -> str:
    return f"{case.id}/{case.generation}"
