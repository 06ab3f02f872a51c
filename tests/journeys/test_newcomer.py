"""The first hour of a newcomer, played by a script: from an own database to the first approval."""

import json
import os
import re
import shlex
import shutil
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from bot.demo.processes import EmulatorProcess
from handlers.cards import ids
from tests.conftest import PATIENT, SHARED
from tests.servers import free_port
from tests.waiting import wait_until

pytestmark = [pytest.mark.journey, pytest.mark.timeout(600)]
ROOT = Path(__file__).parent.parent.parent
NORTHWIND = SHARED / "data/northwind/northwind.sqlite"
WORKSPACE = {
    "team": {"id": "T0OWN", "name": "Own Company", "domain": "own"},
    "users": [{"id": "U0MIA", "name": "mia", "real_name": "Mia Lund"}],
    "channels": [{"id": "C0ORDERS", "name": "orders", "members": ["U0MIA"]}],
}
MAX_COMMANDS = 6
#: `make setup`, in the clone.
COMMANDS_BEFORE = 1


class Newcomer:
    """Somebody in an empty folder with a database, who counts what they do."""

    def __init__(self, folder: Path, emulator: EmulatorProcess) -> None:
        self.folder = folder
        self.commands = COMMANDS_BEFORE
        self.edits = 0
        self._emulator = emulator
        self._started_at = time.monotonic()
        self._bot: subprocess.Popen[bytes] | None = None
        # With a real Slack there is no address to name; the port is for tests side by side.
        self._environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "PYTHONPATH": str(ROOT),
            "SLACK_API_URL": f"{emulator.url}/api/",
            "COUNTERSIGN_PORT": str(free_port()),
            **{name: text for name, text in os.environ.items() if name.startswith("COVERAGE_")},
        }

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._started_at

    def type(self, line: str, answers: str = "") -> str:
        """Type a command, and return what it prints."""
        self.commands += 1
        process = subprocess.run(
            self._program(line),
            cwd=self.folder,
            env=self._environment,
            input=answers,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert process.returncode == 0, process.stdout + process.stderr
        return process.stdout

    def edit(self, file: str, **values: str) -> None:
        """Open a file of settings in an editor, and change some."""
        self.edits += 1
        path = self.folder / file
        text = path.read_text()
        for name, value in values.items():
            text, count = re.subn(rf"^{name}=.*$", f"{name}={value}", text, flags=re.MULTILINE)
            assert count == 1
        path.write_text(text)

    def leave_running(self, line: str) -> None:
        self.commands += 1
        self._bot = subprocess.Popen(
            self._program(line), cwd=self.folder, env=self._environment, stderr=subprocess.DEVNULL
        )

    def close(self) -> None:
        if self._bot:
            self._bot.terminate()
            self._bot.wait(120)

    @staticmethod
    def _program(line: str) -> list[str]:
        program, *arguments = shlex.split(line)
        assert program == "countersign"
        return [sys.executable, "-m", "bot", *arguments]

    def card(self, channel: str = "C0ORDERS") -> dict | None:
        """Return the first card that can be approved."""
        for message in self._emulator.messages(channel):
            if ids.APPROVE in json.dumps(message.get("blocks", [])):
                return message
        return None

    def approve(self, message: dict) -> None:
        self.press(message, ids.APPROVE)

    def messages(self) -> list[dict]:
        return self._emulator.messages("C0ORDERS")

    def press(self, message: dict, action_id: str) -> None:
        place = {"as": "U0MIA", "channel": "C0ORDERS", "ts": message["ts"]}
        answer = self._emulator.post("click", {**place, "action_id": action_id})
        assert answer["acked"], answer

    def submit(self, **values: str) -> None:
        """Fill in the form that is open, and send it."""
        wait_until(lambda: self._emulator.get("state?as=U0MIA")["views"], "a form")
        view = self._emulator.get("state?as=U0MIA")["views"][-1]
        form = {"as": "U0MIA", "view_id": view["id"], "values": values}
        self._emulator.post("submit", form)

    def report(self, database: str) -> None:
        print(
            f"\n{database}: {self.commands} commands, {self.edits} edits, {self.seconds:.1f} s"
            " from an empty folder to the first approval"
        )


@pytest.fixture
def newcomer(tmp_path):
    emulator = EmulatorProcess(port=free_port(), is_quiet=True)
    emulator.wait()
    emulator.post("seed", WORKSPACE)
    emulator.post("faults", PATIENT)
    somebody = Newcomer(tmp_path, emulator)
    yield somebody
    somebody.close()
    emulator.close()


#: Since the approval it may have become midnight.
MOVED = (
    "SELECT id FROM purchase_orders"
    " WHERE due_on BETWEEN date('now', '+6 days') AND date('now', '+7 days')"
)


def read(folder: Path, query: str) -> list[tuple]:
    with closing(sqlite3.connect(folder / "company.sqlite")) as database:
        return database.execute(query).fetchall()


def set_up(
    newcomer: Newcomer, kind: str, *, answers: str = "", database: str = "company.sqlite"
) -> str:
    """Go the way that init prints, up to the command that runs the bot."""
    options = f"--yes --database {database} --currency EUR --channel C0ORDERS --approvers U0MIA"
    printed = newcomer.type(f"countersign init mine {'' if answers else options}", answers)
    lines = [line.strip().partition("   #")[0] for line in printed.splitlines()]
    check, preview, run = [line for line in lines if line.startswith("countersign ")]
    newcomer.edit(
        ".env",
        SLACK_BOT_TOKEN="xoxb-own",
        SLACK_APP_TOKEN="xapp-own",
        COUNTERSIGN_MODE="live",
    )
    assert "in place" in newcomer.type(check)
    assert preview == f"countersign try mine/playbooks/{kind}.yml"
    assert "no case opened" in newcomer.type(preview)
    return run


def play(newcomer: Newcomer, kind: str, *, answers: str = "") -> dict:
    """Go on until the approval of the first card."""
    newcomer.leave_running(set_up(newcomer, kind, answers=answers))
    wait_until(newcomer.card, "the first card")
    message = newcomer.card()
    newcomer.approve(message)
    return message


def test_an_own_order_database_brings_a_card_whose_approval_changes_it(newcomer):
    """Orders with a due day, a day of delivery, lines and a total."""
    with closing(sqlite3.connect(newcomer.folder / "company.sqlite")) as database, database:
        database.executescript(
            """
            CREATE TABLE purchase_orders (
              id INTEGER PRIMARY KEY, supplier_name TEXT, ordered_on DATE, due_on DATE,
              delivered_on DATE, total NUMERIC);
            INSERT INTO purchase_orders VALUES
              (1, 'Beck & Son', date('now', '-40 days'), date('now', '-9 days'), NULL, 120),
              (2, 'O''Hara', date('now', '-40 days'), date('now', '-9 days'), date('now'), 80),
              (3, 'Lund', date('now', '-1 days'), date('now', '+9 days'), NULL, 70);
            """
        )
    message = play(newcomer, "purchase_order_overdue")
    card = json.dumps(message["blocks"], ensure_ascii=False)
    assert "Purchase order 1 (Beck & Son) is overdue · €120.00" in card
    # Its id alone: nothing else is changed.
    wait_until(lambda: read(newcomer.folder, MOVED) == [(1,)], "the new date")
    newcomer.report("own orders")
    assert newcomer.commands <= MAX_COMMANDS


@pytest.mark.proof
@pytest.mark.skipif(not NORTHWIND.exists(), reason="needs ../shared/data/northwind")
def test_northwind_brings_its_first_card_within_six_commands_and_a_minute(newcomer):
    shutil.copyfile(NORTHWIND, newcomer.folder / "company.sqlite")
    moved = "SELECT COUNT(*) FROM Orders WHERE RequiredDate >= date('now')"
    assert read(newcomer.folder, moved) == [(0,)]
    play(newcomer, "order_overdue")
    wait_until(lambda: read(newcomer.folder, moved) == [(1,)], "the new date")
    newcomer.report("Northwind")
    assert (newcomer.commands, newcomer.edits) == (5, 1)
