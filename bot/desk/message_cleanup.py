"""Look after a doubt: a card or list whose posting lost its reply may stand twice, and only one of the two is drawn again.

What stands is what the store has recorded. Every other message that says it shows the same case loses its buttons or goes. The search is
asked for where the doubt arose, waits until it has settled, and is made once more a while later: nothing is searched without a doubt.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bot.cases.case import Case
from bot.cases.entries import Named, Opened, Recognised
from bot.cases.errors import StaleFence
from bot.desk.effects import card_message
from bot.ports.card_store import CardRef, CardStore
from bot.ports.case_store import CaseStore
from bot.ports.chat import Chat, PostedMessage
from bot.ports.clock import Clock
from bot.ports.live_lists import LiveLists
from bot.ports.outbox import LeasedMessage, Outbox, OutboxMessage, Topic

log = logging.getLogger(__name__)
SETTLE_FOR = timedelta(seconds=30)
# Slack may show a message late, and a worker that was taken over may still be posting: one look is not enough.
LATER = 10
MAX_TRIES = 6
LIST_SEARCH_SECONDS = 86_400.0


def posted_since(case: Case, cards: Sequence[CardRef]) -> float:
    """Give the time, in seconds since 1970, before which no card of this generation can have been posted."""
    older = [one.ts for one in cards if one.generation < case.generation]
    # A past that was played before a silent chat has cards without a time.
    known = [float(ts) for ts in older if ts.replace(".", "", 1).isdecimal()]
    return max(known, default=case.opened_at.timestamp())


def sweep_card(case: Case, cards: Sequence[CardRef], run_at: datetime) -> OutboxMessage:
    """Ask for a search for copies of this case's card."""
    since = posted_since(case, cards)
    key = f"sweep:{case.id}:{case.generation}"
    return OutboxMessage(
        topic=Topic.SWEEP,
        key=key,
        case_id=case.id,
        run_at=run_at,
        payload={"name": case.id, "since": since, "left": 1},
    )


def sweep_list(key: str, channel: str, run_at: datetime) -> OutboxMessage:
    """Ask for a search for copies of this list."""
    since = run_at.timestamp() - LIST_SEARCH_SECONDS
    payload = {"name": key, "channel": channel, "since": since, "left": 1}
    return OutboxMessage(
        topic=Topic.SWEEP, key=f"sweep:{key}", case_id="", run_at=run_at, payload=payload
    )


def finish_list(outbox: Outbox, work: LeasedMessage, sweep: OutboxMessage, *, is_new: bool) -> None:
    """Finish the posting of a list; one that was posted in doubt is looked for later."""
    try:
        outbox.finish(work, [sweep] if is_new and work.uncertain_attempts > 1 else [])
    except StaleFence:
        if is_new:
            outbox.enqueue([sweep])
        raise


@dataclass(frozen=True)
class MessageCleanup:
    """``settle_for``: how long Slack may take to show what it has."""

    cases: CaseStore
    card_store: CardStore
    live_lists: LiveLists
    outbox: Outbox
    chat: Chat
    clock: Clock
    settle_for: timedelta = SETTLE_FOR

    def run(self, work: LeasedMessage) -> None:
        """Handle one outbox row: leave exactly one message with buttons."""
        if "pressed" in work.payload:
            self._strike(work)
            return
        is_settled = self._sweep_card(work) if work.case_id else self._sweep_list(work)
        left = int(work.payload["left"])
        if not is_settled and work.attempts < MAX_TRIES:
            again_at = self.clock() + self.settle_for
            self.outbox.retry(work, again_at, "what stands is not to be seen yet", certain=True)
            return
        if not is_settled:
            log.warning("%s: what stands is not to be seen in its channel", work.key)
        again = OutboxMessage(
            topic=Topic.SWEEP,
            key=work.key,
            case_id=work.case_id,
            run_at=self.clock() + LATER * self.settle_for,
            payload={**work.payload, "left": left - 1},
        )
        self.outbox.finish(work, [again] if left else [])

    def stray(self, case_id: str, channel: str, ts: str) -> CardRef | None:
        """Say which card stands, when this message is another one; that one then loses its buttons."""
        case, cards = self.cases.case(case_id), self.card_store.cards(case_id)
        standing = cards[0] if cards else None
        if standing is None or not standing.ts or standing.generation < case.generation:
            # None is recorded yet: this may be the one, and what it says is checked by its revision.
            return None
        if (standing.channel, standing.ts) == (channel, ts):
            return None
        now = self.clock()
        pressed = {"name": case_id, "pressed": [channel, ts]}
        strike = OutboxMessage(
            topic=Topic.SWEEP,
            key=f"strike:{channel}:{ts}",
            case_id=case_id,
            run_at=now,
            payload=pressed,
        )
        # Version 0 is no version: the one that stands is drawn again, whatever it shows.
        self.card_store.record(
            replace(standing, version=0), messages=[strike, card_message(case_id, now)]
        )
        return standing

    def _sweep_card(self, work: LeasedMessage) -> bool:
        """Leave one card of this case; whether the one that stands was seen."""
        case, cards = self.cases.case(work.case_id), self.card_store.cards(work.case_id)
        if not cards or not cards[0].ts or cards[0].generation < case.generation:
            return False
        since = float(work.payload["since"])
        found = [
            one
            for place in self._channels(case, cards)
            for one in self.chat.messages_about(case.id, place, since)
        ]
        standing, places = cards[0], {(one.channel, one.ts) for one in found}
        if (standing.channel, standing.ts) not in places:
            # Gone, or not shown yet. A copy may be about to take its place, so nothing is taken away now.
            self.card_store.record(
                replace(standing, version=0), messages=[card_message(case.id, self.clock())]
            )
            return False
        recorded = {(one.channel, one.ts) for one in cards}
        self._clear(
            [one for one in found if (one.channel, one.ts) not in recorded], case.id, standing
        )
        return True

    def _sweep_list(self, work: LeasedMessage) -> bool:
        key, channel = str(work.payload["name"]), str(work.payload["channel"])
        board = self.live_lists.get(key)
        if board is None:
            return False
        found = self.chat.messages_about(key, channel, float(work.payload["since"]))
        standing = CardRef(case_id="", generation=0, channel=channel, ts=board.ts, version=0)
        is_seen = any(one.ts == board.ts for one in found)
        if is_seen:
            self._clear([one for one in found if one.ts != board.ts], "This list", standing)
        return is_seen

    def _clear(self, copies: Sequence[PostedMessage], title: str, standing: CardRef) -> None:
        for copy in copies:
            if copy.is_answered:
                self.chat.mark_as_copy(copy, title, standing)
            else:
                self.chat.remove(copy)

    def _strike(self, work: LeasedMessage) -> None:
        """Take the buttons from a message that somebody pressed on and that is not the card."""
        channel, ts = map(str, work.payload["pressed"])
        cards = self.card_store.cards(work.case_id)
        if cards and (cards[0].channel, cards[0].ts) != (channel, ts):
            self.chat.mark_as_copy(PostedMessage(work.case_id, channel, ts), work.case_id, cards[0])
        self.outbox.finish(work)

    def _channels(self, case: Case, cards: Sequence[CardRef]) -> list[str]:
        """Every channel that this case has ever been in."""
        bodies = [entry.body for entry in self.cases.entries(case.id)]
        moved = [body.channel for body in bodies if isinstance(body, Opened | Recognised | Named)]
        return sorted({*moved, case.channel, *(one.channel for one in cards)})
