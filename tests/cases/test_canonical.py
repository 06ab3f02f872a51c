"""Canonical bytes: equal to those of the reference implementation, whatever the value."""

import json
import math
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from bot.audit.verifier import canonical
from bot.cases.canonical import (
    MAX_INTEGER,
    MAX_PLAIN_FLOAT,
    MIN_PLAIN_FLOAT,
    canonical_bytes,
    canonical_hash,
    format_utc,
    from_json,
    from_plain,
    storable,
    to_json,
    to_plain,
)
from bot.cases.entries import entry_plain
from bot.cases.plan import Money, Plan
from bot.cases.signal import Signal
from bot.cases.text import is_storable
from tests.cases.making import opening, plan, signal, write
from tests.cases.shapes import JSON, MOMENTS, shapes


@given(JSON)
def test_canonical_bytes_are_those_of_the_reference_implementation(value):
    assert canonical_bytes(value) == rfc8785.dumps(value)


# The verifier handles the floats that the desk writes.
VERIFIABLE = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-MAX_INTEGER, MAX_INTEGER)
    | st.floats(MIN_PLAIN_FLOAT, MAX_PLAIN_FLOAT, exclude_max=True)
    | st.text(),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4)
    ),
    max_leaves=20,
)


@given(VERIFIABLE)
def test_the_verifiers_own_canonical_form_agrees(value):
    assert canonical(value).encode() == rfc8785.dumps(value)


def test_entries_are_written_by_the_fast_encoder(monkeypatch):
    entries = write(None, opening()).entries
    expected = [rfc8785.dumps(entry_plain(entry)) for entry in entries]
    monkeypatch.delattr(rfc8785, "dumps")
    assert [canonical_bytes(entry_plain(entry)) for entry in entries] == expected


def test_usual_names_and_numbers_are_written_by_the_fast_encoder(monkeypatch):
    value = {"Menge": 0.0, "Größe": -0.0, "数": 2.5}
    expected = rfc8785.dumps(value)
    monkeypatch.delattr(rfc8785, "dumps")
    assert canonical_bytes(value) == expected


@given(VERIFIABLE)
def test_canonical_bytes_read_back_as_the_same_value(value):
    again = json.loads(canonical_bytes(value))
    assert again == value
    assert canonical_bytes(again) == canonical_bytes(value)


@pytest.mark.parametrize(
    "value",
    [
        {"a": 2**53},
        {"a": -(2**53)},
        {"a": float("nan")},
        {"a": float("inf")},
        {"a": b"x"},
        {"a": "\ud800"},
        {1: "a"},
        {"a": {1, 2}},
    ],
    ids=repr,
)
def test_what_has_no_canonical_form_is_refused(value):
    # Half a character fails where the text becomes bytes.
    with pytest.raises((rfc8785.CanonicalizationError, UnicodeEncodeError)):
        canonical_bytes(value)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (-0.0, "0"),
        (1.0, "1"),
        (-1.0, "-1"),
        (0.1, "0.1"),
        (1e-4, "0.0001"),
        (1e-5, "0.00001"),
        (1e-7, "1e-7"),
        (999999999999999.9, "999999999999999.9"),
        (1e15, "1000000000000000"),
        (1e21, "1e+21"),
        (5e-324, "5e-324"),
        (MAX_INTEGER, "9007199254740991"),
        (-MAX_INTEGER, "-9007199254740991"),
        (True, "true"),
        (None, "null"),
        ([], "[]"),
        ({}, "{}"),
        ({"b": 1, "a": 2}, '{"a":2,"b":1}'),
        ("€\n\u0001", '"€\\n\\u0001"'),
        # By UTF-16 units, as RFC 8785 sorts, an emoji comes before the private use area.
        ({"\ue000": 1, "😀": 2}, '{"😀":2,"\ue000":1}'),
    ],
)
def test_numbers_and_names_are_written_as_ecmascript_writes_them(value, text):
    assert canonical_bytes(value).decode() == text


@given(st.dictionaries(st.text(max_size=4), st.integers(0, 9), max_size=6))
def test_the_order_of_the_fields_makes_no_difference(value):
    backwards = dict(reversed(value.items()))
    assert canonical_hash(value) == canonical_hash(backwards)


