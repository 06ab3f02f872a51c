"""The source joins the fingerprint.

Cases in flight keep the source that opened them.
"""

import hashlib
import json
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

SIGNALS = ("case.opened", "signal.recurred", "signal.cleared", "signal.marked_clear")
PAGE = 2_000


def upgrade() -> None:
    connection = op.get_bind()
    # What a fingerprint of before stood for, so that all-clears that met no case are known too.
    meanings: dict[str, tuple[str, str]] = {}
    for page in _signal_entries(connection):
        rows = []
        for entry in page:
            signal = entry["body"]["signal"]
            what = (signal["kind"], signal["group"] or signal["subject"])
            fingerprint = _digest([signal["source"], *what])
            meanings[_digest(list(what))] = what
            rows.append(
                {"source": signal["source"], "key": signal["key"], "fingerprint": fingerprint}
            )
            if entry["type"] == "case.opened":
                _mark_case(connection, entry["case"], fingerprint)
        _mark_inbox(connection, rows)
    _mark_inbox(connection, list(_without_case(connection, meanings)))


def _signal_entries(connection: sa.Connection) -> Iterator[list[dict[str, Any]]]:
    query = sa.text("SELECT seq, body FROM ledger WHERE seq > :after ORDER BY seq LIMIT :page")
    after = 0
    while rows := connection.execute(query, {"after": after, "page": PAGE}).all():
        entries = [json.loads(bytes(row.body)) for row in rows]
        yield [entry for entry in entries if entry["type"] in SIGNALS]
        after = rows[-1].seq


def _mark_case(connection: sa.Connection, case_id: str, fingerprint: str) -> None:
    body = connection.execute(
        sa.text("SELECT body FROM cases WHERE id = :id"), {"id": case_id}
    ).scalar()
    if body is None:
        return
    case = {**json.loads(body), "fingerprint": fingerprint}
    values = {"id": case_id, "fingerprint": fingerprint, "body": _json(case)}
    connection.execute(
        sa.text("UPDATE cases SET fingerprint = :fingerprint, body = :body WHERE id = :id"), values
    )


def _without_case(
    connection: sa.Connection, meanings: dict[str, tuple[str, str]]
) -> Iterator[dict[str, str]]:
    query = sa.text("SELECT source, key, fingerprint FROM inbox WHERE case_id IS NULL")
    for row in connection.execute(query).all():
        if row.fingerprint in meanings:
            fingerprint = _digest([row.source, *meanings[row.fingerprint]])
            yield {"source": row.source, "key": row.key, "fingerprint": fingerprint}


def _mark_inbox(connection: sa.Connection, rows: list[dict[str, str]]) -> None:
    if rows:
        update = sa.text(
            "UPDATE inbox SET fingerprint = :fingerprint WHERE source = :source AND key = :key"
        )
        connection.execute(update, rows)


def _digest(parts: list[str]) -> str:
    return hashlib.sha256(_json(parts).encode()).hexdigest()


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def downgrade() -> None:
    raise NotImplementedError(
        "a ledger only grows; restore the backup that was made before the upgrade"
    )
