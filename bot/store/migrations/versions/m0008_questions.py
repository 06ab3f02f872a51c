"""Columns that questions ask for, and how questions were answered.

The columns of cases follow from the ledger and are filled after this one, as after ``m0005``.

SQLite reads a row from its beginning, and a long one page by page. There the table is written
again with its long texts last, so that a question reads the short columns alone.
"""

from typing import Any

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
# Everything but the long texts: SQLite answers a question from this index alone.
SHORT_COLUMNS = (
    "ended_at",
    "rank",
    "number",
    "id",
    "channel",
    "state",
    "kind",
    "source",
    "owner",
    "team",
    "waits_on",
    "stake_cents",
    "currency",
    "opened_at",
    "decide_by",
    "expires_at",
    "decided_at",
    "decision",
    "decision_at",
    "deciders",
    "is_edited",
    "approvers",
    "approvals_needed",
    "approvals_given",
    "actions",
    "authors",
    "voters",
    "requesters",
    "risk",
    "is_automatic",
)
# From the shortest to the longest.
LONG_TEXTS = ("fingerprint", "names", "words", "body")


def upgrade() -> None:
    for name in CASE_TEXTS:
        op.add_column("cases", sa.Column(name, sa.Text, nullable=False, server_default=""))
    for name in CASE_NUMBERS:
        op.add_column("cases", sa.Column(name, sa.Integer, nullable=False, server_default="0"))
    for name in CASE_TIMES:
        op.add_column("cases", sa.Column(name, sa.Float))
    op.add_column("cases", sa.Column("stake_cents", sa.BigInteger))
    if op.get_bind().dialect.name == "sqlite":
        move_long_texts_last()
        # PostgreSQL refuses a row whose part in an index is long, and needs no such index.
        op.create_index("cases_by_question", "cases", list(SHORT_COLUMNS))
    for name in QUESTION_TEXTS:
        op.add_column("questions", sa.Column(name, sa.Text, nullable=False, server_default=""))
    op.create_index(
        "questions_by_conversation", "questions", ["person", "conversation", "asked_at"]
    )


def move_long_texts_last() -> None:
    """Write the table ``cases`` again in the order of its columns' lengths."""
    connection = op.get_bind()
    before = sa.Table("cases", sa.MetaData(), autoload_with=connection)
    names = [column.name for column in before.columns if column.name not in LONG_TEXTS]
    names += LONG_TEXTS
    after = sa.Table(
        "cases_in_order",
        sa.MetaData(),
        *(_copy_column(before.columns[name]) for name in names),
        sa.UniqueConstraint("number"),
    )
    for index in before.indexes:
        op.drop_index(str(index.name), "cases")
    after.create(connection)
    connection.execute(
        sa.insert(after).from_select(
            names, sa.select(*(before.columns[name] for name in names)).order_by(before.c.number)
        )
    )
    op.drop_table("cases")
    op.rename_table("cases_in_order", "cases")
    for index in before.indexes:
        op.create_index(str(index.name), "cases", [column.name for column in index.columns])


def _copy_column(column: "sa.Column[Any]") -> "sa.Column[Any]":
    return sa.Column(
        column.name,
        column.type,
        primary_key=column.primary_key,
        nullable=column.nullable,
        server_default=column.server_default,
    )


def downgrade() -> None:
    raise NotImplementedError(
        "a ledger only grows; restore the backup that was made before the upgrade"
    )
