"""The vector index in Chroma.

It is embedded with one owner, or on a Chroma server for several processes. It opens by the first
call that needs it: Chroma takes seconds to import, and cards search a mirror of it. Vectors are
always passed in: without an embedding function of its own Chroma never goes to the network.
Metadata filters are not used, because they cost time linear in the collection (measured); callers
fetch more than they need and filter afterwards.
"""

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from filelock import FileLock, Timeout

from bot.cases.errors import MemoryUnavailable
from knowledge.arrays import np
from knowledge.memory.token_table import replaces
from knowledge.memory.vectors import Vectors

COLLECTION = "precedents"
REBUILD_HINT = "`countersign memory rebuild` makes it again from the ledger"
_CONFIGURATION: Any = {"hnsw": {"space": "cosine", "ef_search": 200}}


class StoredVector(NamedTuple):
    """A vector with the checksum of what it was made of."""

    checksum: str
    vector: Vectors


class VectorStore(Protocol):
    """Vectors by id, each with a checksum of its source."""

    #: The folder of memory.
    folder: Path

    @property
    def is_open(self) -> bool:
        """Tell whether it has been opened."""

    @property
    def trouble(self) -> str:
        """Return why it was not reached last time, or nothing."""

    def open(self) -> None:
        """Open it, or create an empty one; every method does."""

    def begin_rebuild(self) -> bool:
        """Make it empty, or resume a rebuild. Return whether it resumes."""

    def finish_rebuild(self) -> None:
        """Mark it as complete."""

    def set_aside(self) -> bool:
        """Put one away that cannot be opened. Return whether that was possible."""

    def close(self) -> None:
        """Close it."""

    def find(self, ids: Sequence[str]) -> dict[str, StoredVector]:
        """Return the vectors under these ids, as far as they are indexed."""

    def upsert(self, ids: Sequence[str], vectors: Vectors, checksums: Sequence[str]) -> None:
        """Add vectors, and replace those under the same ids."""

    def delete(self, ids: Sequence[str]) -> None:
        """Remove these ids, as far as they are indexed."""

    def find_nearest(self, vector: Vectors, limit: int) -> list[tuple[str, float]]:
        """Find ids with their cosine similarity, the nearest first."""

    def count(self) -> int:
        """Count the vectors."""

    def list_ids(self) -> list[str]:
        """List every id that is indexed."""


