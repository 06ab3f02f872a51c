"""The object that a report is about, by a name that stays the same."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from handlers.intake.sources.fields import Field, is_about_others, snake
from handlers.intake.sources.titles import name_set

MAX_ID_LENGTH = 120
#: Names for what stays the same when something breaks, changes and recovers.
STEADY = (
    *("fingerprint", "incident_id", "incident_key", "alert_id", "alert_key", "dedup_key"),
    *("problem_id", "issue_id", "ticket_id", "case_id", "monitor_id", "check_id", "rule_id"),
    *("trigger_id", "condition_id", "alarm_arn", "order_id", "invoice_id", "payment_id"),
    *("subscription_id", "transaction_id", "shipment_id", "tracking_number", "task_id"),
    *("build_id", "run_id", "pipeline_id", "job_id", "deployment_id", "alarm_name", "alertname"),
    *("alert_name", "check_name", "monitor_name", "rule_name", "policy_name", "object_id"),
)
_INNER = ("id", "number", "key", "iid", "identifier", "uuid", "guid", "gid", "sha", "name")
_PLACES = (
    *("instance", "host", "hostname", "host_name", "node", "resource", "resource_name", "service"),
    *("server", "device", "pod", "container_name"),
)
_STATUS_MARKS = re.compile(
    r"\[[^\[\]]{1,40}\]|\b(?:firing|resolved|triggered|recovered|recovery|alerting|closed|opened|"
    r"cleared|re-?triggered|ok|alarm)\b:?",
    re.IGNORECASE,
)
# The containers of an envelope say nothing about the object.
_ENVELOPES = name_set(
    """
    data object payload event body message resource attributes context item detail record
    check_result essentials content
    """
)


def find_subject(fields: Sequence[Field], headline: Field | None, title: str) -> str:
    """Name the object: by its own id, a steady id, or what the title says."""
    subject = _by_headline(headline) or _by_steady_id(fields) or _by_object(fields)
    return subject or _bare(title) or title


def _by_headline(headline: Field | None) -> str:
    """Use the id of the object that has the title, unless that is the envelope itself."""
    if headline is None or headline.depth == 0 or headline.container in {"labels", "annotations"}:
        return ""
    if is_about_others(headline):
        return ""
    return _with_id(headline.owner, headline.container)


def _by_steady_id(fields: Sequence[Field]) -> str:
    ranks = {name: rank for rank, name in enumerate(STEADY)}
    matches = [
        field
        for field in fields
        if field.name in ranks and _as_id(field.value) and not is_about_others(field)
    ]
    if not matches:
        return ""
    best = min(matches, key=lambda field: (field.depth > 1, ranks[field.name]))
    text = f"{best.name.removesuffix('_id').removesuffix('_name')}:{_as_id(best.value)}"
    return text if best.name.endswith(("_id", "fingerprint", "_key")) else text + _place(fields)


def _by_object(fields: Sequence[Field]) -> str:
    """Use the id of the outermost object that has one."""
    for field in fields:
        if field.name in {"id", "number"} and field.depth and not is_about_others(field):
            subject = _with_id(field.owner, field.container)
            if subject:
                return subject
    outermost = [field for field in fields if field.depth == 0]
    return _with_id(outermost[0].owner, "") if outermost else ""


def _with_id(owner: Mapping[str, Any], container: str) -> str:
    names = {snake(str(key)[:100]): value for key, value in owner.items()}
    noun = container
    if not noun or noun in _ENVELOPES:
        noun = next(
            (
                str(names[name])
                for name in ("object", "resource_type", "entity_type", "kind", "type")
                if isinstance(names.get(name), str) and names[name]
            ),
            noun,
        )
    for name in (f"{container}_id", *_INNER):
        identifier = _as_id(names.get(name))
        if identifier:
            return f"{snake(noun[:60]) or 'item'}:{identifier}"
    return ""


def _as_id(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int):
        return ""
    text = str(value).strip()
    return text if 0 < len(text) <= MAX_ID_LENGTH else ""


def _place(fields: Sequence[Field]) -> str:
    for name in _PLACES:
        for field in fields:
            if field.name == name and _as_id(field.value) and not is_about_others(field):
                return f":{_as_id(field.value)}"
    return ""


def _bare(title: str) -> str:
    """Return a title without what changes when trouble ends."""
    return " ".join(_STATUS_MARKS.sub(" ", title).split()).strip(" :-|")
