"""A release starts on a database that later releases have only added to, and goes on with it."""

import logging
import subprocess
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa

import bot.store.migrations.versions
from bot.audit.export import export
from bot.audit.replay import replay
from bot.audit.verifier import verify
from bot.cases.errors import SettingsIncomplete
from bot.cases.lifecycle import State
from bot.store.compatibility import FIRST_TO_ASK, oldest_reader
from bot.store.database import Database
from bot.store.migrate import (
    LATEST_MIGRATION,
    MigrationPlan,
    MigrationStep,
    derive_anew,
    migrate,
    migration_of,
    must_be_migrated,
    plan_migration,
)
from bot.store.store import Store
from tests.world import World

ROOT = Path(__file__).parent.parent.parent
MIGRATIONS = sorted(Path(bot.store.migrations.versions.__file__).parent.glob("m0*.py"))
EXPANSION = (
    "ALTER TABLE cases ADD COLUMN mood TEXT NOT NULL DEFAULT 'calm'",
    "ALTER TABLE effects ADD COLUMN mood TEXT NOT NULL DEFAULT 'calm'",
    "CREATE TABLE moods (name TEXT PRIMARY KEY)",
    "UPDATE alembic_version SET version_num = '9999'",
)


def expand(database: Database, readable_from: str | None = LATEST_MIGRATION) -> None:
    """Add to a database what the next release adds, as its migration does."""
    with database.engine.begin() as connection:
        for statement in EXPANSION:
            connection.execute(sa.text(statement))
        if readable_from is not None:
            row = {"reader": readable_from}
            connection.execute(sa.text("INSERT INTO migrations VALUES ('9999', :reader)"), row)


def version_of(database: Database) -> str | None:
    with database.read() as connection:
        return migration_of(connection)


def ledger_holds(store: Store, folder: Path) -> None:
    assert replay(store.database).differences == ()
    export(store.ledger, folder / "ledger.jsonl")
    assert verify(str(folder / "ledger.jsonl"))[0] == []


@pytest.mark.threat("D7")
def test_a_release_starts_on_what_the_next_one_has_added_and_does_whole_cases(
    store, tmp_path, caplog
):
    expand(store.database)
    url = store.database.engine.url.render_as_string(hide_password=False)
    database = Database(url)
    with caplog.at_level(logging.WARNING):
        assert migrate(database) == "9999"
    must_be_migrated(database)
    assert (
        f"the database is at migration 9999, newer than this release ({LATEST_MIGRATION})"
        in caplog.text
    )
    world = World(Store.over(database))
    case = world.proposed()
    assert world.store.cards.cards(case.id)
    world.approve(case)
    world.work()
    assert (world.case(case).state, len(world.house.effects)) == (State.RESOLVED, 1)
    ledger_holds(world.store, tmp_path)
    # It takes nothing back, and changes nothing of the schema.
    assert version_of(database) == "9999"
    assert "mood" in {one["name"] for one in sa.inspect(database.engine).get_columns("cases")}
    database.close()


@pytest.mark.threat("D7")
@pytest.mark.parametrize("reader", ["9999", None], ids=["a contraction", "nothing is said"])
def test_a_database_beyond_this_release_is_refused_and_says_what_to_do(store, reader):
    expand(store.database, reader)
    for start in (migrate, must_be_migrated, plan_migration):
        with pytest.raises(SettingsIncomplete, match="newer than this release") as refusal:
            start(store.database)
        assert "update countersign, or restore the backup" in str(refusal.value)
        assert ("from migration 9999 on" in str(refusal.value)) is (reader is not None)
    with pytest.raises(SettingsIncomplete, match="only the release of the database"):
        derive_anew(store.database)
    assert version_of(store.database) == "9999"


def test_one_contraction_among_later_expansions_is_enough_to_refuse(store):
    expand(store.database)
    with store.database.engine.begin() as connection:
        connection.execute(sa.text("INSERT INTO migrations VALUES ('9998', '9998')"))
    with pytest.raises(SettingsIncomplete, match="from migration 9998 on"):
        migrate(store.database)


@pytest.mark.threat("D7")
def test_a_newer_process_that_was_first_is_seen_under_the_lock(store, monkeypatch):
    """Between the first look and the lock another process has gone beyond this release."""
    looks = []

    def look(database):
        looks.append(database)
        return

    monkeypatch.setattr("bot.store.migrate.usable_version", look)
    monkeypatch.setattr("bot.store.migrate._upgrade", lambda *_: pytest.fail("it was migrated"))
    expand(store.database)
    assert migrate(store.database) == "9999"
    with store.database.engine.begin() as connection:
        connection.execute(sa.text("DELETE FROM migrations WHERE revision = '9999'"))
    with pytest.raises(SettingsIncomplete, match="newer than this release"):
        migrate(store.database)
    assert len(looks) == 2


