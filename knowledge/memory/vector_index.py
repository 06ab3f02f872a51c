"""The dense index: Chroma, embedded with one owner, or a Chroma server for several processes. Derived from the shelf, and rebuildable.

Vectors are always handed in: without an embedding function of its own Chroma never goes to the network. No metadata filters are
used: they cost time linear in the collection (measured), so readers over-fetch and narrow down afterwards.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from filelock import FileLock, Timeout

from bot.cases.errors import MemoryUnavailable
from knowledge.memory.embedder import Vectors

COLLECTION = "precedents"
REBUILD = "`countersign memory rebuild` makes it again from the ledger"


class VectorIndex:
    """One collection. ``url`` names a Chroma server; empty means embedded, in ``folder``, owned by one process at a time."""

    def __init__(self, folder: Path, url: str, identity: str) -> None:
        self._folder = folder
        self._url = url
        self._identity = identity
        self._lock = FileLock(folder / "owner.lock")
        self._client: Any = None
        self._collection: Any = None

    def open(self) -> None:
        """Open what is there, or begin an empty one.

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
        found = (self._collection.metadata or {}).get("embedder")
        if found != self._identity:
            raise MemoryUnavailable(
                f"memory was embedded with {found}, the settings name {self._identity}; {REBUILD}"
            )

    def begin_rebuild(self) -> bool:
        """Begin anew with an empty collection, or go on with a rebuild that was cut short; whether it was."""
        self._connect()
        unfinished = {"embedder": self._identity, "state": "unfinished"}
        names = [collection.name for collection in self._client.list_collections()]
        if COLLECTION in names:
            found = self._client.get_collection(COLLECTION, embedding_function=None)
            if found.metadata == unfinished:
                self._collection = found
                return True
            self._client.delete_collection(COLLECTION)
        self._collection = self._client.create_collection(
            COLLECTION, embedding_function=None, metadata=unfinished, configuration=_CONFIGURATION
        )
        return False

    def set_aside(self) -> bool:
        """Move an embedded index that cannot even be opened out of the way; whether there was one of ours to move."""
        if self._url or not self._lock.is_locked:
            return False
        from chromadb.api.shared_system_client import SharedSystemClient

        # Chroma remembers by path what it opened, broken or not.
        SharedSystemClient.clear_system_cache()
        self._client = self._collection = None
        broken = self._folder / "chroma"
        broken.rename(
            self._folder / f"chroma-broken-{len(list(self._folder.glob('chroma-broken-*'))) + 1}"
        )
        return True

    def finish_rebuild(self) -> None:
        """The rebuild is done."""
        self._collection.modify(metadata={"embedder": self._identity})

    def close(self) -> None:
        self._client = self._collection = None
        self._lock.release()

    def checksums(self, ids: Sequence[str]) -> dict[str, str]:
        """Which of these are in the index, and the digest of what was embedded."""
        if not ids:
            return {}
        found = self._collection.get(ids=list(ids), include=["metadatas"])
        return {
            name: str(about["digest"])
            for name, about in zip(found["ids"], found["metadatas"], strict=True)
        }

    def put(self, ids: Sequence[str], vectors: Vectors, digests: Sequence[str]) -> None:
        about = [{"digest": digest} for digest in digests]
        self._collection.upsert(ids=list(ids), embeddings=vectors, metadatas=about)

    def delete(self, ids: Sequence[str]) -> None:
        if ids:
            self._collection.delete(ids=list(ids))

    def find_nearest(self, vector: Vectors, many: int) -> list[tuple[str, float]]:
        """Ids with their cosine similarity, the nearest first."""
        found = self._collection.query(
            query_embeddings=vector[None, :], n_results=many, include=["distances"]
        )
        return [
            (name, 1 - distance)
            for name, distance in zip(found["ids"][0], found["distances"][0], strict=True)
        ]

    def count(self) -> int:
        return int(self._collection.count())

    def list_ids(self) -> list[str]:
        return list(self._collection.get(include=[])["ids"])

    def _connect(self) -> None:
        if self._client is not None:
            return
        # Imported here, in a thread of its own: it takes seconds, and nobody waits for it.
        import chromadb
        from chromadb.config import Settings

        quiet = Settings(anonymized_telemetry=False)
        if self._url:
            address = urlsplit(self._url)
            secure = address.scheme == "https"
            port = address.port or (443 if secure else 8000)
            self._client = chromadb.HttpClient(
                address.hostname or "localhost", port, ssl=secure, settings=quiet
            )
            return
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        try:
            self._lock.acquire(timeout=0)
        except Timeout:
            raise MemoryUnavailable(
                "another process owns the memory; stop it, or give all of them a Chroma server by COUNTERSIGN_CHROMA_URL"
            ) from None
        self._client = chromadb.PersistentClient(str(self._folder / "chroma"), settings=quiet)


_CONFIGURATION: Any = {"hnsw": {"space": "cosine", "ef_search": 200}}
