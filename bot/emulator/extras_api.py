"""The rest of the Web API that a bot may meet: reactions, pins, files, messages for later, and small look-ups."""

import json

from bot.emulator.state import ApiError, Channel, Json, Workspace
from bot.emulator.web_api import channel_plain, message_content, method

FARTHEST_SECONDS = 120 * 86_400.0


def _message(workspace: Workspace, arguments: Json, key: str = "timestamp") -> tuple[Channel, Json]:
    channel = workspace.channel(arguments.get("channel"))
    found = channel.messages.get(str(arguments.get(key)))
    if found is None:
        raise ApiError("message_not_found")
    return channel, found


@method("reactions.add")
def reactions_add(workspace: Workspace, arguments: Json) -> Json:
    _, message = _message(workspace, arguments)
    name = str(arguments.get("name", ""))
    found = next((one for one in message.setdefault("reactions", []) if one["name"] == name), None)
    if found is None:
        found = {"name": name, "users": [], "count": 0}
        message["reactions"].append(found)
    if workspace.bot_user in found["users"]:
        raise ApiError("already_reacted")
    found["users"].append(workspace.bot_user)
    found["count"] = len(found["users"])
    workspace.changed()
    return {}


@method("reactions.remove")
def reactions_remove(workspace: Workspace, arguments: Json) -> Json:
    _, message = _message(workspace, arguments)
    for found in message.get("reactions", []):
        if found["name"] == arguments.get("name") and workspace.bot_user in found["users"]:
            found["users"].remove(workspace.bot_user)
            found["count"] = len(found["users"])
            message["reactions"] = [one for one in message["reactions"] if one["users"]]
            workspace.changed()
            return {}
    raise ApiError("no_reaction")


@method("reactions.get")
def reactions_get(workspace: Workspace, arguments: Json) -> Json:
    channel, message = _message(workspace, arguments)
    return {"type": "message", "channel": channel.id, "message": message}


@method("pins.add")
def pins_add(workspace: Workspace, arguments: Json) -> Json:
    channel, message = _message(workspace, arguments)
    if message["ts"] in channel.pins:
        raise ApiError("already_pinned")
    channel.pins.append(message["ts"])
    workspace.changed()
    return {}


@method("pins.remove")
def pins_remove(workspace: Workspace, arguments: Json) -> Json:
    channel, message = _message(workspace, arguments)
    if message["ts"] not in channel.pins:
        raise ApiError("no_pin")
    channel.pins.remove(message["ts"])
    workspace.changed()
    return {}


@method("pins.list")
def pins_list(workspace: Workspace, arguments: Json) -> Json:
    channel = workspace.channel(arguments.get("channel"))
    return {
        "items": [
            {"type": "message", "channel": channel.id, "message": channel.messages[ts]}
            for ts in channel.pins
        ]
    }


@method("chat.scheduleMessage")
def schedule_message(workspace: Workspace, arguments: Json) -> Json:
    channel = workspace.channel(arguments.get("channel"), writing=True)
    at = float(arguments.get("post_at") or 0)
    if at <= workspace.now():
        raise ApiError("time_in_past")
    if at > workspace.now() + FARTHEST_SECONDS:
        raise ApiError("time_too_far")
    scheduled = {
        "id": workspace.serial("Q"),
        "channel_id": channel.id,
        "post_at": at,
        **message_content(arguments),
    }
    workspace.scheduled.append(scheduled)
    return {"channel": channel.id, "scheduled_message_id": scheduled["id"], "post_at": at}


@method("chat.scheduledMessages.list")
def scheduled_messages(workspace: Workspace, arguments: Json) -> Json:
    wanted = arguments.get("channel")
    shown = [one for one in workspace.scheduled if wanted in {None, one["channel_id"]}]
    return {"scheduled_messages": shown, "response_metadata": {"next_cursor": ""}}


@method("chat.deleteScheduledMessage")
def delete_scheduled(workspace: Workspace, arguments: Json) -> Json:
    kept = [
        one for one in workspace.scheduled if one["id"] != arguments.get("scheduled_message_id")
    ]
    if len(kept) == len(workspace.scheduled):
        raise ApiError("invalid_scheduled_message_id")
    workspace.scheduled = kept
    return {}


