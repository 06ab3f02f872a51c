"""The Web API: one function a method.

A method that is not here answers ``unknown_method`` and leaves a warning in the log.
"""

import json
import logging
from collections.abc import Callable, Mapping
from typing import Any

from bot.emulator.blocks import validate, validate_view
from bot.emulator.call_arguments import check_arguments, invalid_arguments
from bot.emulator.payloads import channel_payload, message_content, view_body, view_payload
from bot.emulator.wire import ApiError, Json
from bot.emulator.workspace import Channel, Workspace

log = logging.getLogger(__name__)
Method = Callable[[Workspace, Json], Json]
METHODS: dict[str, Method] = {}
APP_LEVEL_METHODS = frozenset({"apps.connections.open"})
METHODS_WITHOUT_TOKEN = frozenset({"api.test", "blocks.validate"})
# Of an installation, and of one step of a workflow.
BOT_TOKEN_PREFIXES = ("xoxb-", "xwfp-")
MAX_UPDATE_LENGTH = 4_000
DEFAULT_PAGE_SIZE = 100
MAX_PAGE_SIZE = 999
# Everything fits on one page, so there is never a next one.
LAST_PAGE: Json = {"next_cursor": ""}


def method(name: str) -> Callable[[Method], Method]:
    """Register a function as a method of the Web API."""

    def register(function: Method) -> Method:
        METHODS[name] = function
        return function

    return register


def call(workspace: Workspace, name: str, token: str, arguments: Json) -> Json:
    """Answer one request as Slack would."""
    function = METHODS.get(name)
    if function is None:
        log.warning("unknown method: %s", name)
        return {
            "ok": False,
            "error": "unknown_method",
            "req_method": name,
        }
    try:
        _check_token(workspace, name, token)
        workspace.app.permissions.check_scope(name)
        check_arguments(name, arguments)
        return {
            "ok": True,
            **function(workspace, _parse(arguments)),
        }
    except ApiError as refusal:
        return _refuse(refusal)
    except (AttributeError, KeyError, LookupError, TypeError, ValueError):
        # Slack knows every argument's type; here what does not fit shows itself in the work.
        log.warning("wrong arguments of %s", name, exc_info=True)
        return _refuse(invalid_arguments("[ERROR] an argument is of another type"))


def _refuse(refusal: ApiError) -> Json:
    return {
        "ok": False,
        "error": refusal.error,
        **refusal.details,
    }


def _check_token(workspace: Workspace, name: str, token: str) -> None:
    if name in METHODS_WITHOUT_TOKEN:
        return
    if not token:
        raise ApiError("not_authed")
    prefixes: tuple[str, ...] = BOT_TOKEN_PREFIXES
    if name in APP_LEVEL_METHODS:
        prefixes = ("xapp-",)
    if not token.startswith(prefixes):
        is_token = token.startswith(("xo", "xapp-", "xwfp-"))
        raise ApiError("not_allowed_token_type" if is_token else "invalid_auth")
    if token.startswith("xoxb-"):
        workspace.app.check_token(token, workspace.now())
    elif workspace.app.are_tokens_revoked:
        raise ApiError("token_revoked")


def _parse(arguments: Json) -> Json:
    """Parse nested values, which arrive as JSON text in forms."""
    values = dict(arguments)
    for name in ("blocks", "attachments", "metadata", "view"):
        if isinstance(values.get(name), str):
            try:
                values[name] = json.loads(values[name])
            except ValueError:
                error = "invalid_blocks_format" if name == "blocks" else "invalid_arguments"
                raise ApiError(error) from None
    return values


def _is_true(value: Any) -> bool:
    # Forms say "1" or "true", JSON bodies true.
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
        "user_id": workspace.app.bot_user,
        "bot_id": workspace.app.bot_id,
        "is_enterprise_install": False,
    }


@method("team.info")
def team_info(workspace: Workspace, arguments: Json) -> Json:
    return {"team": workspace.team}


@method("bots.info")
def bots_info(workspace: Workspace, arguments: Json) -> Json:
    app = workspace.app
    bot = {
        "id": app.bot_id,
        "app_id": app.id,
        "user_id": app.bot_user,
        "name": app.bot_name,
    }
    return {"bot": bot}


@method("users.info")
def users_info(workspace: Workspace, arguments: Json) -> Json:
    return {"user": workspace.user(arguments.get("user"))}


@method("users.list")
def users_list(workspace: Workspace, arguments: Json) -> Json:
    return page_of(workspace.users, "members", arguments)


def page_of(items: Mapping[str, Any], name: str, arguments: Json) -> Json:
    """Return one page of items by id, or all without limit."""
    limit = int(arguments.get("limit") or 0) or len(items)
    cursor = str(arguments.get("cursor") or "")
    rest = sorted(key for key in items if key > cursor)
    page = rest[:limit]
    has_more = len(rest) > limit
    return {
        name: [items[key] for key in page],
        "response_metadata": {"next_cursor": page[-1] if has_more else ""},
    }


