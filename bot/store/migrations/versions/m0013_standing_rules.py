"""The standing rule by which each effect was begun.

What was begun before this ran by none.
"""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("effects", sa.Column("rule_id", sa.Text, nullable=False, server_default=""))


def downgrade() -> None:
    raise NotImplementedError(
        "a ledger only grows; restore the backup that was made before the upgrade"
    )
