"""Tokens of programs: make, list, revoke and recognise them."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from functools import cached_property

from bot.cases.caller import Caller
from bot.cases.control_commands import ControlCommand, MakeToken, RevokeToken
from bot.cases.errors import BadRequest
from bot.cases.program import Program, ProgramCaller
from bot.cases.program_token import PREFIX, ProgramToken, find_token, hash_token
from bot.desk.control_path import ControlPath
from bot.ports.case_queries import CaseQueries
from bot.ports.clock import Clock
from bot.ports.desk_controls import DeskControlsStore

TOKEN_BYTES = 32
ID_LENGTH = 10


@dataclass(frozen=True)
class ProgramTokens:
    """Manages the tokens of the programs that programs.yml declares."""

    programs: Mapping[str, Program]
    desk_controls: DeskControlsStore
    queries: CaseQueries
    clock: Clock

    @cached_property
    def path(self) -> ControlPath:
        """Take the one path of all controls."""
        return ControlPath(self.desk_controls, self.queries, self.clock)

    def make(
        self,
        program_name: str,
        *,
        actions: Sequence[str] = (),
        limit: Decimal | None = None,
        expires_in: timedelta | None = None,
        operator: str,
    ) -> str:
        """Make a token and return it; it can never be shown again.

        Raises:
            Refusal: there is no such program, or it may not do this itself.
        """
        program = self._program(program_name)
        strange_actions = sorted(set(actions) - set(program.actions))
        if strange_actions:
            name = strange_actions[0][:60]
            raise BadRequest(f"programs.yml lets {program_name} ask for no {name}")
        secret = f"{PREFIX}{program_name}_{secrets.token_urlsafe(TOKEN_BYTES)}"
        now = self.clock()
        token = ProgramToken(
            id=hash_token(secret)[:ID_LENGTH],
            program=program_name,
            token_hash=hash_token(secret),
            made_at=now,
            by_name=operator,
            actions=tuple(dict.fromkeys(actions)),
            limit=limit,
            expires_at=now + expires_in if expires_in else None,
        )

        def command() -> ControlCommand:
            return MakeToken(Caller.operator(operator), token)

        self.path.decide(command)
        return secret

    def list(self) -> tuple[ProgramToken, ...]:
        """List the tokens that nobody has revoked."""
        return self.desk_controls.load().tokens

    def revoke(self, token_id: str, *, operator: str) -> None:
        """Revoke a token, at once and in every process.

        Accepts a unique prefix of its id.
        """

        def command() -> ControlCommand:
            return RevokeToken(Caller.operator(operator), token_id)

        self.path.decide(command)

    def find_caller(self, token: str) -> ProgramCaller | None:
        """Find whose valid token this is; None where it is nobody's."""
        if not token.startswith(PREFIX):
            return None
        # The controls are read at each request, so that a revoked token is refused at once.
        match = find_token(self.desk_controls.load().tokens, token, self.clock())
        program = self.programs.get(match.program) if match else None
        if match is None or program is None:
            return None
        return match.caller(program)

    def _program(self, name: str) -> Program:
        program = self.programs.get(name)
        if program is None:
            names = ", ".join(sorted(self.programs)) or "none"
            raise BadRequest(f"programs.yml has no program {name[:50]!r}; it has {names}")
        return program
