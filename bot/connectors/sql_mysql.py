"""Sessions on a MySQL or MariaDB database.

The transactions of InnoDB are certain; a statement that would leave them is refused before it is
sent: MySQL commits whatever is open when it meets DDL, also where only reading is allowed.
"""

import math
import threading
from collections.abc import Mapping
from functools import partial
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from sqlalchemy import URL, Engine, PoolProxiedConnection, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DisconnectionError, SQLAlchemyError

from bot import sockets
from bot.cases.errors import ConnectorFailed, SettingsIncomplete
from bot.clock import seconds_left
from bot.connectors.sql_engines import (
    POOL_OPTIONS,
    SERVER_SHARE,
    MarkStatements,
    Row,
    SqlSession,
    as_description,
    column_names,
    read_rows,
)
from bot.connectors.sql_mysql_words import StatementWords, read_words
from bot.connectors.sql_statements import parse_statement
from bot.lazy_module import LazyModule

if TYPE_CHECKING:
    import pymysql
    from pymysql import converters
    from pymysql.constants import COMMAND, FIELD_TYPE
else:
    pymysql = LazyModule("pymysql")
    converters = LazyModule("pymysql.converters")
    COMMAND = LazyModule("pymysql.constants.COMMAND")
    FIELD_TYPE = LazyModule("pymysql.constants.FIELD_TYPE")

BACKENDS = ("mysql", "mariadb")
DRIVER = "mysql+pymysql"
#: No look-up takes more rows; without it the driver would fetch a whole table to close a cursor.
MAX_ROWS = 10_000

_READS = {"select", "with", "values"}
_WRITES = {"insert", "update", "delete", "replace", "with"}
# Also in a transaction that only reads, SELECT … INTO writes files of the server.
_INTO = "into"
# Strict: a value that does not fit is refused, and never cut or made zero. Always the same, so
# that a declared statement means the same on every server.
_SQL_MODE = "TRADITIONAL"

# COM_RESET_CONNECTION, which PyMySQL does not name.
_RESET_CONNECTION = 0x1F

_DUPLICATE_KEY = 1062
_NO_SUCH_TABLE = 1146
# Whatever these say, the transaction has surely been rolled back: a deadlock (or a conflict
# between the nodes of a cluster), and one that group replication found while it committed.
_ROLLED_BACK = {1213, 3101}
# A CHECK of MySQL and of MariaDB, and SIGNAL.
_REFUSALS = {3819, 4025, 1644}
_INTEGRITY_CLASS = "23"
_TRANSIENT = _ROLLED_BACK | {
    *(1020, 1205, 1412, 1615),  # a row, a lock or a table that somebody else has
    *(1317, 1969, 3024),  # the time for a statement is over
    *(1040, 1203, 1226),  # too many connections
    *(1047, 1053, 1290, 1836, 1927),  # a server that ends, or that another one takes over from
    *(2002, 2003, 2006, 2013, 2055),  # a server or connection that is gone
}

_MARKS = MarkStatements(
    create="""CREATE TABLE IF NOT EXISTS countersign_marks (
              `key` VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL PRIMARY KEY,
              action VARCHAR(255) NOT NULL, done_at DATETIME NOT NULL)
              ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4""",
    # Waits for a transaction that has left this mark and whose end is open: it may have been
    # sent its COMMIT on a connection that is gone.
    find="SELECT 1 AS found FROM countersign_marks WHERE `key` = :key LOCK IN SHARE MODE",
    insert="""INSERT INTO countersign_marks (`key`, action, done_at)
              VALUES (:key, :action, UTC_TIMESTAMP())""",
)
_CATALOGUE = """SELECT table_name FROM information_schema.columns WHERE table_schema = DATABASE()
                UNION SELECT column_name FROM information_schema.columns
                WHERE table_schema = DATABASE()"""
