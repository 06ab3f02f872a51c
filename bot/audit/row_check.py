"""The check for stray rows, and for work that nobody will do."""

import json
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from itertools import islice
from typing import Any

from sqlalchemy import Connection, exists, or_, select

from bot.audit.findings import CHANGED, FORGOTTEN, STRAY_ROW, shorten
from bot.cases.controls import DESK_ID
from bot.ports.case_store import ReceiptOutcome
from bot.ports.outbox import Topic
from bot.store import tables
from bot.store.case_tallies import wrong_tallies
from bot.store.outbox_rows import DONE, LEASED, PARKED, READY

MAX_STRAY_ROWS = 100
EPOCH = date(1970, 1, 1)
# Messages of these topics are never put off for longer.
MAX_DELAY = timedelta(days=1)
PROMPT_TOPICS = {Topic.TRIAGE.value, Topic.EXECUTE.value}
TOPICS = {topic.value for topic in Topic}
# Keys that do not begin with their topic.
TOPIC_BY_PREFIX = {
    # Takes the buttons from a copy of a card, which is part of the clean-up.
    "strike": Topic.SWEEP.value,
    # One message about several cases, and a report about calls that came to nothing.
    "slot": Topic.CALL.value,
    "missed": Topic.CALL.value,
}
UNDONE_STATES = {READY, LEASED, PARKED}


def check_stray_rows(connection: Connection) -> Iterator[str]:
    """Yield rows without a case, and cases that only the ledger has."""
    for case_id in connection.execute(_LOST_CASES).scalars():
        yield f"{case_id}: in the ledger, but not in the projection: {CHANGED}"
    for name, query in _WITHOUT_CASE.items():
        for case_id in connection.execute(query).scalars():
            yield f"{name}: of {shorten(case_id)}, which there is not: {STRAY_ROW}"
    for row in connection.execute(_BAD_OUTCOMES):
        yield (
            f"inbox: signal {row.key!r} of {row.source} was {row.outcome},"
            f" for case {row.case_id}: {STRAY_ROW}"
        )
    for conflict in connection.execute(_BAD_CONFLICTS):
        yield (
            f"inbox_conflicts: signal {conflict.key!r} of {conflict.source}"
            f" conflicts with nothing in the inbox: {STRAY_ROW}"
        )


def check_tallies(connection: Connection) -> Iterator[str]:
    """Yield the tallies that are not the sums of the cases.

    The cases are compared with the ledger on their own.
    """
    for event, day, tally_id in islice(wrong_tallies(connection), MAX_STRAY_ROWS):
        on = date.fromordinal(EPOCH.toordinal() + day)
        yield (
            f"case_tallies: {tally_id[:8]} of cases {event} on {on} is not what the cases"
            f" make: {CHANGED}"
        )


def check_outbox(connection: Connection, now: datetime) -> Iterator[str]:
    """Yield messages that contradict themselves or are put off for ever."""
    latest = (now + MAX_DELAY).timestamp()
    for row in connection.execution_options(yield_per=500).execute(_UNDONE):
        if row.state not in UNDONE_STATES or row.topic not in TOPICS:
            yield (
                f"{row.key}: {row.topic} {row.state} is no work that anybody would take:"
                f" {FORGOTTEN}"
            )
        elif not _agrees_with_key(row):
            yield f"{row.key}: what it asks for is not what its key says: {CHANGED}"
        elif row.run_at > latest and (row.state == LEASED or row.topic in PROMPT_TOPICS):
            yield f"{row.key}: it is put off for more than a day: {FORGOTTEN}"


def _agrees_with_key(row: Any) -> bool:
    prefix, _, rest = row.key.partition(":")
    if row.topic != TOPIC_BY_PREFIX.get(prefix, prefix):
        return False
    try:
        payload = json.loads(row.payload)
    except ValueError:
        return False
    if row.case_id and prefix != Topic.ANSWER.value and rest.partition(":")[0] != row.case_id:
        return False
    if prefix != Topic.EXECUTE.value:
        return True
    return bool(payload == {"revision": int(rest.rpartition(":")[2])})


_cases = tables.cases.c
_ledger = tables.ledger.c
_inbox = tables.inbox.c
_conflicts = tables.inbox_conflicts.c
_LOST_CASES = (
    select(_ledger.case_id)
    .where(_ledger.case_id != DESK_ID, ~exists().where(_cases.id == _ledger.case_id))
    .distinct()
    .order_by(_ledger.case_id)
)
_WITHOUT_CASE = {
    table.name: select(table.c.case_id)
    .where(table.c.case_id != "", ~exists().where(_cases.id == table.c.case_id))
    .order_by(table.c.case_id)
    .limit(MAX_STRAY_ROWS)
    for table in (
        tables.case_people,
        tables.effects,
        tables.decision_scores,
        tables.inbox,
        tables.cards,
        tables.outbox,
    )
}
_BAD_OUTCOMES = (
    select(_inbox.source, _inbox.key, _inbox.outcome, _inbox.case_id)
    .where(
        or_(_inbox.case_id.is_(None), _inbox.case_id == ""),
        _inbox.outcome != ReceiptOutcome.IGNORED.value,
    )
    .limit(MAX_STRAY_ROWS)
)
_BAD_CONFLICTS = (
    select(_conflicts.source, _conflicts.key)
    .where(
        ~exists().where(
            _inbox.source == _conflicts.source,
            _inbox.key == _conflicts.key,
            _inbox.digest != _conflicts.digest,
        )
    )
    .limit(MAX_STRAY_ROWS)
)
_UNDONE = select(tables.outbox).where(tables.outbox.c.state != DONE).order_by(tables.outbox.c.key)
