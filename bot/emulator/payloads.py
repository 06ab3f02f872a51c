"""Messages, views and channels as Slack's payloads carry them."""

import json
import logging
from typing import Any

from bot.emulator.blocks import validate, validate_view
from bot.emulator.checks import Mistake
from bot.emulator.views import OpenView
from bot.emulator.wire import ApiError, Json
from bot.emulator.workspace import Channel, Workspace

log = logging.getLogger(__name__)
MAX_TEXT_LENGTH = 40_000
MAX_VIEW_LENGTH = 250_000
METADATA_FIELDS = {"event_type", "event_payload"}


def message_content(arguments: Json) -> Json:
    """Return the text, blocks and metadata of a message, validated."""
    content: Json = {}
    for name in ("text", "blocks", "metadata"):
        if arguments.get(name) not in (None, ""):
            content[name] = arguments[name]
    if not content.get("text") and not content.get("blocks"):
        raise ApiError("no_text")
    if len(str(content.get("text", ""))) > MAX_TEXT_LENGTH:
        # Slack shortens such a text without an error.
        content["text"] = content["text"][:MAX_TEXT_LENGTH]
    if "blocks" in content:
        _check(validate(content["blocks"], "message"), "invalid_blocks")
    if "metadata" in content and not _is_metadata(content["metadata"]):
        raise ApiError("invalid_metadata_format")
    return content


def _is_metadata(metadata: Any) -> bool:
    # Empty metadata takes away what a message has.
    return isinstance(metadata, dict) and set(metadata) >= METADATA_FIELDS


def view_body(arguments: Json) -> Json:
    """Return the validated view of a call; every block has an id."""
    body: Json = arguments.get("view") or {}
    if len(json.dumps(body)) > MAX_VIEW_LENGTH:
        raise ApiError("view_too_large")
    _check(validate_view(body), "invalid_arguments")
    for index, block in enumerate(body["blocks"]):
        block.setdefault("block_id", f"auto{index}")
    return body


def _check(mistakes: list[Mistake], error: str) -> None:
    if not mistakes:
        return
    lines = [f"{mistake.message} [json-pointer:{mistake.pointer}]" for mistake in mistakes]
    # An app that swallows the error would otherwise leave no trace of the reason.
    log.warning("%s: %s", error, "; ".join(lines))
    raise ApiError(
        error,
        errors=lines,
        response_metadata={"messages": [f"[ERROR] {line}" for line in lines]},
    )


def view_payload(workspace: Workspace, view: OpenView, values: Json | None = None) -> Json:
    """Return the view with its ids and the values of its inputs."""
    # A view that is closed already stands alone.
    stack = [other.id for other in workspace.views.stack(view.user)]
    if view.id not in stack:
        stack = [view.id]
    place = stack.index(view.id)
    return {
        "private_metadata": "",
        "callback_id": "",
        **view.body,
        "id": view.id,
        "hash": view.hash,
        "team_id": workspace.team["id"],
        "app_id": workspace.app.id,
        "bot_id": workspace.app.bot_id,
        "root_view_id": stack[0],
        "previous_view_id": stack[place - 1] if place else None,
        "external_id": view.body.get("external_id", ""),
        "state": {"values": values or {}},
    }


def home_payload(workspace: Workspace, user: str) -> Json:
    """Return the App Home of a person."""
    body = workspace.views.homes.get(user)
    if body is None:
        raise ApiError("no_such_home")
    return {
        "private_metadata": "",
        "callback_id": "",
        **body,
        "id": f"VHOME{user}",
        "hash": str(workspace.changes.version),
        "team_id": workspace.team["id"],
        "state": {"values": {}},
    }


def channel_payload(workspace: Workspace, channel: Channel) -> Json:
    """Return the channel with its flags."""
    return {
        "id": channel.id,
        "name": channel.name,
        "is_channel": not channel.is_im,
        "is_im": channel.is_im,
        "is_private": channel.is_private,
        "is_archived": channel.is_archived,
        "is_shared": channel.is_shared,
        "is_ext_shared": channel.is_shared,
        "is_member": workspace.app.bot_user in channel.members,
        "num_members": len(channel.members),
    }
