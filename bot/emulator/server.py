"""The emulator as one application on one port.

``/api`` is the Web API, ``/link`` Socket Mode, ``/_ctl`` the control API and ``/`` the page.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, assert_never
from urllib.parse import parse_qsl

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Mount, Route, WebSocketRoute

from bot.emulator import assistant_api, extras_api
from bot.emulator.control import routes as control
from bot.emulator.control.seed import seed
from bot.emulator.faults import CallFault
from bot.emulator.oauth import Client, OAuth
from bot.emulator.request_url import AppAddress
from bot.emulator.team import Team, Teams, build_team
from bot.emulator.web_api import call, method
from bot.emulator.wire import ApiError, Json, strict_json
from bot.emulator.workspace import Workspace

#: Where nobody installs the app, nobody has its credentials.
ANY_CLIENT = Client(id="", secret="")
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


@dataclass(frozen=True, kw_only=True)
class DistributedApp:
    """The app as Slack knows it, where teams install it by themselves."""

    address: AppAddress
    client: Client
    #: Id and name of each team beside the first.
    teams: Sequence[tuple[str, str]] = ()


def build(
    *,
    host: str = "127.0.0.1",
    manifest: Json | None = None,
    app: DistributedApp | None = None,
    content: Json | None = None,
) -> Starlette:
    """Build the emulator as one application, empty but for ``content``.

    ``host`` with its port is where the emulator is reached. With an ``app`` several teams
    install the app, which is reached over HTTP; the control API of each but the first stands under
    ``/{team}``.
    """
    teams = _build_teams(host, app)
    for team in (teams.first, *teams.others):
        if manifest is not None:
            team.workspace.install(manifest)
        if content is not None:
            seed(team.workspace, content)
    oauth = OAuth(teams=teams, client=app.client if app else ANY_CLIENT)
    endpoint = WebApiEndpoint(teams, oauth)
    mounts = [
        Mount(f"/{team.workspace.team['id']}", routes=control.build(team.envelopes))
        for team in teams.others
    ]
    routes = [
        _page_route("/", "index.html"),
        *(_page_route(f"/{name}", name) for name in PAGE_FILES),
        Route("/api/{name:path}", endpoint.serve, methods=["GET", "POST"]),
        WebSocketRoute("/link/", teams.first.connections.serve),
        *oauth.routes(),
        *mounts,
        *control.build(teams.first.envelopes),
    ]
    return Starlette(routes=routes)


def _build_teams(host: str, app: DistributedApp | None) -> Teams:
    if app is None:
        return Teams([build_team(host, None)])
    teams = [build_team(host, app.address)]
    for team_id, name in app.teams:
        team = build_team(host, app.address)
        team.workspace.team.update(id=team_id, name=name, domain=team_id.lower())
        teams.append(team)
    return Teams(teams)


class WebApiEndpoint:
    """The Web API over HTTP, with rates and faults."""

    def __init__(self, teams: Teams, oauth: OAuth) -> None:
        self.teams = teams
        self.oauth = oauth

    async def serve(self, request: Request) -> Response:
        """Answer one call, or let it go wrong."""
        name = request.path_params["name"]
        try:
            token, arguments = await _read(request)
        except ApiError as refusal:
            return JSONResponse({"ok": False, "error": refusal.error})
        if name == "oauth.v2.access":
            authorization = request.headers.get("authorization", "")
            return JSONResponse(self.oauth.access(authorization, arguments))
        team = self.teams.of_token(token)
        delay = team.faults.delay()
        if delay:
            await asyncio.sleep(delay)
        fault = team.faults.decide(name)
        wait = self._wait_for(team, name, arguments)
        if wait:
            return _rate_limit(wait)
        if fault.prevents_work:
            return self._respond(team, fault, {})
        if name == "apps.connections.open":
            # The app connects to the host that it knows, whatever name this server has itself.
            arguments["_host"] = request.headers.get("host", "")
        answer = self._call(team, name, token=token, arguments=arguments)
        team.traffic.record_call(name, answer)
        return self._respond(team, fault, answer)

    def _wait_for(self, team: Team, name: str, arguments: Json) -> int:
        """Return the seconds that Slack's own rates make this call wait."""
        wait = 0
        if team.faults.rate.tiers:
            wait = team.rates.wait_for(name, str(arguments.get("channel", "")))
        # A call that may pass adds zero, so that every method has a line in the counts.
        team.faults.rejections[name] += int(wait > 0)
        return wait

    def _call(self, team: Team, name: str, *, token: str, arguments: Json) -> Json:
        team.workspace.clock.history_delay = team.faults.call.hidden_for
        team.workspace.views.trigger_seconds = team.faults.envelope.answer_within
        error = team.faults.error_of(name)
        if error:
            return {"ok": False, "error": error}
        return call(team.workspace, name, token=token, arguments=arguments)

    def _respond(self, team: Team, fault: CallFault, answer: Json) -> Response:
        match fault:
            case CallFault.NONE:
                return JSONResponse(answer, headers=team.workspace.app.permissions.headers())
            case CallFault.RATE_LIMITED:
                return _rate_limit(team.faults.rate.retry_after)
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
        arguments.update(_parse_json(body))
    elif body and kind.startswith("application/x-www-form-urlencoded"):
        arguments.update(parse_qsl(body.decode(errors="replace"), keep_blank_values=True))
    elif body:
        arguments.update(await _read_multipart(request))
    bearer = request.headers.get("authorization", "").removeprefix("Bearer ").strip()
    return bearer or str(arguments.pop("token", "")), arguments


def _parse_json(body: bytes) -> Json:
    try:
        arguments = strict_json(body)
    except ValueError:
        raise ApiError("invalid_json") from None
    if not isinstance(arguments, dict):
        raise ApiError("json_not_object")
    return arguments


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
