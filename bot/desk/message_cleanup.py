"""Find messages that were posted twice, and leave one.

A card or list whose posting lost its reply may be in the channel twice, and only one of the two is
refreshed. The one that the store has recorded stays. Every other message with the same metadata
loses its buttons or is removed. The search is requested where the doubt arose, waits until Slack
shows what it has, and is made once more a while later. Without a doubt nothing is searched.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bot.cases.case import Case
from bot.cases.entries import Named, Opened, Recognised
from bot.cases.erasure import LABEL_PREFIX
from bot.cases.errors import StaleFence
from bot.ports.card_store import CardRef, CardStore
from bot.ports.case_store import CaseStore
from bot.ports.chat import Chat, PostedMessage
from bot.ports.clock import Clock
from bot.ports.live_lists import LiveLists
from bot.ports.outbox import LeasedMessage, Outbox, OutboxMessage, Topic, card_message

log = logging.getLogger(__name__)

SETTLE_FOR = timedelta(seconds=30)
# Slack may show a message late, and a worker that was taken over may still be posting. So there is
# a second search, after this many times the time to settle.
SECOND_SEARCH_FACTOR = 10
MAX_TRIES = 6
LIST_SEARCH_SECONDS = 86_400.0
#: An App Home is no message.
HOME_PREFIX = "home:"
NOT_VISIBLE = "what stands is not to be seen yet"


def posted_since(case: Case, cards: Sequence[CardRef]) -> float:
    """Return the earliest time of a card of this generation.

    In seconds since 1970.
    """
    times = []
    for card in cards:
        # A case of a history that was only played has cards without a time.
        has_time = card.ts.replace(".", "", 1).isdecimal()
        if card.generation < case.generation and has_time:
            times.append(float(card.ts))
    return max(times, default=case.timers.opened_at.timestamp())


def sweep_card(case: Case, cards: Sequence[CardRef], run_at: datetime) -> OutboxMessage:
    """Request a search for copies of this case's card."""
    return OutboxMessage(
        topic=Topic.SWEEP,
        key=f"sweep:{case.id}:{case.generation}",
        case_id=case.id,
        run_at=run_at,
        payload={"name": case.id, "since": posted_since(case, cards), "left": 1},
    )


def sweep_list(key: str, channel: str, run_at: datetime) -> OutboxMessage:
    """Request a search for copies of this list."""
    since = run_at.timestamp() - LIST_SEARCH_SECONDS
    return OutboxMessage(
        topic=Topic.SWEEP,
        key=f"sweep:{key}",
        case_id="",
        run_at=run_at,
        payload={"name": key, "channel": channel, "since": since, "left": 1},
    )


def finish_list(
    outbox: Outbox,
    message: LeasedMessage,
    sweep: OutboxMessage,
    *,
    is_new: bool,
) -> None:
    """Finish the posting of a list.

    Requests the search when it may be there twice.
    """
    is_doubtful = is_new and message.uncertain_attempts > 1
    try:
        outbox.finish(message, [sweep] if is_doubtful else [])
    except StaleFence:
        if is_new:
            outbox.enqueue([sweep])
        raise


