"""Erasures of persons, and a ledger that one under way may redact.

The database itself refuses every other change of the ledger, as before. An erasure changes what
stands in a line, and neither its place nor its leaf nor its link.
"""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

SQLITE = (
    "DROP TRIGGER ledger_no_update",
    """CREATE TRIGGER ledger_no_update BEFORE UPDATE ON ledger
       WHEN NEW.seq IS NOT OLD.seq OR NEW.case_id IS NOT OLD.case_id
         OR NEW.version IS NOT OLD.version OR NEW.leaf IS NOT OLD.leaf
         OR NEW.chain IS NOT OLD.chain
         OR NOT EXISTS (SELECT 1 FROM erasures WHERE state = 'running')
       BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END""",
)
POSTGRES = (
    """CREATE OR REPLACE FUNCTION ledger_changes_by_erasure() RETURNS trigger LANGUAGE plpgsql AS
       $$ BEGIN
            IF TG_OP = 'UPDATE'
              AND (NEW.seq, NEW.case_id, NEW.version, NEW.leaf, NEW.chain)
                = (OLD.seq, OLD.case_id, OLD.version, OLD.leaf, OLD.chain)
              AND EXISTS (SELECT 1 FROM erasures WHERE state = 'running') THEN
              RETURN NEW;
            END IF;
            RAISE EXCEPTION 'the ledger is append-only';
          END $$""",
    "DROP TRIGGER ledger_no_change ON ledger",
    """CREATE TRIGGER ledger_no_change BEFORE UPDATE OR DELETE ON ledger
       FOR EACH ROW EXECUTE FUNCTION ledger_changes_by_erasure()""",
)


def upgrade() -> None:
    op.create_table(
        "erasures",
        sa.Column("label", sa.Text, primary_key=True),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("terms", sa.Text, nullable=False),
        sa.Column("begun_at", sa.Float, nullable=False),
    )
    is_sqlite = op.get_bind().dialect.name == "sqlite"
    for statement in SQLITE if is_sqlite else POSTGRES:
        op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError(
        "a ledger only grows; restore the backup that was made before the upgrade"
    )
