"""Gather the evidence that a playbook lists for a case."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from bot.cases.askable_facts import with_answers
from bot.cases.canonical import Scalar, ScalarMapping, storable
from bot.cases.case import Case
from bot.cases.case_facts import done_evidence, facts_for_lookups
from bot.cases.errors import ConnectorFailed
from bot.cases.evidence import Evidence
from bot.cases.expressions import find_scalar
from bot.cases.missing_facts import describe_missing
from bot.cases.playbook import Lookup, Playbook
from bot.desk.detection import detection_parameters
from bot.ports.connector import Systems
from bot.views.labels import as_words, start_upper

MAX_ROWS = 50
MAX_FAILURE = 300

#: The failure of a look-up that found no row: an answer, where others are none.
NOTHING_FOUND = "nothing found"


def gather(
    case: Case,
    playbook: Playbook,
    *,
    systems: Systems,
    now: datetime,
) -> tuple[Evidence, ...]:
    """Make the playbook's look-ups in order, and add people's answers.

    A look-up may use what an earlier one found. One that fails is recorded as failed.
    """
    evidence: list[Evidence] = []
    moment = detection_parameters(now)
    for lookup in playbook.evidence:
        facts = facts_for_lookups(case, evidence)
        evidence += _look_up(
            lookup,
            facts,
            moment=moment,
            systems=systems,
            now=now,
        )
    evidence += done_evidence(case, lambda name: start_upper(as_words(name)))
    return with_answers(case, playbook, evidence)


def read_again(
    case: Case,
    playbook: Playbook,
    name: str,
    evidence: Sequence[Evidence],
    *,
    systems: Systems,
    now: datetime,
) -> ScalarMapping:
    """Make one declared look-up again, and return its facts by path.

    Raises:
        ConnectorFailed: it failed, or there is no such look-up.
    """
    lookup = next((one for one in playbook.evidence if one.name == name), None)
    if lookup is None:
        raise ConnectorFailed(f"the playbook has no look-up {name!r}")
    facts = facts_for_lookups(case, evidence)
    moment = detection_parameters(now)
    reading = _look_up(lookup, facts, moment=moment, systems=systems, now=now)
    if reading[0].failure:
        raise ConnectorFailed(reading[0].failure)
    return {fact.name: fact.value for fact in reading}


def flatten(facts: Mapping[str, Any]) -> ScalarMapping:
    """Write nested facts by path: "item.column"."""
    flat: dict[str, Scalar] = {}
    for item, columns in facts.items():
        for column, value in columns.items():
            if value is None or isinstance(value, str | int | float | bool):
                flat[f"{item}.{column}"] = value
    return flat


def _look_up(
    lookup: Lookup,
    facts: dict[str, object],
    *,
    moment: ScalarMapping,
    systems: Systems,
    now: datetime,
) -> Sequence[Evidence]:
    """Make one look-up. ``moment`` has the parameters that every query may name."""
    parameters: dict[str, Scalar] = {}
    for name, expression in lookup.parameters.items():
        parameters[name] = find_scalar(expression, facts)
    missing = [lookup.parameters[name] for name, value in parameters.items() if value is None]
    if missing:
        return [_record_failure(lookup, describe_missing(missing), now)]
    parameters |= moment
    try:
        rows = systems[lookup.system].look_up(lookup.query, parameters, MAX_ROWS)
    except ConnectorFailed as failure:
        return [_record_failure(lookup, str(failure), now)]
    if not rows:
        return [_record_failure(lookup, NOTHING_FOUND, now)]
    row = rows[0]
    values = [
        (column, storable(value), lookup.show.get(column, "")) for column, value in row.items()
    ]
    # The number of rows has no label: it is for rules, not for the card.
    values.append(("rows", len(rows), ""))
    return [
        Evidence(
            name=f"{lookup.name}.{column}",
            label=label,
            value=value,
            source=lookup.system,
            read_at=now,
        )
        for column, value, label in values
    ]


def _record_failure(lookup: Lookup, failure: str, now: datetime) -> Evidence:
    return Evidence(
        name=lookup.name,
        label=start_upper(as_words(lookup.name)),
        value=None,
        source=lookup.system,
        read_at=now,
        failure=failure[:MAX_FAILURE],
    )
