"""Deletes messages about a case from which something was erased."""

import re
from collections.abc import Sequence

from bot.cases.errors import ChatFailed
from bot.ports.card_store import CardRef
from handlers.slack.message_search import MessageQuery
from handlers.slack.sender import Sender

GONE_ERRORS = frozenset({"message_not_found", "channel_not_found", "thread_not_found"})


class ErasureSender(Sender):
    """Deletes the bot's own messages. Slack lets it delete no others."""

    def clear_case(
        self,
        case_id: str,
        cards: Sequence[CardRef],
        people: Sequence[str],
        since: float,
        *,
        with_card: bool = False,
    ) -> int:
        """Delete replies, older cards and direct messages about a case.

        ``with_card``: the newest card, too; else it is drawn again. Return how many messages were
        deleted.
        """
        count = 0
        for card in cards:
            count += self.clear_thread(card.channel, card.ts)
        older = [card for card in cards[0 if with_card else 1 :] if card.ts]
        count += sum(self._delete(card.channel, [card.ts]) for card in older)
        for person in people:
            user = person.rpartition("/")[2]
            count += self._delete(user, self._direct_messages(case_id, user, since))
        return count

    def clear_thread(self, channel: str, ts: str) -> int:
        """Delete the bot's own replies to a message. Return how many."""
        return self._delete(channel, self._replies(channel, ts))

    def _replies(self, channel: str, thread_ts: str) -> list[str]:
        query = MessageQuery(kind=None, uid="", recipient=channel, thread_ts=thread_ts)
        try:
            return [ts for ts, _ in self.search.own_messages(query) if ts != thread_ts]
        except ChatFailed as failure:
            return _none_if_gone(failure)

    def _direct_messages(self, case_id: str, user: str, since: float) -> list[str]:
        query = MessageQuery(kind=None, uid="", recipient=user, since=since)
        is_about = re.compile(rf"(?<![\w-]){re.escape(case_id)}(?!\w)")
        try:
            return [ts for ts, uid in self.search.own_messages(query) if is_about.search(uid)]
        except ChatFailed as failure:
            return _none_if_gone(failure)

    def _delete(self, recipient: str, timestamps: Sequence[str]) -> int:
        channel = self.api.channel_id(recipient)
        for ts in timestamps:
            try:
                self.api.post_to("chat.delete", channel, ts=ts)
            except ChatFailed as failure:
                _none_if_gone(failure)
        return len(timestamps)


def _none_if_gone(failure: ChatFailed) -> list[str]:
    if failure.error not in GONE_ERRORS:
        raise failure
    return []
