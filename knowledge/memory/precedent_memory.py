"""Memory: precedents in time, or a reason why there are none.

The index is derived from the stored precedents: it can be rebuilt, and nothing depends on it. When
it is missing, corrupt, slow or of another embedder, the card goes out in time and says so.
"""

import contextlib
import logging
import threading
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeoutError
from dataclasses import dataclass
from datetime import datetime

from bot import metrics
from bot.cases.errors import MemoryUnavailable
from bot.cases.precedent import Precedent
from bot.clock import monotonic
from bot.ports.memory import PrecedentStore
from knowledge.memory.embedder import Embedder
from knowledge.memory.precedent_index import Attributes, PrecedentIndex, PrecedentQuery
from knowledge.memory.vector_index import REBUILD_HINT, VectorIndex

log = logging.getLogger(__name__)
THREADS = 4
# After one slow answer the next cards do not wait at all, for so long.
SLOW_BACKOFF_SECONDS = 10.0
# How long closing waits for an opening that is under way; a server of vectors may not answer.
CLOSING_TIMEOUT_SECONDS = 10.0
SLOW = "memory does not answer in time"


@dataclass(frozen=True, slots=True)
class RecallResult:
    """The precedents found, the best first; or the reason for none."""

    precedents: tuple[Precedent, ...] = ()
    failure: str = ""


class PrecedentMemory:
    """Searches the precedents, and keeps their index up to date.

    ``answer_timeout`` is how many seconds a card waits for a search, ``opening_timeout`` how many
    it waits for memory to open after a start.
    """

    def __init__(
        self,
        shelf: PrecedentStore,
        embedder: Embedder,
        vectors: VectorIndex,
        *,
        answer_timeout: float = 0.5,
        opening_timeout: float = 4.0,
    ) -> None:
        self.index = PrecedentIndex(shelf, embedder, vectors)
        self._shelf = shelf
        self._answer_timeout = answer_timeout
        self._opening_timeout = opening_timeout
        # The sequence number of the last change of the shelf that is indexed.
        self._position = 0
        self._update_lock = threading.Lock()
        self._open_event = threading.Event()
        self._opening: threading.Thread | None = None
        self._failure = "memory is still opening"
        self._slow_until = 0.0
        self._executor = ThreadPoolExecutor(THREADS, thread_name_prefix="memory")

    # --- indexing --------------------------------------------------------------------------------

    def start(self) -> threading.Thread:
        """Open in a thread of its own."""
        self._opening = threading.Thread(target=self.open, name="memory-opening", daemon=True)
        self._opening.start()
        return self._opening

    def open(self) -> None:
        """Open the index and catch up.

        A failure is kept and reported, never raised.
        """
        try:
            self._open()
        except MemoryUnavailable as failure:
            self._failure = str(failure)
            log.warning("precedents are not available: %s", failure)
        except Exception:
            # The shelf is the database: without it nothing can be indexed, and no card waits.
            self._failure = "memory could not be read from the database when the bot started"
            log.exception("precedents are not available")
        else:
            self._failure = ""
        self._open_event.set()

    def catch_up(self) -> int:
        """Index the changes of the store, and return how many there were.

        Raises:
            MemoryUnavailable: the index is not open, or it failed.
        """
        if self._failure:
            raise MemoryUnavailable(self._failure)
        return self._catch_up(_ignore_progress)

    def rebuild(self, progress: Callable[[int], None]) -> int:
        """Build the index again, and return its size.

        An interrupted rebuild is resumed. ``progress`` receives how many precedents were indexed at
        a time.

        Raises:
            MemoryUnavailable: another process owns the index, or it failed.
        """
        if self._begin_rebuild():
            log.info("resuming a rebuild that was interrupted")
        self._position = 0
        self._catch_up(progress)
        with _unavailable_on_failure():
            self.index.remove_strays()
            self.index.vectors.finish_rebuild()
            return self.index.vectors.count()

    def close(self) -> None:
        """Stop searching and indexing, and close the index."""
        self.index.cancel()
        self._executor.shutdown(wait=False, cancel_futures=True)
        # Native libraries abort a process that exits while they open.
        if self._opening:
            self._opening.join(CLOSING_TIMEOUT_SECONDS)
        with self._update_lock:
            self.index.vectors.close()
            self._failure = "memory is closed"
            self._open_event.set()

    def _open(self) -> None:
        with _unavailable_on_failure():
            self.index.vectors.open()
        self._restore_missing_precedents()
        self._catch_up(_ignore_progress)
        with _unavailable_on_failure():
            self.index.remove_strays()
            self.index.warm_up()

    def _restore_missing_precedents(self) -> None:
        """Derive the precedents again when decided cases have none."""
        # So it is after a restored backup, or when a row was lost.
        missing = self._shelf.count_missing()
        if not missing:
            return
        log.warning("%s decided cases are not in memory; reading the ledger again", missing)
        for _ in self._shelf.rebuild():
            pass

    def _catch_up(self, progress: Callable[[int], None]) -> int:
        with self._update_lock:
            count = 0
            while changes := self._shelf.changes_since(self._position):
                with _unavailable_on_failure():
                    self.index.update(changes, progress)
                self._position = changes[-1].seq
                count += len(changes)
            return count

    def _begin_rebuild(self) -> bool:
        vectors = self.index.vectors
        try:
            with _unavailable_on_failure():
                return vectors.begin_rebuild()
        except MemoryUnavailable:
            if not vectors.set_aside():
                raise
        with _unavailable_on_failure():
            return vectors.begin_rebuild()

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

        def accepts(attributes: Attributes) -> bool:
            return attributes.kind == kind and attributes.channel in {channel, ""}

        query = PrecedentQuery(
            text=signal_text,
            keyword_text=f"{signal_text}\n{what}",
            accepts=accepts,
            now=now,
        )
        return self._search(query)

    def find_related(
        self,
        words: str,
        channels: Collection[str],
        now: datetime,
    ) -> list[str]:
        """Find decided cases in these channels by meaning.

        Returns ids of cases of any kind, the best first; none when memory cannot be searched.
        """

        def accepts(attributes: Attributes) -> bool:
            return attributes.channel in channels

        query = PrecedentQuery(
            text=words,
            keyword_text=words,
            accepts=accepts,
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
        if failure:
            return "unavailable", RecallResult(failure=failure)
        search = self._executor.submit(self._search_index, query)
        try:
            precedents = search.result(timeout=self._answer_timeout)
        except FutureTimeoutError:
            self._slow_until = monotonic() + SLOW_BACKOFF_SECONDS
            return "slow", RecallResult(failure=SLOW)
        except MemoryUnavailable as unavailable:
            return "failed", RecallResult(failure=str(unavailable))
        return "answered", RecallResult(precedents)

    def _current_failure(self) -> str:
        """Return why memory cannot be searched now, or an empty text."""
        if not self._open_event.wait(self._opening_timeout):
            # One card has waited; the next ones do not.
            self._opening_timeout = 0.0
        if self._failure:
            return self._failure
        return SLOW if monotonic() < self._slow_until else ""

    def _search_index(self, query: PrecedentQuery) -> tuple[Precedent, ...]:
        with _unavailable_on_failure():
            return self.index.search(query)


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
