"""Readers of each migration: releases that may use the database after it.

A release that finds a later migration than its own asks this table whether it may go on. Each
migration from this one on names, as ``readable_from``, the oldest migration whose release its
changes leave at work; ``migrate`` writes it down when the migration has run.
"""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

# Every migration since then has only added.
readable_from = "0015"


def upgrade() -> None:
    op.create_table(
        "migrations",
        sa.Column("revision", sa.Text, primary_key=True),
        sa.Column("readable_from", sa.Text, nullable=False),
    )


def downgrade() -> None:
    raise NotImplementedError(
        "a ledger only grows; restore the backup that was made before the upgrade"
    )
