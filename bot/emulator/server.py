"""One port for everything: /api the Web API, /link Socket Mode, /_ctl the control API, / the page."""

import asyncio
import json
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket

from bot.emulator import assistant_api, extras_api
from bot.emulator.control import Control
from bot.emulator.faults import Faults
from bot.emulator.rates import Rates
from bot.emulator.socket_mode import Sockets
from bot.emulator.state import Json, Workspace
from bot.emulator.web_api import call, method

PAGE = Path(__file__).parent / "page"
APIS = (assistant_api, extras_api)
# The page shows hostile text by design: it may run nothing but its own script and reach nothing but this server.
PAGE_POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'"


def build(*, host: str = "127.0.0.1", manifest: Path | None = None) -> Starlette:
    """The whole emulator as one application, empty until seeded. ``host`` with port is where it is reached."""
    workspace, faults = Workspace(), Faults()
    workspace.host = host
    if manifest is not None:
        workspace.permissions.read(manifest)
    sockets, rates = Sockets(workspace.app_id), Rates(workspace.now)
    control = Control(workspace, sockets, faults)

    async def api(request: Request) -> Response:
        name = request.path_params["name"]
        token, arguments = await _request(request)
        slowness = faults.slowness()
        if slowness:
            await asyncio.sleep(slowness)
        verdict = faults.verdict(name)
        wait = rates.wait_for(name, str(arguments.get("channel", ""))) if faults.tiers else 0
        faults.rejected[name] += bool(wait)
        if wait or verdict in {"limited", "fail_before"}:
            return _limited(wait) if wait else _spoiled(verdict, faults)
        if name == "apps.connections.open":
            arguments["_host"] = request.headers.get("host", "")
        workspace.hidden_for = faults.hidden_for
        error = faults.error_of(name)
        answer: Json = (
            {"ok": False, "error": error} if error else call(workspace, name, token, arguments)
        )
        control.traffic.append(
            {"to": "slack", "kind": name, "ok": answer["ok"], "error": answer.get("error", "")}
        )
        return JSONResponse(answer) if verdict == "ok" else _spoiled(verdict, faults)

    async def link(socket: WebSocket) -> None:
        await sockets.serve(socket)

    routes: list[Any] = [
        Route("/", _page("index.html")),
        *(Route(f"/{name}", _page(name)) for name in ("page.js", "blocks.js", "page.css")),
        Route("/api/{name:path}", api, methods=["GET", "POST"]),
        WebSocketRoute("/link/", link),
        *control.routes(),
    ]
    return Starlette(routes=routes)


def _spoiled(verdict: str, faults: Faults) -> Response:
    if verdict == "limited":
        return _limited(faults.retry_after)
    if verdict == "drop_after":
        return _Dropped()
    return Response("<html>upstream error</html>", 500, media_type="text/html")


def _limited(seconds: int) -> Response:
    return JSONResponse({"ok": False, "error": "ratelimited"}, 429, {"Retry-After": str(seconds)})


class _Dropped(Response):
    """The work is done and the answer never comes: the connection ends before its promised body."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await send(
            {"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"64")]}
        )


async def _request(request: Request) -> tuple[str, Json]:
    """Token and arguments, from the header or the body, in a query, a form or JSON: Slack's SDKs use all of these."""
    arguments: Json = dict(request.query_params)
    body = await request.body()
    kind = request.headers.get("content-type", "")
    # The sync SDK sends calls without arguments as JSON with an empty body.
    if body and kind.startswith("application/json"):
        arguments.update(json.loads(body))
    elif body and kind.startswith("application/x-www-form-urlencoded"):
        arguments.update(parse_qsl(body.decode(), keep_blank_values=True))
    elif body:
        arguments.update(
            {
                name: value
                for name, value in (await request.form()).items()
                if isinstance(value, str)
            }
        )
    bearer = request.headers.get("authorization", "").removeprefix("Bearer ").strip()
    return bearer or str(arguments.pop("token", "")), arguments


def _page(name: str) -> Any:
    async def serve(request: Request) -> Response:
        headers = {
            "Content-Security-Policy": PAGE_POLICY,
            "Cache-Control": "no-store",
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "no-referrer",
        }
        return FileResponse(PAGE / name, headers=headers)

    return serve


@method("apps.connections.open")
def apps_connections_open(workspace: Workspace, arguments: Json) -> Json:
    return {
        "url": f"ws://{arguments['_host']}/link/?ticket={workspace.serial('t')}&app_id={workspace.app_id}"
    }
