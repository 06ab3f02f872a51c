"""Slack over HTTP, with our own verifier in front of Bolt: size, headers and signature first, and only then is anything parsed.

Bolt by itself parses before it verifies, logs what it cannot verify, and answers 500 to malformed headers.
"""

import hashlib
import hmac
import re
from collections.abc import Sequence

from slack_bolt import App, BoltRequest
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from bot.ports import Clock

LARGEST_BODY = 1_000_000
WINDOW_SECONDS = 300
_TIMESTAMP = re.compile(r"\A[0-9]{1,12}\Z")
_SIGNATURE = re.compile(r"\Av0=[0-9a-f]{64}\Z")


def route(app: App, secrets: Sequence[str], clock: Clock) -> Route:
    """``POST /slack/events``. Two secrets may be valid while one is being changed."""

    async def receive(request: Request) -> Response:
        body = await _limited(request)
        if body is None:
            return PlainTextResponse("too large", 413)
        timestamps = request.headers.getlist("x-slack-request-timestamp")
        signatures = request.headers.getlist("x-slack-signature")
        if not is_genuine(body, timestamps, signatures, secrets, clock().timestamp()):
            return PlainTextResponse("not from Slack", 401)
        return await run_in_threadpool(_dispatch, app, request, body)

    return Route("/slack/events", receive, methods=["POST"])


def is_genuine(
    body: bytes, timestamps: Sequence[str], signatures: Sequence[str], secrets: Sequence[str], now: float
) -> bool:
    """Whether Slack signed exactly these bytes within the last five minutes."""
    if len(timestamps) != 1 or len(signatures) != 1 or not secrets:
        return False
    timestamp, signature = timestamps[0], signatures[0]
    if not _TIMESTAMP.match(timestamp) or not _SIGNATURE.match(signature) or abs(now - int(timestamp)) > WINDOW_SECONDS:
        return False
    signed = b"v0:" + timestamp.encode() + b":" + body
    wanted = [f"v0={hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()}" for secret in secrets]
    # Compared with every secret, so that timing does not tell which one is in use.
    verdicts = [hmac.compare_digest(signature, one) for one in wanted]
    return any(verdicts)


async def _limited(request: Request) -> bytes | None:
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > LARGEST_BODY:
            return None
    return body


def _dispatch(app: App, request: Request, body: bytes) -> Response:
    headers: dict[str, str | Sequence[str]] = {name: [value] for name, value in request.headers.items()}
    try:
        answer = app.dispatch(BoltRequest(body=body.decode("utf-8"), headers=headers))
    except (ValueError, AttributeError, RecursionError):
        # Signed, and still not what Slack sends: the sender's fault, not ours.
        return PlainTextResponse("not understood", 400)
    kept = {name: values[0] for name, values in answer.headers.items() if name.lower() != "content-length"}
    return Response(answer.body, answer.status, kept)
