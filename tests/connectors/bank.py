"""A bank behind an HTTP API on loopback that can misbehave."""

import contextlib
import json
import threading
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote

from bot.cases.plan import Idempotency
from bot.connectors.http_system import HttpAction, HttpCall, HttpSystem
from bot.connectors.parameters import ParameterType

PAY = {"invoice": "INV-1", "amount": "12.50"}
LOOPBACK = ("127.0.0.1",)


class Bank(ThreadingHTTPServer):
    """Pays invoices and takes payments back, each once per idempotency key."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), BankHandler)
        self.payments: dict[str, dict] = {}
        self.refunds: dict[str, str] = {}
        #: How it misbehaves: see `do_GET` and `do_POST`.
        self.mode = ""
        self.requests: list[str] = []
        self.etag = "v1"


class BankHandler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.requests.append(self.path)
        if self.path.startswith("/payments/"):
            key = unquote(self.path.rpartition("/")[2])
            is_done = key in self.server.payments or key in self.server.refunds
            self.answer(200 if is_done else 404, {"state": "done"})
        elif self.server.mode == "redirect":
            self.send_response(302)
            self.send_header("Location", "http://169.254.169.254/latest")
            self.end_headers()
        elif self.server.mode == "huge":
            self.answer(200, {"x": "y" * 2_000_000})
        else:
            self.answer(200, {"status": "open", "etag": self.server.etag, "path": self.path})

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        key = self.headers["Idempotency-Key"]
        self.server.requests.append(self.path)
        mode = self.server.mode
        if mode == "refuse":
            return self.answer(422, {"error": "no"})
        if mode == "moved":
            return self.answer(412, {})
        if mode.startswith("refuse "):
            return self.answer(int(mode.removeprefix("refuse ")), {})
        if mode == "fails before":
            return self.answer(500, {})
        if self.path.startswith("/refund/"):
            self.server.refunds.setdefault(key, unquote(self.path.rpartition("/")[2]))
        else:
            self.server.payments.setdefault(key, body)
        if mode == "dies after":
            return self.connection.close()
        if mode == "fails after":
            return self.answer(503, {})
        if mode.isdigit():
            return self.answer(int(mode), {"ok": True})
        return self.answer(200, {"ok": mode != "not ok", "id": f"pay_{len(self.server.payments)}"})

    def answer(self, status, body):
        raw = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def log_message(self, *_):
        pass


@contextlib.contextmanager
def running_bank() -> Iterator[Bank]:
    server = Bank()
    threading.Thread(target=server.serve_forever, args=[0.01], daemon=True).start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()


def bank_system(
    port: int, *, private=LOOPBACK, hosts=LOOPBACK, host="127.0.0.1", refund: HttpCall | None = None
) -> HttpSystem:
    """Declare the bank with one action, ``pay``, which ``refund`` takes back."""
    pay = HttpAction(
        name="pay",
        parameters={"invoice": ParameterType.TEXT, "amount": ParameterType.DECIMAL},
        target="invoice:{invoice}",
        summary="Pay {invoice}",
        preview="{amount} goes",
        amount="amount",
        currency="GBP",
        declared_idempotency=Idempotency.NATIVE_KEY,
        execute=HttpCall(
            method="POST",
            path="/pay/{invoice}",
            body={"invoice": "invoice", "amount": "amount"},
            landed_when="ok",
            detail="id",
        ),
        precondition=HttpCall(
            path="/invoices/{invoice}", fields={"etag": "etag", "status": "status"}
        ),
        verify=HttpCall(path="/payments/{key}", landed_when="state == 'done'"),
        undo=refund,
    )
    invoice = HttpCall(path="/invoices/{id}", fields={"status": "status", "path": "path"})
    return HttpSystem(
        name="bank",
        base_url=f"http://{host}:{port}",
        hosts=hosts,
        private_hosts=private,
        token_env="BANK_TOKEN",
        # Longer than any call takes on a busy machine: the tests of time-outs set their own.
        timeout=timedelta(seconds=60),
        lookups={"invoice": invoice},
        actions={"pay": pay},
    )
