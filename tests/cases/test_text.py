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
