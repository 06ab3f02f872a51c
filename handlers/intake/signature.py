"""Signatures with a shared secret (HMAC) over a request."""

import base64
import hashlib
import hmac
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any, assert_never
from urllib.parse import parse_qsl

from bot.cases.expressions import search
from bot.cases.signed_content import (
    Coverage,
    Location,
    Piece,
    PieceKind,
    Place,
    parse_content,
    parse_location,
)
from bot.cases.verification import Algorithm, Encoding, Scheme, Verification, decode_secret
from handlers.intake.content import RequestContent, read_content
from handlers.intake.forms import is_form
from handlers.intake.proof import Proof
from handlers.intake.request_head import RequestHead

#: Signatures in one header; a sender has one for each secret that is valid.
MAX_SIGNATURES = 8
#: Items of a body that are each signed.
MAX_SIGNED_ITEMS = 500
_SEPARATOR = re.compile("[,;]")
# ASCII digits only: int() would also read those of other scripts.
_EPOCH = re.compile("[0-9]{9,19}")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9:.]{5,18}(?:[Zz]|[+-][0-9]{2}:?[0-9]{2})")
# Without a dot: what stands between an id and a time could else be moved from one to the other.
_MESSAGE_ID = re.compile(r"[A-Za-z0-9_:+/=-]{1,200}")
_HASHES = {
    Algorithm.SHA1: hashlib.sha1,
    Algorithm.SHA256: hashlib.sha256,
    Algorithm.SHA512: hashlib.sha512,
}


@dataclass(frozen=True)
class SignedRequest:
    """A request whose signature is checked."""

    head: RequestHead
    #: As it was received, still compressed: that is what senders sign.
    body: bytes

    @cached_property
    def content(self) -> RequestContent:
        """The values that expressions are evaluated over."""
        # No content type: nobody signs it, and another one must not change what was signed.
        return read_content(self.body, dict(self.head.headers, **{"content-type": ""}))


def verify_signature(
    verification: Verification,
    secrets: Sequence[str],
    request: SignedRequest,
    *,
    now: datetime,
    each: str = "",
) -> Proof | None:
    """Verify a request; None unless its signature holds.

    ``each`` finds the items where each of them is signed on its own.
    """
    coverage = Coverage.of(verification)
    keys = [decode_secret(secret, verification.secret_encoding) for secret in secrets]
    parts = _signed_parts(request, each if coverage.has_items else "")
    check = SignatureCheck(
        verification=verification, request=request, keys=[key for key in keys if key], now=now
    )
    if not parts or not all(check.holds(part) for part in parts):
        return None
    return _proof(verification, coverage, check)


