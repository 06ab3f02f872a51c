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

from bot.ports.clock import Clock
from handlers.bodies import BodyRefused, limited_body, refuse_too_large
from handlers.slack.payload import is_slacks

LARGEST_BODY = 1_000_000
WINDOW_SECONDS = 300
_TIMESTAMP = re.compile(r"\A[0-9]{1,12}\Z")
_SIGNATURE = re.compile(r"\Av0=[0-9a-f]{64}\Z")


def route(app: App, secrets: Sequence[str], clock: Clock) -> Route:
    """``POST /slack/events``. Two secrets may be valid while one is being changed."""

    async def receive(request: Request) -> Response:
        timestamps = request.headers.getlist("x-slack-request-timestamp")
        signatures = request.headers.getlist("x-slack-signature")
        try:
            refuse_too_large(request, LARGEST_BODY)
            if not could_be_genuine(timestamps, signatures, clock().timestamp()):
                return PlainTextResponse("not from Slack", 401)
            body = await limited_body(request, LARGEST_BODY)
        except BodyRefused as refused:
            return PlainTextResponse(refused.detail, refused.status)
        if not is_genuine(body, timestamps, signatures, secrets, clock().timestamp()):
            return PlainTextResponse("not from Slack", 401)
        return await run_in_threadpool(_dispatch, app, request, body)

    return Route("/slack/events", receive, methods=["POST"])


def is_genuine(
    body: bytes,
    timestamps: Sequence[str],
    signatures: Sequence[str],
    secrets: Sequence[str],
    now: float,
) -> bool:
    """Whether Slack signed exactly these bytes within the last five minutes."""
    if not could_be_genuine(timestamps, signatures, now) or not secrets:
        return False
    timestamp, signature = timestamps[0], signatures[0]
    signed = b"v0:" + timestamp.encode() + b":" + body
    wanted = [
        f"v0={hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()}" for secret in secrets
    ]
    # Compared with every secret, so that timing does not tell which one is in use.
    verdicts = [hmac.compare_digest(signature, one) for one in wanted]
    return any(verdicts)


def could_be_genuine(timestamps: Sequence[str], signatures: Sequence[str], now: float) -> bool:
    """Tell from the headers alone whether the body is worth reading."""
    if len(timestamps) != 1 or len(signatures) != 1:
        return False
    is_whole = bool(_TIMESTAMP.match(timestamps[0]) and _SIGNATURE.match(signatures[0]))
    return is_whole and abs(now - int(timestamps[0])) <= WINDOW_SECONDS


def _dispatch(app: App, request: Request, body: bytes) -> Response:
    headers: dict[str, str | Sequence[str]] = {
        name: [value] for name, value in request.headers.items()
    }
    try:
        bolt_request = BoltRequest(body=body.decode("utf-8"), headers=headers)
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError):
        # Signed, and still not what Slack sends: the sender's fault, not ours.
        return PlainTextResponse("not understood", 400)
    if not is_slacks(bolt_request.body):
        return PlainTextResponse("not understood", 400)
    answer = app.dispatch(bolt_request)
    kept = {
        name: values[0]
        for name, values in answer.headers.items()
        if name.lower() != "content-length"
    }
    return Response(answer.body, answer.status, kept)
