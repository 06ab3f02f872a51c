"""Requests without a mapping: guessed from names and forms of fields.

Nothing here knows a product. Fields have a rank by their name, by the names around them and by
what stands in them; the best of them is taken. A card says that it was guessed.
"""

import base64
import binascii
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import cached_property
from typing import Any

from bot.cases.text import shorten
from handlers.intake.money import as_fact
from handlers.intake.sources.amounts import find_amount
from handlers.intake.sources.conditions import find_condition, is_state_name
from handlers.intake.sources.events import field_event, header_event
from handlers.intake.sources.fields import Field, fields_of, is_about_others, snake
from handlers.intake.sources.headlines import best_headline, ranks_as_headline
from handlers.intake.sources.reports import Report
from handlers.intake.sources.subjects import bare_title, find_subject
from handlers.intake.sources.titles import is_title
from handlers.intake.times import read_foreign_time

MAX_TITLE_LENGTH = 200
MAX_ITEMS = 500
MAX_ACTION_DEPTH = 2
MAX_UNFOLDED_DEPTH = 2
MAX_UNFOLDED_LENGTH = 256 * 1024
#: Lists of these names hold one report each.
BATCHES = frozenset(
    {
        *("alerts", "events", "incidents", "records", "entries", "messages", "notifications"),
        "notification_items",
    }
)
#: Objects that hold what a request is about.
ENVELOPES = frozenset({"event", "data", "payload", "action", "event_data", "notification", "body"})
# Names of times, the surest first.
TIMES = (
    *("occurred_at", "event_time", "event_timestamp", "timestamp", "triggered_at", "started_at"),
    *("starts_at", "start_time", "start_date", "received_at", "detected_at", "time", "date"),
    *("updated_at", "updated", "updated_on", "last_updated", "created_at", "created"),
    *("created_on", "date_created", "create_time", "creation_date", "start", "sent_at"),
)
LINKS = (
    *("html_url", "web_url", "permalink", "incident_url", "alert_url", "issue_url", "ticket_url"),
    *("event_url", "monitor_url", "dashboard_url", "rule_url", "generator_url", "portal_link"),
    *("url", "link", "href", "target_url", "build_url", "details_url", "self"),
)
SEVERITIES = (
    *("severity", "priority", "criticality", "urgency", "importance_level", "level"),
    *("event_severity", "alert_severity"),
)
MAX_SEVERITY_LENGTH = 40


@dataclass(frozen=True)
class RequestGuess:
    """The guess about one object."""

    item: Any
    headers: Mapping[str, str]

    @cached_property
    def fields(self) -> tuple[Field, ...]:
        """List the plain values of the object, the outermost first."""
        return fields_of(self.item)

    @cached_property
    def event(self) -> str:
        """Name what happened, as the product does."""
        header_name = header_event(self.headers)
        if header_name or not isinstance(self.item, Mapping):
            return header_name
        inner = _envelopes(self.item)
        events = (field_event(part) for part in (self.item, *inner))
        return next(filter(None, events), "")

    @cached_property
    def action(self) -> Field | None:
        """Return the verb that some products send beside the object."""
        for field in self.fields:
            is_verb = field.name == "action" and field.depth <= MAX_ACTION_DEPTH
            if is_verb and isinstance(field.value, str) and is_title(field.value):
                return field
        return None

    @cached_property
    def headline(self) -> Field | None:
        """Return the field that says best what it is about."""
        return best_headline(self.fields, self.event)

    @cached_property
    def title(self) -> str:
        """Say what happened in one line; never empty."""
        report = Report(
            fields=self.fields,
            event=self.event,
            action=self.action,
            headline=self.headline,
            subject=self._named_subject,
        )
        return shorten(report.title(), MAX_TITLE_LENGTH)

    @cached_property
    def subject(self) -> str:
        """Name the object, alike when it breaks and when it recovers."""
        return self._named_subject or bare_title(self.title)

    @cached_property
    def _named_subject(self) -> str:
        return find_subject(self.fields, self.headline, self.event)

    @cached_property
    def is_over(self) -> bool:
        """Tell whether it says that the trouble is over."""
        return find_condition(
            self.fields,
            event=self.event,
            action=str(self.action.value) if self.action else "",
            headline=self.headline,
        ).is_over

    @cached_property
    def occurred_at(self) -> datetime | None:
        """Return the time of the event."""
        for field in _by_rank(self.fields, TIMES):
            at = read_foreign_time(field.value)
            if at is not None:
                return at
        return None

    @cached_property
    def money(self) -> tuple[Decimal, str | None] | None:
        """Return the amount and currency, where the unit is certain."""
        return find_amount(self.fields)

    def facts(self) -> dict[str, Any]:
        """List what was found, for policy and the card."""
        facts: dict[str, Any] = {}
        if self.event:
            facts["event"] = self.event
        for name, value in (("severity", self._severity()), ("link", self._link())):
            if value:
                facts[name] = value
        if self.money is not None:
            amount, currency = self.money
            facts["amount"] = as_fact(amount)
            if currency:
                facts["currency"] = currency
        return facts

    def _severity(self) -> str:
        for field in _by_rank(self.fields, SEVERITIES):
            text = str(field.value).strip()
            if field.value not in (None, True, False) and 0 < len(text) <= MAX_SEVERITY_LENGTH:
                return text
        return ""

    def _link(self) -> str:
        for field in _by_rank(self.fields, LINKS):
            if isinstance(field.value, str) and field.value.startswith(("https://", "http://")):
                return field.value
        return ""