def check_plan(workspace: Workspace) -> None:
    """Raise Slack's error where the team does not pay for user groups."""
    if workspace.is_on_free_plan:
        raise ApiError("plan_upgrade_required")


@method("usergroups.list")
def usergroups_list(workspace: Workspace, arguments: Json) -> Json:
    check_plan(workspace)
    groups = list(workspace.groups.values())
    if not _is_true(arguments.get("include_users")):
        groups = [_without(group, "users") for group in groups]
    return {"usergroups": groups}


@method("usergroups.users.list")
def usergroups_users_list(workspace: Workspace, arguments: Json) -> Json:
    check_plan(workspace)
    group = workspace.groups.get(str(arguments.get("usergroup")))
    if group is None:
        raise ApiError("no_such_subteam")
    return {"users": list(group["users"])}


@method("conversations.list")
def conversations_list(workspace: Workspace, arguments: Json) -> Json:
    channels = []
    for channel in workspace.channels.values():
        is_visible = not channel.is_private or workspace.app.bot_user in channel.members
        if is_visible and is_of_type(channel, arguments):
            channels.append(channel)
    return channel_page(workspace, channels, arguments)


def is_of_type(channel: Channel, arguments: Json) -> bool:
    """Tell whether a channel is of these types; public ones by default."""
    if channel.is_archived and _is_true(arguments.get("exclude_archived")):
        return False
    types = str(arguments.get("types") or "public_channel").replace(" ", "").split(",")
    if channel.is_im:
        return "im" in types
    return ("private_channel" if channel.is_private else "public_channel") in types


def channel_page(workspace: Workspace, channels: list[Channel], arguments: Json) -> Json:
    """Return one page of channels, in the order of their ids."""
    limit = min(int(arguments.get("limit") or DEFAULT_PAGE_SIZE), MAX_PAGE_SIZE)
    payloads = {channel.id: channel_payload(workspace, channel) for channel in channels}
    return page_of(payloads, "channels", {**arguments, "limit": limit})


@method("conversations.info")
def conversations_info(workspace: Workspace, arguments: Json) -> Json:
    channel = workspace.visible_channel(arguments.get("channel"))
    return {"channel": channel_payload(workspace, channel)}


@method("conversations.members")
def conversations_members(workspace: Workspace, arguments: Json) -> Json:
    channel = workspace.visible_channel(arguments.get("channel"))
    arguments = {**arguments, "limit": arguments.get("limit") or DEFAULT_PAGE_SIZE}
    return page_of({user: user for user in channel.members}, "members", arguments)


@method("conversations.open")
def conversations_open(workspace: Workspace, arguments: Json) -> Json:
    users = str(arguments.get("users", "")).split(",")
    if len(users) != 1:
        raise ApiError("not_implemented_here")
    user = workspace.user(users[0])
    channel = workspace.direct_channel(user["id"])
    return {"channel": {"id": channel.id}}


@method("conversations.history")
def conversations_history(workspace: Workspace, arguments: Json) -> Json:
    channel = workspace.channel(arguments.get("channel"))
    messages = []
    for message in _visible_messages(workspace, channel):
        if message.get("thread_ts") in {None, message["ts"]}:
            messages.append(message)
    return _page(messages, arguments, newest_first=True)


@method("conversations.replies")
def conversations_replies(workspace: Workspace, arguments: Json) -> Json:
    channel = workspace.channel(arguments.get("channel"))
    ts = str(arguments.get("ts"))
    if ts not in channel.messages:
        raise ApiError("thread_not_found")
    messages = []
    for message in _visible_messages(workspace, channel):
        if ts in {message["ts"], message.get("thread_ts")}:
            messages.append(message)
    return _page(messages, arguments, newest_first=False)


def _visible_messages(workspace: Workspace, channel: Channel) -> list[Json]:
    """Return a channel's messages, except those too young for its history."""
    delay = workspace.clock.history_delay
    messages = list(channel.messages.values())
    if not delay:
        return messages
    latest = workspace.now() - delay
    return [message for message in messages if float(message["ts"]) <= latest]


def _page(messages: list[Json], arguments: Json, *, newest_first: bool) -> Json:
    oldest = float(arguments.get("oldest") or 0)
    latest = float(arguments.get("latest") or "inf")
    limit = min(int(arguments.get("limit") or DEFAULT_PAGE_SIZE), MAX_PAGE_SIZE)
    is_inclusive = _is_true(arguments.get("inclusive"))
    bounds = (oldest, latest) if is_inclusive else ()
    rows = []
    for message in messages:
        at = float(message["ts"])
        if oldest < at < latest or at in bounds:
            rows.append(message)
    rows.sort(key=lambda message: message["ts"], reverse=newest_first)
    rows = _after(rows, str(arguments.get("cursor") or ""), newest_first=newest_first)
    page = rows[:limit]
    has_more = len(rows) > limit
    next_cursor = page[-1]["ts"] if has_more else ""
    if not _is_true(arguments.get("include_all_metadata")):
        page = [_without(message, "metadata") for message in page]
    return {
        "messages": page,
        "has_more": has_more,
        "response_metadata": {"next_cursor": next_cursor},
    }


