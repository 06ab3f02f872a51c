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
# Objects that have no identity of their own, or another one each time.
_NOT_OBJECTS = frozenset({"event", "labels", "annotations", "fields", "message", "head_commit"})
# The containers of an envelope say nothing about the object.
_ENVELOPES = name_set(
    """
    data object payload event body message resource attributes context item detail record
    check_result essentials content
    """
)


def find_subject(fields: Sequence[Field], headline: Field | None) -> str:
    """Name the object by its own id or a steady one; empty without any."""
    outer = [field for field in fields if field.depth <= 1 and field.place == 0]
    return (
        _by_headline(headline)
        or _by_steady_id(outer, fields)
        or _by_object(fields)
        or _by_steady_id(fields, fields)
    )


def _by_headline(headline: Field | None) -> str:
    """Use the id of the object that has the title, or of the one around it.

    Not of the envelope: its id is another one each time.
    """
    if headline is None or is_about_others(headline):
        return ""
    names = [name for name in headline.path if not name.isdigit()]
    owners = headline.owners[1:][-len(names) :] if names else ()
    for name, owner in zip(reversed(names), reversed(owners), strict=False):
        if name in _NOT_OBJECTS:
            continue
        subject = _with_id(owner, name)
        if subject:
            return subject
    return ""


def _by_steady_id(candidates: Sequence[Field], fields: Sequence[Field]) -> str:
    ranks = {name: rank for rank, name in enumerate(STEADY)}
    matches = [
        field
        for field in candidates
        if field.name in ranks and _as_id(field.value) and not is_about_others(field)
    ]
    if not matches:
        return ""
    best = min(matches, key=lambda field: ranks[field.name])
    text = f"{best.name.removesuffix('_id').removesuffix('_name')}:{_as_id(best.value)}"
    return text if best.name.endswith(("_id", "fingerprint", "_key")) else text + _place(fields)


def _by_object(fields: Sequence[Field]) -> str:
    """Use the id of the outermost object that has one, but not that of an envelope."""
    outermost = next((field.owners[0] for field in fields), {})
    own = _with_id(outermost, "")
    if own and not _is_envelope(outermost):
        return own
    for field in fields:
        if field.name in {"id", "number"} and field.depth and not is_about_others(field):
            subject = _with_id(field.owner, field.container)
            if subject:
                return subject
    return own


def _is_envelope(owner: Mapping[str, Any]) -> bool:
    """Tell whether an object is there for the one in it."""
    names = {snake(str(key)[:100]) for key, value in owner.items() if isinstance(value, Mapping)}
    return not names.isdisjoint(_ENVELOPES) or owner.get("object") == "event" or "action" in owner


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
    return text if 0 < len(text) <= MAX_ID_LENGTH and "{{" not in text else ""


def _place(fields: Sequence[Field]) -> str:
    for name in _PLACES:
        for field in fields:
            if field.name == name and _as_id(field.value) and not is_about_others(field):
                return f":{_as_id(field.value)}"
    return ""


def bare_title(title: str) -> str:
    """Return a title without what changes when trouble ends."""
    return " ".join(_STATUS_MARKS.sub(" ", title).split()).strip(" :-|") or title
