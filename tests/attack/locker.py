"""Whoever writes into this database is followed at once by somebody who locks it: the look after the deed finds it closed.

``python -m tests.attack.locker DATABASE SECONDS`` goes on until it is ended.
"""

import contextlib
import sqlite3
import sys
import time


def main() -> None:
    path, seconds = sys.argv[1], float(sys.argv[2])
    database = sqlite3.connect(path, timeout=0, isolation_level=None)
    version = database.execute("PRAGMA data_version").fetchone()
    while True:
        with contextlib.suppress(sqlite3.OperationalError):
            now = database.execute("PRAGMA data_version").fetchone()
            if now == version:
                time.sleep(0.00002)
                continue
            database.execute("BEGIN EXCLUSIVE")
            time.sleep(seconds)
            database.execute("ROLLBACK")
            # Time for the next deed to get through.
            time.sleep(0.5)
            version = database.execute("PRAGMA data_version").fetchone()


if __name__ == "__main__":
    main()
