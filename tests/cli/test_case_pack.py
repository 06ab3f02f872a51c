"""``countersign case --pack`` and ``ledger verify-pack``, as an auditor runs them."""

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
    """A data folder with a case that was carried out, and the commands over it."""
    folder = tmp_path / "data"
    folder.mkdir()
    shutil.copy(empty_sqlite, folder / "countersign.db")
    database = Database(f"sqlite:///{folder / 'countersign.db'}")
    with closing(database):
        world = World(Store.over(database))
        world.approve(world.proposed())
        world.work()

    def run(*arguments):
        return subprocess.run(
            [sys.executable, "-m", "bot", *map(str, arguments)],
            env={**os.environ, "COUNTERSIGN_DATA_DIR": str(folder), "COLUMNS": "200"},
            capture_output=True,
            text=True,
            check=False,
        )

    return run


def test_a_case_becomes_a_page_that_verifies_itself_and_is_not_overwritten(run, tmp_path):
    page = tmp_path / "EX-1.html"
    made = run("case", "EX-1", "--pack", page)
    assert made.returncode == 0, made.stderr
    key = made.stdout.partition("--key '")[2].partition("'")[0]
    count = made.stdout.partition(" entries of EX-1")[0]
    verified = run("ledger", "verify-pack", page, "--key", key)
    assert verified.stdout == f"{count} entries, under a checkpoint of {count}. No problem found.\n"
    again = run("case", "EX-1", "--pack", page)
    assert (again.returncode, "already exists" in again.stderr) == (1, True)


def test_a_page_that_was_changed_is_refused_where_it_was_changed(run, tmp_path):
    page = tmp_path / "EX-1.html"
    run("case", "EX-1", "--pack", page)
    whole = page.read_text()
    # A sentence, which the record does not prove, and a word of the record.
    page.write_text(whole.replace("Ana approved", "Ben approved", 1))
    told = run("ledger", "verify-pack", page)
    assert (told.returncode, "the sentences are not" in told.stdout) == (1, True)
    page.write_text(whole.replace("Merlot", "Barolo"))
    told = run("ledger", "verify-pack", page)
    assert (told.returncode, "is not part of what the checkpoint signs" in told.stdout) == (1, True)
    page.write_text(whole[: len(whole) // 2])
    told = run("ledger", "verify-pack", page)
    assert (told.returncode, "cannot be read" in told.stderr) == (1, True)


def test_a_case_that_does_not_exist_gives_no_page(run, tmp_path):
    page = tmp_path / "EX-9.html"
    assert run("case", "EX-9", "--pack", page).returncode == 1
    assert not page.exists()
