"""Statements, commits, claims, Slack calls and rows of a case and of a press.

They do not depend on the machine, so they may be asserted; CPU time stands beside them.
"""

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from tests.bench import sample
from tests.bench.buttons import approve, waiting_cards
from tests.bench.cpu import thread_milliseconds, time_by_thread
from tests.bench.rig import Rig, open_product, running
from tests.bench.signals import make_signals, unique_titles
from tests.bench.statements import COMMIT, shorten
from tests.waiting import wait_until

#: Nothing follows a case after so long without a statement.
CASE_QUIET_SECONDS = 0.4
MAX_QUIET_WAIT_SECONDS = 20.0
BURST_WAIT_SECONDS = 2.0
#: What is remembered of a press may be gathered for some seconds.
PRESS_WAIT_SECONDS = 8.0
CASE_PAUSE_SECONDS = 0.15
PRESS_PAUSE_SECONDS = 1.0
POLL_SECONDS = 0.02
WARM_UPS = 4
TABLES = ("outbox", "ledger", "cases", "inbox", "effects", "precedents")
COMPANY_FILE = "company.db"
#: They look around now and then, whatever happens.
QUIET_THREADS = ("trainer", "database-clock")
#: A thread of the bench itself.
OWN_THREAD = "bench-control"


@dataclass(frozen=True, kw_only=True)
class Counts:
    """What one case or one press takes, on average."""

    statements: float
    commits: float
    claims: float
    #: Claims that found nothing.
    empty_claims: float
    #: Statements on the system of record.
    connector_statements: float
    #: By method.
    slack_calls: dict[str, float]
    #: New rows by table.
    rows: dict[str, float]
    #: How often effects were requested; several may share a row of the outbox.
    requests: float
    #: Statements by their text.
    texts: dict[str, float]

    @property
    def outbox_rows(self) -> float:
        """New rows of the outbox."""
        return self.rows.get("outbox", 0.0)

    @property
    def ledger_rows(self) -> float:
        """New entries."""
        return self.rows.get("ledger", 0.0)

    @property
    def all_slack_calls(self) -> float:
        """Calls of all methods."""
        return sum(self.slack_calls.values())


@dataclass(frozen=True, kw_only=True)
class Report:
    """Counts and CPU milliseconds of an idle case, of one in a burst, and of a press."""

    counts: dict[str, Counts]
    #: By sort of thread.
    cpu: dict[str, dict[str, float]]


@dataclass(frozen=True, kw_only=True)
class _State:
    """The counters of the emulator and of the database at one moment."""

    calls: Counter[str]
    rows: Counter[str]
    requests: int


class Meter:
    """Counts what a running product does."""

    def __init__(self, rig: Rig) -> None:
        self._rig = rig
        self._program = rig.programs[0]
        self._engine = sa.create_engine(rig.database_url, poolclass=sa.pool.NullPool)

    def count(self, act: Callable[[], object], units: int, *, wait: float) -> Counts:
        """Count what follows from an act that is so many cases or presses.

        ``wait`` is how many seconds later everything that follows has been done.
        """
        before = self._state()
        self._program.ask("start")
        act()
        time.sleep(wait)
        answer = self._program.ask("stop")
        after = self._state()
        texts: Counter[str] = Counter()
        connector_statements = 0
        for database, thread, text, _rows in answer["statements"]:
            if thread in QUIET_THREADS:
                continue
            if COMPANY_FILE in database:
                connector_statements += 1
            else:
                texts[shorten(text)] += 1
        return Counts(
            statements=texts.total() / units,
            commits=texts[COMMIT] / units,
            claims=len(answer["claims"]) / units,
            empty_claims=answer["claims"].count(0) / units,
            connector_statements=connector_statements / units,
            slack_calls=_per_unit(after.calls - before.calls, units),
            rows=_per_unit(after.rows - before.rows, units),
            requests=(after.requests - before.requests) / units,
            texts=_per_unit(texts, units),
        )

    def time(self, act: Callable[[], object], units: int, *, wait: float) -> dict[str, float]:
        """Return the CPU milliseconds of the same, by sort of thread.

        ``wait`` is how many seconds later everything that follows has been done.
        """
        before = thread_milliseconds(self._program.pid)
        act()
        time.sleep(wait)
        after = thread_milliseconds(self._program.pid)
        spent = time_by_thread(before, after, self._program.ask("threads")["names"])
        return {name: time / units for name, time in spent.items() if name != OWN_THREAD}

    def wait_until_quiet(self, seconds: float) -> None:
        """Return when no statement has been run for so long, or when that takes too long."""
        count = -1
        since = time.monotonic()
        deadline = since + MAX_QUIET_WAIT_SECONDS
        while time.monotonic() - since < seconds and time.monotonic() < deadline:
            statements = self._program.ask("progress")["statements"]
            if statements != count:
                count = statements
                since = time.monotonic()
            time.sleep(POLL_SECONDS)

    def _state(self) -> _State:
        with self._engine.connect() as connection:
            rows = {
                name: connection.execute(sa.text(f"SELECT count(*) FROM {name}")).scalar_one()
                for name in TABLES
            }
            requests = connection.execute(sa.text("SELECT sum(wanted) FROM outbox")).scalar()
        return _State(
            calls=Counter(self._rig.emulator.calls()),
            rows=Counter(rows),
            requests=requests or 0,
        )


