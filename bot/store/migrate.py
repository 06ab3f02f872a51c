"""Bring a database to the schema of this release."""

from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, text

from bot.cases.errors import SettingsIncomplete
from bot.store.database import Database
from bot.store.derived import rewrite_derived_rows

if TYPE_CHECKING:
    from alembic.config import Config

LATEST_MIGRATION = "0016"
# Older databases derived their rows from the ledger by other rules, or lack some of them.
DERIVED_ANEW_AT = "0011"
_VERSION = text("SELECT version_num FROM alembic_version")
# Any number will do, as long as every process locks the same.
_LOCK = text("SELECT pg_advisory_xact_lock(4267360000000001)")


def migrate(database: Database) -> None:
    """Run the missing migrations.

    A database that is up to date costs one SELECT.
    """
    if _is_latest(database):
        return
    with database.engine.begin() as connection:
        # SQLite's transaction began with the write lock.
        if not database.is_sqlite:
            connection.execute(_LOCK)
        # Another process that started at the same moment may have done it while this one waited.
        before = migration_of(connection)
        if before != LATEST_MIGRATION:
            _upgrade(connection, before)


def must_be_migrated(database: Database) -> None:
    """Check the schema without changing it, for a role that only reads.

    Raises:
        SettingsIncomplete: the database is of another release.
    """
    if not _is_latest(database):
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


def configuration(connection: Connection) -> "Config":
    """Return Alembic's configuration for the migrations of this package."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    return config


def _is_latest(database: Database) -> bool:
    with database.read() as connection:
        version = migration_of(connection)
    if version is not None and version > LATEST_MIGRATION:
        raise SettingsIncomplete(
            f"the database is at migration {version}, newer than this release"
            f" ({LATEST_MIGRATION}); update countersign"
        )
    return version == LATEST_MIGRATION


def _upgrade(connection: Connection, before: str | None) -> None:
    # Imported here: alembic costs most of a second, and most starts do not need it.
    from alembic import command

    command.upgrade(configuration(connection), "head")
    if before is None:
        return
    if before < DERIVED_ANEW_AT:
        rewrite_derived_rows(connection)
