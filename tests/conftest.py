"""Fixtures that all tests share: databases of both sorts and a world over each."""

import contextlib
import os
import shutil
import time
import uuid
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from bot.store.database import Database
from bot.store.migrate import migrate
from bot.store.store import Store
from tests.servers import children_left, free_port, postgres_tools, running_postgres, watch_children
from tests.servers import create_database as _create
from tests.world import World

SAMPLE_ENVIRONMENT = {
    "SLACK_BOT_TOKEN": "xoxb-test",
    "SLACK_APP_TOKEN": "xapp-test",
    "SLACK_API_URL": "http://127.0.0.1:9/api/",
    "HARBOUR_VINE_URL": "sqlite:///:memory:",
}
__all__ = ["_create", "free_port", "missing"]
# A process that was told to end may take a while on a busy machine.
END_SECONDS = 30
IN_CI = bool(os.environ.get("CI"))
SHARED = Path(__file__).parent.parent.parent / "shared"
settings.register_profile(
    "ours",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.load_profile("ours")
watch_children()
for name in list(os.environ):
    # No setting of the one who runs the tests may reach them, nor a proxy, which the Slack SDK would use even for loopback.
    if name.startswith(("COUNTERSIGN_", "SLACK_")) or name.lower().endswith("_proxy"):
        del os.environ[name]


def missing(what: str) -> None:
    """Skip on a developer's machine; in CI everything is there, or the run fails."""
    message = f"{what} is not installed"
    if IN_CI:
        pytest.fail(message)
    pytest.skip(message)


@pytest.fixture(scope="session", autouse=True)
def no_process_is_left():
    """Fail when a test has left a process behind that is still there in the end."""
    yield
    deadline = time.monotonic() + END_SECONDS
    while processes := children_left():
        if time.monotonic() > deadline:
            pytest.fail("processes that tests left behind: " + "; ".join(processes))
        time.sleep(0.2)


@pytest.fixture(scope="session")
def postgres():
    """A real PostgreSQL on loopback, with a data directory and port of its own; yields its URL without a database."""
    tools = postgres_tools()
    if tools is None:
        missing("PostgreSQL")
    with running_postgres(tools) as server:
        yield server.url


@pytest.fixture(scope="session")
def empty_sqlite(tmp_path_factory) -> Path:
    """A migrated SQLite file to copy from."""
    path = tmp_path_factory.mktemp("empty") / "countersign.db"
    database = Database(f"sqlite:///{path}")
    migrate(database)
    database.close()
    return path


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request, tmp_path) -> str:
    """A fresh, migrated database; every test that takes it runs on both."""
    if request.param == "sqlite":
        shutil.copy(request.getfixturevalue("empty_sqlite"), tmp_path / "countersign.db")
        return f"sqlite:///{tmp_path / 'countersign.db'}"
    server = request.getfixturevalue("postgres")
    name = f"t{uuid.uuid4().hex[:12]}"
    _create(server, name, "template_countersign")
    return f"{server}/{name}"


@pytest.fixture
def store(database_url):
    database = Database(database_url)
    yield Store.over(database)
    database.close()


@pytest.fixture
def world(store) -> World:
    """The desk on both databases."""
    return World(store)


@pytest.fixture
def emulator():
    """A Slack of one's own, seeded with the sample company's people."""
    from bot.demo.launcher import EmulatorProcess

    running = EmulatorProcess()
    running.wait()
    running.seed()
    yield running
    running.close()


@pytest.fixture
def small_world(empty_sqlite, tmp_path):
    """The desk on SQLite alone: for rules that no database could change."""
    shutil.copy(empty_sqlite, tmp_path / "small.db")
    database = Database(f"sqlite:///{tmp_path / 'small.db'}")
    with contextlib.closing(database):
        yield World(Store.over(database))