# --- shapes ---------------------------------------------------------------------------------------


@given(shapes(Plan))
def test_a_plan_reads_back_from_plain_values_and_from_text(value):
    assert from_plain(Plan, to_plain(value)) == value
    assert from_json(Plan, to_json(value)) == value
    assert from_plain(Plan, json.loads(canonical_bytes(to_plain(value)))) == value


@given(shapes(Signal))
def test_a_signal_reads_back_with_its_fingerprint(value):
    again = from_json(Signal, to_json(value))
    assert (again, again.fingerprint) == (value, value.fingerprint)


def test_plain_values_are_those_of_json():
    assert to_plain(Money(Decimal("312.50"), "GBP")) == {"amount": "312.50", "currency": "GBP"}
    plain = to_plain(plan())
    assert plain["not_after"].endswith("Z")
    assert plain["actions"][0]["undo_for"] == "PT0S"
    assert plain["requester"] is None


def test_a_shape_can_be_named():
    """A list has no shape of its own that could be kept."""
    amounts = [Money(Decimal(1), "GBP")]
    plain = to_plain(amounts, list[Money])
    assert plain == [{"amount": "1", "currency": "GBP"}]
    assert from_plain(list[Money], plain) == amounts
    assert json.loads(to_json(amounts, list[Money])) == plain


# --- what no ledger can hold ----------------------------------------------------------------------


@pytest.mark.threat("C4")
@pytest.mark.parametrize(
    ("value", "result"),
    [
        (None, None),
        (True, True),
        (False, False),
        (0, 0),
        (MAX_INTEGER, MAX_INTEGER),
        (MAX_INTEGER + 1, "9007199254740992"),
        (-MAX_INTEGER - 1, "-9007199254740992"),
        (0.5, 0.5),
        (float(MAX_INTEGER), float(MAX_INTEGER)),
        # RFC 8785 writes these without an exponent, and they would read back as integers.
        (float(2**53), "9007199254740992.0"),
        (-6.213289556228065e16, "-6.213289556228065e+16"),
        (9.9e20, "9.9e+20"),
        (1e21, 1e21),
        (math.inf, "inf"),
        (-math.inf, "-inf"),
        (math.nan, "nan"),
        ("", ""),
        ("Merlot", "Merlot"),
        ("a\x00b", "a?b"),
        ("a\ud800b", "a?b"),
        ("\udfff", "?"),
        ("naïve €", "naïve €"),
    ],
    ids=repr,
)
def test_a_value_that_no_ledger_holds_is_written_as_text(value, result):
    assert storable(value) == result
    assert type(storable(value)) is type(result)


@pytest.mark.threat("C4")
@given(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(codec=None), max_size=20)
)
def test_whatever_comes_from_outside_has_a_canonical_form(value):
    result = storable(value)
    again = json.loads(canonical_bytes(result))
    assert again == result
    assert canonical_bytes(again) == canonical_bytes(result)
    assert not isinstance(result, str) or is_storable(result)
    assert storable(result) == result


# --- times ----------------------------------------------------------------------------------------


def test_moments_have_one_width_and_sort_as_text():
    early, late = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, 0, 0, 0, 1, tzinfo=UTC)
    assert (format_utc(early), format_utc(late)) == (
        "2026-01-01T00:00:00.000000Z",
        "2026-01-01T00:00:00.000001Z",
    )


@given(MOMENTS, MOMENTS)
def test_moments_sort_as_their_texts(one, other):
    assert (one < other) is (format_utc(one) < format_utc(other))
    assert datetime.fromisoformat(format_utc(one)) == one
    assert len(format_utc(one)) == len(format_utc(other))


def test_the_hash_of_a_signal_is_that_of_every_release():
    """A changed hash would make two of one signal."""
    assert signal().fingerprint == canonical_hash(["api", "low_stock", "product:1"])
    assert canonical_hash({}) == (
        "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
    )
    assert to_plain(timedelta(minutes=90)) == "PT1H30M"
