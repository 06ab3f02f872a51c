"""Long histories of ended cases, made in minutes, and what people's questions cost over them.

The life of each ended case of the sample company is a shape. It is replayed under other case
numbers, subjects and days: hashes of plans and steps are computed anew, and the store writes cases,
ledger and precedents as it writes those of a desk. ``ledger verify`` and ``ledger replay`` accept
the result.

``python -m tests.bench.history measure`` prints what Home, digest, review and questions cost at
three sizes; ``make COUNT FOLDER`` leaves a history in a folder.
"""

import argparse
import contextlib
import json
import re
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import insert

from bot import storage, wiring
from bot.advisors import without_memory
from bot.cases.canonical import from_json, to_json
from bot.cases.case import Case
from bot.cases.entries import Recommended, Referred, StepUpAsked, entry_of
from bot.cases.lifecycle import TERMINAL
from bot.cases.plan import Plan
from bot.cases.precedent import precedents_from
from bot.cases.precedent_json import precedent_from_json, precedent_to_plain
from bot.cases.signal import Signal
from bot.demo import launcher
from bot.demo.history import SampleDirectory
from bot.demo.people import ANA, TEAM
from bot.desk.null_chat import NullChat
from bot.desk.options import DeskOptions
from bot.desk.usual_times import usual_times
from bot.metrics import expose, exposition
from bot.preflight import open_library
from bot.store import case_queries, tables
from bot.store.case_tallies import tally_changes
from bot.store.database import Database
from bot.store.decision_scores import score_changes
from bot.store.derived import derive, entry_bodies
from bot.store.migrate import migrate
from bot.store.projection import CaseWrite, Line, case_row, people_rows
from bot.store.store import Store
from bot.store.unit_of_work import UnitOfWork
from bot.store.work_gauges import WorkGauges
from bot.use_cases import Desk, build_desk
from bot.views.app_home import HomeFilter
from tests.bench.sample import PAST, history_folder

SIZES = (1_000, 10_000, 100_000)
#: A history spreads over so many days.
DAYS = 365
CASES_PER_WRITE = 250
#: In parts of a text that no signal has.
SEPARATOR = "\x1e"
SECONDS_PER_DAY = 86_400
#: The day of a time.
DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?=T[0-9]{2}:[0-9]{2}:[0-9]{2})")
DAY_LENGTH = len("2026-11-21")

Progress = Callable[[int, int], None]


# --- shapes ---------------------------------------------------------------------------------------


class Template:
    """Texts of one case, with gaps where its copies differ."""

    def __init__(self, texts: Sequence[str], tokens: Iterable[str], case_id: str) -> None:
        exact = "|".join(re.escape(token) for token in sorted(tokens, key=len, reverse=True))
        gap = re.compile(f"({exact}|{re.escape(case_id)}(?![0-9])|{DAY.pattern})")
        # Literals and gaps alternate, and the first is a literal.
        self._parts = gap.split(SEPARATOR.join(texts))

    @property
    def gaps(self) -> set[str]:
        """List what stands in the gaps at first."""
        return set(self._parts[1::2])

    def fill(self, values: dict[str, str]) -> list[str]:
        """Return the texts with these values in the gaps."""
        parts = self._parts.copy()
        parts[1::2] = [values[token] for token in parts[1::2]]
        return "".join(parts).split(SEPARATOR)


@dataclass(frozen=True, kw_only=True)
class Shape:
    """The life of one case, to be replayed."""

    case_id: str
    #: Day and time of the first entry and the last.
    opened_at: datetime
    ended_at: datetime
    #: Plans, then the signals: what hashes are made of.
    sources: Template
    #: Ledger entries, the case and its precedents.
    texts: Template
    #: The hash of each plan, with the keys of its steps.
    plan_hashes: Sequence[tuple[str, Sequence[str]]]
    #: Outcome and time of each signal.
    receipts: Sequence[tuple[str, str]]
    #: Rows of ``effects``.
    effects: Sequence[dict[str, Any]]
    entry_count: int
    #: Quoted subject and keys of the signals.
    names: Sequence[str]


