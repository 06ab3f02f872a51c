"""Embedders turn text into vectors.

The built-in ones need nothing that was not installed: a table of token vectors on the way of every
card, and the model that it was distilled from where there is time. When a file of theirs is missing
or its hash differs, hashed words take the place: good enough to rank, too weak to tell a new kind
from a known one, so recognition abstains more often. Any embedder that LangChain knows can be
configured instead; it serves both. So can a folder with a larger sentence model, which takes the
place of the built-in model alone.
"""

import logging
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from bot.cases.errors import SettingsIncomplete
from bot.lazy_module import LazyModule
from knowledge.arrays import np
from knowledge.memory.minilm import MiniLM
from knowledge.memory.text_features import hash_text
from knowledge.memory.token_table import TokenTable
from knowledge.memory.vectors import (
    MAX_TEXT_CHARACTERS,
    VECTOR_SIZE,
    Vectors,
    to_unit_length,
)

if TYPE_CHECKING:
    from knowledge.memory import folder_model
else:
    # Few bots have such a folder.
    folder_model = LazyModule("knowledge.memory.folder_model")

log = logging.getLogger(__name__)
MAX_CACHED_VECTORS = 2_048
#: Before the path of a folder with a sentence model.
FOLDER_PREFIX = "folder:"


class Embedder(Protocol):
    """Turns text into vectors.

    Vectors of embedders with different identities are never compared.
    """

    #: Model, weights and size of the vectors.
    identity: str
    #: False when only words are compared, not their meaning.
    is_semantic: bool

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Embed each text as a row of length 1."""


@dataclass(frozen=True, slots=True)
class Embedders:
    """The embedders by what they serve."""

    #: Precedents, and the plans of most kinds: every card waits for it.
    precedents: Embedder
    #: Recognition, its training, and the plans of kinds whose past speaks for it.
    recognition: Embedder


def open_embedders(name: str = "") -> Embedders:
    """Open the embedders of this name.

    An empty name means the built-in ones. A folder's model recognises, and cards find precedents by
    the built-in table: it is too slow for them. Any other one serves everything, on cards too.

    Raises:
        SettingsIncomplete: nobody knows the name, or what it needs is not installed.
    """
    recognition = open_embedder(name)
    if name and not name.startswith(FOLDER_PREFIX):
        return Embedders(precedents=recognition, recognition=recognition)
    return Embedders(
        precedents=_open_built_in(TokenTable),
        recognition=recognition,
    )


def open_embedder(name: str = "") -> Embedder:
    """Open the embedder of this name.

    An empty name and ``model`` mean the built-in model, ``words`` the hashed words, and
    ``folder:PATH`` the model of a folder; any other name goes to LangChain's ``init_embeddings``.

    Raises:
        SettingsIncomplete: nobody knows the name, or what it needs is not installed.
    """
    match name:
        case "" | "model":
            return _open_built_in(MiniLM)
        case "words":
            return HashedWordsEmbedder()
        case _ if name.startswith(FOLDER_PREFIX):
            return CachingEmbedder(_open_folder(name))
        case _:
            return CachingEmbedder(LangChainEmbedder(name))


def _open_folder(name: str) -> Embedder:
    path = Path(name.removeprefix(FOLDER_PREFIX)).expanduser()
    if not path.is_dir():
        raise SettingsIncomplete(f"COUNTERSIGN_EMBEDDINGS={name}: there is no such folder")
    try:
        return folder_model.FolderModel(path)
    except OSError as failure:
        reason = f"{failure.filename}: {failure.strerror}"
    except (ImportError, ValueError) as failure:
        reason = str(failure)
    raise SettingsIncomplete(f"COUNTERSIGN_EMBEDDINGS={name}: {reason}")


def _open_built_in(open_files: Callable[[], Embedder]) -> Embedder:
    try:
        return CachingEmbedder(open_files())
    except (ImportError, OSError, ValueError) as failure:
        log.warning(
            "the built-in embedder is not available (%s); hashed words replace it",
            failure,
        )
        return HashedWordsEmbedder()


class HashedWordsEmbedder:
    """Hashed words and word pairs, folded into one vector.

    Two vectors are similar when the words are.
    """

    is_semantic = False
    identity = f"words/1/{VECTOR_SIZE}"

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Embed each text as a row of length 1."""
        vectors = np.zeros((len(texts), VECTOR_SIZE), np.float32)
        for row, text in enumerate(texts):
            buckets, weights = hash_text(text[:MAX_TEXT_CHARACTERS])
            rounds, columns = np.divmod(buckets, VECTOR_SIZE)
            # Alternating signs let two features in one column cancel out instead of adding up.
            signs = np.where(rounds % 2 == 0, 1.0, -1.0)
            np.add.at(vectors[row], columns, weights * signs)
        return to_unit_length(vectors)


class LangChainEmbedder:
    """An embedder by LangChain's name for it.

    A name is like ``openai:text-embedding-3-small``.
    """

    is_semantic = True

    def __init__(self, name: str) -> None:
        from langchain.embeddings import init_embeddings

        try:
            self._model: Any = init_embeddings(name)
        except (ImportError, ValueError) as failure:
            raise SettingsIncomplete(f"COUNTERSIGN_EMBEDDINGS={name}: {failure}") from None
        self.identity = f"langchain/{name}"

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Embed each text as a row of length 1."""
        rows = self._model.embed_documents([text[:MAX_TEXT_CHARACTERS] for text in texts])
        return to_unit_length(np.array(rows, np.float32))


class CachingEmbedder:
    """Keeps the latest vectors.

    One case asks for the same text two or three times.
    """

    def __init__(self, inner: Embedder) -> None:
        self._inner = inner
        self.identity = inner.identity
        self.is_semantic = inner.is_semantic
        self._cache: OrderedDict[str, Vectors] = OrderedDict()
        self._lock = threading.Lock()

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Embed each text; look a single one up in the cache."""
        if len(texts) != 1:
            return self._inner.embed(texts)
        text = texts[0]
        with self._lock:
            if text in self._cache:
                self._cache.move_to_end(text)
                return self._cache[text]
        vectors = self._inner.embed(texts)
        with self._lock:
            self._cache[text] = vectors
            while len(self._cache) > MAX_CACHED_VECTORS:
                self._cache.popitem(last=False)
        return vectors
