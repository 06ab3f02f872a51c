"""Errors of the API: a refusal, a doubt, a wait, or nothing sent."""

import http.client
import urllib.error

import pytest
from slack_sdk.errors import SlackApiError, SlackRequestError

from bot.cases.errors import ChatFailed, ChatUnknown, LockedOut, RateLimited, Unreachable
from handlers.slack.api import SlackApi, slack_errors
from handlers.slack.rate_limiter import RateLimiter
from tests.handlers.slack.fake_client import FakeWebClient, response


def kind_of(error):
    with pytest.raises(ChatFailed) as failure, slack_errors():
        raise error
    return type(failure.value)


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (response("channel_not_found"), ChatFailed),
        (response("internal_error"), ChatUnknown),
        (response("channel_not_found", status=503), ChatUnknown),
        (response("<html>Please log in</html>"), ChatUnknown),
        (response(b"not JSON"), ChatUnknown),
        (response({}), ChatUnknown),
        (response("invalid_auth"), LockedOut),
        (response("ratelimited", status=429), RateLimited),
    ],
)
def test_an_answer_that_refuses(answer, kind):
    assert kind_of(SlackApiError("refused", answer)) is kind


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (ConnectionRefusedError(), Unreachable),
        (urllib.error.URLError(ConnectionRefusedError()), Unreachable),
        (SlackRequestError("no request"), Unreachable),
        (ConnectionResetError(), ChatUnknown),
        (TimeoutError(), ChatUnknown),
        (http.client.IncompleteRead(b""), ChatUnknown),
    ],
)
def test_a_call_without_an_answer(error, kind):
    assert kind_of(error) is kind


@pytest.mark.parametrize(
    ("headers", "seconds"), [({"Retry-After": "30"}, 30.0), ({"retry-after": "7"}, 7.0), ({}, 1.0)]
)
def test_the_time_to_wait_is_slacks_own(headers, seconds):
    answer = response("ratelimited", status=429, headers=headers)
    with pytest.raises(RateLimited) as failure, slack_errors():
        raise SlackApiError("refused", answer)
    assert failure.value.seconds == seconds


def test_a_permalink_is_made_without_a_call_once_the_workspace_is_known():
    client = FakeWebClient()
    api = SlackApi(client, RateLimiter(0, 1))
    client.errors["auth.test"] = ["internal_error"]
    assert api.permalink("C1", "1.000002") == ""
    assert api.permalink("C1", "1.000002") == "https://example.slack.com/archives/C1/p1000002"
    assert api.permalink("C1", "") == ""
    assert [method for method, _ in client.calls] == ["auth.test", "auth.test"]


def test_a_person_is_written_to_in_their_direct_messages():
    api = SlackApi(FakeWebClient(), RateLimiter(0, 1))
    assert [api.channel_id(recipient) for recipient in ("C1", "U1", "W1")] == ["C1", "DU1", "DW1"]