def _per_unit(counts: Counter[str], units: int) -> dict[str, float]:
    return {name: count / units for name, count in counts.most_common()}


class Visitor:
    """Sends signals and presses buttons, one after the other."""

    def __init__(self, rig: Rig) -> None:
        self._rig = rig
        self._sender = rig.sender()
        self._titles = unique_titles()
        self._batches = 0

    def signals(self, count: int) -> list[dict[str, Any]]:
        """Make signals that were not sent yet."""
        self._batches += 1
        return make_signals(self._titles, f"b{self._batches}", count)

    def send_and_wait(self, signals: Sequence[dict[str, Any]]) -> None:
        """Send each signal when the card of the one before stands."""
        emulator = self._rig.emulator
        for signal in signals:
            posts = emulator.posts()
            self._sender.send(signal)
            wait_until(lambda posts=posts: emulator.posts() > posts, "a card")
            # What follows the card: its evidence is posted, its messages are finished.
            time.sleep(CASE_PAUSE_SECONDS)

    def send_at_once(self, signals: Sequence[dict[str, Any]]) -> None:
        """Send all signals, and wait for their cards."""
        posts = self._rig.emulator.posts()
        for signal in signals:
            self._sender.send(signal)
        wait_until(lambda: self._rig.emulator.posts() >= posts + len(signals), "cards")

    def waiting_cards(self, count: int) -> list[dict[str, Any]]:
        """Return the newest cards with a button to approve."""
        return waiting_cards(self._rig.emulator, sample.CHANNEL)[-count:]

    def approve_and_wait(
        self, cards: Sequence[dict[str, Any]], pause: Callable[[], object]
    ) -> None:
        """Press the buttons of these cards, with a pause after each."""
        for card in cards:
            approve(self._rig.emulator, card)
            pause()


def warm_up(meter: Meter, visitor: Visitor) -> None:
    """Let some cases and a press pass, so that nothing is done for the first time."""
    visitor.send_and_wait(visitor.signals(WARM_UPS))
    visitor.approve_and_wait(visitor.waiting_cards(1), pause_after_press)
    time.sleep(PRESS_WAIT_SECONDS)


def pause_after_press() -> None:
    """Wait until all that follows a press at once is done."""
    time.sleep(PRESS_PAUSE_SECONDS)


def measure_counts(rig: Rig, *, cases: int, presses: int, with_cpu: bool = True) -> Report:
    """Count idle cases, a burst of cases and presses; then time the first two kinds again."""
    meter = Meter(rig)
    visitor = Visitor(rig)
    warm_up(meter, visitor)
    counts = {}

    def pause() -> None:
        meter.wait_until_quiet(CASE_QUIET_SECONDS)

    idle = visitor.signals(cases)

    def send_idle() -> None:
        for signal in idle:
            visitor.send_and_wait([signal])
            pause()

    counts["idle case"] = meter.count(send_idle, cases, wait=CASE_QUIET_SECONDS)
    burst = visitor.signals(max(cases, presses) * 4)
    counts["case in a burst"] = meter.count(
        lambda: visitor.send_at_once(burst), len(burst), wait=BURST_WAIT_SECONDS
    )
    cards = visitor.waiting_cards(presses)
    counts["press"] = meter.count(
        lambda: visitor.approve_and_wait(cards, pause), presses, wait=PRESS_WAIT_SECONDS
    )
    cpu = _time_threads(meter, visitor, cases=cases, presses=presses) if with_cpu else {}
    return Report(counts=counts, cpu=cpu)


def _time_threads(
    meter: Meter, visitor: Visitor, *, cases: int, presses: int
) -> dict[str, dict[str, float]]:
    idle = visitor.signals(cases * 2)
    burst = visitor.signals(cases * 8)
    cpu = {
        "idle case": meter.time(lambda: visitor.send_and_wait(idle), len(idle), wait=1.0),
        "case in a burst": meter.time(
            lambda: visitor.send_at_once(burst), len(burst), wait=BURST_WAIT_SECONDS
        ),
    }
    cards = visitor.waiting_cards(presses)
    cpu["press"] = meter.time(
        lambda: visitor.approve_and_wait(cards, pause_after_press),
        len(cards),
        wait=PRESS_WAIT_SECONDS,
    )
    return cpu


def run_counts(
    *, cases: int = 10, presses: int = 6, with_cpu: bool = True, past: Path | None = None
) -> Report:
    """Count on a product of its own, over SQLite."""
    with running(open_product, is_instrumented=True, past=past) as rig:
        return measure_counts(rig, cases=cases, presses=presses, with_cpu=with_cpu)
