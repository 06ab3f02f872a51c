"""Work is handed to the worker pools of this process, and the others are woken."""

import threading
from datetime import timedelta

import pytest

from bot.ports.card_store import CardRef
from bot.ports.outbox import LeasedMessage, Topic
from bot.store.local_workers import Handover, dispatch
from tests.fakes.clock import NOON
from tests.store.rows import message


class Pool:
    """Notes what it is given."""

    lease_for = 30.0

    def __init__(self, *topics: Topic) -> None:
        self.topics = topics
        self.calls: list[str] = []

    def has_room(self):
        return True

    def accept(self, messages):
        self.calls += [message.key for message in messages]

    def wake(self, at=None):
        self.calls.append(f"wake at {at:%H:%M}" if at else "wake")


def leased_message(key: str, topic: Topic) -> LeasedMessage:
    return LeasedMessage(
        key=key,
        topic=topic,
        case_id="EX-1",
        fence=1,
        requests=1,
        attempts=0,
        uncertain_attempts=1,
        payload={},
    )


def test_each_pool_gets_its_topics_and_another_is_woken():
    cards, notes, homes = Pool(Topic.CARD), Pool(Topic.NOTE), Pool(Topic.HOME)
    messages = [leased_message("card:1", Topic.CARD), leased_message("note:1", Topic.NOTE)]
    dispatch(Handover(messages, wakes={Topic.HOME}), [cards, notes, homes])
    assert (cards.calls, notes.calls, homes.calls) == (["card:1"], ["note:1"], ["wake"])


def test_only_the_pool_that_has_something_to_look_for_is_woken():
    cards, homes = Pool(Topic.CARD), Pool(Topic.HOME)
    dispatch(Handover(wakes={Topic.CARD}), [cards, homes])
    assert (cards.calls, homes.calls) == (["wake"], [])


def test_a_pool_with_work_is_woken_for_what_it_was_not_handed():
    pool = Pool(Topic.CARD, Topic.NOTE)
    dispatch(Handover([leased_message("card:1", Topic.CARD)], wakes={Topic.NOTE}), [pool])
    assert pool.calls == ["card:1", "wake"]


def test_a_pool_is_woken_when_its_message_is_due_and_no_other_pool():
    cards, notes = Pool(Topic.CARD), Pool(Topic.NOTE)
    dispatch(Handover(later=[(Topic.CARD, NOON)]), [cards, notes])
    assert (cards.calls, notes.calls) == (["wake at 12:00"], [])


def test_what_follows_a_card_later_wakes_nobody_before(store):
    pool = Pool(Topic.CARD, Topic.NOTE)
    store.database.local_workers.append(pool)
    card = CardRef(case_id="EX-1", generation=1, channel="C1", ts="1.0", version=1)
    later = message("note:1", topic=Topic.NOTE, run_at=NOON + timedelta(seconds=3))
    store.cards.record(card, messages=[later], now=NOON)
    assert pool.calls == ["wake at 12:00"]


def test_nobody_is_woken_for_nothing():
    pool = Pool(Topic.CARD)
    dispatch(Handover(), [pool])
    assert pool.calls == []


def test_a_pool_with_work_is_not_woken_besides():
    pool = Pool(Topic.CARD)
    dispatch(Handover([leased_message("card:1", Topic.CARD)]), [pool])
    assert pool.calls == ["card:1"]


@pytest.mark.parametrize(("urgent", "order"), [(False, ["key", "done"]), (True, ["done", "key"])])
def test_workers_have_their_messages_before_the_result_unless_a_person_waits(store, urgent, order):
    pool = Pool(Topic.CARD)
    store.database.local_workers.append(pool)
    go_on = threading.Event()
    store.database.submit(lambda unit: go_on.wait(60), appends=False)
    written = store.database.submit(
        lambda unit: unit.enqueue([message("key")], NOON), appends=False, urgent=urgent
    )
    written.add_done_callback(lambda _: pool.calls.append("done"))
    go_on.set()
    written.result(60)
    # The callbacks of a future may run after whoever waits for it goes on.
    store.database.write(lambda unit: None, appends=False)
    assert pool.calls == order
