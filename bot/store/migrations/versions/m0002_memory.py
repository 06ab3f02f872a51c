"""Precedents, labels, and the counter by which an index catches up."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    text = sa.Text
    op.create_table(
        "precedents",
        sa.Column("id", text, primary_key=True),
        sa.Column("seq", sa.BigInteger, nullable=False),
        *(sa.Column(name, text, nullable=False) for name in ("kind", "case_id", "batch", "digest")),
        sa.Column("is_gone", sa.Integer, nullable=False),
        sa.Column("ended_at", sa.Float, nullable=False),
        sa.Column("body", text, nullable=False),
    )
    op.create_index("precedents_by_seq", "precedents", ["seq"])
    op.create_index("precedents_by_batch", "precedents", ["batch"])
    op.create_index("precedents_by_kind", "precedents", ["kind", "ended_at"])
    op.create_table(
        "labels",
        sa.Column("case_id", text, primary_key=True),
        sa.Column("kind", text, nullable=False),
        sa.Column("body", text, nullable=False),
    )
    op.execute("INSERT INTO heads (name, number, chain, peaks) VALUES ('memory', 0, '', '[]')")


def downgrade() -> None:
    raise NotImplementedError(
        "memory is dropped by hand and made again with `countersign memory rebuild`"
    )