def shapes_of(store: Store, *, are_open: bool = False) -> list[Shape]:
    """Return the lives of a store's ended cases.

    ``are_open``: each only until it waits for a decision. A life with a signature is left out: it
    signs one plan and no other.
    """
    shapes = []
    case_ids = [case.id for case in store.queries.newest(states=TERMINAL, limit=1_000_000)]
    with store.database.read() as connection:
        for case_id in reversed(case_ids):
            bodies = entry_bodies(connection, [case_id])[case_id]
            entries = [entry_of(json.loads(body)) for body in bodies]
            if any(isinstance(entry.body, StepUpAsked) for entry in entries):
                continue
            length = _open_length(entries) if are_open else len(entries)
            if length:
                shapes.append(_shape(entries[:length], bodies[:length]))
    return shapes


def _open_length(entries: Sequence[Any]) -> int:
    """Count the entries until the case waits for somebody; 0 when it never did."""
    for count, entry in enumerate(entries, start=1):
        if isinstance(entry.body, Recommended | Referred):
            case = derive(entries[:count]).case
            return count if case.waits_on else 0
    return 0


def _shape(entries: Sequence[Any], bodies: Sequence[bytes]) -> Shape:
    rows = derive(entries)
    case = rows.case
    precedents, _ = precedents_from(entries)
    plans = _plans(entries)
    signals = [entry.body.signal for entry in entries if _has_signal(entry)]
    plan_hashes = []
    for plan in plans:
        plan_hashes.append((plan.plan_hash, [plan.step_key(i) for i, _ in enumerate(plan.actions)]))
    names = {_quoted("subject", signal.subject) for signal in signals}
    names |= {_quoted("key", signal.key) for signal in signals}
    hashes = [token for plan_hash, keys in plan_hashes for token in (plan_hash, *keys)]
    texts = [
        *(bytes(body).decode() for body in bodies),
        to_json(case),
        *(to_json(precedent_to_plain(precedent)) for precedent in precedents),
    ]
    receipts = []
    for signal in signals:
        row = rows.inbox[signal.source, signal.key]
        receipts.append((row["outcome"], row["received_at"]))
    return Shape(
        case_id=case.id,
        opened_at=entries[0].at,
        ended_at=entries[-1].at,
        sources=Template([to_json(one) for one in (*plans, *signals)], names, case.id),
        texts=Template(texts, [*names, *hashes], case.id),
        plan_hashes=plan_hashes,
        receipts=receipts,
        effects=list(rows.effects.values()),
        entry_count=len(bodies),
        names=sorted(names),
    )


def _has_signal(entry: Any) -> bool:
    return isinstance(getattr(entry.body, "signal", None), Signal)


def _plans(entries: Iterable[Any]) -> list[Plan]:
    """List the plans that these entries make, each once."""
    plans = {}
    for entry in entries:
        plan = getattr(entry.body, "plan", None)
        if isinstance(plan, Plan):
            plans[plan.plan_hash] = plan
    return list(plans.values())


def _quoted(name: str, value: str) -> str:
    """Return a field as it stands in JSON."""
    return f'"{name}":{json.dumps(value, ensure_ascii=False)}'


# --- copies ---------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Copy:
    """What one replayed life writes."""

    write: CaseWrite
    inbox: Sequence[dict[str, Any]]
    precedents: Sequence[Any]


def replay_shape(shape: Shape, number: int, *, days: int) -> Copy:
    """Replay a life as the case of this number, so many days later."""
    values = _values(shape, number, days)
    sources = shape.sources.fill(values)
    plan_count = len(shape.plan_hashes)
    for (old_hash, old_keys), text in zip(shape.plan_hashes, sources, strict=False):
        plan = from_json(Plan, text)
        values[old_hash] = plan.plan_hash
        for step, old_key in enumerate(old_keys):
            values[old_key] = plan.step_key(step)
    signals = [from_json(Signal, text) for text in sources[plan_count:]]
    texts = shape.texts.fill(values)
    bodies = texts[: shape.entry_count]
    case = from_json(Case, texts[shape.entry_count])
    return Copy(
        write=_case_write(shape, case, bodies, days=days),
        inbox=[
            _inbox_row(case.id, signal, outcome, _later(received_at, days))
            for signal, (outcome, received_at) in zip(signals, shape.receipts, strict=True)
        ],
        precedents=[precedent_from_json(text) for text in texts[shape.entry_count + 1 :]],
    )


