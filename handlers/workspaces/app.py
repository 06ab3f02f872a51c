"""The front door as one Starlette application.

It installs the app, hands each request to the process of its workspace, and ends installations. It
knows no case: what it cannot place is refused, and nothing is stored here but tokens.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import httpx
from slack_bolt import BoltRequest, BoltResponse
from slack_bolt.adapter.starlette.handler import to_bolt_request, to_starlette_response
from slack_bolt.oauth import OAuthFlow
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Host, Route, Router

from bot.ports.clock import Clock
from handlers.bodies import BodyRefused, read_limited_body, refuse_too_large
from handlers.slack.manifest import EVENTS_PATH as SLACK_PATH
from handlers.slack.request_signature import RequestSignature
from handlers.workspaces.installations import Installations, WorkspaceId
from handlers.workspaces.routing import read_slack_request

log = logging.getLogger(__name__)
INSTALL_PATH = "/slack/install"
REDIRECT_PATH = "/slack/oauth_redirect"
RETRY_AFTER_SECONDS = 5
#: A caller may wait a minute for a decision.
FORWARD_TIMEOUT_SECONDS = 75.0
#: The largest that any process of a workspace reads, with room.
MAX_BODY_BYTES = 8_000_000
METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS")
#: Of one hop (RFC 9110), or only we may say them.
HOP_HEADERS = frozenset(
    {
        "connection",
        "content-length",
        "forwarded",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "x-forwarded-for",
        "x-forwarded-host",
        "x-forwarded-proto",
    }
)
#: On a path of the common host: pages and their passkeys have a host of their own.
PROGRAM_PATHS = (b"v1/", b"openapi.json", b"readyz")


@dataclass(frozen=True, kw_only=True)
class FrontDoor:
    """The endpoints that workspaces share."""

    installations: Installations
    oauth: OAuthFlow
    signing_secrets: Sequence[str]
    clock: Clock
    #: The host of the deployment, without a port.
    base_host: str
    #: Returns the address of the process of a workspace by its id; empty where none runs.
    find_address: Callable[[str], str]
    #: Called when a workspace has installed the app, or has taken it out.
    on_change: Callable[[], None]
    #: Lists what keeps a workspace from being served, as sentences.
    find_problems: Callable[[], list[str]]
    client: httpx.AsyncClient

    def build(self) -> Starlette:
        """Build the application."""
        own_host = Router([Route("/{path:path}", self.forward_host, methods=METHODS)])
        return Starlette(
            routes=[
                Host(f"{{workspace}}.{self.base_host}", own_host),
                Route(INSTALL_PATH, self.install),
                Route(REDIRECT_PATH, self.finish_installation),
                Route(SLACK_PATH, self.receive, methods=["POST"]),
                Route("/healthz", self.get_health),
                Route("/readyz", self.get_readiness),
                Route("/{workspace}/{path:path}", self.forward_path, methods=METHODS),
            ]
        )

    # --- installing -------------------------------------------------------------------------------

    async def install(self, request: Request) -> Response:
        """Show the page that leads to Slack's."""
        return await self._answer_browser(request, self.oauth.handle_installation)

    async def finish_installation(self, request: Request) -> Response:
        """Store the token that Slack gives for the code."""
        response = await self._answer_browser(request, self.oauth.handle_callback)
        self.on_change()
        return response

    async def _answer_browser(
        self, request: Request, handle: Callable[[BoltRequest], BoltResponse]
    ) -> Response:
        answer = await run_in_threadpool(handle, to_bolt_request(request, b""))
        return to_starlette_response(answer)

    # --- Slack ------------------------------------------------------------------------------------

    async def receive(self, request: Request) -> Response:
        """Hand a genuine request of Slack's to the process of its workspace.

        That one verifies it again: it trusts nobody for having come this way.
        """
        signature = RequestSignature.parse(request.headers)
        try:
            refuse_too_large(request, MAX_BODY_BYTES)
            if signature is None or not self._is_recent(signature):
                return _refuse_unsigned()
            body = await read_limited_body(request, MAX_BODY_BYTES)
        except BodyRefused as refusal:
            return PlainTextResponse(refusal.detail, refusal.status)
        if not signature.matches(body, self.signing_secrets):
            return _refuse_unsigned()
        slack_request = read_slack_request(body, request.headers.get("content-type", ""))
        if slack_request is None:
            return PlainTextResponse("the payload names no workspace", 400)
        if slack_request.challenge:
            return Response(slack_request.challenge, media_type="application/json")
        if slack_request.ends_installation:
            return await run_in_threadpool(self._end_installation, slack_request.workspace)
        workspace = str(slack_request.workspace)
        return await self._forward(request, workspace, path=SLACK_PATH.encode(), body=body)

    def _is_recent(self, signature: RequestSignature) -> bool:
        return signature.is_recent(self.clock().timestamp())

    def _end_installation(self, workspace: WorkspaceId) -> Response:
        """Forget the tokens, and only then tell Slack that we have heard."""
        self.installations.remove(workspace)
        log.warning("workspace %s has taken the app out: it receives, and posts nothing", workspace)
        self.on_change()
        return Response(status_code=200)

    # --- everything else --------------------------------------------------------------------------

    async def forward_host(self, request: Request) -> Response:
        """Hand a request to a workspace by its host."""
        workspace = request.path_params["workspace"].upper()
        return await self._forward_any(request, workspace, _raw_path(request))

    async def forward_path(self, request: Request) -> Response:
        """Hand a program's request to the workspace that its path begins with."""
        _, _, path = _raw_path(request).removeprefix(b"/").partition(b"/")
        if not path.startswith(PROGRAM_PATHS):
            return _refuse_unknown()
        return await self._forward_any(request, request.path_params["workspace"], b"/" + path)

    async def _forward_any(self, request: Request, workspace: str, path: bytes) -> Response:
        try:
            refuse_too_large(request, MAX_BODY_BYTES)
            body = await read_limited_body(request, MAX_BODY_BYTES)
        except BodyRefused as refusal:
            return PlainTextResponse(refusal.detail, refusal.status)
        return await self._forward(request, workspace, path=path, body=body)

    async def _forward(
        self, request: Request, workspace: str, *, path: bytes, body: bytes
    ) -> Response:
        address = self.find_address(workspace)
        if not address:
            # The same for one that never was: who has installed the app is nobody's business.
            return _refuse_unknown()
        headers = [
            (name, value) for name, value in request.headers.raw if _passes(name.decode("latin-1"))
        ]
        client = request.client.host if request.client else ""
        headers.append((b"x-forwarded-for", client.encode()))
        query = request.scope["query_string"]
        url = httpx.URL(address).copy_with(raw_path=path + b"?" + query if query else path)
        try:
            answer = await self.client.request(request.method, url, headers=headers, content=body)
        except httpx.HTTPError:
            log.warning("the process of workspace %s does not answer", workspace)
            return _refuse_unavailable()
        response = Response(answer.content, answer.status_code)
        for name, value in answer.headers.multi_items():
            if _passes(name) and name != "content-encoding":
                response.headers.append(name, value)
        return response

    async def get_health(self, request: Request) -> Response:
        """Answer that the process is alive."""
        return JSONResponse({"status": "ok"})

    async def get_readiness(self, request: Request) -> Response:
        """Return whether every workspace is served."""
        problems = await run_in_threadpool(self.find_problems)
        if problems:
            return JSONResponse({"status": "not ready", "problems": problems}, 503)
        return JSONResponse({"status": "ready"})


def _raw_path(request: Request) -> bytes:
    """Return the path as the client wrote it, with its escapes."""
    path: bytes = request.scope["raw_path"].partition(b"?")[0]
    return path


def _passes(header: str) -> bool:
    return header.lower() not in HOP_HEADERS


def _refuse_unsigned() -> Response:
    return PlainTextResponse("the request has no valid Slack signature", 401)


def _refuse_unknown() -> Response:
    return PlainTextResponse("there is no such endpoint", 404)


def _refuse_unavailable() -> Response:
    headers = {"Retry-After": str(RETRY_AFTER_SECONDS)}
    return PlainTextResponse("this workspace starts; send it again", 503, headers)