class VectorIndex:
    """One collection of Chroma.

    ``url`` names a Chroma server. When it is empty the index is embedded in ``folder`` and owned by
    one process at a time. ``identity`` is that of the embedder.
    """

    def __init__(self, folder: Path, url: str, identity: str) -> None:
        self.folder = folder
        self._url = url
        self._identity = identity
        self._owner_lock = FileLock(folder / "owner.lock")
        self._client: Any = None
        self._collection: Any = None
        self._opening_lock = threading.Lock()
        self._is_closed = False

    @property
    def is_open(self) -> bool:
        """Tell whether the collection is open."""
        return self._collection is not None

    @property
    def trouble(self) -> str:
        """Return nothing: it is in this process."""
        return ""

    def open(self) -> None:
        """Open the collection, or create an empty one.

        Every method does so at need.

        Raises:
            MemoryUnavailable: another process owns it, or its vectors are of another embedder.
        """
        self._open()

    def begin_rebuild(self) -> bool:
        """Create an empty collection, or resume an interrupted rebuild.

        Returns True when it resumes one.
        """
        self._connect()
        metadata = {"embedder": self._identity, "state": "unfinished"}
        if self._has_collection():
            collection = self._client.get_collection(COLLECTION, embedding_function=None)
            if collection.metadata == metadata:
                self._collection = collection
                return True
            self._client.delete_collection(COLLECTION)
        self._collection = self._client.create_collection(
            COLLECTION,
            embedding_function=None,
            metadata=metadata,
            configuration=_CONFIGURATION,
        )
        return False

    def finish_rebuild(self) -> None:
        """Mark the collection as complete."""
        self._collection.modify(metadata={"embedder": self._identity})

    def set_aside(self) -> bool:
        """Rename an embedded index that cannot be opened.

        Returns False when there is none that this process owns.
        """
        if self._url or not self._owner_lock.is_locked:
            return False
        _load_chroma().clear_cache()
        self._client = None
        self._collection = None
        number = len(list(self.folder.glob("chroma-broken-*"))) + 1
        (self.folder / "chroma").rename(self.folder / f"chroma-broken-{number}")
        return True

    def close(self) -> None:
        """Close the collection and release its lock."""
        self._is_closed = True
        self._client = None
        self._collection = None
        self._owner_lock.release()

    def find(self, ids: Sequence[str]) -> dict[str, StoredVector]:
        """Return the vectors under these ids, as far as they are indexed."""
        if not ids:
            return {}
        rows = self._open().get(ids=list(ids), include=["metadatas", "embeddings"])
        vectors = {}
        for row_id, metadata, vector in zip(
            rows["ids"], rows["metadatas"], rows["embeddings"], strict=True
        ):
            checksum = str(metadata["digest"])
            vectors[row_id] = StoredVector(checksum, np.asarray(vector, np.float32))
        return vectors

    def upsert(
        self,
        ids: Sequence[str],
        vectors: Vectors,
        checksums: Sequence[str],
    ) -> None:
        """Add vectors, and replace those under the same ids."""
        metadatas = [{"digest": checksum} for checksum in checksums]
        self._open().upsert(ids=list(ids), embeddings=vectors, metadatas=metadatas)

    def delete(self, ids: Sequence[str]) -> None:
        """Remove these ids, as far as they are indexed."""
        if ids:
            self._open().delete(ids=list(ids))

    def find_nearest(self, vector: Vectors, limit: int) -> list[tuple[str, float]]:
        """Find ids with their cosine similarity, the nearest first."""
        result = self._open().query(
            query_embeddings=vector[None, :],
            n_results=limit,
            include=["distances"],
        )
        pairs = zip(result["ids"][0], result["distances"][0], strict=True)
        return [(row_id, 1 - distance) for row_id, distance in pairs]

    def count(self) -> int:
        """Count the vectors."""
        return int(self._open().count())

    def list_ids(self) -> list[str]:
        """List every id that is indexed."""
        return list(self._open().get(include=[])["ids"])

    def _open(self) -> Any:
        """Return the collection, opened or created.

        Raises:
            MemoryUnavailable: another process owns it, or its vectors are of another embedder.
        """
        with self._opening_lock:
            if self._is_closed:
                raise MemoryUnavailable("memory is closed")
            if self._collection is None:
                self._collection = self._open_collection()
            return self._collection

    def _open_collection(self) -> Any:
        self._connect()
        collection = self._get_or_create()
        identity = (collection.metadata or {}).get("embedder")
        if replaces(self._identity, str(identity)):
            self._client.delete_collection(COLLECTION)
            return self._get_or_create()
        if identity != self._identity:
            raise MemoryUnavailable(
                f"memory was embedded with {identity},"
                f" the settings name {self._identity}; {REBUILD_HINT}"
            )
        return collection

    def _get_or_create(self) -> Any:
        return self._client.get_or_create_collection(
            COLLECTION,
            embedding_function=None,
            metadata={"embedder": self._identity},
            configuration=_CONFIGURATION,
        )

    def _connect(self) -> None:
        """Open the client once."""
        if self._client is not None:
            return
        chroma = _load_chroma()
        if self._url:
            self._client = chroma.open_server(self._url)
            return
        self._take_ownership()
        self._client = chroma.open_folder(self.folder / "chroma")

    def _has_collection(self) -> bool:
        collections = self._client.list_collections()
        return any(collection.name == COLLECTION for collection in collections)

    def _take_ownership(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        try:
            self._owner_lock.acquire(timeout=0)
        except Timeout:
            raise MemoryUnavailable(
                "another process owns the memory; stop it,"
                " or give all of them a Chroma server by COUNTERSIGN_CHROMA_URL"
            ) from None


def _load_chroma() -> Any:
    # Imported by the thread that opens the index: it takes seconds, and nobody waits for it.
    from knowledge.memory import chroma_client

    return chroma_client
