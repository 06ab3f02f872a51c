"""Bring a database to the schema of this release."""

from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, text

from bot.cases.errors import SettingsIncomplete
from bot.store.database import Database
from bot.store.derived import write_anew
from bot.store.unit_of_work import LATEST_MIGRATION, migration_of

if TYPE_CHECKING:
    from alembic.config import Config

# What an older database derived from its ledger lacks something, or was derived by other rules.
DERIVED_ANEW_AT = "0005"
# Any number will do, as long as every process asks for the same.
_LOCK = text("SELECT pg_advisory_xact_lock(4267360000000001)")


def migrate(database: Database) -> None:
    """Run the missing migrations; a database that is up to date costs one SELECT."""
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
    """Check the schema without changing it: for a role that only reads.

    Raises:
        SettingsIncomplete: the database is of another release.
    """
    if not _is_latest(database):
        raise SettingsIncomplete(
            "the database is of an older release or empty; start `countersign run` of this release once, as the role that writes"
        )


def _is_latest(database: Database) -> bool:
    with database.read() as connection:
        at = migration_of(connection)
    if at is not None and at > LATEST_MIGRATION:
        raise SettingsIncomplete(
            f"the database is at migration {at}, newer than this release ({LATEST_MIGRATION}); update countersign"
        )
    return at == LATEST_MIGRATION


def _upgrade(connection: Connection, before: str | None) -> None:
    # Imported here: alembic costs most of a second, and most starts do not need it.
    from alembic import command

    command.upgrade(configuration(connection), "head")
    if before is not None and before < DERIVED_ANEW_AT:
        write_anew(connection)


def configuration(connection: Connection) -> "Config":
    """Alembic's configuration for the migrations of this package, over this connection."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    return config
