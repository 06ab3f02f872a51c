"""Alert storms: many cases of one kind and source share a card.

Nothing is lost. Each case has an owner and a deadline, and is in the queue of those who decide.
The shared card counts them and shows the most urgent; the next ones move up as those are decided.
"""

import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.cases.case import Case
from bot.cases.signal import UNRECOGNISED
from bot.desk.message_cleanup import SETTLE_FOR, finish_list, sweep_list
from bot.desk.rows import with_cards
from bot.ports.card_store import CardStore
from bot.ports.case_queries import CaseFilter, CaseQueries
from bot.ports.chat import Chat
from bot.ports.clock import Clock
from bot.ports.directory import Directory
from bot.ports.library import Library
from bot.ports.live_lists import LiveList, LiveLists
from bot.ports.outbox import LeasedMessage, Outbox, OutboxMessage, Topic
from bot.views.alert_storm import StormView

# More cards than this of one kind from one source within this time are a storm.
MAX_CARDS = 30
STORM_PERIOD = timedelta(minutes=10)
MAX_ROWS = 10
STORM_PREFIX = "storm:"


@dataclass(kw_only=True)
class AlertStorms:
    """Counts the first cards of each source, and draws shared cards.

    Each process counts its own.
    """

    queries: CaseQueries
    live_lists: LiveLists
    card_store: CardStore
    outbox: Outbox
    library: Library
    directory: Directory
    chat: Chat
    clock: Clock
    #: Cards of one kind from one source before the rest share one.
    max_cards: int = MAX_CARDS
    settle_for: timedelta = SETTLE_FOR

    def __post_init__(self) -> None:
        self._cards: dict[str, dict[str, datetime]] = {}
        self._lock = threading.Lock()

    def takes(self, case: Case, live_list_keys: Sequence[str]) -> bool:
        """Put a case on a shared card if there are too many.

        Tell whether it is on one. ``live_list_keys`` are those that follow the case.
        """
        if requested_key(case.id) in live_list_keys:
            return False
        key = _storm_key(live_list_keys)
        if not key and not case.is_terminal and self._is_too_many(_name(case), case.id):
            key = _name(case)
            self.live_lists.add(case.id, key)
        if not key:
            return False
        self._redraw(key)
        return True

    def follow(self, case: Case, live_list_keys: Sequence[str]) -> None:
        """Redraw the shared card of a case with its own card."""
        key = _storm_key(live_list_keys)
        if key and requested_key(case.id) in live_list_keys:
            self._redraw(key)

    def _redraw(self, key: str) -> None:
        _, channel, kind, *_ = key.split(":")
        message = OutboxMessage(
            topic=Topic.STORM,
            key=key,
            case_id="",
            run_at=self.clock(),
            payload={"channel": channel, "kind": kind},
        )
        self.outbox.enqueue([message])

    def run(self, message: LeasedMessage) -> None:
        """Draw a shared card: the count, and the first of its cases."""
        key = message.key
        live_list = self.live_lists.get(key)
        channel = str(message.payload["channel"])
        kind = str(message.payload["kind"])
        cases = self.queries.find(CaseFilter(live_list=key), MAX_ROWS)
        storm = self._view(
            key,
            channel,
            kind,
            cases=cases,
        )
        ts = self.chat.post_storm(
            storm,
            live_list,
            look_first=message.uncertain_attempts > 1,
        )
        shown_at = live_list.shown_at if live_list else self.clock()
        shared_card = LiveList(
            key=key,
            place=channel,
            ts=ts,
            sections={"first": tuple(case.id for case in cases)},
            shown_at=shown_at,
        )
        # The card follows all of its cases, not only those that it has room for.
        self.live_lists.save(shared_card, follow=False)
        sweep = sweep_list(key, channel, self.clock() + self.settle_for)
        finish_list(
            self.outbox,
            message,
            sweep,
            is_new=not live_list,
        )

    def _view(self, key: str, channel: str, kind: str, *, cases: list[Case]) -> StormView:
        playbook = self.library.playbook(kind)
        return StormView(
            key=key,
            place=channel,
            title=playbook.title,
            is_unrecognised=playbook.kind == UNRECOGNISED,
            source=key.split(":")[3],
            rows=with_cards(
                self.card_store,
                self.directory,
                cases,
                labels=self.library.labels(),
            ),
            open=self.queries.count(CaseFilter(live_list=key)),
            total=self.queries.count(CaseFilter(live_list=key, is_any=True)),
        )

    def _is_too_many(self, name: str, case_id: str) -> bool:
        """Tell whether a case is over the limit of its storm."""
        now = self.clock()
        with self._lock:
            cards = {}
            for other_id, at in self._cards.get(name, {}).items():
                if now - at <= STORM_PERIOD:
                    cards[other_id] = at
            # A case that got its card keeps it, however often the card is drawn.
            is_over = case_id not in cards and len(cards) >= self.max_cards
            if not is_over:
                cards[case_id] = now
            self._cards[name] = cards
        return is_over


def requested_key(case_id: str) -> str:
    """Return the key that marks a case with a requested card."""
    return f"requested:{case_id}"


def shared_card_key(case_id: str, live_list_keys: Sequence[str]) -> str:
    """Return the key of the shared card that alone shows a case.

    Empty when the case has a card of its own, or none.
    """
    return "" if requested_key(case_id) in live_list_keys else _storm_key(live_list_keys)


def _storm_key(keys: Iterable[str]) -> str:
    """Return the key of a shared card among these, or ""."""
    for key in keys:
        if key.startswith(STORM_PREFIX):
            return key
    return ""


def _name(case: Case) -> str:
    day = f"{case.timers.opened_at:%Y-%m-%d}"
    return f"{STORM_PREFIX}{case.channel}:{case.kind}:{case.signal.source}:{day}"
