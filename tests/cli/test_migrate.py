"""``countersign migrate``: says what is missing, and does it."""

import contextlib
import json
import sqlite3

import pytest
import typer

from bot.audit.replay import replay
from bot.cases.errors import SettingsIncomplete
from bot.cli.migrate import migrate, return_sentence
from bot.store.database import Database
from bot.store.migrate import LATEST_MIGRATION, MigrationPlan, MigrationStep
from bot.store.migrate import migrate as migrate_database
from bot.store.store import Store
from tests.store.test_upgrade import RELEASES
from tests.world import World


@pytest.fixture
def database(tmp_path, monkeypatch):
    monkeypatch.setenv("COUNTERSIGN_DATA_DIR", str(tmp_path))
    return tmp_path / "countersign.db"


def world_in(path) -> World:
    database = Database(f"sqlite:///{path}")
    migrate_database(database)
    return World(Store.over(database))


def status(**options) -> int:
    with pytest.raises(typer.Exit) as exit_:
        migrate(**options)
    return exit_.value.exit_code


def version_of(path) -> str:
    with contextlib.closing(sqlite3.connect(path)) as connection:
        return connection.execute("SELECT version_num FROM alembic_version").fetchone()[0]


def test_an_older_database_is_behind_until_it_is_migrated(database, capsys):
    with contextlib.closing(sqlite3.connect(database)) as old:
        old.executescript(next(path for path in RELEASES if "0009" in path.stem).read_text())
    assert status(check=True) == 1
    text = capsys.readouterr().out
    assert "at migration 0009. It needs:\n  0010  Scores of decisions" in text
    assert "0009  " not in text
    assert version_of(database) == "0009"
    assert status() == 0
    assert f"It is now at migration {LATEST_MIGRATION}" in capsys.readouterr().out
    assert version_of(database) == LATEST_MIGRATION
    assert status(check=True) == 0
    assert "Nothing is missing" in capsys.readouterr().out


def test_an_empty_database_gets_all_and_machines_can_read_what(database, capsys):
    assert status(check=True, as_json=True) == 1
    answer = json.loads(capsys.readouterr().out)
    assert (answer["from"], answer["to"], answer["is_done"]) == (None, LATEST_MIGRATION, False)
    assert [step["migration"] for step in answer["steps"]][:2] == ["0001", "0002"]
    assert all(step["summary"].endswith(".") for step in answer["steps"])
    assert status(as_json=True) == 0
    assert json.loads(capsys.readouterr().out)["is_done"]
    assert version_of(database) == LATEST_MIGRATION


def test_a_plan_says_whether_the_release_before_goes_on_and_changes_nothing(database, capsys):
    with contextlib.closing(sqlite3.connect(database)) as old:
        old.executescript(next(path for path in RELEASES if "0015" in path.stem).read_text())
    assert status(plan=True) == 0
    text = " ".join(capsys.readouterr().out.split())
    assert "at migration 0015. It needs: 0016 Names in files" in text
    assert "stop all its processes first" in text
    assert status(plan=True, as_json=True) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["release_before"] == {"goes_on": False, "may_be_started_again": False}
    assert (answer["is_done"], version_of(database)) == (False, "0015")
    readers = {step["migration"]: step["readable_from"] for step in answer["steps"]}
    # Kinds named again, which no release before can read.
    assert readers.pop("0020") == "0020"
    assert set(readers.values()) == {"0015"}


@pytest.mark.parametrize(
    ("before", "reader", "sentence"),
    [
        ("0015", "0015", "that run go on beside this one. It cannot be started again"),
        ("0019", "0019", "that run go on beside this one, and it can be started again"),
        ("0019", "0020", "stop all its processes first"),
    ],
)
def test_a_plan_says_in_words_what_the_release_before_can_do(before, reader, sentence):
    plan = MigrationPlan(before, (MigrationStep("9900", "x.", reader),))
    assert sentence in return_sentence(plan)


def test_a_database_that_is_only_expanded_is_newer_and_lacks_nothing(database, capsys):
    assert status() == 0
    with contextlib.closing(sqlite3.connect(database)) as newer:
        newer.execute("UPDATE alembic_version SET version_num = '9999'")
        newer.execute("INSERT INTO migrations VALUES ('9999', ?)", (LATEST_MIGRATION,))
        newer.commit()
    capsys.readouterr()
    assert status(check=True) == 0
    text = " ".join(capsys.readouterr().out.split())
    assert f"newer than this release ({LATEST_MIGRATION}), which may use it. Nothing" in text
    assert version_of(database) == "9999"
    with pytest.raises(SettingsIncomplete, match="only the release of the database can derive"):
        migrate(complete=True)


def test_completing_an_upgrade_derives_what_an_earlier_release_has_written(database, capsys):
    world = world_in(database)
    case = world.proposed()
    with contextlib.closing(sqlite3.connect(database)) as earlier:
        earlier.execute("UPDATE cases SET waits_on = 'nobody'")
        earlier.commit()
    assert replay(world.store.database).differences != ()
    assert status(plan=True, complete=True) == 0
    assert replay(world.store.database).differences != ()
    assert status(complete=True) == 0
    assert "was derived from it again" in capsys.readouterr().out
    assert replay(world.store.database).differences == ()
    assert world.case(case).version == case.version
    world.store.database.close()


def test_a_database_of_a_newer_release_is_refused(database):
    assert status() == 0
    with contextlib.closing(sqlite3.connect(database)) as newer:
        newer.execute("UPDATE alembic_version SET version_num = '9999'")
        newer.commit()
    with pytest.raises(SettingsIncomplete, match="newer than this release"):
        migrate(check=True)
