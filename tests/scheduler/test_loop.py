"""The loop: no tick runs twice, a job that fails runs again."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from bot.clock import utc_now
from scheduler.loop import Job, Loop
from tests.waiting import wait_until

MINUTE = timedelta(minutes=1)
SECOND = timedelta(seconds=1)


def test_a_tick_runs_in_one_of_several_processes(world):
    runs = []
    job = Job("digest", MINUTE, lambda: runs.append(1))
    loops = [Loop(world.store.ticks, world.clock) for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        results = sorted(pool.map(lambda loop: loop.tick(job), loops))
    assert results == [False, False, False, True]
    world.clock.forward(minutes=1)
    assert loops[0].tick(job)
    assert not loops[0].tick(job)
    assert len(runs) == 2


def test_a_job_that_fails_runs_again_at_its_next_slot(world, caplog):
    def fail():
        raise ValueError("a bug")

    loop = Loop(world.store.ticks, world.clock)
    job = Job("x", MINUTE, fail)
    assert loop.tick(job)
    assert "it runs again at its next slot" in caplog.text
    world.clock.forward(minutes=1)
    assert loop.tick(job)


def test_the_loop_looks_once_at_start_and_then_on_its_interval(small_world):
    runs = []
    loop = Loop(small_world.store.ticks, utc_now)
    started_at = utc_now()
    loop.start([Job("quick", SECOND, lambda: runs.append(utc_now()))])
    wait_until(lambda: len(runs) >= 2, "a run at the start and one on the interval")
    loop.stop()
    slots = {int(at.timestamp()) for at in (started_at, utc_now())}
    assert 2 <= len(runs) <= max(slots) - min(slots) + 1