@dataclass(frozen=True, kw_only=True)
class MessageCleanup:
    """Search for copies of cards and lists, and take their buttons away."""

    cases: CaseStore
    card_store: CardStore
    live_lists: LiveLists
    outbox: Outbox
    chat: Chat
    clock: Clock
    #: How long Slack may take to show a message.
    settle_for: timedelta = SETTLE_FOR

    def run(self, message: LeasedMessage) -> None:
        """Leave exactly one message with buttons."""
        if "pressed" in message.payload:
            self._disarm(message)
            return
        if "thread" in message.payload:
            self._clear_erased(message)
            return
        sweep = self._sweep_card if message.case_id else self._sweep_list
        is_settled = sweep(message)
        if not is_settled and message.attempts < MAX_TRIES:
            again_at = self.clock() + self.settle_for
            self.outbox.retry(message, again_at, NOT_VISIBLE, certain=True)
            return
        if not is_settled:
            log.warning("%s: what stands is not to be seen in its channel", message.key)
        self._finish(message)

    def _clear_erased(self, message: LeasedMessage) -> None:
        """Delete messages about a case that was erased or removed."""
        case = self.cases.case(message.case_id)
        cards = [card for card in self.card_store.cards(case.id) if card.ts]
        people = [person for person in case.activity.people if LABEL_PREFIX not in person]
        count = self.chat.clear_case(
            case_id=case.id,
            cards=cards,
            people=people,
            since=case.timers.opened_at.timestamp(),
            with_card=case.signal.is_removed,
        )
        count += self._clear_list_threads(case.id)
        log.info("%s: %d messages were deleted", case.id, count)
        # The lists that show the case are drawn again with its card, or for themselves.
        self.outbox.finish(message, [card_message(case.id, self.clock())])

    def _clear_list_threads(self, case_id: str) -> int:
        """Delete the rows in threads below lists that show the case."""
        count = 0
        for key in self.live_lists.keys_with(case_id):
            live_list = self.live_lists.get(key)
            if live_list and live_list.ts and not key.startswith(HOME_PREFIX):
                channel = live_list.place.rpartition("/")[2]
                count += self.chat.clear_thread(channel, live_list.ts)
        return count

    def _finish(self, message: LeasedMessage) -> None:
        """Finish a search, and request the next one if any is left."""
        searches_left = int(message.payload["left"])
        next_search = OutboxMessage(
            topic=Topic.SWEEP,
            key=message.key,
            case_id=message.case_id,
            run_at=self.clock() + SECOND_SEARCH_FACTOR * self.settle_for,
            payload={**message.payload, "left": searches_left - 1},
        )
        self.outbox.finish(message, [next_search] if searches_left else [])

    def stray(
        self,
        case: Case,
        newest: CardRef | None,
        *,
        channel: str,
        ts: str,
    ) -> CardRef | None:
        """Return the case's newest card, if the pressed message is a copy.

        The copy then loses its buttons. None when the message is the card.
        """
        card = self._current_card(case, [newest] if newest else [])
        if card is None or (card.channel, card.ts) == (channel, ts):
            # While none is recorded this may be the card; its revision is checked anyway.
            return None
        now = self.clock()
        disarming = OutboxMessage(
            topic=Topic.SWEEP,
            key=f"strike:{channel}:{ts}",
            case_id=case.id,
            run_at=now,
            payload={"name": case.id, "pressed": [channel, ts]},
        )
        # Version 0 is no version: the card is drawn again, whatever it shows.
        self.card_store.record(
            replace(card, version=0), messages=[disarming, card_message(case.id, now)]
        )
        return card

    def _current_card(self, case: Case, cards: Sequence[CardRef]) -> CardRef | None:
        """Return the recorded card of the case's generation, if it was posted."""
        if not cards or not cards[0].ts or cards[0].generation < case.generation:
            return None
        return cards[0]

    def _sweep_card(self, message: LeasedMessage) -> bool:
        """Leave one card of this case. Tell whether that one is visible."""
        case = self.cases.case(message.case_id)
        cards = self.card_store.cards(message.case_id)
        card = self._current_card(case, cards)
        if card is None:
            return False
        since = float(message.payload["since"])
        messages: list[PostedMessage] = []
        for channel in self._channels(case, cards):
            messages += self.chat.messages_about(case.id, channel, since)
        if (card.channel, card.ts) not in {(one.channel, one.ts) for one in messages}:
            # Gone, or not visible yet. A copy may be about to take its place, so nothing is
            # removed now.
            self.card_store.record(
                replace(card, version=0), messages=[card_message(case.id, self.clock())]
            )
            return False
        recorded_places = {(one.channel, one.ts) for one in cards}
        copies = [one for one in messages if (one.channel, one.ts) not in recorded_places]
        self._clear(copies, case.id, card)
        return True

    def _sweep_list(self, message: LeasedMessage) -> bool:
        """Leave one message of this list. Tell whether that one is visible."""
        key = str(message.payload["name"])
        channel = str(message.payload["channel"])
        live_list = self.live_lists.get(key)
        if live_list is None:
            return False
        messages = self.chat.messages_about(key, channel, float(message.payload["since"]))
        copies = [one for one in messages if one.ts != live_list.ts]
        if len(copies) == len(messages):
            return False
        current = CardRef(
            case_id="",
            generation=0,
            channel=channel,
            ts=live_list.ts,
            version=0,
        )
        self._clear(copies, "This list", current)
        return True

    def _clear(
        self,
        copies: Sequence[PostedMessage],
        title: str,
        card: CardRef,
    ) -> None:
        for copy in copies:
            if copy.is_answered:
                # Removing it would leave its thread without a head.
                self.chat.mark_as_copy(copy, title, card)
            else:
                self.chat.remove(copy)

    def _disarm(self, message: LeasedMessage) -> None:
        """Take the buttons from a copy that somebody pressed on."""
        channel, ts = map(str, message.payload["pressed"])
        cards = self.card_store.cards(message.case_id)
        if cards and (cards[0].channel, cards[0].ts) != (channel, ts):
            copy = PostedMessage(message.case_id, channel, ts)
            self.chat.mark_as_copy(copy, message.case_id, cards[0])
        self.outbox.finish(message)

    def _channels(self, case: Case, cards: Sequence[CardRef]) -> list[str]:
        """List every channel that this case has ever been in."""
        channels = {case.channel, *(card.channel for card in cards)}
        for entry in self.cases.entries(case.id):
            if isinstance(entry.body, Opened | Recognised | Named):
                channels.add(entry.body.channel)
        return sorted(channels)