_UNSAFE_TABLES = """SELECT t.table_name, t.engine
                    FROM information_schema.tables t
                    JOIN information_schema.engines e ON e.engine = t.engine
                    WHERE e.transactions <> 'YES' AND t.table_name IN %(names)s
                    AND (t.table_schema = DATABASE() OR t.table_schema IN %(names)s)"""


def is_mysql(url: str) -> bool:
    """Tell whether this is the URL of a MySQL or MariaDB database."""
    return make_url(url).get_backend_name() in BACKENDS


def as_mysql_url(url: str) -> URL:
    """Return the URL with the driver that is used, whichever it names.

    Raises:
        SettingsIncomplete: it names no database, or the driver is not installed.
    """
    address = make_url(url).set(drivername=DRIVER)
    if not address.database:
        raise SettingsIncomplete(
            "the URL of a MySQL database ends with the name of the database:"
            " mysql://user:password@host/database"
        )
    if find_spec("pymysql") is None:
        raise SettingsIncomplete(
            "MySQL needs a driver that is not installed: pip install 'countersign[mysql]'"
        )
    return address


class MysqlEngine:
    """The sessions of one role, for reading or for writing."""

    def __init__(self, url: str, seconds: float, *, read_only: bool) -> None:
        """``seconds`` is the time-out of the system.

        Raises:
            SettingsIncomplete: the URL names no database, or the driver is not installed.
        """
        self._read_only = read_only
        self._engine = _create_engine(as_mysql_url(url), seconds, read_only=read_only)
        self.failures: tuple[type[Exception], ...] = (pymysql.Error, SQLAlchemyError, OSError)
        #: Statements whose tables have been looked at, and are all transactional.
        self._safe_statements: set[str] = set()

    def open_session(self) -> SqlSession:
        """Take a connection from the pool, or connect. Its transaction has begun."""
        connection = self._engine.raw_connection()
        return _MysqlSession(
            connection,
            self._engine,
            read_only=self._read_only,
            safe_statements=self._safe_statements,
        )

    def is_transient(self, error: Exception) -> bool:
        """Tell whether waiting can help."""
        return isinstance(error, TimeoutError) or error_code(error) in _TRANSIENT

    def is_refusal(self, error: Exception) -> bool:
        """Tell whether a constraint or a trigger forbids it."""
        state = getattr(error, "sqlstate", None) or ""
        return state.startswith(_INTEGRITY_CLASS) or error_code(error) in _REFUSALS

    def reason(self, error: Exception) -> str:
        """Return the server's own sentence."""
        return mysql_reason(error)


def error_code(error: Exception) -> int:
    """Return the number of an error of server or driver, or 0."""
    code = error.args[0] if error.args else 0
    return code if isinstance(code, int) else 0


def mysql_reason(error: Exception) -> str:
    """Return the sentence of an error, without its number."""
    error = getattr(error, "orig", None) or error
    return str(error.args[1] if error_code(error) and len(error.args) > 1 else error)


