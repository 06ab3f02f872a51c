"""The SQL of proposed playbooks, in the words of either database."""

from dataclasses import dataclass

from bot.cli.company_tables import Column, Table


def quote(name: str) -> str:
    """Quote the name of a table or column."""
    return f'"{name}"'


def literal(text: str) -> str:
    """Write a text as a value."""
    value = text.replace("'", "''")
    return f"'{value}'"


@dataclass(frozen=True, slots=True)
class Dialect:
    """The expressions that the two databases write differently."""

    is_sqlite: bool

    def day(self, expression: str) -> str:
        """Return the day of a date or time."""
        return f"date({expression})" if self.is_sqlite else f"CAST({expression} AS date)"

    def today(self, days: int = 0) -> str:
        """Return today, or so many days after it."""
        if not days:
            return self.day(":now")
        if self.is_sqlite:
            return f"date(:now, '{days:+d} days')"
        return f"{self.day(':now')} {'+' if days > 0 else '-'} {abs(days)}"

    def days_between(self, later: str, earlier: str) -> str:
        """Count the days from one day to another."""
        if self.is_sqlite:
            return f"CAST(julianday({later}) - julianday({earlier}) AS INTEGER)"
        return f"({later} - {earlier})"

    def with_day(self, column: Column, parameter: str) -> str:
        """Return the value of a column on another day, at its time."""
        name = quote(column.name)
        if self.is_sqlite:
            return f"{parameter} || substr({name}, 11)"
        shift = f"(CAST({parameter} AS date) - CAST({name} AS date)) * INTERVAL '1 day'"
        return f"CAST({name} + {shift} AS {column.sql_type})"

    def from_day(self, column: Column, parameter: str) -> str:
        """Return a day as a value of a column."""
        if self.is_sqlite:
            return parameter
        return f"CAST(CAST({parameter} AS date) AS {column.sql_type})"

    def restore(self, column: Column, parameter: str) -> str:
        """Return a value of the snapshot as a value of its column."""
        return parameter if self.is_sqlite else f"CAST({parameter} AS {column.sql_type})"


def label_of(table: Table, key: Column) -> str:
    """Name a row for people, like "Order 7 (Miller)".

    That is its noun, key and name.
    """
    text = f"{literal(table.noun.capitalize() + ' ')} || CAST(t.{quote(key.name)} AS TEXT)"
    name = _name_column(table, key)
    if name is None:
        return text
    return f"{text} || COALESCE(' (' || CAST(t.{quote(name.name)} AS TEXT) || ')', '')"


def _name_column(table: Table, key: Column) -> Column | None:
    """Return the column with what people call a row."""
    texts = [column for column in table.columns if column.is_text and column is not key]
    for word in ("name", "title", "company", "customer", "subject", "label"):
        for column in texts:
            if word in column.words and not {"file", "path", "first"} & set(column.words):
                return column
    return None
