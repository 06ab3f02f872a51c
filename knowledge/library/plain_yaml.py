"""YAML as nearly everybody writes it, read by libyaml.

ruamel.yaml knows the line of every value and takes fifty times as long. So libyaml reads what both
read alike, and leaves the rest: mistakes, anchors, tags, and numbers that are not simply decimal.
"""

import re
from collections.abc import Iterator
from typing import Any

import yaml

#: Without it PyYAML would be as slow as ruamel.yaml.
_LOADER = getattr(yaml, "CBaseLoader", None)
_CONSTANTS = {
    **dict.fromkeys(["", "~", "null", "Null", "NULL"]),
    **dict.fromkeys(["true", "True", "TRUE"], True),
    **dict.fromkeys(["false", "False", "FALSE"], False),
}
_INTEGER = re.compile(r"-?(?:0|[1-9][0-9]*)")
_DECIMAL = re.compile(r"-?(?:0|[1-9][0-9]*)\.[0-9]+")
# All other scalars that YAML 1.2 might read as a number, a time or a merge.
_DOUBTFUL = re.compile(r"[-+.]?[0-9][-+.0-9_:xobA-Fa-fTtZz \t]*|[-+]?\..*|=|<<")
# Tabs and marks, and line breaks in YAML 1.1 alone.
_UNUSUAL = re.compile("[\t\x85\u2028\u2029\ufeff]")


class NotPlain(Exception):
    """This YAML is for the other reader, which may refuse it."""


def read_plain(text: str) -> dict[str, Any]:
    """Read a mapping as Python's own types.

    Raises:
        NotPlain: the text has a mistake, or is written in an unusual way.
    """
    if _LOADER is None or _UNUSUAL.search(text):
        raise NotPlain
    try:
        events = yaml.parse(text, Loader=_LOADER)
        document = _document(events)
    except (yaml.YAMLError, StopIteration, RecursionError, ValueError):
        raise NotPlain from None
    if not isinstance(document, dict):
        raise NotPlain
    return document


def _document(events: Iterator[Any]) -> Any:
    """Return the only document of a stream."""
    next(events)
    start = next(events)
    if not isinstance(start, yaml.DocumentStartEvent) or start.version or start.tags:
        raise NotPlain
    document = _value(events, next(events))
    next(events)
    if not isinstance(next(events), yaml.StreamEndEvent):
        raise NotPlain
    return document


def _value(events: Iterator[Any], event: Any) -> Any:
    """Return the value that begins with this event."""
    if isinstance(event, yaml.AliasEvent) or event.anchor or event.tag:
        raise NotPlain
    match event:
        case yaml.ScalarEvent():
            return event.value if event.style else _plain_scalar(event.value)
        case yaml.SequenceStartEvent():
            return list(_items(events))
        case _:
            return _mapping(events)


def _items(events: Iterator[Any]) -> Iterator[Any]:
    while not isinstance(event := next(events), yaml.SequenceEndEvent):
        yield _value(events, event)


def _mapping(events: Iterator[Any]) -> dict[str, Any]:
    mapping: dict[str, Any] = {}
    while not isinstance(event := next(events), yaml.MappingEndEvent):
        key = _value(events, event)
        if not isinstance(key, str) or key in mapping:
            raise NotPlain
        mapping[key] = _value(events, next(events))
    return mapping


def _plain_scalar(text: str) -> Any:
    """Return the value of a scalar without quotes."""
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    if _INTEGER.fullmatch(text):
        return int(text)
    if _DECIMAL.fullmatch(text):
        return float(text)
    if _DOUBTFUL.fullmatch(text):
        raise NotPlain
    return text
