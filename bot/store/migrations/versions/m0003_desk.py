"""The desk: its controls, lists of cases, live lists, questions.

The new columns are filled by ``bot.store.derived`` after the last migration, by the rules of the
release that upgrades.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _columns()
    _tables()


def _columns() -> None:
    text, number = sa.Text, sa.Float
    empty: dict[str, Any] = {"nullable": False, "server_default": ""}
    nought: dict[str, Any] = {"nullable": False, "server_default": "0"}
    for name in ("channel", "waits_on", "words"):
        op.add_column("cases", sa.Column(name, text, **empty))
    for name in ("rank", "decide_by", "opened_at"):
        op.add_column("cases", sa.Column(name, number, **nought))
    for name in ("stake", "decided_at", "ended_at", "undo_until"):
        op.add_column("cases", sa.Column(name, number))
    op.create_index("cases_by_channel", "cases", ["channel", "state", "rank"])
    op.create_index("cases_by_rank", "cases", ["state", "rank"])
    op.create_index("cases_by_opening", "cases", ["opened_at"])
    op.create_index("cases_by_end", "cases", ["ended_at", "rank"])
    op.add_column("effects", sa.Column("at", number, **nought))
    op.add_column("effects", sa.Column("outcome", text, **empty))
    op.create_index("effects_by_action", "effects", ["action", "at"])
    op.add_column("inbox", sa.Column("fingerprint", text, **empty))
    op.create_index("inbox_by_fingerprint", "inbox", ["fingerprint", "received_at"])
    op.create_index("cards_by_place", "cards", ["channel", "ts"])
    op.add_column("cards", sa.Column("look", text, **empty))


def _tables() -> None:
    text, number = sa.Text, sa.Float
    op.create_table(
        "standing",
        sa.Column("name", text, primary_key=True),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("body", text, nullable=False),
    )
    op.execute("INSERT INTO standing (name, version, body) VALUES ('desk', 0, '')")
    op.create_table(
        "named",
        *(sa.Column(name, text, nullable=False) for name in ("person", "case_id")),
        sa.PrimaryKeyConstraint("person", "case_id"),
    )
    op.create_table(
        "boards",
        sa.Column("key", text, primary_key=True),
        *(sa.Column(name, text, nullable=False) for name in ("place", "ts", "body")),
        sa.Column("shown_at", number, nullable=False),
    )
    op.create_table(
        "listed",
        *(sa.Column(name, text, nullable=False) for name in ("case_id", "board")),
        sa.PrimaryKeyConstraint("case_id", "board"),
    )
    op.create_index("listed_by_board", "listed", ["board"])
    op.create_table(
        "questions",
        sa.Column("id", text, primary_key=True),
        sa.Column("asked_at", number, nullable=False),
        *(
            sa.Column(name, text, nullable=False)
            for name in ("person", "text", "understood", "vote")
        ),
    )
    op.create_index("questions_by_time", "questions", ["asked_at"])


def downgrade() -> None:
    raise NotImplementedError(
        "a ledger only grows; restore the backup that was made before the upgrade"
    )
