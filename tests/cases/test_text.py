"""Text from outside: what is kept of it can be stored anywhere, is never too long, and never tells two things as one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.cases.text import SHORTENED, bounded_key, is_storable, shorten, storable

TEXT = st.text(st.characters(codec=None), max_size=300)


@pytest.mark.threat("C4")
@given(TEXT)
def test_what_is_kept_can_be_stored_anywhere(text):
    kept = storable(text)
    assert (len(kept), kept == text) == (len(text), is_storable(text))
    assert is_storable(kept)
    assert kept.encode().decode() == kept


@pytest.mark.threat("C1")
@given(TEXT, st.integers(100, 200))
def test_a_shortened_text_says_so(text, limit):
    kept = shorten(text, limit)
    assert len(kept) <= limit
    assert (kept == text) == (len(text) <= limit) or kept.endswith(SHORTENED)


@pytest.mark.threat("C1")
@given(st.lists(TEXT, unique=True, max_size=8), st.integers(100, 200))
def test_two_keys_never_become_one(texts, limit):
    keys = {bounded_key(text, limit) for text in texts}
    assert len(keys) == len(texts)
    assert all(len(key) <= limit for key in keys)


@pytest.mark.parametrize(
    ("text", "kept", "is_so"),
    [
        ("", "", True),
        ("Merlot", "Merlot", True),
        ("naïve €😀", "naïve €😀", True),
        ("a\x00b", "a\ufffdb", False),
        ("\x00", "\ufffd", False),
        ("a\ud800", "a\ufffd", False),
        ("\udfffé", "\ufffdé", False),
        ("\ud83d\ude00", "\ufffd\ufffd", False),
        ("tab\tand\nline", "tab\tand\nline", True),
    ],
    ids=ascii,
)
def test_only_what_no_database_keeps_is_replaced(text, kept, is_so):
    assert storable(text) == kept
    assert is_storable(text) is is_so


@pytest.mark.parametrize(
    ("length", "limit", "kept"),
    [(0, 20, ""), (20, 20, "x" * 20), (21, 20, f"xxxxxxx{SHORTENED}"), (99, 13, SHORTENED)],
)
def test_a_text_is_cut_only_beyond_its_limit(length, limit, kept):
    assert shorten("x" * length, limit) == kept


def test_a_long_key_keeps_its_beginning_and_a_checksum_of_the_whole():
    key = "order:" + "x" * 300
    bounded = bounded_key(key, 100)
    assert (len(bounded), bounded[:35], bounded[35]) == (100, key[:35], "~")
    assert bounded != bounded_key(key + "y", 100)
    assert bounded_key("short", 100) == "short"
    assert bounded_key("\ud800" * 101, 100) != bounded_key("\ud801" * 101, 100)
