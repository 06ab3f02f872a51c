"""The agent side of the Web API: what the pane shows while the app works, what one might ask, and messages that grow."""

import json

from bot.emulator.state import ApiError, Channel, Json, Workspace
from bot.emulator.web_api import message_content, method

LONGEST_CHUNK = 12_000
MOST_PROMPTS = 4
STREAM_SECONDS = 300.0
STATUS_SECONDS = 120.0


@method("assistant.threads.setStatus")
def set_status(workspace: Workspace, arguments: Json) -> Json:
    """Shown until the next message, two minutes at most."""
    channel = workspace.channel(arguments.get("channel_id"))
    status = str(arguments.get("status", ""))
    workspace.statuses[(channel.id, str(arguments.get("thread_ts", "")))] = (
        status,
        workspace.now() + STATUS_SECONDS,
    )
    workspace.changed()
    return {}


@method("assistant.threads.setTitle")
def set_title(workspace: Workspace, arguments: Json) -> Json:
    workspace.channel(arguments.get("channel_id"))
    return {}


@method("assistant.threads.setSuggestedPrompts")
def set_suggested_prompts(workspace: Workspace, arguments: Json) -> Json:
    channel = workspace.channel(arguments.get("channel_id"))
    prompts = arguments.get("prompts") or []
    prompts = json.loads(prompts) if isinstance(prompts, str) else prompts
    if not 1 <= len(prompts) <= MOST_PROMPTS or not all(
        {"title", "message"} <= set(prompt) for prompt in prompts
    ):
        raise ApiError("invalid_arguments")
    workspace.prompts[channel.id] = prompts
    workspace.changed()
    return {}


@method("agents.sessions.setStatus")
def session_status(workspace: Workspace, arguments: Json) -> Json:
    if arguments.get("status") not in {"active", "processing", "suspended", "closed"}:
        raise ApiError("invalid_arguments")
    return {}


@method("agents.sessions.rename")
def session_rename(workspace: Workspace, arguments: Json) -> Json:
    if not 1 <= len(str(arguments.get("title", ""))) <= 200:
        raise ApiError("invalid_arguments")
    return {}


@method("chat.startStream")
def start_stream(workspace: Workspace, arguments: Json) -> Json:
    """A message that grows: always in a thread, open for five minutes."""
    channel = workspace.channel(arguments.get("channel"), writing=True)
    if not arguments.get("thread_ts"):
        raise ApiError("missing_argument", missing="thread_ts")
    if not channel.is_im and not (
        arguments.get("recipient_user_id") and arguments.get("recipient_team_id")
    ):
        raise ApiError("missing_recipient_team_id")
    begun = {"text": "", "bot_id": workspace.bot_id, "thread_ts": str(arguments["thread_ts"])}
    stored = workspace.post(channel, {**begun, "user": workspace.bot_user})
    workspace.streams[(channel.id, stored["ts"])] = workspace.now() + STREAM_SECONDS
    _grow(workspace, channel, stored["ts"], arguments)
    return {"channel": channel.id, "ts": stored["ts"]}


@method("chat.appendStream")
def append_stream(workspace: Workspace, arguments: Json) -> Json:
    channel, ts = workspace.channel(arguments.get("channel")), str(arguments.get("ts"))
    _must_be_open(workspace, channel, ts)
    _grow(workspace, channel, ts, arguments)
    return {"channel": channel.id, "ts": ts}


@method("chat.stopStream")
def stop_stream(workspace: Workspace, arguments: Json) -> Json:
    channel, ts = workspace.channel(arguments.get("channel")), str(arguments.get("ts"))
    _must_be_open(workspace, channel, ts)
    _grow(workspace, channel, ts, arguments)
    stored = channel.messages[ts]
    if arguments.get("blocks"):
        more = message_content({"blocks": arguments["blocks"]})["blocks"]
        stored["blocks"] = [*stored.get("blocks", []), *more]
    if arguments.get("metadata"):
        stored["metadata"] = arguments["metadata"]
    workspace.streams.pop((channel.id, ts))
    workspace.changed()
    return {"channel": channel.id, "ts": ts, "message": stored}


def _must_be_open(workspace: Workspace, channel: Channel, ts: str) -> None:
    if ts not in channel.messages:
        raise ApiError("message_not_found")
    if workspace.streams.get((channel.id, ts), 0.0) < workspace.now():
        raise ApiError("message_not_in_streaming_state")


def _grow(workspace: Workspace, channel: Channel, ts: str, arguments: Json) -> None:
    """Text comes as ``markdown_text`` or in chunks, which the SDK prefers; tasks become cards under it."""
    chunks = arguments.get("chunks") or []
    chunks = json.loads(chunks) if isinstance(chunks, str) else chunks
    text = str(arguments.get("markdown_text") or "") + "".join(
        str(one.get("text", "")) for one in chunks if one.get("type") == "markdown_text"
    )
    if len(text) > LONGEST_CHUNK:
        raise ApiError("msg_too_long")
    stored = channel.messages[ts]
    stored["text"] = stored.get("text", "") + text
    tasks = {
        task["task_id"]: task
        for task in stored.get("blocks", [])
        if task.get("type") == "task_card"
    }
    for one in chunks:
        if one.get("type") == "task_update":
            card = {
                "type": "task_card",
                "task_id": one["id"],
                "title": one["title"],
                "status": one.get("status", "in_progress"),
            }
            tasks[one["id"]] = card
    shown = [{"type": "markdown", "text": stored["text"]}] if stored["text"] else []
    stored["blocks"] = [*tasks.values(), *shown]
    workspace.changed()
