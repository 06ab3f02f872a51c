"""The demo: the emulator, the sample company with its past, and the bot with its detectors, from one command and without an account."""

import contextlib
import json
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

from bot import settings as configuration
from bot import wiring
from bot.cases.errors import SettingsIncomplete
from bot.clock import utc_now
from bot.desk.null_chat import NullChat
from bot.ports.outbox import Topic
from bot.sample import company
from bot.sample.past import Past, Register, SetClock
from bot.sample.people import WORKSPACE
from bot.settings import Settings
from bot.store.store import Store
from knowledge.library import Library
from knowledge.training import learn, lessons, save

# A year that ends today is made once a day; starting it again only copies it.
PAST_IS_FRESH_FOR = timedelta(hours=12)
READY_WITHIN = 15.0
FAVOURITE_PORT = 8765
MANIFEST = Path(__file__).parent.parent.parent / "manifest.yml"


@dataclass(frozen=True)
class Prepared:
    """Where a prepared past lies, and when its today is."""

    folder: Path
    today: datetime


def prepare(
    root: Path, progress: Callable[[int, int], None] = lambda done, total: None
) -> Prepared:
    """The company and its past, made now or found fresh: a folder with both databases."""
    folder = root / "past"
    stamp = folder / "today"
    now = utc_now().replace(microsecond=0)
    if stamp.exists():
        today = datetime.fromisoformat(stamp.read_text())
        if timedelta(0) <= now - today < PAST_IS_FRESH_FOR:
            return Prepared(folder, today)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    troubles = company.build(folder / "company.db", now.replace(tzinfo=None))
    past = [trouble for trouble in troubles if trouble.at.replace(tzinfo=UTC) < now]
    settings = sample_settings(folder, "")
    store, library = wiring.open_store(settings), wiring.open_library(settings)
    clock = SetClock(datetime(2000, 1, 1, tzinfo=UTC))
    systems = wiring.build_systems(settings, library.systems, NullChat())
    mind = wiring.forgetful(store.precedents, clock)
    desk = wiring.build_desk(
        store, library, systems, NullChat(), Register(), clock, mind, storm_after=0
    )
    done = 0

    def step() -> None:
        nonlocal done
        done += 1
        progress(done, len(past))

    Past(desk, clock).play(past, step)
    _remember(settings, store, library)
    store.database.close()
    stamp.write_text(now.isoformat())
    return Prepared(folder, now)


def _remember(settings: Settings, store: Store, library: Library) -> None:
    """Put the past into memory and learn from it, as a bot that had been there would have done along the way."""
    knowledge = wiring.open_knowledge(settings, store, library, utc_now)
    for _ in knowledge.shelf.rebuild():
        pass
    store.outbox.discard([Topic.REMEMBER])
    knowledge.precedents.open()
    given = lessons(knowledge.shelf, library.playbooks, knowledge.embedder)
    save(learn(given, knowledge.embedder), knowledge.folder)
    knowledge.precedents.close()


def sample_settings(folder: Path, slack: str) -> Settings:
    """Settings for the sample company in this folder and the emulator at this address."""
    return configuration.load(sample_environment(folder, slack))


def sample_environment(folder: Path, slack: str, **more: str) -> dict[str, str]:
    """The same as environment variables, for a bot in a process of its own."""
    port = str(free_port())
    environment = {
        "SLACK_BOT_TOKEN": "xoxb-emulator",
        "SLACK_APP_TOKEN": "xapp-emulator",
        "SLACK_API_URL": f"{slack}/api/",
        "COUNTERSIGN_DATA_DIR": str(folder),
        "COUNTERSIGN_MODE": "live",
        "COUNTERSIGN_PORT": port,
        "COUNTERSIGN_PUBLIC_URL": f"http://localhost:{port}",
        "COUNTERSIGN_ORIGIN": "harbour-and-vine",
        "COUNTERSIGN_SETTLE_FOR": "2",
        "COUNTERSIGN_SOURCE_API_TOKEN": "sample-source-token",
        "COUNTERSIGN_API_TOKEN": "sample-read-token",
        "HARBOUR_VINE_URL": f"sqlite:///{folder / 'company.db'}",
    }
    return {**environment, **more}


def free_port() -> int:
    """A port nobody listens on."""
    with _bound(0) as probe:
        found: int = probe.getsockname()[1]
        return found


