"""What is measured: the product, the floor and the sketch, each before an emulator of its own."""

import contextlib
import functools
import http.client
import json
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import psutil

from bot.demo import launcher
from bot.demo.people import STAFF, WORKSPACE
from bot.settings import inherit
from tests.bench import sample
from tests.bench.cpu import resident_megabytes
from tests.bench.signatures import SIGNATURE_HEADER, sign
from tests.servers import free_port

SOURCE_TOKEN = "sample-source-token"
START_SECONDS = 180.0
STOP_SECONDS = 60.0
POLL_SECONDS = 0.05
MAX_IDLE_SECONDS = 2.0
#: Acknowledgements of a busy machine are late, not lost.
ACK_SECONDS = 60.0
WORKERS_OPTION = "--workers"
TRAINING_COMMAND = "train"
#: A product of a matrix and a vector gains nothing from more.
ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1"}
#: As shipped, but for limits that would be measured in its place.
UNLIMITED = {
    "COUNTERSIGN_SLACK_PER_SECOND": "0",
    "COUNTERSIGN_STORM_AFTER": "0",
    "COUNTERSIGN_LOG_LEVEL": "CRITICAL",
    "COUNTERSIGN_SETTLE_FOR": "1",
}


class Emulator(launcher.EmulatorProcess):
    """A small Slack with the sample company's people."""

    def __init__(self, *, channels: int = 1) -> None:
        super().__init__()
        self.wait()
        self.post("seed", _workspace(channels))
        self.post("faults", {"answer_within": ACK_SECONDS})

    def calls(self) -> dict[str, int]:
        """Return how often each method was called so far."""
        calls: dict[str, int] = self.get("traffic")["calls"]
        return calls

    def posts(self) -> int:
        """Return how many messages were posted so far."""
        return self.calls().get("chat.postMessage", 0)

    def cards(self, channel: str) -> list[dict[str, Any]]:
        """Return the cards in a channel, the oldest first."""
        return [
            {**message, "channel": channel}
            for message in self.messages(channel)
            if (message.get("metadata") or {}).get("event_type") == "exception_card"
        ]


def _workspace(channels: int) -> dict[str, Any]:
    more = [
        {"id": sample.channel_of(number), "name": f"stock-{number}", "members": STAFF}
        for number in range(2, channels + 1)
    ]
    return {**WORKSPACE, "channels": [*WORKSPACE["channels"], *more]}


@dataclass
class Program:
    """A server as a process of its own, which answers on ``/readyz`` when it is ready."""

    command: Sequence[str]
    port: int
    environment: Mapping[str, str] = field(default_factory=dict)
    #: Keep the ends of its standard input and output.
    talks: bool = False
    process: subprocess.Popen[str] | None = None

    def start(self) -> float:
        """Start it. Return the seconds until it was ready."""
        begin = time.monotonic()
        pipe = subprocess.PIPE if self.talks else None
        self.process = subprocess.Popen(
            self.command,
            env={**inherit("PATH", "HOME", "PYTHONPATH"), **self.environment},
            stdin=pipe,
            stdout=pipe,
            text=True,
        )
        url = f"http://127.0.0.1:{self.port}/readyz"
        while True:
            try:
                urllib.request.urlopen(url, timeout=60).close()
                return time.monotonic() - begin
            except OSError as failure:
                is_late = time.monotonic() - begin > START_SECONDS
                if is_late or self.process.poll() is not None:
                    self.stop()
                    raise RuntimeError(f"{self.command} is not ready") from failure
                time.sleep(POLL_SECONDS)

    def stop(self) -> None:
        """End it."""
        if self.process is None:
            return
        self.process.terminate()
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe:
                pipe.close()

    @property
    def pid(self) -> int:
        """The process id, while it runs."""
        assert self.process is not None
        return self.process.pid

    def ask(self, command: str) -> Any:
        """Send a command to a program that talks, and return its answer."""
        assert self.process is not None
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{command}\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())


@dataclass(kw_only=True)
class Rig:
    """A subject of the bench with its Slack."""

    name: str
    emulator: Emulator
    programs: list[Program]
    #: Seconds until all programs were ready.
    ready_in: float = 0.0
    #: The URL of the product's database; empty for the others.
    database_url: str = ""
    folder: Path = Path()

    def start(self) -> Self:
        """Start every program."""
        self.ready_in = max(program.start() for program in self.programs)
        return self

    def stop(self) -> None:
        """End every program, and the emulator."""
        for program in self.programs:
            program.stop()
        self.emulator.close()

    @property
    def pids(self) -> list[int]:
        """The process ids."""
        return [program.pid for program in self.programs]

    def memory(self) -> list[float]:
        """Return the resident megabytes of each process, children included."""
        return resident_megabytes(self.pids)

    def is_training(self) -> bool:
        """Tell whether a training runs beside it, which would be measured as well."""
        for pid in self.pids:
            for child in psutil.Process(pid).children(recursive=True):
                with contextlib.suppress(psutil.NoSuchProcess):
                    if TRAINING_COMMAND in child.cmdline():
                        return True
        return False

    def sender(self, number: int = 0) -> "Sender":
        """Return a connection to one of the programs."""
        return Sender(self.programs[number % len(self.programs)].port)

    def card_times(self, channels: int = 1) -> dict[str, float]:
        """Return when the card of each case was posted, by Slack's clock, which is ours."""
        times: dict[str, float] = {}
        for number in range(1, channels + 1):
            for card in self.emulator.cards(sample.channel_of(number)):
                case_id = card["metadata"]["event_payload"]["uid"].partition("/")[0]
                times.setdefault(case_id, float(card["ts"]))
        return times


