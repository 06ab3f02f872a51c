"""The agent side of the Web API: status, suggested prompts, streams."""

from bot.emulator.payloads import message_content
from bot.emulator.web_api import method
from bot.emulator.wire import ApiError, Json, parse_list
from bot.emulator.workspace import Channel, Workspace

MAX_CHUNK_LENGTH = 12_000
MAX_PROMPTS = 4
MAX_TITLE_LENGTH = 200
STREAM_SECONDS = 300.0
STATUS_SECONDS = 120.0
PROMPT_FIELDS = {"title", "message"}
SESSION_STATUSES = {
    "active",
    "processing",
    "suspended",
    "closed",
}


@method("assistant.threads.setStatus")
def set_status(workspace: Workspace, arguments: Json) -> Json:
    """Show a status until the next message, two minutes at most."""
    channel = workspace.channel(arguments.get("channel_id"))
    thread = (channel.id, str(arguments.get("thread_ts", "")))
    ends_at = workspace.now() + STATUS_SECONDS
    workspace.pane.statuses[thread] = (str(arguments.get("status", "")), ends_at)
    workspace.notify()
    return {}


@method("assistant.threads.setTitle")
def set_title(workspace: Workspace, arguments: Json) -> Json:
    workspace.channel(arguments.get("channel_id"))
    return {}


@method("assistant.threads.setSuggestedPrompts")
def set_suggested_prompts(workspace: Workspace, arguments: Json) -> Json:
    channel = workspace.channel(arguments.get("channel_id"))
    prompts = parse_list(arguments.get("prompts"))
    if not 1 <= len(prompts) <= MAX_PROMPTS:
        raise ApiError("invalid_arguments")
    if not all(set(prompt) >= PROMPT_FIELDS for prompt in prompts):
        raise ApiError("invalid_arguments")
    workspace.pane.prompts[channel.id] = prompts
    workspace.notify()
    return {}


@method("agents.sessions.setStatus")
def set_session_status(workspace: Workspace, arguments: Json) -> Json:
    if arguments.get("status") not in SESSION_STATUSES:
        raise ApiError("invalid_arguments")
    return {}


@method("agents.sessions.rename")
def rename_session(workspace: Workspace, arguments: Json) -> Json:
    if not 1 <= len(str(arguments.get("title", ""))) <= MAX_TITLE_LENGTH:
        raise ApiError("invalid_arguments")
    return {}


@method("chat.startStream")
def start_stream(workspace: Workspace, arguments: Json) -> Json:
    """Post a message in a thread that may grow for five minutes."""
    channel = workspace.writable_channel(arguments.get("channel"))
    if not arguments.get("thread_ts"):
        raise ApiError("missing_argument", missing="thread_ts")
    has_recipient = arguments.get("recipient_user_id") and arguments.get("recipient_team_id")
    if not channel.is_im and not has_recipient:
        raise ApiError("missing_recipient_team_id")
    content = {
        "text": "",
        **workspace.app.authorship,
        "thread_ts": str(arguments["thread_ts"]),
    }
    message = workspace.post(channel, content)
    closes_at = workspace.now() + STREAM_SECONDS
    workspace.pane.streams[(channel.id, message["ts"])] = closes_at
    _append(message, arguments)
    workspace.notify()
    return {
        "channel": channel.id,
        "ts": message["ts"],
    }


@method("chat.appendStream")
def append_stream(workspace: Workspace, arguments: Json) -> Json:
    channel = workspace.channel(arguments.get("channel"))
    message = _open_stream(workspace, channel, arguments)
    _append(message, arguments)
    workspace.notify()
    return {
        "channel": channel.id,
        "ts": message["ts"],
    }


@method("chat.stopStream")
def stop_stream(workspace: Workspace, arguments: Json) -> Json:
    channel = workspace.channel(arguments.get("channel"))
    message = _open_stream(workspace, channel, arguments)
    _append(message, arguments)
    if arguments.get("blocks"):
        content = message_content({"blocks": arguments["blocks"]})
        message["blocks"] = [*message.get("blocks", []), *content["blocks"]]
    if arguments.get("metadata"):
        message["metadata"] = arguments["metadata"]
    workspace.pane.streams.pop((channel.id, message["ts"]))
    workspace.notify()
    return {
        "channel": channel.id,
        "ts": message["ts"],
        "message": message,
    }


def _open_stream(workspace: Workspace, channel: Channel, arguments: Json) -> Json:
    ts = str(arguments.get("ts"))
    if ts not in channel.messages:
        raise ApiError("message_not_found")
    closes_at = workspace.pane.streams.get((channel.id, ts), 0.0)
    if closes_at < workspace.now():
        raise ApiError("message_not_in_streaming_state")
    return channel.messages[ts]


def _append(message: Json, arguments: Json) -> None:
    """Add text and tasks to a streamed message.

    Tasks become cards above the text.
    """
    # Text comes as ``markdown_text`` or in chunks; the SDK prefers chunks.
    text = str(arguments.get("markdown_text") or "")
    chunks = parse_list(arguments.get("chunks"))
    for chunk in chunks:
        if chunk.get("type") == "markdown_text":
            text += str(chunk.get("text", ""))
    if len(text) > MAX_CHUNK_LENGTH:
        raise ApiError("msg_too_long")
    cards = _task_cards(message)
    for chunk in chunks:
        if chunk.get("type") == "task_update":
            cards[chunk["id"]] = _task_card(chunk)
    message["text"] = message.get("text", "") + text
    message["blocks"] = list(cards.values())
    if message["text"]:
        message["blocks"].append(
            {
                "type": "markdown",
                "text": message["text"],
            }
        )


def _task_cards(message: Json) -> dict[str, Json]:
    cards = {}
    for block in message.get("blocks", []):
        if block.get("type") == "task_card":
            cards[block["task_id"]] = block
    return cards


def _task_card(update: Json) -> Json:
    return {
        "type": "task_card",
        "task_id": update["id"],
        "title": update["title"],
        "status": update.get("status", "in_progress"),
    }
