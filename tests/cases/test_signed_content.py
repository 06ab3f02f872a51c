"""The template of a signed text, and what it covers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.cases.signed_content import (
    Coverage,
    Location,
    Piece,
    PieceKind,
    Place,
    parse_content,
    parse_location,
)
from bot.cases.verification import Scheme, Verification


def coverage(content):
    return Coverage.of(Verification(scheme=Scheme.HMAC, header="X", content=content))


def test_a_template_is_text_and_pieces_of_the_request():
    assert parse_content("v0:{timestamp}:{body}{body.a}") == (
        Piece(PieceKind.LITERAL, "v0:"),
        Piece(PieceKind.TIMESTAMP),
        Piece(PieceKind.LITERAL, ":"),
        Piece(PieceKind.BODY),
        Piece(PieceKind.EXPRESSION, "body.a"),
    )
    # The words for the kinds themselves are expressions like any other.
    assert parse_content("{literal}") == (Piece(PieceKind.EXPRESSION, "literal"),)


@given(st.text(max_size=60))
def test_a_template_loses_nothing(template):
    def written(piece):
        if piece.kind is PieceKind.LITERAL:
            return piece.text
        return f"{{{piece.text or piece.kind}}}"

    text = "".join(map(written, parse_content(template)))
    assert text == template or "{expression}" in text


def test_a_location_is_a_place_and_a_name():
    assert parse_location("") is None
    assert parse_location("field:t") == Location(Place.FIELD, "t")
    assert parse_location("body:a.b || c") == Location(Place.BODY, "a.b || c")
    for text in ("t", "cookie:t", "header:", ":t", "header: "):
        with pytest.raises(ValueError, match="must be like field:t"):
            parse_location(text)


def test_a_signature_covers_what_its_template_reads():
    assert coverage("{body}").has_body
    assert coverage("{url}{params}").has_body
    assert coverage("{url}{body}").has_query
    assert not coverage("{path}{body}").has_query
    assert not coverage("{body.a}").has_body
    assert coverage("{item.a}:{item.b}").has_items
    assert not coverage("{body.items}").has_items
    assert coverage("{headers.x_id}{body}").headers == {"x_id"}


def test_a_time_is_signed_where_the_template_or_the_body_has_it():
    kind = PieceKind.TIMESTAMP
    header, body = Location(Place.HEADER, "X-Time"), Location(Place.BODY, "a.time")
    field = Location(Place.FIELD, "t")
    for location in (header, body, field):
        assert coverage("{timestamp}.{body}").has(location, kind)
    assert coverage("{headers.x_time}{body}").has(header, kind)
    assert coverage("{body}").has(body, kind)
    assert coverage("{body.a.time}").has(body, kind)
    for content, location in (("{body}", header), ("{body}", field), ("{body.a}", body)):
        assert not coverage(content).has(location, kind)
