"""Clients that hold on to the server: over real sockets, whoever says nothing is let go of, and the honest one is served."""

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

from handlers.intake.app import IntakeApi, build_app
from handlers.intake.authentication import Sources
from handlers.intake.readiness import Readiness
from handlers.intake.server import ConnectionLimits, ConnectionSlots, build_server, client_address
from tests.doors.test_intake_http import CREDENTIALS, GOOD, SOURCES, TOKEN

ATTACKER, HONEST = "127.0.0.2", "127.0.0.1"
HALF_A_HEADER = b"POST /v1/signals HTTP/1.1\r\nHost: x\r\nX-Slow: "
# With a signature it is read before it can be refused.
HALF_A_BODY = (
    b"POST /v1/signals HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nWebhook-Id: 1\r\n"
    b"Webhook-Timestamp: 1\r\nWebhook-Signature: v1,x\r\nContent-Length: 200000\r\n\r\n"
    + b"x"
    * 1000
)
PATIENT = ConnectionLimits(header_seconds=60, body_seconds=60, idle_seconds=60)


@contextlib.contextmanager
def serving(app, limits):
    """A real server on loopback, in a thread of its own; yields its port."""
    # Bound here: a port that is only known to be free may be taken by another test meanwhile.
    door = socket.create_server(("0.0.0.0", 0), backlog=2048)
    port = door.getsockname()[1]
    running = build_server(app, host="0.0.0.0", port=port, limits=limits)
    thread = threading.Thread(target=running.run, args=([door],), daemon=True)
    thread.start()
    ends = time.monotonic() + 30
    while not running.started:
        assert time.monotonic() < ends
        time.sleep(0.01)
    try:
        yield port
    finally:
        running.should_exit = True
        thread.join(30)
        door.close()


@pytest.fixture
def app(small_world):
    return build_app(
        IntakeApi(small_world.desk.intake, Sources(SOURCES, CREDENTIALS), (), lambda: [])
    )


@contextlib.contextmanager
def connected(port, many, said, address=ATTACKER):
    """That many connections from this address, which say this and then nothing."""
    with contextlib.ExitStack() as stack:
        held = []
        for _ in range(many):
            one = stack.enter_context(
                socket.create_connection(("127.0.0.1", port), 30, source_address=(address, 0))
            )
            with contextlib.suppress(OSError):
                one.sendall(said)
            held.append(one)
        yield held


def send(port, key):
    """The status that an honest client gets for a signal, on a connection of its own."""
    connection = http.client.HTTPConnection(
        "127.0.0.1", port, timeout=60, source_address=(HONEST, 0)
    )
    with contextlib.closing(connection):
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {TOKEN}"}
        connection.request("POST", "/v1/signals", json.dumps({**GOOD, "key": key}), headers)
        return connection.getresponse().status


def let_go_of(held, many):
    """Wait until the server has ended that many of these."""
    with selectors.DefaultSelector() as selector:
        for one in held:
            selector.register(one, selectors.EVENT_READ)
        ends, ended = time.monotonic() + 60, 0
        while ended < many:
            assert time.monotonic() < ends, f"{ended} of {many}"
            for key, _ in selector.select(1):
                if is_over(key.fileobj):
                    selector.unregister(key.fileobj)
                    ended += 1


def is_over(one):
    try:
        return one.recv(10_000) == b""
    except OSError:
        return True


@pytest.mark.threat("C3")
def test_six_hundred_stalled_connections_keep_nobody_from_being_served(app):
    with (
        serving(app, PATIENT) as port,
        connected(port, 300, HALF_A_HEADER) as headers,
        connected(port, 300, HALF_A_BODY) as bodies,
    ):
        assert [send(port, f"k{number}") for number in range(5)] == [201, 202, 202, 202, 202]
        let_go_of([*headers, *bodies], 600 - PATIENT.per_address)
        assert send(port, "k9") == 202


