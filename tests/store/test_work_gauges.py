"""The gauges that a scrape reads from the database, on SQLite and PostgreSQL."""

import contextlib
from datetime import timedelta

import pytest
import sqlalchemy as sa

from bot import metrics
from bot.cases.desk_kinds import ASSISTANT, DESK_SOURCE
from bot.ports.outbox import Topic
from bot.store import tables
from bot.store.work_gauges import _MESSAGES, _OPEN_CASES, CACHE_SECONDS, SignedSize, WorkGauges
from tests.desk.test_probes import put, refused, with_probes
from tests.metric_samples import samples

OPEN = "countersign_open_cases"
MESSAGES = "countersign_outbox_messages"
AGE = "countersign_outbox_oldest_due_age_seconds"


@pytest.fixture
def gauges(world):
    """Show the gauges of this world, each scrape anew."""
    gauges = WorkGauges(
        database=world.store.database,
        clock=world.clock,
        last_checkpoint=lambda: SignedSize(2, 1_000.0),
        count_stages=lambda: {("low_stock", "supervised"): 3},
    )
    metrics.expose(gauges)
    yield gauges
    metrics.expose(None)


def scrape(gauges):
    gauges._read_at = float("-inf")
    return samples()


def test_open_cases_are_counted_by_kind_and_state_and_ended_ones_are_not(world, gauges):
    case = world.proposed()
    proposed = (OPEN, "kind=low_stock", "state=proposed")
    assert scrape(gauges)[proposed] == 1
    world.receive(world.signal("product:2"))
    assert scrape(gauges)[(OPEN, "kind=low_stock", "state=open")] == 1
    world.approve(case)
    world.work()
    states = {key[2] for key in scrape(gauges) if key[0] == OPEN}
    assert world.case(case).is_terminal
    assert states == {"state=proposed"}


def test_open_decisions_about_the_assistant_are_one_kind_and_practice_is_none(world, gauges):
    refused(with_probes(world))
    world.receive(world.signal(kind="stage_of_low_stock", source=DESK_SOURCE))
    world.clock.forward(days=20)
    assert not put(world).is_terminal
    kinds = {key[1] for key, count in scrape(gauges).items() if key[0] == OPEN and count}
    assert kinds == {f"kind={ASSISTANT}"}


def test_what_waits_in_the_outbox_is_shown_with_its_age(world, gauges):
    world.receive()
    world.clock.forward(seconds=90)
    found = scrape(gauges)
    assert found[(MESSAGES, "state=ready", "topic=triage")] == 1
    assert found[(AGE, "topic=triage")] == pytest.approx(90)
    (message,) = world.store.outbox.claim([Topic.TRIAGE], 1, world.clock(), 30)
    found = scrape(gauges)
    assert found[(MESSAGES, "state=leased", "topic=triage")] == 1
    assert found[(AGE, "topic=triage")] == 0
    world.store.outbox.park(message, "no such table")
    world.clock.forward(seconds=90)
    found = scrape(gauges)
    assert found[(MESSAGES, "state=parked", "topic=triage")] == 1
    # Nobody waits for what was given up.
    assert found[(AGE, "topic=triage")] == 0


def test_what_is_due_later_is_no_backlog(world, gauges):
    later = world.store.outbox
    world.receive()
    (message,) = later.claim([Topic.TRIAGE], 1, world.clock(), 30)
    later.retry(message, world.clock() + timedelta(hours=1), "busy", certain=True)
    assert scrape(gauges)[(AGE, "topic=triage")] == 0


def test_ledger_checkpoint_and_stages_are_shown(world, gauges):
    world.receive()
    found = scrape(gauges)
    assert found[("countersign_ledger_entries",)] == 1
    assert found[("countersign_ledger_signed_entries",)] == 2
    assert found[("countersign_ledger_checkpoint_timestamp_seconds",)] == 1_000
    assert found[("countersign_stage_actions", "kind=low_stock", "stage=supervised")] == 3
    assert found[("countersign_database_up",)] == 1


def test_scrapes_within_seconds_share_one_reading(world, gauges):
    scrape(gauges)
    world.proposed()
    assert CACHE_SECONDS > 1
    assert not [key for key in samples() if key[0] == OPEN]


def test_a_database_that_is_away_leaves_the_counters(world, gauges):
    with contextlib.closing(world.store.database):
        world.proposed()
    gauges.database.fetch = refuse
    found = scrape(gauges)
    assert found[("countersign_database_up",)] == 0
    assert not [key for key in found if key[0] == "countersign_ledger_entries"]
    assert [key for key in found if key[0] == "countersign_cases_opened_total"]


def refuse(*_):
    raise sa.exc.OperationalError("SELECT", {}, Exception("away"))


def test_a_scrape_reads_ranges_of_indexes_and_no_done_work(small_world):
    """On SQLite, whose plan can be read."""
    for statement, table in ((_OPEN_CASES, tables.cases), (_MESSAGES, tables.outbox)):
        with small_world.store.database.read() as connection:
            query = statement._core.compile(
                connection, compile_kwargs={"literal_binds": True, "render_postcompile": True}
            )
            plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {query}").all()
        lines = [row[3] for row in plan if table.name in row[3]]
        assert lines
        assert all(line.startswith(f"SEARCH {table.name} USING") for line in lines), lines
