"""``countersign case`` of a practice case: an operator sees what it is."""

import json
import os
import shutil
import subprocess
import sys
from contextlib import closing
from datetime import timedelta

import pytest

from bot.clock import utc_now
from bot.store.database import Database
from bot.store.store import Store
from tests.desk.test_probes import put, refused, with_probes
from tests.world import World


@pytest.fixture
def practice(empty_sqlite, tmp_path) -> str:
    """A practice case that somebody approved, in the database of the commands."""
    shutil.copy(empty_sqlite, tmp_path / "countersign.db")
    with closing(Database(f"sqlite:///{tmp_path / 'countersign.db'}")) as database:
        world = with_probes(World(Store.over(database)))
        world.clock.at = utc_now() - timedelta(days=60)
        refused(world)
        world.clock.forward(days=20)
        case = put(world)
        world.approve(case, "omar")
        world.work()
    return case.id


@pytest.fixture
def run(tmp_path):
    def run(*arguments):
        process = subprocess.run(
            [sys.executable, "-m", "bot", *arguments],
            env={**os.environ, "COUNTERSIGN_DATA_DIR": str(tmp_path), "COLUMNS": "200"},
            capture_output=True,
            text=True,
            check=True,
        )
        return process.stdout

    return run


def test_an_operator_sees_that_it_was_practice_and_not_who_decided_it(practice, run):
    for arguments in (("case", practice), ("case", practice, "--full")):
        text = run(*arguments)
        assert "Practice: the past case EX-1 once more, before @floor-managers." in text
        assert "Omar" not in text
    assert "It was a practice case, approved; nothing was done" in run("case", practice, "--full")
    assert json.loads(run("case", practice, "--json"))["probe"]["answer"] == "approved"


def test_a_case_of_the_business_is_no_practice(practice, run):
    assert "ractice" not in run("case", "EX-1")
