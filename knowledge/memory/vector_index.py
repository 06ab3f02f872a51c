"""The vector index in Chroma.

It is embedded with one owner, or on a Chroma server for several processes. Vectors are always
passed in: without an embedding function of its own Chroma never goes to the network. Metadata
filters are not used, because they cost time linear in the collection (measured); callers fetch more
than they need and filter afterwards.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from bot.cases.errors import MemoryUnavailable
from knowledge.memory.token_table import replaces
from knowledge.memory.vectors import Vectors

COLLECTION = "precedents"
REBUILD_HINT = "`countersign memory rebuild` makes it again from the ledger"
_CONFIGURATION: Any = {"hnsw": {"space": "cosine", "ef_search": 200}}


class VectorIndex:
    """One collection of Chroma.

    ``url`` names a Chroma server. When it is empty the index is embedded in ``folder`` and owned by
    one process at a time. ``identity`` is that of the embedder.
    """

    def __init__(self, folder: Path, url: str, identity: str) -> None:
        self._folder = folder
        self._url = url
        self._identity = identity
        self._owner_lock = FileLock(folder / "owner.lock")
        self._client: Any = None
        self._collection: Any = None

    def open(self) -> None:
        """Open the collection, or create an empty one.

        Raises:
            MemoryUnavailable: another process owns it, or its vectors are of another embedder.
        """
        self._connect()
        self._collection = self._client.get_or_create_collection(
            COLLECTION,
            embedding_function=None,
            metadata={"embedder": self._identity},
            configuration=_CONFIGURATION,
        )
        metadata = self._collection.metadata or {}
        identity = metadata.get("embedder")
        if replaces(self._identity, str(identity)):
            self.begin_rebuild()
            self.finish_rebuild()
            return
        if identity != self._identity:
            raise MemoryUnavailable(
                f"memory was embedded with {identity},"
                f" the settings name {self._identity}; {REBUILD_HINT}"
            )

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
        number = len(list(self._folder.glob("chroma-broken-*"))) + 1
        (self._folder / "chroma").rename(self._folder / f"chroma-broken-{number}")
        return True

    def close(self) -> None:
        """Close the collection and release its lock."""
        self._client = None
        self._collection = None
        self._owner_lock.release()

    def find_checksums(self, ids: Sequence[str]) -> dict[str, str]:
        """Return the checksums of the texts behind these vectors.

        Ids that are not indexed are left out.
        """
        if not ids:
            return {}
        rows = self._collection.get(ids=list(ids), include=["metadatas"])
        checksums = {}
        for row_id, metadata in zip(rows["ids"], rows["metadatas"], strict=True):
            checksums[row_id] = str(metadata["digest"])
        return checksums

    def upsert(
        self,
        ids: Sequence[str],
        vectors: Vectors,
        checksums: Sequence[str],
    ) -> None:
        """Add vectors, and replace those under the same ids."""
        metadatas = [{"digest": checksum} for checksum in checksums]
        self._collection.upsert(ids=list(ids), embeddings=vectors, metadatas=metadatas)

    def delete(self, ids: Sequence[str]) -> None:
        """Remove these ids, as far as they are indexed."""
        if ids:
            self._collection.delete(ids=list(ids))

    def find_nearest(self, vector: Vectors, limit: int) -> list[tuple[str, float]]:
        """Find ids with their cosine similarity, the nearest first."""
        result = self._collection.query(
            query_embeddings=vector[None, :],
            n_results=limit,
            include=["distances"],
        )
        pairs = zip(result["ids"][0], result["distances"][0], strict=True)
        return [(row_id, 1 - distance) for row_id, distance in pairs]

    def count(self) -> int:
        """Count the vectors."""
        return int(self._collection.count())

    def list_ids(self) -> list[str]:
        """List every id that is indexed."""
        return list(self._collection.get(include=[])["ids"])

    def _connect(self) -> None:
        """Open the client once."""
        if self._client is not None:
            return
        chroma = _load_chroma()
        if self._url:
            self._client = chroma.open_server(self._url)
            return
        self._take_ownership()
        self._client = chroma.open_folder(self._folder / "chroma")

    def _has_collection(self) -> bool:
        collections = self._client.list_collections()
        return any(collection.name == COLLECTION for collection in collections)

    def _take_ownership(self) -> None:
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
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
