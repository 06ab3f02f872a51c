"""The workspace of a request of Slack's, in every form that Slack sends."""

import json
from urllib.parse import urlencode

import pytest

from handlers.workspaces.routing import read_slack_request

FORM = "application/x-www-form-urlencoded"
JSON = "application/json; charset=utf-8"


def interaction(**fields) -> bytes:
    return urlencode({"payload": json.dumps({"type": "block_actions", **fields})}).encode()


@pytest.mark.parametrize(
    ("body", "content_type", "workspace"),
    [
        (json.dumps({"type": "event_callback", "team_id": "T1", "event": {}}), JSON, "T1"),
        (interaction(team={"id": "T2"}, enterprise=None), FORM, "T2"),
        (urlencode({"team_id": "T3", "command": "/exceptions"}), FORM, "T3"),
        # A shared channel: the event is for the workspace that has the app.
        (
            json.dumps(
                {
                    "type": "event_callback",
                    "team_id": "T0STRANGER",
                    "event": {},
                    "authorizations": [{"team_id": "T4", "is_enterprise_install": False}],
                }
            ),
            JSON,
            "T4",
        ),
        # An organisation that has the app in all of its workspaces.
        (
            json.dumps(
                {
                    "type": "event_callback",
                    "team_id": "T5",
                    "enterprise_id": "E5",
                    "event": {},
                    "authorizations": [
                        {"team_id": "T5", "enterprise_id": "E5", "is_enterprise_install": True}
                    ],
                }
            ),
            JSON,
            "E5",
        ),
        (
            interaction(
                team={"id": "T6", "enterprise_id": "E6"},
                enterprise={"id": "E6"},
                is_enterprise_install=True,
            ),
            FORM,
            "E6",
        ),
    ],
    ids=["event", "interaction", "command", "shared channel", "organisation", "press in one"],
)
def test_every_request_names_its_workspace(body, content_type, workspace):
    content = body if isinstance(body, bytes) else body.encode()
    request = read_slack_request(content, content_type)
    assert str(request.workspace) == workspace
    assert request.ends_installation is False


@pytest.mark.parametrize(
    ("event", "ends"),
    [
        ({"type": "app_uninstalled"}, True),
        ({"type": "tokens_revoked", "tokens": {"bot": ["U0BOT"]}}, True),
        ({"type": "tokens_revoked", "tokens": {"oauth": ["U1"], "bot": []}}, False),
        ({"type": "tokens_revoked"}, False),
        ({"type": "message", "text": "app_uninstalled"}, False),
    ],
)
def test_an_installation_ends_with_the_token_of_the_bot(event, ends):
    body = json.dumps({"type": "event_callback", "team_id": "T1", "event": event}).encode()
    assert read_slack_request(body, JSON).ends_installation is ends


def test_a_challenge_is_answered_as_a_value_and_never_as_markup():
    body = json.dumps({"type": "url_verification", "challenge": '"}<b>' + "x" * 900}).encode()
    answer = json.loads(read_slack_request(body, JSON).challenge)
    assert answer["challenge"].startswith('"}<b>')
    assert len(answer["challenge"]) == 200


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff\xfe",
        b"{",
        b"[1]",
        b"{}",
        b'{"team": [], "event": 3}',
        b'{"authorizations": [7]}',
        b"payload=%7B",
        b"payload=3",
        b'{"team_id": null}',
    ],
)
def test_a_body_without_a_workspace_is_nobodys(body):
    assert read_slack_request(body, JSON) is None
    assert read_slack_request(body, FORM) is None
