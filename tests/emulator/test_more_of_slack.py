"""The rest of the small Slack: streams, files, reactions, pins, later messages, answers by URL, retries and faults, as Slack does them."""

import json
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor

import pytest
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.socket_mode import SocketModeClient
from slack_sdk.socket_mode.response import SocketModeResponse

SCOPES = [
    "chat:write",
    "reactions:write",
    "reactions:read",
    "pins:write",
    "pins:read",
    "files:write",
    "files:read",
]
SCOPES += [
    "assistant:write",
    "channels:read",
    "channels:history",
    "users:read",
    "usergroups:read",
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
        "seed",
        {
            "manifest": {
                "oauth_config": {"scopes": {"bot": SCOPES}},
                "settings": settings,
                "features": features,
            }
        },
    )
    return client


@pytest.fixture
def heard(slack):
    """What the app receives; it acknowledges everything."""
    received = []
    socket = SocketModeClient(
        "xapp-emulator",
        web_client=WebClient("xapp-emulator", base_url=f"{slack.emulator.url}/api/"),
    )

    def listen(client, request):
        received.append(request)
        client.send_socket_mode_response(SocketModeResponse(request.envelope_id))

    socket.socket_mode_request_listeners.append(listen)
    socket.connect()
    ends = time.monotonic() + 30
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
    assert (
        refused(slack.chat_startStream, channel="C0OPS", thread_ts=thread)
        == "missing_recipient_team_id"
    )
    ts = slack.chat_startStream(channel="C0OPS", thread_ts=thread, markdown_text="one ", **person)[
        "ts"
    ]
    slack.chat_appendStream(
        channel="C0OPS", ts=ts, chunks=[{"type": "markdown_text", "text": "two"}]
    )
    task = {"type": "task_update", "id": "t", "title": "Looking", "status": "complete"}
    slack.api_call("chat.appendStream", json={"channel": "C0OPS", "ts": ts, "chunks": [task]})
    message = next(one for one in slack.emulator.messages("C0OPS") if one["ts"] == ts)
    assert (message["text"], [block["type"] for block in message["blocks"]]) == (
        "one two",
        ["task_card", "markdown"],
    )
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
    assert (
        refused(slack.reactions_add, name="eyes", channel="C0OPS", timestamp="1.0")
        == "message_not_found"
    )


def test_a_message_for_later_is_posted_when_its_time_has_come(slack):
    now = slack.emulator.get("state?as=U0ANA")["now"]
    assert (
        refused(slack.chat_scheduleMessage, channel="C0OPS", post_at=int(now) - 9, text="x")
        == "time_in_past"
    )
    name = slack.chat_scheduleMessage(channel="C0OPS", post_at=int(now) + 60, text="later")[
        "scheduled_message_id"
    ]
    other = slack.chat_scheduleMessage(channel="C0OPS", post_at=int(now) + 60, text="never")[
        "scheduled_message_id"
    ]
    assert len(slack.chat_scheduledMessages_list(channel="C0OPS")["scheduled_messages"]) == 2
    slack.chat_deleteScheduledMessage(channel="C0OPS", scheduled_message_id=other)
    slack.emulator.post("clock", {"seconds": 61})
    assert [one["text"] for one in slack.emulator.messages("C0OPS")] == ["later"]
    assert (
        refused(slack.chat_deleteScheduledMessage, channel="C0OPS", scheduled_message_id=name)
        == "invalid_scheduled_message_id"
    )


def test_a_file_is_uploaded_and_shared(slack):
    slack.files_upload_v2(
        channel="C0OPS", filename="report.csv", content="a,b\n1,2\n", initial_comment="the report"
    )
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
    assert refused(slack.team_info) == "missing_scope"


