"""The Web API: one function a method. A method that is not here answers ``unknown_method``, loudly."""

import json
import logging
from collections.abc import Callable
from typing import Any

from bot.emulator.blocks import Mistake, validate, validate_view
from bot.emulator.state import ApiError, Channel, Json, View, Workspace

log = logging.getLogger(__name__)
Method = Callable[[Workspace, Json], Json]
METHODS: dict[str, Method] = {}
APP_LEVEL = frozenset({"apps.connections.open"})
LONGEST_TEXT = 40_000
LONGEST_UPDATE = 4_000


def method(name: str) -> Callable[[Method], Method]:
    def register(function: Method) -> Method:
        METHODS[name] = function
        return function

    return register


def call(workspace: Workspace, name: str, token: str, arguments: Json) -> Json:
    """Answer one request as Slack would."""
    function = METHODS.get(name)
    if function is None:
        log.warning("unknown method: %s", name)
        return {"ok": False, "error": "unknown_method", "req_method": name}
    try:
        _check_token(workspace, name, token)
        workspace.permissions.must_allow(name)
        return {"ok": True, **function(workspace, _parsed(arguments))}
    except ApiError as refused:
        return {"ok": False, "error": refused.error, **refused.details}


def _check_token(workspace: Workspace, name: str, token: str) -> None:
    if name in {"api.test", "blocks.validate"}:
        return
    if not token:
        raise ApiError("not_authed")
    wanted = "xapp-" if name in APP_LEVEL else "xoxb-"
    if not token.startswith(wanted):
        raise ApiError(
            "not_allowed_token_type"
            if token.startswith("xo") or token.startswith("xapp-")
            else "invalid_auth"
        )
    if workspace.revoked:
        raise ApiError("token_revoked")


def _parsed(arguments: Json) -> Json:
    """Nested values arrive as JSON text in forms and as values in JSON bodies; booleans as "1"/"0" or true/false."""
    parsed = dict(arguments)
    for name in ("blocks", "attachments", "metadata", "view"):
        if isinstance(parsed.get(name), str):
            try:
                parsed[name] = json.loads(parsed[name])
            except ValueError:
                raise ApiError(
                    "invalid_blocks_format" if name == "blocks" else "invalid_arguments"
                ) from None
    return parsed


def _true(value: Any) -> bool:
    return value in {True, "1", "true", "True"}


@method("api.test")
def api_test(workspace: Workspace, arguments: Json) -> Json:
    return {"args": arguments}


@method("auth.test")
def auth_test(workspace: Workspace, arguments: Json) -> Json:
    team = workspace.team
    return {
        "url": f"https://{team['domain']}.example/",
        "team": team["name"],
        "team_id": team["id"],
        "user": "countersign",
        "user_id": workspace.bot_user,
        "bot_id": workspace.bot_id,
        "is_enterprise_install": False,
    }


@method("team.info")
def team_info(workspace: Workspace, arguments: Json) -> Json:
    return {"team": workspace.team}


@method("bots.info")
def bots_info(workspace: Workspace, arguments: Json) -> Json:
    return {
        "bot": {
            "id": workspace.bot_id,
            "app_id": workspace.app_id,
            "user_id": workspace.bot_user,
            "name": workspace.bot_name,
        }
    }


@method("users.info")
def users_info(workspace: Workspace, arguments: Json) -> Json:
    return {"user": workspace.user(arguments.get("user"))}


@method("users.list")
def users_list(workspace: Workspace, arguments: Json) -> Json:
    return {"members": list(workspace.users.values()), "response_metadata": {"next_cursor": ""}}


@method("usergroups.list")
def usergroups_list(workspace: Workspace, arguments: Json) -> Json:
    hidden = set() if _true(arguments.get("include_users")) else {"users"}
    shown = [
        {key: value for key, value in group.items() if key not in hidden}
        for group in workspace.groups.values()
    ]
    return {"usergroups": shown}


@method("usergroups.users.list")
def usergroups_users_list(workspace: Workspace, arguments: Json) -> Json:
    group = workspace.groups.get(str(arguments.get("usergroup")))
    if group is None:
        raise ApiError("no_such_subteam")
    return {"users": list(group["users"])}


@method("conversations.list")
def conversations_list(workspace: Workspace, arguments: Json) -> Json:
    visible = [
        channel
        for channel in workspace.channels.values()
        if not channel.is_private or workspace.bot_user in channel.members
    ]
    return {
        "channels": [channel_plain(workspace, channel) for channel in visible if not channel.is_im],
        "response_metadata": {"next_cursor": ""},
    }


