"""Recorded requests of many products, posted as they come to a source that guesses.

``make bench-intake`` prints how many are recorded, how many titles say something, and what was
wrong; ``ARGS=--list`` prints each with what was read. It skips what is not there.
"""

import argparse
import contextlib
import gzip
import json
import re
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console

from bot.cases.signal import SignalStatus
from bot.cases.source import Format, Source
from bot.store.database import Database
from bot.store.migrate import migrate
from bot.store.store import Store
from handlers.intake.authentication import Credentials
from handlers.intake.sources.titles import has_words, is_title
from tests.conftest import SHARED
from tests.handlers.intake.deliveries import IntakeClient
from tests.world import World

FOLDER = SHARED / "data/webhooks"
TOKEN = "t-any"
MAX_TITLE = 200
SOURCE = Source(name="any", format=Format.AUTO, per_minute=1_000_000)
# What the names of recordings say of trouble, and of its end.
_OVER = re.compile(r"(?:^|[_-])(?:ok|closed|resolved|up|recovered|fixed|deactivated)(?:$|[_-])")
_TROUBLE = re.compile(r"(?:^|[_-])(?:alerting|open|opened|down|triggered|firing)(?:$|[_-])")


@dataclass(frozen=True, slots=True)
class Recording:
    """A request as it was recorded."""

    provider: str
    event: str
    headers: dict[str, str]
    body: Any


@dataclass
class Readings:
    """What became of the recordings."""

    requests: int = 0
    signals: int = 0
    recorded: int = 0
    sensible: int = 0
    conflicts: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    poor_titles: list[str] = field(default_factory=list)
    wrong_clears: list[str] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)

    def figures(self) -> dict[str, Any]:
        """Return the figures by their names."""
        return {
            "requests": self.requests,
            "recorded, %": round(100 * self.recorded / max(self.requests, 1), 1),
            "signals": self.signals,
            "sensible titles, %": round(100 * self.sensible / max(self.signals, 1), 1),
            "false 409": len(self.conflicts),
            "wrong clears": len(self.wrong_clears),
        }


def read_recordings(folder: Path = FOLDER) -> list[Recording]:
    """Read all recordings; none where there are none."""
    if not folder.exists():
        return []
    return [*_alerts(folder), *_github(folder), *_stripe(folder)]


def _alerts(folder: Path) -> Iterator[Recording]:
    with gzip.open(folder / "alerts.jsonl.gz", "rt", encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            yield Recording(row["provider"], row["event"], {}, row["payload"])


def _github(folder: Path) -> Iterator[Recording]:
    with gzip.open(folder / "github_events.jsonl.gz", "rt", encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            event = "_".join(filter(None, (row["event"], row["action"])))
            headers = {"X-GitHub-Event": row["event"]}
            yield Recording("github", event, headers, row["payload"])


def _stripe(folder: Path) -> Iterator[Recording]:
    with gzip.open(folder / "stripe_objects.json.gz", "rt", encoding="utf-8") as file:
        for name, body in json.load(file)["resources"].items():
            yield Recording("stripe", name, {}, body)


def is_sensible(title: str) -> bool:
    """Tell whether a title has two words, and is no JSON, number, identifier or address."""
    return has_words(title) and is_title(title) and len(title) <= MAX_TITLE


def post_all(client: IntakeClient, recordings: list[Recording]) -> Readings:
    """Post each recording, and then all of them again."""
    readings = Readings()
    for recording in recordings:
        _post(client, recording, readings)
    # What a sender repeats is known, and nothing else.
    for recording in recordings:
        response = _deliver(client, recording)
        if response.status_code == 409:
            readings.conflicts.append(f"{recording.provider} {recording.event}")
    return readings


def _deliver(client: IntakeClient, recording: Recording) -> Any:
    return client.deliver(
        recording.body, token=TOKEN, path="/v1/webhooks/any", headers=recording.headers
    )


def _post(client: IntakeClient, recording: Recording, readings: Readings) -> None:
    name = f"{recording.provider} {recording.event}"
    client.signals.clear()
    response = _deliver(client, recording)
    readings.requests += 1
    if 200 <= response.status_code < 300:
        readings.recorded += 1
    elif response.status_code == 409:
        readings.conflicts.append(name)
    else:
        readings.refused.append(f"{name}: {response.status_code} {response.text[:200]}")
    for signal in client.signals:
        readings.signals += 1
        line = f"{name} | {signal.title} | {signal.subject} | {signal.status}"
        readings.lines.append(line)
        if is_sensible(signal.title):
            readings.sensible += 1
        else:
            readings.poor_titles.append(line)
        is_trouble = recording.provider == "stripe" or (
            _TROUBLE.search(recording.event) and not _OVER.search(recording.event)
        )
        if signal.status is SignalStatus.CLEAR and is_trouble:
            readings.wrong_clears.append(line)


class RecordingClient(IntakeClient):
    """Remembers the signals that the intake was given."""

    def __init__(self, world: World) -> None:
        self.signals: list[Any] = []
        super().__init__(world, sources={"any": SOURCE}, credentials={"any": Credentials((TOKEN,))})
        intake = world.desk.intake
        receive = intake.receive

        def remember(signal: Any, raw: bytes) -> Any:
            self.signals.append(signal)
            return receive(signal, raw)

        # The dataclass is frozen, and this is a measurement of what passes through it.
        object.__setattr__(intake, "receive", remember)


def main() -> None:
    """Post everything, and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=FOLDER)
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    recordings = read_recordings(options.data)
    out = Console(highlight=False, soft_wrap=True)
    if not recordings:
        print(f"skipped: there are no recorded requests in {options.data}", file=sys.stderr)
        return
    with tempfile.TemporaryDirectory() as folder:
        database = Database(f"sqlite:///{folder}/bench.db")
        with contextlib.closing(database):
            migrate(database)
            readings = post_all(RecordingClient(World(Store.over(database))), recordings)
    if options.json:
        print(json.dumps(readings.figures(), indent=2))
        return
    for name, value in readings.figures().items():
        out.print(f"{name:>20}  {value}", markup=False)
    faults = [*readings.refused, *readings.poor_titles, *readings.wrong_clears]
    for line in readings.lines if options.list else faults[:40]:
        out.print(f"  {line}", markup=False)


if __name__ == "__main__":
    main()
