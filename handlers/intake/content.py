"""The content of a request: its body as an object, its headers and its query."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from handlers.intake.problem import Problem
from handlers.intake.reading import parse_json

#: Secrets that come in headers; no expression can read them, so none ends on a card.
SECRET_HEADERS = frozenset({"authorization", "proxy_authorization", "cookie"})
MAX_FORM_FIELDS = 1_000
_FORM = re.compile(rb"[!-%'-;>-~]+=[!-%'-~]*(?:&[!-%'-~]*)*")


@dataclass(frozen=True, slots=True)
class RequestContent:
    """What expressions of a mapping are evaluated over."""

    #: JSON, or an object of the fields of a form, or ``{"text": …}`` for anything else.
    body: Any
    #: Names in lower case with ``_`` for ``-``.
    headers: Mapping[str, str] = field(default_factory=dict)
    #: The parameters of the address.
    query: Mapping[str, str] = field(default_factory=dict)


def read_content(
    body: bytes, headers: Mapping[str, str], query: Mapping[str, str] | None = None
) -> RequestContent:
    """Read any body, already decompressed; none is refused for its content."""
    return RequestContent(
        body=_read_body(body, headers.get("content-type", "")),
        headers=readable_headers(headers),
        query=dict(query or {}),
    )


def readable_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """Return the headers by names that an expression can hold, without secrets."""
    names = {name.lower().replace("-", "_"): value for name, value in headers.items()}
    return {name: value for name, value in names.items() if name not in SECRET_HEADERS}


def _read_body(body: bytes, content_type: str) -> Any:
    # The bytes decide before the content type does: no signature covers that, and some senders
    # send JSON as text.
    try:
        return parse_json(body.removeprefix(b"\xef\xbb\xbf"))
    except Problem:
        pass
    media_type = content_type.partition(";")[0].strip().lower()
    if media_type == "application/x-www-form-urlencoded" or _FORM.fullmatch(body):
        return _read_form(body)
    return {"text": _text(body)}


def _read_form(body: bytes) -> dict[str, Any]:
    pairs = parse_qsl(_text(body), keep_blank_values=True)[:MAX_FORM_FIELDS]
    return gather_fields(pairs)


def gather_fields(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Make an object of fields; one that is repeated becomes a list."""
    values: dict[str, list[Any]] = {}
    for name, value in pairs:
        values.setdefault(name, []).append(value)
    return {name: found if len(found) > 1 else found[0] for name, found in values.items()}


def _text(body: bytes) -> str:
    try:
        return body.decode()
    except UnicodeDecodeError:
        # Every byte is a character there, so nothing is lost.
        return body.decode("latin-1")
