"""The readiness of the bot, cached.

Requests to /readyz need no credentials, and must not become as many calls to Slack.
"""

import asyncio
from collections.abc import Callable

from starlette.concurrency import run_in_threadpool

from bot.clock import monotonic

READY_SECONDS = 5.0
# Short, so that whoever waits for the bot to become ready learns of it soon.
NOT_READY_SECONDS = 0.25


class Readiness:
    """The result of the last check. One check runs at a time."""

    def __init__(
        self, *, ready_seconds: float = READY_SECONDS, not_ready_seconds: float = NOT_READY_SECONDS
    ) -> None:
        """Set how long a result without problems is kept, and one with."""
        self._ready_seconds = ready_seconds
        self._not_ready_seconds = not_ready_seconds
        self._problems: list[str] = []
        self._fresh_until = 0.0
        self._task: asyncio.Task[list[str]] | None = None

    async def problems(self, check: Callable[[], list[str]]) -> list[str]:
        """Return what keeps the bot from being ready, as sentences."""
        if monotonic() < self._fresh_until:
            return self._problems
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run(check))
        # Shielded: a client that disconnects does not cancel the check for the others.
        return await asyncio.shield(self._task)

    async def _run(self, check: Callable[[], list[str]]) -> list[str]:
        self._problems = await run_in_threadpool(check)
        seconds = self._not_ready_seconds if self._problems else self._ready_seconds
        self._fresh_until = monotonic() + seconds
        return self._problems
