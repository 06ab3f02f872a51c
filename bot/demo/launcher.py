"""The parts of the demo: emulator, sample company and bot."""

import contextlib
import json
import random
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from bot import storage, wiring
from bot.advisors import open_knowledge, without_memory
from bot.cases.errors import SettingsIncomplete
from bot.clock import monotonic, utc_now
from bot.demo import company
from bot.demo.history import HistoryPlayer, ManualClock, SampleDirectory
from bot.demo.people import WORKSPACE
from bot.desk.null_chat import NullChat
from bot.ports.outbox import Topic
from bot.preflight import open_library
from bot.service import Service
from bot.settings import Settings, inherit, load
from bot.store.store import Store
from bot.use_cases import Desk, DeskOptions, build_desk
from knowledge.learning.model_file import save_model
from knowledge.learning.training import train_models
from knowledge.learning.training_set import gather_training_set
from knowledge.library import FileLibrary

MANIFEST = Path(__file__).parent.parent.parent / "manifest.yml"
LOOPBACK = "127.0.0.1"
PREFERRED_PORT = 8765
LISTEN_BACKLOG = 128
LISTENING_PORTS = range(10_000, 20_000)
#: A year that ends today is played once a day; starting it again only copies it.
MAX_DATA_AGE = timedelta(hours=12)
#: A busy machine may need long; a process that has ended is not waited for.
START_TIMEOUT_SECONDS = 120.0
STOP_TIMEOUT_SECONDS = 180.0
REQUEST_TIMEOUT_SECONDS = 60.0
#: Slack waits three seconds for an answer; a busy machine may need longer.
ANSWER_TIMEOUT_SECONDS = 60.0
POLL_INTERVAL_SECONDS = 0.02
#: A program that does not answer yet, or no longer.
UNREACHABLE = (urllib.error.URLError, ConnectionError, TimeoutError)


@dataclass(frozen=True)
class SampleData:
    """A folder with the databases of the company and the bot."""

    folder: Path
    today: datetime


def prepare_sample_data(
    root: Path, progress: Callable[[int, int], None] | None = None
) -> SampleData:
    """Return the company with its history, made now if need be.

    ``progress`` is called with how many cases have been played, and how many there are.
    """
    folder = root / "past"
    # Written last: a folder without it was not finished.
    stamp = folder / "today"
    now = utc_now().replace(microsecond=0)
    if stamp.exists():
        today = datetime.fromisoformat(stamp.read_text())
        if timedelta(0) <= now - today < MAX_DATA_AGE:
            return SampleData(folder, today)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    _make_sample_data(folder, now, progress or _ignore_progress)
    stamp.write_text(now.isoformat())
    return SampleData(folder, now)


def _ignore_progress(count: int, total: int) -> None:
    return None


def _make_sample_data(folder: Path, now: datetime, progress: Callable[[int, int], None]) -> None:
    """Write the company's database, and play its exceptions of the past year."""
    exceptions = company.write_database(folder / "company.db", now.replace(tzinfo=None))
    past = [exception for exception in exceptions if exception.at.replace(tzinfo=UTC) < now]
    settings = sample_settings(folder, "")
    store = storage.open_store(settings)
    library = open_library(settings)
    # Before every exception; each one sets it forward.
    clock = ManualClock(datetime(2000, 1, 1, tzinfo=UTC))
    with contextlib.closing(store.database):
        desk = _history_desk(settings=settings, store=store, library=library, clock=clock)
        HistoryPlayer(desk, clock).play(past, progress)
        _remember_history(settings, store, library)


def _history_desk(
    settings: Settings, store: Store, library: FileLibrary, clock: ManualClock
) -> Desk:
    """Build a desk that writes to nobody and knows no past."""
    return build_desk(
        store=store,
        library=library,
        systems=wiring.build_systems(settings, library, NullChat()),
        chat=NullChat(),
        directory=SampleDirectory(),
        clock=clock,
        advisors=without_memory(store.precedents, clock),
        options=DeskOptions(storm_after=0),
    )


