"""The SQL of proposed playbooks, in the words of each database."""

from dataclasses import dataclass
from enum import StrEnum
from typing import assert_never

from sqlalchemy.engine import make_url

from bot.cli.company_tables import Column, Table
from bot.connectors.sql_mysql import is_mysql


class Backend(StrEnum):
    """The databases that a company may have."""

    SQLITE = "sqlite"
    POSTGRESQL = "postgresql"
    MYSQL = "mysql"


def literal(text: str) -> str:
    """Write a text as a value."""
    value = text.replace("'", "''")
    return f"'{value}'"


@dataclass(frozen=True, slots=True)
class Dialect:
    """The expressions that the databases write differently."""

    backend: Backend

    @classmethod
    def of(cls, url: str) -> "Dialect":
        """Return the dialect of the database at this URL."""
        if is_mysql(url):
            return cls(Backend.MYSQL)
        return cls(Backend(make_url(url).get_backend_name()))

    def quote(self, name: str) -> str:
        """Quote the name of a table or column."""
        return f"`{name}`" if self.backend is Backend.MYSQL else f'"{name}"'

    def as_text(self, expression: str) -> str:
        """Return a value as text."""
        return f"CAST({expression} AS {'CHAR' if self.backend is Backend.MYSQL else 'TEXT'})"

    def join(self, *parts: str) -> str:
        """Join texts; NULL where one of them is NULL."""
        # In MySQL || is a logical or.
        if self.backend is Backend.MYSQL:
            return f"CONCAT({', '.join(parts)})"
        return " || ".join(parts)

    def round_to_cents(self, expression: str) -> str:
        """Round an amount to its cents."""
        number = "DECIMAL(30, 6)" if self.backend is Backend.MYSQL else "NUMERIC"
        return f"ROUND(CAST({expression} AS {number}), 2)"

    def day(self, expression: str) -> str:
        """Return the day of a date or time."""
        match self.backend:
            case Backend.SQLITE | Backend.MYSQL:
                return f"date({expression})"
            case Backend.POSTGRESQL:
                return f"CAST({expression} AS date)"
            case _:
                assert_never(self.backend)

    def today(self, days: int = 0) -> str:
        """Return today, or so many days after it."""
        if not days:
            return self.day(":now")
        sign = "+" if days > 0 else "-"
        match self.backend:
            case Backend.SQLITE:
                return f"date(:now, '{days:+d} days')"
            case Backend.POSTGRESQL:
                return f"{self.day(':now')} {sign} {abs(days)}"
            case Backend.MYSQL:
                return f"{self.day(':now')} {sign} INTERVAL {abs(days)} DAY"
            case _:
                assert_never(self.backend)

    def days_between(self, later: str, earlier: str) -> str:
        """Count the days from one day to another."""
        match self.backend:
            case Backend.SQLITE:
                return f"CAST(julianday({later}) - julianday({earlier}) AS INTEGER)"
            case Backend.POSTGRESQL:
                return f"({later} - {earlier})"
            case Backend.MYSQL:
                return f"DATEDIFF({later}, {earlier})"
            case _:
                assert_never(self.backend)

    def with_day(self, column: Column, parameter: str) -> str:
        """Return the value of a column on another day, at its time."""
        name = self.quote(column.name)
        match self.backend:
            case Backend.SQLITE:
                return f"{parameter} || substr({name}, 11)"
            case Backend.POSTGRESQL:
                shift = f"(CAST({parameter} AS date) - CAST({name} AS date)) * INTERVAL '1 day'"
                return f"CAST({name} + {shift} AS {column.sql_type})"
            case Backend.MYSQL:
                return f"{name} + INTERVAL DATEDIFF({parameter}, {name}) DAY"
            case _:
                assert_never(self.backend)

    def from_day(self, column: Column, parameter: str) -> str:
        """Return a day as a value of a column."""
        if self.backend is Backend.POSTGRESQL:
            return f"CAST(CAST({parameter} AS date) AS {column.sql_type})"
        return parameter

    def restore(self, column: Column, parameter: str) -> str:
        """Return a value of the snapshot as a value of its column."""
        # The others convert text to the type of the column, and MySQL has no CAST to most types.
        if self.backend is Backend.POSTGRESQL:
            return f"CAST({parameter} AS {column.sql_type})"
        return parameter

    def label_of(self, table: Table, key: Column) -> str:
        """Name a row for people, like "Order 7 (Miller)".

        That is its noun, key and name.
        """
        parts = [
            literal(table.noun.capitalize() + " "),
            self.as_text(f"t.{self.quote(key.name)}"),
        ]
        name = _name_column(table, key)
        if name is not None:
            text = self.as_text(f"t.{self.quote(name.name)}")
            parts.append(f"COALESCE({self.join(literal(' ('), text, literal(')'))}, '')")
        return self.join(*parts)


def _name_column(table: Table, key: Column) -> Column | None:
    """Return the column with what people call a row."""
    texts = [column for column in table.columns if column.is_text and column is not key]
    for word in ("name", "title", "company", "customer", "subject", "label"):
        for column in texts:
            if word in column.words and not {"file", "path", "first"} & set(column.words):
                return column
    return None
