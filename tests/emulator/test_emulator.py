"""The emulator behaves as Slack does where our code depends on it: Slack's own client against it, over a real socket."""

import json
import threading
import time

import pytest
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.socket_mode import SocketModeClient
from slack_sdk.socket_mode.response import SocketModeResponse

from bot.emulator.blocks import validate, validate_view
from tests.conftest import SHARED


@pytest.fixture
def slack(emulator):
    client = WebClient("xoxb-x", base_url=f"{emulator.url}/api/", retry_handlers=[])
    client.emulator = emulator
    return client


def error(call, *args, **kwargs) -> str:
    with pytest.raises(SlackApiError) as refused:
        call(*args, **kwargs)
    return refused.value.response["error"]


def test_what_it_does_not_know_it_says_so(slack):
    assert error(slack.api_call, "admin.users.list") == "unknown_method"


def test_tokens_are_of_a_kind(emulator):
    base = f"{emulator.url}/api/"
    assert error(WebClient("xapp-x", base_url=base).auth_test) == "not_allowed_token_type"
    assert error(WebClient("nonsense", base_url=base).auth_test) == "invalid_auth"
    assert error(WebClient(base_url=base).auth_test) == "not_authed"
    assert (
        error(WebClient("xoxb-x", base_url=base).apps_connections_open, app_token="xoxb-x")
        == "not_allowed_token_type"
    )
    assert WebClient("xoxb-x", base_url=base).auth_test()["team"] == "Harbour & Vine"


def test_ts_is_unique_and_grows_under_load(slack):
    made = []

    def post():
        made.extend(slack.chat_postMessage(channel="C0OPS", text="x")["ts"] for _ in range(20))

    threads = [threading.Thread(target=post) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(made)) == 100
    assert [message["ts"] for message in slack.emulator.messages("C0OPS")] == sorted(made)


def test_metadata_is_shown_only_when_asked_for(slack):
    slack.chat_postMessage(
        channel="C0OPS", text="x", metadata={"event_type": "e", "event_payload": {"uid": "1"}}
    )
    assert "metadata" not in slack.conversations_history(channel="C0OPS")["messages"][0]
    assert (
        slack.conversations_history(channel="C0OPS", include_all_metadata=True)["messages"][0][
            "metadata"
        ]["event_type"]
        == "e"
    )


def test_history_has_pages_newest_first_and_threads_apart(slack):
    ts = [slack.chat_postMessage(channel="C0OPS", text=str(n))["ts"] for n in range(5)]
    slack.chat_postMessage(channel="C0OPS", text="reply", thread_ts=ts[0])
    first = slack.conversations_history(channel="C0OPS", limit=3)
    second = slack.conversations_history(
        channel="C0OPS", limit=3, cursor=first["response_metadata"]["next_cursor"]
    )
    assert [message["text"] for message in (*first["messages"], *second["messages"])] == [
        "4",
        "3",
        "2",
        "1",
        "0",
    ]
    assert [
        message["text"]
        for message in slack.conversations_replies(channel="C0OPS", ts=ts[0])["messages"]
    ] == [
        "0",
        "reply",
    ]
    assert second["messages"][-1]["reply_count"] == 1


def test_errors_are_slacks_own(slack):
    assert error(slack.chat_postMessage, channel="C0NO", text="x") == "channel_not_found"
    assert error(slack.api_call, "chat.postMessage", json={"channel": "C0OPS"}) == "no_text"
    assert error(slack.chat_update, channel="C0OPS", ts="1.0", text="x") == "message_not_found"
    assert (
        error(slack.chat_postEphemeral, channel="C0STOCK", user="U0GUS", text="x")
        == "user_not_in_channel"
    )
    assert error(slack.users_info, user="U0NO") == "user_not_found"
    assert error(slack.usergroups_users_list, usergroup="S0NO") == "no_such_subteam"
    assert (
        error(slack.chat_postMessage, channel="C0OPS", text="x", blocks=[{"type": "section"}])
        == "invalid_blocks"
    )
    assert (
        error(
            slack.views_open,
            trigger_id="none",
            view={"type": "modal", "title": {"type": "plain_text", "text": "x"}, "blocks": []},
        )
        == "invalid_trigger_id"
    )


def test_updating_with_text_alone_takes_the_blocks_away(slack):
    block = {"type": "divider"}
    ts = slack.chat_postMessage(channel="C0OPS", text="x", blocks=[block])["ts"]
    slack.chat_update(channel="C0OPS", ts=ts, text="only words")
    assert slack.emulator.messages("C0OPS")[0]["blocks"][0]["type"] == "rich_text"


def test_faults_are_counted_and_ended(slack):
    slack.emulator.post("faults", {"fail_every": 2})
    seen = []
    for _ in range(6):
        try:
            slack.chat_postMessage(channel="C0OPS", text="x")
            seen.append(200)
        except SlackApiError as refused:
            seen.append(refused.response.status_code)
    assert seen == [200, 500] * 3
    assert len(slack.emulator.messages("C0OPS")) == 3


