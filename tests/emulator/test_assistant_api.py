from tests.emulator.calls import error_of, post_message, window


def test_a_stream_is_in_a_thread_and_ends_after_five_minutes(slack):
    thread = {"channel": "C0OPS", "thread_ts": post_message(slack)}
    recipient = {"recipient_user_id": "U0ANA", "recipient_team_id": "T0HARBOUR"}
    start = slack.chat_startStream
    assert error_of(start, **thread) == "missing_recipient_team_id"
    ts = start(markdown_text="one ", **thread, **recipient)["ts"]
    chunk = {"type": "markdown_text", "text": "two"}
    slack.chat_appendStream(channel="C0OPS", ts=ts, chunks=[chunk])
    task = {
        "type": "task_update",
        "id": "t",
        "title": "Looking",
        "status": "complete",
    }
    slack.api_call("chat.appendStream", json={"channel": "C0OPS", "ts": ts, "chunks": [task]})
    (message,) = slack.emulator.get(f"messages?channel=C0OPS&ts={ts}")
    assert message["text"] == "one two"
    assert [block["type"] for block in message["blocks"]] == ["task_card", "markdown"]
    slack.emulator.post("clock", {"seconds": 301})
    late = {"channel": "C0OPS", "ts": ts, "markdown_text": "late"}
    assert error_of(slack.chat_appendStream, **late) == "message_not_in_streaming_state"
    assert error_of(slack.chat_stopStream, channel="C0OPS", ts="1.0") == "message_not_found"


def test_the_status_and_the_prompts_of_the_pane(slack):
    question = {
        "as": "U0ANA",
        "channel": "C0OPS",
        "text": "hm",
    }
    ts = slack.emulator.post("message", question)["ts"]
    thread = {"channel_id": "C0OPS", "thread_ts": ts}
    slack.assistant_threads_setStatus(status="is looking", **thread)
    assert window(slack)["statuses"] == {f"C0OPS:{ts}": "is looking"}
    slack.chat_postMessage(channel="C0OPS", text="done", thread_ts=ts)
    assert window(slack)["statuses"] == {}
    prompts = [{"title": "a", "message": "a"}] * 5
    set_prompts = slack.assistant_threads_setSuggestedPrompts
    assert error_of(set_prompts, prompts=prompts, **thread) == "invalid_arguments"