def guess(item: Any, headers: Mapping[str, str]) -> RequestGuess:
    """Guess from one object, in which there are no secrets any more."""
    return RequestGuess(item, headers)


def find_items(body: Any) -> Any:
    """Find the reports of a batch; None where it is none."""
    if isinstance(body, list):
        return body if _are_objects(body) else None
    if not isinstance(body, Mapping):
        return None
    for name, value in body.items():
        if snake(name) in BATCHES and _are_objects(value):
            return value
    return None


def with_context(item: Any, body: Any) -> Any:
    """Add to a report of a batch what stands around it."""
    if not isinstance(item, Mapping) or not isinstance(body, Mapping):
        return item
    around = {
        name: value
        for name, value in body.items()
        if name not in item and not isinstance(value, Mapping | list) and is_context(snake(name))
    }
    return {**item, **around}


def is_context(name: str) -> bool:
    """Tell whether a value around a batch is about each report."""
    return not ranks_as_headline(name) and not is_state_name(name)


def unfold(value: Any, depth: int = 0) -> Any:
    """Copy JSON with the objects that stand in texts as objects."""
    if isinstance(value, Mapping):
        if depth > MAX_UNFOLDED_DEPTH:
            return value
        return {name: _unfold_named(name, inner, depth) for name, inner in value.items()}
    return value


def _unfold_named(name: str, value: Any, depth: int) -> Any:
    if not isinstance(value, str) or not 2 <= len(value) <= MAX_UNFOLDED_LENGTH:
        return unfold(value, depth + 1)
    content = _parse_object(value)
    if content is None and name == "data":
        # Queues put the bytes of a message there.
        content = _parse_object(_decode(value))
    return value if content is None else unfold(content, depth + 1)


def _envelopes(item: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """List the inner objects that an object is there for."""
    inner = {
        snake(str(name)[:100]): value for name, value in item.items() if isinstance(value, Mapping)
    }
    if len(inner) == 1:
        return list(inner.values())
    return [value for name, value in inner.items() if name in ENVELOPES]


def _parse_object(text: str) -> Any:
    if text.lstrip()[:1] not in {"{", "["}:
        return None
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return content if isinstance(content, dict | list) else None


def _decode(text: str) -> str:
    try:
        return base64.b64decode(text, validate=True).decode()
    except (binascii.Error, ValueError):
        return ""


def _are_objects(value: Any) -> bool:
    if not isinstance(value, list) or not 1 <= len(value) <= MAX_ITEMS:
        return False
    return all(isinstance(item, Mapping) for item in value)


def _by_rank(fields: tuple[Field, ...], names: tuple[str, ...]) -> Iterator[Field]:
    """Yield the fields of these names, the outermost first."""
    ranks = {name: rank for rank, name in enumerate(names)}
    matches = [field for field in fields if field.name in ranks and not is_about_others(field)]
    yield from sorted(matches, key=lambda field: (field.depth, ranks[field.name]))
