"""What a part of the attack is given: where, for how long, from which seed, and where its findings go."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.attack.report import Report, Tally
from tests.servers import Postgres


@dataclass
class Plan:
    """One part's share of the run."""

    part: str
    seed: int
    seconds: float
    folder: Path
    report: Report
    postgres: Postgres | None
    #: Says how far the part has come, between 0 and 1.
    progress: Callable[[float], None] = lambda share: None

    def __post_init__(self) -> None:
        self.began = time.monotonic()
        self.dice = random.Random(f"{self.seed} {self.part}")

    def begin(self, name: str, threats: str = "") -> Tally:
        return self.report.begin(self.part, name, threats)

    def left(self, share: float = 1.0) -> float:
        """Seconds until this share of the part's time is used up."""
        spent = time.monotonic() - self.began
        self.progress(min(1.0, spent / self.seconds))
        return self.seconds * share - spent

    def databases(self) -> list[tuple[str, Postgres | None]]:
        """SQLite, and PostgreSQL where it is installed."""
        found: list[tuple[str, Postgres | None]] = [("SQLite", None)]
        return [*found, ("PostgreSQL", self.postgres)] if self.postgres else found
