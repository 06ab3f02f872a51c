"""An encoder of sentences: tokens, their states, and the average of these."""

from __future__ import annotations

import ctypes
import threading
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from bot.lazy_module import LazyModule
from knowledge.arrays import np
from knowledge.memory.vectors import MAX_TEXT_CHARACTERS, Vectors, to_unit_length

if TYPE_CHECKING:
    import onnxruntime
    from numpy.typing import NDArray
else:
    onnxruntime = LazyModule("onnxruntime")

MAX_TOKENS = 128
# Larger batches are no faster, and their buffers take more memory.
BATCH_SIZE = 8
#: The option that says where the runtime finds weights that are in no graph. It maps them.
WEIGHTS_FOLDER = "session.model_external_initializers_file_folder_path"


class SentenceEncoder(ABC):
    """Runs a model by ONNX Runtime.

    It is loaded when the first text is embedded."""

    is_semantic = True

    def __init__(self, identity: str, size: int) -> None:
        self.identity = identity
        self._size = size
        self._session: Any = None
        self._tokenizer: Any = None
        self._start_lock = threading.Lock()

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Embed each text as a row of length 1."""
        self._start_once()
        token_ids = self._tokenize(texts)
        vectors = np.zeros((len(texts), self._size), np.float32)
        # Texts of similar length share a batch, so that short ones are not padded to long ones.
        order = np.argsort(list(map(len, token_ids)), kind="stable")
        for start in range(0, len(order), BATCH_SIZE):
            rows = order[start : start + BATCH_SIZE]
            vectors[rows] = self._embed_batch([token_ids[row] for row in rows])
        if len(order) > BATCH_SIZE:
            return_free_memory()
        return vectors

    @abstractmethod
    def _open_tokenizer(self) -> Any:
        """Open the tokenizer, without truncation and padding."""

    @abstractmethod
    def _open_session(self, options: Any) -> Any:
        """Load the graph and its weights into a session of the runtime."""

    def _start_once(self) -> None:
        with self._start_lock:
            if self._session is None:
                self._start()

    def _start(self) -> None:
        """Load the model, which takes half a second and more."""
        options = onnxruntime.SessionOptions()
        # The arena keeps the buffers of the largest batch for good.
        options.enable_cpu_mem_arena = False
        # A second thread doubles the processor's time and saves a third of the clock's (measured);
        # the desk has work for the other cores.
        options.intra_op_num_threads = 1
        self._tokenizer = self._open_tokenizer()
        self._session = self._open_session(options)
        return_free_memory()

    def _tokenize(self, texts: Sequence[str]) -> list[list[int]]:
        clean_texts = [replace_surrogates(text[:MAX_TEXT_CHARACTERS]) for text in texts]
        if len(clean_texts) == 1:
            # A batch would start the tokenizer's own threads.
            return [_truncate(self._tokenizer.encode(clean_texts[0]).ids)]
        encodings = self._tokenizer.encode_batch(clean_texts)
        return [_truncate(encoding.ids) for encoding in encodings]

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
        states: NDArray[np.float32] = self._session.run(None, inputs)[0]
        return states


def open_session(graph: bytes, options: Any) -> Any:
    """Load a graph that runs on the processor."""
    return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])


def _truncate(token_ids: list[int]) -> list[int]:
    """Keep the first tokens, and the one that marks the end."""
    # Not by the tokenizer, which others share.
    if len(token_ids) <= MAX_TOKENS:
        return token_ids
    return token_ids[: MAX_TOKENS - 1] + token_ids[-1:]


def replace_surrogates(text: str) -> str:
    """Replace halves of surrogate pairs, which the tokenizer refuses."""
    return text.encode("utf-8", "replace").decode()


def return_free_memory() -> None:
    """Return free memory to the system.

    Loading a model, and many long texts, take tens of megabytes for a moment only.
    """
    # Of the C library of GNU; others do not have it.
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim:
        trim(0)