def _after(rows: list[Json], cursor: str, *, newest_first: bool) -> list[Json]:
    # The cursor is a ts and not an offset: a message deleted meanwhile moves nothing out of sight.
    if not cursor:
        return rows
    if newest_first:
        return [row for row in rows if row["ts"] < cursor]
    return [row for row in rows if row["ts"] > cursor]


def _without(item: Json, name: str) -> Json:
    return {key: value for key, value in item.items() if key != name}


@method("chat.postMessage")
def chat_post_message(workspace: Workspace, arguments: Json) -> Json:
    channel = workspace.writable_channel(arguments.get("channel"))
    content = {
        **message_content(arguments),
        **workspace.app.authorship,
        "app_id": workspace.app.id,
    }
    if arguments.get("thread_ts"):
        content["thread_ts"] = str(arguments["thread_ts"])
    message = workspace.post(channel, content)
    return {
        "channel": channel.id,
        "ts": message["ts"],
        "message": message,
    }


@method("chat.update")
def chat_update(workspace: Workspace, arguments: Json) -> Json:
    channel = workspace.writable_channel(arguments.get("channel"))
    if len(str(arguments.get("text", ""))) > MAX_UPDATE_LENGTH:
        raise ApiError("msg_too_long")
    message = workspace.update(channel, arguments.get("ts"), message_content(arguments))
    return {
        "channel": channel.id,
        "ts": message["ts"],
        "text": message.get("text", ""),
        "message": message,
    }


@method("chat.delete")
def chat_delete(workspace: Workspace, arguments: Json) -> Json:
    channel = workspace.channel(arguments.get("channel"))
    ts = arguments.get("ts")
    if channel.messages.pop(str(ts), None) is None:
        raise ApiError("message_not_found")
    workspace.notify()
    return {"channel": channel.id, "ts": ts}


@method("chat.postEphemeral")
def chat_post_ephemeral(workspace: Workspace, arguments: Json) -> Json:
    channel = workspace.writable_channel(arguments.get("channel"))
    user = workspace.user(arguments.get("user"))["id"]
    if user not in channel.members:
        raise ApiError("user_not_in_channel")
    content = {
        **message_content(arguments),
        "bot_id": workspace.app.bot_id,
    }
    if arguments.get("thread_ts"):
        content["thread_ts"] = str(arguments["thread_ts"])
    return {"message_ts": workspace.post_ephemeral(channel, user, content)}


@method("chat.getPermalink")
def chat_get_permalink(workspace: Workspace, arguments: Json) -> Json:
    channel = workspace.channel(arguments.get("channel"))
    ts = str(arguments.get("message_ts"))
    if ts not in channel.messages:
        raise ApiError("message_not_found")
    host = f"{workspace.team['domain']}.example"
    return {
        "channel": channel.id,
        "permalink": f"https://{host}/archives/{channel.id}/p{ts.replace('.', '')}",
    }


@method("blocks.validate")
def blocks_validate(workspace: Workspace, arguments: Json) -> Json:
    if "view" in arguments:
        error = "invalid_view"
        mistakes = validate_view(arguments["view"])
    else:
        error = "invalid_blocks"
        mistakes = validate(arguments.get("blocks"), "message")
    if mistakes:
        raise ApiError(error, errors=[mistake.as_json() for mistake in mistakes])
    return {}


@method("views.open")
def views_open(workspace: Workspace, arguments: Json) -> Json:
    body = view_body(arguments)
    user = workspace.views.use_trigger(arguments.get("trigger_id"))
    view = workspace.views.open(user, body)
    return {"view": view_payload(workspace, view)}


@method("views.push")
def views_push(workspace: Workspace, arguments: Json) -> Json:
    body = view_body(arguments)
    user = workspace.views.use_trigger(arguments.get("trigger_id"))
    view = workspace.views.push(user, body)
    return {"view": view_payload(workspace, view)}


@method("views.update")
def views_update(workspace: Workspace, arguments: Json) -> Json:
    body = view_body(arguments)
    view = workspace.views.find(arguments.get("view_id") or arguments.get("external_id"))
    workspace.views.update(view, body, expected_hash=arguments.get("hash"))
    return {"view": view_payload(workspace, view)}


@method("views.publish")
def views_publish(workspace: Workspace, arguments: Json) -> Json:
    user = workspace.user(arguments.get("user_id"))["id"]
    body = view_body(arguments)
    workspace.views.homes[user] = body
    workspace.notify()
    view = {
        "id": f"VHOME{user}",
        "type": "home",
        **body,
    }
    return {"view": view}
