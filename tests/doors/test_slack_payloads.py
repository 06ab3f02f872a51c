"""Signed, and still not what Slack sends: refused by its shape before anything looks into it, and never a 5xx."""

import asyncio
import copy
import json
from urllib.parse import urlencode

import pytest
from starlette.requests import Request

from handlers.bodies import BodyRefused, read_limited_body
from handlers.cards import ids
from handlers.slack.payload import is_slacks
from tests.conftest import SHARED
from tests.doors.test_slack import over_http, press, signed

__all__ = ["over_http"]
FORM = {"content-type": "application/x-www-form-urlencoded"}
JSON = {"content-type": "application/json"}
SOMEBODY = {
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
SAID = {
    "type": "message",
    "channel_type": "im",
    "user": "UANA",
    "text": "hi",
    "ts": "2.0",
    "channel": "D1",
}
PAYLOADS = {
    "press": {**SOMEBODY, "type": "block_actions", "channel": {"id": "C1"}, "actions": [ACTION]},
    "kind": {
        **SOMEBODY,
        "type": "block_actions",
        "view": VIEW,
        "actions": [{**ACTION, "action_id": ids.RAISE_KIND}],
    },
    "form": {**SOMEBODY, "type": "view_submission", "view": VIEW},
    "shortcut": {**SOMEBODY, "type": "shortcut", "callback_id": ids.FROM_ANYWHERE},
    "event": {
        "type": "event_callback",
        "team_id": "T1",
        "event": SAID,
        "authorizations": [{"team_id": "T1"}],
    },
}
ODD = (None, [], {}, 5, True, "\ud800", [[]], {"a": {}})


def places(value, before=()):
    """The way to every part of a payload."""
    parts = (
        value.items()
        if isinstance(value, dict)
        else enumerate(value)
        if isinstance(value, list)
        else ()
    )
    for name, part in parts:
        yield (*before, name)
        yield from places(part, (*before, name))


def without(payload, place):
    changed = copy.deepcopy(payload)
    holder = changed
    for name in place[:-1]:
        holder = holder[name]
    del holder[place[-1]]
    return changed


def replaced(payload, place, odd):
    changed = copy.deepcopy(payload)
    holder = changed
    for name in place[:-1]:
        holder = holder[name]
    holder[place[-1]] = odd
    return changed


def sent(door, payload):
    body = json.dumps(payload)
    if isinstance(payload, dict) and payload.get("type") == "event_callback":
        return signed(door, body.encode(), **JSON)
    return signed(door, urlencode({"payload": body}).encode(), **FORM)


@pytest.mark.threat("C4")
def test_a_payload_with_any_part_missing_or_odd_is_never_5xx(over_http):
    statuses = {}
    for name, payload in PAYLOADS.items():
        for number, place in enumerate(places(payload)):
            odd = ODD[number % len(ODD)]
            statuses[name, place, "missing"] = sent(over_http, without(payload, place)).status_code
            statuses[name, place, repr(odd)] = sent(
                over_http, replaced(payload, place, odd)
            ).status_code
    assert {place: status for place, status in statuses.items() if status >= 500} == {}
    assert {name for (name, _, _), status in statuses.items() if status == 400} == set(PAYLOADS)


@pytest.mark.threat("C4")
def test_a_payload_that_is_no_payload_is_400(over_http):
    payloads = [None, [], [{}], "x", 5, True, {"type": []}, {"authorizations": [None]}]
    assert [sent(over_http, payload).status_code for payload in payloads] == [400] * len(payloads)
    for depth in (500, 100_000):
        nested = '{"type":"shortcut","a":' + "[" * depth + "]" * depth + "}"
        in_form = signed(over_http, urlencode({"payload": nested}).encode(), **FORM)
        assert {in_form.status_code, signed(over_http, nested.encode(), **JSON).status_code} <= {
            400,
            404,
        }


@pytest.mark.threat("C4")
def test_a_command_that_says_too_little_is_400(over_http):
    body = urlencode({"command": "/exceptions", "text": "list"}).encode()
    assert signed(over_http, body, **FORM).status_code == 400


@pytest.mark.threat("C4")
def test_a_genuine_press_passes(over_http):
    case = over_http.world.proposed()
    assert signed(over_http, press(case)).status_code == 200
    assert over_http.world.case(case).approvals[0].name == "Ana"


@pytest.mark.skipif(not SHARED.exists(), reason="the shared Slack payloads are absent")
def test_slacks_own_samples_have_the_shape_of_slack():
    paths = list((SHARED / "data/slack_payloads/samples").rglob("*.json"))
    assert len(paths) > 100
    assert [path.name for path in paths if not is_slacks(json.loads(path.read_text()))] == []


# --- sizes ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.threat("C3")
def test_a_length_that_is_too_large_is_refused_before_it_is_waited_for(over_http):
    lengths = {"9" * 40: 413, "1000001": 413, "\xb2": 401, "x": 401, "": 401}
    statuses = {}
    for length in lengths:
        headers = {
            "content-length": length.encode("latin-1"),
            "x-slack-signature": b"v0=" + b"0" * 64,
        }
        statuses[length] = over_http.post(
            "/slack/events", content=b"x", headers=headers
        ).status_code
    assert statuses == lengths


@pytest.mark.threat("C3")
@pytest.mark.parametrize("seconds", [0.05, 30.0])
def test_a_body_that_does_not_come_is_waited_for_no_longer_than_its_time(seconds):
    async def receive():
        if seconds < 1:
            await asyncio.Event().wait()
        return {"type": "http.disconnect"}

    request = Request({"type": "http", "method": "POST", "path": "/", "headers": []}, receive)
    with pytest.raises(BodyRefused, match="did not arrive") as refused:
        asyncio.run(read_limited_body(request, 1000, seconds))
    assert refused.value.status == 408