def _remember_history(settings: Settings, store: Store, library: FileLibrary) -> None:
    """Store the precedents and train, as a running bot would have."""
    knowledge = open_knowledge(settings=settings, store=store, library=library, clock=utc_now)
    with contextlib.closing(knowledge.precedents):
        for _ in knowledge.shelf.rebuild():
            pass
        # The rows that asked for it are done with.
        store.outbox.discard([Topic.REMEMBER])
        knowledge.precedents.open()
        training_set = gather_training_set(knowledge.shelf, library.playbooks, knowledge.embedder)
        save_model(train_models(training_set, knowledge.embedder), knowledge.folder)


def sample_settings(folder: Path, slack: str) -> Settings:
    """Return the settings of a bot for this folder and emulator."""
    return load(sample_environment(folder, slack))


def sample_environment(folder: Path, slack: str, **extra: str) -> dict[str, str]:
    """Return the same as variables, for a bot process."""
    # Not 0: people and tests must know where the bot listens.
    port = extra.get("COUNTERSIGN_PORT") or str(free_port())
    variables = {
        "SLACK_BOT_TOKEN": "xoxb-emulator",
        "SLACK_APP_TOKEN": "xapp-emulator",
        "SLACK_API_URL": f"{slack}/api/",
        "COUNTERSIGN_DATA_DIR": str(folder),
        "COUNTERSIGN_MODE": "live",
        "COUNTERSIGN_PORT": port,
        "COUNTERSIGN_PUBLIC_URL": f"http://localhost:{port}",
        "COUNTERSIGN_ORIGIN": "harbour-and-vine",
        # The emulator shows at once what was posted.
        "COUNTERSIGN_SETTLE_FOR": "2",
        "COUNTERSIGN_SOURCE_API_TOKEN": "sample-source-token",
        "COUNTERSIGN_API_TOKEN": "sample-read-token",
        "HARBOUR_VINE_URL": f"sqlite:///{folder / 'company.db'}",
    }
    return {**variables, **extra}


def free_port() -> int:
    """Return a port of loopback that nobody listens on.

    Raises:
        OSError: there is none.
    """
    # The kernel gives none of these to an outgoing connection, as it might before the bot
    # listens, or while it is restarted.
    for port in random.SystemRandom().sample(LISTENING_PORTS, len(LISTENING_PORTS)):
        with contextlib.suppress(OSError), _listen(port):
            return port
    raise OSError("no free port")


def _listen(port: int) -> socket.socket:
    """Return a socket that listens on this port; 0 is any.

    Raises:
        OSError: the port is taken.
    """
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((LOOPBACK, port))
        # A bound socket alone does not keep others from the port.
        listener.listen(LISTEN_BACKLOG)
    except OSError:
        listener.close()
        raise
    return listener


def _listen_for_emulator(port: int) -> socket.socket:
    """Listen on this port; 0 is the preferred one, or any."""
    try:
        return _listen(port or PREFERRED_PORT)
    except OSError:
        if port == 0:
            return _listen(0)
        raise SettingsIncomplete(
            f"port {port} is taken; name another with --port, or 0 for any"
        ) from None


