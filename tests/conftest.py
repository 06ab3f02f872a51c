"""What tests share: databases of both sorts, a world over each, and servers that end when the tests do."""

import contextlib
import glob
import os
import shutil
import signal
import socket
import subprocess
import time
import uuid
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, settings

from bot.store.database import Database
from bot.store.migrate import migrate
from bot.store.store import SqlStore
from tests.world import World

SAMPLE_ENVIRONMENT = {
    "SLACK_BOT_TOKEN": "xoxb-test",
    "SLACK_APP_TOKEN": "xapp-test",
    "SLACK_API_URL": "http://127.0.0.1:9/api/",
    "HARBOUR_VINE_URL": "sqlite:///:memory:",
}
IN_CI = bool(os.environ.get("CI"))
SHARED = Path(__file__).parent.parent.parent / "shared"
settings.register_profile(
    "ours", deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)
settings.load_profile("ours")
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


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="session")
def postgres(tmp_path_factory):
    """A real PostgreSQL on loopback, with a data directory and port of its own; yields its URL without a database."""
    found = sorted(glob.glob("/usr/lib/postgresql/*/bin")) or [
        str(Path(p).parent) for p in [shutil.which("initdb")] if p
    ]
    found = [folder for folder in found if Path(folder, "postgres").exists()]
    if not found:
        missing("PostgreSQL")
    tools, port = Path(found[-1]), free_port()
    base = Path("/tmp") / f"countersign-pg-{uuid.uuid4().hex[:8]}"
    base.mkdir(mode=0o755)
    as_user = []
    if os.geteuid() == 0:
        # PostgreSQL refuses to run as root.
        shutil.chown(base, "postgres")
        as_user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
    data = str(base / "data")
    subprocess.run(
        [*as_user, tools / "initdb", "-D", data, "-U", "countersign", "-A", "trust", "--no-sync", "-E", "UTF8"],
        check=True,
        stdout=subprocess.DEVNULL,
        cwd=base,
    )
    options = (
        f"-c listen_addresses=127.0.0.1 -c port={port} -c unix_socket_directories= -c fsync=off -c max_connections=200"
    )
    server = subprocess.Popen(
        [*as_user, tools / "postgres", "-D", data, *options.split()],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd=base,
    )
    url = f"postgresql+psycopg://countersign@127.0.0.1:{port}"
    try:
        _wait_for(f"{url}/postgres")
        _create(url, "template_countersign")
        database = Database(f"{url}/template_countersign")
        migrate(database)
        database.close()
        yield url
    finally:
        # SIGINT is PostgreSQL's fast shutdown: it does not wait for clients to leave.
        server.send_signal(signal.SIGINT)
        server.wait(20)
        shutil.rmtree(base, ignore_errors=True)


def _wait_for(url: str) -> None:
    engine, ends = sa.create_engine(url), time.monotonic() + 30
    while True:
        try:
            with engine.connect():
                break
        except sa.exc.OperationalError:
            if time.monotonic() > ends:
                raise
            time.sleep(0.1)
    engine.dispose()


def _create(url: str, name: str, template: str = "template0") -> None:
    engine = sa.create_engine(f"{url}/postgres", isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(sa.text(f"CREATE DATABASE {name} TEMPLATE {template}"))
    engine.dispose()


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
    yield SqlStore(database)
    database.close()


@pytest.fixture
def world(store) -> World:
    """The desk on both databases."""
    return World(store)


@pytest.fixture
def emulator():
    """A Slack of one's own, seeded with the sample company's people."""
    from bot.sample.demo import Emulator

    running = Emulator()
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
        yield World(SqlStore(database))
