"""Write a database of this release as SQL: ``python -m tests.store.dumping tests/store/at_migration_NNNN.sql``.

Three cases: one resolved, one that waits in somebody's hands, one approved and not begun.
"""

import contextlib
import sqlite3
import sys
import tempfile
from pathlib import Path

from bot.store.database import Database
from bot.store.migrate import migrate
from bot.store.store import Store
from tests.fakes.directory import principal
from tests.world import World, request


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "this.db"
        database = Database(f"sqlite:///{path}")
        migrate(database)
        world = World(Store.over(database))
        for number in (1, 2, 3):
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
        world.approve(world.store.cases.case("EX-3"))
        database.close()
        with contextlib.closing(sqlite3.connect(path)) as connection:
            Path(sys.argv[1]).write_text("\n".join(connection.iterdump()) + "\n")


if __name__ == "__main__":
    main()
