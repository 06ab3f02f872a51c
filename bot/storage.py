"""Open the store that the settings name.

Apart from the wiring: a command that only reads the store starts without Slack and the models.
"""

from contextlib import closing

from bot.cases.errors import SettingsIncomplete
from bot.settings import Settings
from bot.store.database import Database
from bot.store.migrate import is_latest, migrate, must_be_migrated
from bot.store.store import Store


def open_database(settings: Settings) -> Database:
    """Open the database as it stands, of whatever release it is."""
    # Signing key and database are in it: nobody else reads it.
    settings.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    return Database(settings.database_url)


def must_migrate(settings: Settings) -> bool:
    """Tell whether opening the store would migrate it.

    Raises:
        SettingsIncomplete: the database is of a newer release, or does not say.
    """
    with closing(open_database(settings)) as database:
        return not is_latest(database)


def open_store(settings: Settings) -> Store:
    """Open the store and bring it to the latest migration."""
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
