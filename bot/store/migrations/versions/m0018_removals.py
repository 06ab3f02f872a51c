"""Runs that remove what is past its term, and their cases.

As with an erasure, the database lets a line of the ledger say something else only within the
transaction of such a run that binds it. It refuses every other change of the ledger, as before.
"""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

SQLITE = (
    "DROP TRIGGER ledger_no_update",
    """CREATE TRIGGER ledger_no_update BEFORE UPDATE ON ledger
       WHEN NEW.seq IS NOT OLD.seq OR NEW.case_id IS NOT OLD.case_id
         OR NEW.version IS NOT OLD.version OR NEW.leaf IS NOT OLD.leaf
         OR NEW.chain IS NOT OLD.chain
         OR NOT (EXISTS (SELECT 1 FROM erasures WHERE state = 'running')
              OR EXISTS (SELECT 1 FROM removals WHERE state = 'writing'))
       BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END""",
)
POSTGRES = (
    """CREATE OR REPLACE FUNCTION ledger_changes_by_erasure() RETURNS trigger LANGUAGE plpgsql AS
       $$ BEGIN
            IF TG_OP = 'UPDATE'
              AND (NEW.seq, NEW.case_id, NEW.version, NEW.leaf, NEW.chain)
                = (OLD.seq, OLD.case_id, OLD.version, OLD.leaf, OLD.chain)
              AND (EXISTS (SELECT 1 FROM erasures WHERE state = 'running')
                OR EXISTS (SELECT 1 FROM removals WHERE state = 'writing')) THEN
              RETURN NEW;
            END IF;
            RAISE EXCEPTION 'the ledger is append-only';
          END $$""",
)


def upgrade() -> None:
    op.create_table(
        "removals",
        sa.Column("run", sa.Text, primary_key=True),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("counts", sa.Text, nullable=False),
        sa.Column("begun_at", sa.Float, nullable=False),
    )
    op.create_table(
        "removed_cases",
        sa.Column("case_id", sa.Text, primary_key=True),
        sa.Column("run", sa.Text, nullable=False),
    )
    is_sqlite = op.get_bind().dialect.name == "sqlite"
    for statement in SQLITE if is_sqlite else POSTGRES:
        op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError(
        "a ledger only grows; restore the backup that was made before the upgrade"
    )