@method("files.getUploadURLExternal")
def upload_url(workspace: Workspace, arguments: Json) -> Json:
    if int(arguments.get("length") or 0) < 1 or not arguments.get("filename"):
        raise ApiError("invalid_arguments")
    file_id = workspace.serial("F")
    workspace.files[file_id] = {
        "id": file_id,
        "name": str(arguments["filename"]),
        "size": int(arguments["length"]),
        "content": b"",
    }
    return {"file_id": file_id, "upload_url": f"http://{workspace.host}/upload/v1/{file_id}"}


@method("files.completeUploadExternal")
def complete_upload(workspace: Workspace, arguments: Json) -> Json:
    """The upload becomes a message where it is shared."""
    given = arguments.get("files") or []
    given = json.loads(given) if isinstance(given, str) else given
    known = [workspace.files.get(str(one.get("id"))) for one in given]
    if not known or any(one is None or not one["content"] for one in known):
        raise ApiError("file_not_found")
    shown = [_file(one) for one in known if one]
    if arguments.get("channel_id"):
        channel = workspace.channel(arguments["channel_id"], writing=True)
        thread = {"thread_ts": str(arguments["thread_ts"])} if arguments.get("thread_ts") else {}
        words = str(arguments.get("initial_comment") or "")
        workspace.post(
            channel,
            {
                "text": words,
                "files": shown,
                "bot_id": workspace.bot_id,
                "user": workspace.bot_user,
                **thread,
            },
        )
    return {"files": shown}


@method("files.info")
def files_info(workspace: Workspace, arguments: Json) -> Json:
    found = workspace.files.get(str(arguments.get("file")))
    if found is None:
        raise ApiError("file_not_found")
    return {"file": _file(found)}


def _file(found: Json) -> Json:
    return {
        "id": found["id"],
        "name": found["name"],
        "title": found["name"],
        "size": found["size"],
        "mode": "hosted",
    }


@method("users.conversations")
def users_conversations(workspace: Workspace, arguments: Json) -> Json:
    """The channels that this person and the app are both in."""
    user = str(arguments.get("user") or workspace.bot_user)
    workspace.user(user)
    both = {user, workspace.bot_user}
    found = [one for one in workspace.channels.values() if both <= one.members and not one.is_im]
    return {
        "channels": [channel_plain(workspace, one) for one in found],
        "response_metadata": {"next_cursor": ""},
    }


@method("users.lookupByEmail")
def users_lookup(workspace: Workspace, arguments: Json) -> Json:
    wanted = str(arguments.get("email", "")).casefold()
    found = next(
        (
            one
            for one in workspace.users.values()
            if one["profile"].get("email", "").casefold() == wanted
        ),
        None,
    )
    if not wanted or found is None:
        raise ApiError("users_not_found")
    return {"user": found}


@method("conversations.join")
def conversations_join(workspace: Workspace, arguments: Json) -> Json:
    channel = workspace.channels.get(str(arguments.get("channel")))
    if channel is None or channel.is_private:
        raise ApiError("channel_not_found")
    channel.members.add(workspace.bot_user)
    workspace.changed()
    return {"channel": channel_plain(workspace, channel)}


@method("emoji.list")
def emoji_list(workspace: Workspace, arguments: Json) -> Json:
    return {"emoji": {}}


@method("chat.unfurl")
def chat_unfurl(workspace: Workspace, arguments: Json) -> Json:
    _message(workspace, arguments, "ts")
    return {}


@method("entity.presentDetails")
def present_details(workspace: Workspace, arguments: Json) -> Json:
    workspace.use_trigger(arguments.get("trigger_id"))
    return {}


@method("functions.completeSuccess")
def function_success(workspace: Workspace, arguments: Json) -> Json:
    return _completed(arguments, "outputs")


@method("functions.completeError")
def function_error(workspace: Workspace, arguments: Json) -> Json:
    return _completed(arguments, "error")


def _completed(arguments: Json, needs: str) -> Json:
    if not arguments.get("function_execution_id") or needs not in arguments:
        raise ApiError("invalid_arguments")
    return {}


@method("oauth.v2.access")
def oauth_access(workspace: Workspace, arguments: Json) -> Json:
    """Any code is good: there is one app, and it is installed."""
    if not arguments.get("code"):
        raise ApiError("invalid_code")
    team = {"id": workspace.team["id"], "name": workspace.team["name"]}
    scopes = ",".join(sorted(workspace.permissions.scopes))
    return {
        "access_token": "xoxb-emulator",
        "token_type": "bot",
        "scope": scopes,
        "bot_user_id": workspace.bot_user,
        "app_id": workspace.app_id,
        "team": team,
    }
