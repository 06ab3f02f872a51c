"""The parts of a run: each measures some figures of the subjects, beside their floors."""

import contextlib
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from rich.progress import Progress

from tests.bench.alone import AloneTimes, measure_alone
from tests.bench.bad_days import FAULTS, measure_bad_day
from tests.bench.counts import run_counts
from tests.bench.cpu import anonymous_megabytes, process_milliseconds, proportional_megabytes
from tests.bench.figures import (
    ABSOLUTE,
    ALONE,
    BOLT,
    FLOOR,
    FLOOR_ALONE,
    FLOOR_IDLE,
    PRODUCT,
    SKETCH,
    Better,
    Figures,
)
from tests.bench.history_runs import (
    QUESTIONS,
    prepare_history,
    prepared_database,
    time_home,
    time_question,
)
from tests.bench.installation import extras, measure_installation
from tests.bench.ledger_runs import measure_ledger
from tests.bench.load import (
    MILLISECONDS,
    Latency,
    Throughput,
    measure_latency,
    measure_throughput,
)
from tests.bench.postgres import database_on, durable_postgres
from tests.bench.presses import PressTimes, measure_presses, wait_until_at_rest
from tests.bench.rig import Rig, has_workers, open_bare, open_product, running
from tests.bench.sample import fresh_company
from tests.bench.sequencing_runs import SETTINGS, WRITERS, Setting, measure_sequencing
from tests.bench.signals import make_signals, repeating_titles, unique_titles

IDLE_PER_SECOND = 5.0
STEADY_PER_SECOND = 50.0
ALONE_PER_SECOND = 20.0
CHANNELS = 10
SLOW_SECONDS = 0.15
PRESSES_AT_ONCE = (1, 50, 200)
PAUSE_SECONDS = 0.5
WARM_UPS = 10
REPEATS = 5
BAD_DAY_SIGNALS = 100
MEMORY_CASES = 10_000
#: After the start; what the first minute brings besides comes after an idle minute.
IDLE_SECONDS = 8.0


@dataclass(frozen=True, kw_only=True)
class Sizes:
    """How much each part measures."""

    runs: int = 3
    idle: int = 50
    steady: int = 400
    burst: int = 800
    durable: int = 10_000
    #: Presses one after the other, and with a pause between them.
    presses: int = 30
    slow: int = 300
    histories: tuple[int, ...] = (1_000, 10_000)
    ledger: int = 100_000
    #: For which writers commit, with the head row and past it.
    sequencing_seconds: float = 5.0


QUICK = Sizes(
    runs=1,
    idle=30,
    steady=150,
    burst=200,
    durable=1_000,
    presses=10,
    slow=100,
    histories=(1_000,),
    ledger=10_000,
    sequencing_seconds=2.0,
)
FULL = Sizes(histories=(1_000, 10_000, 100_000))


@dataclass(kw_only=True)
class Run:
    """A run with its figures."""

    sizes: Sizes
    progress: Progress
    figures: Figures = field(default_factory=Figures)

    def show(self, text: str) -> None:
        """Say what is measured now."""
        self.progress.console.print(f"[dim]{text}")

    def rounds(self, text: str) -> Iterator[int]:
        """Count the runs of a part, with a bar."""
        yield from self.progress.track(range(self.sizes.runs), description=text)

    @contextlib.contextmanager
    def subject(self, name: str, **options: Any) -> Iterator[Rig]:
        """Run a subject, and remark it when a training disturbed it."""
        if name == PRODUCT:
            opening = running(open_product, **options)
        else:
            opening = running(partial(open_bare, name))
        with opening as rig:
            yield rig
            if rig.is_training():
                self.figures.remark("A training ran beside the product while it was measured.")


def case_way(run: Run) -> None:
    """Measure receipt to card: idle, at a rate, in a burst; memory before and after."""
    for subject in (FLOOR, SKETCH, PRODUCT):
        for number in run.rounds(f"cases: {subject}"):
            with run.subject(subject) as rig:
                _measure_cases(run, rig, subject, f"{subject}{number}")


