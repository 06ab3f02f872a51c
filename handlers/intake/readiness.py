"""Whether the bot is ready, asked of the world now and then: a look of anybody at /readyz is not a call to Slack."""

import asyncio
from collections.abc import Callable

from starlette.concurrency import run_in_threadpool

from bot.clock import monotonic

FRESH_SECONDS = 5.0


class Readiness:
    """The last verdict, for some seconds; however many ask, one check is under way."""

    def __init__(self, fresh_seconds: float = FRESH_SECONDS) -> None:
        self._fresh_seconds = fresh_seconds
        self._verdict: tuple[float, list[str]] | None = None
        self._check: asyncio.Task[list[str]] | None = None

    async def problems(self, check: Callable[[], list[str]]) -> list[str]:
        """Return what keeps the bot from being ready, as sentences; none is good."""
        if self._verdict and monotonic() - self._verdict[0] < self._fresh_seconds:
            return self._verdict[1]
        if self._check is None or self._check.done():
            self._check = asyncio.create_task(self._run(check))
        # Shielded: one who hangs up does not end the check for the others.
        return await asyncio.shield(self._check)

    async def _run(self, check: Callable[[], list[str]]) -> list[str]:
        problems = await run_in_threadpool(check)
        self._verdict = (monotonic(), problems)
        return problems
