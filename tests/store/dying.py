"""A command in a process of its own, which is killed at a chosen point.

``python -m tests.store.dying COMMAND FATAL ARGUMENTS`` dies by SIGKILL at the point of this number:
before a transaction, when all of it is written and nothing committed, and after it.
"""

import os
import signal
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path

from bot.cases.retention import Retention
from bot.cli import backup as backup_commands
from bot.cli import erase as erase_commands
from bot.desk.decision_priority import DecisionPriority
from bot.ports.retention import RemovalOrder
from bot.store.database import Database
from bot.store.store import Store
from scheduler.retention import RetentionJob

NEVER = 1_000


class Points:
    """Counts the points, and dies at the chosen one."""

    def __init__(self, fatal: int) -> None:
        self.passed, self.fatal = 0, fatal

    def __call__(self) -> None:
        self.passed += 1
        if self.passed == self.fatal:
            os.kill(os.getpid(), signal.SIGKILL)

    def around(self, function):
        """Put a point before and after a function."""

        def call(*arguments, **options):
            self()
            result = function(*arguments, **options)
            self()
            return result

        return call


def watch_writes(point: Points) -> None:
    """Put points around and into every transaction."""
    original = Database.write

    def write(self, job, **options):
        def all_but_commit(unit):
            result = job(unit)
            point()
            return result

        return point.around(original)(self, all_but_commit, **options)

    Database.write = write


class FixedTerms:
    """The terms of a policy that somebody has adopted."""

    def __init__(self, at: str) -> None:
        self.at = datetime.fromisoformat(at)

    def order(self, now: datetime) -> RemovalOrder:
        year = timedelta(days=365)
        retention = Retention(cases=year, signals=year)
        return RemovalOrder(retention=retention, policy="a" * 64, now=self.at)


def remove(url: str, at: str) -> None:
    store = Store.over(Database(url))
    job = RetentionJob(
        terms=FixedTerms(at),
        store=store.retention,
        priority=DecisionPriority(),
        clock=lambda: datetime.fromisoformat(at),
    )
    job.run()
    store.database.close()


def restore(source: str) -> None:
    backup_commands.restore(Path(source))


def main(command: str, fatal: str, *arguments: str) -> None:
    point = Points(int(fatal))
    watch_writes(point)
    if command == "erase":
        erase_commands.erase(*arguments, reason="asked by letter", yes=True, as_json=True)
    elif command == "remove":
        remove(*arguments)
    else:
        for name in ("load_copy", "ledger_problems", "restore_checkpoints", "_pause"):
            setattr(backup_commands, name, point.around(getattr(backup_commands, name)))
        restore(*arguments)


def run_until_killed(command: str, fatal: int, *arguments: str, environment=None) -> int:
    """Run a command that dies at a point. Return its status: -9, or 0 when it came to its end."""
    arguments = [sys.executable, "-m", "tests.store.dying", command, str(fatal), *arguments]
    result = subprocess.run(
        arguments,
        env={"PATH": os.environ["PATH"], "LOGNAME": "olga", **(environment or {})},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert result.returncode in (0, -signal.SIGKILL), result.stdout + result.stderr
    return result.returncode


if __name__ == "__main__":
    main(*sys.argv[1:])
