"""Callbacks: signed, in time, and never to an address of our own."""

import socket
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network

import httpx
import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from bot.cases.errors import ConnectorFailed, OutcomeUnknown
from bot.cases.program import Callback, Program
from bot.connectors.callbacks import CallbackSender, callback_problems
from bot.connectors.http_transport import AddressRules, AsyncGuardedTransport
from bot.ports.event_sender import Reception
from tests.fakes.receiver import OLD_SECRET, SECRET, Receiver
from tests.fakes.servers import Silent, serving
from tests.waiting import wait_until

LOOPBACK = (ip_network("127.0.0.0/8"), ip_network("::1"))
SECRETS = {"HOOK_SECRET": SECRET, "HOOK_SECRET_OLD": OLD_SECRET, "WRONG": "whsec_ä"}
BODY = '{"id": "EX-1-2-case_opened"}'


@pytest.fixture
def receiver():
    receiver = Receiver()
    yield receiver
    receiver.close()


def sender(*networks, timeout_seconds=60.0):
    return CallbackSender(
        lambda name: SECRETS.get(name, ""), networks, timeout_seconds=timeout_seconds
    )


def post(url, *, to=None, names=("HOOK_SECRET",), event_id="EX-1-2-case_opened"):
    return (to or sender(*LOOPBACK)).send(
        Callback(url=url, secret_env=names),
        event_id=event_id,
        body=BODY,
        now=datetime.now(UTC),
    )


def test_an_event_is_signed_and_its_receiver_can_tell(receiver):
    assert post(receiver.url) is Reception.ACCEPTED
    (received,) = receiver.posts
    Webhook(SECRET).verify(received.body, received.headers)
    assert received.headers["content-type"].startswith("application/cloudevents+json")
    assert received.headers["webhook-id"] == "EX-1-2-case_opened"
    with pytest.raises(WebhookVerificationError):
        Webhook(OLD_SECRET).verify(received.body, received.headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify(received.body + b" ", received.headers)


def test_two_secrets_sign_the_same_event_while_they_are_changed(receiver):
    post(receiver.url, names=("HOOK_SECRET", "HOOK_SECRET_OLD"))
    (received,) = receiver.posts
    for secret in (SECRET, OLD_SECRET):
        Webhook(secret).verify(received.body, received.headers)


def test_a_secret_that_is_not_set_or_is_none_posts_nothing(receiver):
    with pytest.raises(ConnectorFailed, match="GONE_SECRET is not set"):
        post(receiver.url, names=("GONE_SECRET",))
    with pytest.raises(ConnectorFailed, match="WRONG must be a secret of Standard Webhooks"):
        post(receiver.url, names=("WRONG",))
    assert receiver.posts == []


def test_a_callback_that_nothing_can_be_posted_to_is_named_before_a_start():
    def problems(*names):
        callback = Callback(url="https://hooks.example/", secret_env=names) if names else None
        programs = {"till": Program(name="till", title="The till", callback=callback)}
        return list(callback_problems(programs, lambda name: SECRETS.get(name, "")))

    assert problems() == []
    assert problems("GONE_SECRET", "HOOK_SECRET") == []
    assert problems("GONE_SECRET") == ["GONE_SECRET is not set: set it, or till is told of nothing"]
    assert problems("HOOK_SECRET", "WRONG") == [
        "HOOK_SECRET and WRONG must be whsec_ and base64, or till is told of nothing"
    ]


def test_gone_is_told_apart_from_failures(receiver):
    receiver.status = 410
    assert post(receiver.url) is Reception.GONE
    for status in (400, 404, 429, 500, 503):
        receiver.status = status
        with pytest.raises(ConnectorFailed, match=f"answered {status}") as failure:
            post(receiver.url)
        # An unknown outcome would be waited for without end.
        assert not isinstance(failure.value, OutcomeUnknown)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(receiver, status):
    target = Receiver()
    try:
        receiver.status, receiver.headers = status, {"Location": target.url}
        with pytest.raises(ConnectorFailed, match=f"answered {status}"):
            post(receiver.url)
        assert target.posts == []
    finally:
        target.close()


def test_a_receiver_that_hangs_ends_in_time():
    with serving(Silent()) as server:
        with pytest.raises(ConnectorFailed, match="no answer within"):
            post(f"http://127.0.0.1:{server.port}/", to=sender(*LOOPBACK, timeout_seconds=1))
        wait_until(lambda: server.requests, "the post at the receiver")


def test_the_body_of_an_answer_is_not_read(receiver):
    # It says that a terabyte follows, and sends none of it.
    receiver.headers = {"Content-Encoding": "gzip", "X-Length": "1000000000000"}
    assert post(receiver.url) is Reception.ACCEPTED


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "localhost",
        "0x7f000001",
        "2130706433",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[64:ff9b::127.0.0.1]",
        "[2002:7f00:1::]",
        "169.254.169.254",
        "[::ffff:169.254.169.254]",
        "10.0.0.1",
        "192.168.1.1",
        "[fe80::1]",
        "[fd00:ec2::254]",
        "100.100.100.200",
        "0.0.0.0",
    ],
)
def test_an_address_of_our_own_is_refused_unless_it_is_allowed(receiver, host):
    with pytest.raises(ConnectorFailed, match="COUNTERSIGN_CALLBACK_NETWORKS"):
        post(f"http://{host}:{receiver.port}/events", to=sender())
    assert receiver.posts == []


