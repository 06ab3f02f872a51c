"""Waits for conditions, bounded so that a busy machine is never too slow."""

import time
from collections.abc import Callable

#: Nobody waits so long for what comes: only a test that fails does.
PATIENCE_SECONDS = 120.0
POLL_INTERVAL_SECONDS = 0.02


def wait_until(
    condition: Callable[[], object], expectation: str, patience: float = PATIENCE_SECONDS
) -> None:
    """Wait until the condition holds, or fail naming what was expected."""
    deadline = time.monotonic() + patience
    while not condition():
        assert time.monotonic() < deadline, f"waited {patience:.0f} s for {expectation}"
        time.sleep(POLL_INTERVAL_SECONDS)
