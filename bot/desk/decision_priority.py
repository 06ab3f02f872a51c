"""Priority of people's decisions over background work.

A decision and a card share one interpreter, and a person waits for the decision.
"""

import threading
from types import TracebackType

from bot.clock import monotonic

# What was decided must go on being carried out, however many people press.
MAX_WAIT_SECONDS = 0.25
#: Work waits so long for people who press one after the other without a break.
MAX_RUSH_SECONDS = 1.0
#: A thread that has given way works so long before it does again: what was decided is carried out
#: between presses that follow each other, and not after the last.
WORK_SECONDS = 0.02


class DecisionPriority:
    """A context around every press and every decision of a person.

    Threads of background work give way to it before each access to the store.
    """

    def __init__(self, max_wait: float = MAX_WAIT_SECONDS) -> None:
        self._max_wait = max_wait
        self._max_rush = max(max_wait, MAX_RUSH_SECONDS)
        self._quiet = threading.Condition()
        self._deciding = 0
        #: When the first and the last of those who decide now began, in seconds of ``monotonic``.
        self._rush_began_at = 0.0
        self._last_began_at = 0.0
        self._thread = threading.local()

    def __enter__(self) -> None:
        self.begin()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        failure: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.end()

    def begin(self) -> None:
        """Let background work wait from now on. Another thread may end it."""
        with self._quiet:
            self._last_began_at = monotonic()
            if not self._deciding:
                self._rush_began_at = self._last_began_at
            self._deciding += 1

    def end(self) -> None:
        """End what ``begin`` began."""
        with self._quiet:
            self._deciding -= 1
            if not self._deciding:
                self._quiet.notify_all()

    def mark_background(self) -> None:
        """Let the present thread give way from now on."""
        self._thread.is_background = True

    def is_background(self) -> bool:
        """Tell whether the present thread gives way."""
        return getattr(self._thread, "is_background", False)

    def is_rush(self) -> bool:
        """Tell whether background work waits now."""
        return self._deciding > 0 and monotonic() < self._deadline()

    def give_way(self) -> None:
        """Wait while somebody decides, in a thread of background work."""
        # Most often nobody does: then this is one comparison.
        if not self._deciding or not self.is_background():
            return
        if monotonic() - getattr(self._thread, "went_on_at", -WORK_SECONDS) < WORK_SECONDS:
            return
        self.wait_while_deciding()
        self._thread.went_on_at = monotonic()

    def wait_while_deciding(self) -> None:
        """Wait until nobody is deciding, but not for long."""
        if not self._deciding:
            return
        with self._quiet:
            while self._deciding:
                remaining = self._deadline() - monotonic()
                if remaining <= 0:
                    return
                self._quiet.wait(remaining)

    def _deadline(self) -> float:
        """Return when the work goes on although somebody is deciding."""
        return min(self._last_began_at + self._max_wait, self._rush_began_at + self._max_rush)
