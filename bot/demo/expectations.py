"""The checks of the story: what must be true now, and what must become true soon."""

import time
from collections.abc import Iterator

from bot.cases.errors import CountersignError
from bot.clock import monotonic

TIMEOUT_SECONDS = 30.0
POLL_INTERVAL_SECONDS = 0.03


class StoryFailed(CountersignError):
    """The story did not go as it must."""


def require(condition: object, detail: str) -> None:
    """Fail with this detail unless the condition holds."""
    if not condition:
        raise StoryFailed(detail)


def polls(expectation: str) -> Iterator[None]:
    """Yield again and again until the caller stops asking; fail when that takes too long."""
    deadline = monotonic() + TIMEOUT_SECONDS
    while monotonic() < deadline:
        yield
        time.sleep(POLL_INTERVAL_SECONDS)
    raise StoryFailed(f"waited {TIMEOUT_SECONDS:.0f} s for: {expectation}")
