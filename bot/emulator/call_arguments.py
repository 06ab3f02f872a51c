"""The arguments that methods need, and Slack's words about wrong ones."""

from collections.abc import Mapping

from bot.emulator.wire import ApiError, Json

CHANNEL = ("channel",)
MESSAGE = ("channel", "ts")
MESSAGE_BY_TIMESTAMP = ("channel", "timestamp")
USER = ("user",)
#: Methods that need none are not here.
REQUIRED_ARGUMENTS: Mapping[str, tuple[str, ...]] = {
    "chat.postMessage": CHANNEL,
    "chat.postEphemeral": ("channel", "user"),
    "chat.update": MESSAGE,
    "chat.delete": MESSAGE,
    "chat.getPermalink": ("channel", "message_ts"),
    "chat.scheduleMessage": ("channel", "post_at"),
    "chat.deleteScheduledMessage": ("channel", "scheduled_message_id"),
    "chat.startStream": CHANNEL,
    "chat.appendStream": MESSAGE,
    "chat.stopStream": MESSAGE,
    "conversations.history": CHANNEL,
    "conversations.replies": MESSAGE,
    "conversations.info": CHANNEL,
    "conversations.members": CHANNEL,
    "conversations.join": CHANNEL,
    "conversations.leave": CHANNEL,
    "users.info": USER,
    "users.lookupByEmail": ("email",),
    "usergroups.users.list": ("usergroup",),
    "reactions.add": (*MESSAGE_BY_TIMESTAMP, "name"),
    "reactions.remove": (*MESSAGE_BY_TIMESTAMP, "name"),
    "reactions.get": MESSAGE_BY_TIMESTAMP,
    "pins.add": MESSAGE_BY_TIMESTAMP,
    "pins.remove": MESSAGE_BY_TIMESTAMP,
    "pins.list": CHANNEL,
    "files.getUploadURLExternal": ("filename", "length"),
    "files.completeUploadExternal": ("files",),
    "files.info": ("file",),
    "views.open": ("trigger_id", "view"),
    "views.push": ("trigger_id", "view"),
    "views.update": ("view",),
    "views.publish": ("user_id", "view"),
    "assistant.threads.setStatus": ("channel_id", "thread_ts", "status"),
    "assistant.threads.setTitle": ("channel_id", "thread_ts", "title"),
    "assistant.threads.setSuggestedPrompts": ("channel_id", "prompts"),
    "functions.completeSuccess": ("function_execution_id", "outputs"),
    "functions.completeError": ("function_execution_id", "error"),
}


def check_arguments(method: str, arguments: Json) -> None:
    """Raise Slack's error for a missing argument or a wrong page size."""
    required = REQUIRED_ARGUMENTS.get(method, ())
    # An empty status ends one, and empty outputs are outputs.
    messages = [
        f"[ERROR] missing required field: {name}"
        for name in required
        if arguments.get(name) is None
    ]
    limit = arguments.get("limit")
    if limit not in (None, "") and not str(limit).isdigit():
        messages.append("[ERROR] must be an integer [json-pointer:/limit]")
    if messages:
        raise invalid_arguments(*messages)


def invalid_arguments(*messages: str) -> ApiError:
    """Return Slack's error about arguments, with its reasons."""
    return ApiError("invalid_arguments", response_metadata={"messages": list(messages)})
