"""The content of a request, as expressions see it."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from handlers.intake.forms import is_form, read_form, read_parts, read_text
from handlers.intake.problem import Problem
from handlers.intake.reading import parse_json

#: Secrets that come in headers; no expression can read them, so none ends on a card.
SECRET_HEADERS = frozenset({"authorization", "proxy_authorization", "cookie"})
MAX_TEXT_LENGTH = 50_000
_FORM_TYPE = "application/x-www-form-urlencoded"
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class RequestContent:
    """Hold what the expressions of a mapping are evaluated over."""

    #: JSON, or an object of the fields of a form, or ``{"text": …}`` for anything else, of which a
    #: long one ends in a hash.
    body: Any
    #: Names in lower case with ``_`` for ``-``.
    headers: Mapping[str, str] = field(default_factory=dict)
    #: The parameters of the address.
    query: Mapping[str, str] = field(default_factory=dict)


def read_content(
    body: bytes, headers: Mapping[str, str], query: Mapping[str, str] | None = None
) -> RequestContent:
    """Read any body, already unpacked; none is refused for its content."""
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
        return parse_json(body.removeprefix(_BYTE_ORDER_MARK), is_strict=False)
    except Problem:
        pass
    if body.startswith(b"--"):
        parts = read_parts(body)
        if parts is not None:
            return parts
    media_type = content_type.partition(";")[0].strip().lower()
    if media_type == _FORM_TYPE or is_form(body):
        return read_form(body)
    return _read_plain(body)


def _read_plain(body: bytes) -> dict[str, str]:
    text = read_text(body)
    if len(text) <= MAX_TEXT_LENGTH:
        return {"text": text}
    # Nobody reads more on a card, and to look for secrets in it takes long. The raw body is kept,
    # and two bodies that begin alike stay two.
    return {"text": text[:MAX_TEXT_LENGTH], "sha256": hashlib.sha256(body).hexdigest()}
