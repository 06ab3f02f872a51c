"""What the command line says of the files: in force, or waiting."""

from contextlib import closing
from datetime import UTC, datetime

import pytest

from bot import storage
from bot.cases.control_commands import AdoptRules
from bot.cases.control_decisions import decide_controls
from bot.cases.controls import DeskControls
from bot.cli.rules_status import RulesStatus, note_about_rules, rules_status
from bot.settings import load_offline
from knowledge.library import copy_library
from knowledge.library.library import PACKAGED, load

NOW = datetime(2026, 11, 26, 10, tzinfo=UTC)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    copy_library(PACKAGED, tmp_path)
    monkeypatch.setenv("COUNTERSIGN_LIBRARY_DIR", str(tmp_path))
    monkeypatch.setenv("COUNTERSIGN_DATA_DIR", str(tmp_path))
    return tmp_path


def status_after(folder, *, adopted: bool, old: str = "", new: str = "") -> RulesStatus:
    """The status of files that were adopted, where they were, and then changed."""
    store = storage.open_store(load_offline())
    with closing(store.database):
        if adopted:
            record = load(folder).rule_record()
            command = AdoptRules(record=record, by_name="the first start")
            store.desk_controls.save(decide_controls(DeskControls(), command, NOW))
        path = folder / "policy.yml"
        path.write_text(path.read_text().replace(old, new))
        return rules_status(store, load(folder))


def test_before_the_first_start_nothing_waits(folder):
    status = status_after(folder, adopted=False)
    assert (status.is_in_force, "first start" in status.sentence) == (True, True)


def test_what_was_adopted_says_since_when(folder):
    status = status_after(folder, adopted=True)
    assert status.sentence == "In force since 26 Nov 2026 10:00 UTC, the first start."


def test_changed_files_say_that_they_are_not_in_force_and_what_differs(folder):
    status = status_after(folder, adopted=True, old="high_above: 2500", new="high_above: 3000")
    assert not status.is_in_force
    assert status.sentence.startswith("policy.yml is not in force: ")
    assert any("£3,000.00" in change for change in status.changes)


def test_a_check_says_in_one_line_that_files_are_not_in_force_and_what_to_do(folder):
    status_after(folder, adopted=True, old="high_above: 2500", new="high_above: 3000")
    note = note_about_rules(load_offline())
    assert note.startswith("policy.yml is not in force: ")
    assert "put the file back" in note
    assert "\n" not in note


def test_a_check_says_nothing_of_files_in_force_nor_without_a_database(folder, monkeypatch):
    assert note_about_rules(load_offline()) == ""
    # The look has made no database either.
    assert list(folder.glob("*.db")) == []
    status_after(folder, adopted=True)
    assert note_about_rules(load_offline()) == ""
    monkeypatch.setenv("COUNTERSIGN_DATABASE_URL", "postgresql+psycopg://nobody@127.0.0.1:1/none")
    assert note_about_rules(load_offline()) == ""