@dataclass(frozen=True)
class SignatureCheck:
    """The check of one request, or of its items one by one."""

    verification: Verification
    request: SignedRequest
    keys: Sequence[bytes]
    now: datetime

    def holds(self, part: Mapping[str, Any]) -> bool:
        """Tell whether the signature over this part is valid and recent."""
        timestamp = self.value_at(parse_location(self.verification.timestamp))
        if timestamp is None or not self._is_recent(timestamp):
            return False
        message_id = self.value_at(parse_location(self.verification.message_id))
        if message_id is None or not (message_id == "" or _MESSAGE_ID.fullmatch(message_id)):
            return False
        pieces = parse_content(self.verification.content)
        values = {PieceKind.TIMESTAMP: timestamp, PieceKind.ID: message_id}
        texts = [self._render(piece, values, part) for piece in pieces]
        signatures = self._signatures(part)
        message = b"".join(text for text in texts if text is not None)
        # Every signature is compared with every key, so that timing tells nothing of either.
        matches = [
            hmac.compare_digest(signature, self._expected(key, message))
            for signature in signatures
            for key in self.keys
        ]
        return None not in texts and any(matches)

    def value_at(self, location: Location | None) -> str | None:
        """Return the text at a location; None where it is missing.

        It is empty without a location.
        """
        if location is None:
            return ""
        match location.place:
            case Place.HEADER:
                return self.request.head.single_header(location.name) or None
            case Place.FIELD:
                values = self._fields(location.name)
                return values[0] if len(values) == 1 else None
            case Place.BODY:
                value = search(location.name, self.request.content.body)
                return _text_of(value) if value not in ("", None) else None
            case _:
                assert_never(location.place)

    def _is_recent(self, timestamp: str) -> bool:
        """Tell whether the time is within the tolerance, where one is required."""
        if not self.verification.timestamp:
            return True
        at = read_signed_time(timestamp)
        tolerance = timedelta(seconds=self.verification.tolerance)
        return at is not None and abs(self.now - at) <= tolerance

    def _fields(self, name: str) -> list[str]:
        """Return the values of a name in a header like ``t=1,v1=ab,v1=cd``."""
        header = self.request.head.single_header(self.verification.header) or ""
        pairs = [entry.strip().partition("=") for entry in _SEPARATOR.split(header)]
        return [value for field, mark, value in pairs if mark and field == name]

    def _signatures(self, part: Mapping[str, Any]) -> list[str]:
        """Return the signatures that the request offers, without their prefix."""
        verification = self.verification
        if verification.signature:
            offers: Iterable[Any] = [search(verification.signature, part)]
        elif verification.field:
            offers = self._fields(verification.field)
        else:
            offers = [self.request.head.single_header(verification.header)]
        texts = [offer for offer in offers if isinstance(offer, str) and offer.isascii()]
        prefix = verification.prefix
        signatures = [text[len(prefix) :] for text in texts if text.startswith(prefix)]
        if len(signatures) > MAX_SIGNATURES:
            return []
        if verification.encoding is Encoding.HEX:
            return [signature.lower() for signature in signatures]
        return signatures

    def _expected(self, key: bytes, message: bytes) -> str:
        digest = hmac.new(key, message, _HASHES[self.verification.algorithm]).digest()
        if self.verification.encoding is Encoding.BASE64:
            return base64.b64encode(digest).decode()
        return digest.hex()

    def _render(
        self, piece: Piece, values: Mapping[PieceKind, str], part: Mapping[str, Any]
    ) -> bytes | None:
        """Return the bytes of a piece; None where the request has none."""
        head = self.request.head
        match piece.kind:
            case PieceKind.LITERAL:
                return piece.text.encode()
            case PieceKind.BODY:
                return self.request.body
            case PieceKind.TIMESTAMP | PieceKind.ID:
                return values[piece.kind].encode()
            case PieceKind.METHOD:
                return head.method.encode()
            case PieceKind.URL:
                return head.url.encode("latin-1", "replace")
            case PieceKind.PATH:
                return head.path.encode("latin-1")
            case PieceKind.PARAMS:
                return _sorted_params(self.request.body)
            case PieceKind.EXPRESSION:
                text = _text_of(search(piece.text, part))
                # JSON can hold halves of surrogate pairs, which nobody signs.
                return None if text is None else text.encode("utf-8", "surrogatepass")
            case _:
                assert_never(piece.kind)


def read_signed_time(text: str) -> datetime | None:
    """Read a time of RFC 3339, or a number since 1970."""
    if _EPOCH.fullmatch(text):
        seconds: float = int(text)
        # Seconds have ten digits until the year 2286; what has more counts smaller units.
        while seconds >= 1e11:
            seconds /= 1000
        return datetime.fromtimestamp(seconds, UTC)
    if not _DATE.fullmatch(text):
        return None
    try:
        return datetime.fromisoformat(text.upper()).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _signed_parts(request: SignedRequest, each: str) -> list[dict[str, Any]]:
    """Return what expressions see: the request, with each item of it."""
    content = request.content
    scope = {"body": content.body, "headers": content.headers, "query": request.head.query}
    if not each:
        return [{**scope, "item": content.body}]
    items = search(each, scope)
    if not isinstance(items, list) or len(items) > MAX_SIGNED_ITEMS:
        return []
    return [{**scope, "item": item} for item in items]


def _text_of(value: Any) -> str | None:
    """Return a scalar as a sender writes it; None for others."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, str | int | float) else None


def _sorted_params(body: bytes) -> bytes | None:
    """Return the names and values of a form as Twilio signs them."""
    if not body:
        return b""
    if not is_form(body):
        return None
    pairs = set(parse_qsl(body.decode("ascii"), keep_blank_values=True))
    return "".join(name + value for name, value in sorted(pairs)).encode()


def _proof(verification: Verification, coverage: Coverage, check: SignatureCheck) -> Proof:
    location = parse_location(verification.message_id)
    has_id = location is not None and coverage.has(location, PieceKind.ID)
    return Proof(
        scheme=Scheme.HMAC,
        covers_body=coverage.has_body,
        covers_query=coverage.has_query,
        covers_all_headers=False,
        signed_headers=coverage.headers | _located_headers(verification, coverage),
        message_id=(check.value_at(location) or "") if has_id else "",
    )


def _located_headers(verification: Verification, coverage: Coverage) -> frozenset[str]:
    """Return the headers that hold a signed time or id."""
    names = set()
    for text, kind in (
        (verification.timestamp, PieceKind.TIMESTAMP),
        (verification.message_id, PieceKind.ID),
    ):
        location = parse_location(text)
        if location and location.place is Place.HEADER and kind in coverage.kinds:
            names.add(location.name.lower().replace("-", "_"))
    return frozenset(names)
