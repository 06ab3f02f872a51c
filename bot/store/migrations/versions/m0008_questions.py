"""Cases have the columns that questions ask for, and questions keep how they were answered.

The columns of cases follow from the ledger and are filled after this one, as after ``m0005``.
"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

CASE_TEXTS = (
    "team",
    "currency",
    "decision",
    "deciders",
    "approvers",
    "actions",
    "authors",
    "voters",
    "requesters",
    "names",
)
CASE_NUMBERS = ("is_edited", "approvals_needed", "approvals_given", "risk", "is_automatic")
CASE_TIMES = ("expires_at", "decision_at")
QUESTION_TEXTS = (
    "conversation",
    "query",
    "case_ids",
    "alternatives",
    "left_aside",
    "choice",
)


def upgrade() -> None:
    for name in CASE_TEXTS:
        op.add_column("cases", sa.Column(name, sa.Text, nullable=False, server_default=""))
    for name in CASE_NUMBERS:
        op.add_column("cases", sa.Column(name, sa.Integer, nullable=False, server_default="0"))
    for name in CASE_TIMES:
        op.add_column("cases", sa.Column(name, sa.Float))
    op.add_column("cases", sa.Column("stake_cents", sa.BigInteger))
    for name in QUESTION_TEXTS:
        op.add_column("questions", sa.Column(name, sa.Text, nullable=False, server_default=""))
    op.create_index(
        "questions_by_conversation", "questions", ["person", "conversation", "asked_at"]
    )


def downgrade() -> None:
    raise NotImplementedError(
        "a ledger only grows; restore the backup that was made before the upgrade"
    )
