"""Declared statements, parsed once for each driver."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sqlalchemy import Dialect, text

from bot.cases.errors import ConnectorFailed

#: More than the files of one library declare.
MAX_STATEMENTS = 2_000


@dataclass(frozen=True, slots=True)
class ParsedStatement:
    """A statement as a driver takes it."""

    sql: str
    #: The names of its values, in their order.
    names: tuple[str, ...]

    def pick(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return the values that it names.

        Raises:
            ConnectorFailed: one is missing.
        """
        try:
            return {name: values[name] for name in self.names}
        except KeyError as error:
            raise ConnectorFailed(f"a value is required for {error.args[0]}") from None


@lru_cache(maxsize=MAX_STATEMENTS)
def parse_statement(query: str, dialect: Dialect) -> ParsedStatement:
    """Replace placeholders like ``:name`` by those of the driver."""
    form = text(query).compile(dialect=dialect)
    names = form.positiontup if form.positional else form.params
    return ParsedStatement(str(form), tuple(names or ()))


def value_names(query: str) -> tuple[str, ...]:
    """List the placeholders of a statement, like ``now`` for ``:now``."""
    return tuple(text(query).compile().params)
