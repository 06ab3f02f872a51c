"""The lanes: work is handed over with the commit, survives every sort of failure, and is parked when nothing helps."""

import contextlib
import itertools
import threading
import time
from datetime import timedelta
from functools import partial

import pytest

from bot.cases.commands import Recur
from bot.cases.decide import decide
from bot.cases.errors import (
    ChatFailed,
    ChatUnknown,
    ConnectorFailed,
    RateLimited,
    Unreachable,
    UnreadableEntry,
)
from bot.cases.lifecycle import State
from bot.clock import utc_now
from bot.desk import held_leases
from bot.desk.worker import MAX_ATTEMPTS, PREFETCH_PER_THREAD, WorkerPool, WorkerTimings
from bot.ports.outbox import OutboxMessage, Topic
from bot.store.projection import case_write
from tests.metric_samples import sample

pytestmark = pytest.mark.both_databases


def row(world, key):
    import sqlalchemy as sa

    from bot.store import tables

    with world.store.database.read() as connection:
        return connection.execute(sa.select(tables.outbox).where(tables.outbox.c.key == key)).one()


def card_work(world):
    world.receive()
    (triage,) = world.store.outbox.claim([Topic.TRIAGE], 1, world.clock(), 30)
    world.lane.handle(triage)
    (card,) = world.store.outbox.claim([Topic.CARD], 1, world.clock(), 30)
    return card


def test_being_told_to_wait_is_no_failure_and_is_certain(world):
    card = card_work(world)
    world.chat.failures = [RateLimited(7)]
    world.lane.handle(card)
    waiting = row(world, card.key)
    assert (waiting.state, waiting.doubt, round(waiting.run_at - world.clock().timestamp())) == (
        "ready",
        0,
        7,
    )
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
    assert (
        row(world, card.key).state,
        len(world.chat.cards),
        world.store.outbox.parked_messages(),
    ) == (
        "done",
        1,
        [],
    )


@pytest.mark.threat("D7")
def test_what_only_a_later_release_can_read_is_left_to_it_and_never_parked(world):
    card = card_work(world)
    world.chat.failures = [UnreadableEntry("EX-1 has 'case.sung'")] * (MAX_ATTEMPTS + 2)
    world.lane.handle(card)
    for _ in range(MAX_ATTEMPTS + 1):
        waiting = row(world, card.key)
        assert (waiting.state, waiting.attempts, "case.sung" in waiting.error) == ("ready", 0, True)
        world.clock.forward(seconds=11)
        world.work()
    world.clock.forward(seconds=11)
    world.work()
    assert row(world, card.key).state == "done"


def test_a_lost_lease_is_counted(world):
    card = card_work(world)
    before = sample("countersign_lease_losses_total", topic="card")
    world.clock.forward(seconds=31)
    (successor,) = world.store.outbox.claim([Topic.CARD], 1, world.clock(), 30)
    world.lane.handle(card)
    assert sample("countersign_lease_losses_total", topic="card") == before + 1
    world.lane.handle(successor)
    assert sample("countersign_lease_losses_total", topic="card") == before + 1


def test_a_definite_no_is_parked_for_a_person(world):
    card = card_work(world)
    world.chat.failures = [ChatFailed("channel_not_found")]
    world.lane.handle(card)
    assert [
        (parked["key"], parked["error"]) for parked in world.store.outbox.parked_messages()
    ] == [("card:EX-1", "Slack refused: channel_not_found")]


def test_what_keeps_failing_backs_off_and_is_parked_in_the_end(world, caplog):
    world.receive()
    tries = []

    def failing(work):
        tries.append(world.clock())
        raise ConnectorFailed("away", retryable=True) if len(tries) % 2 else ValueError("a bug")

    lane = WorkerPool(
        "x",
        world.store.outbox,
        {Topic.TRIAGE: failing},
        world.clock,
        threads=1,
        timings=WorkerTimings(),
    )
    for _ in range(400):
        for work in world.store.outbox.claim([Topic.TRIAGE], 1, world.clock(), 30):
            lane.handle(work)
        world.clock.forward(seconds=5)
    waits = [(later - earlier).total_seconds() for earlier, later in itertools.pairwise(tries)]
    assert len(tries) == MAX_ATTEMPTS
    assert waits[-1] > 4 * waits[0]
    assert len(world.store.outbox.parked_messages()) == 1


