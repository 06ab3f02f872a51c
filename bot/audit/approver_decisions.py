"""The decisions of people in a period, read from the ledger."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from sqlalchemy import bindparam, select

from bot.cases.approver_health import DecisionSample, decision_samples
from bot.cases.entries import entry_of
from bot.cases.probe import Probe
from bot.store import tables
from bot.store.database import Database
from bot.store.derived import entry_bodies
from bot.store.details_openings import OpeningTimes, counting_since, opening_times
from bot.store.probes import SqlProbeRecords

CASES_PER_PAGE = 200
_cases = tables.cases.c
_DECIDED = (
    select(_cases.id, _cases.number)
    .where(_cases.number > bindparam("after"), _cases.decision_at >= bindparam("since"))
    .order_by(_cases.number)
    .limit(CASES_PER_PAGE)
)


class SqlApproverDecisions:
    """Read decisions from the ledger."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def read(self, since: datetime) -> Iterator[DecisionSample]:
        """Return the decisions of people after this time."""
        return read_decisions(self._database, since)

    def probes(self, since: datetime) -> list[Probe]:
        """Return the practice cases after this time, with their answers."""
        cases = SqlProbeRecords(self._database).since(since)
        return [case.probe for case in cases if case.probe]


def read_decisions(database: Database, since: datetime) -> Iterator[DecisionSample]:
    """Yield the decisions of people after this time."""
    after = -1
    with database.snapshot() as connection:
        counted_since = counting_since(connection)
        while True:
            values = {"after": after, "since": since.timestamp()}
            page = connection.execute(_DECIDED, values).all()
            if not page:
                return
            ids = [row.id for row in page]
            openings = opening_times(connection, ids)
            for bodies in entry_bodies(connection, ids).values():
                entries = [entry_of(json.loads(body)) for body in bodies]
                for sample in decision_samples(entries):
                    if sample.at >= since:
                        yield _with_details(sample, openings, counted_since)
            after = page[-1].number


def _with_details(
    sample: DecisionSample, openings: OpeningTimes, counted_since: datetime | None
) -> DecisionSample:
    """Tell whether the details had been opened.

    Nothing is known of what was shown before the first recorded opening.
    """
    if counted_since is None or sample.shown_at < counted_since:
        return sample
    opened_at = openings.get((sample.case_id, sample.revision))
    return replace(sample, has_opened_details=opened_at is not None and opened_at <= sample.at)
