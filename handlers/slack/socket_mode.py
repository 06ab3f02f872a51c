"""Socket Mode: Slack over a connection that we open."""

import contextlib
import json
import logging
import threading
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

from slack_bolt import App, BoltRequest, BoltResponse
from websockets.exceptions import ConnectionClosed, WebSocketException
from websockets.sync.client import ClientConnection, connect

from bot.cases.errors import ChatFailed
from bot.desk.decision_priority import DecisionPriority
from bot.log_context import log_context
from handlers.cards.text import Json
from handlers.slack.acknowledgement import Acknowledgement
from handlers.slack.api import response_data, slack_errors
from handlers.slack.web_client import web_client

log = logging.getLogger(__name__)
WORKERS = 16
MIN_RETRY_SECONDS = 0.5
MAX_RETRY_SECONDS = 10.0
PING_INTERVAL_SECONDS = 10.0
PING_TIMEOUT_SECONDS = 30.0
CLOSE_TIMEOUT_SECONDS = 1.0
#: So long an acknowledgement waits for the connection that replaces a closed one.
REPLACEMENT_TIMEOUT_SECONDS = 2.0
#: So long the end waits for writes that are to be acknowledged.
LAST_WRITES_TIMEOUT_SECONDS = 5.0
RETRY_HEADERS = {"retry_attempt": "x-slack-retry-num", "retry_reason": "x-slack-retry-reason"}


