"""Calls end in time, and a strange answer is no refusal."""

import contextlib
import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.cases.errors import ChatFailed, ChatUnknown, ConnectorFailed, OutcomeUnknown
from bot.connectors.message import MessageAction, MessageConnector, MessageSystem
from bot.connectors.parameters import ParameterType
from bot.ports.connector import EffectStatus
from handlers.slack.chat import SlackChat
from handlers.slack.http_connections import HttpAnswer
from handlers.slack.rate_limiter import RateLimiter
from handlers.slack.web_client import web_client
from tests.fakes.servers import Dripping, Silent, serving
from tests.metric_samples import sample

TELL = MessageAction(
    name="tell",
    parameters={"to": ParameterType.TEXT, "text": ParameterType.TEXT},
    target="channel:{to}",
    summary="Tell {to}",
    preview="“{text}”",
)


def chat_at(server, seconds=0.5):
    client = web_client("xoxb-emulator", f"http://127.0.0.1:{server.port}/api/")
    client.timeout = seconds
    return SlackChat(client, RateLimiter(0, 1))


@pytest.mark.threat("A3")
@pytest.mark.parametrize("server_class", [Dripping, Silent])
def test_a_slack_that_answers_too_slowly_leaves_the_message_in_doubt(server_class):
    with serving(server_class()) as server:
        with pytest.raises(ChatUnknown):
            chat_at(server).send("C0STOCK", "hello", "k1")
        assert b"POST /api/chat.postMessage" in server.requests[0]


@pytest.mark.threat("A3")
def test_a_message_as_an_action_ends_within_the_time_of_its_system():
    # A machine that stands still for a moment must not use it up before the request is sent.
    system = MessageSystem(name="slack", actions={"tell": TELL}, timeout=timedelta(seconds=2))
    with serving(Silent()) as server:
        chat = chat_at(server, seconds=60)
        connector = MessageConnector(system, chat)
        action = connector.prepare("tell", {"to": "C0STOCK", "text": "hello"})
        with pytest.raises(OutcomeUnknown):
            connector.execute(action, "k1")
        assert connector.verify(action, "k1") is EffectStatus.UNKNOWN
        connector = MessageConnector(replace(system, timeout=timedelta(seconds=0.5)), chat)
        # Another call of the method is under way: it is not waited for without end.
        with (
            chat.api.limiter.slot("chat.postMessage", "C0STOCK"),
            pytest.raises(ConnectorFailed) as failure,
        ):
            in_another_thread(lambda: connector.execute(action, "k1"))
        assert (type(failure.value), failure.value.retryable) == (ConnectorFailed, True)


def in_another_thread(call):
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(call).result()


@pytest.mark.threat("A2")
def test_a_page_from_somewhere_on_the_way_is_no_refusal_by_slack():
    with (
        serving(Dripping(b"<html>Please log in</html>", every=0)) as server,
        pytest.raises(ChatUnknown),
    ):
        chat_at(server, seconds=60).send("C0STOCK", "hello", "k1")


def test_a_text_that_is_no_utf_8_is_sent_all_the_same():
    with serving(Dripping(b'{"ok": true, "ts": "1.0"}', every=0)) as server:
        assert chat_at(server, seconds=60).send("C0STOCK", "half \ud83d", "k1") == "1.0"
        assert rb"half \ud83d" in server.requests[0]


def test_a_refusal_of_slack_names_its_word():
    with (
        serving(Dripping(b'{"ok": false, "error": "not_in_channel"}', every=0)) as server,
        pytest.raises(ChatFailed) as failure,
    ):
        chat_at(server, seconds=60).send("C0STOCK", "hello", "k1")
    assert failure.value.error == "not_in_channel"


@pytest.mark.parametrize(
    ("status", "body", "outcome"),
    [
        (200, {"ok": True, "ts": "1.0", "channel": "C0STOCK"}, "ok"),
        (200, {"ok": False, "error": "not_in_channel"}, "refused"),
        (429, {"ok": False, "error": "ratelimited"}, "rate_limited"),
        (503, {"ok": False, "error": "service_unavailable"}, "failed"),
    ],
)
def test_calls_are_counted_by_their_outcome_and_timed(monkeypatch, status, body, outcome):
    method = "chat.postMessage"
    names = {"method": method, "outcome": outcome}
    count = sample("countersign_slack_calls_total", **names)
    timed = sample("countersign_slack_call_seconds_count", method=method)
    client = web_client("xoxb-emulator", "http://127.0.0.1:9/api/")
    answer = HttpAnswer(status=status, headers={"Retry-After": "1"}, body=json.dumps(body).encode())
    monkeypatch.setattr(client, "_post", lambda *_: answer)
    with contextlib.suppress(ChatFailed):
        SlackChat(client, RateLimiter(0, 1)).api.post(method, channel="C0STOCK", text="hello")
    assert sample("countersign_slack_calls_total", **names) == count + 1
    assert sample("countersign_slack_call_seconds_count", method=method) == timed + 1


def test_a_call_that_reaches_nobody_has_failed():
    names = {"method": "chat.postMessage", "outcome": "failed"}
    before = sample("countersign_slack_calls_total", **names)
    client = web_client("xoxb-emulator", "http://127.0.0.1:9/api/")
    with pytest.raises(ChatFailed):
        SlackChat(client, RateLimiter(0, 1)).api.post("chat.postMessage", channel="C0STOCK")
    assert sample("countersign_slack_calls_total", **names) == before + 1
