"""Open the store that the settings name.

Apart from the wiring: a command that only reads the store starts without Slack and the models.
"""

from contextlib import closing

from bot.cases.errors import SettingsIncomplete
from bot.settings import Settings, incomplete
from bot.store.database import Database
from bot.store.migrate import migrate, must_be_migrated, usable_version
from bot.store.store import Store

#: A file of the data folder that is there while a backup is being restored.
RESTORE_MARK = "restore-under-way"


def open_database(settings: Settings) -> Database:
    """Open the database as it stands, of whatever release it is."""
    # Signing key and database are in it: nobody else reads it.
    settings.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    return Database(settings.database_url)


def must_migrate(settings: Settings) -> bool:
    """Tell whether opening the store would migrate it.

    Raises:
        SettingsIncomplete: this release may not use the database, it does not say its own, or a
            restoration was interrupted.
    """
    _refuse_half_restored(settings)
    with closing(open_database(settings)) as database:
        return usable_version(database) is None


def open_store(settings: Settings, *, is_restoring: bool = False) -> Store:
    """Open the store and bring it to the latest migration.

    Raises:
        SettingsIncomplete: a restoration was interrupted, so that nothing is paused yet.
    """
    if not is_restoring:
        _refuse_half_restored(settings)
    database = open_database(settings)
    migrate(database)
    return Store.over(database)


def open_reader(settings: Settings) -> Store:
    """Open the store as a role that only reads.

    Raises:
        SettingsIncomplete: the schema is another one.
    """
    database = Database(settings.database_url)
    try:
        must_be_migrated(database)
    except SettingsIncomplete:
        database.close()
        raise
    return Store.over(database)


def _refuse_half_restored(settings: Settings) -> None:
    if (settings.data_dir / RESTORE_MARK).exists():
        raise incomplete(
            ["a restoration was interrupted: run `countersign restore` with the same backup again"]
        )
