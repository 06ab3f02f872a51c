"""Events and presses around questions, as Slack sends them."""

import itertools
import json

from tests.handlers.slack.requests import JSON, form_body, post_signed

TIMES = itertools.count(100)
DIRECT = "D0ANA"


def event_body(event):
    return json.dumps(
        {
            "type": "event_callback",
            "team_id": "T1",
            "api_app_id": "A1",
            "event_id": "Ev1",
            "token": "x",
            "event": event,
            "authorizations": [{"team_id": "T1", "user_id": "UBOT", "is_bot": True}],
        }
    ).encode()


def deliver(receiver, event):
    """Deliver an event; everything it leads to has happened then."""
    return post_signed(receiver, event_body(event), **JSON).status_code


def direct_message(text, user="UANA", **changes):
    return {
        "type": "message",
        "channel": DIRECT,
        "channel_type": "im",
        "user": user,
        "team": "T1",
        "text": text,
        "ts": f"{next(TIMES)}.000100",
        **changes,
    }


def mention(text, user="UANA", **changes):
    changes = {"channel": "C0STOCK", "channel_type": "channel", **changes}
    return direct_message(f"<@UBOT> {text}", user, type="app_mention", **changes)


def press(receiver, action_id, value, user="UANA", *, channel="C0STOCK", thread_ts="1.0"):
    """Press a button under an answer.

    The address for answers is that of a method "response.press".
    """
    container = {"type": "message", "channel_id": channel, "message_ts": "2.0"}
    if thread_ts:
        container["thread_ts"] = thread_ts
    action = {
        "type": "button",
        "action_id": action_id,
        "block_id": "b",
        "value": value,
        "action_ts": "1.0",
    }
    body = {
        "type": "block_actions",
        "user": {"id": user, "team_id": "T1"},
        "team": {"id": "T1", "domain": "x"},
        "api_app_id": "A1",
        "token": "x",
        "trigger_id": "t",
        "container": container,
        "channel": {"id": channel, "name": "stock"},
        "enterprise": None,
        "is_enterprise_install": False,
        "response_url": f"{receiver.slack.api_url}response.press",
        "actions": [action],
    }
    assert post_signed(receiver, form_body(body)).status_code == 200
