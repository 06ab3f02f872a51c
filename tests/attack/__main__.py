"""``make attack``: try to break every promise on real processes, and count what broke.

``make attack ARGS="races kills --seed 7 --minutes 3"`` for some parts, a seed and another length.
"""

import argparse
import contextlib
import importlib
import os
import random
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from tests.attack import town
from tests.attack.plan import Plan
from tests.attack.report import Report, read_markdown
from tests.servers import Postgres, postgres_tools, running_postgres

#: Each part with its share of the time.
PARTS = {
    "requests": 1.0,
    "races": 1.8,
    "kills": 2.2,
    "faults": 2.4,
    "tamperings": 1.2,
    "people": 0.7,
    "questions": 1.2,
    "restore": 0.7,
}
#: Runs only when it is asked for.
EXTRA = {"smoke": 1.0}
DEFAULT_MINUTES, MIN_SECONDS = 10.0, 10.0


def main(arguments: list[str] | None = None) -> int:
    given = _arguments(arguments)
    if given.table:
        print(read_markdown(given.table))
        return 0
    for name in list(os.environ):
        # No setting of the one who runs this may reach the bots, nor a proxy, not even for loopback.
        if name.startswith(("COUNTERSIGN_", "SLACK_")) or name.lower().endswith("_proxy"):
            del os.environ[name]
    town.adopt_orphans()
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: sys.exit(143))
    console = Console()
    report = Report(
        given.seed, given.minutes, " ".join(sys.argv[1:] if arguments is None else arguments)
    )
    report.console = console
    console.print(
        f"seed {given.seed}, {given.minutes:g} minutes: {', '.join(given.parts)}", highlight=False
    )
    folder = Path(tempfile.mkdtemp(prefix="countersign-attack-"))
    try:
        needed = set(given.parts) - {"smoke", "people", "questions", "tamperings", "restore"}
        with _postgres(console) if needed else contextlib.nullcontext(None) as postgres:
            _run(given, report, folder, postgres)
    finally:
        town.end_children()
        if given.keep:
            console.print(f"everything is kept in {folder}", highlight=False)
        else:
            shutil.rmtree(folder, ignore_errors=True)
    return _end(given, report)


def _arguments(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.attack", description=__doc__)
    parser.add_argument("parts", nargs="*", help=f"some of {', '.join(PARTS)}; all if left out")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1, 10_000))
    parser.add_argument(
        "--minutes", type=float, default=DEFAULT_MINUTES, help="for all parts together"
    )
    parser.add_argument("--json", type=Path, help="write what was found into this file")
    parser.add_argument(
        "--markdown", type=Path, help="write the table for docs/reliability.md into this file"
    )
    parser.add_argument(
        "--table", type=Path, help="run nothing: print the table of a run written with --json"
    )
    parser.add_argument("--keep", action="store_true", help="keep databases and logs")
    given = parser.parse_args(arguments)
    unknown = [part for part in given.parts if part not in {**PARTS, **EXTRA}]
    if unknown:
        parser.error(f"there is no part {', '.join(unknown)}; there are {', '.join(PARTS)}")
    given.parts = [part for part in {**PARTS, **EXTRA} if part in given.parts] or list(PARTS)
    return given


@contextlib.contextmanager
def _postgres(console: Console) -> Iterator[Postgres | None]:
    tools = postgres_tools()
    if tools is None:
        console.print("PostgreSQL is not installed: what needs it is left out", style="yellow")
        yield None
        return
    with running_postgres(tools) as server:
        yield server


def _run(
    given: argparse.Namespace, report: Report, folder: Path, postgres: Postgres | None
) -> None:
    shares = {**PARTS, **EXTRA}
    ends = time.monotonic() + given.minutes * 60
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    for number, part in enumerate(given.parts):
        began = time.monotonic()
        # Whoever took longer than their share takes it from those who follow: the whole keeps to its time.
        left = sum(shares[later] for later in given.parts[number:])
        seconds = max(MIN_SECONDS, (ends - began) * shares[part] / left)
        with Progress(*columns, console=report.console, transient=True) as progress:
            task = progress.add_task(part, total=1.0)
            plan = Plan(
                part=part,
                seed=given.seed,
                seconds=seconds,
                folder=folder,
                report=report,
                postgres=postgres,
                progress=lambda share, task=task, progress=progress: progress.update(
                    task, completed=share
                ),
            )
            try:
                importlib.import_module(f"tests.attack.{part}").attack(plan)
            except Exception as failure:  # noqa: BLE001 (what stops a part is a finding too, and the others still run)
                traceback.print_exc(limit=-6, chain=False)
                plan.begin("the part itself").broke(f"{type(failure).__name__}: {failure}")
            finally:
                town.end_children_but(postgres.pid if postgres else None)
        report.seconds[part] = time.monotonic() - began
        report.say(part)


def _end(given: argparse.Namespace, report: Report) -> int:
    report.table()
    if given.json:
        report.write(given.json)
    if given.markdown:
        given.markdown.write_text(report.markdown())
    return 1 if report.violations else 0


if __name__ == "__main__":
    sys.exit(main())
