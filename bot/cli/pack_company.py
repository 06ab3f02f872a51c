"""The throwaway company of a pack: its SQL on a new file.

Nobody else uses the file.
"""

import sqlite3
from contextlib import closing
from pathlib import Path

from bot.cases.errors import BadRequest

MAX_PAGES = 8_192
MAX_VALUE_BYTES = 1_000_000
#: Calls of the handler below, each after so many instructions of SQLite: some seconds.
INSTRUCTIONS_BETWEEN_CALLS = 100_000
MAX_CALLS = 2_000
# A pack may come from anybody: its SQL makes tables and rows, and reaches no other file.
_REFUSED = {
    sqlite3.SQLITE_ATTACH,
    sqlite3.SQLITE_DETACH,
    sqlite3.SQLITE_PRAGMA,
    sqlite3.SQLITE_CREATE_VTABLE,
    sqlite3.SQLITE_DROP_VTABLE,
}
_REFUSED_FUNCTIONS = {"load_extension"}


def write_company(sql: str, path: Path) -> None:
    """Run the SQL of a pack on a new file.

    Raises:
        BadRequest: SQLite refuses it, or it does more than a company needs.
    """
    calls = iter(range(MAX_CALLS))
    with closing(sqlite3.connect(path)) as database:
        database.execute(f"PRAGMA max_page_count = {MAX_PAGES}")
        database.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, MAX_VALUE_BYTES)
        database.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)
        database.set_authorizer(_authorise)
        # SQLite goes on while the handler returns 0.
        database.set_progress_handler(
            lambda: int(next(calls, None) is None), INSTRUCTIONS_BETWEEN_CALLS
        )
        try:
            database.executescript(sql)
        except (sqlite3.Error, ValueError) as error:
            raise BadRequest(f"the company cannot be made: {error}") from None


def _authorise(
    operation: int, first: str | None, second: str | None, database: str | None, trigger: str | None
) -> int:
    is_refused = operation in _REFUSED
    if operation == sqlite3.SQLITE_FUNCTION:
        is_refused = second in _REFUSED_FUNCTIONS
    return sqlite3.SQLITE_DENY if is_refused else sqlite3.SQLITE_OK
