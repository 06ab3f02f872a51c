"""Pages of cases: no case lost or repeated, and no more rows read than a page needs."""

import pytest
import sqlalchemy as sa

from bot.cases.lifecycle import State
from bot.ports.case_queries import CaseFilter, ReadableCases
from bot.store import tables
from bot.store.case_queries import numbers_below
from tests.store.rows import rows_of

ANY = CaseFilter(is_any=True)
TILL = ReadableCases(kinds=("low_stock",), sources=("program:till",))
COUNT = 10_000
#: A page and one case more.
LIMIT = 51


def page_ids(world, filter=ANY, limit=100, below=None):
    return [case.id for case in world.store.queries.page(filter, limit, below=below)]


def receive(world, number, **changes):
    return world.receive(world.signal(f"product:{number}", **changes)).case_id


def test_pages_go_down_from_the_newest_and_what_is_opened_meanwhile_moves_none(world):
    opened = [receive(world, number) for number in range(5)]
    assert page_ids(world, limit=2) == ["EX-5", "EX-4"]
    receive(world, 9)
    assert page_ids(world, limit=2, below=4) == ["EX-3", "EX-2"]
    assert page_ids(world, limit=2, below=2) == [opened[0]]
    assert page_ids(world, limit=2, below=1) == []


def test_a_program_gets_what_it_sent_and_its_kinds(world):
    for number, changes in enumerate(
        ({}, {"kind": "another"}, {"kind": "another", "source": "program:till"})
    ):
        receive(world, number, **changes)
    assert page_ids(world, CaseFilter(is_any=True, readable=TILL)) == ["EX-3", "EX-1"]
    nothing = ReadableCases(kinds=(), sources=())
    assert page_ids(world, CaseFilter(is_any=True, readable=nothing)) == []
    only_open = CaseFilter(is_any=True, readable=TILL, states=(State.RESOLVED,))
    assert page_ids(world, only_open) == []


def test_troubles_are_found_by_their_names(world):
    first, second = (world.signal(f"product:{number}") for number in (1, 2))
    for signal in (first, second):
        world.receive(signal)
    assert page_ids(world, CaseFilter(is_any=True, fingerprints=(first.fingerprint,))) == ["EX-1"]
    assert page_ids(world, CaseFilter(is_any=True, fingerprints=())) == []


@pytest.fixture
def many(world):
    """Ten thousand cases, every other of them of another kind."""
    receive(world, 0)
    (row,) = [dict(row._mapping) for row in rows_of(world.store, tables.cases)]
    rows = [
        {
            **row,
            "id": f"EX-{number}",
            "number": number,
            "kind": "low_stock" if number % 2 else "another",
            "fingerprint": f"f{number}",
        }
        for number in range(2, COUNT + 1)
    ]
    engine = world.store.database.engine
    with engine.begin() as connection:
        connection.execute(sa.insert(tables.cases), rows)
        connection.execute(sa.text("ANALYZE"))
    return world


def work(world, filter, below):
    """What a page costs: steps of SQLite's machine, or rows that PostgreSQL has looked at."""
    query = numbers_below(filter, LIMIT, below)
    database = world.store.database
    text = str(query.compile(database.engine, compile_kwargs={"literal_binds": True}))
    with database.engine.connect() as connection:
        if not database.is_sqlite:
            explained = connection.exec_driver_sql(f"EXPLAIN (ANALYZE, FORMAT JSON) {text}")
            return _rows(explained.scalar_one()[0]["Plan"])
        steps = [0]

        def count():
            steps[0] += 1
            return 0

        raw = connection.connection.driver_connection
        raw.set_progress_handler(count, 1)
        connection.exec_driver_sql(text).all()
        raw.set_progress_handler(None, 1)
        return steps[0]


def _rows(plan):
    removed = plan.get("Rows Removed by Filter", 0)
    here = 0 if plan.get("Plans") else plan["Actual Rows"] + removed
    return here + sum(map(_rows, plan.get("Plans", [])))


FILTERS = {
    "all": ANY,
    "of a kind": CaseFilter(is_any=True, kind="low_stock"),
    "of a program": CaseFilter(is_any=True, readable=TILL),
    "open": CaseFilter(is_any=True, states=(State.OPEN, State.PROPOSED), kind="low_stock"),
}


def test_a_page_reads_no_more_of_ten_thousand_cases_than_it_needs(many):
    # Of SQLite's machine a row takes some twenty steps; half of the cases are of the kind.
    per_row = 50 if many.store.database.is_sqlite else 1
    for name, filter in FILTERS.items():
        for below in (None, COUNT // 2, 200):
            assert work(many, filter, below) <= 3 * LIMIT * per_row, (name, below)
    by_name = CaseFilter(is_any=True, fingerprints=tuple(f"f{one}" for one in range(2, 52)))
    assert work(many, by_name, None) <= 4 * LIMIT * per_row
    # The measure would notice a page that reads them all: no index has a source.
    assert work(many, CaseFilter(is_any=True, source="nobody"), None) > COUNT // 2
