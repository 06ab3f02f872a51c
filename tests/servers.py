"""Servers on loopback for tests, and an end for every process."""

import contextlib
import fcntl
import functools
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import sqlalchemy as sa

from bot.store.database import Database
from bot.store.migrate import migrate

# On a busy machine initdb and the first start take most of a minute.
START_SECONDS = 120
STOP_SECONDS = 60
TEMPLATE = "template_countersign"
WATCHDOG = Path(__file__).with_name("watchdog.py")
# Below the ports that the kernel gives to outgoing connections.
PORTS = range(20_000, 32_000)
MEMORY = Path("/dev/shm")
MEMORY_BYTES = 4 * 1024**3
FOLDER_PREFIX = "countersign-pg-"
PORT_LOCKS = Path(tempfile.gettempdir()) / f"countersign-ports-{os.getuid()}"


def watch_children() -> None:
    """End what this process leaves behind, even when it is killed."""
    _watchdog(os.getpid())


@functools.cache
def _watchdog(pid: int) -> subprocess.Popen[str]:
    # A session of its own, so that no signal to a group reaches it; it ends when the pipe does.
    return subprocess.Popen(
        [sys.executable, "-I", WATCHDOG, str(pid)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={},
        start_new_session=True,
    )


def children_left() -> list[str]:
    """Return the id and command of every living descendant of this process."""
    watchdog = _watchdog(os.getpid())
    assert watchdog.stdin is not None
    assert watchdog.stdout is not None
    watchdog.stdin.write("\n")
    watchdog.stdin.flush()
    return [command for command in watchdog.stdout.readline().strip("\n").split("\t") if command]


def free_port() -> int:
    """Return a free port of loopback, reserved until this process ends.

    A lock keeps other test processes from it until the server has bound it.
    """
    PORT_LOCKS.mkdir(exist_ok=True)
    # Not the seeded generator: every test would begin with the same ports.
    for port in random.SystemRandom().sample(PORTS, len(PORTS)):
        if _reserve(port):
            return port
    raise OSError("no free port")


def _reserve(port: int) -> bool:
    lock = os.open(PORT_LOCKS / str(port), os.O_CREAT | os.O_RDWR | os.O_CLOEXEC)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", port))
    except OSError:
        os.close(lock)
        return False
    # The descriptor stays open: the kernel releases the lock when the process ends.
    return True


def postgres_tools() -> Path | None:
    """Return the folder of the newest PostgreSQL's programs; None without one."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    initdb = shutil.which("initdb")
    if initdb:
        folders.append(Path(initdb).parent)
    for folder in folders:
        if (folder / "postgres").exists():
            return folder
    return None


def roomy_folder() -> Path:
    """Return a folder in memory, where a commit waits for no disk; on disk without room."""
    if MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > MEMORY_BYTES:
        return MEMORY
    return Path(tempfile.gettempdir())


class Postgres:
    """A real PostgreSQL with a data directory and port of its own."""

    def __init__(self, tools: Path) -> None:
        watch_children()
        self.tools = tools
        self.port = free_port()
        self.url = f"postgresql+psycopg://countersign@127.0.0.1:{self.port}"
        self.base = roomy_folder() / f"{FOLDER_PREFIX}{os.getpid()}-{uuid.uuid4().hex[:8]}"
        self.base.mkdir(mode=0o755)
        self._server: subprocess.Popen[bytes] | None = None
        self._as_user: list[str] = []
        if os.geteuid() == 0:
            # PostgreSQL refuses to run as root.
            shutil.chown(self.base, "postgres")
            self._as_user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
        options = ["--username=countersign", "--auth=trust", "--no-sync", "--encoding=UTF8"]
        subprocess.run(
            [*self._as_user, tools / "initdb", f"--pgdata={self.base / 'data'}", *options],
            check=True,
            stdout=subprocess.DEVNULL,
            cwd=self.base,
        )

    @property
    def pid(self) -> int | None:
        """The server's own process, while it runs."""
        return self._server.pid if self._server else None

    def start(self) -> None:
        """Start the server and wait until it answers."""
        options = {
            "listen_addresses": "127.0.0.1",
            "port": str(self.port),
            "unix_socket_directories": "",
            "fsync": "off",
            "max_connections": "200",
            # In its folder: segments of a server that is killed would stay in memory for good.
            "dynamic_shared_memory_type": "mmap",
        }
        # It ends with us, even when the watchdog is killed along with us.
        ends_with_us = [*(self._as_user or ["setpriv"]), "--pdeathsig=KILL"]
        command = [*ends_with_us, self.tools / "postgres", "-D", str(self.base / "data")]
        for name, value in options.items():
            command += ["-c", f"{name}={value}"]
        self._server = subprocess.Popen(
            command,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=self.base,
        )
        self._wait_until_ready(self._server)

    def _wait_until_ready(self, server: subprocess.Popen[bytes]) -> None:
        engine = sa.create_engine(f"{self.url}/postgres")
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                with engine.connect():
                    break
            except sa.exc.OperationalError:
                # A server that ended will not answer, however long one waits.
                if server.poll() is not None or time.monotonic() > deadline:
                    raise
                time.sleep(0.1)
        engine.dispose()

    def stop(self) -> None:
        """Stop the server without waiting for its clients to leave."""
        if self._server is not None:
            # SIGINT is PostgreSQL's fast shutdown.
            self._server.send_signal(signal.SIGINT)
            self._server.wait(STOP_SECONDS)
            self._server = None

    def remove(self) -> None:
        """Stop the server, by force if need be, and delete its files."""
        try:
            self.stop()
        except subprocess.TimeoutExpired:
            self._server.kill()
            self._server.wait()
        shutil.rmtree(self.base, ignore_errors=True)

    def run(self, statement: str) -> None:
        """Run one statement as the superuser."""
        _administer(self.url, statement)

    def cut_connections(self, name: str) -> None:
        """Terminate every connection to this database."""
        self.run(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            f"WHERE datname = '{name}' AND pid <> pg_backend_pid()"
        )

    def create(self, name: str, template: str = TEMPLATE) -> str:
        """Create a database, by default a migrated one, and return its URL."""
        create_database(self.url, name, template)
        return f"{self.url}/{name}"

    def prepare_template(self) -> None:
        """Make the migrated database that others are copies of."""
        database = Database(self.create(TEMPLATE, "template0"))
        migrate(database)
        database.close()


def create_database(url: str, name: str, template: str = "template0") -> None:
    """Create a database on the server at this URL."""
    _administer(url, f"CREATE DATABASE {name} TEMPLATE {template}")


def drop_database(url: str, name: str) -> None:
    """Delete a database, whoever is still connected to it."""
    _administer(url, f"DROP DATABASE {name} WITH (FORCE)")


def _administer(url: str, statement: str) -> None:
    """Run one statement outside of a transaction, on the server at this URL."""
    with _administration(url).connect() as connection:
        connection.execute(sa.text(statement))


@functools.cache
def _administration(url: str) -> sa.Engine:
    # One connection for the life of a server: a new one costs more than most statements. It is
    # tried before its use, because tests restart servers.
    return sa.create_engine(
        f"{url}/postgres",
        isolation_level="AUTOCOMMIT",
        pool_size=1,
        pool_pre_ping=True,
    )


def _sweep_folders() -> None:
    """Delete the folders of test processes that were killed."""
    for folder in roomy_folder().glob(f"{FOLDER_PREFIX}*"):
        pid = folder.name.removeprefix(FOLDER_PREFIX).partition("-")[0]
        if pid.isdigit() and not Path("/proc", pid).exists():
            shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def running_postgres(tools: Path) -> Iterator[Postgres]:
    """Run a PostgreSQL with a migrated template, and delete it afterwards."""
    _sweep_folders()
    server = Postgres(tools)
    try:
        server.start()
        server.prepare_template()
        yield server
    finally:
        server.remove()
