"""Slack over HTTP, verified before anything is parsed.

Bolt by itself parses before it verifies, logs what it cannot verify, and answers 500 to malformed
headers.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from slack_bolt import App, BoltRequest, BoltResponse
from starlette.background import BackgroundTask
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from bot.desk.decision_priority import DecisionPriority
from bot.ports.clock import Clock
from handlers.bodies import BodyRefused, read_limited_body, refuse_too_large
from handlers.slack.acknowledgement import Acknowledgement
from handlers.slack.manifest import EVENTS_PATH
from handlers.slack.payload_schema import is_slack_payload
from handlers.slack.request_signature import RequestSignature

MAX_BODY_BYTES = 1_000_000


def route(
    app: App,
    secrets: Sequence[str],
    clock: Clock,
    priority: DecisionPriority | None = None,
) -> Route:
    """Build the route that hands genuine requests to Bolt."""
    receiver = HttpReceiver(
        app=app,
        secrets=secrets,
        clock=clock,
        priority=priority or DecisionPriority(),
    )
    return Route(EVENTS_PATH, receiver.receive, methods=["POST"])


@dataclass(frozen=True)
class HttpReceiver:
    """Checks the size and the signature of a request, then its payload."""

    app: App
    #: The signing secret, or two while one is being replaced.
    secrets: Sequence[str]
    clock: Clock
    #: Background work waits for a request until it is acknowledged.
    priority: DecisionPriority = field(default_factory=DecisionPriority)

    async def receive(self, request: Request) -> Response:
        """Answer 401 to unsigned requests, 400 to malformed ones."""
        signature = RequestSignature.parse(request.headers)
        try:
            refuse_too_large(request, MAX_BODY_BYTES)
            # The headers alone tell that most forged requests need not be read.
            if signature is None or not self._is_recent(signature):
                return _reject_unsigned()
            body = await read_limited_body(request, MAX_BODY_BYTES)
        except BodyRefused as refusal:
            return PlainTextResponse(refusal.detail, refusal.status)
        if not self._is_recent(signature) or not signature.matches(body, self.secrets):
            return _reject_unsigned()
        return await self._acknowledge(request, body)

    def _is_recent(self, signature: RequestSignature) -> bool:
        return signature.is_recent(self.clock().timestamp())

    async def _acknowledge(self, request: Request, body: bytes) -> Response:
        """Answer as soon as the listener acknowledges, while it goes on."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Response] = loop.create_future()

        def deliver(response: Response) -> None:
            loop.call_soon_threadsafe(_set_answer, answer, response)

        dispatch = asyncio.ensure_future(
            run_in_threadpool(self._dispatch, request, body=body, deliver=deliver)
        )
        ends: set[asyncio.Future[Any]] = {answer, dispatch}
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        if dispatch.done():
            # It may have failed. If not, the answer may wait for a write.
            await dispatch
        response = await answer
        # The server waits for it before it ends.
        response.background = BackgroundTask(asyncio.wait_for, dispatch, timeout=None)
        return response

    def _dispatch(self, request: Request, body: bytes, deliver: Callable[[Response], None]) -> None:
        """Hand a request to Bolt."""
        headers: dict[str, str | Sequence[str]] = {}
        for name, value in request.headers.items():
            headers[name] = [value]
        try:
            bolt_request = BoltRequest(body=body.decode("utf-8"), headers=headers)
        except (ValueError, TypeError, LookupError, AttributeError, RecursionError):
            deliver(_reject_malformed())
            return
        if not is_slack_payload(bolt_request.body):
            deliver(_reject_malformed())
            return
        self.priority.begin()
        with Acknowledgement(_Answer(deliver, self.priority.end)) as acknowledgement:
            bolt_request.context["ack"] = acknowledgement
            acknowledgement.send(self.app.dispatch(bolt_request))


@dataclass(frozen=True, slots=True)
class _Answer:
    """The way back of one request, which is always open."""

    answer: Callable[[Response], None]
    end: Callable[[], None]

    def deliver(self, response: BoltResponse) -> None:
        """Answer with Bolt's response."""
        self.answer(_to_starlette(response))

    def deliver_at_once(self, response: BoltResponse) -> bool:
        """Answer with Bolt's response."""
        self.deliver(response)
        return True


def _set_answer(answer: asyncio.Future[Response], response: Response) -> None:
    # The server may have given the request up.
    if not answer.done():
        answer.set_result(response)


def _to_starlette(response: BoltResponse) -> Response:
    headers = response.first_headers()
    # Starlette computes it from the body; Bolt's names are in lower case.
    headers.pop("content-length", None)
    return Response(response.body, response.status, headers)


def _reject_unsigned() -> Response:
    return PlainTextResponse("the request has no valid Slack signature", 401)


def _reject_malformed() -> Response:
    # Signed, and still not what Slack sends: the sender's fault, not ours.
    return PlainTextResponse("malformed payload", 400)
