"""Connections are kept, and a call whose connection breaks is never made twice."""

import ssl
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from bot.cases.errors import ChatUnknown
from handlers.slack import http_connections
from handlers.slack.chat import SlackChat
from handlers.slack.rate_limiter import RateLimiter
from handlers.slack.web_client import web_client
from tests.fakes.servers import Dripping, Scripted, serving


def chat_at(server, tls=None):
    scheme = "https" if tls else "http"
    client = web_client("xoxb-emulator", f"{scheme}://127.0.0.1:{server.port}/api/")
    client.ssl = tls
    return SlackChat(client, RateLimiter(0, 1))


def send(chat, key="k"):
    return chat.send("C1", "hello", key)


def test_calls_one_after_the_other_use_one_connection():
    with serving(Scripted("answer", "answer", "answer")) as server:
        chat = chat_at(server)
        assert [send(chat) for _ in range(3)] == ["1.0"] * 3
        assert server.connection_count == 1


def test_calls_at_once_have_a_connection_each():
    with serving(Scripted(*["answer"] * 40)) as server:
        chat = chat_at(server)
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda n: chat.send(f"C{n % 4}", "hello", f"k{n}"), range(40)))
        assert server.connection_count <= 4


@pytest.mark.threat("A3")
@pytest.mark.parametrize("act", ["leave", "last", "reset"])
def test_a_connection_that_the_server_closed_while_idle_is_replaced(act):
    with serving(Scripted(act, "answer")) as server:
        chat = chat_at(server)
        send(chat)
        assert server.closed.acquire(timeout=60)
        assert send(chat) == "1.0"
        assert (len(server.requests), server.connection_count) == (2, 2)


@pytest.mark.threat("A3")
@pytest.mark.parametrize("act", ["drop", "half"])
def test_a_request_that_was_read_is_in_doubt_and_not_repeated(act):
    with serving(Scripted("answer", act, "answer")) as server:
        chat = chat_at(server)
        send(chat)
        with pytest.raises(ChatUnknown):
            send(chat)
        assert len(server.requests) == 2
        # The broken connection is not used again.
        assert send(chat) == "1.0"
        assert server.connection_count == 2


@pytest.mark.threat("A3")
def test_a_close_that_crosses_the_request_is_no_doubt_while_nothing_has_left(monkeypatch):
    """The server resets the connection between the look at it and the first byte."""
    monkeypatch.setattr(http_connections._Connection, "is_usable", lambda self: True)
    with serving(Scripted("reset", "answer")) as server:
        chat = chat_at(server)
        send(chat)
        assert server.closed.acquire(timeout=60)
        assert send(chat) == "1.0"
        assert len(server.requests) == 2


@pytest.mark.threat("A3")
def test_a_close_that_crosses_the_request_is_in_doubt_once_bytes_have_left(monkeypatch):
    monkeypatch.setattr(http_connections._Connection, "is_usable", lambda self: True)
    with serving(Scripted("leave", "answer")) as server:
        chat = chat_at(server)
        send(chat)
        assert server.closed.acquire(timeout=60)
        with pytest.raises(ChatUnknown):
            send(chat)
        assert len(server.requests) == 1


def test_a_connection_that_was_long_idle_is_not_used(monkeypatch):
    monkeypatch.setattr(http_connections, "MAX_IDLE_SECONDS", 0.0)
    with serving(Scripted("answer", "answer")) as server:
        chat = chat_at(server)
        send(chat)
        send(chat)
        assert server.connection_count == 2


def test_no_more_connections_are_kept_than_are_useful(monkeypatch):
    monkeypatch.setattr(http_connections, "MAX_IDLE_CONNECTIONS", 1)
    with serving(Scripted(*["answer"] * 12)) as server:
        chat = chat_at(server)
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda n: chat.send(f"C{n % 4}", "hello", f"k{n}"), range(12)))
        assert len(chat.api.client.connections._idle) == 1


def test_connections_are_kept_over_tls_too(tmp_path):
    server_tls, client_tls = tls_contexts(tmp_path)
    with serving(Scripted("answer", "answer", "drop", tls=server_tls)) as server:
        chat = chat_at(server, client_tls)
        assert [send(chat) for _ in range(2)] == ["1.0"] * 2
        with pytest.raises(ChatUnknown):
            send(chat)
        assert server.connection_count == 1


HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
BODY = b'{"ok": true, "ts": "1.0"}'
WHOLE = HEAD + b"Content-Length: %d\r\n\r\n%s" % (len(BODY), BODY)


class Answering(Dripping):
    """Answers with these bytes, and closes the connection."""

    def __init__(self, answer, every=0.0):
        super().__init__(every=every)
        self.answer = answer


@pytest.mark.parametrize("every", [0.0, 0.001])
@pytest.mark.parametrize(
    "answer",
    [
        WHOLE,
        HEAD + b"\r\n" + BODY,
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n19\r\n" + BODY + b"\r\n0\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\nX-Of: 100\r\n\r\n" + WHOLE,
        b"HTTP/1.0 200 OK\r\n\r\n" + BODY,
    ],
    ids=["length", "end", "chunks", "continue", "old"],
)
def test_an_answer_is_read_however_its_end_is_told(answer, every):
    with serving(Answering(answer, every)) as server:
        assert send(chat_at(server)) == "1.0"


@pytest.mark.threat("A3")
@pytest.mark.parametrize(
    "answer",
    [
        b"",
        HEAD,
        WHOLE[:-1],
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n19\r\n" + BODY + b"\r\n",
        b"SSH-2.0-OpenSSH_9.6\r\n",
        WHOLE + WHOLE,
    ],
    ids=["nothing", "headers", "cut", "chunks", "not HTTP", "two answers"],
)
def test_a_call_without_one_whole_answer_is_in_doubt(answer):
    with serving(Answering(answer)) as server, pytest.raises(ChatUnknown):
        send(chat_at(server))


def test_head_and_body_leave_together():
    with serving(Answering(WHOLE)) as server:
        send(chat_at(server))
        assert b"hello" in server.requests[0]


def test_a_header_cannot_add_another_one():
    with serving(Answering(WHOLE)) as server:
        connections = http_connections.HttpConnections(f"http://127.0.0.1:{server.port}/")
        with pytest.raises(ValueError, match="line break"):
            connections.post("/api/x", b"", {"X-One": "1\r\nX-Two: 2"})
        assert server.connection_count == 0


def tls_contexts(folder):
    """Make a certificate for loopback, and the contexts of both sides."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "loopback")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))]), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    pem = folder / "loopback.pem"
    private_key = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    pem.write_bytes(private_key + certificate.public_bytes(serialization.Encoding.PEM))
    server_tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server_tls.load_cert_chain(pem)
    client_tls = ssl.create_default_context(cafile=pem)
    return server_tls, client_tls
