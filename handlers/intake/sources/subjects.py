"""The object of a report, by a name that stays."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from handlers.intake.sources.events import EMPTY_EVENTS, OBJECTS
from handlers.intake.sources.fields import Field, is_about_others, is_other, snake
from handlers.intake.sources.titles import name_set, singular, words_of

MAX_ID_LENGTH = 120
#: Names for what stays the same when something breaks, changes and recovers.
STEADY = (
    *("fingerprint", "incident_id", "incident_key", "alert_id", "alert_key", "dedup_key"),
    *("problem_id", "issue_id", "ticket_id", "case_id", "monitor_id", "check_id", "rule_id"),
    *("trigger_id", "condition_id", "alarm_arn", "order_id", "invoice_id", "payment_id"),
    *("object_id", "transaction_id", "shipment_id", "tracking_number", "task_id"),
    *("pipeline_id", "job_id", "alarm_name", "alertname"),
    *("alert_name", "check_name", "monitor_name", "rule_name", "policy_name", "resource_id"),
)
_IDS = ("id", "number", "key", "iid", "identifier", "uuid", "guid", "gid", "sha", "sys_id", "uri")
_OCCURRENCES = name_set(
    "event_id message_id request_id notification_id response_id submission_id message_sid sms_sid "
    "call_sid"
)
_ANSWER_IDS = frozenset({"submission_id", "response_id"})
_ANSWER = re.compile(r"response|submission|submitted|answer", re.IGNORECASE)
_KINDS = (
    *("object", "object_type", "event_category", "resource_type", "entity_type", "kind", "type"),
)
_RUNS = re.compile(r"(?:workflow|check|test|flow|job)_(?:run|job)|build|workflow|pipeline|run")
_NO_NOUNS = name_set(
    "updated created deleted changed update create delete change hook event webhook new"
)
#: Things that their name alone identifies.
_THINGS = frozenset({"monitor", "connector", "pipeline", "job", "dag", "flow", "queue", "rule"})
MAX_ID_DEPTH = 3
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
_NOT_OBJECTS = name_set(
    "event labels annotations fields message head_commit definition form headers attributes"
)
# The containers of an envelope say nothing about the object.
_ENVELOPES = name_set(
    """
    data object payload event body message resource attributes context item detail record
    check_result essentials content result entity current node
    """
)


def find_subject(fields: Sequence[Field], headline: Field | None, event: str) -> str:
    """Name the object by an id that stays; empty without."""
    outer = [field for field in fields if field.depth <= 1 and field.place == 0]
    has_answer = any(field.name in _ANSWER_IDS and not field.depth for field in fields)
    if has_answer or _ANSWER.search(event):
        # Each answer to a form is an object of its own.
        answer = _by_occurrence(fields)
        if answer:
            return answer
    subject = (
        _by_headline(headline)
        or _by_steady_id(outer, fields)
        or _by_pair(outer)
        or _by_event(fields, event)
        or _by_object(fields)
        or _by_steady_id(fields, fields)
        or _by_reference(fields)
        or _by_occurrence(fields)
    )
    noun, colon, identifier = subject.partition(":")
    if colon and noun in {*_ENVELOPES, "object_attribute", "current"}:
        # The event names it better than the envelope does.
        nouns = [singular(word) for word in words_of(event).lower().split()]
        noun = next((word for word in nouns if word not in _NO_NOUNS), noun)
    return f"{noun}{colon}{identifier}"


def _by_reference(fields: Sequence[Field]) -> str:
    """Use a reference, as payments have one."""
    for field in fields:
        if field.name.endswith("reference") and field.depth <= MAX_ID_DEPTH:
            identifier = _as_id(field.value)
            if identifier:
                return f"{field.name}:{identifier}"
    return ""


def _by_pair(fields: Sequence[Field]) -> str:
    """Use an id with a name beside it: ``connector_id``, ``connector_name``."""
    by_name = {(field.path, field.name): field for field in fields if not is_about_others(field)}
    for (path, name), field in by_name.items():
        stem = name.removesuffix("_name").removesuffix("_title")
        if stem == name or is_other(stem):
            continue
        identifier = by_name.get((path, f"{stem}_id"))
        if identifier and _as_id(identifier.value):
            return f"{stem}:{_as_id(identifier.value)}"
        if stem in _THINGS and _as_id(field.value):
            return f"{stem}:{_as_id(field.value)}"
    return ""


def _by_event(fields: Sequence[Field], event: str) -> str:
    """Use the id of what the event names: ``envelope_id`` of "envelope-declined"."""
    nouns = [singular(word) for word in words_of(event).lower().split()]
    for noun in nouns:
        names = {noun, *(f"{noun}_{end}" for end in ("id", "sid", "number", "gid"))}
        for field in fields:
            is_near = field.depth <= MAX_ID_DEPTH and field.place == 0
            is_link = field.container == "links"
            if field.name in names and is_near and (is_link or not is_about_others(field)):
                identifier = _as_id(field.value)
                if identifier and " " not in identifier:
                    return f"{noun}:{identifier}"
    return ""


def _by_occurrence(fields: Sequence[Field]) -> str:
    """Use the id of the event itself, as for answers to forms."""
    for field in fields:
        if field.name in _OCCURRENCES and not field.depth and _as_id(field.value):
            return f"{field.name.rpartition('_')[0]}:{_as_id(field.value)}"
    return ""


def _by_headline(headline: Field | None) -> str:
    """Use the id of the object that has the title.

    Not of the envelope: its id is another one each time.
    """
    if headline is None or is_about_others(headline) or not headline.depth:
        return ""
    names = [name for name in headline.path if not name.isdigit()]
    owners = headline.owners[1:]
    if len(names) != len(owners):
        return ""
    for identifiers in (_IDS, ("name",)):
        for name, owner in zip(reversed(names), reversed(owners), strict=True):
            if name not in _NOT_OBJECTS:
                subject = _with_id(owner, name, identifiers, root=headline.owners[0])
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
    """Use the id of the outermost object that is no envelope."""
    outermost: Mapping[str, Any] = next((field.owners[0] for field in fields), {})
    own = _with_id(outermost, "", _IDS, root=outermost)
    if own and not _is_envelope(outermost):
        return own
    ids = [field for field in fields if field.name in {"id", "number", "gid"} and field.depth]
    single = [field for field in ids if not any(name.isdigit() for name in field.path)]
    central = [field for field in single if not is_about_others(field)]
    return _first_object(central, outermost) or own or _first_object([*single, *ids], outermost)


def _first_object(ids: Sequence[Field], root: Mapping[str, Any]) -> str:
    for field in ids:
        if field.container not in _NOT_OBJECTS:
            subject = _with_id(field.owner, field.container, _IDS, root=root)
            if subject:
                return subject
    return ""


def _is_envelope(owner: Mapping[str, Any]) -> bool:
    """Tell whether an object is there for the one in it."""
    names = {snake(str(key)[:100]) for key, value in owner.items() if isinstance(value, Mapping)}
    return not names.isdisjoint(_ENVELOPES) or owner.get("object") == "event" or "action" in owner


def _with_id(
    owner: Mapping[str, Any],
    container: str,
    identifiers: Sequence[str],
    *,
    root: Mapping[str, Any],
) -> str:
    names = {snake(str(key)[:100]): value for key, value in owner.items()}
    noun = container
    if not noun or noun in _ENVELOPES:
        noun = _kind_of(names) or _kind_of(root) or noun
    if _RUNS.fullmatch(noun):
        # The next run has another id, and is of the same thing.
        run = _as_id(names.get("name")) or _as_id(root.get("name"))
        if run:
            return ":".join(filter(None, (noun, _place_of(root), run)))
    for name in (f"{container}_id", *identifiers):
        identifier = _as_id(names.get(name))
        if identifier:
            return f"{singular(snake(noun[:60])) or 'item'}:{identifier}"
    return ""


def _place_of(root: Mapping[str, Any]) -> str:
    """Return the repository or project of a run."""
    for place in ("repository", "project"):
        owner = root.get(place)
        if isinstance(owner, Mapping):
            for name in ("full_name", "path_with_namespace", "slug", "name"):
                if _as_id(owner.get(name)):
                    return _as_id(owner.get(name))
    return ""


def _kind_of(names: Mapping[str, Any]) -> str:
    for name in (
        "object",
        "object_type",
        "event_category",
        "resource_type",
        "entity_type",
        "kind",
        "type",
    ):
        value = names.get(name)
        if isinstance(value, str) and value and snake(value) not in EMPTY_EVENTS - OBJECTS:
            return value
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
