"""The embedder for cards: token vectors, distilled from the built-in model.

The vector of a text is the sum of the rows of its tokens; early ones count more, because a text
begins with what it is about. It keeps most of the meaning at a hundredth of the model's cost
(docs/benchmarks.md). ``make token-table`` makes the table again.
"""

import importlib.util
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from knowledge.memory.minilm import load_tokenizer, replace_surrogates, verify
from knowledge.memory.vectors import MAX_TEXT_CHARACTERS, Vectors, to_unit_length

TABLE = Path(__file__).parent / "minilm" / "token_table.npy"
TABLE_SHA256 = "45ab8867a6fa10548023c05731a78471909b6272d83b521ddbbd1c081f3f58bd"
TABLE_VECTOR_SIZE = 256
MAX_TOKENS = 256
# After so many tokens one counts half, after twice as many a third.
POSITION_DAMPING = 32
POSITION_WEIGHTS = (1 / (1 + np.arange(MAX_TOKENS) / POSITION_DAMPING)).astype(np.float32)
# A number takes four bits: eight are no better (measured), and twice as large.
MAX_VALUE = 7
HALF_SIZE = TABLE_VECTOR_SIZE // 2
#: The two numbers of each byte.
LOW_VALUES = (np.arange(256) % 16 - MAX_VALUE).astype(np.float32)
HIGH_VALUES = (np.arange(256) // 16 - MAX_VALUE).astype(np.float32)
#: A row: the factor of its numbers, and the numbers themselves, two in a byte.
ROW_TYPE = np.dtype([("scale", np.float32), ("packed", np.uint8, (HALF_SIZE,))])
TABLE_NAME = "token-table/"
# Change it with how rows are added up: vectors of before are then embedded again.
TABLE_VERSION = "1"
# What embedded precedents in this release and in those before it.
REPLACED_NAMES = ("minilm-l6-v2-int8/", TABLE_NAME)


class TokenTable:
    """Adds up the vectors of a text's tokens, in tens of microseconds.

    Raises:
        ImportError: the package tokenizers is not installed.
        OSError: the table is missing.
        ValueError: the table is not the released one.
    """

    is_semantic = True
    identity = f"{TABLE_NAME}{TABLE_VERSION}/{TABLE_SHA256[:12]}/{TABLE_VECTOR_SIZE}"

    def __init__(self) -> None:
        if importlib.util.find_spec("tokenizers") is None:
            raise ImportError("the package tokenizers is not installed")
        verify(TABLE, TABLE_SHA256)
        # Mapped: only the rows of words that occur take memory. A plain view of the map: the
        # subclass costs time at every use.
        self._rows: NDArray[Any] = np.asarray(np.load(TABLE, mmap_mode="r"))
        self._tokenizer: Any = None
        self._start_lock = threading.Lock()

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Embed each text as a row of length 1.

        A text without tokens is a row of zeros.
        """
        with self._start_lock:
            if self._tokenizer is None:
                self._tokenizer = load_tokenizer()
        vectors = np.zeros((len(texts), TABLE_VECTOR_SIZE), np.float32)
        for position, text in enumerate(texts):
            vectors[position] = self._add_up(self._tokenize(text))
        return to_unit_length(vectors)

    def _tokenize(self, text: str) -> list[int]:
        clean_text = replace_surrogates(text[:MAX_TEXT_CHARACTERS])
        # One at a time: a batch would start the tokenizer's own threads.
        encoding = self._tokenizer.encode(clean_text, add_special_tokens=False)
        token_ids: list[int] = encoding.ids
        return token_ids

    def _add_up(self, token_ids: list[int]) -> Vectors:
        rows = self._rows[token_ids[:MAX_TOKENS]]
        weights = rows["scale"] * POSITION_WEIGHTS[: len(rows)]
        total: Vectors = weights @ unpack(rows["packed"])
        return total


def replaces(identity: str, other_identity: str) -> bool:
    """Tell whether one embedder replaced another in a later release.

    Precedents are then embedded again without a request: thousands take a second.
    """
    is_table = identity.startswith(TABLE_NAME)
    return is_table and other_identity.startswith(REPLACED_NAMES) and identity != other_identity


def pack(values: Vectors) -> NDArray[np.uint8]:
    """Pack integers from -7 to 7, two in a byte."""
    digits = (values + MAX_VALUE).astype(np.uint8)
    pairs: NDArray[np.uint8] = digits[:, :HALF_SIZE] + 16 * digits[:, HALF_SIZE:]
    return pairs


def unpack(pairs: NDArray[np.uint8]) -> Vectors:
    """Return the numbers of packed rows."""
    values: Vectors = np.empty((len(pairs), TABLE_VECTOR_SIZE), np.float32)
    # The modes other than "raise" write without a copy; no byte is out of range.
    LOW_VALUES.take(pairs, out=values[:, :HALF_SIZE], mode="clip")
    HIGH_VALUES.take(pairs, out=values[:, HALF_SIZE:], mode="clip")
    return values