@method("conversations.info")
def conversations_info(workspace: Workspace, arguments: Json) -> Json:
    return {"channel": channel_plain(workspace, workspace.channel(arguments.get("channel")))}


@method("conversations.members")
def conversations_members(workspace: Workspace, arguments: Json) -> Json:
    return {
        "members": sorted(workspace.channel(arguments.get("channel")).members),
        "response_metadata": {"next_cursor": ""},
    }


@method("conversations.open")
def conversations_open(workspace: Workspace, arguments: Json) -> Json:
    users = str(arguments.get("users", "")).split(",")
    if len(users) != 1:
        raise ApiError("not_implemented_here")
    return {"channel": {"id": workspace.direct(workspace.user(users[0])["id"]).id}}


@method("conversations.history")
def conversations_history(workspace: Workspace, arguments: Json) -> Json:
    channel = workspace.channel(arguments.get("channel"))
    top = [
        message
        for message in channel.messages.values()
        if message.get("thread_ts") in {None, message["ts"]}
    ]
    return _page(_seen(workspace, top), arguments, newest_first=True)


@method("conversations.replies")
def conversations_replies(workspace: Workspace, arguments: Json) -> Json:
    channel, ts = workspace.channel(arguments.get("channel")), str(arguments.get("ts"))
    if ts not in channel.messages:
        raise ApiError("thread_not_found")
    thread = [
        message
        for message in channel.messages.values()
        if ts in {message["ts"], message.get("thread_ts")}
    ]
    return _page(_seen(workspace, thread), arguments, newest_first=False)


def _seen(workspace: Workspace, messages: list[Json]) -> list[Json]:
    """Those that Slack shows by now: what was just posted may take a moment."""
    latest = workspace.now() - workspace.hidden_for
    return (
        [message for message in messages if float(message["ts"]) <= latest]
        if workspace.hidden_for
        else messages
    )


def _page(messages: list[Json], arguments: Json, *, newest_first: bool) -> Json:
    oldest, latest = float(arguments.get("oldest") or 0), float(arguments.get("latest") or "inf")
    wanted = [message for message in messages if oldest < float(message["ts"]) < latest]
    wanted.sort(key=lambda message: message["ts"], reverse=newest_first)
    limit, cursor = min(int(arguments.get("limit") or 100), 999), str(arguments.get("cursor") or "")
    if cursor:
        # A place and not a number: what is deleted meanwhile moves nothing out of sight.
        wanted = [
            message
            for message in wanted
            if (message["ts"] < cursor if newest_first else message["ts"] > cursor)
        ]
    shown, more = wanted[:limit], len(wanted) > limit
    following = shown[-1]["ts"] if more else ""
    if not _true(arguments.get("include_all_metadata")):
        shown = [
            {key: value for key, value in message.items() if key != "metadata"} for message in shown
        ]
    return {"messages": shown, "has_more": more, "response_metadata": {"next_cursor": following}}


@method("chat.postMessage")
def chat_post_message(workspace: Workspace, arguments: Json) -> Json:
    channel = workspace.channel(arguments.get("channel"), writing=True)
    message = {
        **message_content(arguments),
        "user": workspace.bot_user,
        "bot_id": workspace.bot_id,
        "app_id": workspace.app_id,
    }
    if arguments.get("thread_ts"):
        message["thread_ts"] = str(arguments["thread_ts"])
    stored = workspace.post(channel, message)
    return {"channel": channel.id, "ts": stored["ts"], "message": stored}


@method("chat.update")
def chat_update(workspace: Workspace, arguments: Json) -> Json:
    channel = workspace.channel(arguments.get("channel"), writing=True)
    if len(str(arguments.get("text", ""))) > LONGEST_UPDATE:
        raise ApiError("msg_too_long")
    stored = workspace.update(channel, arguments.get("ts"), message_content(arguments))
    return {
        "channel": channel.id,
        "ts": stored["ts"],
        "text": stored.get("text", ""),
        "message": stored,
    }


@method("chat.delete")
def chat_delete(workspace: Workspace, arguments: Json) -> Json:
    channel = workspace.channel(arguments.get("channel"))
    if channel.messages.pop(str(arguments.get("ts")), None) is None:
        raise ApiError("message_not_found")
    workspace.changed()
    return {"channel": channel.id, "ts": arguments.get("ts")}


@method("chat.postEphemeral")
def chat_post_ephemeral(workspace: Workspace, arguments: Json) -> Json:
    channel = workspace.channel(arguments.get("channel"), writing=True)
    user = workspace.user(arguments.get("user"))["id"]
    if user not in channel.members:
        raise ApiError("user_not_in_channel")
    return {
        "message_ts": workspace.whisper(
            channel, user, {**message_content(arguments), "bot_id": workspace.bot_id}
        )
    }