def test_a_commit_hands_its_work_to_the_lane_of_this_process(world):
    """Real threads: from the signal to the resolved case without anybody polling."""
    world.clock.at = utc_now()
    handlers = {
        Topic.TRIAGE: world.desk.triage.run,
        Topic.EXECUTE: world.desk.execution.executor.run,
        Topic.CARD: world.desk.screens.cards.refresh,
        Topic.NOTE: world.desk.screens.notes.run,
        Topic.CALL: world.desk.screens.calls.run,
        Topic.REMEMBER: world.desk.upkeep.precedents.run,
    }
    lane = WorkerPool(
        "live",
        world.store.outbox,
        handlers,
        utc_now,
        threads=3,
        timings=WorkerTimings(poll_interval=60),
    )
    world.store.database.local_workers.append(lane)
    lane.start()
    try:
        world.receive()
        # As in life: nobody presses on a card that does not stand yet (what is told to its thread waits for it).
        wait(
            lambda: (
                world.store.cases.case("EX-1").state is State.PROPOSED
                and world.store.cards.cards("EX-1")
            )
        )
        world.approve(world.store.cases.case("EX-1"))
        wait(lambda: world.store.cases.case("EX-1").state is State.RESOLVED)
        wait(lambda: set(world.store.outbox.backlog()) <= {"follow_up ready"})
    finally:
        lane.stop()
    assert len(world.house.effects) == 1


def test_several_lanes_on_one_database_do_each_row_once(world):
    """Four lanes with stores of their own, as four processes have: every row is done by exactly one."""
    from bot.store.database import Database
    from bot.store.store import Store

    world.clock.at = utc_now()
    for number in range(40):
        world.receive(world.signal(f"product:{number}"))
    done, lock, databases, lanes = [], threading.Lock(), [], []
    for _ in range(4):
        databases.append(Database(world.store.database.url))
        store = Store.over(databases[-1])

        def handle(work, store=store):
            with lock:
                done.append(work.key)
            store.outbox.finish(work)

        lanes.append(
            WorkerPool(
                "many",
                store.outbox,
                {Topic.TRIAGE: handle},
                utc_now,
                threads=2,
                timings=WorkerTimings(poll_interval=0.05),
            )
        )
    for lane in lanes:
        lane.start()
    wait(lambda: len(done) >= 40)
    time.sleep(0.2)
    for lane in lanes:
        lane.stop()
    for database in databases:
        database.close()
    assert (len(done), len(set(done))) == (40, 40)


def wait(true, seconds=120):
    ends = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < ends, "waited in vain"
        time.sleep(0.02)


# --- leases are renewed while work is in hand -------------------------------------------------------------------------------


def two_rows(world):
    for number in range(2):
        world.receive(world.signal(f"product:{number}"))
    return world.store.outbox.claim([Topic.TRIAGE], 2, world.clock(), 30)


@pytest.mark.threat("A3")
def test_a_lease_is_renewed_only_by_the_one_who_holds_it(world):
    first, second = two_rows(world)
    world.store.outbox.finish(second)
    held = world.store.outbox.renew([first, second], world.clock() + timedelta(seconds=90))
    assert held == {(first.key, first.fence)}
    world.clock.forward(seconds=60)
    assert world.store.outbox.claim([Topic.TRIAGE], 9, world.clock(), 30) == []
    world.clock.forward(seconds=31)
    (taken_over,) = world.store.outbox.claim([Topic.TRIAGE], 9, world.clock(), 30)
    assert world.store.outbox.renew([first], world.clock() + timedelta(seconds=90)) == set()
    assert row(world, first.key).fence == taken_over.fence


@pytest.mark.threat("A3")
def test_work_that_runs_and_work_that_waits_its_turn_keep_their_leases_longer_than_one(
    world, monkeypatch
):
    """One thread, two rows, a handler that takes several leases: nobody else ever finds anything due."""
    # The heart beats ten times a second, and leases are those of the clock.
    monkeypatch.setattr(held_leases, "RENEWALS_PER_LEASE", 300)
    for number in range(2):
        world.receive(world.signal(f"product:{number}"))
    renewed, go_on, done = [], threading.Event(), []
    renew = world.store.outbox.renew

    def noted(works, until):
        held = renew(works, until)
        if len(held) == 2:
            renewed.append(until)
        return held

    def slow(work):
        assert go_on.wait(120)
        done.append((work.key, work.fence))
        world.store.outbox.finish(work)

    world.store.outbox.renew = noted
    lane = WorkerPool(
        "slow",
        world.store.outbox,
        {Topic.TRIAGE: slow},
        world.clock,
        threads=1,
        timings=WorkerTimings(lease_for=30, poll_interval=0.05),
    )
    lane.start()
    try:
        for _ in range(4):
            lease_ends_at = world.clock() + timedelta(seconds=30)
            wait(lambda end=lease_ends_at: renewed[-1:] == [end])
            world.clock.forward(seconds=20)
            assert world.store.outbox.claim([Topic.TRIAGE], 9, world.clock(), 1) == []
        go_on.set()
        wait(lambda: len(done) == 2)
    finally:
        go_on.set()
        lane.stop()
    assert {fence for _, fence in done} == {1}