# --- sockets and views -----------------------------------------------------------------------------------------------------

MODAL = {
    "type": "modal",
    "callback_id": "f",
    "title": {"type": "plain_text", "text": "x"},
    "submit": {"type": "plain_text", "text": "go"},
    "blocks": [
        {
            "type": "input",
            "block_id": "b",
            "label": {"type": "plain_text", "text": "l"},
            "element": {"type": "plain_text_input", "action_id": "a", "initial_value": "given"},
        }
    ],
}
BUTTON = [
    {
        "type": "actions",
        "elements": [
            {
                "type": "button",
                "action_id": "go",
                "value": "v",
                "text": {"type": "plain_text", "text": "Go"},
            }
        ],
    }
]


@pytest.fixture
def connect(slack):
    clients = []

    def one(answer):
        client = SocketModeClient(
            app_token="xapp-x",
            web_client=WebClient("xoxb-x", base_url=f"{slack.emulator.url}/api/"),
        )
        client.socket_mode_request_listeners.append(answer)
        client.connect()
        clients.append(client)
        return client

    yield one
    for client in clients:
        client.close()


def wait_for(emulator, connections):
    while emulator.get("traffic")["connections"] != connections:
        time.sleep(0.02)


def test_each_envelope_goes_to_exactly_one_connection_and_comes_back_with_its_ack(slack, connect):
    heard = {1: [], 2: []}
    for number in heard:
        connect(
            lambda client, request, number=number: (
                heard[number].append(request.payload),
                client.send_socket_mode_response(SocketModeResponse(request.envelope_id)),
            )
        )
    wait_for(slack.emulator, 2)
    ts = slack.chat_postMessage(channel="C0OPS", text="x", blocks=BUTTON)["ts"]
    answers = [
        slack.emulator.post(
            "click", {"as": "U0ANA", "channel": "C0OPS", "ts": ts, "action_id": "go"}
        )
        for _ in range(10)
    ]
    assert all(answer["acked"] for answer in answers)
    assert (len(heard[1]), len(heard[2])) == (5, 5)
    press = heard[1][0]
    assert (
        press["type"],
        press["user"]["id"],
        press["actions"][0]["value"],
        press["channel"]["id"],
    ) == (
        "block_actions",
        "U0ANA",
        "v",
        "C0OPS",
    )


def test_a_trigger_is_good_once_and_a_form_gives_back_what_it_holds(slack, connect):
    heard = []
    connect(
        lambda client, request: (
            heard.append(request.payload),
            client.send_socket_mode_response(SocketModeResponse(request.envelope_id)),
        )
    )
    wait_for(slack.emulator, 1)
    ts = slack.chat_postMessage(channel="C0OPS", text="x", blocks=BUTTON)["ts"]
    slack.emulator.post("click", {"as": "U0ANA", "channel": "C0OPS", "ts": ts, "action_id": "go"})
    trigger = heard[0]["trigger_id"]
    view = slack.views_open(trigger_id=trigger, view=MODAL)["view"]
    assert error(slack.views_open, trigger_id=trigger, view=MODAL) == "exchanged_trigger_id"
    assert error(slack.views_update, view_id=view["id"], hash="old", view=MODAL) == "hash_conflict"
    slack.emulator.post("submit", {"as": "U0ANA", "view_id": view["id"], "values": {}})
    assert heard[1]["view"]["state"]["values"] == {
        "b": {"a": {"type": "plain_text_input", "value": "given"}}
    }
    assert slack.emulator.get("state?as=U0ANA")["views"] == []


def test_a_press_that_nobody_answers_is_shown_as_unanswered(slack):
    ts = slack.chat_postMessage(channel="C0OPS", text="x", blocks=BUTTON)["ts"]
    assert (
        slack.emulator.post(
            "click", {"as": "U0ANA", "channel": "C0OPS", "ts": ts, "action_id": "go"}
        )["acked"]
        is False
    )
    assert slack.emulator.post(
        "click", {"as": "U0ANA", "channel": "C0OPS", "ts": ts, "action_id": "other"}
    ) == {"error": "no_such_element"}


def test_only_what_the_manifest_subscribes_to_is_heard(slack, connect):
    heard = []
    connect(
        lambda client, request: (
            heard.append(request.payload["event"]),
            client.send_socket_mode_response(SocketModeResponse(request.envelope_id)),
        )
    )
    wait_for(slack.emulator, 1)
    slack.emulator.post("message", {"as": "U0ANA", "channel": "C0OPS", "text": "between ourselves"})
    said = slack.emulator.post(
        "message", {"as": "U0ANA", "channel": "C0OPS", "text": "<@U0COUNTERSIGN> what is open?"}
    )
    assert [(event["type"], event["ts"]) for event in heard] == [("app_mention", said["ts"])]
    events = ["message.channels", "app_mention"]
    manifest = {
        "settings": {"event_subscriptions": {"bot_events": events}},
        "oauth_config": {"scopes": {"bot": ["chat:write"]}},
    }
    slack.emulator.post("seed", {"manifest": manifest})
    heard.clear()
    slack.emulator.post(
        "message", {"as": "U0ANA", "channel": "C0OPS", "text": "<@U0COUNTERSIGN> and now?"}
    )
    assert [event["type"] for event in heard] == ["message", "app_mention"]
    with pytest.raises(SlackApiError) as refused:
        slack.users_info(user="U0ANA")
    assert (refused.value.response["error"], refused.value.response["needed"]) == (
        "missing_scope",
        "users:read",
    )


