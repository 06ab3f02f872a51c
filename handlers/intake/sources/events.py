"""The name that a product gives to an event."""

import re
from collections.abc import Mapping
from typing import Any

from bot.cases.text import shorten, storable
from handlers.intake.content import RequestContent
from handlers.intake.sources.fields import snake
from handlers.intake.sources.titles import is_title, name_set

MAX_EVENT_LENGTH = 80
UNNAMED = "unnamed"
#: Names of fields for it, the surest first.
EVENT_FIELDS = (
    *("event_type", "event_name", "webhook_event", "event_key", "event_code", "topic"),
    *("subscription_type", "trigger", "event", "notification_type", "object_kind", "change_type"),
    *("hook_event", "type", "resource_type"),
)
#: Types that say nothing.
EMPTY_EVENTS = name_set(
    """
    event events object default message notification alert incident webhook hook callback data
    event_callback record item unknown test error notification_event
    notification_event_data
    """
)
#: What an object may call itself all the same.
OBJECTS = frozenset({"alert", "incident", "message", "error", "record"})
# The ends of names of headers for it: x_github_event, x_shopify_topic, x_event_key.
_HEADER_ENDS = ("_event", "_event_type", "_topic", "_event_name", "_event_key", "_resource")
# A description that is the name of an event: tracker.updated.
_DOTTED = re.compile(r"[a-z_]{2,40}(?:[.:][a-z_]{2,40}){1,3}")


def header_event(headers: Mapping[str, str]) -> str:
    """Return the event that a header names; empty where none does."""
    for name, value in headers.items():
        if name.endswith(_HEADER_ENDS) and value and len(value) <= MAX_EVENT_LENGTH:
            return value
    return ""


def event_name(content: RequestContent, item: Any) -> str:
    """Name an event for a count, by header or body."""
    event = header_event(content.headers)
    action: Any = ""
    if isinstance(item, Mapping):
        event = event or field_event(item)
        action = item.get("action")
    if isinstance(action, str) and action.strip() and action not in event:
        event = f"{event}.{action.strip()}" if event else action.strip()
    return shorten(storable(event or UNNAMED), MAX_EVENT_LENGTH)


def field_event(item: Mapping[str, Any]) -> str:
    """Return the event that a field names; empty without one."""
    values = {snake(str(name)[:MAX_EVENT_LENGTH]): value for name, value in item.items()}
    for name in EVENT_FIELDS:
        text = _event_text(values.get(name))
        if text:
            return text
    for name in ("description", "name"):
        value = values.get(name)
        if isinstance(value, str) and _DOTTED.fullmatch(value):
            return value
    return ""


def _event_text(value: Any) -> str:
    if isinstance(value, Mapping):
        value = value.get("type") or value.get("name")
    if not isinstance(value, str) or len(value) > MAX_EVENT_LENGTH or not is_title(value):
        return ""
    text = value.strip()
    # With more words it is a sentence, and no name.
    is_sentence = text.count(" ") > 1
    return "" if is_sentence or snake(text) in EMPTY_EVENTS else text