@pytest.mark.threat("A3")
def test_a_row_that_was_taken_over_while_it_waited_is_not_worked_on(world):
    """As after a stop of the whole process: the heartbeat finds that the lease is somebody else's now."""
    losses = sample("countersign_lease_losses_total", topic="triage")
    first, second = two_rows(world)
    busy, go_on, done = threading.Event(), threading.Event(), []

    def slow(work):
        busy.set()
        assert go_on.wait(120)
        done.append(work.key)

    lane = WorkerPool(
        "x",
        world.store.outbox,
        {Topic.TRIAGE: slow},
        world.clock,
        threads=1,
        timings=WorkerTimings(lease_for=30),
    )
    lane.accept([first, second])
    assert busy.wait(120)
    world.clock.forward(seconds=31)
    world.store.outbox.claim([Topic.TRIAGE], 9, world.clock(), 30)
    lane.renew()
    world.receive(world.signal("product:3"))
    lane.accept(world.store.outbox.claim([Topic.TRIAGE], 9, world.clock(), 30))
    go_on.set()
    lane.start()
    wait(lambda: len(done) == 2)
    lane.stop()
    assert done == [first.key, "triage:EX-3"]
    # What was worked on ends as if it were its own; what waited is lost.
    assert sample("countersign_lease_losses_total", topic="triage") == losses + 1


# --- who looks for what, and when -----------------------------------------------------------------


@contextlib.contextmanager
def live_lane(world, topic, handle=None):
    """A lane that polls once a minute, and the times at which it looked for messages."""
    claims = []
    claim = world.store.outbox.claim

    def counted(topics, *more, **options):
        if topic in topics:
            claims.append(time.monotonic())
        return claim(topics, *more, **options)

    world.store.outbox.claim = counted
    lane = WorkerPool(
        "live",
        world.store.outbox,
        {topic: handle or world.store.outbox.finish},
        utc_now,
        threads=2,
        timings=WorkerTimings(poll_interval=60),
    )
    world.store.database.local_workers.append(lane)
    lane.start()
    # The first look of every lane.
    wait(lambda: len(claims) == 1)
    try:
        yield claims
    finally:
        lane.stop()


def requested(number, *, topic=Topic.CARD, seconds=0.0):
    at = utc_now() + timedelta(seconds=seconds)
    return OutboxMessage(topic=topic, key=f"{topic}:{number}", case_id="", run_at=at)


def test_a_message_is_handled_when_it_is_due_and_not_at_the_next_poll(world):
    with live_lane(world, Topic.CARD) as claims:
        request = partial(requested, 1, seconds=0.3)
        # Not due yet when it is written, however long the write waits for its turn.
        world.store.database.write(lambda unit: unit.enqueue([request()], utc_now()), appends=False)
        wait(lambda: row(world, request().key).state == "done", seconds=50)
    assert len(claims) == 2


def test_a_lane_that_is_handed_its_work_looks_for_no_other(world):
    with live_lane(world, Topic.CARD) as claims:
        for number in range(10):
            message = requested(number)
            world.store.database.write(
                lambda unit, message=message: unit.enqueue([message], utc_now()), appends=False
            )
            wait(lambda message=message: row(world, message.key).state == "done", seconds=50)
        world.store.outbox.enqueue([requested(1, topic=Topic.NOTE)])
    assert len(claims) == 1


def test_a_message_that_is_requested_again_while_it_is_in_hand_is_done_again_at_once(world):
    begun, go_on, done = threading.Event(), threading.Event(), []

    def slow(message):
        begun.set()
        assert go_on.wait(60)
        done.append(message.requests)
        world.store.outbox.finish(message)

    with live_lane(world, Topic.CARD, slow):
        world.store.outbox.enqueue([requested(1)])
        assert begun.wait(60)
        world.store.outbox.enqueue([requested(1)])
        go_on.set()
        wait(lambda: len(done) == 2, seconds=50)


