"""Bring a database to the schema of this release.

Processes that start together wait for each other, however long the first takes, and say so.
"""

import contextlib
import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, text
from sqlalchemy.exc import OperationalError

from bot.cases.errors import SettingsIncomplete
from bot.clock import monotonic
from bot.lazy_module import LazyModule
from bot.store.compatibility import (
    FIRST_TO_ASK,
    joint_reader,
    must_be_readable,
    record_readers,
)
from bot.store.database import Database
from bot.store.derived import rewrite_derived_rows
from bot.store.engines import BEGINS_ON_DRIVER, SQLITE_BUSY_TIMEOUT_SECONDS

if TYPE_CHECKING:
    from alembic import command as alembic_command
    from alembic import config as alembic_config
    from alembic import script as alembic_script
else:
    # Alembic costs most of a second, and most starts do not need it.
    alembic_command = LazyModule("alembic.command")
    alembic_config = LazyModule("alembic.config")
    alembic_script = LazyModule("alembic.script")

LATEST_MIGRATION = "0020"
# Older databases derived their rows from the ledger by other rules, or lack some of them.
DERIVED_ANEW_AT = "0011"
#: That of 0.1.0: migrations after it have only added.
OLDEST_READER = "0015"
_VERSION = text("SELECT version_num FROM alembic_version")
# Any number will do, as long as every process locks the same.
_TRY_LOCK = text("SELECT pg_try_advisory_xact_lock(4267360000000001)")
#: Limits of a server or a role that would end a long migration, or the wait for one.
POSTGRESQL_LIMITS = ("lock_timeout", "statement_timeout", "idle_in_transaction_session_timeout")
LOCK_POLL_SECONDS = 0.1
#: A wait for another process is logged after the first, and again after each of the second.
FIRST_REPORT_SECONDS = 3.0
REPORT_INTERVAL_SECONDS = 30.0

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class MigrationStep:
    """One migration, as people read it."""

    revision: str
    #: What it adds or changes, in one line.
    summary: str
    #: The oldest migration whose release goes on after it.
    readable_from: str


@dataclass(frozen=True, slots=True)
class MigrationPlan:
    """Describe what a database lacks, and what follows for its release."""

    #: None for an empty one.
    before: str | None
    steps: tuple[MigrationStep, ...]

    @property
    def readable_from(self) -> str:
        """Return the oldest migration whose release goes on after all of them."""
        return joint_reader(step.readable_from for step in self.steps) or (self.before or "")

    @property
    def goes_on(self) -> bool:
        """Tell whether the release before may run on beside this one."""
        return self.before is not None and self.readable_from <= self.before

    @property
    def may_return(self) -> bool:
        """Tell whether the release before can be started again afterwards."""
        return self.goes_on and (not self.steps or (self.before or "") >= FIRST_TO_ASK)


def migrate(database: Database) -> str | None:
    """Run the missing migrations. Return the migration before them.

    None for an empty database. One that is up to date costs one SELECT, and so does a newer one
    that this release may use: nothing is taken back.

    Raises:
        SettingsIncomplete: it is newer, and this release may not use it.
    """
    version = usable_version(database)
    if version is not None:
        return version
    with locked_for_migration(database) as connection:
        # Another process that started at the same moment may have done it while this one waited.
        before = migration_of(connection)
        if before is not None and before > LATEST_MIGRATION:
            must_be_readable(connection, migration=before, release=LATEST_MIGRATION)
        elif before != LATEST_MIGRATION:
            log.info("migrating the database from %s to %s", before or "empty", LATEST_MIGRATION)
            _upgrade(connection, before)
        return before


def derive_anew(database: Database) -> None:
    """Derive again what the release before has written since the migration.

    They know nothing of what it has added. Whoever writes the ledger waits meanwhile.

    Raises:
        SettingsIncomplete: the database is not at this release.
    """
    with locked_for_migration(database) as connection:
        version = migration_of(connection)
        if version != LATEST_MIGRATION:
            raise SettingsIncomplete(
                f"the database is at migration {version or 'none'}, and this release at"
                f" {LATEST_MIGRATION}; only the release of the database can derive its rows"
            )
        rewrite_derived_rows(connection)


def plan_migration(database: Database) -> MigrationPlan:
    """Return what the database lacks. Change nothing.

    Raises:
        SettingsIncomplete: this release may not use the database, or it does not say its own.
    """
    usable_version(database)
    with database.read() as connection:
        before = migration_of(connection)
        scripts = _scripts(connection)
    missing = [
        MigrationStep(
            revision=script.revision,
            summary=(script.doc or "").partition("\n")[0],
            readable_from=_reader_of(script),
        )
        for script in scripts
        if before is None or script.revision > before
    ]
    return MigrationPlan(before, tuple(missing))


