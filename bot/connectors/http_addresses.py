"""Addresses of HTTP calls, which parameters fill and cannot redirect."""

import re
import unicodedata
from urllib.parse import quote, unquote

import httpx

from bot.cases.canonical import ScalarMapping
from bot.cases.errors import ConnectorFailed

# A server may decode a value again: so many times it is decoded before it is judged.
MAX_DECODINGS = 3
_PLACEHOLDER = re.compile(r"\{([a-z][a-z0-9_]*)\}")
# These stand in a declared path as they are.
_DECLARED_CHARACTERS = "/%:@!$&'()*+,;=~"
# These end a segment of a path, for one server or another.
_SEPARATORS = frozenset("/\\")


def fill_address(template: str, parameters: ScalarMapping) -> str:
    """Fill the placeholders of a declared path and query.

    Raises:
        ConnectorFailed: a value is missing or could change the path; the text names its parameter.
    """
    missing = sorted(set(_PLACEHOLDER.findall(template)) - set(parameters))
    if missing:
        raise ConnectorFailed(f"{', '.join(missing)} is needed in the address")
    path, mark, query = template.partition("?")
    for name, value in parameters.items():
        placeholder = f"{{{name}}}"
        text = str(value)
        if placeholder in path:
            path = path.replace(placeholder, _segment(name, text))
        query = query.replace(placeholder, quote(text, safe=""))
    return f"{path}{mark}{query}"


def is_declared_address(
    url: httpx.URL,
    base: httpx.URL,
    address: str,
) -> bool:
    """Tell whether a request goes to exactly this address under the base."""
    path = quote(address.partition("?")[0], safe=_DECLARED_CHARACTERS)
    declared_path = base.raw_path.decode().rstrip("/") + path
    actual_path = url.raw_path.decode().partition("?")[0]
    # httpx resolves dots and takes a host from "//host": neither may happen.
    is_same_server = url.copy_with(raw_path=b"/") == base.copy_with(raw_path=b"/")
    return is_same_server and actual_path == declared_path


def _segment(name: str, text: str) -> str:
    """Encode a value for a path.

    Raises:
        ConnectorFailed: a server could read it as another path.
    """
    plain = text
    for _ in range(MAX_DECODINGS):
        plain = unquote(plain)
    plain = unicodedata.normalize("NFKC", plain)
    # Some servers cut a segment at the semicolon before they look at its dots.
    is_dots = plain.partition(";")[0].strip().strip(".") == ""
    has_separator = bool(_SEPARATORS & set(plain))
    has_control = any(ord(letter) < 32 for letter in plain)
    if is_dots or has_separator or has_control:
        raise ConnectorFailed(f"{name} cannot stand in an address: {text[:40]!r}")
    return quote(text, safe="")