class Sender:
    """A connection over which signals are sent, one after the other."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
        self._last_use = time.monotonic()

    def send(self, signal: Mapping[str, Any]) -> tuple[str, float]:
        """Send a signal. Return the id of its case, and the time at which sending began."""
        body = json.dumps(signal).encode()
        headers = {
            "Content-Type": "application/json",
            "Authorization": f"Bearer {SOURCE_TOKEN}",
            SIGNATURE_HEADER: sign(body),
        }
        if time.monotonic() - self._last_use > MAX_IDLE_SECONDS:
            # The server closes a connection that nobody uses.
            self._connection.close()
        begin = time.time()
        self._connection.request("POST", "/v1/signals", body, headers)
        answer = self._connection.getresponse()
        content = answer.read()
        self._last_use = time.monotonic()
        if answer.status >= 400:
            raise RuntimeError(f"the intake answered {answer.status}: {content[:200]!r}")
        return json.loads(content)["case"], begin


def open_bare(name: str, folder: Path) -> Rig:
    """Open the floor or the sketch: a module of this package that takes port, Slack and file."""
    emulator = Emulator()
    port = free_port()
    arguments = [str(port), emulator.url, str(folder / f"{name}.db")]
    command = [sys.executable, "-m", f"tests.bench.{name}", *arguments]
    program = Program(command, port, ONE_THREAD)
    return Rig(name=name, emulator=emulator, programs=[program], folder=folder)


def open_product(
    folder: Path,
    *,
    past: Path | None = None,
    database_url: str = "",
    processes: int = 1,
    channels: int = 1,
    is_instrumented: bool = False,
    runs_alone: bool = False,
) -> Rig:
    """Open the product with a past, in ``folder``.

    Its models are trained beforehand, and it trains again only after a minute without work, which
    the bench never leaves it. ``past`` is a folder with the sample company; without it one is made,
    once in half a day. With ``database_url`` the cases are in that database, and only the rest is
    in the folder. With ``runs_alone`` its cases need nobody.
    """
    shutil.copytree(past or sample.prepare_past(), folder, dirs_exist_ok=True)
    sample.add_products(folder)
    library = sample.write_library(folder / "library", channels=channels, runs_alone=runs_alone)
    emulator = Emulator(channels=channels)
    url = database_url or f"sqlite:///{folder / 'countersign.db'}"
    if runs_alone:
        sample.promote(url)
    module = "tests.bench.instrumented" if is_instrumented else "bot"
    commands = _commands(module, processes)
    programs = []
    for command in commands:
        environment = launcher.sample_environment(
            folder,
            emulator.url,
            COUNTERSIGN_PORT=str(free_port()),
            COUNTERSIGN_LIBRARY_DIR=str(library),
            COUNTERSIGN_DATABASE_URL=url,
            **UNLIMITED,
        )
        port = int(environment["COUNTERSIGN_PORT"])
        programs.append(Program(command, port, environment, talks=is_instrumented))
    return Rig(
        name="product",
        emulator=emulator,
        programs=programs,
        database_url=url,
        folder=folder,
    )


def _commands(module: str, processes: int) -> list[list[str]]:
    """Return the command of each program that runs so many processes."""
    command = [sys.executable, "-m", module, "run"]
    if processes == 1:
        return [command]
    if has_workers():
        return [[*command, WORKERS_OPTION, str(processes)]]
    return [command] * processes


@functools.cache
def has_workers() -> bool:
    """Tell whether one program of the product runs several processes by itself."""
    text = subprocess.run(
        [sys.executable, "-m", "bot", "run", "--help"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    return WORKERS_OPTION in text


@contextlib.contextmanager
def running(make: Callable[..., Rig], *arguments: Any, **named: Any) -> Iterator[Rig]:
    """Run a subject in a folder of its own, which is deleted afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="countersign-bench-"))
    try:
        rig = make(*arguments, folder=folder, **named)
        try:
            yield rig.start()
        finally:
            rig.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