def test_what_becomes_due_while_a_lane_is_full_is_handled_when_it_has_room_again(world):
    go_on = threading.Event()

    def slow(message):
        assert go_on.wait(60)
        world.store.outbox.finish(message)

    with live_lane(world, Topic.CARD, slow):
        for number in range(2 * PREFETCH_PER_THREAD):
            message = requested(number)
            world.store.database.write(
                lambda unit, message=message: unit.enqueue([message], utc_now()), appends=False
            )
        later = requested("later", seconds=0.2)
        world.store.database.write(lambda unit: unit.enqueue([later], utc_now()), appends=False)
        time.sleep(0.4)
        go_on.set()
        wait(lambda: row(world, later.key).state == "done", seconds=50)


# --- writes that nobody waits for -----------------------------------------------------------------


@contextlib.contextmanager
def busy_writer(world):
    """Hold the thread that writes up, and note how many jobs each of its batches has."""
    sizes, go_on = [], threading.Event()
    run_batch = world.store.database._run_batch

    def noted(batch):
        sizes.append(len(batch))
        run_batch(batch)

    world.store.database._run_batch = noted
    world.store.database.submit(lambda unit: go_on.wait(120), appends=False)
    wait(lambda: sizes == [1])
    try:
        yield sizes
    finally:
        go_on.set()


@contextlib.contextmanager
def triage_lane(world):
    """A lane of one thread, the messages of all cases, and the cases that it has looked at."""
    judged = []
    triage = world.desk.triage
    judge = triage.judge

    def noted(case, message):
        judged.append(case.id)
        return judge(case, message)

    object.__setattr__(triage, "judge", noted)
    messages = world.store.outbox.claim([Topic.TRIAGE], 99, world.clock(), 30)
    looks = []
    claim = world.store.outbox.claim

    def noted_claim(*more, **options):
        messages = claim(*more, **options)
        looks.append(len(messages))
        return messages

    world.store.outbox.claim = noted_claim
    lane = WorkerPool(
        "writes",
        world.store.outbox,
        {Topic.TRIAGE: triage.start},
        world.clock,
        threads=1,
        timings=WorkerTimings(poll_interval=60),
    )
    lane.start()
    # The first look of every lane.
    wait(lambda: looks == [0])
    world.store.outbox.claim = claim
    try:
        yield lane, messages, judged
    finally:
        lane.stop()


def test_what_waits_together_becomes_durable_together(world):
    for number in range(5):
        world.receive(world.signal(f"product:{number}"))
    with triage_lane(world) as (lane, messages, judged):
        with busy_writer(world) as sizes:
            lane.accept(messages)
            # One thread has looked at all of them, and nothing is written yet.
            wait(lambda: len(judged) == 5)
            assert world.store.queries.counts() == {"OPEN": 5}
            # Under lease until they are written.
            assert len(lane._leases) == 5
        wait(lambda: world.store.queries.counts() == {"PROPOSED": 5})
        wait(lambda: len(lane._leases) == 0)
    # The last may have been judged a moment before it was handed in.
    assert sizes[0] == 1
    assert sum(sizes[:3]) == 6


def test_of_those_only_the_failing_one_is_tried_again(world):
    for number in range(3):
        world.receive(world.signal(f"product:{number}"))
    with triage_lane(world) as (lane, messages, judged):
        with busy_writer(world):
            # Counted on the case after it was read, and written before its triage is.
            world.store.database.submit(recur(world, "product:1"))
            lane.accept(messages)
            wait(lambda: len(judged) == 3)
        wait(lambda: world.store.queries.counts() == {"PROPOSED": 3})
        wait(lambda: len(lane._leases) == 0)
    assert sorted(judged) == ["EX-1", "EX-2", "EX-2", "EX-3"]
    assert world.store.cases.case("EX-2").activity.signal_count == 2


def recur(world, subject):
    """A job that counts a signal on the case of this subject."""
    signal = world.signal(subject)

    def job(unit):
        case = unit.latest_case(signal.fingerprints)
        decision = decide(case, Recur(signal, False), world.clock())
        unit.append(case_write(case, decision.case, decision.entries))

    return job


def test_a_pool_that_stops_waits_for_its_last_writes(world):
    world.receive()
    stopped = threading.Event()
    with triage_lane(world) as (lane, messages, judged):
        with busy_writer(world):
            lane.accept(messages)
            wait(lambda: len(judged) == 1)

            def stop():
                lane.stop()
                stopped.set()

            stopping = threading.Thread(target=stop)
            stopping.start()
            assert not stopped.wait(0.3)
        stopping.join()
        assert world.store.queries.counts() == {"PROPOSED": 1}
