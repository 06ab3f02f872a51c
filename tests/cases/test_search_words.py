"""Words under which cases are found: case, accents and punctuation do not matter."""

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.cases.search_words import fold_text, search_words


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Château d'Yquem", "chateau d yquem"),
        ("Straße", "strasse"),
        ("İstanbul", "istanbul"),
        ("a_b-c/d", "a b c d"),
        ("  £2,460.50 ", "2 460 50"),
        ("\x00\ud83d%_'\\", ""),
        ("Ünïcode\u2028next", "unicode next"),
        ("ﬁne №5 ℡", "fine no5 tel"),
        ("", ""),
    ],
)
def test_the_plain_spelling_of_a_text(text, words):
    assert fold_text(text) == words
    assert fold_text(words) == words


@given(st.text() | st.text(st.characters(categories=["Mn", "Mc", "Me", "L"])))
def test_accents_are_left_out_wherever_they_stand(text):
    plain = "".join(
        char for char in unicodedata.normalize("NFKD", text) if not unicodedata.combining(char)
    )
    assert fold_text(text) == fold_text(plain) == " ".join(re.findall(r"[^\W_]+", plain.casefold()))


def test_each_word_is_listed_once_in_its_order():
    assert search_words(["The Merlot", "the merlot, again"]) == ["the", "merlot", "again"]
    assert search_words([]) == []
