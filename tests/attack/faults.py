"""Slack, the databases and the systems of record misbehave while cases are carried out: still nothing lost, nothing twice."""

import contextlib
import itertools
import sqlite3
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot.demo.people import ANA, TEAM
from tests.attack.invariants import everyone_presses_on, examine
from tests.attack.plan import Plan
from tests.attack.report import Tally
from tests.attack.town import Town, element_of, town
from tests.servers import Postgres

QUIET_SECONDS = 75.0
BATCH = 4
ROOT = Path(__file__).parent.parent.parent


@dataclass(frozen=True)
class Fault:
    """``during``: a context in which it is broken. ``kinds``: which cases are carried out meanwhile."""

    name: str
    threats: str
    kinds: tuple[str, ...]
    during: Callable[[Town], contextlib.AbstractContextManager[Any]]
    #: How long it stays broken after the presses.
    seconds: float = 2.5
    needs_postgres: bool = False


def attack(plan: Plan) -> None:
    """Both databases at once, for most of it is waiting: each fault at least once on one of them, and on with it while there is time."""
    databases = plan.databases()
    order = plan.dice.sample(FAULTS, len(FAULTS))
    with ThreadPoolExecutor(len(databases)) as pool:
        ran = [
            pool.submit(_on_one, plan, name, postgres, order, number, len(databases))
            for number, (name, postgres) in enumerate(databases)
        ]
        for one in ran:
            one.result()


def _on_one(
    plan: Plan, name: str, postgres: Postgres | None, order: Sequence[Fault], number: int, of: int
) -> None:
    """The faults that fall to this database first, then all others, until the time is used up."""
    everything = plan.begin(f"after all faults, on {name}", "A1 A2 A3 C6 D1")
    faults = [fault for fault in order if postgres or not fault.needs_postgres]
    first = [
        fault for place, fault in enumerate(faults) if fault.needs_postgres or place % of == number
    ]
    then = [fault for fault in faults if fault not in first]
    folder = plan.folder / f"faults-{number}"
    with town(folder, bots=2 if postgres else 1, postgres=postgres, journal="DELETE") as running:
        for place, fault in enumerate(itertools.chain(first, itertools.cycle([*then, *first]))):
            if place >= len(first) and plan.left() < plan.seconds * 0.2:
                break
            batch(plan, running, fault, plan.begin(fault.name, fault.threats))
            everything.tried(BATCH)
        everyone_presses_on(running, QUIET_SECONDS)
        examine(running, everything)
        everything.figures["cases"] = f"{len(running.store.queries.newest(limit=100_000)):,}"


def batch(plan: Plan, running: Town, fault: Fault, tally: Tally) -> None:
    """Carry out some cases while it is broken. The first look at what came of it is here, so that each fault has its own count."""
    cases: list[tuple[str, str, int]] = []
    for _ in range(BATCH):
        kind, number = plan.dice.choice(fault.kinds), running.number()
        with contextlib.suppress(OSError):
            cases.append((running.signal(kind, number), kind, number))
    for case_id, *_ in cases:
        running.wait_for_button(case_id, "case.more", 60)
    with fault.during(running):
        for case_id, *_ in cases:
            with contextlib.suppress(OSError, LookupError):
                running.approve(case_id)
                time.sleep(plan.dice.uniform(0, 0.3))
        with contextlib.suppress(OSError, ValueError):
            running.signal(plan.dice.choice(fault.kinds), seconds=15)
        _wait_and_undo(running, cases, fault.seconds)
    everyone_presses_on(
        running, QUIET_SECONDS / 2, only=frozenset(case_id for case_id, *_ in cases)
    )
    for _, kind, number in cases:
        tally.tried()
        for twice in running.done_twice(kind, number):
            tally.broke(twice.replace(f"{kind}:{number}", kind))


def _wait_and_undo(running: Town, cases: list[tuple[str, str, int]], seconds: float) -> None:
    """Let it be broken for a while, and let one person take one deed back meanwhile."""
    ends = time.monotonic() + seconds
    case_id = cases[0][0] if cases else ""
    while time.monotonic() < ends:
        time.sleep(0.3)
        with contextlib.suppress(OSError, LookupError):
            card = running.card(case_id) if case_id else None
            if card and element_of(card, "case.undo"):
                answer = running.decide(ANA, card, "case.undo", {"field.note": "a mistake"})
                if answer.get("acked") and not answer.get("payload"):
                    running.acknowledged.append((case_id, f"{TEAM}/{ANA}", "undo"))
                case_id = ""


# --- what breaks ----------------------------------------------------------------------------------------------------------


def _slack(**knobs: Any) -> Callable[[Town], contextlib.AbstractContextManager[Any]]:
    @contextlib.contextmanager
    def during(running: Town) -> Iterator[None]:
        running.emulator.post("faults", knobs)
        try:
            yield
        finally:
            request = urllib.request.Request(f"{running.emulator.url}/_ctl/faults", method="DELETE")
            urllib.request.urlopen(request, timeout=10).close()

    return during


