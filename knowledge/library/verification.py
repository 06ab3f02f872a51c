"""Checks of ``verify:``: what each scheme needs."""

from bot.cases.errors import PlaybookInvalid
from bot.cases.expressions import compile_expression
from bot.cases.signed_content import (
    Coverage,
    Location,
    PieceKind,
    Place,
    parse_content,
    parse_location,
)
from bot.cases.source import Source
from bot.cases.verification import Encoding, Scheme, Verification

#: A header that names a secret or a person in it.
_HEADER_SCHEMES = frozenset({Scheme.TOKEN, Scheme.PROXY_CERTIFICATE})
_SIGNATURE_FIELDS = (
    "signature",
    "field",
    "algorithm",
    "encoding",
    "secret_encoding",
    "content",
    "timestamp",
    "message_id",
)
_UNUSED = Verification(scheme=Scheme.BEARER)


def check_scheme(verification: Verification) -> Verification:
    """Require what the scheme needs, and nothing that it would not read.

    Raises:
        ValueError: a sentence on what to correct.
    """
    if verification.scheme is Scheme.HMAC:
        _check_signature(verification)
        _check_signed(verification)
        return verification
    for name in _SIGNATURE_FIELDS:
        if getattr(verification, name) != getattr(_UNUSED, name):
            raise ValueError(f"{name} goes with scheme hmac alone")
    has_header = verification.scheme in _HEADER_SCHEMES
    if has_header and not verification.header:
        raise ValueError(f"scheme {verification.scheme} needs header: the one with the secret")
    if not has_header and (verification.header or verification.prefix):
        raise ValueError(f"scheme {verification.scheme} reads no other header; leave it out")
    return verification


def check_verification(source: Source) -> Source:
    """Require that a source can sign in by its ``verify``.

    Raises:
        ValueError: a sentence on what to correct.
    """
    verification = source.verify
    if verification is None:
        return source
    check_scheme(verification)
    is_open = verification.scheme is Scheme.LOOPBACK
    if is_open and verification.secret_env:
        raise ValueError("scheme loopback has no secret; leave secret_env out, or choose another")
    if not is_open and not verification.secret_env:
        raise ValueError("verify needs secret_env: the names of one variable, or of two")
    has_each = source.mapping is not None and bool(source.mapping.each)
    if verification.scheme is Scheme.HMAC and Coverage.of(verification).has_items and not has_each:
        raise ValueError("verify signs each item, so mapping.each must say where they are")
    return source


def _check_signature(verification: Verification) -> None:
    """Require one place for the signature, and an encoding of one."""
    if bool(verification.header) == bool(verification.signature):
        raise ValueError("scheme hmac needs header, or signature where it stands in the body")
    if verification.field and not verification.header:
        raise ValueError("field is a part of a header; say header too")
    if verification.encoding is Encoding.TEXT:
        raise ValueError("a signature is hex or base64, not text")
    _compile(verification.signature)


def _check_signed(verification: Verification) -> None:
    """Require that what the receiver believes is signed."""
    pieces = parse_content(verification.content)
    for piece in pieces:
        if piece.kind is PieceKind.EXPRESSION:
            _compile(piece.text or "{}")
        elif piece.kind is PieceKind.LITERAL and not set("{}").isdisjoint(piece.text):
            raise ValueError("content has a brace without its other half")
    coverage = Coverage.of(verification)
    if not coverage.has_body and not coverage.expressions:
        raise ValueError("content must have {body} in it, or an expression, or anything would pass")
    _check_location(verification, "timestamp", PieceKind.TIMESTAMP)
    _check_location(verification, "message_id", PieceKind.ID)


def _check_location(verification: Verification, name: str, kind: PieceKind) -> None:
    """Require that a time or an id is signed."""
    coverage = Coverage.of(verification)
    location = _location(name, getattr(verification, name))
    if location is None:
        if kind in coverage.kinds:
            raise ValueError(f"content has {{{kind}}} in it; say where it is with {name}")
        return
    if location.place is Place.FIELD and not verification.field:
        raise ValueError(f"{name}: {location.name} is a part of a header; say field too")
    if location.place is Place.BODY:
        _compile(location.name)
    if not coverage.has(location, kind):
        raise ValueError(f"{name} is not signed: put {{{kind}}} into content, or leave {name} out")


def _location(name: str, text: str) -> Location | None:
    try:
        return parse_location(text)
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None


def _compile(expression: str) -> None:
    if not expression:
        return
    try:
        compile_expression(expression)
    except PlaybookInvalid as error:
        # Pydantic adds the place in the file to a ValueError, and to nothing else.
        raise ValueError(str(error)) from None