class _MysqlSession:
    marks = _MARKS

    def __init__(
        self,
        connection: PoolProxiedConnection,
        engine: Engine,
        *,
        read_only: bool,
        safe_statements: set[str],
    ) -> None:
        self._connection = connection
        self._raw: Any = connection.dbapi_connection
        self._dialect = engine.dialect
        self._read_only = read_only
        self._safe_statements = safe_statements

    def begin(self) -> None:
        """Do nothing: the pool has begun the transaction.

        It did so to find out whether the connection is good.
        """

    def fetch(self, query: str, values: Mapping[str, Any], limit: int) -> list[Row]:
        _refuse_other_than_question(self._words(query))
        with self._execute(query, values) as cursor:
            return read_rows(cursor.description, cursor.fetchmany(limit))

    def change(self, query: str, values: Mapping[str, Any]) -> int:
        self._refuse_other_than_change(query)
        with self._execute(query, values) as cursor:
            count: int = cursor.rowcount
            return count

    def create_table(self, statement: str) -> None:
        self._execute(statement, {}).close()

    def insert_once(self, statement: str, values: Mapping[str, Any]) -> bool:
        try:
            self._execute(statement, values).close()
        except pymysql.IntegrityError as error:
            # InnoDB takes back this statement alone, and the transaction goes on. IGNORE would
            # also let pass what does not fit, and ON DUPLICATE KEY counts found rows.
            if error_code(error) == _DUPLICATE_KEY:
                return False
            raise
        return True

    def describe(self, query: str, values: Mapping[str, Any]) -> list[str]:
        _refuse_other_than_question(self._words(query))
        with self._execute(as_description(query), values) as cursor:
            return column_names(cursor.description)

    def explain(self, statement: str, values: Mapping[str, Any]) -> None:
        # Where only reading is allowed, MySQL does not even plan a change. EXPLAIN runs nothing,
        # and what it has begun is rolled back.
        self._raw.rollback()
        self._send("START TRANSACTION READ WRITE")
        try:
            self._refuse_other_than_change(statement)
            self._execute(f"EXPLAIN {statement}", values).close()
        finally:
            self._raw.rollback()

    def catalogue(self) -> list[str]:
        with self._raw.cursor() as cursor:
            cursor.execute(_CATALOGUE)
            return [str(row[0]) for row in cursor.fetchall()]

    def has_table(self, name: str) -> bool:
        # The catalogue hides what this role may not see. The server tells the two apart by
        # number: to ask for such a table is denied, whether or not it is there.
        try:
            self._send(f"SELECT 1 FROM `{name}` LIMIT 0")  # noqa: S608  a name of our own
        except pymysql.Error as error:
            if error_code(error) == _NO_SUCH_TABLE:
                return False
            raise
        return True

    def commit(self) -> None:
        self._raw.commit()

    def is_rolled_back(self, error: Exception) -> bool:
        return error_code(error) in _ROLLED_BACK

    def discard(self) -> None:
        self._connection.invalidate()

    def release(self) -> None:
        self._connection.close()

    def _words(self, query: str) -> StatementWords:
        return read_words(parse_statement(query, self._dialect).sql)

    def _send(self, statement: str) -> None:
        with self._raw.cursor() as cursor:
            cursor.execute(statement)

    def _execute(self, query: str, values: Mapping[str, Any]) -> Any:
        """Run a statement whose rows stay on the server until fetched."""
        statement = parse_statement(query, self._dialect)
        cursor = self._raw.cursor(pymysql.cursors.SSCursor if self._read_only else None)
        try:
            cursor.execute(statement.sql, statement.pick(values))
        except BaseException:
            cursor.close()
            raise
        return cursor

    def _refuse_other_than_change(self, statement: str) -> None:
        """Refuse what would commit by itself, or could not be rolled back."""
        words = self._words(statement)
        if words.first not in _WRITES or words.is_hidden:
            raise ConnectorFailed(
                "only INSERT, UPDATE, DELETE and REPLACE are carried out: MySQL commits with"
                " others, and nothing could be taken back"
            )
        if statement in self._safe_statements or not words.names:
            return
        with self._raw.cursor() as cursor:
            cursor.execute(_UNSAFE_TABLES, {"names": sorted(words.names)})
            row = cursor.fetchone()
        if row:
            raise ConnectorFailed(
                f"the table {row[0]} is of the engine {row[1]}, which rolls nothing back:"
                f" ALTER TABLE {row[0]} ENGINE = InnoDB makes it one that does"
            )
        self._safe_statements.add(statement)


def _refuse_other_than_question(words: StatementWords) -> None:
    if words.first not in _READS or words.is_hidden:
        raise ConnectorFailed("a look-up must be a SELECT, and this one is not")
    if _INTO in words.all:
        raise ConnectorFailed("a look-up returns rows, and has no INTO")


# --- connections ----------------------------------------------------------------------------------


