"""``countersign approvers``: off by default, figures of groups, nobody named."""

import json
import os
import shutil
import subprocess
import sys
from contextlib import closing

import pytest

from bot.store.database import Database
from bot.store.store import Store
from tests.world import World


@pytest.fixture
def run(empty_sqlite, tmp_path):
    """Three cases that Ana approved at once, and the command over them."""
    from bot.store.clock import clock_of

    shutil.copy(empty_sqlite, tmp_path / "countersign.db")
    database = Database(f"sqlite:///{tmp_path / 'countersign.db'}")
    with closing(database):
        store = Store.over(database)
        world = World(store, clock=clock_of(database))
        for number in range(3):
            receipt = world.receive(world.signal(f"product:{number}"))
            world.work()
            world.approve(world.store.cases.case(receipt.case_id))
            world.work()

    def run(*arguments, **settings):
        return subprocess.run(
            [sys.executable, "-m", "bot", "approvers", *arguments],
            env={
                **os.environ,
                "COUNTERSIGN_DATA_DIR": str(tmp_path),
                "COLUMNS": "200",
                **settings,
            },
            capture_output=True,
            text=True,
            check=False,
        )

    return run


def test_it_is_off_until_somebody_sets_it(run):
    answer = run()
    assert (answer.returncode, answer.stdout) == (1, "")
    assert "COUNTERSIGN_APPROVER_HEALTH=on" in answer.stderr


def test_a_group_of_one_shows_no_figure_about_that_person(run):
    answer = run("--json", COUNTERSIGN_APPROVER_HEALTH="on")
    (queue,) = json.loads(answer.stdout)
    assert (queue["group"], queue["decisions"], queue["people"]) == ("floor-managers", 3, 1)
    assert queue["approval_share"] == 1.0
    assert [queue[name] for name in ("fast_share", "busiest_share", "pair_share")] == [None] * 3
    table = run(COUNTERSIGN_APPROVER_HEALTH="on").stdout
    assert "@floor-managers" in table
    assert "–" in table
    assert "Ana" not in table
