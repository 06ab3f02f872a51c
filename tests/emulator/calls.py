"""Calls of Slack's client, as the tests of the emulator make them."""

import pytest
from slack_sdk.errors import SlackApiError

BUTTON = {
    "type": "button",
    "action_id": "go",
    "value": "v",
    "text": {"type": "plain_text", "text": "Go"},
}
BUTTON_BLOCKS = [{"type": "actions", "elements": [BUTTON]}]


def error_of(call, *arguments, **named_arguments):
    """Make a call that Slack refuses, and return the error code."""
    with pytest.raises(SlackApiError) as refusal:
        call(*arguments, **named_arguments)
    return refusal.value.response["error"]


def post_message(slack, **arguments):
    """Post to #ops and return the ts."""
    message = slack.chat_postMessage(channel="C0OPS", text="hello", **arguments)
    return message["ts"]


def press(slack, ts, **fields):
    """Press the button of a message in #ops, as Ana."""
    act = {
        "as": "U0ANA",
        "channel": "C0OPS",
        "ts": ts,
        "action_id": "go",
        **fields,
    }
    return slack.emulator.post("click", act)


def mention(slack, text):
    """Mention the app in #ops, as Ana."""
    act = {
        "as": "U0ANA",
        "channel": "C0OPS",
        "text": f"<@U0COUNTERSIGN> {text}",
    }
    return slack.emulator.post("message", act)


def open_home(slack, user):
    """Open the app's home as this person."""
    return slack.emulator.post("home", {"as": user, "tab": "home"})


def new_trigger(slack, envelopes):
    """Use a shortcut as Ana, and return the app's trigger."""
    slack.emulator.post("shortcut", {"as": "U0ANA", "callback_id": "x"})
    return envelopes[-1].payload["trigger_id"]


def window(slack, user="U0ANA"):
    """Return the window of a person."""
    return slack.emulator.get(f"state?as={user}")
