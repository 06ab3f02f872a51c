"""``countersign tokens``."""

import getpass
import json
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from decimal import Decimal
from typing import Annotated, TypeVar

import typer
from pydantic import TypeAdapter, ValidationError
from rich.markup import escape
from rich.table import Table

from bot import storage
from bot.cases.canonical import to_plain
from bot.cases.constraints import Amount, Span
from bot.cases.errors import BadRequest
from bot.cases.program_token import ProgramToken
from bot.cli.terminal import AsJson, err, out, print_json
from bot.clock import utc_now
from bot.desk.program_tokens import ProgramTokens
from bot.preflight import open_library
from bot.settings import load_offline

COLUMNS = ("token", "program", "actions", "limit", "made", "by", "valid until")
T = TypeVar("T")
_LIMIT: TypeAdapter[Decimal] = TypeAdapter(Amount)
_SPAN: TypeAdapter[timedelta] = TypeAdapter(Span)


def make(
    program: Annotated[str, typer.Argument(help="The name of the program in programs.yml.")],
    actions: Annotated[
        str, typer.Option(help="Only these of its actions, with commas between them.")
    ] = "",
    limit: Annotated[
        str, typer.Option(help="The most that one request may move, in the currency of policy.")
    ] = "",
    expires: Annotated[str, typer.Option(help="How long it is valid, like 90d.")] = "",
    as_json: AsJson = False,
) -> None:
    names = [name.strip() for name in actions.split(",") if name.strip()]
    money = _read(_LIMIT, limit, "--limit") if limit else None
    span = _read(_SPAN, expires, "--expires") if expires else None
    with _open_tokens() as tokens:
        secret = tokens.make(
            program,
            actions=names,
            limit=money,
            expires_in=span,
            operator=getpass.getuser(),
        )
    if as_json:
        print(json.dumps({"program": program, "token": secret}))
        return
    # Apart from the token: that is what a script takes.
    err.print("This is shown once. Put it where only this program can read it:")
    # Not wrapped: it is copied.
    out.print(secret, markup=False, soft_wrap=True)


def list_tokens(as_json: AsJson = False) -> None:
    with _open_tokens() as tokens:
        valid_tokens = tokens.list()
    if as_json:
        print_json([to_plain(token) for token in valid_tokens])
        return
    if not valid_tokens:
        out.print("There are no tokens. Make one with `countersign tokens make PROGRAM`.")
        return
    table = Table(*COLUMNS)
    for token in valid_tokens:
        table.add_row(*map(escape, _row(token)))
    out.print(table)


def revoke(
    token: Annotated[str, typer.Argument(help="The token, as `tokens list` shows it.")],
) -> None:
    with _open_tokens() as tokens:
        tokens.revoke(token, operator=getpass.getuser())
    out.print("Revoked. This token signs nobody in any more.")


@contextmanager
def _open_tokens() -> Iterator[ProgramTokens]:
    settings = load_offline()
    library = open_library(settings)
    store = storage.open_store(settings)
    with closing(store.database):
        yield ProgramTokens(
            programs=library.programs,
            desk_controls=store.desk_controls,
            queries=store.queries,
            clock=utc_now,
        )


def _read(adapter: TypeAdapter[T], text: str, option: str) -> T:
    """Read the value of an option as the files write it."""
    try:
        return adapter.validate_python(text)
    except ValidationError as error:
        raise BadRequest(f"{option}: {error.errors()[0]['msg']}") from None


def _row(token: ProgramToken) -> tuple[str, ...]:
    expiry = "it is revoked"
    if token.expires_at:
        expiry = f"{token.expires_at:%d %b %Y %H:%M} UTC"
        if not token.is_valid(utc_now()):
            expiry += ", over"
    return (
        token.id,
        token.program,
        ", ".join(token.actions) or "all of the program",
        f"{token.limit:,}" if token.limit is not None else "",
        f"{token.made_at:%d %b %Y %H:%M} UTC",
        token.by_name,
        expiry,
    )
