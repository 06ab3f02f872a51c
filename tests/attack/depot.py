"""A system of record behind HTTP that misbehaves on demand, and keeps a journal of what it really did.

It honours idempotency keys, as it declares; everything else of it may be late, slow, cut off or wrong.
"""

import json
import threading
import time
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

STOCK = 100
DRIP_BYTES = 24
DRIP_SECONDS = 0.6
LATE_SECONDS, VERY_LATE_SECONDS = 1.5, 3.0


@dataclass(frozen=True)
class Deed:
    """One thing that was done: +1 for an issue, -1 for its return."""

    item: int
    key: str
    delta: int
    at: float


class Depot:
    """``mode`` is what happens to the next requests; the empty one is an honest server."""

    def __init__(self) -> None:
        self.mode = ""
        self.deeds: list[Deed] = []
        #: Items of which nobody here has heard.
        self.missing: set[int] = set()
        #: Items whose issues happen, and of which nobody can tell.
        self.unclear: set[int] = set()
        self._visible_at: dict[str, float] = {}
        self._counted_at: dict[str, float] = {}
        self._lock = threading.Lock()
        self._server: ThreadingHTTPServer | None = None
        self.port = 0
        self.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Listen, on the same port as before."""
        depot = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                depot.get(self)

            def do_POST(self) -> None:
                depot.post(self)

            def log_message(self, *_: object) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            allow_reuse_address = True

            def handle_error(self, request: object, client_address: object) -> None:
                """Whoever hung up has hung up."""

        self._server = Server(("127.0.0.1", self.port), Handler)
        self.port = self._server.server_port
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self) -> None:
        """Refuse connections until it is started again."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    # --- answering -----------------------------------------------------------------------------------------------------

    def get(self, request: BaseHTTPRequestHandler) -> None:
        _, what, name = request.path.split("/", 2)
        if self.mode == "mute":
            self._answer(request, 503, {})
        elif what == "items" and int(name) in self.missing:
            self._answer(request, 404, {})
        elif what == "items":
            self._answer(request, 200, {"stock": STOCK - self._issued(int(name))})
        elif any(
            deed.item in self.unclear for deed in self.deeds if deed.key == name.replace("%3A", ":")
        ):
            self._answer(request, 503, {})
        else:
            is_there = self._is_visible(name.replace("%3A", ":"))
            if self.mode == "slow look":
                # What is answered was true before somebody else went on.
                time.sleep(0.8)
            self._answer(request, 200 if is_there else 404, {"state": "done"} if is_there else {})

    def post(self, request: BaseHTTPRequestHandler) -> None:
        size = int(request.headers.get("content-length") or 0)
        body = json.loads(request.rfile.read(size) or b"{}")
        key = request.headers.get("idempotency-key", "")
        delta, mode = (1 if request.path == "/issues" else -1), self.mode
        if int(body["item"]) in self.unclear:
            mode = "503 after"
        if mode == "503 before":
            self._answer(request, 503, {})
            return
        if mode == "slow":
            time.sleep(0.7)
        if mode == "held":
            # The caller gives up; what it asked for happens all the same, later.
            threading.Timer(2.5, self._apply, (int(body["item"]), key, delta, 0.0)).start()
            time.sleep(3)
            return
        late = {
            "late": LATE_SECONDS,
            "late key": LATE_SECONDS,
            "503, late key": VERY_LATE_SECONDS,
        }.get(mode, 0.0)
        self._apply(int(body["item"]), key, delta, late, counts_late=mode == "late")
        if mode in {"503 after", "503, late key", "mute"}:
            self._answer(request, 503, {})
        elif mode == "cut after":
            request.close_connection = True
            request.connection.close()
        elif mode == "redirect after":
            self._answer(request, 302, {}, {"Location": "/elsewhere"})
        elif mode == "drip":
            self._drip(request)
        else:
            self._answer(request, 200, {"ok": True, "id": f"d{len(self.deeds)}"})

    def _apply(
        self, item: int, key: str, delta: int, late: float, *, counts_late: bool = False
    ) -> None:
        """Do it, once per key. It shows, and counts, at once or later."""
        with self._lock:
            if any(deed.key == key for deed in self.deeds):
                return
            self.deeds.append(Deed(item, key, delta, time.time()))
            self._visible_at[key] = time.monotonic() + late
            self._counted_at[key] = time.monotonic() + (late if counts_late else 0.0)

    def _is_visible(self, key: str) -> bool:
        return self._visible_at.get(key, float("inf")) <= time.monotonic()

    def _issued(self, item: int) -> int:
        with self._lock:
            now = time.monotonic()
            return sum(
                deed.delta
                for deed in self.deeds
                if deed.item == item and self._counted_at[deed.key] <= now
            )

    @staticmethod
    def _answer(
        request: BaseHTTPRequestHandler,
        status: int,
        body: dict[str, object],
        headers: dict[str, str] | None = None,
    ) -> None:
        raw = json.dumps(body).encode()
        request.send_response(status)
        for name, value in {
            "Content-Type": "application/json",
            "Content-Length": str(len(raw)),
        }.items():
            request.send_header(name, value)
        for name, value in (headers or {}).items():
            request.send_header(name, value)
        request.end_headers()
        request.wfile.write(raw)

    @staticmethod
    def _drip(request: BaseHTTPRequestHandler) -> None:
        """One byte at a time, each within any time-out that begins anew with each byte."""
        request.send_response(200)
        request.send_header("Content-Type", "application/json")
        request.send_header("Content-Length", str(DRIP_BYTES))
        request.end_headers()
        for letter in json.dumps({"ok": True}).ljust(DRIP_BYTES):
            request.wfile.write(letter.encode())
            request.wfile.flush()
            time.sleep(DRIP_SECONDS)
