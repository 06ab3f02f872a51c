"""Kinds named again: a person may name another while a plan waits.

No table changes. But releases before this one know no such entry of a case with a plan, and no
label that says what recognition had named: they would stop at the case, and at their training.
"""

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

readable_from = "0020"


def upgrade() -> None:
    """Change no table."""


def downgrade() -> None:
    raise NotImplementedError(
        "a ledger only grows; restore the backup that was made before the upgrade"
    )
