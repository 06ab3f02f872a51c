"""The name that a product gives to an event."""

from collections.abc import Mapping
from typing import Any

from bot.cases.text import shorten, storable
from handlers.intake.content import RequestContent
from handlers.intake.sources.titles import is_title

MAX_EVENT_LENGTH = 80
UNNAMED = "unnamed"
#: Names of fields for it, the surest first.
EVENT_FIELDS = (
    *("event_type", "eventType", "event_name", "eventName", "webhookEvent", "event_key"),
    *("type", "event", "topic", "notification_type", "trigger", "alert_type", "resource_type"),
)
# The ends of names of headers for it: x_github_event, x_shopify_topic, x_event_key.
_HEADER_ENDS = ("_event", "_event_type", "_topic", "_event_name", "_event_key", "_resource")


def header_event(headers: Mapping[str, str]) -> str:
    """Return the event that a header names; empty where none does."""
    for name, value in headers.items():
        if name.endswith(_HEADER_ENDS) and value and len(value) <= MAX_EVENT_LENGTH:
            return value
    return ""


def event_name(content: RequestContent, item: Any) -> str:
    """Name an event for a count: by a header, or by the body."""
    event = header_event(content.headers)
    action: Any = ""
    if isinstance(item, Mapping):
        event = event or field_event(item)
        action = item.get("action")
    if isinstance(action, str) and action.strip() and action not in event:
        event = f"{event}.{action.strip()}" if event else action.strip()
    return shorten(storable(event or UNNAMED), MAX_EVENT_LENGTH)


def field_event(item: Mapping[str, Any]) -> str:
    """Return the event that a field of an object names; empty where none does."""
    for name in EVENT_FIELDS:
        value = item.get(name)
        if isinstance(value, str) and value.strip() and len(value) <= MAX_EVENT_LENGTH:
            return value.strip() if is_title(value) else ""
        if isinstance(value, Mapping):
            inner = value.get("type") or value.get("name")
            if isinstance(inner, str) and is_title(inner) and len(inner) <= MAX_EVENT_LENGTH:
                return inner.strip()
    return ""
