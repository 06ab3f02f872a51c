"""The parts of the demo: emulator, sample company and bot."""

import contextlib
import itertools
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from filelock import FileLock, Timeout
from sqlalchemy import event

from bot import storage, wiring
from bot.advisors import open_knowledge, without_memory
from bot.clock import utc_now
from bot.demo import company
from bot.demo.clock import ClockFollower, DemoClock
from bot.demo.environment import sample_environment, sample_settings
from bot.demo.history import HistoryPlayer, ManualClock, SampleDirectory
from bot.demo.processes import BotProcess, EmulatorProcess
from bot.demo.training import SampleTraining
from bot.desk.null_chat import NullChat
from bot.desk.options import DeskOptions
from bot.ports.outbox import Topic
from bot.preflight import build_systems, open_library
from bot.service import Service
from bot.settings import Settings
from bot.sockets import free_port
from bot.store.database import Database
from bot.store.store import Store
from bot.use_cases import Desk, build_desk
from knowledge.learning.model_file import FILE_NAME as MODEL_FILE
from knowledge.library import FileLibrary

#: A year that ends today is played once a day; starting it again only copies it.
MAX_DATA_AGE = timedelta(hours=12)
#: Slack waits three seconds for an answer; a busy machine may need longer.
ANSWER_TIMEOUT_SECONDS = 60.0


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
    root.mkdir(parents=True, exist_ok=True)
    # Another demo may be making it, or copying it.
    with FileLock(_data_lock(root)):
        return _find_or_make_data(root / "past", progress or _ignore_progress)


def _data_lock(root: Path) -> Path:
    return root / "past.lock"


def _find_or_make_data(folder: Path, progress: Callable[[int, int], None]) -> SampleData:
    # Written last: a folder without it was not finished.
    stamp = folder / "today"
    now = utc_now().replace(microsecond=0)
    if stamp.exists():
        today = datetime.fromisoformat(stamp.read_text())
        if timedelta(0) <= now - today < MAX_DATA_AGE:
            return SampleData(folder, today)
    _empty(folder)
    _make_sample_data(folder, now, progress)
    stamp.write_text(now.isoformat())
    return SampleData(folder, now)


def _empty(folder: Path) -> None:
    """Empty the folder, except for the models.

    The question models may still be right.
    """
    models = folder / "memory" / MODEL_FILE
    content = models.read_bytes() if models.exists() else b""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    if content:
        models.parent.mkdir(mode=0o700)
        models.write_bytes(content)


def _ignore_progress(count: int, total: int) -> None:
    return None


def _make_sample_data(folder: Path, now: datetime, progress: Callable[[int, int], None]) -> None:
    """Write the company's database, and play its exceptions of the past year."""
    with contextlib.closing(SampleTraining(folder)) as training:
        database = folder / "company.db"
        exceptions = company.write_database(database, now.replace(tzinfo=None))
        past = [exception for exception in exceptions if exception.at.replace(tzinfo=UTC) < now]
        settings = sample_settings(folder, "")
        store = storage.open_store(settings)
        library = open_library(settings)
        with contextlib.closing(store.database):
            _skip_syncs(store.database)
            # Before every exception; each one sets it forward.
            clock = ManualClock(datetime(2000, 1, 1, tzinfo=UTC))
            desk = _history_desk(
                settings=settings,
                store=store,
                library=library,
                clock=clock,
            )
            settle = partial(company.settle_exception, database)
            HistoryPlayer(desk=desk, clock=clock, settle=settle).play(past, progress)
            store_precedents(store)
            training.learn_from_precedents()
            index_precedents(settings, store, library)
        training.wait()


def _skip_syncs(database: Database) -> None:
    """Let the writer commit without waiting for the disk.

    Data that is not finished has no stamp, and is made anew.
    """

    def skip(raw: sqlite3.Connection, *_: object) -> None:
        raw.execute("PRAGMA synchronous=OFF")

    event.listen(database.engine, "checkout", skip)


def _history_desk(
    settings: Settings, store: Store, library: FileLibrary, clock: ManualClock
) -> Desk:
    """Build a desk that writes to nobody and knows no past."""
    return build_desk(
        store=store,
        library=library,
        systems=build_systems(settings, library, NullChat()),
        chat=NullChat(),
        directory=SampleDirectory(),
        clock=clock,
        advisors=without_memory(store.precedents, clock),
        options=DeskOptions(storm_after=0),
    )


def store_precedents(store: Store) -> None:
    """Store the precedents, as a running bot would have."""
    for _ in store.precedents.rebuild():
        # Each step of the generator writes a batch.
        pass
    # The rows that asked for it are done with.
    store.outbox.discard([Topic.REMEMBER])


def index_precedents(settings: Settings, store: Store, library: FileLibrary) -> None:
    """Index the stored precedents.

    The demo then need not do it when it starts.
    """
    knowledge = open_knowledge(
        settings=settings,
        store=store,
        library=library,
        clock=utc_now,
    )
    with contextlib.closing(knowledge.precedents):
        knowledge.precedents.open()


@contextlib.contextmanager
def launch_demo(
    root: Path, data: SampleData, *, port: int = 0, intake_port: int | None = None
) -> Iterator[tuple[EmulatorProcess, Service]]:
    """Run the demo with the bot in this process.

    The bot's clock can be moved from the page. ``port`` is the page's.
    """
    intake_port = intake_port or free_port()
    with _own_data(root, data) as folder, _emulator(port) as emulator:
        clock = DemoClock()
        # The bot is built while the emulator starts.
        settings = sample_settings(
            folder,
            emulator.url,
            COUNTERSIGN_PORT=str(intake_port),
        )
        service = wiring.build_service(settings, clock=clock)
        emulator.wait()
        emulator.seed()
        follower = ClockFollower(emulator, service, clock)
        service.start()
        follower.start()
        try:
            yield emulator, service
        finally:
            follower.stop()
            service.stop()


@contextlib.contextmanager
def launch_demo_processes(
    root: Path, data: SampleData, **environment: str
) -> Iterator[tuple[EmulatorProcess, BotProcess]]:
    """Run the demo with the bot in a process of its own."""
    with _own_data(root, data) as folder, _emulator() as emulator:
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


@contextlib.contextmanager
def _own_data(root: Path, data: SampleData) -> Iterator[Path]:
    """Copy the data to a folder that no other running demo uses."""
    folder, lock = _claim_folder(root)
    try:
        shutil.rmtree(folder, ignore_errors=True)
        with FileLock(_data_lock(root)):
            shutil.copytree(data.folder, folder)
        yield folder
    finally:
        lock.release()


def _claim_folder(root: Path) -> tuple[Path, FileLock]:
    """Return the first free folder of ``now``, ``now-2`` …, locked."""
    for number in itertools.count(1):
        folder = root / ("now" if number == 1 else f"now-{number}")
        # The lock of a process that was killed is free.
        lock = FileLock(folder.with_suffix(".lock"))
        with contextlib.suppress(Timeout):
            lock.acquire(timeout=0)
            return folder, lock
    raise AssertionError("the numbers do not end")