def _bound(port: int, *, otherwise: int | None = None) -> socket.socket:
    """A socket on this port of loopback, or on the other one if that is taken; 0 is any."""
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", port))
        # Only one that listens keeps others from the port.
        listener.listen(128)
    except OSError:
        listener.close()
        if otherwise is None:
            raise SettingsIncomplete(
                f"port {port} is taken; name another with --port, or 0 for any"
            ) from None
        return _bound(otherwise)
    return listener


class Emulator:
    """The emulator as a process of its own, and its control API."""

    def __init__(self, port: int = 0, *, is_quiet: bool = False) -> None:
        # Bound here and handed on: between finding a free port and taking it, another demo might take it.
        listener = _bound(port) if port else _bound(FAVOURITE_PORT, otherwise=0)
        self.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        # A wheel has no manifest beside it: then the emulator asks for no scopes.
        known = ["--manifest", str(MANIFEST)] if MANIFEST.exists() else []
        self._process = subprocess.Popen(  # noqa: S603 (our own module)
            [
                sys.executable,
                "-m",
                "bot.emulator",
                "--attached",
                "--fd",
                str(listener.fileno()),
                *known,
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL if is_quiet else None,
            pass_fds=[listener.fileno()],
        )
        listener.close()

    def wait(self) -> None:
        """Until it answers."""
        ends = time.monotonic() + READY_WITHIN
        while True:
            try:
                self.get("traffic")
            except (urllib.error.URLError, ConnectionError, TimeoutError):
                if time.monotonic() > ends or self._process.poll() is not None:
                    raise
                time.sleep(0.02)
            else:
                return

    def seed(self) -> None:
        self.post("seed", WORKSPACE)

    def get(self, path: str) -> Any:
        with urllib.request.urlopen(f"{self.url}/_ctl/{path}", timeout=10) as answer:
            return json.load(answer)

    def post(self, path: str, body: Any) -> Any:
        request = urllib.request.Request(
            f"{self.url}/_ctl/{path}",
            json.dumps(body).encode(),
            {"Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as refused:
            return json.load(refused)

    def messages(self, channel: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.get(f"messages?channel={channel}")
        return found

    def close(self) -> None:
        self._process.terminate()
        self._process.wait(10)
        if self._process.stdin:
            self._process.stdin.close()


class Bot:
    """``countersign run`` as a process of its own, that can be killed and started again."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self.environment = environment
        self.url = f"http://127.0.0.1:{environment['COUNTERSIGN_PORT']}"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> float:
        """Until it is ready and connected; the seconds that took."""
        began = time.monotonic()
        inherited = configuration.inherited("PATH", "HOME", "COVERAGE_PROCESS_START")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "bot", "run"], env={**inherited, **self.environment}
        )
        while True:
            try:
                with urllib.request.urlopen(f"{self.url}/readyz", timeout=5):
                    return time.monotonic() - began
            except (urllib.error.URLError, ConnectionError, TimeoutError):
                if self._process.poll() is not None or time.monotonic() - began > READY_WITHIN:
                    self.kill()
                    raise
                time.sleep(0.02)

    def kill(self) -> None:
        """Without a word, as a power cut does."""
        if self._process:
            self._process.kill()
            self._process.wait()

    def stop(self) -> None:
        if self._process:
            self._process.terminate()
            self._process.wait(20)

    @property
    def pid(self) -> int:
        return self._process.pid if self._process else 0


@contextlib.contextmanager
def apart(root: Path, prepared: Prepared, **environment: str) -> Iterator[tuple[Emulator, Bot]]:
    """The demo with the bot in a process of its own."""
    emulator = Emulator()
    try:
        folder = root / "now"
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(prepared.folder, folder)
        emulator.wait()
        emulator.seed()
        bot = Bot(sample_environment(folder, emulator.url, **environment))
        bot.start()
        try:
            yield emulator, bot
        finally:
            bot.stop()
    finally:
        emulator.close()


@contextlib.contextmanager
def running(
    root: Path, prepared: Prepared, *, port: int = 0
) -> Iterator[tuple[Emulator, wiring.House]]:
    """The whole demo, open: emulator seeded, bot connected, detectors looking. Everything is closed on the way out."""
    emulator = Emulator(port)
    try:
        folder = root / "now"
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(prepared.folder, folder)
        house = wiring.build(sample_settings(folder, emulator.url))
        emulator.wait()
        emulator.seed()
        house.open()
        try:
            yield emulator, house
        finally:
            house.close()
    finally:
        emulator.close()
