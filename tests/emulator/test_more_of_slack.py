"""The rest of the small Slack: streams, files, reactions, pins, later messages, answers by URL, retries and faults, as Slack does them."""

import json
import time
import urllib.error
import urllib.request

import pytest
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.socket_mode import SocketModeClient
from slack_sdk.socket_mode.response import SocketModeResponse

SCOPES = ["chat:write", "reactions:write", "reactions:read", "pins:write", "pins:read", "files:write", "files:read"]
SCOPES += [
    "assistant:write",
    "channels:read",
    "channels:history",
    "users:read",
    "users:read.email",
    "channels:join",
    "emoji:read",
]
EVENTS = ["app_mention", "message.im", "app_home_opened", "reaction_added"]


@pytest.fixture
def slack(emulator):
    client = WebClient("xoxb-emulator", base_url=f"{emulator.url}/api/", retry_handlers=[])
    client.emulator = emulator
    features = {"shortcuts": [], "slash_commands": [{"command": "/exceptions"}]}
    settings = {"event_subscriptions": {"bot_events": EVENTS}}
    emulator.post(
        "seed", {"manifest": {"oauth_config": {"scopes": {"bot": SCOPES}}, "settings": settings, "features": features}}
    )
    return client


@pytest.fixture
def heard(slack):
    """What the app receives; it acknowledges everything."""
    received = []
    socket = SocketModeClient(
        "xapp-emulator", web_client=WebClient("xapp-emulator", base_url=f"{slack.emulator.url}/api/")
    )

    def listen(client, request):
        received.append(request)
        client.send_socket_mode_response(SocketModeResponse(request.envelope_id))

    socket.socket_mode_request_listeners.append(listen)
    socket.connect()
    ends = time.monotonic() + 5
    while slack.emulator.get("traffic")["connections"] != 1:
        assert time.monotonic() < ends
        time.sleep(0.02)
    yield received
    socket.close()


def refused(call, **arguments):
    with pytest.raises(SlackApiError) as error:
        call(**arguments)
    return error.value.response["error"]


def post(slack, **more):
    return slack.chat_postMessage(channel="C0OPS", text="hello", **more)["ts"]


def test_a_message_that_grows_is_in_a_thread_and_ends_after_five_minutes(slack):
    thread = post(slack)
    person = {"recipient_user_id": "U0ANA", "recipient_team_id": "T0HARBOUR"}
    assert refused(slack.chat_startStream, channel="C0OPS", thread_ts=thread) == "missing_recipient_team_id"
    ts = slack.chat_startStream(channel="C0OPS", thread_ts=thread, markdown_text="one ", **person)["ts"]
    slack.chat_appendStream(channel="C0OPS", ts=ts, chunks=[{"type": "markdown_text", "text": "two"}])
    task = {"type": "task_update", "id": "t", "title": "Looking", "status": "complete"}
    slack.api_call("chat.appendStream", json={"channel": "C0OPS", "ts": ts, "chunks": [task]})
    message = next(one for one in slack.emulator.messages("C0OPS") if one["ts"] == ts)
    assert (message["text"], [block["type"] for block in message["blocks"]]) == ("one two", ["task_card", "markdown"])
    slack.emulator.post("clock", {"seconds": 301})
    assert (
        refused(slack.chat_appendStream, channel="C0OPS", ts=ts, markdown_text="late")
        == "message_not_in_streaming_state"
    )
    assert refused(slack.chat_stopStream, channel="C0OPS", ts="1.0") == "message_not_found"


def test_the_panes_status_and_prompts(slack):
    ts = slack.emulator.post("message", {"as": "U0ANA", "channel": "C0OPS", "text": "hm"})["ts"]
    slack.assistant_threads_setStatus(channel_id="C0OPS", thread_ts=ts, status="is looking")
    assert slack.emulator.get("state?as=U0ANA")["statuses"] == {f"C0OPS:{ts}": "is looking"}
    slack.chat_postMessage(channel="C0OPS", text="done", thread_ts=ts)
    assert slack.emulator.get("state?as=U0ANA")["statuses"] == {}
    many = [{"title": "a", "message": "a"}] * 5
    wrong = slack.assistant_threads_setSuggestedPrompts
    assert refused(wrong, channel_id="C0OPS", thread_ts=ts, prompts=many) == "invalid_arguments"


def test_reactions_and_pins(slack):
    ts = post(slack)
    place = {"channel": "C0OPS", "timestamp": ts}
    slack.reactions_add(name="eyes", **place)
    assert refused(slack.reactions_add, name="eyes", **place) == "already_reacted"
    assert slack.reactions_get(**place)["message"]["reactions"][0]["count"] == 1
    slack.reactions_remove(name="eyes", **place)
    assert refused(slack.reactions_remove, name="eyes", **place) == "no_reaction"
    slack.pins_add(**place)
    assert refused(slack.pins_add, **place) == "already_pinned"
    assert slack.pins_list(channel="C0OPS")["items"][0]["message"]["ts"] == ts
    slack.pins_remove(**place)
    assert refused(slack.pins_remove, **place) == "no_pin"
    assert refused(slack.reactions_add, name="eyes", channel="C0OPS", timestamp="1.0") == "message_not_found"


