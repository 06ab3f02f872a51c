"""Time is the database's: what this machine's own clock says decides nothing where a database server is shared."""

import shutil
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa

import bot.clock
from bot import wiring
from bot.cases.errors import TooLate
from bot.cases.lifecycle import State
from bot.clock import boottime, utc_now
from bot.ports.outbox import Topic
from bot.store import clock as subject
from bot.store.clock import DatabaseClock, clock_of
from bot.store.database import Database
from bot.store.store import Store
from tests.conftest import SAMPLE_ENVIRONMENT
from tests.fakes.clock import FakeClock
from tests.world import HOUR, World

pytestmark = pytest.mark.threat("B11")
EXACT = timedelta(seconds=2)


@pytest.fixture
def skewed(monkeypatch):
    """Set this process's wall clock wrong by so much."""

    def skew(by: timedelta) -> None:
        class Wrong(datetime):
            @classmethod
            def now(cls, zone=None):
                return datetime.now(zone) + by

        monkeypatch.setattr(bot.clock, "datetime", Wrong)

    return skew


@pytest.fixture
def server(postgres, request):
    """A store on a real PostgreSQL."""
    import uuid

    from tests.conftest import _create

    name = f"c{uuid.uuid4().hex[:12]}"
    _create(postgres, name, "template_countersign")
    database = Database(f"{postgres}/{name}")
    yield Store.over(database)
    database.close()


def database_time(store) -> datetime:
    with store.database.read() as connection:
        return connection.execute(sa.text("SELECT clock_timestamp()")).scalar_one()


@pytest.mark.parametrize("hours", [-1, 1])
def test_a_process_whose_clock_is_wrong_by_an_hour_writes_the_databases_time(server, skewed, hours):
    skewed(timedelta(hours=hours))
    assert abs(utc_now() - database_time(server)) > timedelta(minutes=59)
    assert abs(clock_of(server.database)() - database_time(server)) < EXACT


def test_the_bot_that_is_wired_together_keeps_the_databases_time(server, tmp_path, skewed):
    from bot import settings as configuration

    skewed(timedelta(hours=1))
    settings = configuration.load(
        {
            **SAMPLE_ENVIRONMENT,
            "COUNTERSIGN_DATA_DIR": str(tmp_path),
            "COUNTERSIGN_DATABASE_URL": server.database.url,
        }
    )
    service = wiring.build_service(settings)
    clocks = {
        service.desk.decisions.clock,
        service.desk.executor.clock,
        service.desk.intake.clock,
        service.clock,
    }
    assert len(clocks) == 1
    assert all(lane._clock is service.clock for lane in service.lanes)
    assert abs(service.clock() - database_time(server)) < EXACT
    service.knowledge.precedents.close()
    service.desk.store.database.close()


def test_a_file_has_the_clock_of_its_machine(empty_sqlite, tmp_path):
    shutil.copy(empty_sqlite, tmp_path / "file.db")
    database = Database(f"sqlite:///{tmp_path / 'file.db'}")
    assert clock_of(database) is utc_now
    database.close()


def test_a_process_an_hour_behind_cannot_approve_after_expiry(server, skewed):
    """The case expired half an hour ago by the database's time; by this process's it has half an hour left."""
    before = World(server)
    tiers = {
        name: replace(tier, expires_for=24 * HOUR)
        for name, tier in before.library.rules.tiers.items()
    }
    before.library.rules = replace(before.library.rules, tiers=tiers)
    before.clock.at = database_time(server) - timedelta(hours=24, minutes=30)
    case = before.proposed()
    assert (case.state, case.proposal.expires_at < database_time(server)) == (State.PROPOSED, True)
    skewed(timedelta(hours=-1))
    assert utc_now() < case.proposal.expires_at
    behind = World(server, clock=clock_of(server.database))
    with pytest.raises(TooLate):
        behind.approve(case)


def test_a_process_an_hour_ahead_takes_over_no_lease(server, skewed):
    first = World(server, clock=clock_of(server.database))
    first.receive()
    (held,) = server.outbox.claim([Topic.TRIAGE], 1, first.clock(), 30)
    skewed(timedelta(hours=1))
    ahead = clock_of(server.database)
    assert not server.outbox.has_due([Topic.TRIAGE], ahead())
    assert server.outbox.claim([Topic.TRIAGE], 1, ahead(), 30) == []
    server.outbox.finish(held)


def test_the_time_between_two_readings_is_counted_on_and_read_again(server):
    ticks = [boottime()]
    clock = DatabaseClock(server.database, stopwatch=lambda: ticks[0])
    began = clock()
    ticks[0] += 3600
    assert clock() - began == timedelta(hours=1)
    assert clock.resync()
    assert abs(clock() - database_time(server)) < EXACT


def test_a_database_that_is_away_leaves_the_last_reading(server):
    clock = DatabaseClock(server.database)

    class Away:
        def read(self):
            raise sa.exc.OperationalError("SELECT", {}, Exception("away"))

    clock._database = Away()
    assert not clock.resync()
    assert abs(clock() - database_time(server)) < EXACT


def test_an_answer_that_took_too_long_is_not_believed(server):
    moments = iter([0.0, 0.0, 10.0, 10.0, 20.0, 20.0, 20.0])
    clock = DatabaseClock(server.database, stopwatch=lambda: next(moments))
    before = clock._base
    assert (clock.resync(), clock._base) == (False, before)


def test_reading_again_goes_on_by_itself_until_it_is_stopped(server, monkeypatch):
    monkeypatch.setattr(subject, "RESYNC_SECONDS", 0.01)
    clock = DatabaseClock(server.database)
    base = clock._base
    clock.start()
    ends = boottime() + 30
    while clock._base == base:
        assert boottime() < ends
    clock.stop()
    assert not clock._thread.is_alive()


def test_the_loop_looks_at_every_job_at_once_whatever_the_desks_clock_says(small_world):
    """The scheduler waits by this machine's clock: a job must not be due an hour from now because two clocks differ."""
    import threading

    from scheduler.loop import Job, Loop

    ran = threading.Event()
    loop = Loop(small_world.store.ticks, FakeClock(utc_now() + timedelta(hours=1)))
    loop.start([Job("a job", timedelta(hours=5), ran.set)])
    assert ran.wait(20)
    loop.stop()
