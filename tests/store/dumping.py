"""Write databases of this release as SQL: ``python -m tests.store.dumping tests/store``.

One of SQLite and one of PostgreSQL, each with four cases: one resolved, one that waits in
somebody's hands, one approved and not begun, and one whose step was begun as the process died.
"""

import contextlib
import sqlite3
import subprocess
import sys
import tempfile
import uuid
from pathlib import Path

from bot.store.database import Database
from bot.store.migrate import LATEST_MIGRATION, migrate
from bot.store.store import Store
from tests.fakes.connector import Died
from tests.fakes.directory import principal
from tests.servers import create_database, postgres_tools, running_postgres
from tests.world import World, request

NAME = f"at_migration_{LATEST_MIGRATION}.sql"


def fill(url: str) -> None:
    """Migrate an empty database, and let the desk work in it until its process dies."""
    database = Database(url)
    migrate(database)
    world = World(Store.over(database))
    for number in (1, 2, 3, 4):
        world.receive(world.signal(f"product:{number}"))
    world.work()
    world.approve(world.store.cases.case("EX-1"))
    world.desk.decisions.hand_over(
        request("EX-2", principal("ana"), world.seen("EX-2")),
        to=principal("finn"),
        progress="looked",
        remains="decide",
    )
    world.work()
    world.approve(world.store.cases.case("EX-4"))
    world.house.faults["execute"] = ["die after"]
    with contextlib.suppress(Died):
        world.work()
    world.approve(world.store.cases.case("EX-3"))
    database.close()


def dump_sqlite(target: Path) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "this.db"
        fill(f"sqlite:///{path}")
        with contextlib.closing(sqlite3.connect(path)) as connection:
            target.write_text("\n".join(connection.iterdump()) + "\n")


def dump_postgresql(target: Path) -> None:
    tools = postgres_tools()
    if tools is None:
        raise SystemExit("PostgreSQL is not installed")
    with running_postgres(tools) as server:
        name = f"d{uuid.uuid4().hex[:12]}"
        create_database(server.url, name)
        fill(f"{server.url}/{name}")
        url = f"{server.url}/{name}".replace("+psycopg", "")
        command = [tools / "pg_dump", "--column-inserts", "--no-owner", "--no-privileges", url]
        text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    # Commands to psql, comments and blanks say nothing of the database.
    lines = [line for line in text.splitlines() if line and not line.startswith(("\\", "--"))]
    target.write_text("\n".join(lines) + "\n")


def main() -> None:
    folder = Path(sys.argv[1])
    dump_sqlite(folder / NAME)
    dump_postgresql(folder / f"postgresql_{NAME}")


if __name__ == "__main__":
    main()
