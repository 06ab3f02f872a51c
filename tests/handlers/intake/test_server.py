"""Slow clients over real sockets keep nobody from being served."""

import asyncio
import contextlib
import http.client
import json
import selectors
import socket
import threading
import time
from http import HTTPStatus

import pytest

from handlers.intake.server import (
    ConnectionLimits,
    ConnectionSlots,
    build_server,
    client_address,
)
from tests.handlers.intake.deliveries import SIGNAL, TOKEN

ATTACKER = "127.0.0.2"
HONEST_CLIENT = "127.0.0.1"
TIMEOUT_SECONDS = 120
NOTHING = b""
HALF_A_HEADER = b"POST /v1/signals HTTP/1.1\r\nHost: x\r\nX-Slow: "
WHOLE_REQUEST = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
# With a signature: such a body is read before the request can be refused.
BODY_HEADERS = (
    b"POST /v1/signals HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    b"Webhook-Id: 1\r\nWebhook-Timestamp: 1\r\nWebhook-Signature: v1,x\r\n"
)
HALF_A_BODY = BODY_HEADERS + b"Content-Length: 200000\r\n\r\n" + b"x" * 1000
HUGE_BODY = BODY_HEADERS + b"Content-Length: 999999999999999\r\n\r\n"
PATIENT = ConnectionLimits(header_seconds=300, body_seconds=300, idle_seconds=300)


@contextlib.contextmanager
def running_server(app, limits):
    """Run a real server on loopback in a thread; yields its port."""
    # Bound here: a port that is only known to be free may be taken by another test meanwhile.
    listener = socket.create_server(("0.0.0.0", 0), backlog=2048)
    port = listener.getsockname()[1]
    server = build_server(app, host="0.0.0.0", port=port, limits=limits)
    thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
    thread.start()
    deadline = time.monotonic() + TIMEOUT_SECONDS
    while not server.started:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    try:
        yield port
    finally:
        server.should_exit = True
        thread.join(TIMEOUT_SECONDS)
        listener.close()


@pytest.fixture
def app(client):
    return client.app


@contextlib.contextmanager
def open_connections(port, count, message, address=ATTACKER):
    """Open connections; each sends the message, and then nothing."""
    with contextlib.ExitStack() as stack:
        connections = []
        for _ in range(count):
            connection = socket.create_connection(
                ("127.0.0.1", port), timeout=TIMEOUT_SECONDS, source_address=(address, 0)
            )
            stack.enter_context(connection)
            with contextlib.suppress(OSError):
                connection.sendall(message)
            connections.append(connection)
        yield connections


def send_signal(port, key):
    """Send a signal over its own connection and return the status."""
    connection = http.client.HTTPConnection(
        "127.0.0.1", port, timeout=TIMEOUT_SECONDS, source_address=(HONEST_CLIENT, 0)
    )
    with contextlib.closing(connection):
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {TOKEN}"}
        body = json.dumps({**SIGNAL, "key": key})
        connection.request("POST", "/v1/signals", body=body, headers=headers)
        return connection.getresponse().status


def send_signal_hastily(port, key):
    """Send a signal to a server that waits for nobody.

    This machine may be too slow for it.
    """
    deadline = time.monotonic() + TIMEOUT_SECONDS
    while True:
        with contextlib.suppress(ConnectionError):
            return send_signal(port, key)
        assert time.monotonic() < deadline


def wait_until_closed(connections, count):
    """Wait until the server has closed that many of the connections."""
    deadline = time.monotonic() + TIMEOUT_SECONDS
    closed_count = 0
    with selectors.DefaultSelector() as selector:
        for connection in connections:
            selector.register(connection, selectors.EVENT_READ)
        while closed_count < count:
            assert time.monotonic() < deadline, f"{closed_count} of {count}"
            for key, _ in selector.select(1):
                if is_closed(key.fileobj):
                    selector.unregister(key.fileobj)
                    closed_count += 1


def is_closed(connection):
    try:
        return connection.recv(10_000) == b""
    except OSError:
        return True


