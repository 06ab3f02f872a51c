"""Memory: precedents in time, or a reason why there are none.

The index is derived from the stored precedents: it can be rebuilt, and nothing depends on it. When
it is missing, corrupt, slow or of another embedder, the card goes out in time and says so. It
follows the store by itself: what was decided can be found seconds later, and no decision waits.
"""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Callable, Collection, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeoutError
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Protocol

from bot import metrics
from bot.cases.errors import MemoryUnavailable
from bot.cases.precedent import Precedent
from bot.clock import monotonic
from bot.lazy_module import LazyModule
from bot.outages import describe_failure
from bot.ports.memory import PrecedentStore
from knowledge.memory.embedder import Embedder
from knowledge.memory.precedent_query import PrecedentMatch, PrecedentQuery
from knowledge.memory.vector_index import REBUILD_HINT, VectorStore

if TYPE_CHECKING:
    from knowledge.memory import precedent_index
    from knowledge.memory.precedent_index import PrecedentIndex
else:
    # Where nothing was decided yet nothing is searched.
    precedent_index = LazyModule("knowledge.memory.precedent_index")

log = logging.getLogger(__name__)
THREADS = 4
# After one slow answer the next cards do not wait at all, for so long.
SLOW_BACKOFF_SECONDS = 10.0
# What could not be opened is tried again, so often.
REOPEN_INTERVAL_SECONDS = 60.0
# Changes of the store are indexed together, so often.
CATCH_UP_INTERVAL_SECONDS = 5.0
# Changes that are applied at a time.
PAGE_SIZE = 2_000
# How long closing waits for an opening that is under way; a server of vectors may not answer.
CLOSING_TIMEOUT_SECONDS = 10.0
SLOW = "memory does not answer in time"
OPENING = "memory is still opening"
#: In the folder of an index that holds something.
INDEX_FILES = ("mirror-*", "keywords/position.json")


@dataclass(frozen=True, slots=True)
class RecallResult:
    """The precedents found, the best first; or the reason for none."""

    #: They are as like the case as precedents of its kind are to each other.
    precedents: tuple[Precedent, ...] = ()
    failure: str = ""
    #: They are perhaps similar, and say nothing of how this one ends.
    farther: tuple[Precedent, ...] = ()

    @classmethod
    def of(cls, matches: Iterable[PrecedentMatch]) -> RecallResult:
        """Set apart what is less like the case."""
        all_matches = list(matches)
        return cls(
            precedents=tuple(match.precedent for match in all_matches if match.is_like),
            farther=tuple(match.precedent for match in all_matches if not match.is_like),
        )


class ChangeFollower(Protocol):
    """Derives something else from the stored precedents."""

    def is_outdated(self) -> bool:
        """Tell whether it must follow although nothing has changed."""

    def follow(self) -> None:
        """Read what has changed."""


