"""Open the store of every database whose URL comes on standard input."""

import sys

from bot.store.database import Database
from bot.store.migrate import migrate


def main() -> None:
    """Migrate each database as ``countersign run`` does, and answer a line."""
    # Loaded before "ready", so that two of these begin their migrations at the same moment.
    import alembic.command  # noqa: F401

    print("ready", flush=True)
    for line in sys.stdin:
        database = Database(line.strip())
        migrate(database)
        database.close()
        print("done", flush=True)


if __name__ == "__main__":
    main()
