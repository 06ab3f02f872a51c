"""Socket Mode: Slack over a connection that we open."""

import contextlib
import json
import logging
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from slack_bolt import Ack, App, BoltRequest, BoltResponse
from websockets.exceptions import ConnectionClosed, WebSocketException
from websockets.sync.client import ClientConnection, connect

from bot.cases.errors import ChatFailed, RateLimited
from handlers.cards.text import Json
from handlers.slack.api import response_data, slack_errors
from handlers.slack.web_client import web_client

log = logging.getLogger(__name__)
WORKERS = 16
MIN_RETRY_SECONDS = 0.5
#: As often as Slack's own library tries.
MAX_RETRY_SECONDS = 10.0
PING_INTERVAL_SECONDS = 10.0
PING_TIMEOUT_SECONDS = 30.0
#: So long an acknowledgement waits for the connection that replaces a closed one.
RECONNECT_SECONDS = 2.0


class SocketModeConnection:
    """A connection that is opened again whenever it is lost.

    The SDK's own client reads a kilobyte at a time, and hands on none of a burst before its end.
    """

    def __init__(self, app: App, app_token: str, base_url: str) -> None:
        self._app = app
        self._client = web_client(app_token, base_url)
        self._workers = ThreadPoolExecutor(WORKERS, thread_name_prefix="slack-press")
        self._socket: ClientConnection | None = None
        self._replaced = threading.Condition()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="slack-socket", daemon=True)

    def open(self) -> None:
        """Begin to connect, and return at once."""
        self._thread.start()

    def close(self) -> None:
        """Take nothing new, answer what is in hand, and disconnect."""
        self._closing.set()
        self._workers.shutdown()
        socket = self._socket
        if socket is not None:
            socket.close()
        self._thread.join()

    def is_connected(self) -> bool:
        """Tell whether events arrive now."""
        return self._socket is not None

    # --- connecting -------------------------------------------------------------------------------

    def _run(self) -> None:
        delay = MIN_RETRY_SECONDS
        with contextlib.ExitStack() as current:
            while not self._closing.is_set():
                wait = delay
                try:
                    self._replace(current)
                    delay = wait = MIN_RETRY_SECONDS
                    if self._receive():
                        wait = 0.0
                except (ChatFailed, OSError, WebSocketException) as failure:
                    self._socket = None
                    if isinstance(failure, RateLimited):
                        wait = max(wait, failure.seconds)
                    log.warning("Slack cannot be reached (%s); trying again in %.0f s", failure, wait)
                    delay = min(delay * 2, MAX_RETRY_SECONDS)
                self._closing.wait(wait)

    def _replace(self, current: contextlib.ExitStack) -> None:
        """Open a connection, and only then close the one before it."""
        with slack_errors():
            answer = self._client.apps_connections_open(app_token=self._client.token or "")
        url = str(response_data(answer)["url"])
        with contextlib.ExitStack() as opening:
            socket = opening.enter_context(
                connect(
                    url,
                    proxy=None,
                    compression=None,
                    max_size=None,
                    ping_interval=PING_INTERVAL_SECONDS,
                    ping_timeout=PING_TIMEOUT_SECONDS,
                )
            )
            with self._replaced:
                self._socket = socket
                self._replaced.notify_all()
            current.close()
            current.push(opening.pop_all())

    # --- receiving --------------------------------------------------------------------------------

    def _receive(self) -> bool:
        """Hand on what arrives until the connection ends. Tell whether Slack wants another one."""
        socket = self._socket
        assert socket is not None
        try:
            for text in socket:
                envelope = json.loads(text)
                if envelope.get("type") == "disconnect":
                    return True
                if "envelope_id" in envelope and not self._closing.is_set():
                    self._workers.submit(self._handle, envelope).add_done_callback(_log_failure)
        finally:
            pass
        self._socket = None
        return False

    def _handle(self, envelope: Json) -> None:
        ack = _SocketAck(self, str(envelope["envelope_id"]))
        request = BoltRequest(
            mode="socket_mode",
            body=envelope.get("payload") or {},
            headers=_retry_headers(envelope),
            context={"ack": ack},
        )
        response = self._app.dispatch(request)
        if not ack.is_sent and response.status == 200:
            ack.send(response)

    def send(self, message: Json) -> None:
        """Send an acknowledgement, over the next connection if this one is closed."""
        text = json.dumps(message)
        socket = self._socket
        try:
            if socket is not None:
                socket.send(text)
                return
        except ConnectionClosed:
            pass
        with self._replaced:
            is_replaced = self._replaced.wait_for(
                lambda: self._socket not in {None, socket}, RECONNECT_SECONDS
            )
        if is_replaced and self._socket:
            self._socket.send(text)


class _SocketAck(Ack):
    """Acknowledges when it is called, and not when the listener returns."""

    def __init__(self, connection: SocketModeConnection, envelope_id: str) -> None:
        super().__init__()
        self._connection = connection
        self._envelope_id = envelope_id
        self.is_sent = False

    def __call__(self, *arguments: Any, **options: Any) -> BoltResponse:
        response = super().__call__(*arguments, **options)
        if not self.is_sent:
            self.send(response)
        return response

    def send(self, response: BoltResponse) -> None:
        self.is_sent = True
        message: Json = {"envelope_id": self._envelope_id}
        if response.body:
            is_json = response.first_headers().get("content-type", "").startswith("application/json")
            message["payload"] = json.loads(response.body) if is_json else {"text": response.body}
        self._connection.send(message)


def _retry_headers(envelope: Json) -> dict[str, Any]:
    headers = {}
    for header, field in (("x-slack-retry-num", "retry_attempt"), ("x-slack-retry-reason", "retry_reason")):
        if envelope.get(field) is not None:
            headers[header] = str(envelope[field])
    return headers


def _log_failure(future: Future[None]) -> None:
    failure = future.exception()
    if failure:
        log.error("a message of Slack's could not be handled", exc_info=failure)