class PrecedentMemory:
    """Searches the precedents, and keeps their index up to date.

    ``answer_timeout`` is how many seconds a card waits for a search, ``opening_timeout`` how many
    it waits for memory to open after a start. ``follower`` follows the store with the index, and
    also where the index cannot be opened.
    """

    def __init__(
        self,
        shelf: PrecedentStore,
        embedder: Embedder,
        vectors: VectorStore,
        *,
        answer_timeout: float = 0.5,
        opening_timeout: float = 0.4,
        follower: ChangeFollower | None = None,
    ) -> None:
        self._follower = follower
        self._shelf = shelf
        self._embedder = embedder
        self._vectors = vectors
        self._index: PrecedentIndex | None = None
        #: Whether no precedent was ever stored. Nothing is opened then, and nothing found.
        self._is_empty = False
        self._answer_timeout = answer_timeout
        self._opening_timeout = opening_timeout
        self._update_lock = threading.Lock()
        self._index_lock = threading.Lock()
        self._open_event = threading.Event()
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None
        self._failure = OPENING
        #: What was on disk is mapped; opening may go on from there.
        self._is_mapped = False
        self._reopen_at = 0.0
        self._slow_until = 0.0
        self._executor = ThreadPoolExecutor(THREADS, thread_name_prefix="memory")

    @property
    def index(self) -> PrecedentIndex:
        """The index, made with the first use: its libraries take 30 MB."""
        with self._index_lock:
            if self._index is None:
                self._index = precedent_index.PrecedentIndex(
                    self._shelf, self._embedder, self._vectors
                )
            return self._index

    def describe_trouble(self) -> str:
        """Say what is wrong with memory at present; empty for nothing."""
        trouble = self._vectors.trouble
        if self._failure in ("", OPENING):
            return trouble
        return self._failure

    # --- indexing --------------------------------------------------------------------------------

    def start(self) -> threading.Thread:
        """Open, and then follow the store, in a thread of its own."""
        self._thread = threading.Thread(target=self._run, name="memory", daemon=True)
        self._thread.start()
        return self._thread

    def open(self) -> None:
        """Open the index and catch up.

        What is mirrored can be searched before that. A failure is kept and reported, never raised.
        """
        try:
            self._open()
        except MemoryUnavailable as failure:
            self._report_failure(str(failure))
            log.warning("precedents are not available, or not all of them: %s", failure)
        except Exception:
            # The shelf is the database: without it nothing can be indexed, and no card waits.
            self._report_failure("memory could not be read from the database when the bot started")
            log.exception("precedents are not available, or not all of them")
        else:
            self._become_searchable()

    def catch_up(self) -> int:
        """Index the changes of the store, and return how many there were.

        Raises:
            MemoryUnavailable: the index is not open, or it failed.
        """
        if self._is_empty:
            return 0
        if self._failure:
            self._follow()
            raise MemoryUnavailable(self._failure)
        return self._catch_up(_ignore_progress)

    def rebuild(self, progress: Callable[[int], None]) -> int:
        """Build the index again, and return its size.

        An interrupted rebuild is resumed. ``progress`` receives how many precedents were indexed at
        a time.

        Raises:
            MemoryUnavailable: another process owns the index, or it failed.
        """
        if _begin_rebuild(self.index.vectors):
            log.info("resuming a rebuild that was interrupted")
        with _unavailable_on_failure():
            self.index.clear()
        self._catch_up(progress)
        with _unavailable_on_failure():
            self.index.vectors.finish_rebuild()
            return self.index.vectors.count()

    def close(self) -> None:
        """Stop searching and indexing, and close the index."""
        self._closing.set()
        if self._index:
            self._index.cancel()
        self._executor.shutdown(wait=False, cancel_futures=True)
        # Native libraries abort a process that exits while they open.
        if self._thread:
            self._thread.join(CLOSING_TIMEOUT_SECONDS)
        with self._update_lock:
            if self._index:
                self._save()
            self._vectors.close()
            self._is_empty = False
            self._failure = "memory is closed"
            self._open_event.set()

    def _run(self) -> None:
        """Open, then catch up every few seconds until memory is closed."""
        self._await_first_precedent()
        if self._closing.is_set():
            return
        self.open()
        last_failure = ""
        while not self._closing.wait(CATCH_UP_INTERVAL_SECONDS):
            failure = self._try_to_catch_up()
            if failure != last_failure:
                log.warning("new precedents: %s", failure or "indexed again")
            last_failure = failure

    def _await_first_precedent(self) -> None:
        """Find nothing until there is a precedent, or memory is closed."""
        if not self._has_nothing():
            return
        self._is_empty = True
        self._become_searchable()
        while not self._closing.wait(CATCH_UP_INTERVAL_SECONDS):
            if not self._answers_no(self._shelf.last_place):
                break
        # Searches wait again, as they do after a start.
        self._failure = OPENING
        self._open_event.clear()
        self._is_empty = False

    def _has_nothing(self) -> bool:
        """Tell whether neither the store nor an index of earlier holds anything."""
        # One that is there may be that of another database.
        if any(any(self._vectors.folder.glob(pattern)) for pattern in INDEX_FILES):
            return False
        return self._answers_no(self._shelf.last_place) and self._answers_no(
            self._shelf.count_missing
        )

    def _answers_no(self, count: Callable[[], int]) -> bool:
        """Tell whether the store counts none; no when it does not answer."""
        try:
            return count() == 0
        except Exception:
            # Opening meets the same, and reports it.
            return False

    def _try_to_catch_up(self) -> str:
        """Catch up. Return why it is impossible; empty if it was done."""
        try:
            self._go_on_opening()
            self.catch_up()
        except MemoryUnavailable as failure:
            return f"not indexed: {failure}"
        except Exception as failure:
            # The database is away: cards go on with what is indexed.
            return f"not indexed: {describe_failure(failure)}"
        return ""

    def _go_on_opening(self) -> None:
        """Open from time to time what failed to open at start.

        Who was in the way may have gone: another bot, or a helper that stood still.
        """
        if not self._failure or not self._is_mapped or monotonic() < self._reopen_at:
            return
        self._reopen_at = monotonic() + REOPEN_INTERVAL_SECONDS
        self._fill(is_mirrored=False)
        self._become_searchable()

    def _open(self) -> None:
        last_place = self._shelf.last_place()
        with _unavailable_on_failure():
            is_mirrored = self.index.open(last_place)
            if is_mirrored:
                self.index.warm_up()
        if is_mirrored:
            self._become_searchable()
            # Now: a process that may not write the index does not get to the end of an update.
            with _unavailable_on_failure():
                self.index.scales.refresh()
        self._is_mapped = True
        self._fill(is_mirrored)

    def _fill(self, is_mirrored: bool) -> None:
        """Take what the store has more."""
        _restore_missing_precedents(self._shelf)
        self._catch_up(_ignore_progress)
        self._reindex_if_incomplete()
        if not is_mirrored:
            with _unavailable_on_failure():
                self.index.warm_up()

    def _become_searchable(self) -> None:
        self._failure = ""
        self._open_event.set()

    def _report_failure(self, reason: str) -> None:
        """Keep the reason for no precedents, unless the mirror has some."""
        if not self._open_event.is_set():
            self._failure = reason
            self._open_event.set()

    def _reindex_if_incomplete(self) -> None:
        """Index everything again when the index and the store differ."""
        if not self.index.is_incomplete():
            return
        log.warning("the index is not that of the stored precedents; making it again")
        with _unavailable_on_failure():
            self.index.clear()
        self._catch_up(_ignore_progress)

    def _save(self) -> None:
        """Write the mirror, so that the next start maps it all."""
        try:
            self.index.matrix.save()
        except OSError as failure:
            log.warning("the mirror of memory could not be written: %s", failure)

    def _catch_up(self, progress: Callable[[int], None]) -> int:
        with self._update_lock:
            count = 0
            position = self.index.position
            while changes := self._shelf.changes_since(position, PAGE_SIZE):
                with _unavailable_on_failure():
                    self.index.update(changes, progress)
                position = changes[-1].seq
                count += len(changes)
            with _unavailable_on_failure():
                self.index.finish_update()
        if self._follower and (count or self._follower.is_outdated()):
            self._follow()
        return count

    def _follow(self) -> None:
        """Let what is derived from the precedents follow, too."""
        if self._follower:
            self._follower.follow()

    # --- searching -------------------------------------------------------------------------------

    def recall(
        self,
        *,
        signal_text: str,
        kind: str,
        channel: str,
        now: datetime,
        what: str = "",
    ) -> RecallResult:
        """Find the decided cases of this kind most like this one.

        Only precedents that readers of this channel may see are found. The signal is compared by
        meaning; the signal and ``what``, the summary of the playbook, are compared by keywords.
        """
        query = PrecedentQuery(
            text=signal_text,
            keyword_text=f"{signal_text}\n{what}",
            kind=kind,
            channels=frozenset({channel, ""}),
            now=now,
        )
        return self._search(query)

    def find_precedents(
        self,
        words: str,
        *,
        kinds: Collection[str] | None,
        channels: Collection[str],
        now: datetime,
    ) -> list[Precedent] | None:
        """Find decided cases of some kinds by meaning; ``kinds`` None for any.

        Returns the best first, and None when memory cannot be searched.
        """
        query = PrecedentQuery(
            text=words,
            keyword_text=words,
            channels=frozenset(channels),
            now=now,
        )
        if kinds is not None:
            query = replace(query, admits=partial(_is_of_kind, self.index, kinds))
        result = self._search(query)
        return None if result.failure else list(result.precedents)

    def find_related(
        self,
        words: str,
        channels: Collection[str],
        now: datetime,
    ) -> list[str]:
        """Find decided cases in these channels by meaning.

        Returns ids of cases of any kind, the best first; none when memory cannot be searched.
        """
        query = PrecedentQuery(
            text=words,
            keyword_text=words,
            channels=frozenset(channels),
            now=now,
        )
        result = self._search(query)
        return [precedent.case_id for precedent in result.precedents if precedent.case_id]

    def _search(self, query: PrecedentQuery) -> RecallResult:
        outcome, result = self._search_in_time(query)
        metrics.RECALLS.labels(outcome).inc()
        return result

    def _search_in_time(self, query: PrecedentQuery) -> tuple[str, RecallResult]:
        """Search, and name the outcome for the metrics."""
        failure = self._current_failure()
        if self._is_empty:
            return "answered", RecallResult()
        # Whoever found no failure before the first precedent came finds one now.
        failure = failure or self._failure
        if failure:
            return "unavailable", RecallResult(failure=failure)
        search = self._executor.submit(self._search_index, query)
        try:
            matches = search.result(timeout=self._answer_timeout)
        except FutureTimeoutError:
            self._slow_until = monotonic() + SLOW_BACKOFF_SECONDS
            return "slow", RecallResult(failure=SLOW)
        except MemoryUnavailable as unavailable:
            return "failed", RecallResult(failure=str(unavailable))
        return "answered", RecallResult.of(matches)

    def _current_failure(self) -> str:
        """Return why memory cannot be searched now, or an empty text."""
        if not self._open_event.wait(self._opening_timeout):
            # One card has waited; the next ones do not.
            self._opening_timeout = 0.0
        if self._failure:
            return self.describe_trouble() or self._failure
        return SLOW if monotonic() < self._slow_until else ""

    def _search_index(self, query: PrecedentQuery) -> list[PrecedentMatch]:
        with _unavailable_on_failure():
            return self.index.search(query)


