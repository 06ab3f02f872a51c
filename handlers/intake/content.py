"""The content of a request: its body as an object, its headers and its query."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from handlers.intake.forms import is_form, read_form, read_parts, read_text
from handlers.intake.problem import Problem
from handlers.intake.reading import parse_json

#: Secrets that come in headers; no expression can read them, so none ends on a card.
SECRET_HEADERS = frozenset({"authorization", "proxy_authorization", "cookie"})
_FORM_TYPE = "application/x-www-form-urlencoded"
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


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
    return {"text": read_text(body)}
