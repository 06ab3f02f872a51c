"""Signals as load: one after the other, at a rate, or as fast as they are taken."""

import statistics
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from tests.bench.cpu import process_milliseconds
from tests.bench.rig import Rig, Sender

OPEN_LOOP_THREADS = 8
CLOSED_LOOP_THREADS = 16
CARDS_TIMEOUT_SECONDS = 300.0
POLL_SECONDS = 0.1
LOOK_SECONDS = 0.5
#: After the last card its message in the outbox is finished.
TAIL_SECONDS = 0.3
MILLISECONDS = 1_000

Signals = Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Quantiles:
    """The middle and the tail of some times."""

    p50: float
    p99: float

    @classmethod
    def of(cls, values: Iterable[float]) -> "Quantiles":
        """Take them of these values; none are zero."""
        ordered = sorted(values)
        if not ordered:
            return cls(0.0, 0.0)
        last = len(ordered) - 1
        return cls(statistics.median(ordered), ordered[min(last, len(ordered) * 99 // 100)])


@dataclass(frozen=True, slots=True, kw_only=True)
class Latency:
    """Receipt to card."""

    #: Milliseconds from the request to Slack's time of the card.
    card: Quantiles
    #: CPU milliseconds of all processes of the subject, for each case.
    cpu: float
    #: Cards that did not come.
    missing: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Throughput:
    """A burst."""

    #: Signals that were answered, and so are durable, in a second.
    durable: float
    #: Seconds until the last was.
    durable_in: float
    #: Cases with a card in a second.
    cards: float
    #: Cards in a second while signals still came.
    cards_meanwhile: float
    cpu: float
    missing: int


class Sent:
    """The cases of signals, with the time at which sending each began."""

    def __init__(self, rig: Rig) -> None:
        self._rig = rig
        self._local = threading.local()
        self._lock = threading.Lock()
        self._connections = 0
        self.posts_before = rig.emulator.posts()
        self.times: dict[str, float] = {}

    def send(self, signal: Mapping[str, Any]) -> None:
        """Send a signal over this thread's connection."""
        case_id, begin = self._sender().send(signal)
        with self._lock:
            self.times[case_id] = begin

    def _sender(self) -> Sender:
        if not hasattr(self._local, "sender"):
            with self._lock:
                self._connections += 1
                number = self._connections
            self._local.sender = self._rig.sender(number)
        sender: Sender = self._local.sender
        return sender


def measure_latency(rig: Rig, signals: Signals, per_second: float, *, channels: int = 1) -> Latency:
    """Send at a rate, whatever comes back."""
    sent = Sent(rig)
    cpu_before = process_milliseconds(rig.pids)
    begin = time.monotonic()
    with ThreadPoolExecutor(OPEN_LOOP_THREADS) as pool:
        for number, signal in enumerate(signals):
            time.sleep(max(0.0, begin + number / per_second - time.monotonic()))
            pool.submit(sent.send, signal)
    posted = wait_for_cards(rig, sent, channels=channels)
    time.sleep(TAIL_SECONDS)
    cpu = process_milliseconds(rig.pids) - cpu_before
    waits = [
        (posted[case_id] - begin_at) * MILLISECONDS
        for case_id, begin_at in sent.times.items()
        if case_id in posted
    ]
    missing = len(signals) - len(waits)
    return Latency(card=Quantiles.of(waits), cpu=cpu / len(signals), missing=missing)


def measure_throughput(
    rig: Rig, signals: Signals, *, channels: int = 1, waits_for_cards: bool = True
) -> Throughput:
    """Send as fast as signals are taken.

    Without waiting for cards, only those posted meanwhile are counted.
    """
    sent = Sent(rig)
    cpu_before = process_milliseconds(rig.pids)
    begin = time.time()
    with ThreadPoolExecutor(CLOSED_LOOP_THREADS) as pool:
        for _ in pool.map(sent.send, signals):
            pass
    durable_in = time.time() - begin
    if waits_for_cards:
        posted = wait_for_cards(rig, sent, channels=channels)
        time.sleep(TAIL_SECONDS)
    else:
        posted = rig.card_times(channels)
    cpu = process_milliseconds(rig.pids) - cpu_before
    times = [posted[case_id] for case_id in sent.times if case_id in posted]
    meanwhile = sum(1 for at in times if at <= begin + durable_in)
    done_in = max(times, default=begin + CARDS_TIMEOUT_SECONDS) - begin
    return Throughput(
        durable=len(signals) / durable_in,
        durable_in=durable_in,
        cards=len(times) / done_in,
        cards_meanwhile=meanwhile / durable_in,
        cpu=cpu / len(signals),
        missing=len(signals) - len(times),
    )


def wait_for_cards(rig: Rig, sent: Sent, *, channels: int = 1) -> dict[str, float]:
    """Wait until each case has a card. Return the times of all cards."""
    deadline = time.monotonic() + CARDS_TIMEOUT_SECONDS
    # Reading all messages costs the emulator much more than reading how many there are.
    while rig.emulator.posts() < sent.posts_before + len(sent.times):
        if time.monotonic() > deadline:
            break
        time.sleep(POLL_SECONDS)
    while True:
        times = rig.card_times(channels)
        # Not every message is a card.
        if all(case_id in times for case_id in sent.times) or time.monotonic() > deadline:
            return times
        time.sleep(LOOK_SECONDS)
