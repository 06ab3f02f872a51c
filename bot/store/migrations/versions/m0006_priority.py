"""An outbox message has a priority: the lower number goes first."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # What waits keeps its time. An earlier release moved urgent messages to an earlier one.
    op.add_column("outbox", sa.Column("priority", sa.Integer, nullable=False, server_default="0"))
    op.drop_index("outbox_by_due", "outbox")
    op.create_index("outbox_by_due", "outbox", ["state", "topic", "run_at", "priority"])


def downgrade() -> None:
    raise NotImplementedError(
        "a ledger only grows; restore the backup that was made before the upgrade"
    )
