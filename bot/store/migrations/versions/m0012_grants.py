"""The grant of each effect, so that none is overdrawn.

What was begun before this was approved by people or by policy.
"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("effects", sa.Column("grant_id", sa.Text, nullable=False, server_default=""))


def downgrade() -> None:
    raise NotImplementedError(
        "a ledger only grows; restore the backup that was made before the upgrade"
    )
