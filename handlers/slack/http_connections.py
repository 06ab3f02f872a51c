"""HTTP connections that are kept open between calls.

Nothing is sent twice. A kept connection that the server has closed is replaced only while not a
byte of the request has left; after that a failure is the caller's, who must look first.
"""

import select
import socket
import ssl
import threading
import weakref
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.client import HTTP_PORT, HTTPS_PORT, HTTPException
from typing import Any
from urllib.parse import urlsplit

import httptools

from bot import sockets
from bot.clock import monotonic

MAX_IDLE_CONNECTIONS = 32
#: Servers close what is idle. We do so first, so that a request and that close rarely cross.
MAX_IDLE_SECONDS = 30.0
READ_BYTES = 65_536
FIRST_FINAL_STATUS = 200


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """An answer of a server, read to its end."""

    status: int
    #: By their names in lower case.
    headers: Mapping[str, str]
    body: bytes


class HttpConnections:
    """Connections to one server, each for one call at a time.

    A call must stand within a time limit of ``bot.clock``, which holds for all its parts.
    """

    def __init__(self, address: str, tls: ssl.SSLContext | None = None) -> None:
        parts = urlsplit(address)
        self._host = parts.hostname or ""
        self._port = parts.port
        self._tls: ssl.SSLContext | None = None
        if parts.scheme == "https":
            self._tls = tls or ssl.create_default_context()
        #: The latest used last: the oldest go unused, and are closed.
        self._idle: deque[_Connection] = deque()
        self._lock = threading.Lock()
        # Not ``__del__``: the connections must outlive this object to be closed in order.
        weakref.finalize(self, _close_all, self._idle)

    def post(self, path: str, body: bytes, headers: Mapping[str, str]) -> HttpAnswer:
        """Send one request and read the answer.

        Raises:
            OSError, HTTPException: there is no whole answer.
            ValueError: path or headers have a line break.
        """
        request = _encode_request(path, body, {"Host": self._address, **headers})
        while True:
            connection = self._take_idle()
            is_kept = connection is not None
            connection = connection or self._open()
            try:
                answer = connection.exchange(request)
            except BaseException as failure:
                connection.close()
                if is_kept and isinstance(failure, OSError) and not connection.has_sent:
                    # The server closed it at this very moment, and has seen nothing.
                    continue
                raise
            self._keep(connection)
            return answer

    def close(self) -> None:
        """Close the connections that no call uses."""
        with self._lock:
            _close_all(self._idle)

    @property
    def _address(self) -> str:
        host = f"[{self._host}]" if ":" in self._host else self._host
        return host if self._port is None else f"{host}:{self._port}"

    def _open(self) -> "_Connection":
        # Connected by the first request, within its time limit.
        default_port = HTTPS_PORT if self._tls else HTTP_PORT
        return _Connection(self._host, self._port or default_port, self._tls)

    def _take_idle(self) -> "_Connection | None":
        """Take an open connection that is still usable; None without one."""
        while True:
            with self._lock:
                if not self._idle:
                    return None
                connection = self._idle.pop()
            if connection.is_usable():
                return connection
            connection.close()

    def _keep(self, connection: "_Connection") -> None:
        if connection.is_closed:
            # The server said that this was its last answer.
            return
        connection.idle_since = monotonic()
        with self._lock:
            self._idle.append(connection)
            surplus = self._take_surplus()
        _close_all(surplus)

    def _take_surplus(self) -> "deque[_Connection]":
        """Remove the connections that are too many or too old."""
        surplus: deque[_Connection] = deque()
        while self._idle and (len(self._idle) > MAX_IDLE_CONNECTIONS or self._idle[0].is_old()):
            surplus.append(self._idle.popleft())
        return surplus


