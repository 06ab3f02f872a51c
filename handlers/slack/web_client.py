"""The SDK's client with a time limit, kept connections, and without retries."""

import urllib.request
from functools import cached_property
from typing import Any

from slack_sdk import WebClient

from bot.clock import boottime, time_limit
from handlers.slack.http_connections import HttpConnections

TIMEOUT_SECONDS = 10


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

    def _perform_urllib_http_request_internal(
        self, url: str, req: urllib.request.Request
    ) -> dict[str, Any]:
        body = req.data if isinstance(req.data, bytes) else b""
        # The SDK's own time-out begins anew with every byte that arrives.
        with time_limit(boottime() + self.timeout):
            answer = self.connections.post(req.selector, body, dict(req.header_items()))
        charset = answer.headers.get_content_charset() or "utf-8"
        return {
            "status": answer.status,
            "headers": answer.headers,
            "body": answer.body.decode(charset),
        }
