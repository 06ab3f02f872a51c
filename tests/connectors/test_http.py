"""The HTTP connector against a real server on loopback: once per key, nowhere it must not go, unknown never taken for failed."""

import json
import socket
import threading
from dataclasses import replace
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import quote

import pytest

from bot.cases.errors import ConnectorFailed, OutcomeUnknown, WorldMoved
from bot.cases.plan import Idempotency
from bot.clock import boottime, time_limit
from bot.connectors.http import HttpConnector, _is_public
from bot.connectors.message import MessageConnector
from bot.connectors.specs import (
    ActionSpec,
    Call,
    HttpAction,
    HttpSystem,
    MessageSystem,
    ParameterType,
)
from bot.ports.connector import EffectStatus
from tests.fakes.chat import FakeChat
from tests.fakes.servers import Dripping, Silent, serving

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
        if mode.startswith("refuse "):
            return self.answer(int(mode.removeprefix("refuse ")), {})
        if mode == "fails before":
            return self.answer(500, {})
        self.server.paid.setdefault(key, body)
        if mode == "dies after":
            return self.connection.close()
        if mode == "fails after":
            return self.answer(503, {})
        if mode.isdigit():
            return self.answer(int(mode), {"ok": True})
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
    threading.Thread(target=server.serve_forever, args=[0.01], daemon=True).start()
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
        Call(
            "POST",
            "/pay/{invoice}",
            {"invoice": "invoice", "amount": "amount"},
            landed="ok",
            detail="id",
        ),
        precondition=Call(
            "GET", "/invoices/{invoice}", fields={"etag": "etag", "status": "status"}
        ),
        verify=Call("GET", "/payments/{key}", landed="state == 'done'"),
    )
    lookups = {
        "invoice": Call("GET", "/invoices/{id}", fields={"status": "status", "path": "path"})
    }
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
    assert connector.verify(action, "k1") is EffectStatus.ABSENT
    assert connector.execute(action, "k1") == "pay_1"
    assert connector.execute(action, "k1") == "pay_1"
    assert (bank.paid, connector.verify(action, "k1")) == (
        {"k1": {"invoice": "INV-1", "amount": "12.50"}},
        EffectStatus.LANDED,
    )