def _create_engine(url: URL, seconds: float, *, read_only: bool) -> Engine:
    engine = create_engine(
        url,
        pool_timeout=seconds,
        pool_reset_on_return=None,
        connect_args={
            "charset": "utf8mb4",
            "connect_timeout": max(1, math.ceil(seconds)),
            # Each transaction is begun by a statement of ours.
            "autocommit": True,
            "local_infile": False,
            "conv": {**converters.conversions, FIELD_TYPE.BIT: _read_bits},
        },
        **POOL_OPTIONS,
    )
    event.listen(engine, "do_connect", _connect_in_time)
    event.listen(engine, "checkout", partial(_begin, read_only))
    event.listen(engine, "reset", _reset)
    return engine


def _read_bits(value: bytes) -> int:
    """Read a BIT, by which many tables say yes or no."""
    return int.from_bytes(value, "big")


def _connect_in_time(dialect: Any, record: Any, args: Any, parameters: Any) -> Any:
    """Connect within the time limit of the call, TLS and login included."""
    raw = sockets.run_within(
        seconds_left(),
        partial(dialect.connect, *args, **parameters),
        discard=_close_late,
    )
    _cut_off(raw)
    return raw


def _close_late(raw: Any) -> None:
    raw.close()


def _cut_off(raw: Any) -> None:
    # PyMySQL's own time-outs begin again with every read, and it hands out its socket to nobody.
    sockets.cut_off(raw._sock.fileno())


def _begin(read_only: bool, raw: Any, record: Any, _: object) -> None:
    """Begin the transaction of a call, or refuse a lost connection.

    Nothing of the call has been sent before, so another connection may take its place.
    """
    is_used = record.info.setdefault("is_used", False)
    record.info["is_used"] = True
    seconds = min(sockets.time_left() or math.inf, threading.TIMEOUT_MAX) * SERVER_SHARE
    try:
        if is_used:
            _cut_off(raw)
        with raw.cursor() as cursor:
            cursor.execute(session_settings(raw, seconds, read_only=read_only))
            cursor.execute(f"START TRANSACTION READ {'ONLY' if read_only else 'WRITE'}")
    except (pymysql.Error, OSError, AttributeError) as error:
        # A connection that is closed has no socket.
        if not is_used:
            raise
        raise DisconnectionError(f"the connection is gone: {type(error).__name__}") from None


def session_settings(raw: Any, seconds: float, *, read_only: bool) -> str:
    """Return the statement that makes a connection ready for one call."""
    whole_seconds = max(1, int(min(seconds, threading.TIMEOUT_MAX)))
    settings = {
        "sql_mode": f"'{_SQL_MODE}'",
        "time_zone": "'+00:00'",
        "character_set_client": "utf8mb4",
        "character_set_results": "utf8mb4",
        "character_set_connection": "utf8mb4",
        "sql_select_limit": str(MAX_ROWS),
        "lock_wait_timeout": str(whole_seconds),
        "innodb_lock_wait_timeout": str(whole_seconds),
    }
    # A row that a transaction has read stays so until its end: the precondition still holds when
    # the statement runs. Who only reads takes no locks.
    isolation = "'REPEATABLE-READ'" if read_only else "'SERIALIZABLE'"
    is_mariadb = "MariaDB" in raw.get_server_info()
    if is_mariadb:
        settings["max_statement_time"] = f"{max(0.001, seconds):.3f}"
        settings |= {"tx_isolation": isolation, "tx_read_only": str(int(read_only))}
    else:
        # MySQL limits only what reads; a change waits for locks at most, or is cut off.
        settings["max_execution_time"] = str(max(1, int(seconds * 1000)))
        settings |= {
            "transaction_isolation": isolation,
            "transaction_read_only": str(int(read_only)),
        }
    return "SET SESSION " + ", ".join(f"{name} = {value}" for name, value in settings.items())


def _reset(raw: Any, record: Any, state: Any) -> None:
    """Clear transaction, settings, locks and variables of a connection."""
    if state.terminate_only or not raw.open:
        return
    raw._execute_command(_RESET_CONNECTION, b"")
    raw._read_ok_packet()