def _is_of_kind(index: PrecedentIndex, kinds: Collection[str], key: int) -> bool:
    """Tell whether this key is that of one of these kinds."""
    row = index.matrix.rows([key]).get(key)
    return row is not None and row.kind in kinds


def _restore_missing_precedents(shelf: PrecedentStore) -> None:
    """Derive the precedents again when decided cases have none."""
    # So it is after a restored backup, or when a row was lost.
    missing = shelf.count_missing()
    if not missing:
        return
    log.warning("%s decided cases are not in memory; reading the ledger again", missing)
    for _ in shelf.rebuild():
        pass


def _begin_rebuild(vectors: VectorStore) -> bool:
    try:
        with _unavailable_on_failure():
            return vectors.begin_rebuild()
    except MemoryUnavailable:
        if not vectors.set_aside():
            raise
    with _unavailable_on_failure():
        return vectors.begin_rebuild()


@contextlib.contextmanager
def _unavailable_on_failure() -> Iterator[None]:
    """Treat every failure of an index as "unavailable"."""
    try:
        yield
    except (MemoryUnavailable, KeyboardInterrupt, SystemExit):
        raise
    # Panics of Chroma's and Tantivy's Rust code derive from BaseException.
    except BaseException as failure:
        log.warning("the index failed", exc_info=failure)
        raise MemoryUnavailable(
            f"the index is broken ({type(failure).__name__}); {REBUILD_HINT}"
        ) from None


def _ignore_progress(count: int) -> None:
    """Report nothing."""
