"""The head's lock: it orders what reads across cases, whichever process writes."""

import threading
from concurrent.futures import ThreadPoolExecutor

from bot.store.database import Database
from bot.store.store import Store
from tests.world import World

TROUBLES = 10


def test_a_trouble_that_two_processes_hear_of_at_once_is_one_case(database_url):
    """Each looks for a case of the same fingerprint first, under the lock that numbers cases."""
    databases = [Database(database_url), Database(database_url)]
    together = threading.Barrier(2)

    def receive(number):
        world = World(Store.over(databases[number]))
        case_ids = []
        for trouble in range(TROUBLES):
            signal = world.signal(f"product:{trouble}", key=f"{trouble} from {number}")
            together.wait()
            case_ids.append(world.receive(signal).case_id)
        return case_ids

    try:
        with ThreadPoolExecutor(2) as pool:
            first, second = pool.map(receive, range(2))
    finally:
        for database in databases:
            database.close()
    assert first == second
