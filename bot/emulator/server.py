"""The emulator as one application on one port.

``/api`` is the Web API, ``/link`` Socket Mode, ``/_ctl`` the control API and ``/`` the page.
"""

import asyncio
import json
from pathlib import Path
from typing import Any, assert_never
from urllib.parse import parse_qsl

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route, WebSocketRoute

from bot.emulator import assistant_api, extras_api
from bot.emulator.control import routes as control
from bot.emulator.control.envelopes import Envelopes, TrafficLog
from bot.emulator.faults import CallFault, Faults
from bot.emulator.rates import Rates
from bot.emulator.socket_mode import AppConnections
from bot.emulator.web_api import call, method
from bot.emulator.wire import Json
from bot.emulator.workspace import Workspace

PAGE = Path(__file__).parent / "page"
PAGE_FILES = ("page.js", "blocks.js", "page.css")
# Importing these registers their methods.
METHOD_MODULES = (assistant_api, extras_api)
# The page shows hostile text by design: it may run nothing but its own script and reach
# nothing but this server.
PAGE_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "connect-src 'self'",
        "img-src 'self' data:",
        "base-uri 'none'",
        "form-action 'none'",
    )
)
PAGE_HEADERS = {
    "Content-Security-Policy": PAGE_POLICY,
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}


def build(*, host: str = "127.0.0.1", manifest: Path | None = None) -> Starlette:
    """Build the emulator as one application, empty until it is seeded.

    ``host`` with its port is where the emulator is reached.
    """
    workspace = Workspace()
    workspace.host = host
    if manifest is not None:
        workspace.app.permissions.read(manifest)
    faults = Faults()
    traffic = TrafficLog()
    connections = AppConnections(workspace.app.id)
    endpoint = WebApiEndpoint(workspace, faults, traffic)
    envelopes = Envelopes(
        workspace=workspace,
        connections=connections,
        faults=faults,
        traffic=traffic,
    )
    routes = [
        _page_route("/", "index.html"),
        *(_page_route(f"/{name}", name) for name in PAGE_FILES),
        Route("/api/{name:path}", endpoint.serve, methods=["GET", "POST"]),
        WebSocketRoute("/link/", connections.serve),
        *control.build(envelopes),
    ]
    return Starlette(routes=routes)


class WebApiEndpoint:
    """The Web API over HTTP, with rates and faults."""

    def __init__(self, workspace: Workspace, faults: Faults, traffic: TrafficLog) -> None:
        self.workspace = workspace
        self.faults = faults
        self.traffic = traffic
        self.rates = Rates(workspace.now)

    async def serve(self, request: Request) -> Response:
        """Answer one call, or let it go wrong."""
        name = request.path_params["name"]
        token, arguments = await _read(request)
        delay = self.faults.delay()
        if delay:
            await asyncio.sleep(delay)
        fault = self.faults.decide(name)
        wait = self._wait_for(name, arguments)
        if wait:
            return _rate_limit(wait)
        if fault.prevents_work:
            return self._respond(fault, {})
        if name == "apps.connections.open":
            # The app connects to the host that it knows, whatever name this server has itself.
            arguments["_host"] = request.headers.get("host", "")
        answer = self._call(name, token, arguments)
        self.traffic.record_call(name, answer)
        return self._respond(fault, answer)

    def _wait_for(self, name: str, arguments: Json) -> int:
        """Return the seconds that Slack's own rates make this call wait."""
        wait = 0
        if self.faults.rate.tiers:
            wait = self.rates.wait_for(name, str(arguments.get("channel", "")))
        # A call that may pass adds zero, so that every method has a line in the counts.
        self.faults.rejections[name] += int(wait > 0)
        return wait

    def _call(self, name: str, token: str, arguments: Json) -> Json:
        self.workspace.clock.history_delay = self.faults.call.hidden_for
        self.workspace.views.trigger_seconds = self.faults.envelope.answer_within
        error = self.faults.error_of(name)
        if error:
            return {"ok": False, "error": error}
        return call(self.workspace, name, token=token, arguments=arguments)

    def _respond(self, fault: CallFault, answer: Json) -> Response:
        match fault:
            case CallFault.NONE:
                return JSONResponse(answer)
            case CallFault.RATE_LIMITED:
                return _rate_limit(self.faults.rate.retry_after)
            case CallFault.DROP_AFTER:
                return _DroppedResponse()
            case CallFault.FAIL_BEFORE | CallFault.FAIL_AFTER:
                return Response("<html>upstream error</html>", 500, media_type="text/html")
            case _:
                assert_never(fault)


def _rate_limit(seconds: int) -> Response:
    answer = {"ok": False, "error": "ratelimited"}
    return JSONResponse(answer, 429, {"Retry-After": str(seconds)})


class _DroppedResponse(Response):
    """A connection that ends before the body that its header promises."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        start = {
            "type": "http.response.start",
            "status": 200,
            "headers": [(b"content-length", b"64")],
        }
        await send(start)


async def _read(request: Request) -> tuple[str, Json]:
    """Read the token and the arguments of a call.

    Slack's SDKs use the header, the query, forms and JSON.
    """
    arguments: Json = dict(request.query_params)
    body = await request.body()
    kind = request.headers.get("content-type", "")
    # The sync SDK sends calls without arguments as JSON with an empty body.
    if body and kind.startswith("application/json"):
        arguments.update(json.loads(body))
    elif body and kind.startswith("application/x-www-form-urlencoded"):
        arguments.update(parse_qsl(body.decode(), keep_blank_values=True))
    elif body:
        arguments.update(await _read_multipart(request))
    bearer = request.headers.get("authorization", "").removeprefix("Bearer ").strip()
    return bearer or str(arguments.pop("token", "")), arguments


async def _read_multipart(request: Request) -> Json:
    form = await request.form()
    return {name: value for name, value in form.items() if isinstance(value, str)}


def _page_route(path: str, name: str) -> Route:
    async def serve(request: Request) -> Response:
        return FileResponse(PAGE / name, headers=PAGE_HEADERS)

    return Route(path, serve)


@method("apps.connections.open")
def apps_connections_open(workspace: Workspace, arguments: Json) -> Json:
    address = f"ws://{arguments['_host']}/link/"
    ticket = workspace.ids.new("t")
    return {"url": f"{address}?ticket={ticket}&app_id={workspace.app.id}"}