@method("chat.getPermalink")
def chat_get_permalink(workspace: Workspace, arguments: Json) -> Json:
    channel, ts = workspace.channel(arguments.get("channel")), str(arguments.get("message_ts"))
    if ts not in channel.messages:
        raise ApiError("message_not_found")
    return {
        "channel": channel.id,
        "permalink": f"https://{workspace.team['domain']}.example/archives/{channel.id}/p{ts.replace('.', '')}",
    }


def message_content(arguments: Json) -> Json:
    """What a message may say, validated: text, blocks, metadata."""
    content = {
        name: arguments[name]
        for name in ("text", "blocks", "metadata")
        if arguments.get(name) not in (None, "")
    }
    if not content.get("text") and not content.get("blocks"):
        raise ApiError("no_text")
    if len(str(content.get("text", ""))) > LONGEST_TEXT:
        content["text"] = content["text"][:LONGEST_TEXT]
    if "blocks" in content:
        _must_be_valid(validate(content["blocks"], "message"), "invalid_blocks")
    if "metadata" in content and not {"event_type", "event_payload"} <= set(content["metadata"]):
        raise ApiError("invalid_metadata_format")
    return content


def _must_be_valid(mistakes: list[Mistake], error: str) -> None:
    if mistakes:
        said = [f"{mistake.message} [json-pointer:{mistake.pointer}]" for mistake in mistakes]
        log.warning("%s: %s", error, "; ".join(said))
        raise ApiError(
            error, errors=said, response_metadata={"messages": [f"[ERROR] {line}" for line in said]}
        )


@method("blocks.validate")
def blocks_validate(workspace: Workspace, arguments: Json) -> Json:
    mistakes = (
        validate_view(arguments["view"])
        if "view" in arguments
        else validate(arguments.get("blocks"), "message")
    )
    if mistakes:
        shown = [
            {"pointer": mistake.pointer, "code": mistake.code, "message": mistake.message}
            for mistake in mistakes
        ]
        raise ApiError("invalid_view" if "view" in arguments else "invalid_blocks", errors=shown)
    return {}


@method("views.open")
def views_open(workspace: Workspace, arguments: Json) -> Json:
    body = _view(arguments)
    return {
        "view": shown_view(
            workspace, workspace.open_view(workspace.use_trigger(arguments.get("trigger_id")), body)
        )
    }


@method("views.push")
def views_push(workspace: Workspace, arguments: Json) -> Json:
    body = _view(arguments)
    user = workspace.use_trigger(arguments.get("trigger_id"))
    return {"view": shown_view(workspace, workspace.open_view(user, body, push=True))}


@method("views.update")
def views_update(workspace: Workspace, arguments: Json) -> Json:
    body = _view(arguments)
    view = workspace.view(arguments.get("view_id") or arguments.get("external_id"))
    return {"view": shown_view(workspace, workspace.update_view(view, body, arguments.get("hash")))}


@method("views.publish")
def views_publish(workspace: Workspace, arguments: Json) -> Json:
    user = workspace.user(arguments.get("user_id"))["id"]
    workspace.homes[user] = _view(arguments)
    workspace.changed()
    return {"view": {"id": f"VHOME{user}", "type": "home", **workspace.homes[user]}}


def _view(arguments: Json) -> Json:
    body: Json = arguments.get("view") or {}
    _must_be_valid(validate_view(body), "invalid_arguments")
    for index, block in enumerate(body["blocks"]):
        block.setdefault("block_id", f"auto{index}")
    return body


def shown_view(workspace: Workspace, view: View, values: Json | None = None) -> Json:
    """The view as payloads carry it."""
    more = {
        "id": view.id,
        "hash": view.hash,
        "team_id": workspace.team["id"],
        "app_id": workspace.app_id,
        "bot_id": workspace.bot_id,
    }
    return {
        "private_metadata": "",
        "callback_id": "",
        **view.body,
        **more,
        "root_view_id": view.id,
        "state": {"values": values or {}},
    }


def channel_plain(workspace: Workspace, channel: Channel) -> Json:
    """The channel as payloads carry it."""
    return {
        "id": channel.id,
        "name": channel.name,
        "is_channel": not channel.is_im,
        "is_im": channel.is_im,
        "is_private": channel.is_private,
        "is_archived": channel.is_archived,
        "is_shared": channel.is_shared,
        "is_ext_shared": channel.is_shared,
        "is_member": workspace.bot_user in channel.members,
        "num_members": len(channel.members),
    }
