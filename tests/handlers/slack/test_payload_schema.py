"""Signed payloads of another shape than Slack's: a 4xx, never a 5xx."""

import copy
import json
from urllib.parse import urlencode

import pytest

from handlers.cards import ids
from handlers.slack.payload_schema import is_slack_payload
from tests.conftest import SHARED
from tests.handlers.slack.requests import FORM, JSON, form_body, post_signed, press_body

PERSON = {
    "user": {"id": "UANA", "team_id": "T1"},
    "team": {"id": "T1", "domain": "x"},
    "trigger_id": "t",
    "enterprise": None,
    "is_enterprise_install": False,
}
VIEW = {
    "id": "V1",
    "type": "modal",
    "callback_id": ids.REJECT_FORM,
    "private_metadata": "EX-1:1",
    "state": {"values": {"b": {"note": {"type": "plain_text_input", "value": "x"}}}},
}
ACTION = {
    "type": "button",
    "action_id": ids.APPROVE,
    "block_id": "b",
    "value": "EX-1:1",
    "action_ts": "1.0",
}
MESSAGE = {
    "type": "message",
    "channel_type": "im",
    "user": "UANA",
    "text": "hi",
    "ts": "2.0",
    "channel": "D1",
}
PAYLOADS = {
    "press": {**PERSON, "type": "block_actions", "channel": {"id": "C1"}, "actions": [ACTION]},
    "kind": {
        **PERSON,
        "type": "block_actions",
        "view": VIEW,
        "actions": [{**ACTION, "action_id": ids.RAISE_KIND}],
    },
    "form": {**PERSON, "type": "view_submission", "view": VIEW},
    "shortcut": {**PERSON, "type": "shortcut", "callback_id": ids.FROM_ANYWHERE},
    "event": {
        "type": "event_callback",
        "team_id": "T1",
        "event": MESSAGE,
        "authorizations": [{"team_id": "T1"}],
    },
}
ODD = (None, [], {}, 5, True, "\ud800", [[]], {"a": {}})


def paths(value, parent=()):
    """List the path to every part of a payload."""
    items = ()
    if isinstance(value, dict):
        items = value.items()
    elif isinstance(value, list):
        items = enumerate(value)
    for name, part in items:
        yield (*parent, name)
        yield from paths(part, (*parent, name))


def copy_and_find(payload, path):
    """Copy a payload; return it and the parent of the part."""
    duplicate = copy.deepcopy(payload)
    parent = duplicate
    for name in path[:-1]:
        parent = parent[name]
    return duplicate, parent


def without(payload, path):
    duplicate, parent = copy_and_find(payload, path)
    del parent[path[-1]]
    return duplicate


def with_part(payload, path, value):
    duplicate, parent = copy_and_find(payload, path)
    parent[path[-1]] = value
    return duplicate


def status_of(receiver, payload):
    if isinstance(payload, dict) and payload.get("type") == "event_callback":
        return post_signed(receiver, json.dumps(payload).encode(), **JSON).status_code
    return post_signed(receiver, form_body(payload), **FORM).status_code


@pytest.mark.threat("C4")
def test_a_payload_with_any_part_missing_or_odd_is_never_5xx(receiver):
    statuses = {}
    for name, payload in PAYLOADS.items():
        for number, path in enumerate(paths(payload)):
            odd = ODD[number % len(ODD)]
            statuses[name, path, "missing"] = status_of(receiver, without(payload, path))
            statuses[name, path, repr(odd)] = status_of(receiver, with_part(payload, path, odd))
    assert {place: status for place, status in statuses.items() if status >= 500} == {}
    assert {name for (name, _, _), status in statuses.items() if status == 400} == set(PAYLOADS)


@pytest.mark.threat("C4")
def test_a_payload_that_is_no_payload_is_400(receiver):
    payloads = [None, [], [{}], "x", 5, True, {"type": []}, {"authorizations": [None]}]
    statuses = [status_of(receiver, payload) for payload in payloads]
    assert statuses == [400] * len(payloads)


@pytest.mark.threat("C4")
@pytest.mark.parametrize("depth", [500, 100_000])
def test_a_payload_that_is_nested_too_deeply_is_4xx(receiver, depth):
    nested = '{"type":"shortcut","a":' + "[" * depth + "]" * depth + "}"
    in_form = post_signed(receiver, urlencode({"payload": nested}).encode(), **FORM)
    in_json = post_signed(receiver, nested.encode(), **JSON)
    assert {in_form.status_code, in_json.status_code} <= {400, 404}


@pytest.mark.threat("C4")
def test_a_command_that_says_too_little_is_400(receiver):
    body = urlencode({"command": "/exceptions", "text": "list"}).encode()
    assert post_signed(receiver, body, **FORM).status_code == 400


@pytest.mark.threat("C4")
def test_a_genuine_press_passes(receiver):
    case = receiver.world.proposed()
    assert post_signed(receiver, press_body(case)).status_code == 200
    assert receiver.world.case(case).proposal.approvals[0].name == "Ana"


@pytest.mark.skipif(not SHARED.exists(), reason="the shared Slack payloads are absent")
def test_slacks_own_samples_have_the_shape_of_slack():
    samples = list((SHARED / "data/slack_payloads/samples").rglob("*.json"))
    assert len(samples) > 100
    odd_samples = [
        path.name for path in samples if not is_slack_payload(json.loads(path.read_text()))
    ]
    assert odd_samples == []
