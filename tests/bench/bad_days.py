"""A hundred signals while Slack misbehaves: how many cards are missing, and how many are double."""

import time
from collections import Counter
from dataclasses import dataclass
from typing import Any

from tests.bench.buttons import case_of
from tests.bench.load import Sent, Signals, wait_for_cards
from tests.bench.rig import Rig
from tests.bench.sample import CHANNEL

FAULTS: dict[str, dict[str, Any]] = {
    "healthy": {},
    "limiting to 20/s": {"per_second": 20, "retry_after": 1},
    "500 on every fifth, before": {"fail_every": 5},
    "500 on every fifth, after": {"fail_every": 5, "fail_applied": True},
}
NO_FAULTS = {"per_second": 0, "fail_every": 0, "fail_applied": False}
#: A doubtful post is looked for, and a double one deleted.
SETTLE_SECONDS = 2.0


@dataclass(frozen=True, kw_only=True)
class BadDay:
    """What became of the signals of a bad day."""

    missing: int
    double: int
    #: Calls that Slack told to wait.
    refused: int
    seconds: float


def measure_bad_day(rig: Rig, signals: Signals, fault: dict[str, Any]) -> BadDay:
    """Send the signals while this is wrong with Slack."""
    emulator = rig.emulator
    refused = sum(emulator.get("traffic")["rejected"].values())
    emulator.post("faults", fault)
    sent = Sent(rig)
    begin = time.monotonic()
    for signal in signals:
        sent.send(signal)
    wait_for_cards(rig, sent)
    seconds = time.monotonic() - begin
    refused = sum(emulator.get("traffic")["rejected"].values()) - refused
    emulator.post("faults", NO_FAULTS)
    time.sleep(SETTLE_SECONDS)
    cards = Counter(case_of(card) for card in emulator.cards(CHANNEL))
    mine = [cards[case_id] for case_id in sent.times]
    return BadDay(
        missing=mine.count(0),
        double=sum(max(0, number - 1) for number in mine),
        refused=refused,
        seconds=seconds,
    )
