"""A tick belongs to one process."""

from concurrent.futures import ThreadPoolExecutor

from bot.store import tables
from bot.store.database import Database
from bot.store.store import Store
from bot.store.ticks import MIN_SLOTS_KEPT
from tests.store.rows import rows_of


def test_a_tick_belongs_to_one_process(store):
    with ThreadPoolExecutor(8) as many:
        claimed = list(many.map(lambda _: store.ticks.claim_tick("digest", 7), range(24)))
    assert claimed.count(True) == 1
    assert store.ticks.claim_tick("digest", 8)


def test_two_processes_share_the_ticks_of_one_database(store):
    other_database = Database(store.database.url)
    other = Store.over(other_database)
    try:
        wins = [store.ticks.claim_tick("digest", slot) for slot in (1, 2)]
        wins += [other.ticks.claim_tick("digest", slot) for slot in (2, 3)]
    finally:
        other_database.close()
    assert wins == [True, True, False, True]


def test_jobs_do_not_take_each_others_slots(store):
    assert store.ticks.claim_tick("digest", 1)
    assert store.ticks.claim_tick("review", 1)
    assert not store.ticks.claim_tick("review", 1)


def test_a_slot_of_a_while_ago_stays_claimed_when_the_clock_is_set_back(store):
    for slot in range(1, 4):
        assert store.ticks.claim_tick("digest", slot)
    assert not store.ticks.claim_tick("digest", 1)


def test_old_slots_of_the_same_job_are_forgotten_and_no_others(store):
    newest = MIN_SLOTS_KEPT + 2
    store.ticks.claim_tick("review", 1)
    for slot in (1, 2, newest):
        store.ticks.claim_tick("digest", slot)
    rows = [(row.job, row.slot) for row in rows_of(store, tables.ticks)]
    assert rows == [("digest", 2), ("digest", newest), ("review", 1)]


def test_a_slot_that_was_lost_forgets_nothing(store):
    store.ticks.claim_tick("digest", MIN_SLOTS_KEPT + 2)
    store.ticks.claim_tick("digest", 1)
    assert not store.ticks.claim_tick("digest", MIN_SLOTS_KEPT + 2)
    assert len(rows_of(store, tables.ticks)) == 2


def test_the_latest_slot_of_a_job_is_found(store):
    assert store.ticks.last_slot("read support 1") is None
    for slot in (7, 9, 8):
        store.ticks.claim_tick("read support 1", slot)
    store.ticks.claim_tick("read support 2", 20)
    assert store.ticks.last_slot("read support 1") == 9