def respond(url, **body):
    request = urllib.request.Request(
        url, json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:
            return answer.status
    except urllib.error.HTTPError as failure:
        return failure.code


def test_an_answer_by_url_five_times_and_for_half_an_hour(slack, heard):
    button = {
        "type": "button",
        "action_id": "go",
        "text": {"type": "plain_text", "text": "Go"},
        "value": "x",
    }
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


def test_an_event_that_is_not_acknowledged_comes_again_at_once_after_a_minute_and_after_five(
    slack, heard
):
    slack.emulator.post("faults", {"lose_acks": 3})
    slack.emulator.post(
        "message", {"as": "U0ANA", "channel": "C0OPS", "text": "<@U0COUNTERSIGN> hm"}
    )
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
    assert slack.emulator.post("slash", {**asked, "command": "/nonsense"}) == {
        "error": "no_such_command"
    }
    assert slack.emulator.post("slash", {**asked, "command": "/exceptions"})["acked"]
    slack.emulator.post(
        "react", {"as": "U0BEN", "channel": "C0OPS", "ts": post(slack), "name": "eyes"}
    )
    assert heard[-1].payload["event"]["reaction"] == "eyes"


def limited(call, **arguments):
    """Seconds that Slack asks to wait, or 0."""
    try:
        call(**arguments)
    except SlackApiError as failed:
        assert (failed.response.status_code, failed.response["error"]) == (429, "ratelimited")
        return int(failed.response.headers["Retry-After"])
    return 0


def test_slacks_own_rates_hold_for_each_method_and_for_each_channel(slack):
    slack.emulator.post("faults", {"tiers": True})
    waits = [limited(slack.chat_postMessage, channel="C0OPS", text="x") for _ in range(16)]
    assert waits[:10] == [0] * 10
    assert 1 in waits
    assert limited(slack.chat_postMessage, channel="C0STOCK", text="another channel") == 0
    waits = [limited(slack.usergroups_list) for _ in range(26)]
    assert waits[:20] == [0] * 20
    assert 3 in waits
    assert limited(slack.users_info, user="U0ANA") == 0
    slack.emulator.post("clock", {"seconds": 3})
    assert limited(slack.usergroups_list) == 0
    assert slack.emulator.get("traffic")["rejected"]["usergroups.list"] == sum(map(bool, waits))


def test_faults_of_the_workspace_itself(slack):
    slack.emulator.post("channel", {"id": "C0OPS", "is_archived": True, "is_shared": True})
    assert refused(slack.chat_postMessage, channel="C0OPS", text="x") == "is_archived"
    assert slack.conversations_info(channel="C0OPS")["channel"]["is_ext_shared"]
    slack.emulator.post("faults", {"refuse": {"users.info": "user_not_visible"}})
    assert refused(slack.users_info, user="U0ANA") == "user_not_visible"
    slack.emulator.post("token", {"revoked": True})
    assert refused(slack.auth_test) == "token_revoked"
    slack.emulator.post("token", {"revoked": False})
    assert slack.auth_test()["ok"]


def test_groups_come_with_their_members_when_asked(slack):
    assert "users" not in slack.usergroups_list()["usergroups"][0]
    assert slack.usergroups_list(include_users=True)["usergroups"][0]["users"]


def test_an_envelope_that_is_overtaken_comes_after_the_next(slack, heard):
    slack.emulator.post("faults", {"swap_next": 1})
    with ThreadPoolExecutor(2) as hands:
        first = hands.submit(slack.emulator.post, "home", {"as": "U0ANA", "tab": "home"})
        time.sleep(0.2)
        slack.emulator.post("home", {"as": "U0BEN", "tab": "home"})
        first.result()
    assert [one.payload["event"]["user"] for one in heard] == ["U0BEN", "U0ANA"]


def test_a_connection_that_is_cut_off_is_made_again(slack, heard):
    slack.emulator.post("disconnect", {"abruptly": True})
    ends = time.monotonic() + 30
    while not slack.emulator.get("traffic")["connections"]:
        assert time.monotonic() < ends, "it did not come back"
        time.sleep(0.05)
    slack.emulator.post("home", {"as": "U0ANA", "tab": "home"})
    assert heard[-1].payload["event"]["type"] == "app_home_opened"


def modal(title):
    return {"type": "modal", "title": {"type": "plain_text", "text": title}, "blocks": []}


def trigger(slack, heard):
    slack.emulator.post("shortcut", {"as": "U0ANA", "callback_id": "x"})
    return heard[-1].payload["trigger_id"]


def test_views_stand_on_each_other_three_high_and_change_only_from_what_was_seen(slack, heard):
    first = slack.views_open(trigger_id=trigger(slack, heard), view=modal("One"))["view"]
    slack.views_push(trigger_id=trigger(slack, heard), view=modal("Two"))
    third = slack.views_push(trigger_id=trigger(slack, heard), view=modal("Three"))["view"]
    assert (
        refused(slack.views_push, trigger_id=trigger(slack, heard), view=modal("Four"))
        == "push_limit_reached"
    )
    shown = slack.emulator.get("state?as=U0ANA")["views"]
    assert [one["title"]["text"] for one in shown] == ["One", "Two", "Three"]
    changed = slack.views_update(view_id=first["id"], hash=first["hash"], view=modal("Uno"))["view"]
    assert (
        refused(slack.views_update, view_id=first["id"], hash=first["hash"], view=modal("Eins"))
        == "hash_conflict"
    )
    assert changed["hash"] != first["hash"]
    slack.emulator.post("close", {"as": "U0ANA", "view_id": third["id"]})
    assert [one["title"]["text"] for one in slack.emulator.get("state?as=U0ANA")["views"]] == [
        "Uno",
        "Two",
    ]
    used = trigger(slack, heard)
    slack.views_open(trigger_id=used, view=modal("Once"))
    assert refused(slack.views_open, trigger_id=used, view=modal("Twice")) == "exchanged_trigger_id"
    late = trigger(slack, heard)
    slack.emulator.post("clock", {"seconds": 4})
    assert refused(slack.views_open, trigger_id=late, view=modal("Late")) == "expired_trigger_id"
