"""Make and revoke the tokens of programs. Pure."""

from typing import assert_never

from bot.cases.control_commands import MakeToken, RevokeToken, TokenCommand
from bot.cases.controls import DeskControls
from bot.cases.entries import TokenBody, TokenMade, TokenRevoked
from bot.cases.errors import BadRequest

MAX_TOKENS = 500


def decide(controls: DeskControls, command: TokenCommand) -> TokenBody:
    """Find the entry of a command about a token.

    Raises:
        Refusal: an expected no, safe to show the person who asked.
    """
    match command:
        case MakeToken():
            return _make(controls, command)
        case RevokeToken():
            return _revoke(controls, command)
        case _:
            assert_never(command)


def _make(controls: DeskControls, command: MakeToken) -> TokenMade:
    if len(controls.tokens) >= MAX_TOKENS:
        raise BadRequest(f"there are {MAX_TOKENS} tokens; revoke those that nobody uses first")
    if any(token.id == command.token.id for token in controls.tokens):
        raise BadRequest("another token has this id; make it again")
    return TokenMade(command.token)


def _revoke(controls: DeskControls, command: RevokeToken) -> TokenRevoked:
    prefix = command.token
    tokens = [token for token in controls.tokens if prefix and token.id.startswith(prefix)]
    if len(tokens) != 1:
        raise BadRequest(
            f"{len(tokens)} tokens begin with {prefix[:50]!r}; see `countersign tokens list`"
        )
    token = tokens[0]
    return TokenRevoked(token=token.id, program=token.program, by_name=command.by.person.name)
