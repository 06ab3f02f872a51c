"""The id and the time of every request over HTTP.

The id is for the log and the sender, the time for the metrics.
"""

import re
import uuid

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bot.clock import monotonic
from bot.log_context import log_context
from bot.metrics import HTTP_REQUEST_SECONDS, HTTP_REQUESTS

HEADER = "X-Request-Id"
#: What is no id is not taken from outside: it goes into the log.
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
#: The label of a path that no route has, of which there are any number.
UNKNOWN_ROUTE = "unknown"


class RequestLog:
    """The outermost part of the application."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request under its id, and count it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = _request_id(Headers(scope=scope))
        began_at = monotonic()
        # As for a client that went away before it was answered.
        status = "0"

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = str(message["status"])
                MutableHeaders(scope=message)[HEADER] = request_id
            await send(message)

        try:
            with log_context(request=request_id):
                await self._app(scope, receive, send_with_id)
        finally:
            route = _route_of(scope)
            HTTP_REQUESTS.labels(route, status).inc()
            HTTP_REQUEST_SECONDS.labels(route).observe(monotonic() - began_at)


def _request_id(headers: Headers) -> str:
    """Return the sender's own id if valid, or a new one."""
    senders_id = headers.get(HEADER, "")
    return senders_id if _REQUEST_ID.fullmatch(senders_id) else uuid.uuid4().hex


def _route_of(scope: Scope) -> str:
    """Return the path as the route declares it, never as sent."""
    route = scope.get("route")
    return getattr(route, "path", UNKNOWN_ROUTE)
