"""No change of the schema.

What follows from the ledger is written again after this one, by the release that runs it.
"""

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Change nothing; ``bot.store.migrate`` sees that the database was older."""


def downgrade() -> None:
    raise NotImplementedError(
        "a ledger only grows; restore the backup that was made before the upgrade"
    )
