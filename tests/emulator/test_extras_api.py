from tests.emulator.calls import error_of, post_message


def test_reactions_and_pins(slack):
    ts = post_message(slack)
    place = {"channel": "C0OPS", "timestamp": ts}
    nowhere = {"channel": "C0OPS", "timestamp": "1.0"}
    slack.reactions_add(name="eyes", **place)
    assert error_of(slack.reactions_add, name="eyes", **place) == "already_reacted"
    assert slack.reactions_get(**place)["message"]["reactions"][0]["count"] == 1
    slack.reactions_remove(name="eyes", **place)
    assert error_of(slack.reactions_remove, name="eyes", **place) == "no_reaction"
    slack.pins_add(**place)
    assert error_of(slack.pins_add, **place) == "already_pinned"
    assert slack.pins_list(channel="C0OPS")["items"][0]["message"]["ts"] == ts
    slack.pins_remove(**place)
    assert error_of(slack.pins_remove, **place) == "no_pin"
    assert error_of(slack.reactions_add, name="eyes", **nowhere) == "message_not_found"


def test_a_scheduled_message_is_posted_when_its_time_has_come(slack):
    now = int(slack.emulator.get("state?as=U0ANA")["now"])
    schedule = slack.chat_scheduleMessage
    delete = slack.chat_deleteScheduledMessage
    past = {"channel": "C0OPS", "post_at": now - 9}
    future = {"channel": "C0OPS", "post_at": now + 60}
    assert error_of(schedule, text="x", **past) == "time_in_past"
    later = schedule(text="later", **future)["scheduled_message_id"]
    never = schedule(text="never", **future)["scheduled_message_id"]
    assert len(slack.chat_scheduledMessages_list(channel="C0OPS")["scheduled_messages"]) == 2
    delete(channel="C0OPS", scheduled_message_id=never)
    slack.emulator.post("clock", {"seconds": 61})
    assert [message["text"] for message in slack.emulator.messages("C0OPS")] == ["later"]
    later_place = {"channel": "C0OPS", "scheduled_message_id": later}
    assert error_of(delete, **later_place) == "invalid_scheduled_message_id"


def test_a_file_is_uploaded_and_shared(slack):
    slack.files_upload_v2(
        channel="C0OPS",
        filename="report.csv",
        content="a,b\n1,2\n",
        initial_comment="the report",
    )
    (message,) = slack.emulator.messages("C0OPS")
    file = message["files"][0]
    assert message["text"] == "the report"
    assert (file["name"], file["size"]) == ("report.csv", 8)
    assert error_of(slack.files_info, file="F0") == "file_not_found"


def test_small_look_ups(slack):
    channels = slack.users_conversations(user="U0GUS")["channels"]
    assert {channel["id"] for channel in channels} == {"C0FLOOR"}
    assert error_of(slack.users_lookupByEmail, email="nobody@example.com") == "users_not_found"
    assert slack.emoji_list()["emoji"] == {}
    assert error_of(slack.conversations_join, channel="C9") == "channel_not_found"
    assert error_of(slack.team_info) == "missing_scope"
