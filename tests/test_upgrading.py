"""The commands of docs/upgrading.md, in the order of the page, on a database of the release before with cases in flight."""

import contextlib
import re
import shlex
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from bot.store.migrate import LATEST_MIGRATION

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "upgrading.md").read_text()
BEFORE = ROOT / "tests" / "store" / "at_migration_0015.sql"
COMMANDS = re.findall(r"^ {4,}(countersign .*)$", PAGE, re.MULTILINE)
#: What needs systems that this test does not run says so, with 1.
MAY_FIND_PROBLEMS = ("countersign check", "countersign doctor")


@pytest.fixture
def machine(tmp_path):
    """A data folder of the release before."""
    data = tmp_path / "data"
    data.mkdir()
    with contextlib.closing(sqlite3.connect(data / "countersign.db")) as old:
        old.executescript(BEFORE.read_text())
    environment = {
        "PATH": "/usr/bin:/bin",
        "HOME": str(tmp_path),
        "PYTHONPATH": str(ROOT),
        "COUNTERSIGN_DATA_DIR": str(data),
    }

    def run(command):
        words = shlex.split(command)
        assert words[0] == "countersign"
        return subprocess.run(
            [sys.executable, "-m", "bot", *words[1:]],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            timeout=300,
        )

    return data, run


@pytest.mark.proof
@pytest.mark.threat("D7")
def test_the_commands_of_the_page_do_what_it_says(machine):
    data, run = machine
    assert [line.split()[1] for line in COMMANDS].count("restore") == 1
    assert len(COMMANDS) >= 10
    for command in COMMANDS:
        if command.startswith("countersign restore"):
            assert "is not empty" in " ".join(run(command).stderr.split())
            for path in data.glob("countersign.db*"):
                path.rename(path.with_name(f"old-{path.name}"))
        done = run(command)
        status = done.returncode
        if command.startswith(MAY_FIND_PROBLEMS):
            assert "Traceback" not in done.stderr
        elif "--check" in command:
            assert (status, f"migration {LATEST_MIGRATION}" in done.stdout) in (
                (0, True),
                (1, True),
            )
        else:
            assert status == 0, f"{command}\n{done.stdout}{done.stderr}"
    assert "No problem found" in done.stdout


def test_the_page_names_every_command_that_it_is_about():
    named = {" ".join(line.split()[1:3]) for line in COMMANDS}
    assert {"migrate --check", "migrate", "ledger acknowledge", "ledger rotate-key"} <= named
