"""Presses: until they are acknowledged, and until the system of record has changed."""

import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from bot.store.database import Database
from bot.store.store import Store
from tests.bench import sample
from tests.bench.buttons import approve, case_of, waiting_cards
from tests.bench.cpu import process_milliseconds
from tests.bench.load import MILLISECONDS, Quantiles, Sent, Signals, wait_for_cards
from tests.bench.rig import Rig

#: What follows presses is over when the CPU has rested for so long, but for this share.
REST_SECONDS = 2.0
REST_SHARE = 0.06
MAX_REST_WAIT_SECONDS = 120.0
LANDED = "step.reported"
SLACK_TIMEOUT_MILLISECONDS = 3_000


@dataclass(frozen=True, slots=True, kw_only=True)
class PressTimes:
    """Some presses at once."""

    #: Milliseconds until the acknowledgement, as Slack sees it.
    ack: Quantiles
    #: Milliseconds until the ledger says that the system of record has changed.
    record: Quantiles
    presses: int
    #: Acknowledged within Slack's three seconds.
    in_time: int
    landed: int
    #: CPU milliseconds of all that follows from one press.
    cpu: float
    #: Slack calls that follow from one press.
    slack_calls: float


def measure_presses(
    rig: Rig,
    signals: Signals,
    at_once: int,
    *,
    pause: float = 0.0,
    background: Signals = (),
    per_second: float = 0.0,
) -> PressTimes:
    """Press the button of the card of each of these signals, so many at once.

    ``pause`` is how many seconds are between them. Meanwhile ``background`` arrives at a rate.
    """
    cards = _make_cards(rig, signals)
    wait_until_at_rest(rig)
    cpu_before = process_milliseconds(rig.pids)
    calls_before = sum(rig.emulator.calls().values())
    presses: dict[str, tuple[float, float]] = {}
    with _arriving(rig, background, per_second):
        _press(rig, cards, at_once, pause, presses)
    wait_until_at_rest(rig)
    cpu = process_milliseconds(rig.pids) - cpu_before
    calls = sum(rig.emulator.calls().values()) - calls_before
    acks = [ack for _, ack in presses.values()]
    records = _landings(rig, presses)
    return PressTimes(
        ack=Quantiles.of(acks),
        record=Quantiles.of(records),
        presses=len(presses),
        in_time=sum(1 for ack in acks if ack <= SLACK_TIMEOUT_MILLISECONDS),
        landed=len(records),
        cpu=cpu / len(presses),
        slack_calls=calls / len(presses),
    )


def wait_until_at_rest(rig: Rig) -> None:
    """Return when the processes of a subject hardly use the CPU."""
    deadline = time.monotonic() + MAX_REST_WAIT_SECONDS
    while time.monotonic() < deadline:
        before = process_milliseconds(rig.pids)
        time.sleep(REST_SECONDS)
        spent = process_milliseconds(rig.pids) - before
        if spent <= REST_SHARE * REST_SECONDS * MILLISECONDS:
            return


def _make_cards(rig: Rig, signals: Signals) -> list[dict[str, Any]]:
    sent = Sent(rig)
    for signal in signals:
        sent.send(signal)
    wait_for_cards(rig, sent)
    cards = waiting_cards(rig.emulator, sample.CHANNEL)
    return [card for card in cards if case_of(card) in sent.times]


def _press(
    rig: Rig,
    cards: Sequence[dict[str, Any]],
    at_once: int,
    pause: float,
    presses: dict[str, tuple[float, float]],
) -> None:
    def press(card: dict[str, Any]) -> None:
        begin = time.time()
        presses[case_of(card)] = (begin, approve(rig.emulator, card))

    with ThreadPoolExecutor(at_once) as pool:
        for start in range(0, len(cards), at_once):
            for _ in pool.map(press, cards[start : start + at_once]):
                pass
            time.sleep(pause)


@contextmanager
def _arriving(rig: Rig, signals: Signals, per_second: float) -> Iterator[None]:
    """Let signals arrive at a rate while the block runs."""
    ending = threading.Event()

    def send() -> None:
        sent = Sent(rig)
        for signal in signals:
            if ending.wait(1 / per_second):
                return
            sent.send(signal)

    if not signals:
        yield
        return
    thread = threading.Thread(target=send, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ending.set()
        thread.join()


def _landings(rig: Rig, presses: Mapping[str, tuple[float, float]]) -> list[float]:
    """Return the milliseconds from each press to its entry in the ledger."""
    if not rig.database_url:
        return []
    database = Database(rig.database_url)
    store = Store.over(database)
    times = []
    try:
        for case_id, (begin, _) in presses.items():
            for entry in store.cases.entries(case_id):
                if entry.body.name == LANDED:
                    times.append((entry.at.timestamp() - begin) * MILLISECONDS)
                    break
    finally:
        database.close()
    return times