class _Connection:
    """A connection that keeps to the time limit of the call."""

    def __init__(self, host: str, port: int, tls: ssl.SSLContext | None) -> None:
        self._host = host
        self._port = port
        self._tls = tls
        self._socket: socket.socket | None = None
        self.idle_since = 0.0
        #: A part of the present request may have reached the server.
        self.has_sent = False

    @property
    def is_closed(self) -> bool:
        """Tell whether there is no connection, not yet or not any more."""
        return self._socket is None

    def exchange(self, request: bytes) -> HttpAnswer:
        """Send a request and read the answer."""
        self.has_sent = False
        connection = self._socket
        if connection is None:
            connection = self._socket = self._connect()
        self._send(connection, request)
        parts = _read_answer(connection)
        if not parts.is_kept_alive:
            self.close()
        return parts.answer

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def is_old(self) -> bool:
        """Tell whether the server may be about to close it."""
        return monotonic() - self.idle_since > MAX_IDLE_SECONDS

    def is_usable(self) -> bool:
        """Tell whether the server has neither closed it nor said anything unasked."""
        if self._socket is None or self.is_old():
            return False
        poll = select.poll()
        poll.register(self._socket, select.POLLIN)
        return not poll.poll(0)

    def _connect(self) -> socket.socket:
        connection = sockets.connect(self._host, self._port)
        try:
            if self._tls:
                connection = self._tls.wrap_socket(connection, server_hostname=self._host)
        except BaseException:
            connection.close()
            raise
        return connection

    def _send(self, connection: socket.socket, request: bytes) -> None:
        """Send bytes, and note that some have left."""
        connection.settimeout(sockets.time_left())
        count = connection.send(request)
        self.has_sent = True
        if count < len(request):
            connection.settimeout(sockets.time_left())
            # The time-out of one ``sendall`` is for all of its bytes.
            connection.sendall(memoryview(request)[count:])


def _read_answer(connection: socket.socket) -> "_AnswerParts":
    """Read one answer to its end, and not a byte more.

    Raises:
        OSError, HTTPException: it is not whole, or not HTTP.
    """
    parts = _AnswerParts()
    parser = parts.parser = httptools.HttpResponseParser(parts)
    try:
        while not parts.is_complete:
            # A server that sends a byte now and then gets no more time for each.
            connection.settimeout(sockets.time_left())
            data = connection.recv(READ_BYTES)
            if data:
                parser.feed_data(data)
            else:
                parts.end()
    except httptools.HttpParserError as error:
        raise HTTPException(f"the answer is not HTTP: {error}") from None
    finally:
        # They refer to each other: neither should wait for the garbage collector.
        parts.parser = None
    return parts


@dataclass(kw_only=True)
class _AnswerParts:
    """An answer while it is read. ``httptools`` calls what begins with "on"."""

    parser: Any = None
    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: list[bytes] = field(default_factory=list)
    has_headers: bool = False
    is_complete: bool = False
    is_kept_alive: bool = False

    @property
    def answer(self) -> HttpAnswer:
        return HttpAnswer(self.status, self.headers, b"".join(self.body))

    def end(self) -> None:
        """Take in that the server has closed the connection.

        Raises:
            ConnectionResetError: the answer was not over.
        """
        is_delimited = "content-length" in self.headers or "transfer-encoding" in self.headers
        if not self.has_headers or is_delimited:
            raise ConnectionResetError("the server closed the connection before its answer ended")
        self.status = self.parser.get_status_code()
        self.is_complete = True

    def on_message_begin(self) -> None:
        if self.is_complete:
            raise HTTPException("the server said more than it was asked")

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        self.has_headers = True

    def on_body(self, data: bytes) -> None:
        self.body.append(data)

    def on_message_complete(self) -> None:
        status = self.parser.get_status_code()
        if status < FIRST_FINAL_STATUS:
            # "100 Continue" and the like: the answer follows.
            self.headers = {}
            self.has_headers = False
            return
        self.status = status
        self.is_kept_alive = self.parser.should_keep_alive()
        self.is_complete = True


def _encode_request(path: str, body: bytes, headers: Mapping[str, str]) -> bytes:
    """Encode head and body together: two packets would cost more than one.

    Raises:
        ValueError: path or headers have a line break.
    """
    lines = [f"POST {path} HTTP/1.1"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    lines += ["Accept-Encoding: identity", f"Content-Length: {len(body)}"]
    head = "\r\n".join(lines)
    if head.count("\n") != len(lines) - 1 or head.count("\r") != len(lines) - 1:
        raise ValueError("a header has a line break")
    return head.encode("latin-1") + b"\r\n\r\n" + body


def _close_all(connections: "deque[_Connection]") -> None:
    while connections:
        connections.pop().close()