def _values(shape: Shape, number: int, days: int) -> dict[str, str]:
    """Return what the gaps hold in this copy, but for the hashes."""
    values = {shape.case_id: f"EX-{number}"}
    for name in shape.names:
        # Within the quotation marks.
        values[name] = f'{name[:-1]}/{number}"'
    for gap in shape.sources.gaps | shape.texts.gaps:
        if gap not in values and len(gap) == DAY_LENGTH:
            values[gap] = (date.fromisoformat(gap) + timedelta(days=days)).isoformat()
    return values


def _case_write(shape: Shape, case: Case, bodies: Sequence[str], *, days: int) -> CaseWrite:
    effects = []
    for row in shape.effects:
        day = date.fromisoformat(row["day"]) + timedelta(days=days)
        at = row["at"] + days * SECONDS_PER_DAY
        effects.append({**row, "case_id": case.id, "day": day.isoformat(), "at": at})
    outcomes = [
        {
            "of_case": case.id,
            "of_revision": effect["revision"],
            "of_step": effect["step"],
            "outcome": effect["outcome"],
        }
        for effect in effects
        if effect["outcome"]
    ]
    row = case_row(case)
    return CaseWrite(
        expected_version=0,
        case=row,
        lines=[
            Line(case_id=case.id, version=version, body=body.encode())
            for version, body in enumerate(bodies, start=1)
        ],
        effects=effects,
        outcomes=outcomes,
        people=people_rows(case),
        tallies=tally_changes(None, row if case.is_terminal else None),
        scores=score_changes(None, case)[0],
    )


def _inbox_row(case_id: str, signal: Signal, outcome: str, received_at: str) -> dict[str, Any]:
    return {
        "source": signal.source,
        "key": signal.key,
        "digest": signal.body_checksum,
        "body": b"",
        "received_at": received_at,
        "outcome": outcome,
        "case_id": case_id,
        "fingerprint": signal.fingerprint,
    }


def _later(at: str, days: int) -> str:
    return (datetime.fromisoformat(at) + timedelta(days=days)).isoformat()


# --- histories ------------------------------------------------------------------------------------


def write_history(
    store: Store,
    shapes: Sequence[Shape],
    count: int,
    *,
    until: datetime,
    days: int = DAYS,
    progress: Progress | None = None,
) -> None:
    """Write so many cases that ended in the days before ``until``.

    They are numbered in the order in which they were opened.
    """
    first = store.ledger.last_case_number() + 1
    copies = _schedule(shapes, count, until=until, days=days)
    for start in range(0, count, CASES_PER_WRITE):
        page = copies[start : start + CASES_PER_WRITE]
        made = [
            replay_shape(shape, first + start + place, days=shift)
            for place, (shape, shift) in enumerate(page)
        ]
        store.database.write(partial(_write_copies, made))
        store.precedents.save([one for copy in made for one in copy.precedents])
        if progress:
            progress(start + len(page), count)


def _schedule(
    shapes: Sequence[Shape], count: int, *, until: datetime, days: int
) -> list[tuple[Shape, int]]:
    """Choose shape and shift in days of each copy, in the order of opening."""
    copies = []
    for place in range(count):
        shape = shapes[place % len(shapes)]
        end = until - timedelta(days=days * (count - 1 - place) / count)
        shift = (end - shape.ended_at).days
        copies.append((shape.opened_at + timedelta(days=shift), place, shape, shift))
    return [(shape, shift) for _, _, shape, shift in sorted(copies, key=lambda one: one[:2])]


def _write_copies(copies: Sequence[Copy], unit: UnitOfWork) -> None:
    for copy in copies:
        unit.append(copy.write)
    inbox = [row for copy in copies for row in copy.inbox]
    if inbox:
        unit.connection.execute(insert(tables.inbox), inbox)


def make_history(
    folder: Path,
    count: int,
    *,
    open_count: int = 0,
    url: str = "",
    days: int = DAYS,
    progress: Progress | None = None,
) -> Path:
    """Give the sample company so many ended cases, in a folder that a bot can run from.

    ``open_count`` more wait for a decision, without cards. ``url`` is an empty PostgreSQL database
    to write instead. A folder that has it already is left as it is.
    """
    stamp = folder / f"history-{count}-{open_count}-{days}"
    if stamp.exists():
        return folder
    past = launcher.prepare_sample_data(PAST, progress)
    shutil.rmtree(folder, ignore_errors=True)
    unwanted = shutil.ignore_patterns("countersign.db*", "today")
    shutil.copytree(past.folder, folder, ignore=unwanted)
    shapes, open_shapes = _sample_shapes(past.folder)
    with contextlib.closing(_open_database(url or f"sqlite:///{folder}/countersign.db")) as empty:
        store = Store.over(empty)
        write_history(store, shapes, count, until=past.today, days=days, progress=progress)
        write_history(store, open_shapes, open_count, until=past.today, days=2)
    stamp.write_text(past.today.isoformat())
    return folder


