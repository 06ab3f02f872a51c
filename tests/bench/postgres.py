"""A PostgreSQL on loopback with durable settings."""

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import sqlalchemy as sa

from tests.servers import create_database, drop_database, free_port, postgres_tools

START_SECONDS = 60.0
USER = "postgres"


@contextlib.contextmanager
def durable_postgres() -> Iterator[str]:
    """Run a server whose commits are on disk, and return its URL without a database.

    Raises:
        LookupError: PostgreSQL is not installed.
    """
    tools = postgres_tools()
    if tools is None:
        raise LookupError("PostgreSQL is not installed")
    folder = Path(tempfile.mkdtemp(prefix="countersign-bench-pg-"))
    folder.chmod(0o755)
    as_user: list[str] = []
    if os.geteuid() == 0:
        # PostgreSQL refuses to run as root.
        shutil.chown(folder, USER)
        as_user = ["setpriv", f"--reuid={USER}", f"--regid={USER}", "--clear-groups"]
    data = folder / "data"
    options = ["--username=countersign", "--auth=trust", "--encoding=UTF8"]
    subprocess.run(
        [*as_user, tools / "initdb", f"--pgdata={data}", *options],
        check=True,
        stdout=subprocess.DEVNULL,
        cwd=folder,
    )
    port = free_port()
    settings = {"listen_addresses": "127.0.0.1", "port": port, "unix_socket_directories": ""}
    command = [*as_user, str(tools / "postgres"), "-D", str(data)]
    for name, value in settings.items():
        command += ["-c", f"{name}={value}"]
    server = subprocess.Popen(
        command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    url = f"postgresql+psycopg://countersign@127.0.0.1:{port}"
    try:
        _wait_until_ready(url)
        yield url
    finally:
        # SIGINT is PostgreSQL's fast shutdown.
        server.send_signal(signal.SIGINT)
        server.wait()
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def database_on(url: str, name: str, template: str = "template0") -> Iterator[str]:
    """Create a database, return its URL, and delete it."""
    create_database(url, name, template)
    try:
        yield f"{url}/{name}"
    finally:
        drop_database(url, name)


def _wait_until_ready(url: str) -> None:
    engine = sa.create_engine(f"{url}/postgres")
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            engine.connect().close()
            break
        except sa.exc.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
    engine.dispose()
