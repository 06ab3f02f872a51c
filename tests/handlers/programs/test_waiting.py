"""Waits hold no thread, share one question to the store, and leave room for others."""

import asyncio

import pytest
from sqlalchemy.exc import OperationalError

from handlers.programs.waiting import MAX_WAITS_EACH, CaseWaits
from tests.waiting import wait_until


class Versions:
    """What the store says, and how often it was asked for which cases."""

    def __init__(self):
        self.now = {"EX-1": 1, "EX-2": 1}
        self.questions = []
        self.is_away = False

    def versions(self, case_ids):
        self.questions.append(list(case_ids))
        if self.is_away:
            raise OperationalError("SELECT", {}, Exception("away"))
        return {case_id: self.now[case_id] for case_id in case_ids}


@pytest.fixture
def store():
    return Versions()


def test_all_waits_are_one_question_and_each_ends_with_its_own_case(store):
    async def act():
        waits = CaseWaits(queries=store, poll_seconds=0.001)
        first, second = (
            asyncio.create_task(waits.until_changed(case_id, 1, seconds=30, program="one"))
            for case_id in ("EX-1", "EX-2")
        )
        await asyncio.to_thread(wait_until, lambda: len(store.questions) > 1, "two questions")
        store.now["EX-1"] = 2
        await first
        assert not second.done()
        store.now["EX-2"] = 2
        await second
        assert not waits._waits
        assert waits.has_room("one")

    asyncio.run(act())
    assert ["EX-1", "EX-2"] in store.questions


def test_nobody_asks_while_nobody_waits(store):
    async def act():
        waits = CaseWaits(queries=store, poll_seconds=0.001)
        await waits.until_changed("EX-1", 1, seconds=0.01, program="one")
        await waits._poller
        asked = len(store.questions)
        await asyncio.sleep(0.01)
        assert len(store.questions) == asked
        # The next wait begins to ask again.
        await waits.until_changed("EX-1", 0, seconds=30, program="one")

    asyncio.run(act())


def test_a_database_that_is_away_ends_no_wait_before_its_time(store):
    async def act():
        waits = CaseWaits(queries=store, poll_seconds=0.001)
        store.is_away = True
        waiting = asyncio.create_task(waits.until_changed("EX-1", 1, seconds=30, program="one"))
        await asyncio.to_thread(wait_until, lambda: store.questions, "a question")
        store.is_away = False
        store.now["EX-1"] = 2
        await waiting

    asyncio.run(act())


def test_a_program_has_so_many_waits_and_leaves_room_for_others(store):
    async def act():
        waits = CaseWaits(queries=store, poll_seconds=0.001)
        tasks = [
            asyncio.create_task(waits.until_changed("EX-1", 1, seconds=30, program="one"))
            for _ in range(MAX_WAITS_EACH)
        ]
        await asyncio.sleep(0)
        assert not waits.has_room("one")
        assert waits.has_room("two")
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert waits.has_room("one")

    asyncio.run(act())
