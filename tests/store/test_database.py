"""One writer, whose jobs do not harm each other."""

import threading
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa

from bot.store import database as database_module
from bot.store.database import Database
from tests.conftest import _create


def test_one_failing_job_does_not_fail_its_batch(store):
    gate = threading.Event()
    with ThreadPoolExecutor(3) as many:
        first = many.submit(store.database.write, lambda unit: gate.wait(120))
        bad = many.submit(store.database.write, lambda unit: 1 / 0)
        good = many.submit(store.ticks.claim_tick, "job", 1)
        gate.set()
        assert first.result() is True
        assert good.result() is True
        with pytest.raises(ZeroDivisionError):
            bad.result()


@pytest.mark.threat("A3")
def test_a_writer_that_stands_still_in_a_transaction_does_not_stop_the_others(
    postgres, monkeypatch
):
    """As when a process is stopped, or its machine sleeps, while it holds the head of the ledger."""
    monkeypatch.setattr(database_module, "MAX_IDLE_SECONDS", 0.5)
    name = f"idle{uuid.uuid4().hex[:10]}"
    _create(postgres, name, "template_countersign")
    still, other = Database(f"{postgres}/{name}"), Database(f"{postgres}/{name}")
    inside, go_on = threading.Event(), threading.Event()

    def stand_still(unit):
        inside.set()
        assert go_on.wait(120)

    try:
        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(still.write, stand_still)
            assert inside.wait(120)
            assert other.write(lambda unit: unit.next_case_id()) == "EX-1"
            go_on.set()
            with pytest.raises(sa.exc.DBAPIError):
                waiting.result(120)
        assert still.write(lambda unit: unit.next_case_id()) == "EX-1"
    finally:
        go_on.set()
        still.close()
        other.close()
