"""How cases like it ended. An index over the shelf: it can be asked, filled and made again, and nothing depends on it.

Whatever is wrong with it - missing, corrupt, slow, another embedder - is one answer with a reason; the card goes out in time and says so.
"""

import logging
import sys
import threading
from collections.abc import Callable, Collection, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotInTime
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, TypeVar

from bot import metrics
from bot.cases.errors import MemoryUnavailable
from bot.cases.precedent import CaseOutcome, Precedent
from bot.clock import monotonic
from bot.ports.memory import PrecedentStore, StoredPrecedent
from knowledge.embedder import Embedder
from knowledge.vector_index import REBUILD, VectorIndex
from knowledge.word_index import WordIndex
from knowledge.words import codes_of

log = logging.getLogger(__name__)
T = TypeVar("T")
OVERFETCH, WIDER = 50, 500
MOST_ALIKE = 10
# Below this cosine two cases are not alike, whatever their kind. Hashed words agree less than meanings do.
ALIKE, ALIKE_IN_WORDS = 0.35, 0.25
RANK_DAMPING = 60
EMBEDDED_AT_ONCE = 64
RESTS_FOR = 10.0


@dataclass(frozen=True, slots=True)
class Recollection:
    """What memory says: the alike, best first; or why it cannot say anything."""

    alike: tuple[Precedent, ...] = ()
    failure: str = ""