@pytest.mark.parametrize(
    ("mode", "error", "paid"),
    [
        ("refuse", ConnectorFailed, 0),
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
    assert connector.verify(action, "k1") is (EffectStatus.LANDED if paid else EffectStatus.ABSENT)


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
    (row,) = connector.look_up("invoice", {"id": "a payment?x=1#y&é: 50%"}, 1)
    assert row["path"] == "/invoices/a%20payment%3Fx%3D1%23y%26%C3%A9%3A%2050%25"


LEADS_ELSEWHERE = [
    "..", ".", "", " .. ", "...", "../payments", "a/b", "a\\b", "%2e%2e", "%2E.", "%252e%252e", "a%2fb", "a%5Cb", "..;x=1",
    "．．", "..%2f..", "a\r\nHost: evil", "\x00",
]  # fmt: skip


@pytest.mark.threat("C5")
def test_a_parameter_that_could_be_read_as_another_path_is_refused_by_name(bank):
    connector = HttpConnector(system(bank), "secret")
    for value in LEADS_ELSEWHERE:
        with pytest.raises(ConnectorFailed, match="^id cannot stand in an address") as raised:
            connector.look_up("invoice", {"id": value}, 1)
        assert (value, raised.value.retryable, bank.requests) == (value, False, [])


@pytest.mark.threat("C5")
def test_in_the_query_such_a_value_is_a_value(bank):
    found = replace(
        system(bank), lookups={"search": Call("GET", "/invoices?of={id}", fields={"path": "path"})}
    )
    connector = HttpConnector(found, "")
    for value in LEADS_ELSEWHERE:
        (row,) = connector.look_up("search", {"id": value}, 1)
        assert row["path"] == f"/invoices?of={quote(value, safe='')}"


@pytest.mark.threat("C5")
@pytest.mark.parametrize(
    "path",
    ["/invoices/../payments/{id}", "//169.254.169.254/{id}", "/invoices/{other}", "/a/./{id}"],
)
def test_what_was_declared_is_what_is_asked_for_or_nothing_is(bank, path):
    found = replace(system(bank), lookups={"odd": Call("GET", path, fields={"path": "path"})})
    with pytest.raises(ConnectorFailed):
        HttpConnector(found, "").look_up("odd", {"id": "1"}, 1)
    assert bank.requests == []


@pytest.mark.threat("C5")
def test_an_answer_that_is_no_definite_refusal_leaves_the_outcome_unknown(bank):
    connector = HttpConnector(system(bank), "secret")
    action = connector.prepare("pay", PAY)
    for status in (300, 301, 302, 303, 304, 307, 308, 408, 409, 418, 499, 500, 502, 503, 504, 599):
        bank.mode, key = str(status), f"k{status}"
        with pytest.raises(OutcomeUnknown):
            connector.execute(action, key)
        bank.mode = ""
        assert connector.verify(action, key) is EffectStatus.LANDED


@pytest.mark.threat("C5")
def test_a_definite_refusal_is_a_failure(bank):
    connector = HttpConnector(system(bank), "secret")
    action = connector.prepare("pay", PAY)
    for status, retryable in [(400, False), (403, False), (404, False), (422, False), (429, True)]:
        bank.mode = f"refuse {status}"
        with pytest.raises(ConnectorFailed) as raised:
            connector.execute(action, "k1")
        assert (type(raised.value), raised.value.retryable, bank.paid) == (
            ConnectorFailed,
            retryable,
            {},
        )


@pytest.mark.threat("A2")
def test_an_answer_that_does_not_confirm_it_leaves_the_outcome_unknown(bank):
    connector = HttpConnector(system(bank), "secret")
    action = connector.prepare("pay", PAY)
    bank.mode = "not ok"
    with pytest.raises(OutcomeUnknown, match="without confirming"):
        connector.execute(action, "k1")


def test_a_host_that_is_not_listed_is_refused_at_start(bank):
    with pytest.raises(ConnectorFailed, match="not on its list of hosts"):
        HttpConnector(system(bank, hosts=("api.bank.example",)), "")


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "localhost",
        "127.1",
        "0x7f000001",
        "2130706433",
        "0.0.0.0",
        "[::1]",
        "[::ffff:127.0.0.1]",
    ],
)
def test_a_private_address_is_not_reached_unless_it_is_listed(bank, host):
    connector = HttpConnector(
        system(bank, private=(), hosts=(host.strip("[]"), host), host=host), ""
    )
    with pytest.raises(ConnectorFailed):
        connector.look_up("invoice", {"id": "1"}, 1)
    assert bank.requests == []


PUBLIC = ["8.8.8.8", "2606:4700::1", "::ffff:8.8.8.8", "64:ff9b::8.8.8.8", "2002:808:808::1"]
NOT_PUBLIC = [
    "10.0.0.1", "169.254.169.254", "127.0.0.1", "0.0.0.0", "100.64.0.1", "224.0.0.1", "255.255.255.255", "192.88.99.1",
    "::", "::1", "fe80::1", "fe80::1%eth0", "fc00::1", "fec0::1", "ff02::1", "100::1", "2001:db8::1", "3fff::1", "5f00::1",
    "::ffff:10.0.0.1", "::ffff:127.0.0.1", "::127.0.0.1", "::a9fe:a9fe", "::8.8.8.8", "::ffff:0:127.0.0.1",
    "64:ff9b::127.0.0.1", "64:ff9b::a9fe:a9fe", "64:ff9b::10.0.0.1", "64:ff9b:1::8.8.8.8", "64:ff9b:1::7f00:1",
    "2002:7f00:1::1", "2002:a9fe:a9fe::", "2002:a00:1::1", "2001:0:808:808::1", "2001:0:7f00:1::", "4000::1",
]  # fmt: skip


@pytest.mark.threat("C5")
def test_an_address_of_the_internet_is_public_also_where_another_wraps_it():
    assert [address for address in PUBLIC if not _is_public(address)] == []


@pytest.mark.threat("C5")
def test_an_address_that_leads_inside_is_not_public_however_it_is_wrapped():
    assert [address for address in NOT_PUBLIC if _is_public(address)] == []


# --- in time -------------------------------------------------------------------------------------------------------------


def slow_system(server, seconds=0.6, scheme="http"):
    found = system(server_at(server))
    return replace(
        found, base_url=f"{scheme}://127.0.0.1:{server.port}", timeout=timedelta(seconds=seconds)
    )


def server_at(server):
    return type("At", (), {"server_port": server.port})


@pytest.fixture(params=[Dripping, Silent])
def slow(request):
    with serving(request.param()) as server:
        yield server


