"""The lanes: work is handed over with the commit, survives every sort of failure, and is parked when nothing helps."""

import itertools
import threading
import time

from bot.cases.errors import ChatFailed, ChatUnknown, ConnectorFailed, RateLimited, Unreachable
from bot.cases.lifecycle import State
from bot.clock import utc_now
from bot.desk.worker import MOST_ATTEMPTS, Lane, Pace
from bot.ports import Topic


def row(world, key):
    import sqlalchemy as sa

    from bot.store import tables

    with world.store.database.read() as connection:
        return connection.execute(sa.select(tables.outbox).where(tables.outbox.c.key == key)).one()


def card_work(world):
    world.receive()
    (triage,) = world.store.claim([Topic.TRIAGE], 1, world.clock(), 30)
    world.lane.handle(triage)
    (card,) = world.store.claim([Topic.CARD], 1, world.clock(), 30)
    return card


def test_being_told_to_wait_is_no_failure_and_is_certain(world):
    card = card_work(world)
    world.chat.failures = [RateLimited(7)]
    world.lane.handle(card)
    waiting = row(world, card.key)
    assert (waiting.state, waiting.doubt, round(waiting.run_at - world.clock().timestamp())) == ("ready", 0, 7)
    world.clock.forward(seconds=8)
    world.work()
    assert (row(world, card.key).state, world.chat.looked_first) == ("done", 0)


def test_an_unknown_outcome_waits_and_looks_before_it_repeats(world):
    card = card_work(world)
    world.chat.failures = [ChatUnknown("timeout")]
    world.lane.handle(card)
    assert row(world, card.key).doubt == 1
    world.clock.forward(seconds=31)
    world.work()
    assert (row(world, card.key).state, world.chat.looked_first) == ("done", 1)


def test_slack_being_away_for_hours_loses_and_parks_nothing(world):
    card = card_work(world)
    world.chat.failures = [Unreachable(2.0)] * 50
    world.lane.handle(card)
    for _ in range(60):
        world.clock.forward(minutes=7)
        world.work()
    assert (row(world, card.key).state, len(world.chat.cards), world.store.parked()) == ("done", 1, [])


def test_a_definite_no_is_parked_for_a_person(world):
    card = card_work(world)
    world.chat.failures = [ChatFailed("channel_not_found")]
    world.lane.handle(card)
    assert [(parked["key"], parked["error"]) for parked in world.store.parked()] == [
        ("card:EX-1", "Slack refused: channel_not_found")
    ]


def test_what_keeps_failing_backs_off_and_is_parked_in_the_end(world, caplog):
    world.receive()
    tries = []

    def failing(work):
        tries.append(world.clock())
        raise ConnectorFailed("away", retryable=True) if len(tries) % 2 else ValueError("a bug")

    lane = Lane("x", world.store, {Topic.TRIAGE: failing}, world.clock, threads=1, pace=Pace())
    for _ in range(400):
        for work in world.store.claim([Topic.TRIAGE], 1, world.clock(), 30):
            lane.handle(work)
        world.clock.forward(seconds=5)
    waits = [(later - earlier).total_seconds() for earlier, later in itertools.pairwise(tries)]
    assert len(tries) == MOST_ATTEMPTS
    assert waits[-1] > 4 * waits[0]
    assert len(world.store.parked()) == 1


def test_a_commit_hands_its_work_to_the_lane_of_this_process(world):
    """Real threads: from the signal to the resolved case without anybody polling."""
    world.clock.at = utc_now()
    handlers = {
        Topic.TRIAGE: world.desk.triage.run,
        Topic.EXECUTE: world.desk.executor.run,
        Topic.CARD: world.desk.drawing.draw,
        Topic.NOTE: world.desk.drawing.note,
        Topic.REMEMBER: world.desk.remembering.run,
    }
    lane = Lane("live", world.store, handlers, utc_now, threads=3, pace=Pace(poll_every=60))
    world.store.takers.append(lane)
    lane.start()
    try:
        world.receive()
        # As in life: nobody presses on a card that does not stand yet (what is told to its thread waits for it).
        wait(lambda: world.store.case("EX-1").state is State.PROPOSED and world.store.cards("EX-1"))
        world.approve(world.store.case("EX-1"))
        wait(lambda: world.store.case("EX-1").state is State.RESOLVED)
        wait(lambda: set(world.store.backlog()) <= {"follow_up ready"})
    finally:
        lane.stop()
    assert len(world.house.effects) == 1


def test_several_lanes_on_one_database_do_each_row_once(world):
    """Four lanes with stores of their own, as four processes have: every row is done by exactly one."""
    from bot.store.database import Database
    from bot.store.store import SqlStore

    world.clock.at = utc_now()
    for number in range(40):
        world.receive(world.signal(f"product:{number}"))
    done, lock, databases, lanes = [], threading.Lock(), [], []
    for _ in range(4):
        databases.append(Database(world.store.database.url))
        store = SqlStore(databases[-1])

        def handle(work, store=store):
            with lock:
                done.append(work.key)
            store.finish(work)

        lanes.append(Lane("many", store, {Topic.TRIAGE: handle}, utc_now, threads=2, pace=Pace(poll_every=0.05)))
    for lane in lanes:
        lane.start()
    wait(lambda: len(done) >= 40)
    time.sleep(0.2)
    for lane in lanes:
        lane.stop()
    for database in databases:
        database.close()
    assert (len(done), len(set(done))) == (40, 40)


def wait(true, seconds=60):
    ends = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < ends, "waited in vain"
        time.sleep(0.02)