def _measure_cases(run: Run, rig: Rig, subject: str, key: str, *, prefix: str = "") -> None:
    sizes = run.sizes
    add = run.figures.add
    titles = unique_titles()
    add(f"{prefix}ready", subject, rig.ready_in, unit="s")
    measure_latency(rig, make_signals(titles, f"w{key}", WARM_UPS), IDLE_PER_SECOND)
    wait_until_at_rest(rig)
    _add_memory(run, f"{prefix}memory idle", subject, rig)
    idle = measure_latency(rig, make_signals(titles, f"i{key}", sizes.idle), IDLE_PER_SECOND)
    _add_latency(run, f"{prefix}card, idle", subject, idle)
    repeating = measure_latency(
        rig, make_signals(repeating_titles(), f"r{key}", sizes.idle), IDLE_PER_SECOND
    )
    _add_latency(run, f"{prefix}card, idle, repeating titles", subject, repeating)
    steady = measure_latency(rig, make_signals(titles, f"s{key}", sizes.steady), STEADY_PER_SECOND)
    _add_latency(run, f"{prefix}card, 50/s", subject, steady)
    burst = measure_throughput(rig, make_signals(titles, f"b{key}", sizes.burst))
    _add_throughput(run, f"{prefix}burst", subject, burst)
    _add_memory(run, f"{prefix}memory after the burst", subject, rig)


def _add_memory(run: Run, name: str, subject: str, rig: Rig) -> None:
    sizes = rig.memory()
    run.figures.add(f"{name}, deciding process", subject, sizes[0], unit="MB")
    if len(sizes) > 1:
        largest = max(sizes[1:])
        run.figures.add(f"{name}, largest other process", subject, largest, unit="MB", base=ALONE)
    run.figures.add(f"{name}, all processes", subject, sum(sizes), unit="MB")


def _add_latency(run: Run, name: str, subject: str, latency: Latency) -> None:
    add = run.figures.add
    add(f"{name}, p50", subject, latency.card.p50)
    add(f"{name}, p99", subject, latency.card.p99)
    add(f"{name}, CPU", subject, latency.cpu, unit="ms/case")
    _remark_missing(run, name, subject, latency.missing)


def _add_throughput(run: Run, name: str, subject: str, throughput: Throughput) -> None:
    add = run.figures.add
    rate = {"unit": "/s", "better": Better.HIGHER}
    add(f"{name}, signals durable", subject, throughput.durable, **rate)
    add(f"{name}, cases with a card", subject, throughput.cards, **rate)
    add(f"{name}, CPU", subject, throughput.cpu, unit="ms/case")
    _remark_missing(run, name, subject, throughput.missing)


def _remark_missing(run: Run, name: str, subject: str, missing: int) -> None:
    if missing:
        run.figures.remark(f"{name}: {missing} cards of {subject} did not come.")


def durable(run: Run) -> None:
    """Measure ten thousand signals at once, until all are durable."""
    count = run.sizes.durable
    titles = unique_titles()
    for subject in (SKETCH, PRODUCT):
        run.show(f"{count:,} signals: {subject}")
        with run.subject(subject) as rig:
            signals = make_signals(titles, f"d{subject}", count)
            throughput = measure_throughput(rig, signals, waits_for_cards=False)
        name = f"{count:,} signals"
        run.figures.add(f"{name} durable", subject, throughput.durable_in, unit="s")
        run.figures.add(
            f"{name}, cards meanwhile",
            subject,
            throughput.cards_meanwhile,
            unit="/s",
            better=Better.HIGHER,
        )


def presses(run: Run) -> None:
    """Measure presses one by one, fifty and two hundred at once, beside a bare Bolt app."""
    for subject in (BOLT, PRODUCT):
        run.show(f"presses: {subject}")
        with run.subject(subject) as rig:
            if subject == PRODUCT:
                wait_until_at_rest(rig)
            _presses_of(run, rig, subject)


