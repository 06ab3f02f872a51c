"""``countersign mcp``: the tools of agents, over the Model Context Protocol."""

from importlib.util import find_spec
from typing import TYPE_CHECKING, Annotated

import typer
import uvicorn

from bot.cases.errors import Refusal
from bot.lazy_module import LazyModule
from bot.settings import Settings, load_offline

if TYPE_CHECKING:
    from handlers.programs import client, mcp_server
else:
    # Without the extra the command still explains what is missing.
    client = LazyModule("handlers.programs.client")
    mcp_server = LazyModule("handlers.programs.mcp_server")

MAX_PORT = 65_535


def serve_tools(
    http: Annotated[
        str,
        typer.Option(
            help="Listen at HOST:PORT over streamable HTTP, where each caller sends its own token. "
            "Default: standard input and output, with COUNTERSIGN_TOKEN."
        ),
    ] = "",
    public_url: Annotated[
        str,
        typer.Option(help="With --http: the address that callers know, behind a proxy."),
    ] = "",
) -> None:
    if find_spec("mcp") is None:
        raise Refusal("install the tools of agents first: pip install 'countersign[mcp]'")
    settings = load_offline()
    if http:
        _serve_http(settings, http, public_url)
    else:
        _serve_stdio(settings)


def _serve_stdio(settings: Settings) -> None:
    if not settings.program_token:
        raise Refusal(
            "set COUNTERSIGN_TOKEN to the token of your program; `countersign tokens make NAME` "
            "makes one"
        )
    api = client.AsyncCountersign(settings.api_url, settings.program_token)
    mcp_server.build_server(lambda: api).run("stdio")


def _serve_http(settings: Settings, address: str, public_url: str) -> None:
    host, port = parse_address(address)
    public_url = public_url or f"http://{address}{mcp_server.PATH}"
    app = mcp_server.build_http_app(settings.api_url, public_url=public_url)
    typer.echo(f"Serving {public_url} for {settings.api_url}", err=True)
    uvicorn.run(app, host=host, port=port, log_level="warning", ws="none")


def parse_address(text: str) -> tuple[str, int]:
    """Split HOST:PORT.

    Raises:
        Refusal: it is no such address.
    """
    host, _, port = text.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not host or not port.isascii() or not port.isdigit() or not 0 < int(port) <= MAX_PORT:
        raise Refusal(f"--http must be an address like 127.0.0.1:8090, not {text!r}")
    return host, int(port)