def test_a_name_that_leads_inside_is_refused(receiver, monkeypatch):
    def resolve(address):
        row = (socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, receiver.port))
        public = (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("8.8.8.8", receiver.port))
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [public, row])

    for address in ("127.0.0.1", "169.254.169.254", "::ffff:10.0.0.1"):
        resolve(address)
        with pytest.raises(ConnectorFailed, match="COUNTERSIGN_CALLBACK_NETWORKS"):
            post(f"http://hooks.example:{receiver.port}/events", to=sender())
    assert receiver.posts == []


def test_a_name_is_resolved_once_and_the_connection_goes_to_what_was_checked(receiver, monkeypatch):
    looks = []
    look_up = socket.getaddrinfo

    def rebind(host, port, *more, **options):
        if host != "hooks.example":
            return look_up(host, port, *more, **options)
        # The second look would lead elsewhere.
        looks.append(host)
        address = "127.0.0.1" if len(looks) == 1 else "127.0.0.9"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

    monkeypatch.setattr(socket, "getaddrinfo", rebind)
    assert post(f"http://hooks.example:{receiver.port}/events") is Reception.ACCEPTED
    assert looks == ["hooks.example"]
    assert receiver.posts[0].headers["host"] == f"hooks.example:{receiver.port}"


def test_a_network_that_is_allowed_lets_its_hosts_be_reached_however_they_are_written(receiver):
    for host in ("127.0.0.1", "localhost", "[::ffff:127.0.0.1]"):
        assert post(f"http://{host}:{receiver.port}/events") is Reception.ACCEPTED
    with pytest.raises(ConnectorFailed, match="COUNTERSIGN_CALLBACK_NETWORKS"):
        post(f"http://127.0.0.1:{receiver.port}/", to=sender(ip_network("10.0.0.0/8")))


def test_an_address_that_is_none_is_a_failure_and_not_a_crash():
    for url in ("http://[::1", "http://exa mple/", "http://" + "a" * 70 + ".example/x"):
        callback = Callback(url=url, secret_env=("HOOK_SECRET",))
        with pytest.raises(ConnectorFailed, match="no answer|not a public"):
            sender().send(callback, event_id="x", body="{}", now=datetime.now(UTC))


def test_a_failure_does_not_show_the_address(receiver):
    with pytest.raises(ConnectorFailed) as failure:
        post("http://127.0.0.1:9/secret-path", to=sender(*LOOPBACK))
    assert "secret-path" not in str(failure.value)


async def _get(url: str, rules: AddressRules) -> int:
    async with httpx.AsyncClient(transport=AsyncGuardedTransport(rules), timeout=60) as client:
        return (await client.post(url, content=b"{}")).status_code


def test_the_asynchronous_transport_has_the_same_guard(receiver):
    import anyio

    assert anyio.run(_get, receiver.url, AddressRules(networks=LOOPBACK)) == 200
    with pytest.raises(httpx.ConnectError, match="private"):
        anyio.run(_get, receiver.url, AddressRules())
    assert len(receiver.posts) == 1


def test_a_signature_is_of_the_time_of_its_attempt(receiver):
    old = datetime.now(UTC) - timedelta(hours=1)
    sender(*LOOPBACK).send(
        Callback(url=receiver.url, secret_env=("HOOK_SECRET",)),
        event_id="e",
        body="{}",
        now=old,
    )
    with pytest.raises(WebhookVerificationError, match="too old"):
        Webhook(SECRET).verify(receiver.posts[0].body, receiver.posts[0].headers)