def _presses_of(run: Run, rig: Rig, subject: str) -> None:
    titles = unique_titles()
    for at_once in PRESSES_AT_ONCE:
        count = max(at_once, run.sizes.presses)
        signals = make_signals(titles, f"p{at_once}", count)
        times = measure_presses(rig, signals, at_once)
        _add_presses(run, f"press, {at_once} at once", subject, times)
    spaced = make_signals(titles, "ps", run.sizes.presses // 2)
    times = measure_presses(rig, spaced, 1, pause=PAUSE_SECONDS)
    _add_presses(run, "press, spaced", subject, times)
    if subject == PRODUCT:
        signals = make_signals(titles, "pb", PRESSES_AT_ONCE[-1])
        arriving = make_signals(titles, "pa", int(STEADY_PER_SECOND) * 60)
        times = measure_presses(
            rig,
            signals,
            PRESSES_AT_ONCE[-1],
            background=arriving,
            per_second=STEADY_PER_SECOND,
        )
        name = "press, 200 at once while 50/s arrive"
        run.figures.add(f"{name}, ack p99", subject, times.ack.p99, base=ALONE)
        run.figures.add(
            f"{name}, acknowledged in 3 s",
            subject,
            times.in_time,
            unit="of 200",
            better=Better.HIGHER,
            base=ALONE,
        )
    if subject == PRODUCT:
        sizes = rig.memory()
        run.figures.add("memory after presses", subject, sum(sizes), unit="MB", base=ALONE)


def _add_presses(run: Run, name: str, subject: str, times: PressTimes) -> None:
    add = run.figures.add
    add(f"{name}, ack p50", subject, times.ack.p50, base=BOLT)
    add(f"{name}, ack p99", subject, times.ack.p99, base=BOLT)
    if subject != PRODUCT:
        return
    add(f"{name}, system of record p50", subject, times.record.p50, base=ALONE)
    add(f"{name}, CPU of all that follows", subject, times.cpu, unit="ms/press", base=ALONE)
    add(f"{name}, Slack calls", subject, times.slack_calls, unit="/press", base=ALONE)
    if times.in_time < times.presses or times.landed < times.presses:
        run.figures.remark(
            f"{name}: of {times.presses} presses {times.in_time} were acknowledged within three "
            f"seconds, and {times.landed} reached the system of record."
        )


def postgresql(run: Run) -> None:
    """Measure cases on PostgreSQL with one process and with two, beside the sketch on SQLite."""
    try:
        with durable_postgres() as server, prepared_database(server) as (template, past):
            _measure_sketch_beside(run, [_postgresql_prefix(processes) for processes in (1, 2)])
            for processes in (1, 2):
                with database_on(server, f"bench{processes}", template) as url:
                    _measure_postgresql(run, url, past, processes)
    except LookupError as missing:
        run.figures.remark(f"Nothing was measured on PostgreSQL: {missing}.")
        return
    _compare_processes(run)


def _measure_sketch_beside(run: Run, prefixes: Sequence[str]) -> None:
    """Measure the sketch once, and take it as the base of the figures with each prefix."""
    first, *others = prefixes
    run.show(f"{first}{SKETCH}")
    with run.subject(SKETCH) as rig:
        _measure_cases(run, rig, SKETCH, "g", prefix=first)
    for figure in list(run.figures):
        for prefix in others:
            if figure.name.startswith(first):
                run.figures.copy(figure, prefix + figure.name.removeprefix(first))


def _compare_processes(run: Run) -> None:
    """Add how many times as much two processes do on PostgreSQL as one."""
    what = "cases with a card"
    one, two = (
        run.figures.by_name[f"{_postgresql_prefix(processes)}burst, {what}"].median(PRODUCT)
        for processes in (1, 2)
    )
    if one and two:
        name = f"PostgreSQL, {_plural(2)} beside one: {what}"
        run.figures.add(name, PRODUCT, two / one, unit="×", better=Better.HIGHER, base=ALONE)


def _postgresql_prefix(processes: int) -> str:
    return f"PostgreSQL, {_plural(processes)}: "


def _measure_postgresql(run: Run, url: str, past: Path, processes: int) -> None:
    prefix = _postgresql_prefix(processes)
    run.show(f"{prefix}{PRODUCT}")
    with run.subject(PRODUCT, past=past, database_url=url, processes=processes) as rig:
        _measure_cases(run, rig, PRODUCT, f"g{processes}", prefix=prefix)


def two_processes(run: Run) -> None:
    """Measure cases on SQLite with two processes, beside one sketch."""
    prefix = f"SQLite, {_plural(2)}: "
    if not has_workers():
        run.figures.remark("Two processes are two programs: it has no option for workers.")
    _measure_sketch_beside(run, [prefix])
    run.show(f"{prefix}{PRODUCT}")
    with run.subject(PRODUCT, processes=2) as rig:
        _measure_cases(run, rig, PRODUCT, "t", prefix=prefix)


def _plural(processes: int) -> str:
    return "one process" if processes == 1 else f"{processes} processes"


def alone(run: Run) -> None:
    """Measure a signal to the changed system of record, where nobody is asked."""
    for subject in (FLOOR_ALONE, PRODUCT):
        for number in run.rounds(f"alone: {subject}"):
            options = {"runs_alone": True} if subject == PRODUCT else {}
            with run.subject(subject, **options) as rig:
                titles = unique_titles()
                warm_up = make_signals(titles, f"w{subject}{number}", WARM_UPS)
                measure_alone(rig, warm_up, IDLE_PER_SECOND)
                wait_until_at_rest(rig)
                signals = make_signals(titles, f"a{subject}{number}", run.sizes.steady)
                _add_alone(run, subject, measure_alone(rig, signals, ALONE_PER_SECOND))


def _add_alone(run: Run, subject: str, times: AloneTimes) -> None:
    name = f"alone, {ALONE_PER_SECOND:.0f}/s"
    add = run.figures.add
    for what, value in (
        ("system of record, p50", times.record.p50),
        ("system of record, p99", times.record.p99),
        ("card, p50", times.card.p50),
        ("card, p99", times.card.p99),
    ):
        add(f"{name}: {what}", subject, value, base=FLOOR_ALONE)
    add(f"{name}: CPU", subject, times.cpu, unit="ms/case", base=FLOOR_ALONE)
    if subject != PRODUCT:
        return
    add(f"{name}: messages posted", subject, times.posts, unit="/case", base=ALONE)
    add(f"{name}: messages drawn again", subject, times.updates, unit="/case", base=ALONE)
    add(f"{name}: not done", subject, times.missing, unit="", base=ALONE)
    add(f"{name}: cards that ask", subject, times.asking, unit="", base=ALONE)


def slow_slack(run: Run) -> None:
    """Measure a burst over ten channels while Slack takes 150 ms for each answer."""
    name = f"Slack at {SLOW_SECONDS * MILLISECONDS:.0f} ms, {CHANNELS} channels"
    for subject in (SKETCH, PRODUCT):
        run.show(f"{name}: {subject}")
        # The sketch knows one channel.
        channels = CHANNELS if subject == PRODUCT else 1
        options = {"channels": channels} if subject == PRODUCT else {}
        with run.subject(subject, **options) as rig:
            wait_until_at_rest(rig)
            rig.emulator.post("faults", {"slow_for": SLOW_SECONDS})
            signals = make_signals(unique_titles(), "z", run.sizes.slow, channels=channels)
            throughput = measure_throughput(rig, signals, channels=channels)
            _add_throughput(run, name, subject, throughput)


def histories(run: Run) -> None:
    """Measure the product with long histories: start, cases, presses, and what people look at."""
    memories = {}
    for count in run.sizes.histories:
        run.show(f"a history of {count:,} cases")
        past = prepare_history(count)
        with run.subject(PRODUCT, past=past) as rig:
            _measure_history(run, rig, f"history of {count:,}")
            memories[count] = anonymous_megabytes(rig.pids[0])
    smallest, largest = min(memories), max(memories)
    if smallest < largest:
        growth = (memories[largest] - memories[smallest]) / (largest - smallest)
        name = f"memory of {MEMORY_CASES:,} cases more, deciding process"
        run.figures.add(name, PRODUCT, growth * MEMORY_CASES, unit="MB", base=ALONE)


def _measure_history(run: Run, rig: Rig, name: str) -> None:
    def add(what: str, value: float, unit: str = "ms") -> None:
        run.figures.add(f"{name}: {what}", PRODUCT, value, unit=unit, base=ALONE)

    titles = unique_titles()
    add("ready", rig.ready_in, "s")
    first = measure_latency(rig, make_signals(titles, "f", 1), IDLE_PER_SECOND)
    add("first card after ready", first.card.p50)
    wait_until_at_rest(rig)
    add("memory", sum(rig.memory()), "MB")
    measure_latency(rig, make_signals(titles, "w", WARM_UPS), IDLE_PER_SECOND)
    idle = measure_latency(rig, make_signals(titles, "i", run.sizes.idle), IDLE_PER_SECOND)
    add("card, idle, p50", idle.card.p50)
    add("card, idle, CPU", idle.cpu, "ms/case")
    signals = make_signals(titles, "p", run.sizes.presses // 2)
    presses = measure_presses(rig, signals, 1, pause=PAUSE_SECONDS)
    add("press, CPU of all that follows", presses.cpu, "ms/press")
    add("App Home", time_home(rig, REPEATS)[-1])
    for question, text in QUESTIONS.items():
        add(f"“{question}”", min(time_question(rig, text, REPEATS)))


def idle_memory(run: Run) -> None:
    """Measure idle processes: the libraries alone, a company without a past, one with a year."""
    with fresh_company() as fresh:
        subjects: tuple[tuple[str, str, dict[str, Any]], ...] = (
            ("without memory opened", FLOOR_IDLE, {}),
            ("without memory opened", PRODUCT, {"past": fresh}),
            ("with memory opened", FLOOR_IDLE, {}),
            ("with memory opened", PRODUCT, {}),
        )
        for state, subject, options in subjects:
            for _ in run.rounds(f"idle {state}: {subject}"):
                with run.subject(subject, **options) as rig:
                    time.sleep(IDLE_SECONDS)
                    _add_idle(run, state, subject, rig)


def _add_idle(run: Run, state: str, subject: str, rig: Rig) -> None:
    add = partial(run.figures.add, unit="MB", base=FLOOR_IDLE)
    (pid,) = rig.pids
    add(f"idle memory {state}", subject, rig.memory()[0])
    # Of the processes beside it, none is its own: the helper of memory serves all bots of a folder.
    add(f"idle memory {state}, proportional", subject, proportional_megabytes(pid))
    add(f"idle memory {state}, of it no file", subject, anonymous_megabytes(pid))
    if subject == PRODUCT:
        add(f"start {state}: CPU", subject, process_milliseconds([pid]), unit="ms")
    for other in rig.memory()[1:]:
        add(f"idle memory {state}, a process beside it", subject, other)


def installation(run: Run) -> None:
    """Measure what installing the product takes, and what each extra adds."""
    run.show("installing")
    base = measure_installation()
    run.figures.add("installation: site-packages", PRODUCT, base.megabytes, unit="MB", base=ALONE)
    run.figures.add(
        "installation, packages fetched before", PRODUCT, base.seconds, unit="s", base=ALONE
    )
    for name in extras():
        run.show(f"installing with {name}")
        added = measure_installation(name).megabytes - base.megabytes
        figure = f"installation: the extra {name} adds"
        run.figures.add(figure, PRODUCT, added, unit="MB", base=ALONE)
    largest = ", ".join(f"{name} {size:,.0f}" for name, size in base.largest)
    run.figures.remark(f"Largest in site-packages, MB: {largest}.")


def bad_days(run: Run) -> None:
    """Count lost and double cards while Slack misbehaves."""
    for number, (name, fault) in enumerate(FAULTS.items()):
        run.show(f"Slack {name}")
        with run.subject(PRODUCT) as rig:
            signals = make_signals(unique_titles(), f"y{number}", BAD_DAY_SIGNALS)
            day = measure_bad_day(rig, signals, fault)
        prefix = f"Slack {name}, {BAD_DAY_SIGNALS} signals"
        for what, value, unit in (
            ("cards missing", day.missing, ""),
            ("cards double", day.double, ""),
            ("calls refused", day.refused, ""),
            ("took", day.seconds, "s"),
        ):
            run.figures.add(f"{prefix}: {what}", PRODUCT, value, unit=unit, base=ALONE)


def ledger(run: Run) -> None:
    """Time export, verification and folding of a long ledger."""
    run.show(f"a ledger of {run.sizes.ledger:,} entries")
    times = measure_ledger(run.sizes.ledger)
    prefix = f"ledger of {run.sizes.ledger:,} entries"
    for what, value in (("export", times.export), ("verify", times.verify), ("fold", times.fold)):
        run.figures.add(f"{prefix}: {what}", PRODUCT, value, unit="s", base=ALONE)
    if times.findings:
        run.figures.remark(f"Verifier and replay found {times.findings} problems in the ledger.")


def sequencing(run: Run) -> None:
    """Measure the prototype that orders entries after their commit, beside the head row."""
    try:
        with durable_postgres() as server:
            for setting in SETTINGS:
                for writers in WRITERS:
                    _measure_sequencing(run, server, setting, writers)
    except LookupError as missing:
        run.figures.remark(f"Nothing was measured on PostgreSQL: {missing}.")


def _measure_sequencing(run: Run, server: str, setting: Setting, writers: int) -> None:
    name = f"{setting}, {writers} writing"
    run.show(name)
    rate = {"unit": "/s", "better": Better.HIGHER}
    for has_head in (True, False):
        times = measure_sequencing(
            server,
            setting,
            writers=writers,
            has_head=has_head,
            seconds=run.sizes.sequencing_seconds,
        )
        way = "with the head" if has_head else "past it"

        def add(what: str, value: float, **more: Any) -> None:
            run.figures.add(f"{name}, {what}", PRODUCT, value, base=ALONE, **more)

        add(f"{way}: entries", times.entries, **rate)
        add(f"{way}: CPU", times.cpu, unit="ms/1,000")
        if has_head:
            add("the head held, p50", times.head.p50)
        else:
            add("integrator, CPU", times.integrator_cpu, unit="ms/1,000")
            add("place after commit, p50", times.delay.p50)
            add("place after commit, p99", times.delay.p99)
        for finding in times.findings[:1]:
            run.figures.remark(f"{name}, {way}: {finding}.")


def counts(run: Run) -> None:
    """Count statements, commits, claims, Slack calls and rows of a case and of a press."""
    run.show("statements, commits and calls")
    report = run_counts(with_cpu=False)
    for unit, each in report.counts.items():
        for what, value in (
            ("statements", each.statements),
            ("commits", each.commits),
            ("claims", each.claims),
            ("claims that find nothing", each.empty_claims),
            ("Slack calls", each.all_slack_calls),
            ("new rows of outbox and ledger", each.outbox_rows + each.ledger_rows),
        ):
            name = f"{what} of one {unit}"
            run.figures.add(name, PRODUCT, value, unit="", base=ABSOLUTE)


PARTS: dict[str, Callable[[Run], None]] = {
    "counts": counts,
    "cases": case_way,
    "alone": alone,
    "durable": durable,
    "presses": presses,
    "processes": two_processes,
    "postgresql": postgresql,
    "slack": slow_slack,
    "history": histories,
    "memory": idle_memory,
    "installation": installation,
    "faults": bad_days,
    "ledger": ledger,
    "sequencing": sequencing,
}
#: What is no part of the product is measured on its own.
PROTOTYPES = {"sequencing"}
