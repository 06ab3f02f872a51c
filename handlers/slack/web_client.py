"""The SDK's client with a time limit, kept connections, and without retries."""

import json
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from typing import Any
from urllib.parse import urljoin, urlsplit

import orjson
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.web import SlackResponse
from slack_sdk.web.internal_utils import get_user_agent

from bot import tracing
from bot.clock import boottime, monotonic, time_limit
from bot.metrics import SLACK_CALL_SECONDS, SLACK_CALLS
from handlers.slack.http_connections import HttpAnswer, HttpConnections

TIMEOUT_SECONDS = 10
RATE_LIMITED_STATUS = 429
SERVER_ERROR_STATUS = 500
#: Of an answer that is not Slack's, for the log.
MAX_SHOWN_BODY = 200


def web_client(token: str, base_url: str) -> WebClient:
    """Build a client that never repeats a call and uses no proxy.

    The SDK's retries are left out on purpose: a post whose connection broke may have been made,
    and is looked for before it is made again.
    """
    client = TimeLimitedWebClient(
        token=token,
        base_url=base_url,
        timeout=TIMEOUT_SECONDS,
        retry_handlers=[],
    )
    client.proxy = None
    return client


class TimeLimitedWebClient(WebClient):
    """A client whose calls end within ``timeout`` seconds, connecting and reading included.

    Connections are kept between calls.
    """

    @cached_property
    def connections(self) -> HttpConnections:
        """Return the connections of this client."""
        return HttpConnections(self.base_url, self.ssl)

    def api_call(
        self,
        api_method: str,
        *,
        json: dict[str, Any] | None = None,
        **more: Any,
    ) -> SlackResponse:
        """Call a method, and count it for ``/metrics``."""
        with measured_call(api_method):
            return self._call(api_method, json=json, **more)

    def _call(
        self,
        api_method: str,
        *,
        json: dict[str, Any] | None = None,
        **more: Any,
    ) -> SlackResponse:
        """Call a method, with a JSON body alone by the shortest way."""
        if json is None or more:
            return super().api_call(api_method, json=json, **more)
        url = urljoin(self.base_url, api_method)
        answer = self._post(urlsplit(url).path, encode_json(json), self._json_headers)
        response = SlackResponse(
            client=self,
            http_verb="POST",
            api_url=url,
            req_args={},
            data=_read_json(answer.body),
            headers=dict(answer.headers),
            status_code=answer.status,
        )
        # Raises where Slack has refused; the SDK declares no types for it.
        response.validate()  # type: ignore[no-untyped-call]
        return response

    @cached_property
    def _json_headers(self) -> Mapping[str, str]:
        return {
            "User-Agent": get_user_agent(),
            "Authorization": f"Bearer {self.token}",
            "Content-Type": "application/json;charset=utf-8",
            **self.headers,
        }

    def _post(self, path: str, body: bytes, headers: Mapping[str, str]) -> HttpAnswer:
        # The SDK's own time-out begins anew with every byte that arrives.
        with time_limit(boottime() + self.timeout):
            return self.connections.post(path, body, headers)

    def _perform_urllib_http_request_internal(
        self, url: str, req: urllib.request.Request
    ) -> dict[str, Any]:
        body = req.data if isinstance(req.data, bytes) else b""
        answer = self._post(req.selector, body, dict(req.header_items()))
        return {
            "status": answer.status,
            "headers": answer.headers,
            "body": _text_of(answer.body),
        }


@contextmanager
def measured_call(method: str) -> Iterator[None]:
    """Count one call by its outcome, and time it."""
    with tracing.span("slack", method=method) as span:
        outcome = "failed"
        began_at = monotonic()
        try:
            yield
            outcome = "ok"
        except SlackApiError as refusal:
            outcome = _refusal_outcome(refusal.response.status_code)
            raise
        finally:
            span.set(outcome=outcome)
            SLACK_CALL_SECONDS.labels(method).observe(monotonic() - began_at)
            SLACK_CALLS.labels(method, outcome).inc()


def _refusal_outcome(status: int) -> str:
    if status == RATE_LIMITED_STATUS:
        return "rate_limited"
    # A server that fails may have done what was asked.
    return "failed" if status >= SERVER_ERROR_STATUS else "refused"


def encode_json(value: Mapping[str, Any]) -> bytes:
    """Encode the body of a call."""
    try:
        return orjson.dumps(value)
    except orjson.JSONEncodeError:
        # Half a character, for example, which the standard library escapes.
        return json.dumps(value).encode()


def _read_json(body: bytes) -> Any:
    """Read the body of an answer, or make an error of it."""
    try:
        return json.loads(_text_of(body))
    except ValueError:
        return {"ok": False, "error": f"not JSON: {_text_of(body)[:MAX_SHOWN_BODY]}"}


def _text_of(body: bytes) -> str:
    # Slack answers in UTF-8; what somebody on the way says is not read, but must not fail either.
    return body.decode("utf-8", "replace")
