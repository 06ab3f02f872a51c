"""What the figures aim at: a ratio to the floor, or a number on two cores."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tests.bench.figures import PRODUCT, Better


@dataclass(frozen=True, kw_only=True)
class Aim:
    """A bound of a figure."""

    bound: float
    #: Of the ratio; otherwise of the product's own number.
    is_ratio: bool = False

    def describe(self, row: Mapping[str, Any]) -> str:
        """Say the bound, and whether it is met; a row is one of ``Figures.as_json``."""
        is_lower = self.is_ratio or row["better"] == Better.LOWER
        value = row["ratio"] if self.is_ratio else row["medians"].get(PRODUCT)
        text = f"{'≤' if is_lower else '≥'} {self.bound:,g}{' ×' if self.is_ratio else ''}"
        if value is None:
            return text
        is_met = value <= self.bound if is_lower else value >= self.bound
        return f"{text}: {'met' if is_met else 'missed'}"


AIMS = {
    "statements of one idle case": Aim(bound=15),
    "commits of one idle case": Aim(bound=2),
    "claims that find nothing of one idle case": Aim(bound=0),
    "Slack calls of one press": Aim(bound=2),
    "card, idle, p50": Aim(bound=2, is_ratio=True),
    "card, 50/s, p99": Aim(bound=2.5, is_ratio=True),
    "burst, cases with a card": Aim(bound=250),
    "burst, CPU": Aim(bound=5),
    "memory idle, deciding process": Aim(bound=120),
    "idle memory without memory opened": Aim(bound=120),
    "idle memory with memory opened": Aim(bound=200),
    "memory after the burst, deciding process": Aim(bound=160),
    "memory after the burst, largest other process": Aim(bound=300),
    "SQLite, 2 processes: burst, cases with a card": Aim(bound=400),
    "PostgreSQL, one process: burst, cases with a card": Aim(bound=200),
    "PostgreSQL, 2 processes beside one: cases with a card": Aim(bound=1.7),
    "alone, 20/s: system of record, p50": Aim(bound=200),
    "alone, 20/s: system of record, p99": Aim(bound=2_000),
    "alone, 20/s: messages posted": Aim(bound=1),
    "10,000 signals durable": Aim(bound=20),
    "10,000 signals, cards meanwhile": Aim(bound=100),
    "Slack at 150 ms, 10 channels, cases with a card": Aim(bound=50),
    "press, 1 at once, ack p99": Aim(bound=1.5, is_ratio=True),
    "press, 50 at once, ack p99": Aim(bound=1.5, is_ratio=True),
    "press, 200 at once, ack p99": Aim(bound=1.5, is_ratio=True),
    "press, 50 at once, CPU of all that follows": Aim(bound=20),
    "press, 1 at once, system of record p50": Aim(bound=30),
    "press, 50 at once, system of record p50": Aim(bound=250),
    "press, 200 at once while 50/s arrive, acknowledged in 3 s": Aim(bound=200),
    "memory of 10,000 cases more, deciding process": Aim(bound=10),
    "history of 100,000: App Home": Aim(bound=100),
    "history of 100,000: ready": Aim(bound=2),
    "history of 100,000: first card after ready": Aim(bound=500),
}


def describe_aim(name: str, row: Mapping[str, Any]) -> str:
    """Say what a figure aims at, and whether it is met; empty without an aim."""
    aim = AIMS.get(name)
    return aim.describe(row) if aim else ""
