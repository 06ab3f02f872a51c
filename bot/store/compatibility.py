"""Tell which releases may use a database: its own and earlier ones.

Migrations only add, so that the release before can go on, and be started again. The database says
how far back that holds: an earlier release cannot know what a later one has changed.
"""

from collections.abc import Iterable, Mapping

from sqlalchemy import Connection, select

from bot.cases.errors import SettingsIncomplete
from bot.store import tables
from bot.store.dialects import insert_or_ignore

#: The first release that asks the database whether it may use one that is newer.
FIRST_TO_ASK = "0019"
_READERS = select(tables.migrations.c.revision, tables.migrations.c.readable_from)
_RECORD_READERS = insert_or_ignore(tables.migrations)


def oldest_reader(connection: Connection, migration: str) -> str | None:
    """Return the oldest migration whose release may use this database.

    None where the database does not say.
    """
    if not connection.dialect.has_table(connection, tables.migrations.name):
        return None
    readers = {row.revision: row.readable_from for row in connection.execute(_READERS)}
    # Whoever has changed the schema by other means has not said for whom.
    return joint_reader(readers.values()) if migration in readers else None


def must_be_readable(connection: Connection, *, migration: str, release: str) -> None:
    """Refuse a newer database that this release could not use without harm.

    Raises:
        SettingsIncomplete: it is beyond this release.
    """
    oldest = oldest_reader(connection, migration)
    if oldest is not None and oldest <= release:
        return
    limit = f"which only releases from migration {oldest} on can use; " if oldest else ""
    raise SettingsIncomplete(
        f"the database is at migration {migration}, newer than this release ({release}), {limit}"
        "update countersign, or restore the backup that was made before the upgrade"
    )


def record_readers(connection: Connection, readers: Mapping[str, str]) -> None:
    """Write down which releases each migration leaves at work."""
    rows = [{"revision": name, "readable_from": oldest} for name, oldest in readers.items()]
    if rows:
        connection.execute(_RECORD_READERS.on(connection), rows)


def joint_reader(readers: Iterable[str]) -> str:
    """Return the oldest migration whose release all of these allow."""
    return max(readers, default="")
