"""The SDK's client with a time limit and without retries."""

import http.client
import urllib.request
from collections.abc import Callable
from functools import partial
from typing import Any

from slack_sdk import WebClient

from bot import sockets
from bot.clock import boottime, seconds_left, time_limit

TIMEOUT_SECONDS = 10
MIN_TIMEOUT_SECONDS = 0.001


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
    """A client whose calls end within ``timeout`` seconds, connecting and reading included."""

    def _perform_urllib_http_request_internal(
        self, url: str, req: urllib.request.Request
    ) -> dict[str, Any]:
        # The SDK's own time-out begins anew with every byte that arrives.
        with time_limit(boottime() + self.timeout):
            opener = urllib.request.build_opener(_HttpHandler(), _HttpsHandler(context=self.ssl))
            with opener.open(req, timeout=max(MIN_TIMEOUT_SECONDS, seconds_left())) as response:
                charset = response.headers.get_content_charset() or "utf-8"
                body = response.read().decode(charset)
                return {"status": response.code, "headers": response.headers, "body": body}


class _HttpHandler(urllib.request.HTTPHandler):
    def http_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(partial(_connection, http.client.HTTPConnection), req)


class _HttpsHandler(urllib.request.HTTPSHandler):
    def https_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        context = self._context  # type: ignore[attr-defined]
        connection = partial(_connection, http.client.HTTPSConnection)
        return self.do_open(connection, req, context=context)


def _connection(connection_class: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
    """Build a connection over a socket that obeys the time limit."""
    connection = connection_class(*arguments, **options)
    connection._create_connection = _create_connection
    return connection


def _create_connection(address: tuple[str, int], *_: Any) -> Any:
    return sockets.connect(*address)
