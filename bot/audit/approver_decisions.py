"""The decisions of people in a period, read from the ledger."""

import json
from collections.abc import Iterator
from datetime import datetime

from sqlalchemy import bindparam, select

from bot.cases.approver_health import DecisionSample, decision_samples
from bot.cases.entries import entry_of
from bot.store import tables
from bot.store.database import Database
from bot.store.derived import entry_bodies

CASES_PER_PAGE = 200
_cases = tables.cases.c
_DECIDED = (
    select(_cases.id, _cases.number)
    .where(_cases.number > bindparam("after"), _cases.decision_at >= bindparam("since"))
    .order_by(_cases.number)
    .limit(CASES_PER_PAGE)
)


def read_decisions(database: Database, since: datetime) -> Iterator[DecisionSample]:
    """Yield the decisions of people after this time."""
    after = -1
    with database.snapshot() as connection:
        while True:
            values = {"after": after, "since": since.timestamp()}
            page = connection.execute(_DECIDED, values).all()
            if not page:
                return
            for bodies in entry_bodies(connection, [row.id for row in page]).values():
                entries = [entry_of(json.loads(body)) for body in bodies]
                for sample in decision_samples(entries):
                    if sample.at >= since:
                        yield sample
            after = page[-1].number
