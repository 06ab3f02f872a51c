"""Scores of decisions, and a mark for steps that ran alone.

The scores follow from the ledger and are written after this one.
"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

TEXTS = ("action", "kind", "stage", "bad_outcome", "bad_reason")
FLAGS = ("is_alone", "is_comparable", "action_agrees", "parameters_agree")


def upgrade() -> None:
    op.create_table(
        "decision_scores",
        sa.Column("case_id", sa.Text, nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        *(sa.Column(name, sa.Text, nullable=False) for name in TEXTS),
        *(sa.Column(name, sa.Integer, nullable=False) for name in FLAGS),
        sa.Column("decided_at", sa.Float, nullable=False),
        sa.Column("bad_at", sa.Float),
        sa.PrimaryKeyConstraint("case_id", "revision", "action"),
    )
    by_action = ["kind", "action", "decided_at"]
    op.create_index("decision_scores_by_action", "decision_scores", by_action)
    alone_kind = sa.Column("alone_kind", sa.Text, nullable=False, server_default="")
    op.add_column("effects", alone_kind)


def downgrade() -> None:
    raise NotImplementedError(
        "a ledger only grows; restore the backup that was made before the upgrade"
    )
