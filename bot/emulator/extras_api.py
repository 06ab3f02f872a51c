"""The Web API beyond messages: reactions, pins, files, scheduled messages, small look-ups."""

from typing import Any

from bot.emulator.payloads import channel_payload, message_content
from bot.emulator.reactions import reaction_of, set_reacting_users
from bot.emulator.web_api import LAST_PAGE, channel_page, is_of_type, method
from bot.emulator.wire import ApiError, Json, parse_list
from bot.emulator.workspace import Channel, Workspace

MAX_SCHEDULE_SECONDS = 120 * 86_400.0


def _message(workspace: Workspace, arguments: Json, key: str = "timestamp") -> tuple[Channel, Json]:
    channel = workspace.channel(arguments.get("channel"))
    message = channel.messages.get(str(arguments.get(key)))
    if message is None:
        raise ApiError("message_not_found")
    return channel, message


@method("reactions.add")
def reactions_add(workspace: Workspace, arguments: Json) -> Json:
    _, message = _message(workspace, arguments)
    reaction = reaction_of(message, str(arguments.get("name", "")))
    if workspace.app.bot_user in reaction["users"]:
        raise ApiError("already_reacted")
    set_reacting_users(reaction, [*reaction["users"], workspace.app.bot_user])
    workspace.notify()
    return {}


@method("reactions.remove")
def reactions_remove(workspace: Workspace, arguments: Json) -> Json:
    _, message = _message(workspace, arguments)
    bot_user = workspace.app.bot_user
    reactions = message.get("reactions", [])
    for reaction in reactions:
        if reaction["name"] == arguments.get("name") and bot_user in reaction["users"]:
            users = [user for user in reaction["users"] if user != bot_user]
            set_reacting_users(reaction, users)
            message["reactions"] = [one for one in reactions if one["users"]]
            workspace.notify()
            return {}
    raise ApiError("no_reaction")


@method("reactions.get")
def reactions_get(workspace: Workspace, arguments: Json) -> Json:
    channel, message = _message(workspace, arguments)
    return _item(channel, message)


def _item(channel: Channel, message: Json) -> Json:
    return {
        "type": "message",
        "channel": channel.id,
        "message": message,
    }


@method("pins.add")
def pins_add(workspace: Workspace, arguments: Json) -> Json:
    channel, message = _message(workspace, arguments)
    if message["ts"] in channel.pins:
        raise ApiError("already_pinned")
    channel.pins.append(message["ts"])
    workspace.notify()
    return {}


@method("pins.remove")
def pins_remove(workspace: Workspace, arguments: Json) -> Json:
    channel, message = _message(workspace, arguments)
    if message["ts"] not in channel.pins:
        raise ApiError("no_pin")
    channel.pins.remove(message["ts"])
    workspace.notify()
    return {}


@method("pins.list")
def pins_list(workspace: Workspace, arguments: Json) -> Json:
    channel = workspace.channel(arguments.get("channel"))
    items = [_item(channel, channel.messages[ts]) for ts in channel.pins]
    return {"items": items}


@method("chat.scheduleMessage")
def schedule_message(workspace: Workspace, arguments: Json) -> Json:
    channel = workspace.writable_channel(arguments.get("channel"))
    post_at = float(arguments.get("post_at") or 0)
    if post_at <= workspace.now():
        raise ApiError("time_in_past")
    if post_at > workspace.now() + MAX_SCHEDULE_SECONDS:
        raise ApiError("time_too_far")
    message = {
        "id": workspace.ids.new("Q"),
        "channel_id": channel.id,
        "post_at": post_at,
        **message_content(arguments),
    }
    workspace.scheduled_messages.append(message)
    return {
        "channel": channel.id,
        "scheduled_message_id": message["id"],
        "post_at": post_at,
    }


@method("chat.scheduledMessages.list")
def scheduled_messages(workspace: Workspace, arguments: Json) -> Json:
    channel_id = arguments.get("channel")
    messages = []
    for message in workspace.scheduled_messages:
        if channel_id in {None, message["channel_id"]}:
            messages.append(message)
    return {
        "scheduled_messages": messages,
        "response_metadata": LAST_PAGE,
    }


@method("chat.deleteScheduledMessage")
def delete_scheduled(workspace: Workspace, arguments: Json) -> Json:
    message_id = arguments.get("scheduled_message_id")
    for message in workspace.scheduled_messages:
        if message["id"] == message_id:
            workspace.scheduled_messages.remove(message)
            return {}
    raise ApiError("invalid_scheduled_message_id")