def test_a_private_message_is_its_readers_alone(slack):
    slack.chat_postEphemeral(channel="C0OPS", user="U0ANA", text="only you")
    assert [one["text"] for one in slack.emulator.get("state?as=U0ANA")["ephemerals"]] == [
        "only you"
    ]
    assert slack.emulator.get("state?as=U0BEN")["ephemerals"] == []


# --- blocks ---------------------------------------------------------------------------------------------------------------

TEXT = {"type": "mrkdwn", "text": "x"}
PLAIN = {"type": "plain_text", "text": "x"}
WRONG = [
    ({"type": "section"}, "missing"),
    ({"type": "nonsense"}, "unsupported_type"),
    ({"type": "header", "text": TEXT}, "invalid_type"),
    ({"type": "header", "text": {"type": "plain_text", "text": "x" * 151}}, "length"),
    ({"type": "section", "text": {"type": "mrkdwn", "text": "x" * 3001}}, "length"),
    ({"type": "section", "text": {"type": "mrkdwn", "text": ""}}, "length"),
    ({"type": "section", "fields": [TEXT] * 11}, "count"),
    ({"type": "actions", "elements": []}, "count"),
    ({"type": "context", "elements": [TEXT] * 11}, "count"),
    ({"type": "section", "text": TEXT, "colour": "red"}, "unknown_field"),
    (
        {
            "type": "actions",
            "elements": [{"type": "button", "text": {"type": "plain_text", "text": "x" * 76}}],
        },
        "length",
    ),
    (
        {"type": "actions", "elements": [{"type": "button", "text": PLAIN, "style": "huge"}]},
        "invalid_value",
    ),
    (
        {
            "type": "actions",
            "elements": [{"type": "overflow", "options": [{"text": PLAIN, "value": "1"}] * 6}],
        },
        "count",
    ),
    ({"type": "alert", "text": TEXT}, "wrong_surface"),
    ({"type": "table", "rows": [[{"type": "raw_text", "text": "a"}], []]}, "ragged"),
    ({"type": "table", "rows": [[{"type": "raw_text", "text": "a"}]] * 101}, "count"),
    (
        {"type": "actions", "elements": [{"type": "button", "action_id": "a", "text": PLAIN}] * 2},
        "duplicate",
    ),
]


@pytest.mark.parametrize(("block", "code"), WRONG, ids=range(len(WRONG)))
def test_what_slack_would_refuse_is_refused(block, code):
    assert code in {mistake.code for mistake in validate([block])}


def test_whole_messages_have_limits_too():
    assert {mistake.code for mistake in validate([{"type": "divider"}] * 51)} == {"too_many"}
    assert {mistake.code for mistake in validate([{"type": "divider", "block_id": "a"}] * 2)} == {
        "duplicate"
    }
    table = {"type": "table", "rows": [[{"type": "raw_text", "text": "a"}]]}
    assert {mistake.code for mistake in validate([table, table])} == {"only_one_table_allowed"}
    assert {mistake.code for mistake in validate("x")} == {"invalid_type"}
    assert {
        mistake.code
        for mistake in validate_view({"type": "modal", "blocks": MODAL["blocks"], "title": PLAIN})
    } == {"missing"}


@pytest.mark.skipif(not SHARED.exists(), reason="the shared block fixtures are absent")
def test_slacks_own_fixtures_are_valid_but_for_what_we_do_not_know():
    """Real payloads raise no false alarm; what is refused is listed here: cut dates, elements of later releases, a modal's block."""
    refused = {}
    for path in (SHARED / "data/slack_payloads/block_fixtures").glob("*.json"):
        content = json.loads(path.read_text())
        blocks = content if isinstance(content, list) else content.get("blocks", [content])
        codes = {
            mistake.code
            for mistake in validate(blocks, "home" if "home" in path.name else "message")
        }
        if codes:
            refused[path.stem] = codes
    assert refused == {
        "botarium_05-date-and-time-pickers": {"length"},
        "botarium_07-combined-actions": {"length"},
        "botarium_10-kitchen-sink": {"unsupported_type"},
        "slack_alert_block": {"wrong_surface"},
        "slack_workflow_button": {"unsupported_type"},
    }


def test_emulators_started_at_the_same_moment_have_a_port_each():
    from bot.demo.launcher import EmulatorProcess

    started = [EmulatorProcess() for _ in range(3)]
    try:
        for one in started:
            one.wait()
        assert len({one.url for one in started}) == 3
        started[0].close()
        assert started[1].get("traffic")["connections"] == 0
    finally:
        for one in started:
            one.close()
