"""A carrier behind an HTTP API on loopback, which answers each shipment in its own way."""

import contextlib
import json
import threading
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from bot.clock import utc_now

# Longer than the time-out of the system.
SLOW_SECONDS = 2.5
SYSTEM = """  carrier:
    title: carrier
    connector: http
    base_url: http://127.0.0.1:{port}
    hosts: [127.0.0.1]
    private_hosts: [127.0.0.1]
    timeout: 1500ms
    actions:
      hold_consignment:
        title: Ask the carrier to hold it
        parameters: {{shipment_id: integer}}
        titles: {{shipment_id: Shipment}}
        target: "shipment:{{shipment_id}}"
        summary: "Ask the carrier to find and hold what is missing"
        done: "Asked the carrier to find and hold what is missing"
        preview: "the carrier says until when it holds it, or refuses"
        idempotency: native_key
        returns: {{answer: text, held_until: date, reference: text}}
        undo_for: 30m
        execute:
          method: POST
          path: "/shipments/{{shipment_id}}/holds"
          landed: "status == 'accepted'"
          refused: "status == 'refused'"
          detail: reason
          fields: {{answer: answer, held_until: held_until, reference: reference}}
        verify:
          path: "/holds/{{key}}"
          landed: "status == 'accepted'"
          fields: {{answer: answer, held_until: held_until, reference: reference}}
        undo: {{method: DELETE, path: "/holds/{{key}}", landed: "status == 'gone'"}}
"""


class Carrier(ThreadingHTTPServer):
    """Holds consignments, each once for a key."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), CarrierHandler)
        #: How it answers about a shipment.
        self.modes: dict[int, str] = {}
        #: What it has done, by key.
        self.holds: dict[str, dict] = {}
        self.requests: list[tuple[int, str]] = []

    @property
    def system(self) -> str:
        """Return its declaration for ``systems.yml``."""
        return SYSTEM.format(port=self.server_port)

    def holds_of(self, shipment: int) -> list[dict]:
        return [hold for hold in self.holds.values() if hold["shipment"] == shipment]


class CarrierHandler(BaseHTTPRequestHandler):
    server: Carrier

    def do_POST(self):
        shipment = int(self.path.split("/")[2])
        key = self.headers["Idempotency-Key"]
        mode = self.server.modes.get(shipment, "held")
        is_first = (shipment, key) not in self.server.requests
        self.server.requests.append((shipment, key))
        if mode == "refuses":
            return self.answer(409, {"status": "refused", "reason": "it was signed for"})
        if mode == "is busy first" and is_first:
            return self.answer(409, {})
        if mode == "talks nonsense first" and is_first:
            return self.answer(200, "<html>moved</html>")
        self.server.holds.setdefault(key, self.hold(shipment, mode))
        if mode == "is slow":
            threading.Event().wait(SLOW_SECONDS)
        if mode == "loses the answer" and is_first:
            return self.connection.close()
        return self.answer(200, self.server.holds[key])

    def hold(self, shipment: int, mode: str) -> dict:
        day = (utc_now() + timedelta(days=400 if mode == "names a far day" else 9)).date()
        held_until = "next week" if mode == "names no day" else day.isoformat()
        answer = "found elsewhere" if mode == "answers something else" else "held"
        return {
            "status": "accepted",
            "shipment": shipment,
            "answer": answer,
            "held_until": held_until,
            "reference": f"H-{shipment}",
        }

    def do_GET(self):
        hold = self.server.holds.get(self.path.rpartition("/")[2])
        self.answer(200 if hold else 404, hold or {})

    def do_DELETE(self):
        self.server.holds.pop(self.path.rpartition("/")[2], None)
        self.answer(200, {"status": "gone"})

    def answer(self, status: int, body: object) -> None:
        content = (body if isinstance(body, str) else json.dumps(body)).encode()
        with contextlib.suppress(OSError):
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

    def log_message(self, *arguments: object) -> None:
        """Print nothing."""


@contextlib.contextmanager
def running_carrier() -> Iterator[Carrier]:
    server = Carrier()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
