"""Daily tallies of ended cases, and columns that digests and reviews read.

They follow from the stored cases and are filled after this one, page by page. A party to a case is
recorded with its channel and number, so that nobody's own cases are read all.
"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

CASE_TEXTS = ("moved_currency", "agreement")
CASE_NUMBERS = ("is_escalated", "is_reopened", "is_undone", "is_named", "inquiry_count")
#: The columns of the index ``cases_by_question`` before this one.
QUESTION_COLUMNS = (
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
NEW_QUESTION_COLUMNS = (
    "moved_cents",
    "moved_currency",
    "agreement",
    "is_escalated",
    "is_reopened",
    "is_undone",
    "is_named",
    "inquiry_count",
)
#: What questions about ended cases ask for, on SQLite.
ENDED_COLUMNS = (
    "ended_at",
    "rank",
    "decided_at",
    "number",
    "id",
    "channel",
    "kind",
    "state",
    "source",
    "owner",
    "team",
    "decision",
    "deciders",
    "is_edited",
    "is_automatic",
    "risk",
    "currency",
    "stake_cents",
)
HAS_ENDED = sa.text("ended_at IS NOT NULL")


def upgrade() -> None:
    op.add_column("cases", sa.Column("moved_cents", sa.BigInteger))
    for name in CASE_TEXTS:
        op.add_column("cases", sa.Column(name, sa.Text, nullable=False, server_default=""))
    for name in CASE_NUMBERS:
        op.add_column("cases", sa.Column(name, sa.Integer, nullable=False, server_default="0"))
    create_indexes(is_sqlite=op.get_bind().dialect.name == "sqlite")
    op.add_column("named", sa.Column("channel", sa.Text, nullable=False, server_default=""))
    op.add_column("named", sa.Column("number", sa.BigInteger, nullable=False, server_default="0"))
    op.create_index("named_by_channel", "named", ["person", "channel", "case_id"])
    op.create_index("named_by_number", "named", ["person", "number"])
    create_tallies()


def create_indexes(*, is_sqlite: bool) -> None:
    """Index the ended cases by their properties, and lists by prefix."""
    # Most cases are in a few channels: a search by this index reads more rows than others do.
    op.drop_index("cases_by_channel", "cases")
    if is_sqlite:
        op.drop_index("cases_by_question", "cases")
        op.create_index("cases_by_question", "cases", [*QUESTION_COLUMNS, *NEW_QUESTION_COLUMNS])
        opening = ["opened_at", *ENDED_COLUMNS, "decision_at"]
        decision = ["decision_at", *ENDED_COLUMNS, "opened_at"]
        op.create_index("ended_by_opening", "cases", opening, sqlite_where=HAS_ENDED)
        op.create_index("ended_by_decision", "cases", decision, sqlite_where=HAS_ENDED)
        kind = ["kind", "ended_at", "number"]
        op.create_index("ended_by_kind", "cases", kind, sqlite_where=HAS_ENDED)
    else:
        op.create_index("cases_by_decision", "cases", ["decision_at"], postgresql_where=HAS_ENDED)
        op.create_index("cases_by_kind", "cases", ["kind", "ended_at"])
    prefix = {"key": "text_pattern_ops"}
    op.create_index("boards_by_prefix", "boards", ["key", "shown_at"], postgresql_ops=prefix)


def create_tallies() -> None:
    """Create the table of tallies; SQLite orders it by its key."""
    texts = ("channel", "kind", "source", "state", "decision", "deciders", "currency")
    numbers = ("risk", "is_automatic", "is_edited")
    op.create_table(
        "case_tallies",
        sa.Column("event", sa.Text, nullable=False),
        sa.Column("day", sa.Integer, nullable=False),
        sa.Column("id", sa.Text, nullable=False),
        *(sa.Column(name, sa.Text, nullable=False) for name in texts),
        *(sa.Column(name, sa.Integer, nullable=False) for name in numbers),
        sa.Column("cases", sa.BigInteger, nullable=False),
        sa.Column("stake_cents", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("event", "day", "id"),
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    raise NotImplementedError(
        "a ledger only grows; restore the backup that was made before the upgrade"
    )