@pytest.mark.threat("C3")
@pytest.mark.parametrize(
    "said", [b"", HALF_A_HEADER, HALF_A_BODY, b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"]
)
def test_whoever_says_nothing_more_is_let_go_of(app, said):
    limits = ConnectionLimits(header_seconds=0.2, body_seconds=0.2, idle_seconds=0.2)
    with serving(app, limits) as port, connected(port, 20, said) as held:
        let_go_of(held, 20)
        assert send(port, "k1") == 201


@pytest.mark.threat("C3")
def test_the_oldest_that_said_nothing_makes_room_when_all_places_are_taken(app):
    limits = ConnectionLimits(connections=8, per_address=0, header_seconds=60, idle_seconds=60)
    with serving(app, limits) as port, connected(port, 8, HALF_A_HEADER, HONEST) as held:
        assert send(port, "k1") == 201
        let_go_of(held[:1], 1)


@pytest.mark.threat("C3")
def test_a_header_without_end_is_let_go_of(app):
    with serving(app, PATIENT) as port, connected(port, 1, HALF_A_HEADER) as held:
        with contextlib.suppress(OSError):
            for _ in range(1000):
                held[0].sendall(b"x" * 1000)
        let_go_of(held, 1)


@pytest.mark.threat("C3")
def test_when_all_places_are_being_served_the_next_is_told_to_come_again():
    inside, leave = threading.Semaphore(0), threading.Event()

    async def busy(scope, receive, send):
        inside.release()
        await asyncio.to_thread(leave.wait, 60)
        await send(
            {"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]}
        )
        await send({"type": "http.response.body", "body": b""})

    said = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
    with serving(busy, ConnectionLimits(per_address=2)) as port, connected(port, 2, said) as held:
        assert all(inside.acquire(timeout=60) for _ in range(2))
        with connected(port, 1, b"") as late:
            assert late[0].recv(1000).startswith(b"HTTP/1.1 503")
        leave.set()
        assert all(one.recv(1000).startswith(b"HTTP/1.1 200") for one in held)


@pytest.mark.threat("C3")
def test_a_connection_is_used_again_and_again(app):
    with serving(app, PATIENT) as port:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        statuses = []
        with contextlib.closing(connection):
            for _ in range(5):
                connection.request("GET", "/healthz")
                answer = connection.getresponse()
                answer.read()
                statuses.append(answer.status)
        assert statuses == [HTTPStatus.OK] * 5


@pytest.mark.threat("C3")
def test_a_declared_length_that_is_too_large_is_refused_at_once(app):
    said = HALF_A_BODY.replace(b"200000", b"9" * 15).replace(b"x" * 1000, b"")
    with serving(app, PATIENT) as port, connected(port, 1, said) as held:
        assert held[0].recv(1000).startswith(b"HTTP/1.1 413")


@pytest.mark.threat("C3")
def test_one_client_is_an_address_or_the_network_that_one_customer_has():
    names = [
        client_address((host, 1))
        for host in ("10.0.0.1", "::ffff:10.0.0.1", "2001:db8::1", "2001:db8::2%eth0", "x")
    ]
    assert names == ["10.0.0.1", "10.0.0.1", "2001:db8::/64", "2001:db8::/64", "x"]
    assert (
        client_address(None),
        client_address(""),
        ConnectionSlots(ConnectionLimits()).limits.per_address,
    ) == ("", "", 64)


# --- is it ready? ------------------------------------------------------------------------------------------------------------


@pytest.mark.threat("C3")
def test_however_many_ask_whether_it_is_ready_slack_is_asked_once():
    asked, go_on = [], threading.Event()

    def check():
        asked.append(1)
        assert go_on.wait(60)
        return ["Slack: away"]

    async def many():
        readiness = Readiness(ready_seconds=60, not_ready_seconds=60)
        waiting = [asyncio.create_task(readiness.problems(check)) for _ in range(50)]
        await asyncio.sleep(0)
        waiting.pop().cancel()
        go_on.set()
        answers = await asyncio.gather(*waiting)
        return [*answers, await readiness.problems(check)]

    assert asyncio.run(many()) == [["Slack: away"]] * 50
    assert len(asked) == 1


@pytest.mark.threat("C3")
def test_that_it_is_ready_now_is_told_sooner_than_that_it_is_not_any_more():
    verdicts = [["Slack: away"], [], ["Slack: away"]]

    async def ask():
        readiness = Readiness(ready_seconds=60, not_ready_seconds=0)
        return [await readiness.problems(lambda: verdicts.pop(0)) for _ in range(4)]

    assert asyncio.run(ask()) == [["Slack: away"], [], [], []]
