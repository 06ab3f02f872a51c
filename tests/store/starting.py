"""Open the store of each database that is named on standard input, as ``countersign run`` does first."""

import sys

from bot.store.database import Database
from bot.store.migrate import migrate


def main() -> None:
    import alembic.command  # noqa: F401 (so that both begin at the same moment)

    print("ready", flush=True)
    for line in sys.stdin:
        database = Database(line.strip())
        migrate(database)
        database.close()
        print("done", flush=True)


if __name__ == "__main__":
    main()