def _sample_shapes(folder: Path) -> tuple[list[Shape], list[Shape]]:
    """Return the lives of the sample company's cases, whole and until they wait."""
    with tempfile.TemporaryDirectory() as scratch:
        # A copy: reading may have to upgrade it.
        shutil.copy(folder / "countersign.db", scratch)
        with contextlib.closing(_open_database(f"sqlite:///{scratch}/countersign.db")) as database:
            source = Store.over(database)
            return shapes_of(source), shapes_of(source, are_open=True)


def _open_database(url: str) -> Database:
    database = Database(url)
    migrate(database)
    return database


def show_progress(done: int, total: int) -> None:
    """Draw a bar on the terminal."""
    filled = 40 * done // max(1, total)
    end = "\n" if done == total else ""
    bar = f"\r[{'#' * filled}{'.' * (40 - filled)}] {done:,} of {total:,}"
    print(bar, end=end, file=sys.stderr, flush=True)


# --- measuring ------------------------------------------------------------------------------------

CHANNEL = "C0STOCK"
REPEATS = 5
QUESTIONS = {
    "how many this week, how long": "how many cases this week, and how long did they take?",
    "rejected last month": "how many were rejected last month",
    "open cases by kind": "open cases by kind",
    "a list": "what is open?",
    "about X": "anything about merlot?",
    "how many this year": "how many cases this year",
    "how long this year": "how long did cases take this year?",
    "cases by month": "cases by month this year",
    "share approved unchanged": "what share was approved unchanged this year?",
    "who decided most": "who decided the most cases this year",
}


@dataclass(kw_only=True)
class Meter:
    """Counts what one call costs: CPU, statements' rows and decoded cases."""

    desk: Desk
    rows: int = 0
    cases: int = 0

    def measure(self, call: Callable[[], object]) -> dict[str, float]:
        """Return the cost of a call: the median of some, after one that warms up."""
        call()
        seconds = []
        with self._counting():
            for _ in range(REPEATS):
                self.rows = 0
                self.cases = 0
                began = time.process_time()
                call()
                seconds.append(time.process_time() - began)
        return {
            "cpu_ms": round(statistics.median(seconds) * 1000, 1),
            "rows": self.rows,
            "cases": self.cases,
        }

    @contextlib.contextmanager
    def _counting(self) -> Iterator[None]:
        database = self.desk.store.database
        fetch = database.fetch
        load = case_queries.from_json

        def count_rows(*arguments: Any, **options: Any) -> Any:
            rows = fetch(*arguments, **options)
            self.rows += len(rows)
            return rows

        def count_cases(shape: Any, raw: Any) -> Any:
            self.cases += 1
            return load(shape, raw)

        database.fetch = count_rows  # type: ignore[method-assign]
        case_queries.from_json = count_cases  # type: ignore[attr-defined]
        try:
            yield
        finally:
            del database.fetch
            case_queries.from_json = load  # type: ignore[attr-defined]


@contextlib.contextmanager
def open_desk(folder: Path) -> Iterator[tuple[Desk, datetime]]:
    """Open the desk of a history, at the time when it ends."""
    (stamp,) = folder.glob("history-*")
    now = datetime.fromisoformat(stamp.read_text())
    settings = launcher.sample_settings(folder, "")
    store = storage.open_store(settings)
    library = open_library(settings)
    with contextlib.closing(store.database):
        desk = build_desk(
            store=store,
            library=library,
            systems=wiring.build_systems(settings, library, NullChat()),
            chat=NullChat(),
            directory=SampleDirectory(),
            clock=lambda: now,
            advisors=without_memory(store.precedents, lambda: now),
            options=DeskOptions(storm_after=0),
        )
        yield desk, now


