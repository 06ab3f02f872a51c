"""Secrets that travel with a request, compared in constant time."""

import hashlib
import hmac
from collections.abc import Mapping, Sequence


def bearer_token(headers: Mapping[str, str]) -> str | None:
    """Read the bearer token; None when there is none."""
    scheme, _, token = headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        return None
    return token.strip()


def has_token(token: str, valid_tokens: Sequence[str]) -> bool:
    """Tell whether the token is valid, in constant time."""
    digest = hashlib.sha256(token.encode("utf-8", "replace")).digest()
    matches = []
    # Every token is compared: stopping at a match would show which one it is.
    for valid_token in filter(None, valid_tokens):
        valid_digest = hashlib.sha256(valid_token.encode()).digest()
        matches.append(hmac.compare_digest(digest, valid_digest))
    return any(matches)
