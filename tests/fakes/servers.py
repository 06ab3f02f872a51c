"""Servers on loopback that misbehave as a network can."""

import contextlib
import re
import socket
import ssl
import struct
import threading
from collections.abc import Iterator

DRIP_INTERVAL = 0.05
CHUNK_BYTES = 65_536
JOIN_SECONDS = 60


class _Server:
    """Accepts on a free port and serves each connection in a thread."""

    def __init__(self) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.over = threading.Event()
        self.requests: list[bytes] = []
        self._connections: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    @property
    def connection_count(self) -> int:
        """The number of connections so far."""
        return len(self._connections)

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self.listener.accept()
                self._connections.append(connection)
                thread = threading.Thread(target=self._serve_once, args=[connection], daemon=True)
                self._threads.append(thread)
                thread.start()

    def _serve_once(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError):
            self.serve(connection)
        connection.close()

    def serve(self, connection: socket.socket) -> None:
        """Talk to one client until it, or the server, is done."""
        raise NotImplementedError

    def close(self) -> None:
        """Stop accepting and cut every connection."""
        self.over.set()
        # A thread in accept() wakes up at a shutdown, and not at a close.
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for connection in self._connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(JOIN_SECONDS)


class Silent(_Server):
    """Accepts, reads, and never answers."""

    def serve(self, connection):
        """Keep every request and answer none."""
        while data := connection.recv(CHUNK_BYTES):
            self.requests.append(data)


class Dripping(_Server):
    """Answers one request byte by byte: no read fails, all take long.

    Without a pause between them all bytes leave at once, and are read at once.
    """

    def __init__(self, body: bytes = b'{"ok": true}', every: float = DRIP_INTERVAL) -> None:
        self.every = every
        headers = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
        self.answer = headers % len(body) + body
        super().__init__()

    def serve(self, connection):
        """Send the answer to the first request, a byte at a time."""
        self.requests.append(connection.recv(CHUNK_BYTES))
        if not self.every:
            connection.sendall(self.answer)
            return
        for byte in self.answer:
            if self.over.wait(self.every):
                return
            connection.sendall(bytes([byte]))


class Scripted(_Server):
    """Does for each request, over all connections, what comes next in a script.

    "answer" keeps the connection, "last" says that it does not, "leave" answers and closes it
    without a word, "reset" too, "drop" closes it unanswered, "half" within the answer.
    """

    def __init__(self, *script: str, tls: ssl.SSLContext | None = None) -> None:
        self.script = list(script)
        self.tls = tls
        #: The closes of connections that the client could have seen.
        self.closed = threading.Semaphore(0)
        super().__init__()

    def serve(self, connection):
        """Follow the script until the connection ends."""
        if self.tls:
            connection = self.tls.wrap_socket(connection, server_side=True)
        with connection:
            while request := self._read(connection):
                self.requests.append(request)
                act = self.script.pop(0)
                self._act(connection, act)
                if act != "answer":
                    break
        self.closed.release()

    def _read(self, connection):
        request = b""
        while b"\r\n\r\n" not in request:
            data = connection.recv(CHUNK_BYTES)
            if not data:
                return b""
            request += data
        head, _, body = request.partition(b"\r\n\r\n")
        length = int(re.search(rb"content-length: (\d+)", head.lower())[1])
        while len(body) < length:
            body += connection.recv(CHUNK_BYTES)
        return head + body

    def _act(self, connection, act):
        body = b'{"ok": true, "ts": "1.0", "channel": "C1"}'
        last = b"Connection: close\r\n" if act == "last" else b""
        head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n%sContent-Length: %d\r\n\r\n"
        answer = head % (last, len(body)) + body
        if act == "half":
            answer = answer[:-10]
        if act == "reset":
            # Zero seconds of lingering make the close a reset.
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        if act != "drop":
            connection.sendall(answer)


class Proxy(_Server):
    """Forwards to another port until a client sends the fatal bytes.

    From then on nothing passes in either direction. ``passes_fatal`` lets those bytes through,
    and loses the answer alone.
    """

    def __init__(self, to_port: int, *, passes_fatal: bool = False) -> None:
        self.to_port = to_port
        self.passes_fatal = passes_fatal
        self.fatal = b""
        self.is_frozen = threading.Event()
        super().__init__()

    def serve(self, connection):
        """Forward both directions until one of them ends."""
        with socket.create_connection(("127.0.0.1", self.to_port)) as upstream:
            self._connections.append(upstream)
            replies = threading.Thread(
                target=self._forward, args=[upstream, connection], daemon=True
            )
            self._threads.append(replies)
            replies.start()
            self._forward(connection, upstream, is_client=True)
            with contextlib.suppress(OSError):
                upstream.shutdown(socket.SHUT_RDWR)
            replies.join(JOIN_SECONDS)

    def _forward(self, source, target, *, is_client=False):
        with contextlib.suppress(OSError):
            while data := source.recv(CHUNK_BYTES):
                if is_client and self.fatal and self.fatal in data:
                    self.is_frozen.set()
                    if self.passes_fatal:
                        target.sendall(data)
                if self.is_frozen.is_set():
                    self.over.wait()
                    return
                target.sendall(data)
        with contextlib.suppress(OSError):
            target.shutdown(socket.SHUT_RDWR)


@contextlib.contextmanager
def serving(server: _Server) -> Iterator[_Server]:
    """Close the server when the block ends."""
    try:
        yield server
    finally:
        server.close()
