"""A program's receiver of events on loopback, which answers as it is told."""

import base64
import json
import threading
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

SECRET = "whsec_" + base64.b64encode(b"a program's own secret of 32 bytes").decode()
OLD_SECRET = "whsec_" + base64.b64encode(b"the secret before, of 32 bytes too").decode()


@dataclass(frozen=True)
class ReceivedEvent:
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def event(self) -> dict[str, Any]:
        return json.loads(self.body)

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]


class Receiver:
    """Keeps every post, and answers with a status; it may wait before that."""

    def __init__(self) -> None:
        self.posts: list[ReceivedEvent] = []
        self.status: int | Callable[[ReceivedEvent], int] = 200
        self.headers: dict[str, str] = {}
        self.is_hanging = False
        self.arrived = threading.Semaphore(0)
        self._over = threading.Event()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                headers = {name.lower(): text for name, text in self.headers.items()}
                post = ReceivedEvent(self.path, headers, body)
                outer.posts.append(post)
                outer.arrived.release()
                if outer.is_hanging:
                    outer._over.wait(60)
                    return
                status = outer.status
                self.send_response(status(post) if callable(status) else status)
                for name, text in outer.headers.items():
                    self.send_header(name, text)
                self.send_header("Content-Length", "0")
                self.end_headers()

            do_GET = do_POST

            def log_message(self, *_: object) -> None:
                pass

        class Server(ThreadingHTTPServer):
            def handle_error(self, *_: object) -> None:
                pass

        self._server = Server(("127.0.0.1", 0), Handler)
        self.port = self._server.server_port
        self.url = f"http://127.0.0.1:{self.port}/events"
        self._thread = threading.Thread(target=self._server.serve_forever, args=[0.01], daemon=True)
        self._thread.start()

    def types(self) -> list[str]:
        return [post.event["type"] for post in self.posts]

    def close(self) -> None:
        self._over.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
