"""Try a playbook on live data: run its detection and gather the first row's evidence, read-only, without a store or a case."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from bot.cases.errors import BadRequest, ConnectorFailed, PlaybookInvalid
from bot.cases.evidence import facts_of
from bot.cases.expressions import filled, look_up
from bot.clock import utc_now
from bot.connectors.specs import SqlSystem
from bot.connectors.sql import SqlConnector
from bot.desk.detection import detection_parameters
from knowledge.library import read_playbook
from scheduler.detectors import signal_of

MOST_ROWS = 5_000


@dataclass(frozen=True)
class Trial:
    kind: str
    title: str
    rows: list[dict[str, Any]]
    facts: dict[str, Any]


def trial(path: Path, database: str, now: str) -> Trial:
    """What this playbook would notice in this database at this time."""
    playbook = read_playbook(path)
    if playbook.detection is None:
        raise PlaybookInvalid(f"{path.name}: has no signal query to try")
    at = _moment(now)
    url = database if "://" in database else f"sqlite:///{Path(database).resolve()}"
    connector = SqlConnector(
        SqlSystem(playbook.detection.system, "", timedelta(seconds=10), {}), url
    )
    try:
        rows = connector.look_up(playbook.detection.query, detection_parameters(at), MOST_ROWS)
    except ConnectorFailed as failure:
        raise PlaybookInvalid(f"{path.name}: signal.query: {failure}") from None
    if not rows:
        return Trial(playbook.kind, playbook.title, [], {})
    signal = signal_of(playbook, playbook.detection, rows[0], lambda fingerprints: 0)
    known = facts_of(signal, ())
    facts: dict[str, Any] = {}
    for lookup in playbook.evidence:
        parameters = {
            name: look_up(expression, known) for name, expression in lookup.parameters.items()
        }
        try:
            found = connector.look_up(lookup.query, {**detection_parameters(at), **parameters}, 1)
        except ConnectorFailed as failure:
            facts[lookup.name] = f"could not be read: {failure}"
            continue
        known[lookup.name] = found[0] if found else {}
        facts[lookup.name] = known[lookup.name]
    facts["what"] = filled(playbook.what, known)
    return Trial(playbook.kind, playbook.title, rows, facts)


def _moment(now: str) -> datetime:
    if not now:
        return utc_now()
    try:
        return datetime.fromisoformat(now).replace(tzinfo=UTC)
    except ValueError:
        raise BadRequest(f"--now must be a time like 1998-05-06 12:00:00, not {now!r}") from None
