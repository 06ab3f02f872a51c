"""Readiness: however many ask, the world is asked once."""

import asyncio
import threading

import pytest

from handlers.intake.readiness import Readiness

NOT_READY = ["Slack: away"]


@pytest.mark.threat("C3")
def test_however_many_ask_whether_it_is_ready_slack_is_asked_once():
    calls = []
    may_answer = threading.Event()

    def check():
        calls.append(1)
        assert may_answer.wait(60)
        return NOT_READY

    async def ask():
        readiness = Readiness(ready_seconds=60, not_ready_seconds=60)
        tasks = [asyncio.create_task(readiness.problems(check)) for _ in range(50)]
        await asyncio.sleep(0)
        # One client disconnects, and the others still get their answer.
        tasks.pop().cancel()
        may_answer.set()
        answers = await asyncio.gather(*tasks)
        return [*answers, await readiness.problems(check)]

    assert asyncio.run(ask()) == [NOT_READY] * 50
    assert len(calls) == 1


@pytest.mark.threat("C3")
def test_that_it_is_ready_now_is_told_sooner_than_that_it_is_not_any_more():
    results = [NOT_READY, [], NOT_READY]

    def check():
        return results.pop(0)

    async def ask():
        readiness = Readiness(ready_seconds=60, not_ready_seconds=0)
        return [await readiness.problems(check) for _ in range(4)]

    assert asyncio.run(ask()) == [NOT_READY, [], [], []]
