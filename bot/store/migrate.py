"""Bring a database to the schema of this release."""

from pathlib import Path

from bot.cases.errors import SettingsIncomplete
from bot.store.database import Database
from bot.store.unit import LATEST_MIGRATION, migration_of


def migrate(database: Database) -> None:
    """Run what migrations are missing; a database that is up to date costs one SELECT."""
    with database.read() as connection:
        at = migration_of(connection)
    if at == LATEST_MIGRATION:
        return
    if at is not None and at > LATEST_MIGRATION:
        raise SettingsIncomplete(
            f"the database is at migration {at}, newer than this release ({LATEST_MIGRATION}); update countersign"
        )
    # Imported here: alembic costs most of a second, and most starts do not need it.
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    with database.engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
