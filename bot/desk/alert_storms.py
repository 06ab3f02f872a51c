"""A storm: one source opens so many cases of one kind that a card each would bury the channel. They share one card that counts them.

Nothing is lost: each is a case with an owner and a clock, in the queue of those who decide. The shared card shows what matters most, and the
next ones come up as those are decided.
"""

import threading
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.cases.case import Case
from bot.desk.message_cleanup import SETTLE_FOR, finish_list, sweep_list
from bot.desk.rows import with_cards
from bot.ports.card_store import CardStore
from bot.ports.case_queries import CaseFilter, CaseQueries
from bot.ports.chat import Chat
from bot.ports.clock import Clock
from bot.ports.library import Library
from bot.ports.live_lists import LiveList, LiveLists
from bot.ports.outbox import LeasedMessage, Outbox, OutboxMessage, Topic
from bot.views.alert_storm import StormView

# More cards than this from one source, of one kind, within this time, are a storm.
MOST_CARDS, WITHIN = 30, timedelta(minutes=10)
MOST_ROWS = 5
PREFIX = "storm:"


@dataclass
class AlertStorms:
    """Counts, per process, how many first cards each source has asked for; what is over is told on the shared card."""

    queries: CaseQueries
    live_lists: LiveLists
    card_store: CardStore
    outbox: Outbox
    library: Library
    chat: Chat
    clock: Clock
    most: int = MOST_CARDS
    settle_for: timedelta = SETTLE_FOR

    def __post_init__(self) -> None:
        self._granted: dict[str, dict[str, datetime]] = {}
        self._guard = threading.Lock()

    def takes(self, case: Case) -> bool:
        """Whether this case, which has no card yet, is told of on a shared one."""
        key = next(
            (one for one in self.live_lists.keys_with(case.id) if one.startswith(PREFIX)), ""
        )
        if not key and not case.is_terminal and self._is_too_many(_name(case), case.id):
            key = _name(case)
            self.live_lists.add(case.id, key)
        if key:
            self.outbox.enqueue(
                [
                    OutboxMessage(
                        topic=Topic.STORM,
                        key=key,
                        case_id="",
                        run_at=self.clock(),
                        payload={"channel": case.channel, "kind": case.kind},
                    )
                ]
            )
        return bool(key)

    def has(self, case_id: str) -> bool:
        """Whether this case is told of on a shared card."""
        return any(one.startswith(PREFIX) for one in self.live_lists.keys_with(case_id))

    def run(self, work: LeasedMessage) -> None:
        """Handle one outbox row: the shared card shows how many there are, and the first of them."""
        board = self.live_lists.get(work.key)
        channel, kind = str(work.payload["channel"]), str(work.payload["kind"])
        inside = CaseFilter(live_list=work.key)
        found = self.queries.find(inside, MOST_ROWS)
        storm = StormView(
            key=work.key,
            place=channel,
            title=self.library.playbook(kind).title,
            source=work.key.split(":")[3],
            rows=with_cards(self.card_store, found),
            open=self.queries.count(inside),
            total=self.queries.count(CaseFilter(live_list=work.key, is_any=True)),
        )
        ts = self.chat.post_storm(storm, board, look_first=work.uncertain_attempts > 1)
        sections = {"first": tuple(case.id for case in found)}
        self.live_lists.save(
            LiveList(
                key=work.key,
                place=channel,
                ts=ts,
                sections=sections,
                shown_at=board.shown_at if board else self.clock(),
            ),
            follow=False,
        )
        finish_list(
            self.outbox,
            work,
            sweep_list(work.key, channel, self.clock() + self.settle_for),
            is_new=not board,
        )

    def _is_too_many(self, name: str, case_id: str) -> bool:
        """Whether this one is over the number. One that was let through stays so, however often its drawing is tried."""
        now = self.clock()
        with self._guard:
            granted = {
                one: at for one, at in self._granted.get(name, {}).items() if now - at <= WITHIN
            }
            is_over = case_id not in granted and len(granted) >= self.most
            if not is_over:
                granted[case_id] = now
            self._granted[name] = granted
        return is_over


def _name(case: Case) -> str:
    return f"{PREFIX}{case.channel}:{case.kind}:{case.signal.source}:{case.opened_at:%Y-%m-%d}"
