"""The embedder for cards: token vectors, distilled from the built-in model.

The vector of a text is the sum of the rows of its tokens; early ones count more, because a text
begins with what it is about. It keeps most of the meaning at a hundredth of the model's cost
(docs/benchmarks.md). ``make token-table`` makes the table again.
"""

from __future__ import annotations

import importlib.util
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bot.lazy_module import LazyModule
from knowledge.arrays import np
from knowledge.memory.minilm import load_tokenizer, verify
from knowledge.memory.sentence_encoder import replace_surrogates
from knowledge.memory.vectors import MAX_TEXT_CHARACTERS, Vectors, to_unit_length

if TYPE_CHECKING:
    from knowledge.memory import token_rows
    from knowledge.memory.token_rows import TokenRows
else:
    token_rows = LazyModule("knowledge.memory.token_rows")

TABLE = Path(__file__).parent / "minilm" / "token_table.npy"
TABLE_SHA256 = "45ab8867a6fa10548023c05731a78471909b6272d83b521ddbbd1c081f3f58bd"
TABLE_VECTOR_SIZE = 256
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
        # With the first text: a bot without precedents embeds none.
        self._rows: TokenRows | None = None
        self._tokenizer: Any = None
        self._start_lock = threading.Lock()

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Embed each text as a row of length 1.

        A text without tokens is a row of zeros.
        """
        rows = self._open()
        vectors = np.zeros((len(texts), TABLE_VECTOR_SIZE), np.float32)
        for position, text in enumerate(texts):
            vectors[position] = rows.add_up(self._tokenize(text))
        return to_unit_length(vectors)

    def _open(self) -> TokenRows:
        with self._start_lock:
            if self._rows is None:
                self._tokenizer = load_tokenizer()
                # Again: it may be long after the first time.
                verify(TABLE, TABLE_SHA256)
                self._rows = token_rows.TokenRows(TABLE)
            return self._rows

    def _tokenize(self, text: str) -> list[int]:
        clean_text = replace_surrogates(text[:MAX_TEXT_CHARACTERS])
        # One at a time: a batch would start the tokenizer's own threads.
        encoding = self._tokenizer.encode(clean_text, add_special_tokens=False)
        token_ids: list[int] = encoding.ids
        return token_ids


def replaces(identity: str, other_identity: str) -> bool:
    """Tell whether one embedder replaced another in a later release.

    Precedents are then embedded again without a request: thousands take a second.
    """
    is_table = identity.startswith(TABLE_NAME)
    return is_table and other_identity.startswith(REPLACED_NAMES) and identity != other_identity
