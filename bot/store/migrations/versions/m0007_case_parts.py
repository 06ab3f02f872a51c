"""The fields of the stored case stand in parts.

A copy of how the fields were grouped at this release: it must not follow later ones.
"""

import json
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

PAGE_SIZE = 500
#: For each part its fields: the name now, and the name before.
PARTS = {
    "timers": {
        "opened_at": "opened_at",
        "changed_at": "changed_at",
        "sla": "sla",
        "decided_at": "decided_at",
        "cleared_at": "cleared_at",
        "snoozed_until": "snoozed_until",
        "remind_at": "remind_at",
        "reminder_count": "reminded",
        "is_escalated": "escalated",
        "due_at": "due_at",
    },
    "classification": {
        "recognition": "recognition",
        "is_urgent": "is_urgent",
        "named_by": "named_by",
        "is_novel": "is_novel",
    },
    "assessment": {"evidence": "evidence", "what": "what", "why": "why", "stake": "stake"},
    "proposal": {
        "revision": "revision",
        "recommendation": "recommendation",
        "plan": "plan",
        "verdict": "verdict",
        "editors": "editors",
        "changes": "changes",
        "words": "words",
        "approvals": "approvals",
        "step_ups": "step_ups",
        "expires_at": "expires_at",
    },
    "execution": {
        "steps": "steps",
        "undo_until": "undo_until",
        "is_undo_running": "undoing",
        "undo_approvals": "undo_approvals",
    },
    "activity": {
        "status_reason": "ending",
        "drift_reasons": "drifted",
        "reopening_reason": "reopened",
        "signal_count": "count",
        "conflict_count": "conflicts",
        "refusal_count": "refusals",
        "later_requesters": "raised_again",
        "people": "people",
    },
}
cases = sa.table(
    "cases",
    sa.column("id", sa.Text),
    sa.column("number", sa.Integer),
    sa.column("body", sa.Text),
)


def upgrade() -> None:
    """Group the fields of every stored case.

    Also of one that cannot be folded.
    """
    connection = op.get_bind()
    page = (
        sa.select(cases.c.id, cases.c.number, cases.c.body)
        .where(cases.c.number > sa.bindparam("after"))
        .order_by(cases.c.number)
        .limit(PAGE_SIZE)
    )
    store = (
        sa.update(cases)
        .where(cases.c.id == sa.bindparam("of_case"))
        .values(body=sa.bindparam("new_body"))
    )
    after = -1
    while rows := connection.execute(page, {"after": after}).all():
        values = [{"of_case": row.id, "new_body": group_fields(row.body)} for row in rows]
        connection.execute(store, values)
        after = rows[-1].number


def group_fields(body: str) -> str:
    """Return the JSON of a case with its fields in parts."""
    fields: dict[str, Any] = json.loads(body)
    # It is the fingerprint of the signal.
    fields.pop("fingerprint", None)
    parts = {part: _take(fields, names) for part, names in PARTS.items()}
    return json.dumps({**fields, **parts}, ensure_ascii=False, separators=(",", ":"))


def _take(fields: dict[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    # A field that an earlier release did not know has its default.
    return {name: fields.pop(before) for name, before in names.items() if before in fields}


def downgrade() -> None:
    raise NotImplementedError(
        "a ledger only grows; restore the backup that was made before the upgrade"
    )
