"""HTTP connections that are kept open between calls.

Nothing is sent twice. A kept connection that the server has closed is replaced only while not a
byte of the request has left; after that a failure is the caller's, who must look first.
"""

import http.client
import io
import select
import socket
import ssl
import threading
import weakref
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from bot import sockets
from bot.clock import monotonic

MAX_IDLE_CONNECTIONS = 32
#: Servers close what is idle. We do so first, so that a request and that close rarely cross.
MAX_IDLE_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """An answer of a server, read to its end."""

    status: int
    headers: http.client.HTTPMessage
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
            OSError, http.client.HTTPException: there is no whole answer.
        """
        while True:
            connection = self._take_idle()
            is_kept = connection is not None
            connection = connection or self._open()
            try:
                answer = connection.post(path, body, headers)
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

    def _open(self) -> "_Connection":
        # Connected by the first request, within its time limit.
        return _Connection(self._host, self._port, self._tls)

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
        if connection.sock is None:
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


class _Connection(http.client.HTTPConnection):
    """A connection that keeps to the time limit of the call."""

    sock: Any

    def __init__(self, host: str, port: int | None, tls: ssl.SSLContext | None) -> None:
        self.default_port = http.client.HTTPS_PORT if tls else http.client.HTTP_PORT
        super().__init__(host, port)
        self._tls = tls
        self._is_reading = False
        self.idle_since = 0.0
        #: A part of the present request may have reached the server.
        self.has_sent = False

    def connect(self) -> None:
        connection = sockets.connect(self.host, self.port)
        try:
            if self._tls:
                connection = self._tls.wrap_socket(connection, server_hostname=self.host)
        except BaseException:
            connection.close()
            raise
        self.sock = _TimedSocket(connection)

    def post(self, path: str, body: bytes, headers: Mapping[str, str]) -> HttpAnswer:
        self.has_sent = False
        self.request("POST", path, body=body, headers=headers)
        self._is_reading = True
        try:
            response = self.getresponse()
            answer = HttpAnswer(response.status, response.headers, response.read())
        finally:
            self._is_reading = False
        if response.will_close:
            self.close()
        return answer

    def close(self) -> None:
        # After the last answer of a connection ``http.client`` closes it before the body is read.
        if not self._is_reading:
            super().close()

    def send(self, data: Any) -> None:
        """Send bytes, and note that some have left."""
        if self.sock is None:
            self.connect()
        count = self.sock.send(data)
        self.has_sent = True
        if count < len(data):
            self.sock.sendall(memoryview(data)[count:])

    def is_old(self) -> bool:
        """Tell whether the server may be about to close it."""
        return monotonic() - self.idle_since > MAX_IDLE_SECONDS

    def is_usable(self) -> bool:
        """Tell whether the server has neither closed it nor said anything unasked."""
        return not self.is_old() and not self.sock.is_readable()


class _TimedSocket:
    """A socket for ``http.client``, within the time limit of the call."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection

    def send(self, data: bytes) -> int:
        self._connection.settimeout(sockets.time_left())
        return self._connection.send(data)

    def sendall(self, data: memoryview) -> None:
        self._connection.settimeout(sockets.time_left())
        # The time-out of one ``sendall`` is for all of its bytes.
        self._connection.sendall(data)

    def makefile(self, mode: str) -> io.BufferedReader:
        return io.BufferedReader(_TimedReader(self._connection))

    def is_readable(self) -> bool:
        poll = select.poll()
        poll.register(self._connection, select.POLLIN)
        return bool(poll.poll(0))

    def close(self) -> None:
        self._connection.close()


class _TimedReader(io.RawIOBase):
    """A reader of a socket within the time limit of the call.

    A server that sends a byte now and then gets no more time for each.
    """

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self._connection.settimeout(sockets.time_left())
        return self._connection.recv_into(buffer)


def _close_all(connections: "deque[_Connection]") -> None:
    while connections:
        connections.pop().close()
