"""A writer in a process of its own that is stopped in the middle of a pipeline.

``python -m tests.store.stopping URL WHERE`` sends a statement without asking for its result, stops
itself, and prints how its transactions ended once it goes on.

``ledger``: it holds the head of the ledger, for which every other writer waits. ``message``: it
holds the only message of the outbox, which every other worker skips.
"""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from bot.ports.outbox import LeasedMessage, Topic
from bot.store.database import Database
from bot.store.store import Store
from bot.store.unit_of_work import UnitOfWork
from tests.fakes.clock import NOON
from tests.waiting import wait_until

LEASE_SECONDS = 1.0
_WAITS_FOR_CLIENT = sa.text(
    "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND state = 'active'"
    " AND wait_event = 'ClientRead' AND application_name = :name"
)


def stop() -> None:
    """Stop this process at this place of this thread."""
    # To this thread, and not to any: it would get on for a moment.
    signal.pthread_kill(threading.get_ident(), signal.SIGSTOP)


def stop_on_ledger(unit: UnitOfWork) -> None:
    unit.next_case_id()
    unit.number_above(4711)
    # Its result is asked for when the transaction is committed.
    unit.flush()
    stop()


def stop_on_message(message: LeasedMessage, unit: UnitOfWork) -> None:
    unit.complete(message)
    stop()


def run(url: str, where: str) -> None:
    database = Database(url)
    try:
        if where == "ledger":
            database.write(stop_on_ledger)
        else:
            outbox = Store.over(database).outbox
            (message,) = outbox.claim([Topic.CARD], 1, NOON, LEASE_SECONDS)
            database.write(partial(stop_on_message, message), appends=False)
        print("committed")
    except DBAPIError as failure:
        print("lost" if failure.connection_invalidated else "failed")
    # The next transaction has a connection of its own.
    print(database.write(UnitOfWork.next_case_id))
    database.close()


@contextmanager
def stopped_writer(url: str, where: str) -> Iterator[subprocess.Popen[str]]:
    """Start one, and wait until it is stopped. It has the database to itself until then."""
    command = [sys.executable, "-m", "tests.store.stopping", url, where]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        _, status = os.waitpid(process.pid, os.WUNTRACED)
        assert os.WIFSTOPPED(status)
        wait_for_standstill(url, f"countersign writer {process.pid}")
        yield process
    finally:
        process.kill()
        process.communicate()


def wait_for_standstill(url: str, name: str) -> None:
    """Wait until the server waits for the next statement of this session."""
    engine = sa.create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        wait_until(
            lambda: connection.execute(_WAITS_FOR_CLIENT, {"name": name}).first(),
            f"a session of the name {name} that waits for its client",
        )
    engine.dispose()


if __name__ == "__main__":
    run(*sys.argv[1:])
