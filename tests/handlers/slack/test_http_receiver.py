"""Slack over HTTP: signed requests decide, forged ones are not read."""

import asyncio
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from slack_bolt import App
from slack_bolt.authorization import AuthorizeResult
from starlette.applications import Starlette

from bot.desk.decision_priority import DecisionPriority
from handlers.slack import http_receiver
from tests.handlers.slack.requests import (
    SIGNING_SECRETS,
    post_signed,
    press_body,
    signed_headers,
)


@pytest.mark.parametrize("secret", ["new-secret", "old-secret"])
def test_a_signed_press_decides_and_is_acknowledged_after_it_is_stored(receiver, secret):
    case = receiver.world.proposed()
    assert post_signed(receiver, press_body(case), secret).status_code == 200
    assert receiver.world.case(case).proposal.approvals[0].name == "Ana"


def test_the_identical_press_a_hundred_times_is_one_decision(receiver):
    case = receiver.world.proposed()
    body = press_body(case)
    statuses = {post_signed(receiver, body).status_code for _ in range(100)}
    assert statuses == {200}
    assert receiver.world.entry_names(case).count("approval.given") == 1


@pytest.mark.parametrize(("seconds", "status"), [(-299, 200), (-302, 401), (298, 200), (302, 401)])
def test_five_minutes_either_side(receiver, seconds, status):
    body = press_body(receiver.world.proposed())
    assert post_signed(receiver, body, at=time.time() + seconds).status_code == status


FORGED_HEADERS = [
    {"x-slack-signature": None},
    {"x-slack-signature": ""},
    {"x-slack-signature": "v0="},
    {"x-slack-signature": "v0=" + "0" * 64},
    {"x-slack-signature": b"v0=\xff"},
    {"x-slack-signature": "v1=" + "0" * 64},
    {"x-slack-request-timestamp": None},
    {"x-slack-request-timestamp": "abc"},
    {"x-slack-request-timestamp": "1e9"},
    {"x-slack-request-timestamp": "-1"},
    {"x-slack-request-timestamp": "9" * 40},
    {"x-slack-request-timestamp": "1 "},
    {"x-slack-request-timestamp": "١"},
]


@pytest.mark.parametrize("headers", FORGED_HEADERS, ids=range(len(FORGED_HEADERS)))
def test_a_forged_request_is_401_before_anything_is_parsed(receiver, headers):
    case = receiver.world.proposed()
    ((name, value),) = headers.items()
    if isinstance(value, str):
        value = value.encode()
    assert post_signed(receiver, press_body(case), **{name: value}).status_code == 401
    assert receiver.world.case(case).proposal.approvals == ()


def test_another_secret_an_unsigned_check_and_a_body_that_is_too_large_are_refused(receiver):
    body = press_body(receiver.world.proposed())
    assert post_signed(receiver, body, "wrong").status_code == 401
    assert receiver.post("/slack/events", content=b"ssl_check=1").status_code == 401
    assert receiver.post("/slack/events", content=b"x" * 1_100_000).status_code == 413


@pytest.mark.parametrize(
    "body",
    [
        b"payload=zzz",
        b"payload=[]",
        b"payload=%5B%5B%5B",
        b"payload=" + b"[" * 3000,
        b"{}",
        b"[]",
        b"null",
        b"\xff\xfe",
        b"",
        b'{"type":"url_verification","challenge":"x"}',
    ],
)
def test_a_signed_body_that_is_not_slacks_is_never_5xx(receiver, body):
    for content_type in ("application/x-www-form-urlencoded", "application/json"):
        response = post_signed(receiver, body, **{"content-type": content_type})
        assert response.status_code < 500


@pytest.mark.threat("C3")
def test_a_length_that_is_too_large_is_refused_before_it_is_waited_for(receiver):
    expected = {"9" * 40: 413, "1000001": 413, "\xb2": 401, "x": 401, "": 401}
    statuses = {}
    for length in expected:
        headers = {
            "content-length": length.encode("latin-1"),
            "x-slack-signature": b"v0=" + b"0" * 64,
        }
        response = receiver.post("/slack/events", content=b"x", headers=headers)
        statuses[length] = response.status_code
    assert statuses == expected


class Requests:
    """A receiver with one button, called as a server calls it."""

    def __init__(self, handle) -> None:
        app = App(
            process_before_response=True,
            token_verification_enabled=False,
            request_verification_enabled=False,
            authorize=lambda: AuthorizeResult(enterprise_id=None, team_id="T1"),
        )
        app.action("case.approve")(handle)
        self.priority = DecisionPriority(max_wait=300)
        route = http_receiver.route(app, SIGNING_SECRETS, lambda: datetime.now(UTC), self.priority)
        self.app = Starlette(routes=[route])

    async def press(self, answered: Callable[[int], object]) -> None:
        """Send a press, and tell when its answer has left."""
        messages = []

        async def receive():
            return {"type": "http.request", "body": PRESS, "more_body": False}

        async def send(message):
            messages.append(message)
            if message["type"] == "http.response.body":
                answered(messages[0]["status"])

        scope = {
            "type": "http",
            "method": "POST",
            "path": "/slack/events",
            "query_string": b"",
            "headers": [
                (name.encode(), value.encode()) for name, value in signed_headers(PRESS).items()
            ],
        }
        await self.app(scope, receive, send)


PRESS = press_body(None, value="x")


def test_a_press_is_answered_before_its_listener_has_ended():
    """A private answer may take Slack a second, of the three that a press has."""
    going_on, order = threading.Event(), []

    def handle(ack):
        order.append(requests.priority.is_rush())
        ack()
        going_on.wait(60)
        order.append(requests.priority.is_rush())

    def answered(status):
        order.append(status)
        going_on.set()

    requests = Requests(handle)
    asyncio.run(requests.press(answered))
    # The request itself is over with the listener, which no end of the server may cut off.
    assert order == [True, 200, False]


def test_a_listener_that_fails_is_answered_and_holds_up_no_work():
    def fail(ack):
        raise RuntimeError

    requests, statuses = Requests(fail), []
    asyncio.run(requests.press(statuses.append))
    assert statuses == [500]
    assert not requests.priority.is_rush()
