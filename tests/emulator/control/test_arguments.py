"""Whatever the control API is sent, it answers with a sentence and not with a fault of its own."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

from bot.emulator.control.arguments import SCHEMAS, SENTENCES
from bot.emulator.server import build
from bot.emulator.web_api import METHODS
from tests.emulator.block_kit import BLOCKS, MODAL

# It gives a ticket for a connection and takes nothing.
API_METHODS = sorted(METHODS)
BUTTON = {"type": "button", "action_id": "go", "text": {"type": "plain_text", "text": "Go"}}
SEED = {
    "users": [{"id": "U0ANA", "name": "ana"}],
    "groups": [{"id": "S0OPS", "handle": "ops", "users": ["U0ANA"]}],
    "channels": [{"id": "C0OPS", "name": "ops", "members": ["U0ANA"]}],
}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3)
    ),
    max_leaves=6,
)
FIELDS = st.sampled_from(
    [
        "as",
        "channel",
        "ts",
        "action_id",
        "value",
        "view_id",
        "values",
        "shown",
        "text",
        "command",
        "callback_id",
        "name",
        "seconds",
        "to",
        "stops",
        "id",
        "users",
        "groups",
        "channels",
        "members",
        "team",
        "manifest",
        "revoked",
        "abruptly",
        "thread_ts",
        "context",
        "inputs",
        "tab",
        "slow_for",
        "seed",
        "down",
        "refuse",
        "answer_within",
        "forged_action_id",
        "blocks",
        "view",
        "trigger_id",
        "user",
        "limit",
        "cursor",
        "oldest",
        "metadata",
        "prompts",
        "post_at",
        "length",
        "files",
    ]
)
# What is there, so that a call gets past the first check.
KNOWN = st.sampled_from(
    ["U0ANA", "C0OPS", "S0OPS", "D0ANA", "1.000001", "go", "home", 0, 1.5, True, [], {}, SEED]
    + [{"type": "modal", **MODAL.least}, {"blocks": [{"type": "actions", "elements": [BUTTON]}]}]
    + [[{"type": kind, **sample.least}] for kind, sample in list(BLOCKS.items())[:4]]
)
BODIES = st.dictionaries(FIELDS, KNOWN | JSON, max_size=6)


@pytest.fixture(scope="module")
def client():
    with TestClient(build(), raise_server_exceptions=False) as client:
        client.post("/_ctl/seed", json=SEED)
        client.post("/_ctl/faults", json={"answer_within": 0.001})
        # Before anything arbitrary: that may take the app its token.
        blocks = [{"type": "actions", "elements": [BUTTON]}]
        body = {"channel": "C0OPS", "text": "x", "blocks": blocks}
        headers = {"Authorization": "Bearer xoxb-x"}
        answer = client.post("/api/chat.postMessage", json=body, headers=headers)
        client.app_state["message"] = answer.json()["ts"]
        yield client


@pytest.fixture
def message(client):
    """Return the ts of the message with a button, in #ops."""
    return client.app_state["message"]


def sentence_of(answer):
    """Return the sentence of a refusal."""
    assert answer.status_code == 400, answer.text
    return answer.json()["error"]


@settings(max_examples=25)
@given(body=BODIES, raw=st.binary(max_size=12))
@pytest.mark.parametrize("path", sorted(SCHEMAS))
def test_no_arguments_of_the_control_api_are_a_fault(client, message, path, body, raw):
    url = f"/_ctl/{path}"
    likely = {"as": "U0ANA", "channel": "C0OPS", "ts": message, "action_id": "go", **body}
    for content in (raw, json.dumps(body), json.dumps(likely), json.dumps(list(body))):
        answer = client.post(url, content=content)
        assert answer.status_code in {200, 400}, (content, answer.text)
        assert answer.status_code == 200 or answer.json()["error"]
    client.post("/_ctl/faults", json={"down": False, "slow_for": 0, "answer_within": 0.001})


@settings(max_examples=10)
@given(body=BODIES, raw=st.binary(max_size=12))
@pytest.mark.parametrize("name", API_METHODS)
def test_no_arguments_of_the_web_api_are_a_fault(client, name, body, raw):
    client.request("DELETE", "/_ctl/faults")
    headers = {"Authorization": "Bearer xoxb-x", "Content-Type": "application/json"}
    for content in (raw, json.dumps(body), json.dumps({"channel": "C0OPS", **body})):
        answer = client.post(f"/api/{name}", content=content, headers=headers)
        assert answer.status_code == 200, (content, answer.text)
        assert answer.json()["ok"] in {True, False}


@given(body=JSON)
def test_nor_are_those_of_a_response_url_or_of_a_query(client, body):
    content = json.dumps(body)
    assert client.post("/response/R1", content=content).status_code < 500
    for path in ("state", "messages", "traffic", "clock"):
        query = {"as": str(body), "channel": str(body), "ts": "x"}
        assert client.get(f"/_ctl/{path}", params=query).status_code < 500


def test_the_sentence_says_which_argument_is_wrong_and_why(client, message):
    place = {"as": "U0ANA", "channel": "C0OPS", "ts": message, "action_id": "go"}
    wrong = {
        "as is missing": {"action_id": "go"},
        "colour is no argument here": {**place, "colour": "red"},
        "ts: should be a valid string": {**place, "ts": 5},
        SENTENCES["user_not_found"]: {**place, "as": "U0NOBODY"},
        SENTENCES["channel_not_found"]: {**place, "channel": "C0NONE"},
        SENTENCES["message_not_found"]: {**place, "ts": "1.2"},
        "no_such_element": {**place, "action_id": "stop"},
    }
    for sentence, body in wrong.items():
        assert sentence_of(client.post("/_ctl/click", json=body)) == sentence
    assert sentence_of(client.post("/_ctl/click", content=b"{")) == "the body must be JSON"
    user = {"users": [{"id": "U0BEN"}]}
    assert sentence_of(client.post("/_ctl/seed", json=user)) == "users.0.name is missing"
    assert sentence_of(client.post("/_ctl/clock", json={})) == "seconds or to is missing"
    slow = client.post("/_ctl/faults", json={"slow_for": "long"})
    assert sentence_of(slow) == "slow_for must be a number that is not negative"
    fault = client.post("/_ctl/faults", json={"quake": True})
    assert sentence_of(fault) == "there is no fault 'quake'"
