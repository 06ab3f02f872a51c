"""Whether the bot is ready, asked of the world now and then: a look of anybody at /readyz is not a call to Slack."""

import asyncio
from collections.abc import Callable

from starlette.concurrency import run_in_threadpool

from bot.clock import monotonic

READY_SECONDS = 5.0
# Whoever waits for the bot to become ready hears of it soon.
NOT_READY_SECONDS = 0.25


class Readiness:
    """The last verdict, for some seconds; however many ask, one check is under way."""

    def __init__(
        self, *, ready_seconds: float = READY_SECONDS, not_ready_seconds: float = NOT_READY_SECONDS
    ) -> None:
        self._ready_seconds = ready_seconds
        self._not_ready_seconds = not_ready_seconds
        self._verdict: list[str] = []
        self._fresh_until = 0.0
        self._check: asyncio.Task[list[str]] | None = None

    async def problems(self, check: Callable[[], list[str]]) -> list[str]:
        """Return what keeps the bot from being ready, as sentences; none is good."""
        if monotonic() < self._fresh_until:
            return self._verdict
        if self._check is None or self._check.done():
            self._check = asyncio.create_task(self._run(check))
        # Shielded: one who hangs up does not end the check for the others.
        return await asyncio.shield(self._check)

    async def _run(self, check: Callable[[], list[str]]) -> list[str]:
        self._verdict = await run_in_threadpool(check)
        self._fresh_until = monotonic() + (
            self._not_ready_seconds if self._verdict else self._ready_seconds
        )
        return self._verdict
