"""Sessions of a database whose transactions are certain, and end in time.

A session for reading cannot write. A pooled connection carries nothing from one call to the next.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from sqlalchemy.engine import make_url

from bot.cases.canonical import Scalar
from bot.cases.errors import ConnectorFailed
from bot.connectors.sql_values import to_scalar

# The connection that was used last is taken first: its statements and pages are at hand.
POOL_OPTIONS = {
    "pool_size": 8,
    "pool_use_lifo": True,
    # Parameters of statements are in no error, and so in no log.
    "hide_parameters": True,
}
# A database gives up first, so that it says why and the connection stays whole.
SERVER_SHARE = 0.9

Row = dict[str, Scalar]


@dataclass(frozen=True, slots=True)
class MarkStatements:
    """The statements of the table of marks, for one sort of database."""

    create: str
    find: str
    insert: str


STANDARD_MARKS = MarkStatements(
    create="""CREATE TABLE IF NOT EXISTS countersign_marks
              (key TEXT PRIMARY KEY, action TEXT NOT NULL, done_at TEXT NOT NULL)""",
    find="SELECT 1 AS found FROM countersign_marks WHERE key = :key",
    insert="""INSERT INTO countersign_marks (key, action, done_at)
              VALUES (:key, :action, CURRENT_TIMESTAMP) ON CONFLICT (key) DO NOTHING""",
)


class SqlSession(Protocol):
    """One transaction on a pooled connection."""

    marks: MarkStatements

    def begin(self) -> None:
        """Begin the transaction, within the time limit of the call."""

    def fetch(self, query: str, values: Mapping[str, Any], limit: int) -> list[Row]:
        """Fetch the first rows of one question."""

    def change(self, query: str, values: Mapping[str, Any]) -> int:
        """Run a statement. Return how many rows it changed."""

    def create_table(self, statement: str) -> None:
        """Create a table of our own. Some databases commit with it."""

    def insert_once(self, statement: str, values: Mapping[str, Any]) -> bool:
        """Insert a row; False when its key was there."""

    def describe(self, query: str, values: Mapping[str, Any]) -> list[str]:
        """Prepare a question. Return the names of its columns."""

    def explain(self, statement: str, values: Mapping[str, Any]) -> None:
        """Prepare a statement that changes something, and change nothing."""

    def catalogue(self) -> list[str]:
        """List the names of tables and columns."""

    def has_table(self, name: str) -> bool:
        """Tell whether the catalogue has this table."""

    def commit(self) -> None:
        """Commit the transaction."""

    def is_rolled_back(self, error: Exception) -> bool:
        """Tell whether a failed ``commit`` has surely changed nothing."""

    def discard(self) -> None:
        """Close the connection, whatever state it is in."""

    def release(self) -> None:
        """Roll back uncommitted changes, and return the connection to its pool."""


class SqlEngine(Protocol):
    """The sessions of one role on one database."""

    #: What the driver raises.
    failures: tuple[type[Exception], ...]

    def open_session(self) -> SqlSession:
        """Take a connection from the pool, or open one.

        Opening takes no longer than the time limit of the call.
        """

    def is_transient(self, error: Exception) -> bool:
        """Tell whether waiting can help.

        There is a lock, a conflict, or a database that is away.
        """

    def is_refusal(self, error: Exception) -> bool:
        """Tell whether a constraint or a trigger of the database forbids it."""

    def reason(self, error: Exception) -> str:
        """Return what the database says, without the statement."""


def is_sqlite(url: str) -> bool:
    """Tell whether this is the URL of an SQLite file."""
    return make_url(url).get_backend_name() == "sqlite"


def driver_reason(error: Exception) -> str:
    """Return the words of the driver: SQLAlchemy's would name the statement."""
    return str(getattr(error, "orig", None) or error)


def as_description(query: str) -> str:
    """Return a question with the columns of another one, and without rows."""
    # On lines of its own, because a query may end with a comment.
    inner = query.strip().rstrip(";")
    return f"SELECT * FROM (\n{inner}\n) AS described LIMIT 0"  # noqa: S608  a declared query


def column_names(columns: Sequence[Any] | None) -> list[str]:
    """Return the names in the description of a cursor."""
    return [str(column[0]) for column in columns or ()]


def read_rows(columns: Sequence[Any] | None, rows: Sequence[Sequence[Any]]) -> list[Row]:
    """Name the values of rows by their columns, and convert them.

    ``columns`` is the description of the cursor.

    Raises:
        ConnectorFailed: it was no question.
    """
    if columns is None:
        raise ConnectorFailed("the query returns no rows")
    names = column_names(columns)
    return [
        {name: to_scalar(value) for name, value in zip(names, row, strict=True)} for row in rows
    ]
