"""The text that a sender signs, as ``verify.content`` describes it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from bot.cases.verification import Verification

_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
_HEADER_EXPRESSION = re.compile(r"headers\.([a-z0-9_]+)")
_ITEM = re.compile(r"\bitem\b")
MAX_PARSED = 256


class PieceKind(StrEnum):
    """A piece of the signed text."""

    LITERAL = "literal"
    BODY = "body"
    TIMESTAMP = "timestamp"
    ID = "id"
    METHOD = "method"
    #: The public address with its query.
    URL = "url"
    PATH = "path"
    #: The sorted names and values of a form, without anything between them (Twilio).
    PARAMS = "params"
    #: A JMESPath expression over body, headers, query and item.
    EXPRESSION = "expression"


_NAMED = frozenset(PieceKind) - {PieceKind.LITERAL, PieceKind.EXPRESSION}


@dataclass(frozen=True, slots=True)
class Piece:
    kind: PieceKind
    #: The literal text or the expression; else empty.
    text: str = ""


@lru_cache(maxsize=MAX_PARSED)
def parse_content(template: str) -> tuple[Piece, ...]:
    """Split the template of a signed text into its pieces."""
    return tuple(_pieces(template))


def _pieces(template: str) -> Iterator[Piece]:
    # Literals and placeholders by turns.
    for index, text in enumerate(_PLACEHOLDER.split(template)):
        if index % 2 == 0:
            if text:
                yield Piece(PieceKind.LITERAL, text)
        elif text in _NAMED:
            yield Piece(PieceKind(text))
        else:
            yield Piece(PieceKind.EXPRESSION, text)


class Place(StrEnum):
    """Name a place where a value of the request stands."""

    #: In the list of the signature's header.
    FIELD = "field"
    HEADER = "header"
    BODY = "body"


@dataclass(frozen=True, slots=True)
class Location:
    """The place of a time or an id, like ``header:X-Time``."""

    place: Place
    #: The name of a field or header, or a JMESPath expression over the body.
    name: str


@lru_cache(maxsize=MAX_PARSED)
def parse_location(text: str) -> Location | None:
    """Parse ``field:t``, ``header:X-Time`` or ``body:a.b``; None for nothing.

    Raises:
        ValueError: it is none of these.
    """
    if not text:
        return None
    place, _, name = text.partition(":")
    if place not in frozenset(Place) or not name.strip():
        raise ValueError(f"{text!r} must be like field:t, header:X-Time or body:created_at")
    return Location(Place(place), name.strip())


@dataclass(frozen=True, slots=True)
class Coverage:
    """The parts of a request that a signature covers."""

    kinds: frozenset[PieceKind]
    expressions: frozenset[str]

    @classmethod
    def of(cls, verification: Verification) -> "Coverage":
        """Read the coverage from the template of the signed text."""
        pieces = parse_content(verification.content)
        expressions = {piece.text for piece in pieces if piece.kind is PieceKind.EXPRESSION}
        return cls(frozenset(piece.kind for piece in pieces), frozenset(expressions))

    @property
    def has_body(self) -> bool:
        """Tell whether the whole body is signed."""
        return not self.kinds.isdisjoint({PieceKind.BODY, PieceKind.PARAMS})

    @property
    def has_query(self) -> bool:
        """Tell whether the address with its query is signed."""
        return PieceKind.URL in self.kinds

    @property
    def has_items(self) -> bool:
        """Tell whether each item of a body is signed on its own."""
        return any(map(_ITEM.search, self.expressions))

    @property
    def headers(self) -> frozenset[str]:
        """Return the headers that the template reads by an expression."""
        matches = map(_HEADER_EXPRESSION.fullmatch, self.expressions)
        return frozenset(match[1] for match in matches if match)

    def has(self, location: Location, kind: PieceKind) -> bool:
        """Tell whether a value at this place, or its placeholder, is signed."""
        if kind in self.kinds:
            return True
        match location.place:
            case Place.BODY:
                return self.has_body or f"body.{location.name}" in self.expressions
            case Place.HEADER:
                return location.name.lower().replace("-", "_") in self.headers
            case Place.FIELD:
                return False
