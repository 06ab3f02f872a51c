"""Signing in, over real sockets: real senders get in, and nobody else; no secret is written down."""

import contextlib
import gzip
import http.client
import io
import json
import logging
import socket

import pytest

from bot import metrics
from bot.cases.source import Format, SignalMapping, Source
from bot.cases.verification import Handshake, Scheme, Verification
from handlers.intake.authentication import Credentials
from handlers.intake.server import ConnectionLimits
from tests.handlers.intake.deliveries import SIGNAL, IntakeClient
from tests.handlers.intake.senders import base64_mac, hex_mac
from tests.handlers.intake.test_server import running_server

PATH_SECRET = "s3cret-in-the-address-0123456789"
GITHUB_SECRET = "It's a Secret to Everybody"
GITHUB = Verification(scheme=Scheme.HMAC, header="X-Hub-Signature-256", prefix="sha256=")
MAPPING = SignalMapping(
    key=("headers.x_github_delivery", "body.id"),
    subject="run:{body.id}",
    title="{body.name} failed",
    clear="body.conclusion == 'success'",
)
SOURCES = {
    "github": Source(
        name="github", format=Format.MAPPING, kind="failed_run", mapping=MAPPING, verify=GITHUB
    ),
    "till": Source(
        name="till",
        format=Format.SIGNAL,
        verify=Verification(scheme=Scheme.PATH),
        handshake=Handshake.VALIDATION_TOKEN,
    ),
    "local": Source(
        name="local", format=Format.SIGNAL, verify=Verification(scheme=Scheme.LOOPBACK)
    ),
    "twilio": Source(
        name="twilio",
        format=Format.MAPPING,
        mapping=SignalMapping(key=("body.Sid",), subject="{body.Sid}", title="Call {body.Sid}"),
        verify=Verification(scheme=Scheme.HMAC, header="X-Twilio-Signature", content="{url}{params}"),
    ),
}  # fmt: skip
CREDENTIALS = {
    "github": Credentials(secrets=(GITHUB_SECRET,)),
    "till": Credentials(secrets=(PATH_SECRET,)),
    "twilio": Credentials(secrets=("12345",)),
}
RUN = {"id": 7, "name": "Nightly build", "conclusion": "failure"}
JSON = {"Content-Type": "application/json"}


@pytest.fixture
def desk(small_world):
    return IntakeClient(small_world, sources=SOURCES, credentials=CREDENTIALS)


@pytest.fixture
def port(desk):
    with running_server(desk.app, ConnectionLimits()) as port:
        yield port


