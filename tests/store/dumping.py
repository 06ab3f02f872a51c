"""Write a database of this release as SQL, for later tests.

``python -m tests.store.dumping tests/store/at_migration_NNNN.sql`` writes three cases: one
resolved, one handed over to a person, one approved and not begun.
"""

import contextlib
import sqlite3
import sys
import tempfile
from pathlib import Path

from bot.store.database import Database
from bot.store.migrate import migrate
from bot.store.store import SqlStore
from tests.fakes.directory import principal
from tests.world import World


def main() -> None:
    """Make the database in a temporary folder and write its dump."""
    target = Path(sys.argv[1])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "this.db"
        database = Database(f"sqlite:///{path}")
        migrate(database)
        play(World(SqlStore(database)))
        database.close()
        with contextlib.closing(sqlite3.connect(path)) as connection:
            statements = list(connection.iterdump())
    target.write_text("\n".join(statements) + "\n")


def play(world: World) -> None:
    """Open three cases and bring each to another state."""
    for number in (1, 2, 3):
        world.receive(world.signal(f"product:{number}"))
    world.work()
    world.approve(world.store.case("EX-1"))
    world.desk.decisions.hand_over(
        "EX-2", by=principal("ana"), to=principal("finn"), done="looked", remains="decide"
    )
    world.work()
    # Not worked off: the outbox keeps what was approved.
    world.approve(world.store.case("EX-3"))


if __name__ == "__main__":
    main()