@pytest.mark.threat("A3")
def test_a_question_ends_in_time_however_slowly_it_is_answered(slow):
    with pytest.raises(ConnectorFailed, match="no answer from bank") as raised:
        HttpConnector(slow_system(slow), "").look_up("invoice", {"id": "1"}, 1)
    assert (type(raised.value), raised.value.retryable) == (ConnectorFailed, True)


@pytest.mark.threat("A3")
def test_a_deed_that_is_answered_too_slowly_is_in_doubt(bank, slow):
    action = replace(HttpConnector(system(bank), "").prepare("pay", PAY), precondition={})
    declared = slow_system(slow)
    pay = replace(declared.actions["pay"], precondition=None)
    connector = HttpConnector(replace(declared, actions={"pay": pay}), "")
    with pytest.raises(OutcomeUnknown):
        connector.execute(action, "k1")
    assert connector.verify(action, "k1") is EffectStatus.UNKNOWN
    assert b"POST /pay/INV-1" in slow.requests[0]


@pytest.mark.threat("A3")
def test_a_handshake_that_never_ends_was_not_a_deed():
    with serving(Silent()) as server:
        declared = slow_system(server, scheme="https")
        with pytest.raises(ConnectorFailed, match="cannot reach bank") as raised:
            HttpConnector(declared, "").look_up("invoice", {"id": "1"}, 1)
    assert type(raised.value) is ConnectorFailed


@pytest.mark.threat("A3")
def test_a_name_that_nobody_resolves_ends_in_time(bank, monkeypatch):
    go_on = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: go_on.wait(30) and [])
    declared = replace(
        system(bank, host="slow.example", hosts=("slow.example",)), timeout=timedelta(seconds=0.3)
    )
    try:
        with pytest.raises(ConnectorFailed, match="cannot reach bank: ConnectTimeout"):
            HttpConnector(declared, "").look_up("invoice", {"id": "1"}, 1)
    finally:
        go_on.set()


@pytest.mark.threat("A3")
def test_a_deed_whose_time_is_over_is_not_sent(bank):
    """As after a stop of the process between the intent and the deed."""
    connector = HttpConnector(system(bank), "")
    action = connector.prepare("pay", PAY)
    bank.requests.clear()
    with time_limit(boottime() - 1), pytest.raises(ConnectorFailed) as raised:
        connector.execute(action, "k1")
    assert (type(raised.value), raised.value.retryable, bank.requests) == (
        ConnectorFailed,
        True,
        [],
    )


# --- messages ------------------------------------------------------------------------------------------------------------

TELL = ActionSpec(
    "tell",
    1,
    {"to": TEXT, "text": TEXT},
    "channel:{to}",
    "Tell {to}",
    "“{text}”",
    False,
    Idempotency.MARKER,
)


def test_a_message_is_an_action_like_any_other():
    chat = FakeChat()
    connector = MessageConnector(MessageSystem("slack", {"tell": TELL}), chat)
    action = connector.prepare("tell", {"to": "C0SALES", "text": "please call <!channel>"})
    assert (action.reversible, connector.precondition(action), connector.verify(action, "k")) == (
        False,
        {},
        EffectStatus.ABSENT,
    )
    assert connector.execute(action, "k") == "posted"
    assert (chat.sent, connector.verify(action, "k")) == (
        {"k": "please call <!channel>"},
        EffectStatus.LANDED,
    )
    with pytest.raises(ConnectorFailed, match="cannot be unread"):
        connector.undo(action, "k", "undo:k")
    with pytest.raises(ConnectorFailed, match="no action"):
        connector.prepare("shout", {})


def test_slack_failures_are_told_apart():
    from bot.cases.errors import ChatFailed, ChatUnknown, Unreachable

    chat = FakeChat()
    connector = MessageConnector(MessageSystem("slack", {"tell": TELL}), chat)
    action = connector.prepare("tell", {"to": "C0SALES", "text": "x"})
    chat.failures = [ChatUnknown("timeout"), ChatFailed("channel_not_found"), Unreachable(2.0)]
    with pytest.raises(OutcomeUnknown):
        connector.execute(action, "k")
    with pytest.raises(ConnectorFailed, match="channel_not_found"):
        connector.execute(action, "k")
    with pytest.raises(ConnectorFailed, match="cannot be reached") as raised:
        connector.execute(action, "k")
    assert (type(raised.value), raised.value.retryable) == (ConnectorFailed, True)
