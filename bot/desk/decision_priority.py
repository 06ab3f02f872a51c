"""Priority of people's decisions over background work.

A decision and a card share one interpreter, and a person waits for the decision.
"""

import threading
from types import TracebackType

# What was decided must go on being carried out, however many people press.
MAX_WAIT_SECONDS = 0.25


class DecisionPriority:
    """A context around every decision that a person takes."""

    def __init__(self, max_wait: float = MAX_WAIT_SECONDS) -> None:
        self._max_wait = max_wait
        self._quiet = threading.Condition()
        self._deciding = 0

    def __enter__(self) -> None:
        with self._quiet:
            self._deciding += 1

    def __exit__(
        self,
        kind: type[BaseException] | None,
        failure: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with self._quiet:
            self._deciding -= 1
            if not self._deciding:
                self._quiet.notify_all()

    def wait_while_deciding(self) -> None:
        """Wait until nobody is deciding, but not for long."""
        if self._deciding:
            with self._quiet:
                self._quiet.wait_for(self._is_quiet, self._max_wait)

    def _is_quiet(self) -> bool:
        return not self._deciding