def test_each_migration_says_which_release_goes_on_after_it(store):
    for path in MIGRATIONS:
        text = path.read_text()
        assert ("\nreadable_from = " in text) is (path.stem[1:5] >= FIRST_TO_ASK), path.stem
    with store.database.read() as connection:
        rows = connection.execute(sa.text("SELECT revision FROM migrations ORDER BY 1")).scalars()
        assert list(rows) == [
            path.stem[1:5] for path in MIGRATIONS if path.stem[1:5] >= FIRST_TO_ASK
        ]
        assert oldest_reader(connection, LATEST_MIGRATION) <= LATEST_MIGRATION


def plan_of(before: str | None, *readers: str) -> MigrationPlan:
    steps = [MigrationStep(f"99{number}", "x.", reader) for number, reader in enumerate(readers)]
    return MigrationPlan(before, tuple(steps))


def test_a_plan_tells_whether_the_release_before_goes_on_and_may_return():
    cases = {
        # 0.1.0 does not ask: what runs goes on, and a start of it refuses.
        ("0015", "0015", "0015"): (True, False),
        ("0019", "0015", "0019"): (True, True),
        ("0019", "0019", "9901"): (False, False),
        (None, "0015"): (False, False),
        ("0019",): (True, True),
    }
    for (before, *readers), expected in cases.items():
        plan = plan_of(before, *readers)
        assert (plan.goes_on, plan.may_return) == expected, (before, readers)


class LaterProcess:
    """A process of the later release that works on the same database."""

    def __init__(self, url: str) -> None:
        command = [sys.executable, "-m", "tests.store.later_release", "--work-on", url]
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(
            command, cwd=ROOT, text=True, stdin=pipe, stdout=pipe, stderr=pipe
        )
        assert self._line() == "ready"

    def _line(self) -> str:
        return self.process.stdout.readline().strip() or self.process.stderr.read()[-2000:]

    def do(self, line: str) -> str:
        self.process.stdin.write(f"{line}\n")
        self.process.stdin.flush()
        return self._line()

    def end(self) -> None:
        self.process.stdin.close()
        self.process.wait(60)
        self.process.stdout.close()
        self.process.stderr.close()


@pytest.mark.proof
@pytest.mark.threat("D7")
def test_two_releases_work_side_by_side_and_it_goes_back_and_forth(store, tmp_path):
    """The release before runs while the next one migrates, starts again after it, and hands back."""
    url = store.database.engine.url.render_as_string(hide_password=False)
    running = World(store)
    first = running.proposed()
    later = LaterProcess(url)
    try:
        # What runs goes on beside the later release: each finishes what the other has begun.
        assert later.do(f"approve {first.id}") == "approved"
        running.work()
        assert running.case(first).state is State.RESOLVED
        second = later.do("receive product:2")
        running.work()
        running.approve(store.cases.case(second))
        assert later.do("work") == "done"
        assert store.cases.case(second).state is State.RESOLVED
        assert later.do("moods") == f"9999 {first.id}=calm {first.id} {second}=calm {second}"
        later.end()

        # Back: a start of the release before, on the database of the later one.
        database = Database(url)
        assert migrate(database) == "9999"
        back = World(Store.over(database))
        third = back.receive(back.signal("product:3", key="back 3")).case_id
        fourth = back.receive(back.signal("product:4", key="back 4")).case_id
        back.work()
        back.approve(back.store.cases.case(third))
        back.work()
        assert back.store.cases.case(third).state is State.RESOLVED
        ledger_holds(back.store, tmp_path)
        database.close()

        # Forth: what the release before could not know is derived once it has ended.
        later = LaterProcess(url)
        assert later.do(f"approve {fourth}") == "approved"
        assert later.do("work") == "done"
        assert f"{third}= " in later.do("moods")
        assert later.do("derive") == "done"
        names = " ".join(f"{one}=calm {one}" for one in (first.id, second, third, fourth))
        assert later.do("moods") == f"9999 {names}"
    finally:
        later.end()
    assert store.cases.case(fourth).state is State.RESOLVED
    ledger_holds(store, tmp_path)
