"""Long texts in pieces."""

from hypothesis import given
from hypothesis import strategies as st

from knowledge.memory.pieces import (
    PIECE_WORDS,
    list_passages,
    owner_id,
    passage_id,
    split_pieces,
)

WORDS = st.lists(st.text("abc", min_size=1, max_size=3), max_size=400)


@given(WORDS)
def test_the_pieces_hold_every_word_in_its_order_and_none_is_too_long(words):
    numbered = [f"{word}{number}" for number, word in enumerate(words)]
    pieces = [piece.split() for piece in split_pieces(" ".join(numbered))]
    assert list(dict.fromkeys(word for piece in pieces for word in piece)) == numbered
    assert max(map(len, pieces)) <= PIECE_WORDS
    if len(numbered) > PIECE_WORDS:
        assert all(numbered[numbered.index(piece[0]) :][: len(piece)] == piece for piece in pieces)


@given(st.lists(st.sampled_from(["a", "b\n", " c"]), max_size=PIECE_WORDS))
def test_a_text_not_longer_than_a_piece_is_one_unchanged(words):
    text = " ".join(words)
    assert split_pieces(text) == list_passages(text) == [text]


def test_a_long_text_is_embedded_whole_and_in_pieces():
    text = " ".join(map(str, range(PIECE_WORDS + 1)))
    whole, first, last = list_passages(text)
    assert whole == text
    assert (first.split()[0], last.split()[0], last.split()[-1]) == ("0", "30", "60")


def test_the_id_of_a_passage_leads_to_its_precedent():
    assert passage_id("EX-1.1", 0) == "EX-1.1"
    assert {owner_id(passage_id("batch:7", number)) for number in range(3)} == {"batch:7"}
