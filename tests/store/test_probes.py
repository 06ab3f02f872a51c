"""Practice cases in the store: read by their own records, and by nothing else."""

from datetime import timedelta

import pytest

from bot.audit.replay import replay
from bot.cases.probe import ProbeAnswer
from bot.store import tables
from bot.store.case_tallies import rebuild_tallies, wrong_tallies
from bot.store.derived import case_pages
from bot.store.projection import PROBE_KIND, case_row, people_rows
from tests.desk.test_probes import put, refused, with_probes
from tests.store.rows import rows_of

DAY = timedelta(days=1)


@pytest.fixture
def practice(world):
    refused(with_probes(world))
    world.clock.forward(days=20)
    return put(world)


def test_its_row_stands_where_no_query_looks(world, practice):
    business, probe = sorted(rows_of(world.store, tables.cases), key=lambda row: -row.number)
    assert business.number == 1
    assert (probe.id, probe.number) == (practice.id, -2)
    assert (probe.kind, probe.channel, probe.words, probe.names) == (PROBE_KIND, "", "", "")
    assert probe.fingerprint == f"probe:{practice.id}"
    assert dict(probe._mapping) == case_row(practice)
    assert people_rows(practice) == []


def test_its_records_have_it_from_its_opening_on(world, practice):
    records = world.store.probe_records
    assert [case.id for case in records.since(practice.timers.opened_at)] == [practice.id]
    assert records.since(practice.timers.opened_at + timedelta(seconds=1)) == []
    world.approve(practice, "omar")
    (case,) = records.since(practice.timers.opened_at)
    assert case.probe.answer is ProbeAnswer.APPROVED


def test_the_latest_is_the_first_of_its_records(world, practice):
    refused(world, 8)
    world.approve(practice, "omar")
    world.clock.forward(days=20)
    later = put(world)
    ids = [case.id for case in world.store.probe_records.since(later.timers.opened_at - 60 * DAY)]
    assert ids == [later.id, practice.id]


def test_it_is_in_no_tally_however_they_are_made(world, practice):
    world.approve(practice, "omar")
    world.work()
    before = rows_of(world.store, tables.case_tallies)
    with world.store.database.engine.begin() as connection:
        rebuild_tallies(connection)
        assert list(wrong_tallies(connection)) == []
    assert rows_of(world.store, tables.case_tallies) == before
    assert {row.kind for row in before} == {"low_stock"}


def test_an_audit_reads_its_row_too(world, practice):
    with world.store.database.snapshot() as connection:
        ids = {row.id for page in case_pages(connection, size=1) for row in page}
    assert ids == {"EX-1", practice.id}
    with world.store.database.engine.begin() as connection:
        cases = tables.cases
        is_probe = cases.c.id == practice.id
        connection.execute(cases.update().where(is_probe).values(channel="C0STOCK"))
    (difference,) = replay(world.store.database).differences
    assert practice.id in difference