class EmulatorProcess:
    """The emulator as a process of its own, and its control API."""

    def __init__(self, port: int = 0, *, is_quiet: bool = False) -> None:
        # Listening here and handed on: between finding a free port and taking it, another demo
        # might take it.
        listener = _listen_for_emulator(port)
        descriptor = listener.fileno()
        self.url = f"http://{LOOPBACK}:{listener.getsockname()[1]}"
        command = [sys.executable, "-m", "bot.emulator", "--attached", "--fd", str(descriptor)]
        # A wheel has no manifest beside it: then the emulator asks for no scopes.
        if MANIFEST.exists():
            command += ["--manifest", str(MANIFEST)]
        self._process = subprocess.Popen(  # noqa: S603 (our own module)
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL if is_quiet else None,
            pass_fds=[descriptor],
        )
        listener.close()

    def wait(self) -> None:
        """Return when it answers.

        Raises:
            OSError: it has ended, or does not answer in time.
        """
        deadline = monotonic() + START_TIMEOUT_SECONDS
        while True:
            try:
                self.get("traffic")
            except UNREACHABLE:
                if monotonic() > deadline or self._process.poll() is not None:
                    raise
                time.sleep(POLL_INTERVAL_SECONDS)
            else:
                return

    def seed(self) -> None:
        """Fill it with the people and channels of the sample company."""
        self.post("seed", WORKSPACE)

    def get(self, path: str) -> Any:
        """Return what this path of the control API answers."""
        url = f"{self.url}/_ctl/{path}"
        with urllib.request.urlopen(url, timeout=REQUEST_TIMEOUT_SECONDS) as response:
            return json.load(response)

    def post(self, path: str, body: Any) -> Any:
        """Call this path of the control API and return its answer.

        An error is answered as well, not raised.
        """
        request = urllib.request.Request(
            f"{self.url}/_ctl/{path}",
            data=json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=REQUEST_TIMEOUT_SECONDS) as response:
                return json.load(response)
        except urllib.error.HTTPError as error:
            return json.load(error)

    def messages(self, channel: str) -> list[dict[str, Any]]:
        """Return the messages of a channel."""
        messages: list[dict[str, Any]] = self.get(f"messages?channel={channel}")
        return messages

    def close(self) -> None:
        """End the process."""
        self._process.terminate()
        self._process.wait(STOP_TIMEOUT_SECONDS)
        if self._process.stdin:
            self._process.stdin.close()


class BotProcess:
    """``countersign run`` as a process that can be killed and restarted."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self.environment = environment
        self.url = f"http://{LOOPBACK}:{environment['COUNTERSIGN_PORT']}"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> float:
        """Start it, and return the seconds until it was ready.

        Raises:
            OSError: it has ended, or is not ready in time.
        """
        started_at = monotonic()
        own = inherit("PATH", "HOME", "COVERAGE_PROCESS_START")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "bot", "run"], env={**own, **self.environment}
        )
        while True:
            try:
                with urllib.request.urlopen(f"{self.url}/readyz", timeout=REQUEST_TIMEOUT_SECONDS):
                    return monotonic() - started_at
            except UNREACHABLE:
                is_late = monotonic() - started_at > START_TIMEOUT_SECONDS
                if is_late or self._process.poll() is not None:
                    self.kill()
                    raise
                time.sleep(POLL_INTERVAL_SECONDS)

    def kill(self) -> None:
        """End it as a power cut does."""
        if self._process:
            self._process.kill()
            self._process.wait()

    def stop(self) -> None:
        """Ask it to end, and wait for that."""
        if self._process:
            self._process.terminate()
            self._process.wait(STOP_TIMEOUT_SECONDS)

    @property
    def pid(self) -> int:
        """The process id; 0 before the start."""
        return self._process.pid if self._process else 0


@contextlib.contextmanager
def launch_demo(
    root: Path, data: SampleData, *, port: int = 0
) -> Iterator[tuple[EmulatorProcess, Service]]:
    """Run the demo with the bot in this process."""
    with _emulator(port) as emulator:
        folder = _copy_data(root, data)
        # The bot is built while the emulator starts.
        service = wiring.build_service(sample_settings(folder, emulator.url))
        emulator.wait()
        emulator.seed()
        service.start()
        try:
            yield emulator, service
        finally:
            service.stop()


@contextlib.contextmanager
def launch_demo_processes(
    root: Path, data: SampleData, **environment: str
) -> Iterator[tuple[EmulatorProcess, BotProcess]]:
    """Run the demo with the bot in a process of its own."""
    with _emulator() as emulator:
        folder = _copy_data(root, data)
        emulator.wait()
        emulator.seed()
        emulator.post("faults", {"answer_within": ANSWER_TIMEOUT_SECONDS})
        bot = BotProcess(sample_environment(folder, emulator.url, **environment))
        bot.start()
        try:
            yield emulator, bot
        finally:
            bot.stop()


@contextlib.contextmanager
def _emulator(port: int = 0) -> Iterator[EmulatorProcess]:
    emulator = EmulatorProcess(port)
    try:
        yield emulator
    finally:
        emulator.close()


def _copy_data(root: Path, data: SampleData) -> Path:
    """Copy the data to a folder that this run may change."""
    folder = root / "now"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(data.folder, folder)
    return folder
