"""Copies of whole databases, written while others write."""

import contextlib
import shutil
import sqlite3
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

from bot.cases.errors import Refusal
from bot.store.database import Database

#: Names of the files of a copy.
SQLITE_COPY = "database.sqlite"
POSTGRESQL_COPY = "database.dump"
#: Where Debian and its kin put the programs of each version.
POSTGRESQL_FOLDERS = Path("/usr/lib/postgresql")
_LEDGER = (
    "SELECT version_num, number, chain FROM alembic_version, heads WHERE heads.name = 'ledger'"
)


def copy_name(url: str) -> str:
    """Return the file name of a copy of this database."""
    return SQLITE_COPY if url.startswith("sqlite") else POSTGRESQL_COPY


@dataclass(frozen=True, slots=True)
class CopiedLedger:
    """The ledger in a copy, in the moment that was copied."""

    migration: str
    entries: int
    #: The link of the last entry.
    chain: str


def copy_database(
    database: Database, path: Path, *, environment: Mapping[str, str]
) -> CopiedLedger:
    """Write a copy of one moment, while others go on writing.

    Raises:
        Refusal: pg_dump is not there, or failed; or the database is damaged.
    """
    if database.is_sqlite:
        return _copy_sqlite(_sqlite_path(database.url), path)
    with database.snapshot() as connection:
        snapshot = connection.execute(sa.text("SELECT pg_export_snapshot()")).scalar_one()
        options = ["--format=custom", "--no-owner", "--no-privileges", f"--snapshot={snapshot}"]
        _run_tool(
            "pg_dump",
            [*options, f"--file={path}"],
            url=database.url,
            environment=environment,
        )
        row = connection.execute(sa.text(_LEDGER)).one()
    path.chmod(0o600)
    return CopiedLedger(*row)


def load_copy(path: Path, url: str, *, environment: Mapping[str, str]) -> None:
    """Load a copy into an empty database of the same sort.

    Raises:
        Refusal: the target has something in it, or is of the other sort.
    """
    if path.name != copy_name(url):
        raise Refusal(
            f"the backup is {_sort(path.name)} and the target is {_sort(copy_name(url))}:"
            " set COUNTERSIGN_DATABASE_URL to an empty database of the same sort"
        )
    require_empty(url)
    if url.startswith("sqlite"):
        _load_sqlite(path, _sqlite_path(url))
        return
    # One transaction: a failure leaves the target as empty as it was.
    options = ["--single-transaction", "--exit-on-error", "--no-owner", "--no-privileges"]
    _run_tool("pg_restore", [*options, str(path)], url=url, environment=environment)


def is_empty(url: str) -> bool:
    """Tell whether a database has no tables, or is not there."""
    if url.startswith("sqlite"):
        path = _sqlite_path(url)
        return not path.exists() or path.stat().st_size == 0
    engine = sa.create_engine(url)
    try:
        return not sa.inspect(engine).get_table_names()
    finally:
        engine.dispose()


def require_empty(url: str) -> None:
    """Refuse a database that has tables.

    Raises:
        Refusal: it has.
    """
    if not is_empty(url):
        name = sa.make_url(url).render_as_string(hide_password=True)
        raise Refusal(
            f"{name} is not empty. A backup is never restored over something: move it away,"
            " or name an empty database in COUNTERSIGN_DATABASE_URL"
        )


def _sort(name: str) -> str:
    return "SQLite" if name == SQLITE_COPY else "PostgreSQL"


def _sqlite_path(url: str) -> Path:
    return Path(sa.make_url(url).database or "")


def _copy_sqlite(source_path: Path, path: Path) -> CopiedLedger:
    path.touch(mode=0o600)
    with (
        contextlib.closing(sqlite3.connect(source_path)) as source,
        contextlib.closing(sqlite3.connect(path)) as target,
    ):
        # In one step: writers go on beside it, and it begins anew for none of them.
        source.backup(target)
        # One file, which needs no log beside it.
        target.execute("PRAGMA journal_mode=DELETE")
        (state,) = target.execute("PRAGMA quick_check").fetchone()
        row = target.execute(_LEDGER).fetchone()
    if state != "ok":
        raise Refusal(f"the database is damaged: {state}. Nothing was backed up")
    return CopiedLedger(*row)


def _load_sqlite(copy: Path, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    for suffix in ("-wal", "-shm"):
        # Of a database that is gone; it must not be read as part of this one.
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    beside = path.with_name(f".{path.name}.new")
    beside.touch(mode=0o600)
    try:
        shutil.copyfile(copy, beside)
    except OSError:
        # A full disk has no room for half a copy either.
        beside.unlink(missing_ok=True)
        raise
    beside.chmod(0o600)
    beside.replace(path)


def _run_tool(name: str, options: list[str], *, url: str, environment: Mapping[str, str]) -> None:
    """Run a program of PostgreSQL on this database."""
    address = sa.make_url(url)
    # The password is not among the arguments, which everybody on the machine can read.
    secret = {}
    if address.password:
        secret["PGPASSWORD"] = address.password
    bare = address.set(drivername="postgresql", password=None).render_as_string()
    result = subprocess.run(  # noqa: S603 (a program of PostgreSQL)
        [_find_tool(name), f"--dbname={bare}", *options],
        env={**environment, **secret},
        capture_output=True,
        text=True,
        check=False,
    )
    if result.returncode:
        raise Refusal(f"{name} failed: {result.stderr.strip()[-600:]}")


def _find_tool(name: str) -> str:
    """Return the newest of these programs on this machine."""
    versions = [path for path in POSTGRESQL_FOLDERS.glob(f"*/bin/{name}") if path.is_file()]
    if versions:
        return str(max(versions, key=lambda path: int(path.parts[-3].partition(".")[0])))
    path = shutil.which(name)
    if not path:
        raise Refusal(
            f"{name} is not on this machine. Install the client programs of PostgreSQL, of the"
            " server's version or newer, or back up with your server's own tools; see"
            " docs/upgrading.md"
        )
    return path
