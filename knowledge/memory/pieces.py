"""Long texts in overlapping pieces.

A long story is about several things, and its vector is about none of them: each piece is searched
beside the whole, and the best one counts. Short texts, the usual case, stay as they are.
"""

from collections.abc import Iterable, Sequence

PIECE_WORDS = 60
PIECE_STEP = 30
# It begins the number of a piece in the id of its vector; no id of a precedent has it.
SEPARATOR = "\x1f"


def split_pieces(text: str) -> list[str]:
    """Split a text into pieces of 60 words, 30 apart.

    A text that is not longer than a piece is returned as it is.
    """
    words = text.split()
    if len(words) <= PIECE_WORDS:
        return [text]
    last_start = len(words) - PIECE_WORDS
    starts = range(0, last_start + PIECE_STEP, PIECE_STEP)
    return [" ".join(words[start : start + PIECE_WORDS]) for start in starts]


def list_passages(text: str) -> list[str]:
    """List what is embedded: the whole, then its pieces if several."""
    pieces = split_pieces(text)
    return [text, *pieces] if len(pieces) > 1 else [text]


def passage_id(precedent_id: str, number: int) -> str:
    """Return the id under which a vector is stored.

    Passage 0 is the whole text, and has the id of the precedent.
    """
    return f"{precedent_id}{SEPARATOR}{number}" if number else precedent_id


def owner_id(vector_id: str) -> str:
    """Return the id of the precedent that a vector belongs to."""
    return vector_id.partition(SEPARATOR)[0]


def passage_ids(precedent_id: str, numbers: Iterable[int]) -> Sequence[str]:
    """Return the ids of some passages of a precedent."""
    return [passage_id(precedent_id, number) for number in numbers]
