import pytest
from slack_sdk.errors import SlackApiError

from bot.emulator.scopes import Permissions
from tests.emulator.calls import mention


def test_the_app_receives_only_subscribed_events(slack, envelopes):
    remark = {
        "as": "U0ANA",
        "channel": "C0OPS",
        "text": "between ourselves",
    }
    slack.emulator.post("message", remark)
    message = mention(slack, "what is open?")
    events = [envelope.payload["event"] for envelope in envelopes]
    assert [(event["type"], event["ts"]) for event in events] == [("app_mention", message["ts"])]
    manifest = {
        "settings": {"event_subscriptions": {"bot_events": ["message.channels", "app_mention"]}},
        "oauth_config": {"scopes": {"bot": ["chat:write"]}},
    }
    slack.emulator.post("seed", {"manifest": manifest})
    envelopes.clear()
    mention(slack, "and now?")
    events = [envelope.payload["event"] for envelope in envelopes]
    assert [event["type"] for event in events] == ["message", "app_mention"]
    with pytest.raises(SlackApiError) as refusal:
        slack.users_info(user="U0ANA")
    response = refusal.value.response
    assert (response["error"], response["needed"]) == ("missing_scope", "users:read")


def test_without_a_manifest_everything_is_allowed():
    permissions = Permissions()
    permissions.check_scope("chat.postMessage")
    assert permissions.has_command("/anything")
    assert permissions.is_subscribed({"type": "message", "channel_type": "im"})
