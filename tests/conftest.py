"""Fixtures that all tests share: databases, and a desk over each."""

import contextlib
import functools
import gc
import importlib
import os
import shutil
import time
import uuid
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from xdist.scheduler import LoadScopeScheduling

from bot.store.database import Database
from bot.store.migrate import migrate
from bot.store.store import Store
from tests.mariadb import mariadb_programs, running_mariadb
from tests.servers import (
    children_left,
    drop_database,
    free_port,
    postgres_tools,
    roomy_folder,
    running_postgres,
    watch_children,
)
from tests.servers import create_database as _create
from tests.world import World

SAMPLE_ENVIRONMENT = {
    "SLACK_BOT_TOKEN": "xoxb-test",
    "SLACK_APP_TOKEN": "xapp-test",
    "SLACK_API_URL": "http://127.0.0.1:9/api/",
    "HARBOUR_VINE_URL": "sqlite:///:memory:",
    "HARBOUR_CARRIER_URL": "sqlite:///:memory:",
    "HARBOUR_WAREHOUSE_URL": "sqlite:///:memory:",
}
__all__ = ["_create", "free_port", "missing"]
# A process that was told to end may take a while on a busy machine.
END_SECONDS = 120
IN_CI = bool(os.environ.get("CI"))
# Whole processes, and what waits for them: these begin, so that no worker ends long after the rest.
LONG_FOLDERS = ("tests/journeys/", "tests/deploy/", "tests/bench/", "tests/contracts/")
# For the emulator: a machine that is busy does not answer within Slack's three seconds. Whoever
# acts waits for a minute, and is to hear that nobody has answered.
PATIENT = {"answer_within": 50}
# New objects before a look for garbage, and looks before one at older objects.
GARBAGE_THRESHOLDS = (50_000, 20, 20)
ROOT = Path(__file__).parent.parent
SHARED = ROOT.parent / "shared"
# How long one example takes says nothing on a busy machine.
settings.register_profile(
    "ours",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.load_profile("ours")
# The folders of tests: a commit of SQLite waits for the disk, and tests make a hundred thousand.
os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(roomy_folder()))
watch_children()
for name in list(os.environ):
    # A developer's own settings must not reach the tests, nor a proxy: the Slack SDK would use
    # one even for loopback.
    if name.startswith(("COUNTERSIGN_", "SLACK_")) or name.lower().endswith("_proxy"):
        del os.environ[name]


class FileScheduling(LoadScopeScheduling):
    """Gives a file to the next free worker, so that what its tests share is made once."""

    def _split_scope(self, nodeid: str) -> str:
        # The marks of groups do not reach the scheduler with pytest 9.2.
        path = nodeid.partition("::")[0]
        return path if _is_whole(path) else nodeid

    def _pending_of(self, workload: dict[str, dict[str, bool]]) -> int:
        """Count what a worker has left, and forget the files that it has done.

        This is asked after each test, and would count all that the worker ever had.
        """
        for path in [path for path, tests in workload.items() if all(tests.values())]:
            del workload[path]
        return super()._pending_of(workload)