class SocketModeConnection:
    """A connection that is opened again whenever it is lost.

    Requests go to Bolt. An acknowledgement leaves when the listener makes it.
    """

    def __init__(
        self,
        app: App,
        app_token: str,
        base_url: str,
        priority: DecisionPriority | None = None,
    ) -> None:
        """Let background work wait for a request until it is acknowledged."""
        self._app = app
        self._priority = priority or DecisionPriority()
        self._client = web_client(app_token, base_url)
        self._workers = ThreadPoolExecutor(WORKERS, thread_name_prefix="slack-press")
        self._socket: ClientConnection | None = None
        self._socket_changed = threading.Condition()
        self._closing = threading.Event()
        # What is handed on has been so before the closing, or not at all.
        self._closing_lock = threading.Lock()
        self._requests = 0
        self._requests_changed = threading.Condition()
        self._thread = threading.Thread(target=self._run, name="slack-socket", daemon=True)

    def open(self) -> None:
        """Begin to connect, and return at once."""
        self._thread.start()

    def close(self) -> None:
        """Take nothing new, finish what is in hand, and disconnect."""
        with self._closing_lock:
            self._closing.set()
        self._workers.shutdown()
        with self._requests_changed:
            self._requests_changed.wait_for(self._is_idle, LAST_WRITES_TIMEOUT_SECONDS)
        socket = self._socket
        if socket is not None:
            socket.close()
        self._thread.join()

    def is_connected(self) -> bool:
        """Tell whether events arrive now."""
        return self._socket is not None

    # --- connecting -------------------------------------------------------------------------------

    def _run(self) -> None:
        try:
            with contextlib.ExitStack() as current:
                self._stay_connected(current)
        finally:
            # The health check tells, whatever has ended this thread.
            self._use(None)

    def _stay_connected(self, current: contextlib.ExitStack) -> None:
        """Receive from one connection after the other."""
        delay = MIN_RETRY_SECONDS
        while not self._closing.is_set():
            pause = MIN_RETRY_SECONDS
            try:
                socket = self._connect(current)
                delay = MIN_RETRY_SECONDS
                if self._receive(socket):
                    # Slack is about to close this one: what is acknowledged waits for the next.
                    self._use(None)
                    continue
            except (ChatFailed, OSError, WebSocketException) as failure:
                pause = max(delay, getattr(failure, "seconds", 0.0))
                log.warning("no connection to Slack (%s); trying again in %.0f s", failure, pause)
                delay = min(delay * 2, MAX_RETRY_SECONDS)
            self._use(None)
            self._closing.wait(pause)

    def _connect(self, current: contextlib.ExitStack) -> ClientConnection:
        """Open a connection, and close the one before it."""
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
                    close_timeout=CLOSE_TIMEOUT_SECONDS,
                )
            )
            self._use(socket)
            current.close()
            current.push(opening.pop_all())
        return socket

    def _use(self, socket: ClientConnection | None) -> None:
        with self._socket_changed:
            self._socket = socket
            self._socket_changed.notify_all()

    # --- receiving --------------------------------------------------------------------------------

    def _receive(self, socket: ClientConnection) -> bool:
        """Hand on what arrives. Tell whether Slack asks for another connection."""
        for text in socket:
            envelope = _parse(text)
            if envelope.get("type") == "disconnect":
                return True
            if envelope.get("envelope_id"):
                self._hand_on(envelope)
        return False

    def _hand_on(self, envelope: Json) -> None:
        """Give a request to a worker, unless the end has begun.

        Slack sends again what is not acknowledged.
        """
        with self._closing_lock:
            if self._closing.is_set():
                return
            self._begin_request()
            self._workers.submit(self._handle, envelope).add_done_callback(_report)

    def _handle(self, envelope: Json) -> None:
        acknowledgement = Acknowledgement(_Envelope(self, str(envelope["envelope_id"])))
        headers: dict[str, str | Sequence[str]] = {}
        for field, header in RETRY_HEADERS.items():
            if envelope.get(field) is not None:
                headers[header] = str(envelope[field])
        with acknowledgement, log_context(request=str(envelope["envelope_id"])):
            request = BoltRequest(
                mode="socket_mode",
                body=envelope.get("payload") or {},
                headers=headers,
                context={"ack": acknowledgement},
            )
            response = self._app.dispatch(request)
            if response.status == 200:
                acknowledgement.send(response)

    def _begin_request(self) -> None:
        # Already now: the worker needs the interpreter for its first step.
        self._priority.begin()
        with self._requests_changed:
            self._requests += 1

    def end_request(self) -> None:
        """Note that a request is acknowledged, or will never be."""
        self._priority.end()
        with self._requests_changed:
            self._requests -= 1
            if self._is_idle():
                self._requests_changed.notify_all()

    def _is_idle(self) -> bool:
        return not self._requests

    # --- sending ----------------------------------------------------------------------------------

    def send(self, message: Json) -> None:
        """Send a message, over the next connection if this one is closed."""
        text = json.dumps(message)
        socket = self._socket
        for _ in range(2):
            try:
                if socket is not None:
                    socket.send(text)
                    return
            except ConnectionClosed:
                pass
            socket = self._next_socket(socket)
        log.warning("an acknowledgement could not be sent: there is no connection")

    def send_at_once(self, message: Json) -> bool:
        """Send a message over the present connection. Tell whether there is one."""
        socket = self._socket
        if socket is None:
            return False
        try:
            socket.send(json.dumps(message))
        except ConnectionClosed:
            return False
        return True

    def _next_socket(self, former: ClientConnection | None) -> ClientConnection | None:
        """Wait for the connection that replaces a closed one."""

        def is_replaced() -> bool:
            return self._socket is not None and self._socket is not former

        with self._socket_changed:
            self._socket_changed.wait_for(is_replaced, REPLACEMENT_TIMEOUT_SECONDS)
            return self._socket


@dataclass(frozen=True, slots=True)
class _Envelope:
    """The way back of one request."""

    connection: SocketModeConnection
    id: str

    def deliver(self, response: BoltResponse) -> None:
        """Send the response, over the next connection if this one is closed."""
        self.connection.send(self._message(response))

    def deliver_at_once(self, response: BoltResponse) -> bool:
        """Send the response over the present connection. Tell whether there is one."""
        return self.connection.send_at_once(self._message(response))

    def end(self) -> None:
        """Note that the request is over."""
        self.connection.end_request()

    def _message(self, response: BoltResponse) -> Json:
        message: Json = {"envelope_id": self.id}
        if response.body:
            content_type = response.first_headers().get("content-type", "")
            is_json = content_type.startswith("application/json")
            message["payload"] = json.loads(response.body) if is_json else {"text": response.body}
        return message


def _report(future: Future[None]) -> None:
    failure = future.exception()
    if failure:
        log.error("a request of Slack's failed", exc_info=failure)


def _parse(text: str | bytes) -> Json:
    """Read a message; empty for one that is no JSON object."""
    with contextlib.suppress(ValueError):
        envelope = json.loads(text)
        if isinstance(envelope, dict):
            return envelope
    log.warning("a message of Slack's is no JSON object")
    return {}
