"""Memory as it was before a moment, without later precedents.

The product's own index searches them. It holds every version of every precedent, and each search
finds those of its time. Keywords are weighed by how frequent they are in all of the history.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from bot.cases.precedent import Precedent, PrecedentVersion
from bot.ports.memory import StoredPrecedent
from knowledge.memory.embedder import Embedder
from knowledge.memory.matrix_rows import hash_key
from knowledge.memory.precedent_index import PrecedentIndex
from knowledge.memory.precedent_memory import RecallResult
from knowledge.memory.precedent_query import PrecedentMatch, PrecedentQuery
from knowledge.memory.vector_index import StoredVector
from knowledge.memory.vectors import Vectors


class PastMemory:
    """Recalls what memory held before the time of a search."""

    def __init__(
        self, versions: Iterable[PrecedentVersion], embedder: Embedder, folder: Path
    ) -> None:
        """Index all of them in ``folder``, which may be deleted afterwards."""
        shelf = _VersionShelf(tuple(versions))
        self._versions = {hash_key(id): one for id, one in shelf.versions.items()}
        #: Precedents of the whole history.
        self.size = len({one.precedent.id for one in self._versions.values()})
        self._left_out = ""
        #: Searches so far, and precedents that they have found.
        self.recalls = 0
        self.finds = 0
        self._index = PrecedentIndex(shelf, embedder, _NoVectors(folder))
        self._index.open(0)
        self._index.update(shelf.changes_since(0), _ignore)
        self._index.finish_update()

    def leave_out(self, case_id: str) -> None:
        """Find no precedent of this case from now on."""
        self._left_out = case_id

    def recall(
        self,
        *,
        signal_text: str,
        kind: str,
        channel: str,
        now: datetime,
        what: str = "",
    ) -> RecallResult:
        """Find decided cases like this one, as memory held them then."""

        def admits(key: int) -> bool:
            version = self._versions[key]
            is_own = bool(self._left_out) and version.precedent.case_id == self._left_out
            return not is_own and version.is_held(now)

        query = PrecedentQuery(
            text=signal_text,
            keyword_text=f"{signal_text}\n{what}",
            kind=kind,
            channels=frozenset({channel, ""}),
            now=now,
            admits=admits,
        )
        matches = self._index.search(query)
        self.recalls += 1
        self.finds += len(matches)
        return RecallResult.of(map(_without_version, matches))


def _without_version(match: PrecedentMatch) -> PrecedentMatch:
    precedent = match.precedent
    return match._replace(precedent=replace(precedent, id=precedent.id.partition("@")[0]))


class _VersionShelf:
    """The versions of precedents under ids of their own, as a store."""

    def __init__(self, versions: Sequence[PrecedentVersion]) -> None:
        self.versions = {f"{one.precedent.id}@{one.since.isoformat()}": one for one in versions}

    def by_id(self, ids: Sequence[str]) -> dict[str, Precedent]:
        """Return these precedents under the ids of their versions."""
        return {id: replace(self.versions[id].precedent, id=id) for id in ids}

    def changes_since(self, seq: int, limit: int = 0) -> list[StoredPrecedent]:
        """Return every version as a change."""
        return [
            StoredPrecedent(
                seq=number,
                digest=f"{number:064x}",
                is_gone=False,
                precedent=replace(version.precedent, id=id),
            )
            for number, (id, version) in enumerate(self.versions.items(), start=1)
        ]

    def count(self) -> int:
        """Count the versions."""
        return len(self.versions)

    def last_place(self) -> int:
        """Return the place of the last version."""
        return len(self.versions)


@dataclass
class _NoVectors:
    """A store of vectors that keeps none."""

    folder: Path
    is_open: bool = False
    trouble: str = ""

    def open(self) -> None:
        """Do nothing."""

    def begin_rebuild(self) -> bool:
        """Resume nothing."""
        return False

    def finish_rebuild(self) -> None:
        """Do nothing."""

    def set_aside(self) -> bool:
        """Put nothing away."""
        return False

    def close(self) -> None:
        """Do nothing."""

    def find(self, ids: Sequence[str]) -> dict[str, StoredVector]:
        """Return nothing."""
        return {}

    def upsert(self, ids: Sequence[str], vectors: Vectors, checksums: Sequence[str]) -> None:
        """Keep nothing."""

    def delete(self, ids: Sequence[str]) -> None:
        """Remove nothing."""

    def find_nearest(self, vector: Vectors, limit: int) -> list[tuple[str, float]]:
        """Find nothing."""
        return []

    def count(self) -> int:
        """Count nothing."""
        return 0

    def list_ids(self) -> list[str]:
        """List nothing."""
        return []


def _ignore(count: int) -> None:
    """Report nothing."""
