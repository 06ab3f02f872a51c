"""Look at a kind right after people have decided on its plans.

A commit that scores a decision only notes the kind, in memory: a case pays nothing for it. A thread
of its own looks a moment later, once for all decisions that came together. Each process looks after
what it has written itself; the hourly look of the scheduler finds what a process that died has not.
"""

import logging
import threading
from collections.abc import Callable

log = logging.getLogger(__name__)
#: Decisions that come together are looked at once.
SETTLE_SECONDS = 1.0
#: Between two looks, so that a busy hour costs as little as a quiet one.
PAUSE_SECONDS = 5.0
STOP_TIMEOUT_SECONDS = 10.0


class KindWatch:
    """Reviews the kinds that were noted, soon and each once."""

    def __init__(
        self,
        review: Callable[[str], object],
        *,
        settle_seconds: float = SETTLE_SECONDS,
        pause_seconds: float = PAUSE_SECONDS,
    ) -> None:
        self._review = review
        self._settle_seconds = settle_seconds
        self._pause_seconds = pause_seconds
        self._kinds: dict[str, None] = {}
        self._lock = threading.Lock()
        self._due = threading.Event()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def note(self, kind: str) -> None:
        """Let this kind be looked at.

        The thread that writes may call it.
        """
        with self._lock:
            self._kinds[kind] = None
        self._due.set()

    def start(self) -> None:
        """Start the thread that looks."""
        self._thread = threading.Thread(target=self._run, name="kind-watch", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Finish the look that runs. The next start looks at every kind."""
        self._stopping.set()
        self._due.set()
        if self._thread:
            self._thread.join(STOP_TIMEOUT_SECONDS)

    def review_due(self) -> int:
        """Look at every kind that was noted; return how many they were."""
        with self._lock:
            kinds = list(self._kinds)
            self._kinds.clear()
            self._due.clear()
        for kind in kinds:
            self._review_safely(kind)
        return len(kinds)

    def _review_safely(self, kind: str) -> None:
        try:
            self._review(kind)
        except Exception:
            # An outermost loop: the hourly look tries again.
            log.exception("the kind %s could not be looked at", kind)

    def _run(self) -> None:
        while True:
            self._due.wait()
            if self._stopping.wait(self._settle_seconds):
                return
            self.review_due()
            if self._stopping.wait(self._pause_seconds):
                return
