"""Databases made what they were before a migration."""

import sqlalchemy as sa

from bot.store.migrations.versions import m0009_tallies as migration
from bot.store.migrations.versions import m0017_erasures

INDEXES = (
    "cases_by_question",
    "ended_by_opening",
    "ended_by_decision",
    "ended_by_kind",
    "cases_by_decision",
    "cases_by_kind",
    "boards_by_prefix",
    "named_by_channel",
    "named_by_number",
)


def take_back_0016(connection: sa.Connection) -> None:
    """Take back all that the migration to 0016 changes, and what came after it."""
    take_back_0017(connection)
    connection.execute(sa.text("DROP TABLE pinned_names"))
    connection.execute(sa.text("UPDATE alembic_version SET version_num = '0015'"))


def take_back_0017(connection: sa.Connection) -> None:
    """Take back all that the migration to 0017 changes, but for what the database refuses."""
    take_back_0018(connection)
    if connection.dialect.name == "sqlite":
        # SQLite checks what triggers name whenever a table changes.
        connection.execute(sa.text("DROP TRIGGER ledger_no_update"))
        connection.execute(
            sa.text(
                "CREATE TRIGGER ledger_no_update BEFORE UPDATE ON ledger"
                " BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END"
            )
        )
    connection.execute(sa.text("DROP TABLE erasures"))
    connection.execute(sa.text("UPDATE alembic_version SET version_num = '0016'"))


def take_back_0018(connection: sa.Connection) -> None:
    """Take back the tables of the migration to 0018; its trigger refuses less than that before."""
    take_back_0019(connection)
    if connection.dialect.name == "sqlite":
        # SQLite checks what triggers name whenever a table changes.
        connection.execute(sa.text("DROP TRIGGER ledger_no_update"))
        for statement in m0017_erasures.SQLITE[1:]:
            connection.execute(sa.text(statement))
    else:
        connection.execute(sa.text(m0017_erasures.POSTGRES[0]))
    connection.execute(sa.text("DROP TABLE removals"))
    connection.execute(sa.text("DROP TABLE removed_cases"))
    connection.execute(sa.text("UPDATE alembic_version SET version_num = '0017'"))


def take_back_0019(connection: sa.Connection) -> None:
    """Take back all that the migration to 0019 changes, and what came after it."""
    connection.execute(sa.text("DROP TABLE migrations"))
    connection.execute(sa.text("UPDATE alembic_version SET version_num = '0018'"))


def take_back_0015(connection: sa.Connection) -> None:
    """Take back all that the migration to 0015 changes, and what came after it."""
    take_back_0016(connection)
    connection.execute(sa.text("DROP TABLE ignored_requests"))
    connection.execute(sa.text("UPDATE alembic_version SET version_num = '0014'"))


def take_back_0014(connection: sa.Connection) -> None:
    """Take back all that the migration to 0014 changes, and what came after it."""
    take_back_0015(connection)
    connection.execute(sa.text("DROP TABLE details_openings"))
    connection.execute(sa.text("UPDATE alembic_version SET version_num = '0013'"))


def take_back_0013(connection: sa.Connection) -> None:
    """Take back all that the migration to 0013 changes, and what came after it."""
    take_back_0014(connection)
    connection.execute(sa.text("ALTER TABLE effects DROP COLUMN rule_id"))
    connection.execute(sa.text("UPDATE alembic_version SET version_num = '0012'"))


def take_back_0012(connection: sa.Connection) -> None:
    """Take back all that the migration to 0012 changes, and what came after it."""
    take_back_0013(connection)
    connection.execute(sa.text("ALTER TABLE effects DROP COLUMN grant_id"))
    connection.execute(sa.text("UPDATE alembic_version SET version_num = '0011'"))


def take_back_0011(connection: sa.Connection) -> None:
    """Take back all that the migration to 0011 changes, and what came after it."""
    take_back_0012(connection)
    for name in ("requester", "currency"):
        connection.execute(sa.text(f"ALTER TABLE effects DROP COLUMN {name}"))
    connection.execute(sa.text("CREATE INDEX effects_by_day ON effects (day)"))
    connection.execute(sa.text("UPDATE alembic_version SET version_num = '0010'"))


def take_back_0010(connection: sa.Connection) -> None:
    """Take back all that the migration to 0010 changes, and what came after it."""
    take_back_0011(connection)
    connection.execute(sa.text("DROP TABLE decision_scores"))
    connection.execute(sa.text("ALTER TABLE effects DROP COLUMN alone_kind"))
    connection.execute(sa.text("UPDATE alembic_version SET version_num = '0009'"))


def take_back_0009(connection: sa.Connection) -> None:
    """Take back all that the migration to 0009 changes, and what came after it."""
    take_back_0010(connection)
    connection.execute(sa.text("DROP TABLE case_tallies"))
    for name in INDEXES:
        connection.execute(sa.text(f"DROP INDEX IF EXISTS {name}"))
    for name in migration.NEW_QUESTION_COLUMNS:
        connection.execute(sa.text(f"ALTER TABLE cases DROP COLUMN {name}"))
    for name in ("channel", "number"):
        connection.execute(sa.text(f"ALTER TABLE named DROP COLUMN {name}"))
    connection.execute(sa.text("CREATE INDEX cases_by_channel ON cases (channel, state, rank)"))
    if connection.dialect.name == "sqlite":
        columns = ", ".join(migration.QUESTION_COLUMNS)
        connection.execute(sa.text(f"CREATE INDEX cases_by_question ON cases ({columns})"))
    connection.execute(sa.text("UPDATE alembic_version SET version_num = '0008'"))