@method("files.getUploadURLExternal")
def upload_url(workspace: Workspace, arguments: Json) -> Json:
    length = int(arguments.get("length") or 0)
    if length < 1 or not arguments.get("filename"):
        raise ApiError("invalid_arguments")
    file_id = workspace.ids.new("F")
    workspace.files[file_id] = {
        "id": file_id,
        "name": str(arguments["filename"]),
        "size": length,
        "content": b"",
    }
    return {
        "file_id": file_id,
        "upload_url": f"http://{workspace.host}/upload/v1/{file_id}",
    }


@method("files.completeUploadExternal")
def complete_upload(workspace: Workspace, arguments: Json) -> Json:
    """Share uploads in a channel, as a message."""
    uploads = parse_list(arguments.get("files"))
    files = [_file(workspace, upload.get("id")) for upload in uploads]
    # An upload whose bytes never came is no file.
    if not files or any(not workspace.files[file["id"]]["content"] for file in files):
        raise ApiError("file_not_found")
    if arguments.get("channel_id"):
        channel = workspace.writable_channel(arguments["channel_id"])
        content = {
            "text": str(arguments.get("initial_comment") or ""),
            "files": files,
            **workspace.app.authorship,
        }
        if arguments.get("thread_ts"):
            content["thread_ts"] = str(arguments["thread_ts"])
        workspace.post(channel, content)
    return {"files": files}


@method("files.info")
def files_info(workspace: Workspace, arguments: Json) -> Json:
    return {"file": _file(workspace, arguments.get("file"))}


def _file(workspace: Workspace, file_id: Any) -> Json:
    file = workspace.files.get(str(file_id))
    if file is None:
        raise ApiError("file_not_found")
    return {
        "id": file["id"],
        "name": file["name"],
        "title": file["name"],
        "size": file["size"],
        "mode": "hosted",
    }


@method("users.conversations")
def users_conversations(workspace: Workspace, arguments: Json) -> Json:
    """List the channels that this person and the app are both in."""
    user = str(arguments.get("user") or workspace.app.bot_user)
    workspace.user(user)
    pair = {user, workspace.app.bot_user}
    channels = [
        channel
        for channel in workspace.channels.values()
        if pair <= channel.members and is_of_type(channel, arguments)
    ]
    return channel_page(workspace, channels, arguments)


@method("users.lookupByEmail")
def users_lookup(workspace: Workspace, arguments: Json) -> Json:
    email = str(arguments.get("email", "")).casefold()
    for user in workspace.users.values():
        # Slack finds nobody who is deactivated.
        is_active = not user.get("deleted")
        if email and is_active and user["profile"].get("email", "").casefold() == email:
            return {"user": user}
    raise ApiError("users_not_found")


@method("conversations.join")
def conversations_join(workspace: Workspace, arguments: Json) -> Json:
    channel = workspace.channels.get(str(arguments.get("channel")))
    if channel is None or channel.is_private:
        raise ApiError("channel_not_found")
    channel.members.add(workspace.app.bot_user)
    workspace.notify()
    return {"channel": channel_payload(workspace, channel)}


@method("conversations.leave")
def conversations_leave(workspace: Workspace, arguments: Json) -> Json:
    channel = workspace.visible_channel(arguments.get("channel"))
    if channel.is_im:
        raise ApiError("method_not_supported_for_channel_type")
    if workspace.app.bot_user not in channel.members:
        return {"not_in_channel": True}
    channel.members.discard(workspace.app.bot_user)
    workspace.notify()
    return {}


@method("emoji.list")
def emoji_list(workspace: Workspace, arguments: Json) -> Json:
    return {"emoji": {}}


@method("chat.unfurl")
def chat_unfurl(workspace: Workspace, arguments: Json) -> Json:
    _message(workspace, arguments, "ts")
    return {}


@method("entity.presentDetails")
def present_details(workspace: Workspace, arguments: Json) -> Json:
    workspace.views.use_trigger(arguments.get("trigger_id"))
    return {}


@method("functions.completeSuccess")
def complete_function(workspace: Workspace, arguments: Json) -> Json:
    return _complete(arguments, "outputs")


@method("functions.completeError")
def fail_function(workspace: Workspace, arguments: Json) -> Json:
    return _complete(arguments, "error")


def _complete(arguments: Json, required_argument: str) -> Json:
    if not arguments.get("function_execution_id") or required_argument not in arguments:
        raise ApiError("invalid_arguments")
    return {}
