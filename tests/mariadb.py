"""A real MariaDB on loopback for tests."""

import contextlib
import os
import shutil
import subprocess
import threading
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pymysql

from tests.servers import START_SECONDS, STOP_SECONDS, free_port, roomy_folder, watch_children

FOLDER_PREFIX = "countersign-my-"
#: Debian's folder of servers is not on the path of everybody.
PATH = f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin"
PROGRAMS = ("mariadbd", "mariadb-install-db")
USER = "countersign"
WAIT_INTERVAL = 0.02
_NO_CONNECTION = 2003


def mariadb_programs() -> tuple[str, str] | None:
    """Return the paths of the server and of what prepares its folder; None without them."""
    server, installer = (shutil.which(name, path=PATH) for name in PROGRAMS)
    return (server, installer) if server and installer else None


class MariaDb:
    """A MariaDB with a data directory and port of its own."""

    def __init__(self, programs: tuple[str, str]) -> None:
        watch_children()
        self._server_program, installer = programs
        self.port = free_port()
        self.url = f"mysql+pymysql://{USER}@127.0.0.1:{self.port}"
        self._server: subprocess.Popen[bytes] | None = None
        self.base = roomy_folder() / f"{FOLDER_PREFIX}{os.getpid()}-{uuid.uuid4().hex[:8]}"
        self.base.mkdir(mode=0o755)
        self._as_user: list[str] = []
        if os.geteuid() == 0:
            shutil.chown(self.base, "mysql")
            self._as_user = ["--reuid=mysql", "--regid=mysql", "--clear-groups"]
        # The server reads one statement a line.
        (self.base / "init.sql").write_text(
            f"CREATE USER {USER}@'127.0.0.1';\n"
            f"GRANT ALL ON *.* TO {USER}@'127.0.0.1' WITH GRANT OPTION;\n"
        )
        self._run_installer(installer)

    def _run_installer(self, installer: str) -> None:
        options = [
            "--no-defaults",
            f"--datadir={self.base / 'data'}",
            "--skip-test-db",
            "--skip-name-resolve",
            "--auth-root-authentication-method=normal",
            "--innodb-log-file-size=8M",
        ]
        subprocess.run(
            ["setpriv", *self._as_user, installer, *options]
            if self._as_user
            else [installer, *options],
            check=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=self.base,
        )

    def start(self) -> None:
        """Start the server and wait until it answers."""
        options = [
            "--no-defaults",
            f"--datadir={self.base / 'data'}",
            "--bind-address=127.0.0.1",
            f"--port={self.port}",
            f"--socket={self.base / 'socket'}",
            f"--pid-file={self.base / 'pid'}",
            f"--init-file={self.base / 'init.sql'}",
            "--skip-name-resolve",
            "--innodb-log-file-size=8M",
            "--innodb-buffer-pool-size=16M",
            # Nothing of it outlives the machine.
            "--innodb-flush-log-at-trx-commit=0",
            "--innodb-doublewrite=0",
        ]
        # It ends with us, even when the watchdog is killed along with us.
        self._server = subprocess.Popen(
            ["setpriv", *self._as_user, "--pdeathsig=KILL", self._server_program, *options],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=self.base,
        )
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                self.connect().close()
                return
            except pymysql.OperationalError as error:
                is_away = error.args[0] == _NO_CONNECTION and self._server.poll() is None
                if not is_away or time.monotonic() > deadline:
                    raise
                time.sleep(WAIT_INTERVAL)

    def connect(self, database: str | None = None) -> pymysql.Connection:
        """Connect as the role that may do everything."""
        return pymysql.connect(
            host="127.0.0.1", port=self.port, user=USER, database=database, autocommit=True
        )

    def run(self, *statements: str) -> list[tuple]:
        """Run statements, and return the rows of the last one."""
        with self.connect() as connection, connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
            return list(cursor.fetchall())

    @contextlib.contextmanager
    def database(self) -> Iterator[str]:
        """Create a database, return its URL, and drop it afterwards."""
        name = f"h{uuid.uuid4().hex[:10]}"
        self.run(f"CREATE DATABASE {name}")
        try:
            yield f"{self.url}/{name}"
        finally:
            self.cut_connections(name)
            self.run(f"DROP DATABASE {name}")

    def cut_connections(self, name: str) -> None:
        """Kill every connection to this database."""
        rows = self.run(f"SELECT id FROM information_schema.processlist WHERE db = '{name}'")
        for (number,) in rows:
            with contextlib.suppress(pymysql.Error):
                self.run(f"KILL {number}")

    @contextlib.contextmanager
    def killing_commits(self, name: str) -> Iterator[threading.Event]:
        """Let the next commit in this database wait, and kill its connection there.

        The event is set when that has happened. Then the server rolls back, or goes on.
        """
        killed, over = threading.Event(), threading.Event()
        holder = self.connect()
        with holder.cursor() as cursor:
            for stage in ("START", "BLOCK_DDL", "BLOCK_COMMIT"):
                cursor.execute(f"BACKUP STAGE {stage}")

        def kill() -> None:
            waiting = (
                "SELECT id FROM information_schema.processlist"
                f" WHERE db = '{name}' AND info LIKE 'COMMIT%'"
            )
            while not over.wait(WAIT_INTERVAL):
                if rows := self.run(waiting):
                    self.run(f"KILL {rows[0][0]}")
                    # Ends the stage, as the connection that held it is gone.
                    holder.close()
                    killed.set()
                    return

        thread = threading.Thread(target=kill, daemon=True)
        thread.start()
        try:
            yield killed
        finally:
            over.set()
            thread.join(STOP_SECONDS)
            if holder.open:
                holder.close()

    def remove(self) -> None:
        """Kill the server, which has nothing to keep, and delete its files."""
        if self._server is not None:
            self._server.kill()
            self._server.wait()
        shutil.rmtree(self.base, ignore_errors=True)


def _sweep_folders() -> None:
    """Delete the folders of test processes that were killed."""
    for folder in roomy_folder().glob(f"{FOLDER_PREFIX}*"):
        pid = folder.name.removeprefix(FOLDER_PREFIX).partition("-")[0]
        if pid.isdigit() and not Path("/proc", pid).exists():
            shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def running_mariadb(programs: tuple[str, str]) -> Iterator[MariaDb]:
    """Run a MariaDB, and delete it afterwards."""
    _sweep_folders()
    server = MariaDb(programs)
    try:
        server.start()
        yield server
    finally:
        server.remove()
