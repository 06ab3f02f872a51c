"""Authentication of programs by their tokens."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from starlette.concurrency import run_in_threadpool

from bot.cases.program import ProgramCaller
from bot.clock import monotonic
from bot.desk.program_tokens import ProgramTokens
from bot.rate_limit import RateLimit, TokenBuckets
from handlers.intake.authentication import MAX_RETRY_AFTER_SECONDS, bearer_token
from handlers.intake.problem import Problem

# One answer for a wrong, a revoked and an expired token, and for a program that is not declared.
UNAUTHENTICATED = (
    "no program has this token; check it, and whether it was revoked or has expired: "
    "`countersign tokens list`"
)


@dataclass
class Programs:
    """The declared programs with their tokens and quotas."""

    tokens: ProgramTokens
    _quotas: TokenBuckets = field(default_factory=TokenBuckets)

    async def authenticate(self, headers: Mapping[str, str]) -> ProgramCaller:
        """Find the program whose token was sent.

        Raises:
            Problem: 401 unless it is a valid token of a declared program.
        """
        caller = await self.find(headers)
        if caller is None:
            raise Problem(401, UNAUTHENTICATED)
        return caller

    async def find(self, headers: Mapping[str, str]) -> ProgramCaller | None:
        """Find the program whose token was sent; None where there is none."""
        token = bearer_token(headers)
        if token is None:
            return None
        # It reads the database.
        return await run_in_threadpool(self.tokens.find_caller, token)

    def consume_quota(self, caller: ProgramCaller, requests: int = 1) -> None:
        """Take from what a program may send in a minute.

        Raises:
            Problem: 429.
        """
        program = caller.program
        limit = RateLimit(per_second=program.per_minute / 60, burst=program.per_minute)
        seconds = self._quotas.take(program.name, limit, monotonic(), tokens=requests)
        if seconds > 0:
            wait = int(seconds) + 1
            raise Problem(
                429,
                f"{program.name} may ask {program.per_minute} times a minute; wait {wait} s",
                retry_after=min(wait, MAX_RETRY_AFTER_SECONDS),
            )
