"""While people press, the lanes give way: a decision and a card share one interpreter, and a person waits for the decision."""

import threading
from types import TracebackType

# Seconds that work in hand waits at most: what was decided must go on being carried out, however many press.
LONGEST = 0.25


class DecisionPriority:
    """Entered for as long as a person's decision is being taken."""

    def __init__(self, longest: float = LONGEST) -> None:
        self._longest = longest
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
        """Wait until nobody is deciding, or for as long as work in hand may wait."""
        if self._deciding:
            with self._quiet:
                self._quiet.wait_for(lambda: not self._deciding, self._longest)
