"""Inbox, cases, ledger, outbox, effects, cards, ticks.

The database itself keeps the ledger append-only.
"""

import hashlib

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

SQLITE_APPEND_ONLY = (
    """CREATE TRIGGER ledger_no_update BEFORE UPDATE ON ledger
       BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END""",
    """CREATE TRIGGER ledger_no_delete BEFORE DELETE ON ledger
       BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END""",
    # INSERT OR REPLACE fires no DELETE trigger unless recursive_triggers is on, and on a foreign
    # connection it may not be.
    """CREATE TRIGGER ledger_contiguous BEFORE INSERT ON ledger
       WHEN NEW.seq IS NOT (SELECT COALESCE(MAX(seq), 0) + 1 FROM ledger)
         OR EXISTS (SELECT 1 FROM ledger WHERE case_id = NEW.case_id AND version = NEW.version)
       BEGIN SELECT RAISE(ABORT, 'the ledger is append-only: seq must follow the last one'); END""",
)
POSTGRES_APPEND_ONLY = (
    """CREATE FUNCTION ledger_is_append_only() RETURNS trigger LANGUAGE plpgsql AS
       $$ BEGIN RAISE EXCEPTION 'the ledger is append-only'; END $$""",
    """CREATE FUNCTION ledger_is_contiguous() RETURNS trigger LANGUAGE plpgsql AS
       $$ BEGIN
            IF NEW.seq <> (SELECT COALESCE(MAX(seq), 0) + 1 FROM ledger) THEN
              RAISE EXCEPTION 'the ledger is append-only: seq must follow the last one';
            END IF;
            RETURN NEW;
          END $$""",
    """CREATE TRIGGER ledger_no_change BEFORE UPDATE OR DELETE ON ledger
       FOR EACH ROW EXECUTE FUNCTION ledger_is_append_only()""",
    """CREATE TRIGGER ledger_no_truncate BEFORE TRUNCATE ON ledger
       FOR EACH STATEMENT EXECUTE FUNCTION ledger_is_append_only()""",
    """CREATE TRIGGER ledger_contiguous BEFORE INSERT ON ledger
       FOR EACH ROW EXECUTE FUNCTION ledger_is_contiguous()""",
)


def upgrade() -> None:
    text = sa.Text
    op.create_table(
        "heads",
        sa.Column("name", text, primary_key=True),
        sa.Column("number", sa.BigInteger, nullable=False),
        sa.Column("chain", text, nullable=False),
        sa.Column("peaks", text, nullable=False),
    )
    genesis = hashlib.sha256(b"countersign ledger").hexdigest()
    op.execute(
        f"INSERT INTO heads (name, number, chain, peaks) VALUES ('ledger', 0, '{genesis}', '[]'),"
        " ('cases', 0, '', '[]')"
    )
    for name, key in (
        ("inbox", ("source", "key")),
        ("inbox_conflicts", ("source", "key", "digest")),
    ):
        later = (
            [sa.Column("outcome", text, nullable=False), sa.Column("case_id", text)]
            if name == "inbox"
            else []
        )
        op.create_table(
            name,
            sa.Column("source", text, nullable=False),
            sa.Column("key", text, nullable=False),
            sa.Column("digest", text, nullable=False),
            sa.Column("body", sa.LargeBinary, nullable=False),
            sa.Column("received_at", text, nullable=False),
            *later,
            sa.PrimaryKeyConstraint(*key),
        )
    op.create_index("inbox_by_case", "inbox", ["case_id"])
    op.create_table(
        "cases",
        sa.Column("id", text, primary_key=True),
        sa.Column("number", sa.BigInteger, nullable=False, unique=True),
        sa.Column("kind", text, nullable=False),
        sa.Column("source", text, nullable=False),
        sa.Column("state", text, nullable=False),
        sa.Column("fingerprint", text, nullable=False),
        sa.Column("owner", text, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("due_at", sa.Float),
        sa.Column("body", text, nullable=False),
    )
    op.create_index("cases_by_fingerprint", "cases", ["fingerprint", "number"])
    op.create_index("cases_by_state", "cases", ["state", "kind"])
    op.create_index("cases_by_due", "cases", ["due_at"])
    op.create_table(
        "ledger",
        sa.Column("seq", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("case_id", text, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("leaf", text, nullable=False),
        sa.Column("chain", text, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.UniqueConstraint("case_id", "version"),
    )
    op.create_table(
        "outbox",
        sa.Column("key", text, primary_key=True),
        sa.Column("topic", text, nullable=False),
        sa.Column("case_id", text, nullable=False),
        sa.Column("state", text, nullable=False),
        *(
            sa.Column(name, sa.Integer, nullable=False)
            for name in ("wanted", "fence", "attempts", "doubt")
        ),
        sa.Column("run_at", sa.Float, nullable=False),
        sa.Column("payload", text, nullable=False),
        sa.Column("error", text, nullable=False),
    )
    op.create_index("outbox_by_due", "outbox", ["state", "topic", "run_at"])
    op.create_table(
        "effects",
        sa.Column("case_id", text, nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("step", sa.Integer, nullable=False),
        sa.Column("action", text, nullable=False),
        sa.Column("target", text, nullable=False),
        sa.Column("amount", sa.Numeric(20, 4), nullable=False),
        sa.Column("day", text, nullable=False),
        sa.PrimaryKeyConstraint("case_id", "revision", "step"),
    )
    op.create_index("effects_by_day", "effects", ["day"])
    op.create_table(
        "cards",
        sa.Column("case_id", text, nullable=False),
        sa.Column("generation", sa.Integer, nullable=False),
        sa.Column("channel", text, nullable=False),
        sa.Column("ts", text, nullable=False),
        sa.Column("drawn", text, nullable=False),
        sa.PrimaryKeyConstraint("case_id", "generation"),
    )
    op.create_table(
        "ticks",
        sa.Column("job", text, nullable=False),
        sa.Column("slot", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("job", "slot"),
    )
    is_sqlite = op.get_bind().dialect.name == "sqlite"
    for statement in SQLITE_APPEND_ONLY if is_sqlite else POSTGRES_APPEND_ONLY:
        op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError(
        "a ledger is not taken back; restore a backup and verify it against the checkpoints"
    )
