import threading

from slack_sdk import WebClient

from tests.emulator.calls import error_of, post_message, window


def test_an_unknown_method_is_an_error(slack):
    assert error_of(slack.api_call, "admin.users.list") == "unknown_method"


def test_tokens_are_of_a_kind(emulator):
    base = f"{emulator.url}/api/"
    bot = WebClient("xoxb-x", base_url=base)
    open_connection = bot.apps_connections_open
    assert error_of(WebClient("xapp-x", base_url=base).auth_test) == "not_allowed_token_type"
    assert error_of(WebClient("nonsense", base_url=base).auth_test) == "invalid_auth"
    assert error_of(WebClient(base_url=base).auth_test) == "not_authed"
    assert error_of(open_connection, app_token="xoxb-x") == "not_allowed_token_type"
    assert bot.auth_test()["team"] == "Harbour & Vine"


def test_ts_is_unique_and_grows_under_load(slack):
    timestamps = []

    def post():
        for _ in range(20):
            timestamps.append(slack.chat_postMessage(channel="C0OPS", text="x")["ts"])

    threads = [threading.Thread(target=post) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(timestamps)) == 100
    messages = slack.emulator.messages("C0OPS")
    assert [message["ts"] for message in messages] == sorted(timestamps)


def test_metadata_is_returned_only_on_request(slack):
    metadata = {"event_type": "e", "event_payload": {"uid": "1"}}
    slack.chat_postMessage(channel="C0OPS", text="x", metadata=metadata)
    plain = slack.conversations_history(channel="C0OPS")
    assert "metadata" not in plain["messages"][0]
    full = slack.conversations_history(channel="C0OPS", include_all_metadata=True)
    assert full["messages"][0]["metadata"]["event_type"] == "e"


def test_history_has_pages_newest_first_and_threads_apart(slack):
    ts = [slack.chat_postMessage(channel="C0OPS", text=str(number))["ts"] for number in range(5)]
    slack.chat_postMessage(channel="C0OPS", text="reply", thread_ts=ts[0])
    first = slack.conversations_history(channel="C0OPS", limit=3)
    cursor = first["response_metadata"]["next_cursor"]
    second = slack.conversations_history(channel="C0OPS", limit=3, cursor=cursor)
    messages = [*first["messages"], *second["messages"]]
    assert [message["text"] for message in messages] == ["4", "3", "2", "1", "0"]
    thread = slack.conversations_replies(channel="C0OPS", ts=ts[0])["messages"]
    assert [message["text"] for message in thread] == ["0", "reply"]
    assert second["messages"][-1]["reply_count"] == 1


def test_errors_are_slacks_own(slack):
    empty = {"channel": "C0OPS"}
    blocks = [{"type": "section"}]
    title = {"type": "plain_text", "text": "x"}
    modal = {"type": "modal", "title": title, "blocks": []}
    stock = {"channel": "C0STOCK", "user": "U0GUS"}
    assert error_of(slack.chat_postMessage, channel="C0NO", text="x") == "channel_not_found"
    assert error_of(slack.api_call, "chat.postMessage", json=empty) == "no_text"
    assert error_of(slack.chat_update, channel="C0OPS", ts="1.0", text="x") == "message_not_found"
    assert error_of(slack.chat_postEphemeral, text="x", **stock) == "user_not_in_channel"
    assert error_of(slack.users_info, user="U0NO") == "user_not_found"
    assert error_of(slack.usergroups_users_list, usergroup="S0NO") == "no_such_subteam"
    assert error_of(post_message, slack, blocks=blocks) == "invalid_blocks"
    assert error_of(slack.views_open, trigger_id="none", view=modal) == "invalid_trigger_id"


def test_an_update_with_text_alone_removes_the_blocks(slack):
    ts = post_message(slack, blocks=[{"type": "divider"}])
    slack.chat_update(channel="C0OPS", ts=ts, text="only words")
    assert slack.emulator.messages("C0OPS")[0]["blocks"][0]["type"] == "rich_text"


def test_a_private_message_is_its_readers_alone(slack):
    slack.chat_postEphemeral(channel="C0OPS", user="U0ANA", text="only you")
    ephemerals = window(slack)["ephemerals"]
    assert [message["text"] for message in ephemerals] == ["only you"]
    assert window(slack, "U0BEN")["ephemerals"] == []


def test_groups_come_with_their_members_on_request(slack):
    assert "users" not in slack.usergroups_list()["usergroups"][0]
    assert slack.usergroups_list(include_users=True)["usergroups"][0]["users"]
