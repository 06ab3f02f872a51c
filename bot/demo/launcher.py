"""The parts of the demo: emulator, sample company and bot."""

import contextlib
import itertools
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from filelock import FileLock, Timeout

from bot import storage, wiring
from bot.advisors import open_knowledge, without_memory
from bot.clock import utc_now
from bot.demo import company
from bot.demo.clock import ClockFollower, DemoClock
from bot.demo.history import HistoryPlayer, ManualClock, SampleDirectory
from bot.demo.processes import BotProcess, EmulatorProcess, free_port
from bot.desk.null_chat import NullChat
from bot.desk.options import DeskOptions
from bot.ports.outbox import Topic
from bot.preflight import open_library
from bot.service import Service
from bot.settings import Settings, load
from bot.store.store import Store
from bot.use_cases import Desk, build_desk
from knowledge.learning.model_file import save_model
from knowledge.learning.training import train_models
from knowledge.learning.training_set import gather_training_set
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
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    _make_sample_data(folder, now, progress)
    stamp.write_text(now.isoformat())
    return SampleData(folder, now)


def _ignore_progress(count: int, total: int) -> None:
    return None


def _make_sample_data(folder: Path, now: datetime, progress: Callable[[int, int], None]) -> None:
    """Write the company's database, and play its exceptions of the past year."""
    database = folder / "company.db"
    exceptions = company.write_database(database, now.replace(tzinfo=None))
    past = [exception for exception in exceptions if exception.at.replace(tzinfo=UTC) < now]
    settings = sample_settings(folder, "")
    store = storage.open_store(settings)
    library = open_library(settings)
    # Before every exception; each one sets it forward.
    clock = ManualClock(
        datetime(
            2000,
            1,
            1,
            tzinfo=UTC,
        )
    )
    with contextlib.closing(store.database):
        settle = partial(company.settle_exception, database)
        desk = _history_desk(
            settings=settings,
            store=store,
            library=library,
            clock=clock,
        )
        HistoryPlayer(
            desk=desk,
            clock=clock,
            settle=settle,
        ).play(past, progress)
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
    knowledge = open_knowledge(
        settings=settings,
        store=store,
        library=library,
        clock=utc_now,
    )
    with contextlib.closing(knowledge.precedents):
        for _ in knowledge.shelf.rebuild():
            pass
        # The rows that asked for it are done with.
        store.outbox.discard([Topic.REMEMBER])
        knowledge.precedents.open()
        training_set = gather_training_set(
            shelf=knowledge.shelf,
            playbooks=library.playbooks,
            embedders=knowledge.embedders,
            questions=library.questions(),
        )
        save_model(train_models(training_set, knowledge.embedders), knowledge.folder)


def sample_settings(folder: Path, slack: str, **extra: str) -> Settings:
    """Return the settings of a bot for this folder and emulator."""
    return load(sample_environment(folder, slack, **extra))


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