class Precedents:
    """``patience``: seconds that a card waits for an answer. ``opening_for``: seconds that it waits for memory to open, at start."""

    def __init__(
        self,
        shelf: PrecedentStore,
        embedder: Embedder,
        index: VectorIndex,
        *,
        patience: float = 0.5,
        opening_for: float = 4.0,
    ) -> None:
        self._shelf = shelf
        self._embedder = embedder
        self._index = index
        self._words = WordIndex()
        # Kind and channel by id: what everything is narrowed by, without asking anybody.
        self._about: dict[str, tuple[str, str]] = {}
        self._patience = patience
        self._opening_for = opening_for
        self._place = 0
        self._filling = threading.Lock()
        self._opened = threading.Event()
        self._failure = "memory is still opening"
        self._rests_until = 0.0
        self._closing = False
        self._asking = ThreadPoolExecutor(4, thread_name_prefix="memory")

    # --- filling -------------------------------------------------------------------------------------------------------

    def start(self) -> threading.Thread:
        """Open in a thread of its own."""
        opening = threading.Thread(target=self.open, name="memory-opening", daemon=True)
        opening.start()
        return opening

    def open(self) -> None:
        """Open the index and take in what it missed. A failure is remembered and told, never raised."""
        try:
            self._guarded(self._index.open)
            self._agree_with_the_ledger()
            self._catch_up()
            self._guarded(self._drop_strays)
            self._guarded(self._warm_up)
        except MemoryUnavailable as failure:
            self._failure = str(failure)
            log.warning("precedents are not available: %s", failure)
        except Exception:
            # The shelf is the database: while that is away nothing can be taken in, and no card waits for it.
            self._failure = "memory could not be read from the database when the bot started"
            log.exception("precedents are not available")
        else:
            self._failure = ""
        self._opened.set()

    def catch_up(self, progress: Callable[[int], None] = lambda done: None) -> int:
        """Take in what the shelf has that the index has not; returns how many."""
        if self._failure:
            raise MemoryUnavailable(self._failure)
        return self._catch_up(progress)

    def _catch_up(self, progress: Callable[[int], None] = lambda done: None) -> int:
        with self._filling:
            taken = 0
            while kept := self._shelf.changes_since(self._place):
                self._guarded(partial(self._take_in, kept, progress))
                self._place = kept[-1].seq
                taken += len(kept)
            return taken

    def rebuild(self, progress: Callable[[int], None]) -> int:
        """Make the index again from the shelf; one that was cut short goes on where it stopped. Returns how many it has now."""
        try:
            resumed = self._guarded(self._index.renew)
        except MemoryUnavailable:
            if not self._index.set_aside():
                raise
            resumed = self._guarded(self._index.renew)
        if resumed:
            log.info("going on with a rebuild that was cut short")
        self._place = 0
        self._catch_up(progress)
        self._guarded(self._drop_strays)
        self._guarded(self._index.complete)
        return self._guarded(self._index.count)

    def close(self) -> None:
        self._closing = True
        self._asking.shutdown(wait=False, cancel_futures=True)
        with self._filling:
            self._index.close()
            self._failure = "memory is closed"
            self._opened.set()

    def _take_in(self, kept: Sequence[StoredPrecedent], progress: Callable[[int], None]) -> None:
        live = [one for one in kept if not one.is_gone]
        gone = [one.precedent.id for one in kept if one.is_gone]
        known = self._index.digests([one.precedent.id for one in live])
        fresh = [one for one in live if known.get(one.precedent.id) != one.digest]
        progress(len(kept) - len(fresh))
        for start in range(0, len(fresh), EMBEDDED_AT_ONCE):
            if self._closing:
                # What is not in yet comes in at the next start.
                raise MemoryUnavailable("memory is closed")
            batch = fresh[start : start + EMBEDDED_AT_ONCE]
            vectors = self._embedder.embed([one.precedent.said for one in batch])
            self._index.put(
                [one.precedent.id for one in batch], vectors, [one.digest for one in batch]
            )
            progress(len(batch))
        self._index.drop(gone)
        for one in live:
            self._about[one.precedent.id] = (
                sys.intern(one.precedent.kind),
                sys.intern(one.precedent.channel),
            )
        for name in gone:
            self._about.pop(name, None)
        self._words.put(((one.precedent.id, one.precedent.text) for one in live), gone=gone)

    def _warm_up(self) -> None:
        """The first question is slow, whoever asks it: libraries load, files are read. So it is asked by nobody."""
        self._index.nearest(self._embedder.embed(["the first question"])[0], OVERFETCH)

    def _agree_with_the_ledger(self) -> None:
        """A ledger older than memory, or a row that was lost: what is decided and not on the shelf is put there."""
        missing = self._shelf.count_missing()
        if missing:
            log.warning("%s decided cases are not in memory; reading the ledger again", missing)
            for _ in self._shelf.rebuild():
                pass

    def _drop_strays(self) -> None:
        """The index must hold what the shelf holds: no more (less is not possible after catching up)."""
        if self._index.count() != self._shelf.count():
            ids = self._index.every_id()
            for start in range(0, len(ids), WIDER):
                page = ids[start : start + WIDER]
                known = self._shelf.by_id(page)
                self._index.drop([name for name in page if name not in known])

    # --- asking --------------------------------------------------------------------------------------------------------

    def recall(
        self, said: str, kind: str, channel: str, now: datetime, what: str = ""
    ) -> Recollection:
        """The decided cases of this kind most like this one, as far as readers of this channel may see them.

        ``said`` is compared by meaning, and with ``what`` (what the playbook made of it) by words.
        """
        return self._answer(
            said, f"{said}\n{what}", lambda name: self._is_for(name, kind, channel), now
        )

    def related(self, words: str, channels: Collection[str], now: datetime) -> list[str]:
        """Decided cases of any kind in these channels that mean something like this, the most alike first; none when it cannot say."""
        found = self._answer(words, words, lambda name: self._is_in(name, channels), now)
        return [precedent.case_id for precedent in found.alike if precedent.case_id]

    def _answer(
        self, said: str, text: str, may: Callable[[str], bool], now: datetime
    ) -> Recollection:
        """What is alike among those that may be shown, in time or not at all."""
        if not self._opened.wait(self._opening_for):
            self._opening_for = 0.0
        failure = self._failure or (
            "memory does not answer in time" if monotonic() < self._rests_until else ""
        )
        if failure:
            metrics.RECALLS.labels("unavailable").inc()
            return Recollection(failure=failure)
        search = partial(self._search, said, text, may, now)
        asked: Future[tuple[Precedent, ...]] = self._asking.submit(self._guarded, search)
        try:
            found = asked.result(timeout=self._patience)
        except NotInTime:
            # One slow answer is enough: the next cards do not wait for it.
            self._rests_until = monotonic() + RESTS_FOR
            metrics.RECALLS.labels("slow").inc()
            return Recollection(failure="memory does not answer in time")
        except MemoryUnavailable as wrong:
            metrics.RECALLS.labels("failed").inc()
            return Recollection(failure=str(wrong))
        metrics.RECALLS.labels("answered").inc()
        return Recollection(found)

    def _search(
        self, said: str, text: str, may: Callable[[str], bool], now: datetime
    ) -> tuple[Precedent, ...]:
        vector = self._embedder.embed([said])[0]
        found: list[tuple[str, float]] = []
        near: list[str] = []
        for many in (OVERFETCH, WIDER):
            close = self._index.nearest(vector, many)
            near = [name for name, likeness in close if likeness >= self._alike and may(name)]
            worded = [name for name in self._words.best(text, many) if may(name)]
            found = _fused([near, worded])
            if len(near) >= MOST_ALIKE or len(close) < many or close[-1][1] < self._alike:
                break
        # Only what may be shown is read: decoding is what costs.
        kept = self._shelf.by_id([name for name, _ in found[: 3 * MOST_ALIKE]])
        meant, codes = set(near), codes_of(text)
        seen = [
            (kept[name], score)
            for name, score in found
            # A word in common makes no two cases alike; a code in common does.
            if name in kept and (name in meant or codes & codes_of(kept[name].text))
        ]
        seen.sort(key=lambda pair: -pair[1] * _preference(pair[0], now))
        return tuple(precedent for precedent, _ in seen[:MOST_ALIKE])

    def _is_for(self, name: str, kind: str, channel: str) -> bool:
        """Whether this one is of the kind asked about, and may be seen where it is asked."""
        about = self._about.get(name)
        return about is not None and about[0] == kind and about[1] in {channel, ""}

    def _is_in(self, name: str, channels: Collection[str]) -> bool:
        about = self._about.get(name)
        return about is not None and about[1] in channels

    @property
    def _alike(self) -> float:
        return ALIKE if self._embedder.is_semantic else ALIKE_IN_WORDS

    def _guarded(self, ask: Callable[[], T]) -> T:
        """Whatever a derived index throws is one thing to us: it is not available. Rust panics are no Exceptions, but no signals either."""
        try:
            return ask()
        except (MemoryUnavailable, KeyboardInterrupt, SystemExit):
            raise
        except BaseException as failure:
            log.warning("the index failed", exc_info=failure)
            raise MemoryUnavailable(
                f"the index is broken ({type(failure).__name__}); {REBUILD}"
            ) from None


class Forgetful:
    """A memory without memories: for a past that is played before there are any."""

    def recall(
        self, said: str, kind: str, channel: str, now: datetime, what: str = ""
    ) -> Recollection:
        return Recollection()

    def related(self, words: str, channels: Collection[str], now: datetime) -> list[str]:
        return []

    def catch_up(self) -> int:
        return 0


def _fused(rankings: Iterable[Sequence[str]]) -> list[tuple[str, float]]:
    """Reciprocal rank fusion: what several rankings put in front comes first."""
    scores: dict[str, float] = {}
    for ranking in rankings:
        for rank, name in enumerate(ranking):
            scores[name] = scores.get(name, 0.0) + 1 / (RANK_DAMPING + rank)
    return sorted(scores.items(), key=lambda item: -item[1])


def _preference(precedent: Precedent, now: datetime) -> float:
    """Recent ones a little before old ones, good endings a little before bad ones; likeness still decides."""
    age: Any = max(0.0, (now - precedent.ended_at).days / 365)
    good = 1.0 if precedent.ended in {CaseOutcome.WORKED, CaseOutcome.BY_HAND} else 0.97
    return float(good * (0.8 + 0.2 / (1 + age)))
