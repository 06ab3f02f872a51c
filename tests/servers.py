"""Servers of one's own on loopback, for tests and benchmarks alike: a PostgreSQL, and ports nobody listens on."""

import contextlib
import glob
import os
import shutil
import signal
import socket
import subprocess
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import sqlalchemy as sa

from bot.store.database import Database
from bot.store.migrate import migrate

START_SECONDS = 30
STOP_SECONDS = 20
TEMPLATE = "template_countersign"


def free_port() -> int:
    """Return a port of loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def postgres_tools() -> Path | None:
    """Return the folder of PostgreSQL's programs, the newest there is."""
    folders = sorted(glob.glob("/usr/lib/postgresql/*/bin"))
    beside = shutil.which("initdb")
    if not folders and beside:
        folders = [str(Path(beside).parent)]
    usable = [Path(folder) for folder in folders if Path(folder, "postgres").exists()]
    return usable[-1] if usable else None


class Postgres:
    """A real PostgreSQL with a data directory and port of its own; it may be stopped and started again."""

    def __init__(self, tools: Path) -> None:
        self.tools, self.port = tools, free_port()
        self.url = f"postgresql+psycopg://countersign@127.0.0.1:{self.port}"
        self.base = Path("/tmp") / f"countersign-pg-{uuid.uuid4().hex[:8]}"
        self.base.mkdir(mode=0o755)
        self._server: subprocess.Popen[bytes] | None = None
        self._as_user: list[str] = []
        if os.geteuid() == 0:
            # PostgreSQL refuses to run as root.
            shutil.chown(self.base, "postgres")
            self._as_user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
        data = [
            "-D",
            str(self.base / "data"),
            "-U",
            "countersign",
            "-A",
            "trust",
            "--no-sync",
            "-E",
            "UTF8",
        ]
        subprocess.run(
            [*self._as_user, tools / "initdb", *data],
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
        options = (
            f"-c listen_addresses=127.0.0.1 -c port={self.port} -c unix_socket_directories= "
            "-c fsync=off -c max_connections=200"
        )
        self._server = subprocess.Popen(
            [
                *self._as_user,
                self.tools / "postgres",
                "-D",
                str(self.base / "data"),
                *options.split(),
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=self.base,
        )
        engine, ends = sa.create_engine(f"{self.url}/postgres"), time.monotonic() + START_SECONDS
        while True:
            try:
                with engine.connect():
                    break
            except sa.exc.OperationalError:
                if time.monotonic() > ends:
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
        """Stop the server and delete its files."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.stop()
        shutil.rmtree(self.base, ignore_errors=True)

    def run(self, statement: str) -> None:
        """Run one statement as the superuser."""
        engine = sa.create_engine(f"{self.url}/postgres", isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(sa.text(statement))
        engine.dispose()

    def cut_connections(self, name: str) -> None:
        """Terminate every connection to this database."""
        self.run(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            f"WHERE datname = '{name}' AND pid <> pg_backend_pid()"
        )

    def create(self, name: str, template: str = TEMPLATE) -> str:
        """Create a database, migrated unless said otherwise, and return its URL."""
        create_database(self.url, name, template)
        return f"{self.url}/{name}"

    def prepare_template(self) -> None:
        """Make the migrated database that others are copied from."""
        database = Database(self.create(TEMPLATE, "template0"))
        migrate(database)
        database.close()


def create_database(url: str, name: str, template: str = "template0") -> None:
    """Create a database on the server at this URL."""
    engine = sa.create_engine(f"{url}/postgres", isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(sa.text(f"CREATE DATABASE {name} TEMPLATE {template}"))
    engine.dispose()


@contextlib.contextmanager
def running_postgres(tools: Path) -> Iterator[Postgres]:
    """Give a running PostgreSQL with a migrated template; it is gone afterwards."""
    server = Postgres(tools)
    try:
        server.start()
        server.prepare_template()
        yield server
    finally:
        server.remove()