def send(port, path, body=b"", headers=None, method="POST"):
    """Send a request and return the status and the answer."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    with contextlib.closing(connection):
        connection.request(method, path, body=body, headers={**JSON, **(headers or {})})
        response = connection.getresponse()
        return response.status, response.read().decode()


def signed(body, secret=GITHUB_SECRET):
    return {"X-Hub-Signature-256": "sha256=" + hex_mac(secret.encode(), body)}


@pytest.mark.threat("C9")
def test_a_signed_run_opens_a_case_and_its_body_sent_again_changes_nothing(desk, port):
    body = json.dumps(RUN).encode()
    headers = {**signed(body), "X-GitHub-Delivery": "d1"}
    assert send(port, "/v1/webhooks/github", body, headers)[0] == 201
    # Whoever saw the request once has the body and its signature, and may say anything beside it.
    forgeries = [
        {"X-GitHub-Delivery": "d2"},
        {"X-GitHub-Delivery": ""},
        {"Content-Type": "text/plain"},
        {"Content-Type": "application/x-www-form-urlencoded"},
        {"Content-Type": "multipart/form-data; boundary=id"},
        {"X-Forwarded-For": "192.0.2.1", "X-GitHub-Event": "other"},
        {"Content-Encoding": "identity"},
    ]
    for forgery in forgeries:
        status, answer = send(port, "/v1/webhooks/github", body, {**headers, **forgery})
        assert (status, json.loads(answer)["outcome"]) == (200, "duplicate"), forgery
    assert send(port, "/v1/webhooks/github?id=8", body, headers)[0] == 200


@pytest.mark.threat("C9")
def test_a_content_type_that_nobody_signed_does_not_say_how_a_body_is_read(port):
    body = b"id=7&name=the till"
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    assert send(port, "/v1/webhooks/github", body, {**signed(body), **form})[0] == 201
    for content_type in ("text/plain", "application/json", ""):
        headers = {**signed(body), "Content-Type": content_type}
        assert send(port, "/v1/webhooks/github", body, headers)[0] == 200


@pytest.mark.threat("C9")
def test_a_signature_is_over_the_bytes_as_they_are_sent(port):
    body = json.dumps(RUN).encode()
    packed = gzip.compress(body)
    encoding = {"Content-Encoding": "gzip"}
    path = "/v1/webhooks/github"
    # Signed before it was packed: no sender documents that, and to find out we would have to
    # unpack what anybody sends.
    assert send(port, path, packed, {**signed(body), **encoding})[0] == 401
    assert send(port, path, packed, {**signed(packed), **encoding})[0] == 201
    # Without the header it is the same signal.
    assert send(port, path, packed, signed(packed))[0] == 200
    for forged in (packed[:-1], packed + b"\0", body):
        assert send(port, path, forged, {**signed(packed), **encoding})[0] == 401


def test_a_form_with_its_address_signs_in(port, desk):
    url = "http://localhost/v1/webhooks/twilio?a=1"
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    message = f"{url}Digits1SidCA1".encode()
    headers["X-Twilio-Signature"] = base64_mac(b"12345", message)
    # The preset says base64; here it is hex, which this is not.
    assert send(port, "/v1/webhooks/twilio?a=1", b"Sid=CA1&Digits=1", headers)[0] == 401
    headers["X-Twilio-Signature"] = hex_mac(b"12345", message)
    assert send(port, "/v1/webhooks/twilio?a=1", b"Sid=CA1&Digits=1", headers)[0] == 201
    assert send(port, "/v1/webhooks/twilio?a=2", b"Sid=CA1&Digits=1", headers)[0] == 401
    assert send(port, "/v1/webhooks/twilio?a=1", b"Sid=CA1&Digits=2", headers)[0] == 401


@pytest.mark.threat("C9")
def test_a_source_of_this_machine_is_reached_from_this_machine(port):
    body = json.dumps(SIGNAL).encode()
    host = {"Host": f"localhost:{port}"}
    assert send(port, "/v1/webhooks/local", body, host)[0] == 201
    for header in (
        {"Host": "desk.example.com"},
        {**host, "X-Forwarded-For": "127.0.0.1"},
        {**host, "Origin": "https://evil.example"},
    ):
        assert send(port, "/v1/webhooks/local", body, header)[0] == 401


@pytest.mark.threat("D5")
def test_no_log_no_metric_and_no_answer_has_the_secret_of_an_address(port, desk, caplog, capfd):
    body = json.dumps(SIGNAL).encode()
    path = f"/v1/webhooks/till/{PATH_SECRET}"
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    logging.getLogger().addHandler(handler)
    try:
        with caplog.at_level(logging.DEBUG):
            answers = [
                send(port, path, body),
                send(port, path, b"{"),
                send(port, path, body[:-1] + b', "extra": 1}'),
                send(port, path, b"x" * 2_000_000),
                send(port, f"{path}?validationToken=ok"),
                send(port, f"{path}x", body),
                send(port, f"{path}/more", body),
                send(port, f"/v1/webhooks/github/{PATH_SECRET}", body),
                send(port, path, method="GET"),
                send(port, path, method="PUT"),
                send(port, path, method="DELETE"),
                _send_raw(port, f"POST {path} HTTP/1.1\r\nBroken\r\n\r\n"),
                _send_raw(port, f"POST {path} HTTP/9.9\r\nHost: x\r\n\r\n"),
            ]
            _break_store(desk)
            answers.append(send(port, path, json.dumps({**SIGNAL, "key": "k9"}).encode()))
    finally:
        logging.getLogger().removeHandler(handler)
    statuses = [status for status, _ in answers]
    assert statuses[:5] == [201, 400, 422, 413, 200]
    assert statuses[5:11] == [401, 404, 401, 405, 405, 405]
    assert statuses[-1] == 503
    output = capfd.readouterr()
    written = [caplog.text, stream.getvalue(), output.out, output.err]
    written += [repr(record.__dict__) for record in caplog.records]
    written += [answer for _, answer in answers]
    written += [str(metrics.exposition(), "utf-8")]
    assert caplog.records, "the failure was logged, so there is something to read"
    for text in written:
        assert PATH_SECRET not in text


def _send_raw(port, text):
    with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        connection.sendall(text.encode())
        connection.shutdown(socket.SHUT_WR)
        answer = b""
        while piece := connection.recv(65536):
            answer += piece
    return 0, answer.decode("latin-1")


def _break_store(desk):
    """Let the next write fail as no code expects it."""

    def fail(*_, **__):
        raise RuntimeError("the disk is gone")

    desk.store.database.write = fail