@functools.cache
def _is_whole(path: str) -> bool:
    """Tell whether one worker runs this file: all but journeys whose tests share nothing."""
    text = (ROOT / path).read_text(encoding="utf-8") if path.startswith(LONG_FOLDERS) else ""
    return not text or "browser" in text or 'scope="module"' in text


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Put what takes long before all else, where several workers share it."""
    if hasattr(config, "workerinput"):
        items.sort(key=lambda item: not item.nodeid.startswith(LONG_FOLDERS))


def pytest_collection(session: pytest.Session) -> None:
    """Look for no garbage while tests are collected: there is next to none."""
    # Whoever only distributes tests collects none.
    if session.config.getvalue("dist") == "no" or hasattr(session.config, "workerinput"):
        gc.disable()
        _share_rewriting(session.config)


def _share_rewriting(config: pytest.Config) -> None:
    """Import the tests from a place of one's own on, as all workers begin at once.

    Each rewrites the assertions of its share, and reads what the others have written. With nothing
    written yet, as after a clone, each would rewrite all of them.
    """
    worker = getattr(config, "workerinput", None)
    if worker is None or config.args_source is not pytest.Config.ArgsSource.TESTPATHS:
        return
    names = sorted(
        ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for path in Path(__file__).parent.rglob("test_*.py")
    )
    number = int(worker["workerid"].removeprefix("gw"))
    start = len(names) * number // worker["workercount"]
    for name in names[start:] + names[:start]:
        # Collection comes to the same failure, and reports it.
        with contextlib.suppress(Exception, pytest.skip.Exception):
            importlib.import_module(name)


def pytest_collection_finish() -> None:
    """Leave what was collected out of every later look for garbage."""
    gc.freeze()
    # Tests leave little, and the usual hundreds of objects would be looked through all the time.
    gc.set_threshold(*GARBAGE_THRESHOLDS)
    gc.enable()


def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> FileScheduling | None:
    """Schedule by file, as the tests of a file share what is costly."""
    if config.getvalue("dist") != "loadgroup":
        return None
    # In the order of the items, and not by the number of tests in a file.
    config.option.loadscopereorder = False
    return FileScheduling(config, log)


def missing(program: str) -> None:
    """Skip the test for want of a program; fail in CI."""
    message = f"{program} is not installed"
    if IN_CI:
        pytest.fail(message)
    pytest.skip(message)


@pytest.fixture(scope="session", autouse=True)
def no_process_is_left():
    """Fail when tests have left a process behind."""
    yield
    deadline = time.monotonic() + END_SECONDS
    while processes := children_left():
        if time.monotonic() > deadline:
            pytest.fail("processes that tests left behind: " + "; ".join(processes))
        time.sleep(0.2)


@pytest.fixture(scope="session")
def postgres():
    """Run a PostgreSQL on loopback and return its URL, without a database."""
    tools = postgres_tools()
    if tools is None:
        missing("PostgreSQL")
    with running_postgres(tools) as server:
        yield server.url


@pytest.fixture(scope="session")
def mariadb():
    """Run a MariaDB on loopback: a company's database, never our own."""
    programs = mariadb_programs()
    if programs is None:
        missing("MariaDB")
    with running_mariadb(programs) as server:
        yield server


@pytest.fixture(scope="session")
def empty_sqlite(tmp_path_factory) -> Path:
    """Make a migrated SQLite file to copy from."""
    path = tmp_path_factory.mktemp("empty") / "countersign.db"
    database = Database(f"sqlite:///{path}")
    migrate(database)
    database.close()
    return path


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request, tmp_path):
    """Make a migrated database; its tests run on both sorts."""
    if request.param == "sqlite":
        shutil.copy(request.getfixturevalue("empty_sqlite"), tmp_path / "countersign.db")
        yield f"sqlite:///{tmp_path / 'countersign.db'}"
        return
    server = request.getfixturevalue("postgres")
    name = f"t{uuid.uuid4().hex[:12]}"
    _create(server, name, "template_countersign")
    yield f"{server}/{name}"
    drop_database(server, name)


@pytest.fixture
def store(database_url):
    """Open the store on both databases."""
    database = Database(database_url)
    yield Store.over(database)
    database.close()


@pytest.fixture
def world(store) -> World:
    """Build the desk on both databases."""
    return World(store)


@contextlib.contextmanager
def seeded(emulator):
    """Fill a Slack with the sample company's people, and end it afterwards."""
    try:
        emulator.wait()
        emulator.seed()
        emulator.post("faults", PATIENT)
        yield emulator
    finally:
        emulator.close()


@pytest.fixture
def emulator():
    """A Slack of one's own, seeded with the sample company's people."""
    from tests.fakes.emulator import EmulatorThread

    with seeded(EmulatorThread()) as running:
        yield running


@pytest.fixture
def small_world(empty_sqlite, tmp_path):
    """Build the desk on SQLite alone."""
    shutil.copy(empty_sqlite, tmp_path / "small.db")
    database = Database(f"sqlite:///{tmp_path / 'small.db'}")
    with contextlib.closing(database):
        yield World(Store.over(database))