@pytest.mark.threat("C3")
def test_six_hundred_stalled_connections_keep_nobody_from_being_served(app):
    with (
        running_server(app, PATIENT) as port,
        open_connections(port, 300, HALF_A_HEADER) as stalled_headers,
        open_connections(port, 300, HALF_A_BODY) as stalled_bodies,
    ):
        statuses = [send_signal(port, f"k{number}") for number in range(5)]
        assert statuses == [201, 202, 202, 202, 202]
        wait_until_closed([*stalled_headers, *stalled_bodies], 600 - PATIENT.per_address)
        assert send_signal(port, "k9") == 202


@pytest.mark.threat("C3")
@pytest.mark.parametrize("message", [NOTHING, HALF_A_HEADER, HALF_A_BODY, WHOLE_REQUEST])
def test_whoever_says_nothing_more_is_let_go_of(app, message):
    limits = ConnectionLimits(header_seconds=0.2, body_seconds=0.2, idle_seconds=0.2)
    with running_server(app, limits) as port, open_connections(port, 20, message) as silent:
        wait_until_closed(silent, 20)
        assert send_signal_hastily(port, "k1") == 201


@pytest.mark.threat("C3")
def test_the_oldest_that_said_nothing_makes_room_when_all_places_are_taken(app):
    limits = ConnectionLimits(connections=8, per_address=0, header_seconds=60, idle_seconds=60)
    with (
        running_server(app, limits) as port,
        open_connections(port, 8, HALF_A_HEADER, address=HONEST_CLIENT) as connections,
    ):
        assert send_signal(port, "k1") == 201
        wait_until_closed(connections[:1], 1)


@pytest.mark.threat("C3")
def test_a_header_without_end_is_let_go_of(app):
    with (
        running_server(app, PATIENT) as port,
        open_connections(port, 1, HALF_A_HEADER) as (connection,),
    ):
        with contextlib.suppress(OSError):
            for _ in range(1000):
                connection.sendall(b"x" * 1000)
        wait_until_closed([connection], 1)


@pytest.mark.threat("C3")
def test_when_all_places_are_being_served_the_next_is_told_to_come_again():
    requests_inside = threading.Semaphore(0)
    may_answer = threading.Event()

    async def slow_app(scope, receive, send):
        requests_inside.release()
        await asyncio.to_thread(may_answer.wait, TIMEOUT_SECONDS)
        headers = [(b"content-length", b"0")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b""})

    with (
        running_server(slow_app, ConnectionLimits(per_address=2)) as port,
        open_connections(port, 2, WHOLE_REQUEST) as connections,
    ):
        for _ in connections:
            assert requests_inside.acquire(timeout=TIMEOUT_SECONDS)
        with open_connections(port, 1, NOTHING) as (late,):
            assert late.recv(1000).startswith(b"HTTP/1.1 503")
        may_answer.set()
        for connection in connections:
            assert connection.recv(1000).startswith(b"HTTP/1.1 200")


@pytest.mark.threat("C3")
def test_a_connection_is_used_again_and_again(app):
    with running_server(app, PATIENT) as port:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_SECONDS)
        statuses = []
        with contextlib.closing(connection):
            for _ in range(5):
                connection.request("GET", "/healthz")
                response = connection.getresponse()
                response.read()
                statuses.append(response.status)
        assert statuses == [HTTPStatus.OK] * 5


@pytest.mark.threat("C3")
def test_a_declared_length_that_is_too_large_is_refused_at_once(app):
    with (
        running_server(app, PATIENT) as port,
        open_connections(port, 1, HUGE_BODY) as (connection,),
    ):
        assert connection.recv(1000).startswith(b"HTTP/1.1 413")


@pytest.mark.threat("C3")
def test_one_client_is_an_address_or_the_network_that_one_customer_has():
    hosts = ["10.0.0.1", "::ffff:10.0.0.1", "2001:db8::1", "2001:db8::2%eth0", "x"]
    addresses = [client_address((host, 1)) for host in hosts]
    assert addresses == ["10.0.0.1", "10.0.0.1", "2001:db8::/64", "2001:db8::/64", "x"]
    assert client_address(None) == ""
    assert client_address("") == ""
    assert ConnectionSlots(ConnectionLimits()).limits.per_address == 64
