"""Servers on loopback that behave as badly as a network can: they drip, they are silent, they stop in the middle."""

import contextlib
import socket
import threading
from collections.abc import Iterator

DRIP_EVERY = 0.05


class _Server:
    """Accepts on a port of its own and serves each connection in a thread, until it is closed."""

    def __init__(self) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.over = threading.Event()
        self.requests: list[bytes] = []
        self._open: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self.listener.accept()
                self._open.append(connection)
                thread = threading.Thread(target=self._served, args=[connection], daemon=True)
                self._threads.append(thread)
                thread.start()

    def _served(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError):
            self.serve(connection)
        connection.close()

    def serve(self, connection: socket.socket) -> None:
        raise NotImplementedError

    def close(self) -> None:
        self.over.set()
        # Who waits in accept() wakes up at this, and not at a close.
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for connection in self._open:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(10)


class Silent(_Server):
    """Accepts, reads, and never answers."""

    def serve(self, connection):
        while data := connection.recv(65536):
            self.requests.append(data)


class Dripping(_Server):
    """Answers one request with a byte at a time: every read gets something in time, the answer takes five seconds."""

    def __init__(self, body: bytes = b'{"ok": true}', every: float = DRIP_EVERY) -> None:
        self.every = every
        self.answer = (
            b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s"
            % (
                len(body),
                body,
            )
        )
        super().__init__()

    def serve(self, connection):
        self.requests.append(connection.recv(65536))
        for place in range(len(self.answer)):
            if self.over.wait(self.every):
                return
            connection.sendall(self.answer[place : place + 1])


class Proxy(_Server):
    """Passes everything on to another port, until a client has sent the fatal bytes: those arrive nowhere, nor does more."""

    def __init__(self, to_port: int) -> None:
        self.to_port, self.fatal, self.is_frozen = to_port, b"", threading.Event()
        super().__init__()

    def serve(self, connection):
        with socket.create_connection(("127.0.0.1", self.to_port)) as behind:
            self._open.append(behind)
            back = threading.Thread(target=self._pass_on, args=[behind, connection], daemon=True)
            self._threads.append(back)
            back.start()
            self._pass_on(connection, behind, self.fatal_in)
            with contextlib.suppress(OSError):
                behind.shutdown(socket.SHUT_RDWR)
            back.join(10)

    def fatal_in(self, data: bytes) -> bool:
        return bool(self.fatal) and self.fatal in data

    def _pass_on(self, source, target, is_fatal=lambda data: False):
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                if is_fatal(data):
                    self.is_frozen.set()
                if self.is_frozen.is_set():
                    self.over.wait()
                    return
                target.sendall(data)
        with contextlib.suppress(OSError):
            target.shutdown(socket.SHUT_RDWR)


@contextlib.contextmanager
def serving(server: _Server) -> Iterator[_Server]:
    try:
        yield server
    finally:
        server.close()
