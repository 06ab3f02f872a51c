"""What is recognised in a month, as an operator lists and exports it."""

import csv
import io
import json
from contextlib import closing
from datetime import timedelta

import pytest

from bot import storage
from bot.cases.errors import BadRequest
from bot.cli.recognition import FIELDS, recognition
from bot.clock import utc_now
from bot.settings import load_offline
from knowledge.library import PACKAGED, copy_library
from tests.fakes.clock import FakeClock
from tests.fakes.directory import principal
from tests.world import World, request

RULES = "recognition: {merits: {hand_over: {points: 2}}}"


@pytest.fixture
def month(tmp_path, monkeypatch):
    """A library with a rule, and a case that was handed over and resolved ten days ago."""
    library = tmp_path / "library"
    copy_library(PACKAGED, library)
    (library / "recognition.yml").write_text(RULES)
    monkeypatch.setenv("COUNTERSIGN_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("COUNTERSIGN_LIBRARY_DIR", str(library))
    clock = FakeClock(utc_now() - timedelta(days=10))
    store = storage.open_store(load_offline())
    with closing(store.database):
        world = World(store, clock=clock)
        case = world.proposed()
        world.desk.decisions.hand_over(
            request(case.id, principal("ana"), world.seen(case)),
            to=principal("omar"),
            progress="counted",
            remains="order",
        )
        world.approve(world.case(case), "omar")
        world.work()
    return f"{clock():%Y-%m}"


def test_each_award_is_exported_with_the_entries_that_prove_it(month, capsys):
    recognition(month=month, as_json=True)
    (row,) = json.loads(capsys.readouterr().out)
    assert tuple(row) == FIELDS
    assert (row["person"], row["name"], row["merit"], row["points"], row["state"]) == (
        principal("ana"),
        "Ana",
        "hand_over",
        2,
        "counts",
    )
    with closing(storage.open_store(load_offline()).database) as database:
        entries = storage.Store.over(database).cases.entries(row["case"])
    names = {entry.version: entry.body.name for entry in entries}
    assert (names[row["deed"]], names[row["proof"]]) == ("case.handed_over", "case.resolved")


def test_the_export_is_a_table_for_other_programs(month, capsys):
    recognition(month=month, as_csv=True)
    (row,) = csv.DictReader(io.StringIO(capsys.readouterr().out))
    assert (row["name"], row["points"], row["reversal"]) == ("Ana", "2", "")


def test_people_read_a_table(month, capsys):
    recognition(month=month)
    text = capsys.readouterr().out
    assert "Ana" in text
    assert "hand-over that held" in text


def test_a_month_without_any_says_so(month, capsys):
    recognition(month="2001-01")
    assert capsys.readouterr().out.strip() == "Nothing was recognised in 2001-01."


def test_without_rules_it_says_why_there_is_nothing(month, monkeypatch, capsys):
    monkeypatch.delenv("COUNTERSIGN_LIBRARY_DIR")
    recognition(month=month)
    assert "recognition.yml has no rules" in capsys.readouterr().out


def test_what_is_no_month_is_refused(month):
    with pytest.raises(BadRequest):
        recognition(month="last")
