"""The checks of the story, with and without waiting."""

import time
from collections.abc import Iterator

from bot.cases.errors import CountersignError
from bot.clock import monotonic

#: Nobody waits so long for what comes, however busy the machine is.
TIMEOUT_SECONDS = 120.0
POLL_INTERVAL_SECONDS = 0.03


class StoryFailed(CountersignError):
    """The story did not go as it must."""


def require(condition: object, detail: str) -> None:
    """Fail with this detail unless the condition holds."""
    if not condition:
        raise StoryFailed(detail)


def polls(expectation: str) -> Iterator[None]:
    """Yield until the caller breaks off, and fail after a timeout."""
    deadline = monotonic() + TIMEOUT_SECONDS
    while monotonic() < deadline:
        yield
        time.sleep(POLL_INTERVAL_SECONDS)
    raise StoryFailed(f"waited {TIMEOUT_SECONDS:.0f} s for: {expectation}")
