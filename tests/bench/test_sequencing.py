"""The prototype past the ledger's head: places in order, whoever integrates and whoever dies."""

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import psycopg
import pytest

from tests.bench.postgres import database_on
from tests.bench.sequencing import (
    LINES_PER_DECISION,
    Integrator,
    LeadershipLost,
    Writer,
    connect,
    count_unplaced,
    create_tables,
    differences,
    list_unplaced,
)

DATABASE = "sequencing"
TRANSACTIONS = 25


@pytest.fixture
def url(postgres):
    with database_on(postgres, DATABASE) as database:
        url = database.replace("+psycopg", "")
        create_tables(url)
        yield url


@pytest.fixture
def connection(url):
    with closing(connect(url)) as connection:
        yield connection


def write(url, name, *, has_head=False, transactions=TRANSACTIONS):
    with closing(connect(url)) as connection:
        writer = Writer(connection, name, has_head=has_head)
        writer.open_cases()
        for number in range(transactions):
            writer.write(1 + number % 5)
    return writer


def integrate_until(url, ending):
    """Lead, as one of many would, until nothing is left or the connection is cut."""
    with closing(connect(url)) as connection:
        integrator = Integrator(connection=connection)
        if not integrator.lead():
            return
        while integrator.integrate(limit=7) or not ending.is_set():
            pass


def places(connection):
    rows = connection.execute("SELECT case_id, version, seq FROM places")
    return {(case_id, version): seq for case_id, version, seq in rows}


def problems(connection):
    return [*differences(connection, has_head=False)]


def test_the_head_row_orders_what_writers_commit_at_once(url, connection):
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda name: write(url, name, has_head=True), "abcd"))
    assert [*differences(connection, has_head=True)] == []


def test_every_entry_gets_a_place_however_often_the_integrator_dies(url, connection):
    ending = threading.Event()

    def integrators():
        while not ending.is_set():
            try:
                integrate_until(url, ending)
            except psycopg.OperationalError:
                continue
        integrate_until(url, ending)

    with ThreadPoolExecutor(5) as pool:
        leading = pool.submit(integrators)
        writing = [pool.submit(write, url, name) for name in "abcd"]
        kills = 0
        while not all(one.done() for one in writing):
            kills += cut_leader(connection)
        ending.set()
        leading.result()
    assert kills > 3
    assert count_unplaced(connection) == 0
    assert problems(connection) == []


def cut_leader(connection):
    """End the connection of the leader, wherever in its transaction it is."""
    leaders = connection.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_locks "
        "WHERE locktype = 'advisory' AND database = "
        "(SELECT oid FROM pg_database WHERE datname = current_database())"
    ).fetchall()
    return len(leaders)


def test_two_that_both_think_they_lead_place_nothing_twice(url, connection):
    write(url, "a")
    barrier = threading.Barrier(2)

    def integrate():
        with closing(connect(url)) as own:
            integrator = Integrator(connection=own)
            barrier.wait()
            try:
                while integrator.integrate(limit=10):
                    pass
            except LeadershipLost:
                return

    with ThreadPoolExecutor(2) as pool:
        for future in [pool.submit(integrate) for _ in range(2)]:
            future.result()
    Integrator(connection=connection).integrate()
    assert count_unplaced(connection) == 0
    assert problems(connection) == []


def test_what_was_caused_by_an_entry_has_a_later_place(url, connection):
    """Two writers answer each other: each commits after it has heard of the other's commit."""
    ending = threading.Event()
    with (
        closing(connect(url)) as other_connection,
        ThreadPoolExecutor(2) as pool,
    ):
        pool.submit(write, url, "noise")
        leading = pool.submit(integrate_until, url, ending)
        writers = [
            Writer(connection, "a", has_head=False),
            Writer(other_connection, "b", has_head=False),
        ]
        for writer in writers:
            writer.open_cases()
        order = []
        for number in range(TRANSACTIONS):
            writer = writers[number % 2]
            before = set(writer.committed_at)
            writer.write(1)
            order.append(set(writer.committed_at) - before)
        ending.set()
        leading.result()
    Integrator(connection=connection).integrate()
    seqs = places(connection)
    spans = [sorted(seqs[key] for key in keys) for keys in order]
    assert spans == sorted(spans)


@pytest.mark.parametrize("tables", [["entries"], ["entries", "unplaced"]])
def test_an_entry_that_is_deleted_before_it_has_a_place_is_missed(url, connection, tables):
    write(url, "a", transactions=1)
    for table in tables:
        connection.execute(f"DELETE FROM {table}")
    assert problems(connection) == ["a-0: the case is at 2, and its last entry is another"]


def test_an_entry_is_placed_though_the_list_of_what_waits_was_emptied(url, connection):
    """What waits follows from the entries and places, so it can be made again."""
    write(url, "a", transactions=1)
    connection.execute("DELETE FROM unplaced")
    assert Integrator(connection=connection).integrate() == 0
    assert count_unplaced(connection) == LINES_PER_DECISION
    list_unplaced(connection)
    assert Integrator(connection=connection).integrate() == LINES_PER_DECISION
    assert problems(connection) == []
