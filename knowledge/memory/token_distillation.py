"""The distillation of the token table from the built-in model: ``make token-table``.

Every token of the vocabulary goes through the model alone. The vectors are centred, so that what
all texts share makes no two of them alike; rotated, so that the first numbers of a vector say the
most and the last ones can be left out; and weighted, because frequent words say little.
"""

import hashlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from knowledge.memory.minilm import MiniLM, load_tokenizer
from knowledge.memory.token_rows import MAX_VALUE, ROW_TYPE, pack
from knowledge.memory.token_table import TABLE, TABLE_VECTOR_SIZE
from knowledge.memory.vectors import Vectors

# The number of "the", the most frequent word. Before it stand marks, signs and single letters.
FIRST_WORD = 1996
# The weight of marks and signs, beside the logarithm of a word's rank.
MIN_WEIGHT = 2.0


def main() -> None:
    """Write the table, and print the hash that belongs into token_table.py."""
    minilm = MiniLM(is_exact=True)
    vocabulary_size = load_tokenizer().get_vocab_size()
    table = make_table(minilm.embed_tokens(range(vocabulary_size)))
    np.save(TABLE, table)
    checksum = hashlib.sha256(TABLE.read_bytes()).hexdigest()
    print(f"{TABLE}: SHA-256 {checksum}")  # noqa: T201 (its result)


def make_table(vectors: Vectors) -> NDArray[Any]:
    """Make the table from the model's vectors of all tokens.

    The vectors are in the vocabulary's order.
    """
    weights = token_weights(len(vectors))
    shares = _frequencies(len(vectors)) * weights
    # The vector of a text with every word as often as the language has it.
    centre = shares @ vectors / shares.sum()
    rows = _rotate(vectors - centre)[:, :TABLE_VECTOR_SIZE]
    scales = np.abs(rows).max(axis=1) / MAX_VALUE
    table = np.zeros(len(rows), ROW_TYPE)
    table["packed"] = pack(np.rint(rows / scales[:, None]))
    table["scale"] = scales * weights
    return table


def token_weights(count: int) -> NDArray[np.float64]:
    """Return how much each token says about a text."""
    return np.log(1 + _ranks(count)) + MIN_WEIGHT


def _frequencies(count: int) -> NDArray[np.float64]:
    """Return the frequency of each token, by Zipf's law.

    Tokens that are no words have the frequency 0.
    """
    ranks = _ranks(count)
    return np.where(ranks > 0, 1 / np.maximum(1, ranks), 0)


def _ranks(count: int) -> NDArray[np.int64]:
    """Return the rank of each token among the words.

    The vocabulary is ordered by frequency. Tokens that are no words have the rank 0.
    """
    return np.maximum(0, np.arange(count) - FIRST_WORD + 1)


def _rotate(rows: Vectors) -> Vectors:
    """Rotate rows to their principal axes, those of most variance first."""
    _, axes = np.linalg.eigh(rows.T @ rows)
    projections: Vectors = rows @ axes[:, ::-1]
    return projections


if __name__ == "__main__":
    main()