@contextlib.contextmanager
def locked_for_migration(database: Database) -> Iterator[Connection]:
    """Begin a transaction in which no other process migrates."""
    with database.engine.connect() as connection:
        begin = _begin_on_sqlite if database.is_sqlite else _begin_on_postgresql
        with begin(connection):
            yield connection


@contextlib.contextmanager
def _begin_on_postgresql(connection: Connection) -> Iterator[None]:
    # A snapshot that was taken before the lock would not show what its last holder has created.
    connection = connection.execution_options(isolation_level="READ COMMITTED")
    with connection.begin():
        for limit in POSTGRESQL_LIMITS:
            connection.exec_driver_sql(f"SET LOCAL {limit} = 0")
        _await_lock(lambda: bool(connection.execute(_TRY_LOCK).scalar()))
        yield


@contextlib.contextmanager
def _begin_on_sqlite(connection: Connection) -> Iterator[None]:
    # The driver's own wait is silent, and ends in a failure.
    connection = connection.execution_options(**{BEGINS_ON_DRIVER: True})
    raw: Any = connection.connection.driver_connection
    with connection.begin():
        raw.execute("PRAGMA busy_timeout = 0")
        _await_lock(lambda: _begins_immediately(connection))
        raw.execute(f"PRAGMA busy_timeout = {int(SQLITE_BUSY_TIMEOUT_SECONDS * 1000)}")
        yield


def _begins_immediately(connection: Connection) -> bool:
    """Tell whether the write lock was free, and is now this transaction's."""
    try:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    except OperationalError as failure:
        if "locked" not in str(failure.orig):
            raise
        return False
    return True


def _await_lock(take_lock: Callable[[], bool]) -> None:
    """Wait for the lock, and log that from time to time."""
    started_at = monotonic()
    report_at = started_at + FIRST_REPORT_SECONDS
    while not take_lock():
        if monotonic() >= report_at:
            log.warning(
                "another process migrates this database or writes to it; waiting for it since %d s",
                monotonic() - started_at,
            )
            report_at = monotonic() + REPORT_INTERVAL_SECONDS
        time.sleep(LOCK_POLL_SECONDS)


def must_be_migrated(database: Database) -> None:
    """Check the schema without changing it, for a role that only reads.

    Raises:
        SettingsIncomplete: the database is of another release, which this one cannot read.
    """
    if usable_version(database) is None:
        raise SettingsIncomplete(
            "the database is of an older release or empty; start `countersign run` of this release"
            " once, as the role that writes"
        )


def migration_of(connection: Connection) -> str | None:
    """Return the migration that the database is at.

    None for an empty one.

    Read without Alembic, whose import costs most of a second.

    Raises:
        SettingsIncomplete: the database does not say.
    """
    if not connection.dialect.has_table(connection, "alembic_version"):
        return None
    version: str | None = connection.execute(_VERSION).scalar()
    if version is None:
        raise SettingsIncomplete(
            "the database does not say of which release it is: its table alembic_version is empty."
            f" Restore a backup, or put back the row ({LATEST_MIGRATION} for this release)"
        )
    return version


def configuration(connection: Connection) -> "alembic_config.Config":
    """Return Alembic's configuration for the migrations of this package."""
    config = alembic_config.Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    return config


def usable_version(database: Database) -> str | None:
    """Return the migration of a database that needs no other.

    None for one that must be migrated.
    """
    with database.read() as connection:
        version = migration_of(connection)
        if version is None or version < LATEST_MIGRATION:
            return None
        if version > LATEST_MIGRATION:
            must_be_readable(connection, migration=version, release=LATEST_MIGRATION)
            log.warning(
                "the database is at migration %s, newer than this release (%s), which may use it",
                version,
                LATEST_MIGRATION,
            )
        return version


def _scripts(connection: Connection) -> "list[alembic_script.Script]":
    """Return all migrations of this release, in order."""
    directory = alembic_script.ScriptDirectory.from_config(configuration(connection))
    return list(directory.walk_revisions())[::-1]


def _reader_of(script: "alembic_script.Script") -> str:
    """Return the oldest migration whose release goes on after this one."""
    # Those before the first that says so take away nothing since the first release.
    default = OLDEST_READER if script.revision > OLDEST_READER else script.revision
    reader: str = getattr(script.module, "readable_from", default)
    return reader


def _upgrade(connection: Connection, before: str | None) -> None:
    alembic_command.upgrade(configuration(connection), "head")
    scripts = _scripts(connection)
    record_readers(
        connection,
        {one.revision: _reader_of(one) for one in scripts if one.revision >= FIRST_TO_ASK},
    )
    if before is None:
        return
    if before < DERIVED_ANEW_AT:
        rewrite_derived_rows(connection)
