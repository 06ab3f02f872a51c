"""Tokens of programs: secrets of which only the hash is kept.

A token has 256 random bits, so nobody can find it from its hash.
"""

import hashlib
import hmac
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from bot.cases.program import Program, ProgramCaller

PREFIX = "cs_"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgramToken:
    """A credential of a program, without its secret."""

    #: The first letters of its hash.
    id: str
    program: str
    #: SHA-256 of the token.
    token_hash: str
    made_at: datetime
    by_name: str
    #: The only actions that it may ask for; empty for all of the program.
    actions: tuple[str, ...] = ()
    #: The most that one request may move; None for no narrower limit.
    limit: Decimal | None = None
    #: None: it is valid until it is revoked.
    expires_at: datetime | None = None

    def is_valid(self, now: datetime) -> bool:
        """Tell whether its time has not passed."""
        return self.expires_at is None or now < self.expires_at

    def caller(self, program: Program) -> ProgramCaller:
        """Return the program with what this token allows of it."""
        actions = {
            name: action
            for name, action in program.actions.items()
            if not self.actions or name in self.actions
        }
        return ProgramCaller(program=program, token_id=self.id, actions=actions, limit=self.limit)


def hash_token(token: str) -> str:
    """Hash a token as it is stored."""
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


def find_token(tokens: Iterable[ProgramToken], token: str, now: datetime) -> ProgramToken | None:
    """Find the valid token that this is; None where there is none."""
    token_hash = hash_token(token)
    match = None
    for candidate in tokens:
        # Every one is compared, each in constant time: a stop would show which one it is.
        if hmac.compare_digest(candidate.token_hash, token_hash):
            match = candidate
    return match if match is not None and match.is_valid(now) else None
