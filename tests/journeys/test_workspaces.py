"""Two workspaces install the app: each has its own cases, people and secrets, and no others."""

import json
import time

import httpx
import pytest

from handlers.slack.request_signature import RequestSignature
from tests.journeys.deployment import (
    HARBOUR,
    OPERATIONS,
    SECOND,
    SIGNING_SECRET,
    START_SECONDS,
    DeploymentTown,
)
from tests.waiting import wait_until

pytestmark = [pytest.mark.journey, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def town(tmp_path_factory):
    running = DeploymentTown(tmp_path_factory.mktemp("deployment"))
    try:
        running.start()
        for team in (HARBOUR, SECOND):
            assert running.install(team).status_code == 200
        wait_until(running.is_ready, "both workspaces", START_SECONDS)
        yield running
    finally:
        running.close()


def test_a_case_of_one_workspace_is_seen_and_decided_there_alone(town):
    receipt = town.send(HARBOUR, "only-harbour")
    assert receipt.status_code == 201
    wait_until(lambda: town.has_card(HARBOUR, "only-harbour"), "the card", 60)
    case_id = receipt.json()["case"]
    assert town.read(HARBOUR, case_id).json()["signal"]["key"] == "only-harbour"
    assert not town.has_card(SECOND, "only-harbour")
    # The other one may have a case of the same number, and it is another.
    other = town.read(SECOND, case_id)
    assert other.status_code == 404 or other.json()["signal"]["key"] != "only-harbour"


@pytest.mark.parametrize("address", ["host", "path"])
def test_no_secret_of_one_workspace_opens_another(town, address):
    if address == "host":
        answer = town.send(SECOND, "crossing", token=f"source-of-{HARBOUR}")
    else:
        answer = town.read(SECOND, "EX-1", token=f"reader-of-{HARBOUR}")
    assert answer.status_code == 401


def test_a_person_is_answered_by_the_bot_of_their_workspace(town):
    for team in (HARBOUR, SECOND):
        case_id = town.send(team, f"shown-in-{team}").json()["case"]
        act = {"as": "U0BEN", "channel": OPERATIONS, "command": "/exceptions"}
        answer = town.act(team, "slash", {**act, "text": f"show {case_id}"})
        assert answer["acked"] is True
        assert f"shown-in-{team}" in json.dumps(answer)


@pytest.mark.proof
def test_a_workspace_that_takes_the_app_out_loses_nothing_and_gets_nothing(town):
    assert town.act(SECOND, "uninstall", {})["acked"] is True
    wait_until(lambda: town.send(SECOND, "while-away").status_code == 201, "the receiver", 60)
    # The other one goes on.
    town.send(HARBOUR, "meanwhile")
    wait_until(lambda: town.has_card(HARBOUR, "meanwhile"), "the other card", 60)
    assert not town.has_card(SECOND, "while-away")
    assert town.install(SECOND).status_code == 200
    wait_until(lambda: town.has_card(SECOND, "while-away"), "the card after all", START_SECONDS)


@pytest.mark.parametrize(
    "forge",
    [
        lambda headers: {},
        lambda headers: {**headers, "X-Slack-Signature": "v0=" + "0" * 64},
        lambda headers: {**headers, "X-Slack-Request-Timestamp": str(int(time.time()) - 600)},
    ],
    ids=["unsigned", "another signature", "another time"],
)
def test_nobody_but_slack_ends_an_installation(town, forge):
    event = {"type": "app_uninstalled"}
    body = json.dumps({"type": "event_callback", "team_id": HARBOUR, "event": event}).encode()
    timestamp = str(int(time.time()))
    headers = forge(signed_headers(body, timestamp))
    answer = httpx.post(f"{town.url}/slack/events", content=body, headers=headers, timeout=60)
    assert answer.status_code == 401
    town.send(HARBOUR, "still-here")
    wait_until(lambda: town.has_card(HARBOUR, "still-here"), "the card", 60)


def signed_headers(body: bytes, timestamp: str) -> dict[str, str]:
    import hashlib
    import hmac

    digest = hmac.new(
        SIGNING_SECRET.encode(), b"v0:" + timestamp.encode() + b":" + body, hashlib.sha256
    )
    signature = f"v0={digest.hexdigest()}"
    assert RequestSignature(timestamp, signature).matches(body, [SIGNING_SECRET])
    return {
        "X-Slack-Request-Timestamp": timestamp,
        "X-Slack-Signature": signature,
        "Content-Type": "application/json",
    }


def test_an_unknown_workspace_is_answered_like_one_that_never_was(town):
    assert town.client.get(f"{town.url}/T0NOBODY/v1/cases/EX-1").status_code == 404
    assert town.client.get(f"{town.url}/{HARBOUR}/passkeys").status_code == 404
