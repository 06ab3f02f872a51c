"""Orders in the threads of cards: words, and ✅ as a reaction.

Every message of a channel comes by here. What is not in the thread of a case, and what is no
order, is neither kept nor logged.
"""

from dataclasses import dataclass

from bot.desk.thread_orders import ThreadOrders
from bot.ports.card_store import CardStore
from bot.views.thread_orders import OrderKind, PostedOrder, ThreadOrder
from handlers.cards.text import JsonMapping, clean
from handlers.slack.chat import SlackChat
from handlers.slack.message_text import plain_text
from handlers.slack.thread_words import MAX_ORDER_LENGTH, read_order

#: Messages of people that have a subtype all the same.
SPOKEN_SUBTYPES = frozenset({"", "thread_broadcast", "file_share"})
APPROVING_REACTIONS = frozenset({"white_check_mark", "heavy_check_mark"})


@dataclass(frozen=True)
class ThreadListeners:
    """Hand orders to the desk."""

    thread_orders: ThreadOrders
    card_store: CardStore
    chat: SlackChat

    def on_message(self, event: JsonMapping, person: str) -> bool:
        """Take an order in the thread of a case.

        Tell whether it was one.
        """
        channel, ts = str(event["channel"]), str(event["ts"])
        thread_ts = str(event.get("thread_ts") or "")
        case_id = self.card_store.case_at(channel, thread_ts) if thread_ts else ""
        if not case_id:
            return False
        text = str(event.get("text", ""))
        order = read_order(text, case_id=case_id, bot_user=self.chat.bot_user_id())
        if order is None:
            return False
        posted_order = PostedOrder(
            id=f"{channel}:{ts}",
            person=person,
            user=str(event["user"]),
            channel=channel,
            thread=thread_ts,
            case_id=case_id,
            text=clean(plain_text(text), MAX_ORDER_LENGTH),
            order=order,
        )
        self.thread_orders.receive(posted_order)
        return True

    def on_reaction(self, event: JsonMapping, person: str) -> None:
        """Take a ✅ under a card for the word "approve"."""
        item = event.get("item") or {}
        if event.get("reaction") not in APPROVING_REACTIONS or item.get("type") != "message":
            return
        channel = str(item.get("channel", ""))
        ts = str(item.get("ts", ""))
        thread_ts = ""
        case_id = self.card_store.case_at(channel, ts)
        if not case_id:
            thread_ts = self.chat.thread_of(channel, ts)
            case_id = self.card_store.case_at(channel, thread_ts) if thread_ts else ""
        if not case_id:
            return
        posted_order = PostedOrder(
            id=f"{channel}:{event.get('event_ts', ts)}",
            person=person,
            user=str(event["user"]),
            channel=channel,
            thread=thread_ts,
            case_id=case_id,
            text="✅",
            order=ThreadOrder(kind=OrderKind.APPROVE),
        )
        self.thread_orders.receive(posted_order)


def is_spoken(event: JsonMapping) -> bool:
    """Tell whether a person has written this message now.

    Edits, deletions, and messages of programs are not.
    """
    is_by_person = isinstance(event.get("user"), str) and not event.get("bot_id")
    return is_by_person and str(event.get("subtype") or "") in SPOKEN_SUBTYPES
