"""A check of declared statements on their database, which changes nothing."""

import re
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy.exc import SQLAlchemyError

from bot.cases.errors import ConnectorFailed
from bot.clock import boottime, time_limit
from bot.connectors.parameters import ParameterType
from bot.connectors.sql import SqlSystem
from bot.connectors.sql_database import SqlDatabase

_READS = ("select", "with", "values")
_WRITES = ("insert", "update", "delete", "replace", "with", "merge")
#: The words of databases for a name that there is not.
_UNKNOWN_NAMES = (
    re.compile(r"no such (?:column|table|function): (?P<name>[\w.]+)"),
    re.compile(r"has no column named (?P<name>\w+)"),
    re.compile(r"column \"?(?P<name>[\w.]+)\"?(?: of relation \"?\w+\"?)? does not exist"),
    re.compile(r"relation \"(?P<name>[\w.]+)\" does not exist"),
    re.compile(r"Unknown column '(?P<name>[^']+)'"),
    re.compile(r"Table '(?P<name>[^']+)' doesn't exist"),
    re.compile(r"FUNCTION (?P<name>[\w.]+) does not exist"),
    re.compile(r"right syntax to use near '(?P<name>\w+)"),
    re.compile(r"near \"(?P<name>[^\"]+)\""),
    re.compile(r"operator does not exist: (?P<name>.+)"),
)
#: Values that fit, for databases that look at them while they plan.
EXAMPLES: Mapping[ParameterType, Any] = {
    ParameterType.INTEGER: 1,
    ParameterType.DECIMAL: Decimal("1.00"),
    # Any text may be a UUID or a day to the database, and it reads constants while it plans.
    ParameterType.TEXT: None,
    ParameterType.DATE: date(2000, 1, 1).isoformat(),
}
_NO_VALUES: Mapping[str, Any] = {}


class UnusableUrl(Exception):
    """The URL names no database that can be connected to."""


class SqlCheck:
    """Asks one database what it makes of statements.

    Each question is a transaction that only reads and is rolled back, within the time-out.
    """

    def __init__(self, system: SqlSystem, url: str, read_url: str = "") -> None:
        """Create the engines; nothing is connected yet.

        Raises:
            UnusableUrl: the URL is none, or its driver is not known.
            SettingsIncomplete: the URL names no database, or its driver is not installed.
        """
        self._seconds = system.timeout.total_seconds()
        try:
            self._database = SqlDatabase(url, read_url=read_url, seconds=self._seconds)
        except (SQLAlchemyError, ImportError, ValueError, TypeError) as error:
            raise UnusableUrl(str(error).splitlines()[0]) from None

    def reach(self) -> None:
        """Connect.

        Raises:
            ConnectorFailed: it cannot be reached.
        """
        with self._limit(), self._database.reading() as session:
            session.fetch("SELECT 1 AS one", {}, 1)

    def columns(self, query: str, values: Mapping[str, Any] = _NO_VALUES) -> list[str]:
        """Return the columns of a question.

        Raises:
            ConnectorFailed: the database does not take it.
        """
        if not query.lstrip().lower().startswith(_READS):
            raise ConnectorFailed("a look-up must be a SELECT, and this one is not")
        with self._limit(), self._database.reading() as session:
            return session.describe(query, values)

    def explain(self, statement: str, values: Mapping[str, Any] = _NO_VALUES) -> None:
        """Prepare a statement as the role that would run it.

        Raises:
            ConnectorFailed: the database does not take it.
        """
        if not statement.lstrip().lower().startswith(_WRITES):
            raise ConnectorFailed(
                "a statement must be an INSERT, UPDATE or DELETE, and this one is not"
            )
        with self._limit(), self._database.reading(as_writer=True) as session:
            session.explain(statement, values)

    def catalogue(self) -> list[str]:
        """List the names of tables and columns.

        None where the role may not see them.
        """
        try:
            with self._limit(), self._database.reading() as session:
                return session.catalogue()
        except ConnectorFailed:
            return []

    def _limit(self) -> Any:
        return time_limit(boottime() + self._seconds)


def unknown_name(reason: str) -> str:
    """Return the name that a database did not know, or stumbled over."""
    for pattern in _UNKNOWN_NAMES:
        match = pattern.search(reason)
        if match:
            return match["name"]
    return ""
