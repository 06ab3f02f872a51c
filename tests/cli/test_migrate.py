"""``countersign migrate``: says what is missing, and does it."""

import contextlib
import json
import sqlite3

import pytest
import typer

from bot.cases.errors import SettingsIncomplete
from bot.cli.migrate import migrate
from bot.store.migrate import LATEST_MIGRATION
from tests.store.test_upgrade import RELEASES


@pytest.fixture
def database(tmp_path, monkeypatch):
    monkeypatch.setenv("COUNTERSIGN_DATA_DIR", str(tmp_path))
    return tmp_path / "countersign.db"


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


def test_a_database_of_a_newer_release_is_refused(database):
    assert status() == 0
    with contextlib.closing(sqlite3.connect(database)) as newer:
        newer.execute("UPDATE alembic_version SET version_num = '9999'")
        newer.commit()
    with pytest.raises(SettingsIncomplete, match="newer than this release"):
        migrate(check=True)
