"""A case in one person's hands waits on the group that may decide it, too."""

import json

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    wait_on_the_group(op.get_bind())


def wait_on_the_group(connection: sa.Connection) -> None:
    """Name the group beside the person in the queue of cases that need somebody."""
    cases = sa.table("cases", *(sa.column(name, sa.Text) for name in ("id", "state", "body", "waits_on")))
    needing = sa.select(cases.c.id, cases.c.body).where(cases.c.state.in_(["REFERRED", "PARKED"]))
    for row in connection.execute(needing).all():
        case = json.loads(row.body)
        owner, team = case["owner"], case.get("team", "")
        if "/" in owner and ":" not in owner and team:
            statement = sa.update(cases).where(cases.c.id == row.id).values(waits_on=f" {owner} {team} ")
            connection.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("a ledger only grows; restore the backup that was made before the upgrade")
