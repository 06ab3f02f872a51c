"""Slack over HTTP, verified before anything is parsed.

Bolt by itself parses before it verifies, logs what it cannot verify, and answers 500 to malformed
headers.
"""

import hashlib
import hmac
import re
from collections.abc import Sequence

from slack_bolt import App, BoltRequest, BoltResponse
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from bot.ports import Clock
from handlers.bodies import BodyRefused, limited_body, refuse_too_large
from handlers.slack.payload_schema import is_slack_payload

PATH = "/slack/events"
MAX_BODY_BYTES = 1_000_000
MAX_AGE_SECONDS = 300
_TIMESTAMP = re.compile(r"\A[0-9]{1,12}\Z")
_SIGNATURE = re.compile(r"\Av0=[0-9a-f]{64}\Z")


def route(app: App, secrets: Sequence[str], clock: Clock) -> Route:
    """Build the route that hands genuine requests to Bolt.

    ``secrets``: the signing secret, or two while one is being replaced.
    """

    async def receive(request: Request) -> Response:
        timestamps = request.headers.getlist("x-slack-request-timestamp")
        signatures = request.headers.getlist("x-slack-signature")
        try:
            refuse_too_large(request, MAX_BODY_BYTES)
            if not has_plausible_headers(
                timestamps,
                signatures,
                clock().timestamp(),
            ):
                return _reject_unsigned()
            body = await limited_body(request, MAX_BODY_BYTES)
        except BodyRefused as refusal:
            return PlainTextResponse(refusal.detail, refusal.status)
        is_genuine = is_signed(
            body,
            timestamps=timestamps,
            signatures=signatures,
            secrets=secrets,
            now=clock().timestamp(),
        )
        if not is_genuine:
            return _reject_unsigned()
        return await run_in_threadpool(
            _dispatch,
            app=app,
            request=request,
            body=body,
        )

    return Route(PATH, receive, methods=["POST"])


def is_signed(
    body: bytes,
    *,
    timestamps: Sequence[str],
    signatures: Sequence[str],
    secrets: Sequence[str],
    now: float,
) -> bool:
    """Tell whether Slack signed exactly these bytes within the last five minutes."""
    if not has_plausible_headers(timestamps, signatures, now):
        return False
    message = b"v0:" + timestamps[0].encode() + b":" + body
    # Compared with every secret, so that timing does not tell which one is in use.
    matches = [
        hmac.compare_digest(signatures[0], _signature(secret, message)) for secret in secrets
    ]
    return any(matches)


def has_plausible_headers(timestamps: Sequence[str], signatures: Sequence[str], now: float) -> bool:
    """Tell from the headers alone whether the body is worth reading."""
    if len(timestamps) != 1 or len(signatures) != 1:
        return False
    if not _TIMESTAMP.match(timestamps[0]) or not _SIGNATURE.match(signatures[0]):
        return False
    return abs(now - int(timestamps[0])) <= MAX_AGE_SECONDS


def _signature(secret: str, message: bytes) -> str:
    return f"v0={hmac.new(secret.encode(), message, hashlib.sha256).hexdigest()}"


def _dispatch(app: App, request: Request, body: bytes) -> Response:
    headers: dict[str, str | Sequence[str]] = {}
    for name, value in request.headers.items():
        headers[name] = [value]
    try:
        bolt_request = BoltRequest(body=body.decode("utf-8"), headers=headers)
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError):
        return _reject_malformed()
    if not is_slack_payload(bolt_request.body):
        return _reject_malformed()
    return _to_starlette(app.dispatch(bolt_request))


def _to_starlette(response: BoltResponse) -> Response:
    headers = response.first_headers()
    # Starlette computes it from the body; Bolt's names are in lower case.
    headers.pop("content-length", None)
    return Response(response.body, response.status, headers)


def _reject_unsigned() -> Response:
    return PlainTextResponse("not from Slack", 401)


def _reject_malformed() -> Response:
    # Signed, and still not what Slack sends: the sender's fault, not ours.
    return PlainTextResponse("malformed payload", 400)
