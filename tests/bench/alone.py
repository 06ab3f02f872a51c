"""Cases that policy lets run alone: from the signal to the changed row, and the one folded card."""

import contextlib
import sqlite3
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from bot.store.database import Database
from bot.store.store import Store
from tests.bench import sample
from tests.bench.cpu import process_milliseconds
from tests.bench.load import (
    MILLISECONDS,
    OPEN_LOOP_THREADS,
    TAIL_SECONDS,
    Quantiles,
    Sent,
    Signals,
    wait_for_cards,
)
from tests.bench.rig import Rig

DONE = "case.resolved"
#: The only button that a card has while it waits for an answer.
APPROVE = "case.approve"
MAX_WAIT_SECONDS = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class AloneTimes:
    """Some signals at a rate, each handled without a person."""

    #: Milliseconds until the row was changed, and had been looked at.
    record: Quantiles
    #: Milliseconds until the card was posted.
    card: Quantiles
    cpu: float
    #: Messages that were posted, and cards that were drawn again, for each case.
    posts: float
    updates: float
    #: Cases whose row did not change, or whose card asked for an approval.
    missing: int
    asking: int


def measure_alone(rig: Rig, signals: Signals, per_second: float) -> AloneTimes:
    """Send at a rate, whatever comes back."""
    sent = Sent(rig)
    cpu_before = process_milliseconds(rig.pids)
    calls_before = rig.emulator.calls()
    begin = time.monotonic()
    with ThreadPoolExecutor(OPEN_LOOP_THREADS) as pool:
        for number, signal in enumerate(signals):
            time.sleep(max(0.0, begin + number / per_second - time.monotonic()))
            pool.submit(sent.send, signal)
    done = _wait_for_records(rig, sent)
    posted = wait_for_cards(rig, sent)
    time.sleep(TAIL_SECONDS)
    cpu = process_milliseconds(rig.pids) - cpu_before
    calls = rig.emulator.calls()
    count = len(signals)

    def per_case(method: str) -> float:
        return (calls.get(method, 0) - calls_before.get(method, 0)) / count

    return AloneTimes(
        record=Quantiles.of(_waits(sent, done)),
        card=Quantiles.of(_waits(sent, posted)),
        cpu=cpu / count,
        posts=per_case("chat.postMessage"),
        updates=per_case("chat.update"),
        missing=count - sum(case_id in done for case_id in sent.times),
        asking=_asking(rig, sent.times),
    )


def _waits(sent: Sent, ends: dict[str, float]) -> list[float]:
    return [
        (ends[case_id] - begin_at) * MILLISECONDS
        for case_id, begin_at in sent.times.items()
        if case_id in ends
    ]


def _asking(rig: Rig, case_ids: Iterable[str]) -> int:
    """Count the cards that ask for an approval, which nobody need give."""
    ids = set(case_ids)
    return sum(
        card["metadata"]["event_payload"]["uid"].partition("/")[0] in ids and APPROVE in str(card)
        for card in rig.emulator.cards(sample.CHANNEL)
    )


def _wait_for_records(rig: Rig, sent: Sent) -> dict[str, float]:
    """Return when each case was done, by the ledger, or by the floor's own note."""
    deadline = time.monotonic() + MAX_WAIT_SECONDS
    read = _read_ledger if rig.database_url else _read_floor
    while True:
        ends = read(rig, sent.times)
        if len(ends) == len(sent.times) or time.monotonic() > deadline:
            return ends
        time.sleep(TAIL_SECONDS)


def _read_floor(rig: Rig, case_ids: Iterable[str]) -> dict[str, float]:
    path = rig.folder / f"{rig.name}.db"
    with contextlib.closing(sqlite3.connect(path)) as database:
        rows = database.execute("SELECT key, done_at FROM signals WHERE done_at IS NOT NULL")
        ends = dict(rows.fetchall())
    return {case_id: ends[case_id] for case_id in case_ids if case_id in ends}


def _read_ledger(rig: Rig, case_ids: Iterable[str]) -> dict[str, float]:
    database = Database(rig.database_url)
    store = Store.over(database)
    ends = {}
    try:
        for case_id in case_ids:
            for entry in store.cases.entries(case_id):
                if entry.body.name == DONE:
                    ends[case_id] = entry.at.timestamp()
    finally:
        database.close()
    return ends
