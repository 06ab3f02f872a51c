"""The HTTP connector against a real server on loopback: once per key, nowhere it must not go, unknown never taken for failed."""

import json
import threading
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from bot.cases.errors import ConnectorFailed, OutcomeUnknown, WorldMoved
from bot.cases.plan import Idempotency
from bot.connectors.http import HttpConnector, _is_public
from bot.connectors.message import MessageConnector
from bot.connectors.specs import ActionSpec, Call, HttpAction, HttpSystem, MessageSystem, ParameterType
from bot.ports import Landing
from tests.fakes.chat import FakeChat

TEXT = ParameterType.TEXT


class Bank(ThreadingHTTPServer):
    """Pays invoices, once per idempotency key; can be told to misbehave."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Teller)
        self.paid: dict[str, dict] = {}
        self.mode, self.requests, self.etag = "", [], "v1"


class Teller(BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.requests.append(self.path)
        if self.path.startswith("/payments/"):
            key = self.path.rpartition("/")[2]
            self.answer(200 if key in self.server.paid else 404, {"state": "done"})
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
        if mode == "fails before":
            return self.answer(500, {})
        self.server.paid.setdefault(key, body)
        if mode == "dies after":
            return self.connection.close()
        if mode == "fails after":
            return self.answer(503, {})
        return self.answer(200, {"ok": mode != "not ok", "id": f"pay_{len(self.server.paid)}"})

    def answer(self, status, body):
        raw = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def log_message(self, *_):
        pass


@pytest.fixture
def bank():
    server = Bank()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def system(bank, *, private=("127.0.0.1",), hosts=("127.0.0.1",), host="127.0.0.1") -> HttpSystem:
    spec = ActionSpec(
        "pay",
        1,
        {"invoice": TEXT, "amount": ParameterType.DECIMAL},
        "invoice:{invoice}",
        "Pay {invoice}",
        "{amount} goes",
        False,
        Idempotency.NATIVE_KEY,
        "amount",
    )
    pay = HttpAction(
        spec,
        Call("POST", "/pay/{invoice}", {"invoice": "invoice", "amount": "amount"}, landed="ok", detail="id"),
        precondition=Call("GET", "/invoices/{invoice}", fields={"etag": "etag", "status": "status"}),
        verify=Call("GET", "/payments/{key}", landed="state == 'done'"),
    )
    lookups = {"invoice": Call("GET", "/invoices/{id}", fields={"status": "status", "path": "path"})}
    return HttpSystem(
        "bank",
        f"http://{host}:{bank.server_port}",
        hosts,
        private,
        "BANK_TOKEN",
        timedelta(seconds=2),
        "Idempotency-Key",
        lookups,
        {"pay": pay},
    )


PAY = {"invoice": "INV-1", "amount": "12.50"}


def test_it_pays_once_per_key_and_says_what_came_of_it(bank):
    connector = HttpConnector(system(bank), "secret")
    action = connector.prepare("pay", PAY)
    assert (action.precondition, str(action.amount)) == ({"etag": "v1", "status": "open"}, "£12.50")
    assert connector.verify(action, "k1") is Landing.ABSENT
    assert connector.execute(action, "k1") == "pay_1"
    assert connector.execute(action, "k1") == "pay_1"
    assert (bank.paid, connector.verify(action, "k1")) == (
        {"k1": {"invoice": "INV-1", "amount": "12.50"}},
        Landing.LANDED,
    )


@pytest.mark.parametrize(
    ("mode", "error", "paid"),
    [
        ("refuse", ConnectorFailed, 0),
        ("not ok", ConnectorFailed, 1),
        ("moved", WorldMoved, 0),
        ("fails before", OutcomeUnknown, 0),
        ("fails after", OutcomeUnknown, 1),
        ("dies after", OutcomeUnknown, 1),
    ],
)
def test_a_definite_no_is_a_failure_and_everything_else_is_unknown(bank, mode, error, paid):
    connector = HttpConnector(system(bank), "secret")
    action = connector.prepare("pay", PAY)
    bank.mode = mode
    with pytest.raises(error) as raised:
        connector.execute(action, "k1")
    assert type(raised.value) is error
    assert len(bank.paid) == paid
    bank.mode = ""
    assert connector.verify(action, "k1") is (Landing.LANDED if paid else Landing.ABSENT)


def test_a_precondition_that_moved_stops_it_before_anything_is_sent(bank):
    connector = HttpConnector(system(bank), "secret")
    action = connector.prepare("pay", PAY)
    bank.etag = "v2"
    with pytest.raises(WorldMoved, match="etag was v1, is v2"):
        connector.execute(action, "k1")
    assert bank.paid == {}


def test_a_server_that_is_not_there_was_not_reached(bank):
    connector = HttpConnector(system(bank), "secret")
    bank.shutdown()
    bank.server_close()
    with pytest.raises(ConnectorFailed, match="cannot reach bank") as raised:
        connector.look_up("invoice", {"id": "1"}, 1)
    assert type(raised.value) is ConnectorFailed


def test_redirects_are_not_followed_and_large_answers_not_read(bank):
    connector = HttpConnector(system(bank), "secret")
    bank.mode = "redirect"
    with pytest.raises(ConnectorFailed, match="answered 302"):
        connector.look_up("invoice", {"id": "1"}, 1)
    bank.mode = "huge"
    with pytest.raises(ConnectorFailed):
        connector.look_up("invoice", {"id": "1"}, 1)


def test_parameters_cannot_leave_their_place_in_the_path(bank):
    connector = HttpConnector(system(bank), "secret")
    (row,) = connector.look_up("invoice", {"id": "../payments?x=1#y/é\r\nHost: evil"}, 1)
    assert row["path"] == "/invoices/..%2Fpayments%3Fx%3D1%23y%2F%C3%A9%0D%0AHost%3A%20evil"


def test_a_host_that_is_not_listed_is_refused_at_start(bank):
    with pytest.raises(ConnectorFailed, match="not on its list of hosts"):
        HttpConnector(system(bank, hosts=("api.bank.example",)), "")


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "127.1", "0x7f000001", "2130706433", "0.0.0.0", "[::1]", "[::ffff:127.0.0.1]"]
)
def test_a_private_address_is_not_reached_unless_it_is_listed(bank, host):
    connector = HttpConnector(system(bank, private=(), hosts=(host.strip("[]"), host), host=host), "")
    with pytest.raises(ConnectorFailed):
        connector.look_up("invoice", {"id": "1"}, 1)
    assert bank.requests == []


def test_which_addresses_are_public():
    assert [
        _is_public(address)
        for address in (
            "8.8.8.8",
            "10.0.0.1",
            "169.254.169.254",
            "127.0.0.1",
            "::1",
            "fe80::1",
            "::ffff:10.0.0.1",
            "100.64.0.1",
            "224.0.0.1",
            "2606:4700::1",
        )
    ] == [True] + [False] * 8 + [True]


# --- messages ------------------------------------------------------------------------------------------------------------

TELL = ActionSpec(
    "tell", 1, {"to": TEXT, "text": TEXT}, "channel:{to}", "Tell {to}", "“{text}”", False, Idempotency.MARKER
)


def test_a_message_is_an_action_like_any_other():
    chat = FakeChat()
    connector = MessageConnector(MessageSystem("slack", {"tell": TELL}), chat)
    action = connector.prepare("tell", {"to": "C0SALES", "text": "please call <!channel>"})
    assert (action.reversible, connector.precondition(action), connector.verify(action, "k")) == (
        False,
        {},
        Landing.ABSENT,
    )
    assert connector.execute(action, "k") == "posted"
    assert (chat.sent, connector.verify(action, "k")) == ({"k": "please call <!channel>"}, Landing.LANDED)
    with pytest.raises(ConnectorFailed, match="cannot be unread"):
        connector.undo(action, "k", "undo:k")
    with pytest.raises(ConnectorFailed, match="no action"):
        connector.prepare("shout", {})


def test_slack_failures_are_told_apart():
    from bot.cases.errors import ChatFailed, ChatUnknown

    chat = FakeChat()
    connector = MessageConnector(MessageSystem("slack", {"tell": TELL}), chat)
    action = connector.prepare("tell", {"to": "C0SALES", "text": "x"})
    chat.failures = [ChatUnknown("timeout"), ChatFailed("channel_not_found")]
    with pytest.raises(OutcomeUnknown):
        connector.execute(action, "k")
    with pytest.raises(ConnectorFailed, match="channel_not_found"):
        connector.execute(action, "k")
