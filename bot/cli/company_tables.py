"""The tables of a company's database, as ``countersign init`` sees them."""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, create_engine, inspect
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from bot.cases.errors import Refusal
from bot.connectors.sql_engines import driver_reason, is_sqlite
from bot.connectors.sql_mysql import as_mysql_url, is_mysql, mysql_reason

#: A database with more is too large to read through while somebody waits.
MAX_TABLES = 300
CONNECT_SECONDS = 10
# A letter that begins no other word; letters of all languages.
_SMALL = r"[^\W\d_A-ZÀ-ÖØ-Þ]"
_WORD = re.compile(rf"[A-ZÀ-ÖØ-Þ]+(?!{_SMALL})|[A-ZÀ-ÖØ-Þ]?{_SMALL}+|\d+")
#: How German and Scandinavian letters are written in plain ones; others lose their accents.
_PLAIN_LETTERS = str.maketrans(
    {"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "ø": "oe", "å": "aa", "æ": "ae", "ł": "l"}
)
# A colon begins a placeholder, and a backslash would hide one.
_STRANGE = re.compile(r'[:\\"`\x00-\x1f]')


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table."""

    name: str
    #: The type as the database writes it in CAST.
    sql_type: str
    python_type: type

    @property
    def words(self) -> tuple[str, ...]:
        """List the words of the name in lower case."""
        return tuple(word.lower() for word in _WORD.findall(self.name))

    @property
    def is_number(self) -> bool:
        """Tell whether its type is a number."""
        return self.python_type.__name__ in {"int", "float", "Decimal"}

    @property
    def is_text(self) -> bool:
        """Tell whether its type is a text."""
        return self.python_type is str

    @property
    def is_day(self) -> bool:
        """Tell whether its type is a date, with or without a time."""
        return issubclass(self.python_type, date)


@dataclass(frozen=True, slots=True)
class Link:
    """A column whose values are the keys of another table."""

    column: str
    table: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """One table with its columns."""

    name: str
    columns: tuple[Column, ...]
    #: The only column of the primary key; None where there are several, or none.
    key: Column | None
    links: tuple[Link, ...]

    @property
    def noun(self) -> str:
        """Name one of its rows: "order" for "Orders"."""
        words = [word.lower() for word in _WORD.findall(self.name)] or ["row"]
        return " ".join([*words[:-1], _singular(words[-1])])


def plain_letters(text: str) -> str:
    """Write a text in lower-case letters from a to z."""
    plain = unicodedata.normalize("NFKD", text.lower().translate(_PLAIN_LETTERS))
    return plain.encode("ascii", "ignore").decode()


def _singular(word: str) -> str:
    if word.endswith("ies"):
        return f"{word[:-3]}y"
    if word.endswith(("sses", "ches", "shes", "xes")):
        return word[:-2]
    return word[:-1] if word.endswith("s") and not word.endswith(("ss", "us")) else word


def read_database_url(text: str) -> str:
    """Return the URL of a database as the SQL connector takes it.

    Raises:
        Refusal: it is neither PostgreSQL nor MySQL nor an SQLite file that is there.
    """
    if "://" not in text:
        text = f"sqlite:///{Path(text).expanduser().resolve()}"
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        raise Refusal("that is no URL of a database; write one like " + _EXAMPLES) from None
    if url.get_backend_name() in {"postgres", "postgresql"}:
        return url.set(drivername="postgresql+psycopg").render_as_string(hide_password=False)
    if is_mysql(text):
        return as_mysql_url(text).render_as_string(hide_password=False)
    if url.get_backend_name() != "sqlite":
        raise Refusal(f"{url.get_backend_name()} is not supported; write a URL like {_EXAMPLES}")
    path = Path(url.database or "").expanduser().resolve()
    if not path.is_file():
        raise Refusal(f"there is no file {path}")
    return f"sqlite:///{path}"


_EXAMPLES = (
    "postgresql://user:password@host/database, mysql://user:password@host/database, or the path of"
    " an SQLite file"
)


def read_tables(url: str) -> list[Table]:
    """Read the tables with their columns, keys and links.

    Raises:
        Refusal: the database cannot be reached, or is too large.
    """
    engine = _create_engine(url)
    try:
        return list(_read_tables(engine))
    except (SQLAlchemyError, OSError) as error:
        reason = (mysql_reason if is_mysql(url) else driver_reason)(error).strip().splitlines()[0]
        raise Refusal(f"the database cannot be read: {reason}") from None
    finally:
        engine.dispose()


def _create_engine(url: str) -> Engine:
    if is_sqlite(url):
        # Otherwise a file that is not there would be made.
        address = f"sqlite:///file:{make_url(url).database}?mode=ro&uri=true"
        return create_engine(address, poolclass=NullPool)
    options: dict[str, Any] = {"connect_timeout": CONNECT_SECONDS}
    if is_mysql(url):
        options["init_command"] = "SET SESSION TRANSACTION READ ONLY"
    else:
        own = make_url(url).query.get("options", "")
        options["options"] = f"{own} -c default_transaction_read_only=on"
    return create_engine(url, poolclass=NullPool, connect_args=options, hide_parameters=True)


def _read_tables(engine: Engine) -> Iterator[Table]:
    inspector = inspect(engine)
    names = [name for name in sorted(inspector.get_table_names()) if not _STRANGE.search(name)]
    if len(names) > MAX_TABLES:
        raise Refusal(f"the database has more than {MAX_TABLES} tables; write a playbook by hand")
    for name in names:
        columns = tuple(
            Column(column["name"], column["type"].compile(engine.dialect), _python_type(column))
            for column in inspector.get_columns(name)
            if not _STRANGE.search(column["name"])
        )
        keys = inspector.get_pk_constraint(name)["constrained_columns"]
        links = tuple(
            Link(one["constrained_columns"][0], one["referred_table"])
            for one in inspector.get_foreign_keys(name)
            if len(one["constrained_columns"]) == 1
        )
        key = next((one for one in columns if keys == [one.name]), None)
        yield Table(name=name, columns=columns, key=key, links=links)


def list_schemas(url: str) -> list[str]:
    """List the schemas with tables; none but of PostgreSQL."""
    if not make_url(url).drivername.startswith("postgresql"):
        return []
    engine = _create_engine(url)
    try:
        inspector = inspect(engine)
        schemas = [name for name in inspector.get_schema_names() if name != "information_schema"]
        return [name for name in schemas if inspector.get_table_names(schema=name)]
    except SQLAlchemyError:
        return []
    finally:
        engine.dispose()


def _python_type(column: Any) -> type:
    try:
        python_type: type = column["type"].python_type
    except NotImplementedError:
        return object
    return python_type
