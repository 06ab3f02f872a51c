"""Migrate each database whose URL comes as an argument, as a later release would.

It has a migration more, and a projection with a column that no release so far has heard of. In a
process of its own: SQLAlchemy's tables cannot be made what they were.
"""

import sys
import tempfile
from pathlib import Path

import sqlalchemy as sa

import bot.store.migrations.versions
from bot.store import derived, projection, tables
from bot.store import migrate as subject
from bot.store.database import Database

MIGRATION = '''"""A mood of each case, and of each effect."""
import sqlalchemy as sa
from alembic import op
revision, down_revision, branch_labels, depends_on = "9999", "%s", None, None
readable_from = "%s"
def upgrade():
    for name in ("cases", "effects"):
        op.add_column(name, sa.Column("mood", sa.Text, nullable=False, server_default=""))
    op.create_table("moods", sa.Column("name", sa.Text, primary_key=True))
'''
VERSIONS = Path(bot.store.migrations.versions.__file__).parent
todays_configuration = subject.configuration
todays_row = projection.case_row


def row_with_mood(case):
    return {**todays_row(case), "mood": f"calm {case.id}"}


def become_later(folder: Path) -> None:
    """Change this process into one of the later release."""
    latest = subject.LATEST_MIGRATION
    (folder / "m9999_mood.py").write_text(MIGRATION % (latest, latest))

    def configuration(connection):
        config = todays_configuration(connection)
        config.set_main_option("path_separator", "newline")
        config.set_main_option("version_locations", f"{VERSIONS}\n{folder}")
        return config

    subject.configuration = configuration
    subject.LATEST_MIGRATION = "9999"
    # The later release derives its column for all cases, however old the database is.
    subject.DERIVED_ANEW_AT = "9999"
    projection.case_row = row_with_mood
    derived.case_row = row_with_mood
    for table in (tables.cases, tables.effects):
        table.append_column(sa.Column("mood", sa.Text, nullable=False, server_default=""))


def moods_of(database: Database) -> str:
    """Say the migration of a database, and the mood of each of its cases."""
    with database.read() as connection:
        columns = sa.select(tables.cases.c.id, tables.cases.c.mood)
        rows = connection.execute(columns.order_by(tables.cases.c.number)).all()
        version = subject.migration_of(connection)
    return " ".join([version, *(f"{row.id}={row.mood}" for row in rows)])


def work_on(url: str) -> None:
    """Do what each line of standing input says, as a process of the later release."""
    from bot.store.store import Store
    from tests.world import World

    database = Database(url)
    subject.migrate(database)
    world = World(Store.over(database))
    print("ready", flush=True)
    for line in sys.stdin:
        command, _, subject_or_case = line.strip().partition(" ")
        match command:
            case "receive":
                answer = world.receive(world.signal(subject_or_case, key=f"later {line}")).case_id
            case "approve":
                answer = world.approve(world.store.cases.case(subject_or_case)).state.value
            case "work":
                world.work()
                answer = "done"
            case "derive":
                subject.derive_anew(database)
                answer = "done"
            case _:
                answer = moods_of(database)
        print(answer, flush=True)
    database.close()


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        become_later(Path(folder))
        if sys.argv[1] == "--work-on":
            work_on(sys.argv[2])
            return
        for url in sys.argv[1:]:
            database = Database(url)
            subject.migrate(database)
            print(moods_of(database), flush=True)
            database.close()


if __name__ == "__main__":
    main()