def calls_of(desk: Desk, now: datetime) -> dict[str, Callable[[], object]]:
    """Return what people look at and what the desk asks itself, by name."""
    screens, queries = desk.screens, desk.store.queries
    person = f"{TEAM}/{ANA}"
    monday = now - timedelta(days=now.weekday())
    case_id = queries.newest(limit=1)[0].id
    gauges = WorkGauges(
        database=desk.store.database,
        clock=lambda: now,
        last_checkpoint=lambda: None,
        count_stages=dict,
    )
    expose(gauges)
    calls: dict[str, Callable[[], object]] = {
        "App Home": partial(screens.app_home.compose, person, HomeFilter()),
        "prompts": partial(screens.app_home.prompts, person),
        "digest of a channel": partial(_digest, desk, CHANNEL, monday + timedelta(days=1)),
        "digest of a person": partial(_digest, desk, person, monday + timedelta(days=1)),
        "digest of the desk": partial(_digest, desk, f"desk/{CHANNEL}", monday),
        "weekly review": partial(_digest, desk, CHANNEL, monday),
        "usual times": partial(usual_times, queries, "low_stock"),
        "list of a channel": partial(screens.case_lists.page, person, f"channel:{CHANNEL}", 0),
        "deadlines due": partial(queries.due, now - timedelta(days=400), 100),
        "open of a detector": partial(queries.open_from, "house", "low_stock"),
        "clearings": partial(queries.count_clearings, ["0" * 64]),
        "cases by state": queries.counts,
        "kinds": queries.kinds,
        "open ids": queries.open_ids,
        "affected by a pause": partial(queries.affected_by_pause, "kind:low_stock"),
        "lists with a case": partial(desk.store.live_lists.keys_with, case_id),
        "lists by prefix": partial(desk.store.live_lists.find, "home:", now - timedelta(hours=8)),
        "metrics": partial(_scrape, gauges),
    }
    ask = desk.conversation.questions.answer
    for name, text in QUESTIONS.items():
        calls[f"“{name}”"] = partial(ask, text, by=person)
    return calls


def _scrape(gauges: WorkGauges) -> object:
    # Not from the cache.
    gauges._read_at = float("-inf")
    return exposition()


def _digest(desk: Desk, place: str, due: datetime) -> object:
    key = f"digest:{place}:{int(due.timestamp())}"
    return desk.screens.digests.compose(key=key, place=place, due=due, live_list=None)


def measure(sizes: Sequence[int], *, open_count: int = 40) -> dict[str, dict[int, Any]]:
    """Return the cost of each call at each size."""
    costs: dict[str, dict[int, Any]] = {}
    for size in sizes:
        folder = history_folder(size)
        make_history(folder, size, open_count=open_count, progress=show_progress)
        with open_desk(folder) as (desk, now):
            meter = Meter(desk=desk)
            for name, call in calls_of(desk, now).items():
                costs.setdefault(name, {})[size] = meter.measure(call)
    return costs


def print_table(costs: dict[str, dict[int, Any]]) -> None:
    """Print CPU milliseconds, rows and decoded cases at each size."""
    sizes = list(next(iter(costs.values())))
    heads = "".join(f"{f'{size:,} cases':>28}" for size in sizes)
    print(f"{'CPU ms, rows, decoded cases':34}{heads}")
    for name, by_size in costs.items():
        line = f"{name:34}"
        for cost in by_size.values():
            line += f"{cost['cpu_ms']:>12.1f}{cost['rows']:>9,}{cost['cases']:>7,}"
        print(line)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.history", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    making = commands.add_parser("make", help="write a history into a folder")
    making.add_argument("count", type=int)
    making.add_argument("folder", type=Path)
    making.add_argument("--open", type=int, default=0, help="so many more wait for a decision")
    making.add_argument("--days", type=int, default=DAYS)
    measuring = commands.add_parser("measure", help="measure Home, digest and questions")
    measuring.add_argument("sizes", type=int, nargs="*", default=list(SIZES))
    measuring.add_argument("--json", action="store_true")
    options = parser.parse_args()
    if options.command == "make":
        make_history(
            options.folder,
            options.count,
            open_count=options.open,
            days=options.days,
            progress=show_progress,
        )
        return
    costs = measure(options.sizes)
    if options.json:
        print(json.dumps(costs, indent=2))
    else:
        print_table(costs)


if __name__ == "__main__":
    main()
