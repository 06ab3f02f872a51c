"""Writers and an integrator as processes, with the head row and past it, in one run."""

import contextlib
import json
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import psutil

from tests.bench.cpu import process_milliseconds
from tests.bench.load import MILLISECONDS, Quantiles
from tests.bench.postgres import database_on
from tests.bench.sequencing import (
    Key,
    connect,
    count_unplaced,
    create_tables,
    differences,
)

WRITERS = (1, 2, 4, 8)
SERVER = "postgres"


@dataclass(frozen=True, kw_only=True)
class Setting:
    """How decisions are committed."""

    #: Decisions that one transaction of a process commits.
    batch: int
    #: What a flush to the disk takes longer, in microseconds.
    commit_delay: int = 0

    def __str__(self) -> str:
        """Say it in a few words."""
        disk = f"flush {self.commit_delay / 1000:+g} ms" if self.commit_delay else "own disk"
        return f"{self.batch} a transaction, {disk}"


SETTINGS = (
    Setting(batch=1),
    Setting(batch=1, commit_delay=2_000),
    Setting(batch=16),
    Setting(batch=16, commit_delay=2_000),
)


@dataclass(frozen=True, kw_only=True)
class SequencingTimes:
    """What some writers committed in a while."""

    #: Entries that were committed in a second.
    entries: float
    #: CPU milliseconds of a thousand entries: writers, integrator and server.
    cpu: float
    #: Of it the integrator.
    integrator_cpu: float
    #: Milliseconds from an entry's commit to its place; zero with the head row.
    delay: Quantiles
    #: Seconds in which the integrator placed what was left at the end.
    drain_seconds: float
    #: Milliseconds for which a transaction holds the head; zero without it.
    head: Quantiles
    #: What the check of the whole ledger found.
    findings: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class _Result:
    """What a process has done."""

    times: Mapping[Key, float]
    cpu_seconds: float
    head_seconds: Sequence[float] = ()


class _Process:
    """A writer or the integrator."""

    def __init__(self, **options: Any) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.bench.sequencing_process", json.dumps(options)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def wait_until_ready(self) -> None:
        """Wait for its first line."""
        self._read()

    def begin(self) -> None:
        """Let it begin."""
        assert self._process.stdin is not None
        self._process.stdin.write("begin\n")
        self._process.stdin.flush()

    def result(self) -> _Result:
        """Let it come to its end, and return what it has done."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        answer = json.loads(self._read())
        answer["times"] = {(case_id, version): at for case_id, version, at in answer["times"]}
        self._process.wait()
        return _Result(**answer)

    def stop(self) -> None:
        """End it, if it still runs."""
        self._process.kill()
        self._process.wait()

    def _read(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError("a process of the bench has ended early")
        return line


def measure_sequencing(
    server: str, setting: Setting, *, writers: int, has_head: bool, seconds: float
) -> SequencingTimes:
    """Let so many processes commit decisions in an empty database."""
    with database_on(server, "sequencing") as database:
        url = database.replace("postgresql+psycopg", "postgresql")
        create_tables(url)
        run = _Run(url=url, setting=setting, writers=writers, has_head=has_head, seconds=seconds)
        return run.measure()


@dataclass(frozen=True, kw_only=True)
class _Run:
    url: str
    setting: Setting
    writers: int
    has_head: bool
    seconds: float

    def measure(self) -> SequencingTimes:
        with contextlib.ExitStack() as processes:
            writers = [
                self._open(processes, "write", name=f"w{number}") for number in range(self.writers)
            ]
            integrator = None if self.has_head else self._open(processes, "integrate")
            others = [integrator] if integrator else []
            for process in (*others, *writers):
                process.wait_until_ready()
            server_before = _server_milliseconds()
            for process in (*others, *writers):
                process.begin()
            written = [process.result() for process in writers]
            ended_at = time.monotonic()
            placed = integrator.result() if integrator else None
            drain_seconds = time.monotonic() - ended_at
            server_cpu = _server_milliseconds() - server_before
        return self._summary(written, placed, server_cpu=server_cpu, drain_seconds=drain_seconds)

    def _open(self, processes: contextlib.ExitStack, does: str, **options: Any) -> _Process:
        process = _Process(
            does=does,
            url=self.url,
            has_head=self.has_head,
            seconds=self.seconds,
            batch=self.setting.batch,
            commit_delay=self.setting.commit_delay,
            **options,
        )
        processes.callback(process.stop)
        return process

    def _summary(
        self,
        written: list[_Result],
        placed: _Result | None,
        *,
        server_cpu: float,
        drain_seconds: float,
    ) -> SequencingTimes:
        committed = {key: at for result in written for key, at in result.times.items()}
        count = len(committed)
        integrator_cpu = placed.cpu_seconds * MILLISECONDS if placed else 0.0
        writer_cpu = sum(result.cpu_seconds for result in written) * MILLISECONDS
        delays = []
        if placed:
            delays = [
                (at - committed[key]) * MILLISECONDS
                for key, at in placed.times.items()
                if key in committed
            ]
        head_times = [one * MILLISECONDS for result in written for one in result.head_seconds]
        return SequencingTimes(
            entries=count / self.seconds,
            cpu=(writer_cpu + integrator_cpu + server_cpu) * 1_000 / count,
            integrator_cpu=integrator_cpu * 1_000 / count,
            delay=Quantiles.of(delays),
            drain_seconds=drain_seconds,
            head=Quantiles.of(head_times),
            findings=tuple(self._findings()),
        )

    def _findings(self) -> Iterator[str]:
        with contextlib.closing(connect(self.url)) as connection:
            yield from differences(connection, has_head=self.has_head)
            if not self.has_head and count_unplaced(connection):
                yield "some entries have no place"
            table = "ledger" if self.has_head else "places"
            counts = f"SELECT (SELECT sum(version) FROM cases), (SELECT count(*) FROM {table})"
            ((expected, count),) = connection.execute(counts).fetchall()
            if count != expected:
                yield f"{expected} entries were committed, and the ledger has {count}"


def _server_milliseconds() -> float:
    """Return the CPU time of the server that this process runs, ended backends included."""
    total = 0.0
    for child in psutil.Process().children():
        if child.name() == SERVER:
            times = child.cpu_times()
            total += process_milliseconds([child.pid])
            total += (times.children_user + times.children_system) * MILLISECONDS
    return total