@contextlib.contextmanager
def _cut_sockets(running: Town) -> Iterator[None]:
    """The connections to Slack break, again and again."""
    with _again_and_again(0.7, lambda: running.emulator.post("disconnect", {"abruptly": True})):
        yield


def _depot(mode: str) -> Callable[[Town], contextlib.AbstractContextManager[Any]]:
    @contextlib.contextmanager
    def during(running: Town) -> Iterator[None]:
        running.depot.mode = mode
        try:
            yield
        finally:
            running.depot.mode = ""

    return during


@contextlib.contextmanager
def _restarting_depot(running: Town) -> Iterator[None]:
    def restart() -> None:
        running.depot.stop()
        time.sleep(0.3)
        running.depot.start()

    with _again_and_again(0.15, restart):
        yield


@contextlib.contextmanager
def _locked_house(running: Town) -> Iterator[None]:
    """Somebody else holds the write lock of the company's database, longer than the time-out, with pauses between."""

    def lock() -> None:
        with contextlib.closing(
            sqlite3.connect(running.company, timeout=30, isolation_level=None)
        ) as database:
            database.execute("BEGIN IMMEDIATE")
            time.sleep(1.3)
            database.execute("ROLLBACK")

    with _again_and_again(0.25, lock):
        yield


@contextlib.contextmanager
def _closed_house(running: Town) -> Iterator[None]:
    """The company's database is locked for readers too, right after each deed: the look after it fails."""
    locker = subprocess.Popen(
        [sys.executable, "-m", "tests.attack.locker", str(running.company), "1.6"], cwd=ROOT
    )
    try:
        yield
    finally:
        locker.kill()
        locker.wait()


@contextlib.contextmanager
def _restarting_postgres(running: Town) -> Iterator[None]:
    server = running.server
    assert server is not None
    server.stop()
    time.sleep(0.5)
    server.start()
    yield


@contextlib.contextmanager
def _cut_postgres(running: Town) -> Iterator[None]:
    server = running.server
    assert server is not None
    with _again_and_again(0.3, lambda: server.cut_connections(running.name)):
        yield


@contextlib.contextmanager
def _again_and_again(wait: float, do: Callable[[], object]) -> Iterator[None]:
    stopping = threading.Event()

    def loop() -> None:
        while not stopping.wait(wait):
            with contextlib.suppress(OSError, sqlite3.Error):
                do()

    thread = threading.Thread(target=loop, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stopping.set()
        thread.join(60)


ALL = ("restock", "issue", "mismatch")
FAULTS = (
    Fault("Slack drops replies after applying them", "C6", ALL, _slack(drop_next=6)),
    Fault(
        "Slack answers 500 before or after applying",
        "C6",
        ALL,
        _slack(fail_every=3, fail_applied=True),
    ),
    Fault("Slack answers 500 to everything", "C6", ALL, _slack(down=True)),
    Fault("Slack says wait (429)", "C6", ALL, _slack(per_second=2.0, retry_after=1)),
    Fault("Slack is slow", "C6", ALL, _slack(slow_for=0.8)),
    Fault(
        "Slack sends presses twice and in another order",
        "A1",
        ALL,
        _slack(duplicate_next=6, swap_next=2),
    ),
    Fault("Slack's connections are cut", "C6", ALL, _cut_sockets),
    Fault(
        "the system of record is locked for writers",
        "A2",
        ("restock", "mismatch"),
        _locked_house,
        5.0,
    ),
    Fault(
        "the system of record is locked right after a deed", "A2", ("restock",), _closed_house, 4.0
    ),
    Fault("the system of record restarts", "A2", ("issue",), _restarting_depot),
    Fault("the system of record shows a write only later", "A2", ("issue",), _depot("late")),
    Fault(
        "the system of record counts at once, and shows the deed later",
        "A2 A3",
        ("issue",),
        _depot("late key"),
    ),
    Fault("the same, and the answer is lost", "A3", ("issue",), _depot("503, late key"), 4.0),
    Fault("the system of record is slow", "A3", ("issue",), _depot("slow")),
    Fault("the system of record does it, and answers 503", "A2", ("issue",), _depot("503 after")),
    Fault("the system of record does not, and answers 503", "A2", ("issue",), _depot("503 before")),
    Fault("the system of record does it, and hangs up", "A2", ("issue",), _depot("cut after")),
    Fault(
        "the system of record does it, and answers 302", "C5", ("issue",), _depot("redirect after")
    ),
    Fault("the system of record drips its answer", "A3", ("issue",), _depot("drip"), 6.0),
    Fault("the system of record does it after we hung up", "A3", ("issue",), _depot("held"), 5.0),
    Fault(
        "the system of record does it, and says nothing any more",
        "A2",
        ("issue",),
        _depot("mute"),
        4.0,
    ),
    Fault("PostgreSQL restarts", "D5", ALL, _restarting_postgres, needs_postgres=True),
    Fault("PostgreSQL loses its connections", "D5", ALL, _cut_postgres, needs_postgres=True),
)
