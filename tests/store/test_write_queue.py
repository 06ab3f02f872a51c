"""The order of the jobs that wait for the writer."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from bot.cases.actor import Surface
from bot.cases.errors import Conflict, Refusal
from bot.ports.case_store import Change
from bot.store.write_queue import MAX_BESIDE_URGENT, WriteJob, WriteQueue
from tests.fakes.directory import principal
from tests.store.test_database import wait_for_queue
from tests.store.test_unit_of_work import claim_of


def job(name, *, urgent=False):
    return WriteJob(run=name, appends=False, is_urgent=urgent)


def names(jobs):
    return [one.run for one in jobs]


def queue_of(*jobs):
    queue = WriteQueue()
    for one in jobs:
        queue.put(one)
    return queue


def test_the_first_to_come_is_the_first_to_go():
    queue = queue_of(*[job(number) for number in range(5)])
    assert names(queue.take(3)) == [0, 1, 2]
    assert names(queue.take(3)) == [3, 4]


def test_an_urgent_job_goes_before_all_others_and_after_those_as_urgent():
    others = [job(number) for number in range(64)]
    queue = queue_of(*others, job("press 1", urgent=True), job("press 2", urgent=True))
    batch = names(queue.take(64))
    assert batch[:2] == ["press 1", "press 2"]
    assert batch[2:] == list(range(MAX_BESIDE_URGENT))


def test_others_go_on_however_many_are_urgent():
    queue = queue_of(*[job(number) for number in range(20)])
    done = []
    for _ in range(3):
        for number in range(200):
            queue.put(job(f"press {number}", urgent=True))
        done += [name for name in names(queue.take(64)) if isinstance(name, int)]
    assert done == list(range(20))


def test_background_jobs_wait_for_a_decision_and_others_do_not():
    is_rush = threading.Event()
    is_rush.set()
    queue = WriteQueue(is_rush.is_set)
    queue.put(WriteJob(run="card", appends=False, is_background=True))
    queue.put(job("signal"))
    queue.put(job("press", urgent=True))
    assert names(queue.take(64)) == ["press", "signal"]
    with ThreadPoolExecutor(1) as pool:
        batch = pool.submit(queue.take, 64)
        time.sleep(0.1)
        assert not batch.done()
        queue.put(job("next press", urgent=True))
        assert names(batch.result(120)) == ["next press"]
        batch = pool.submit(queue.take, 64)
        is_rush.clear()
        assert names(batch.result(120)) == ["card"]


def test_background_jobs_are_written_before_the_end_in_a_rush_too():
    queue = WriteQueue(lambda: True)
    queue.put(WriteJob(run="card", appends=False, is_background=True))
    queue.close()
    assert names(queue.take(64)) == ["card"]
    assert queue.take(64) == []


def test_jobs_that_were_not_run_go_back_to_their_places():
    queue = queue_of(job("press", urgent=True), *[job(number) for number in range(4)])
    batch = queue.take(64)
    queue.put(job("later"))
    queue.put_back(batch[2:])
    assert names(queue.take(64)) == [1, 2, 3, "later"]


def test_a_closed_queue_gives_out_what_waits_and_takes_nothing_more():
    queue = queue_of(job(1))
    queue.close()
    with pytest.raises(RuntimeError, match="closed"):
        queue.put(job(2))
    assert names(queue.take(9)) == [1]
    assert queue.take(9) == []


# --- in the database ----------------------------------------------------------------------------


def hold_up(store, pool):
    """Hold up the writer until the event is set."""
    gate, inside = threading.Event(), threading.Event()

    def wait(unit):
        inside.set()
        assert gate.wait(30)

    held = pool.submit(store.database.write, wait, appends=False)
    assert inside.wait(30)
    return gate, held


def test_a_press_overtakes_the_background_jobs_that_wait(small_world):
    store, done = small_world.store, []
    with ThreadPoolExecutor(1) as pool:
        gate, held = hold_up(store, pool)
        futures = [
            store.database.submit(lambda unit, n=n: done.append(n), appends=False)
            for n in range(200)
        ]
        press = store.database.submit(lambda unit: done.append("press"), appends=False, urgent=True)
        gate.set()
        for future in (press, *futures, held):
            future.result(30)
    assert done[0] == "press"
    assert done[1:] == list(range(200))


def test_a_press_does_not_wait_for_the_end_of_a_long_batch(small_world):
    """What the batch has done so far becomes durable, and the rest runs after the press."""
    store, done = small_world.store, []
    began, pressed = threading.Event(), threading.Event()

    def job(number):
        def run(unit):
            began.set()
            # The press comes while the first of them runs.
            assert pressed.wait(30)
            done.append(number)

        return run

    with ThreadPoolExecutor(1) as pool:
        gate, held = hold_up(store, pool)
        futures = [store.database.submit(job(n), appends=False) for n in range(60)]
        gate.set()
        assert began.wait(30)
        press = store.database.submit(lambda unit: done.append("press"), appends=False, urgent=True)
        pressed.set()
        for future in (press, *futures):
            future.result(30)
        assert done.index("press") < 30
        held.result(30)
    assert [name for name in done if name != "press"] == list(range(60))


def test_a_press_does_not_wait_for_each_job_of_a_batch_that_failed(small_world):
    """After a failure every job runs alone; the press comes between."""
    store, done = small_world.store, []
    are_alone, pressed = threading.Event(), threading.Event()

    def job(number):
        def run(unit):
            if number == 59:
                raise ZeroDivisionError
            done.append(number)
            # The batch has failed, and its jobs have begun to run alone: now the press comes.
            if len(done) == 62:
                are_alone.set()
                assert pressed.wait(30)

        return run

    with ThreadPoolExecutor(1) as pool:
        gate, held = hold_up(store, pool)
        futures = [store.database.submit(job(n), appends=False) for n in range(60)]
        gate.set()
        assert are_alone.wait(30)
        press = store.database.submit(lambda unit: done.append("press"), appends=False, urgent=True)
        pressed.set()
        press.result(30)
        press_at = done.index("press")
        held.result(30)
        for future in futures[:59]:
            future.result(30)
        with pytest.raises(ZeroDivisionError):
            futures[59].result(30)
    # Some ran in the batch that failed, and again.
    assert press_at < 59 + 30
    assert set(done) == {*range(59), "press"}


def test_background_jobs_end_while_presses_never_stop(small_world):
    database, stop = small_world.store.database, threading.Event()

    def press():
        while not stop.is_set():
            database.write(lambda unit: None, appends=False, urgent=True)

    with ThreadPoolExecutor(4) as pool:
        for _ in range(4):
            pool.submit(press)
        try:
            futures = [database.submit(lambda unit: None, appends=False) for _ in range(100)]
            for future in futures:
                future.result(60)
        finally:
            stop.set()


def test_what_is_submitted_is_durable_when_its_callback_runs(small_world):
    store, seen = small_world.store, threading.Event()
    future = store.database.submit(lambda unit: store.ticks and unit.next_case_id(), urgent=True)
    future.add_done_callback(lambda done: seen.set())
    assert seen.wait(30)
    assert future.result() == "EX-1"


def test_what_is_submitted_and_fails_tells_its_future(small_world):
    future = small_world.store.database.submit(lambda unit: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        future.result(30)


def test_what_waits_is_counted(small_world):
    store = small_world.store
    with ThreadPoolExecutor(1) as pool:
        gate, held = hold_up(store, pool)
        futures = [store.database.submit(lambda unit: None) for _ in range(3)]
        wait_for_queue(store, 3)
        gate.set()
        for future in (*futures, held):
            future.result(30)
    assert store.database._jobs.qsize() == 0


def test_the_thread_that_writes_never_waits_for_itself(small_world):
    database = small_world.store.database
    with pytest.raises(RuntimeError, match="wait for itself"):
        database.write(lambda unit: database.write(lambda inner: None))


# --- decisions of people ------------------------------------------------------------------------


def change_of(world):
    """A case, and a decision about it that nobody has written yet."""
    case = world.proposed()
    decision = claim_of(case, world)
    return case, Change(before=case, after=decision.case, entries=decision.entries)


def test_a_decision_can_be_committed_without_waiting_for_it(world):
    case, change = change_of(world)
    durable, seen = threading.Event(), []

    def acknowledge(done):
        seen.append(done.result())
        durable.set()

    world.store.cases.submit(change, urgent=True).add_done_callback(acknowledge)
    assert durable.wait(30)
    assert seen == [change.after] == [world.case(case)]


def test_of_two_decisions_that_nobody_waits_for_one_is_told_of_the_conflict(world):
    case, change = change_of(world)
    first, second = [world.store.cases.submit(change, urgent=True) for _ in range(2)]
    assert first.result(30) == change.after
    with pytest.raises(Conflict):
        second.result(30)
    assert world.case(case).version == change.after.version


def test_an_urgent_decision_goes_before_the_background_jobs_that_wait(world):
    store, done = world.store, []
    _, change = change_of(world)
    with ThreadPoolExecutor(1) as pool:
        gate, held = hold_up(store, pool)
        others = [store.database.submit(lambda unit: done.append("job")) for _ in range(100)]
        guarded = replace(change, guard=lambda controls, usage: done.append("press"))
        press = store.cases.submit(guarded, urgent=True)
        gate.set()
        for future in (press, *others, held):
            future.result(30)
    assert done == ["press"] + ["job"] * 100


def test_a_press_is_urgent(world):
    """So are the refusal of one, and a pause of the desk."""
    case = world.proposed()
    jobs, put = [], world.store.database._jobs.put
    world.store.database._jobs.put = lambda job: (jobs.append(job.is_urgent), put(job))[1]
    world.approve(case)
    with pytest.raises(Refusal):
        world.approve(case, "ben")
    world.desk.controls.pause("", by=principal("ben"), reason="wait", surface=Surface.SLACK)
    assert jobs == [True, True, True]
    world.receive(world.signal("product:2"))
    assert jobs[-1] is False