def test_a_message_for_later_is_posted_when_its_time_has_come(slack):
    now = slack.emulator.get("state?as=U0ANA")["now"]
    assert refused(slack.chat_scheduleMessage, channel="C0OPS", post_at=int(now) - 9, text="x") == "time_in_past"
    name = slack.chat_scheduleMessage(channel="C0OPS", post_at=int(now) + 60, text="later")["scheduled_message_id"]
    other = slack.chat_scheduleMessage(channel="C0OPS", post_at=int(now) + 60, text="never")["scheduled_message_id"]
    assert len(slack.chat_scheduledMessages_list(channel="C0OPS")["scheduled_messages"]) == 2
    slack.chat_deleteScheduledMessage(channel="C0OPS", scheduled_message_id=other)
    slack.emulator.post("clock", {"seconds": 61})
    assert [one["text"] for one in slack.emulator.messages("C0OPS")] == ["later"]
    assert (
        refused(slack.chat_deleteScheduledMessage, channel="C0OPS", scheduled_message_id=name)
        == "invalid_scheduled_message_id"
    )


def test_a_file_is_uploaded_and_shared(slack):
    slack.files_upload_v2(channel="C0OPS", filename="report.csv", content="a,b\n1,2\n", initial_comment="the report")
    (message,) = slack.emulator.messages("C0OPS")
    assert (message["text"], message["files"][0]["name"], message["files"][0]["size"]) == (
        "the report",
        "report.csv",
        8,
    )
    assert refused(slack.files_info, file="F0") == "file_not_found"


def test_small_look_ups(slack):
    assert {one["id"] for one in slack.users_conversations(user="U0GUS")["channels"]} == {"C0FLOOR"}
    assert refused(slack.users_lookupByEmail, email="nobody@example.com") == "users_not_found"
    assert slack.emoji_list()["emoji"] == {}
    assert refused(slack.conversations_join, channel="C9") == "channel_not_found"
    assert refused(slack.usergroups_list) == "missing_scope"


def respond(url, **body):
    request = urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:
            return answer.status
    except urllib.error.HTTPError as failure:
        return failure.code


def test_an_answer_by_url_five_times_and_for_half_an_hour(slack, heard):
    button = {"type": "button", "action_id": "go", "text": {"type": "plain_text", "text": "Go"}, "value": "x"}
    ts = post(slack, blocks=[{"type": "actions", "elements": [button]}])
    press = {"as": "U0ANA", "channel": "C0OPS", "ts": ts, "action_id": "go"}
    slack.emulator.post("click", press)
    url = heard[-1].payload["response_url"]
    assert [respond(url, text=f"private {number}") for number in range(6)] == [200] * 5 + [404]
    assert len(slack.emulator.get("state?as=U0ANA")["ephemerals"]) == 5
    slack.emulator.post("click", press)
    late = heard[-1].payload["response_url"]
    assert respond(late, text="changed", replace_original=True) == 200
    assert slack.emulator.messages("C0OPS")[0]["text"] == "changed"
    slack.emulator.post("clock", {"seconds": 1801})
    assert respond(late, text="too late") == 404
    assert respond(late.rpartition("/")[0] + "/R0", text="never given") == 404


def test_an_event_that_is_not_acknowledged_comes_again_at_once_after_a_minute_and_after_five(slack, heard):
    slack.emulator.post("faults", {"lose_acks": 3})
    slack.emulator.post("message", {"as": "U0ANA", "channel": "C0OPS", "text": "<@U0COUNTERSIGN> hm"})
    assert [one.retry_attempt for one in heard] == [0, 1]
    slack.emulator.post("clock", {"seconds": 59})
    assert len(heard) == 2
    slack.emulator.post("clock", {"seconds": 2})
    assert [one.retry_attempt for one in heard] == [0, 1, 2]
    slack.emulator.post("clock", {"seconds": 301})
    assert [one.retry_attempt for one in heard] == [0, 1, 2, 3]
    assert len({one.payload["event_id"] for one in heard}) == 1


def test_an_envelope_may_come_twice_and_an_edit_may_come_too_late(slack, heard):
    slack.emulator.post("faults", {"duplicate_next": 1})
    slack.emulator.post("home", {"as": "U0ANA", "tab": "home"})
    assert [one.payload["event"]["type"] for one in heard] == ["app_home_opened"] * 2
    ts = post(slack)
    slack.emulator.post("faults", {"edit_window_closed": True})
    assert refused(slack.chat_update, channel="C0OPS", ts=ts, text="x") == "edit_window_closed"


def test_a_command_that_is_not_in_the_manifest_does_not_exist(slack, heard):
    asked = {"as": "U0ANA", "channel": "C0OPS", "text": ""}
    assert slack.emulator.post("slash", {**asked, "command": "/nonsense"}) == {"error": "no_such_command"}
    assert slack.emulator.post("slash", {**asked, "command": "/exceptions"})["acked"]
    slack.emulator.post("react", {"as": "U0BEN", "channel": "C0OPS", "ts": post(slack), "name": "eyes"})
    assert heard[-1].payload["event"]["reaction"] == "eyes"
