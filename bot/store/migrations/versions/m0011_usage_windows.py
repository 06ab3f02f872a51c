"""Requester and currency of each effect, for limits over windows.

What was begun before this has neither until it leaves the windows: there was one currency, and no
limit by requester. Nothing counts by calendar day any more.
"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for name in ("requester", "currency"):
        op.add_column("effects", sa.Column(name, sa.Text, nullable=False, server_default=""))
    op.drop_index("effects_by_day", "effects")


def downgrade() -> None:
    raise NotImplementedError(
        "a ledger only grows; restore the backup that was made before the upgrade"
    )
