"""Strict Block Kit validation: blocks, messages and views.

It answers like ``blocks.validate``: a pointer, a code and a sentence for each mistake. A block
that is not in the table is refused.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from bot.emulator.checks import (
    Check,
    Errors,
    Mistake,
    Shape,
    anything,
    boolean,
    check_fields,
    choice,
    list_of,
    plain_text,
    table_rows,
    text,
    text_object,
)
from bot.emulator.elements import INPUT_ELEMENTS, INTERACTIVE_ELEMENTS, element

MAX_BLOCKS = {
    "message": 50,
    "modal": 100,
    "home": 100,
}
VIEW_FIELDS: Mapping[str, Check] = {
    "private_metadata": text(3000),
    "callback_id": text(255),
    "external_id": text(255),
}
MODAL_FIELDS: Mapping[str, Check] = {
    "title": plain_text(24),
    "submit": plain_text(24),
    "close": plain_text(24),
}
BLOCKS: Mapping[str, Shape] = {
    "section": Shape(
        fields={
            "text": text_object(3000),
            "fields": list_of(text_object(2000), 10),
            "accessory": element(*INTERACTIVE_ELEMENTS, "image"),
            "expand": boolean,
        },
        one_of=("text", "fields"),
    ),
    "header": Shape(
        fields={
            "text": plain_text(150),
        },
        required=("text",),
    ),
    "divider": Shape(
        fields={},
    ),
    "actions": Shape(
        fields={
            "elements": list_of(element(*INTERACTIVE_ELEMENTS), 25),
        },
        required=("elements",),
    ),
    "context": Shape(
        fields={
            "elements": list_of(element("plain_text", "mrkdwn", "image"), 10),
        },
        required=("elements",),
    ),
    "context_actions": Shape(
        fields={
            "elements": list_of(element("feedback_buttons", "icon_button"), 5),
        },
        required=("elements",),
        surfaces=("message",),
    ),
    "image": Shape(
        fields={
            "image_url": text(3000),
            "alt_text": text(2000),
            "title": plain_text(2000),
            "slack_file": anything,
        },
        required=("alt_text",),
    ),
    "input": Shape(
        fields={
            "label": plain_text(2000),
            "element": element(*INPUT_ELEMENTS),
            "hint": plain_text(2000),
            "optional": boolean,
            "dispatch_action": boolean,
        },
        required=("label", "element"),
    ),
    "markdown": Shape(
        fields={
            "text": text(12000, 1),
        },
        required=("text",),
        surfaces=("message",),
    ),
    "rich_text": Shape(
        fields={
            "elements": list_of(anything, 200, 0),
        },
        required=("elements",),
    ),
    "table": Shape(
        fields={
            "rows": table_rows,
            "column_settings": list_of(anything, 20),
        },
        required=("rows",),
        surfaces=("message",),
    ),
    "alert": Shape(
        fields={
            "text": text_object(200),
            "level": choice(("default", "info", "warning", "error", "success")),
        },
        required=("text",),
        surfaces=("modal",),
    ),
    "data_table": Shape(
        fields={
            "caption": text(500, 1),
            "rows": anything,
            "page_size": anything,
            "row_header_column_index": anything,
        },
        required=("caption", "rows"),
        surfaces=("message", "home"),
    ),
    "data_visualization": Shape(
        fields={
            "title": text(50, 1),
            "chart": anything,
        },
        required=("title", "chart"),
        surfaces=("message", "home"),
    ),
    "container": Shape(
        fields={
            "title": plain_text(150),
            "subtitle": plain_text(150),
            "child_blocks": list_of(anything, 10),
            "is_collapsible": boolean,
            "default_collapsed": boolean,
            "width": choice(("narrow", "standard", "wide", "full")),
            "has_header_divider": boolean,
        },
        required=("child_blocks",),
        surfaces=("message",),
    ),
    "card": Shape(
        fields={
            "title": text_object(150),
            "subtitle": text_object(150),
            "body": text_object(200),
            "actions": list_of(element("button"), 3),
            "hero_image": anything,
            "icon": anything,
        },
    ),
    "carousel": Shape(
        fields={
            "elements": list_of(anything, 10),
        },
        required=("elements",),
        surfaces=("message", "home"),
    ),
    "task_card": Shape(
        fields={
            "task_id": text(255, 1),
            "title": text(500, 1),
            "status": choice(("pending", "in_progress", "complete", "error")),
            "details": anything,
            "output": anything,
            "sources": anything,
        },
        required=("task_id", "title"),
        surfaces=("message",),
    ),
    "plan": Shape(
        fields={
            "title": text(500, 1),
            "tasks": list_of(anything, 50),
        },
        required=("title",),
        surfaces=("message",),
    ),
    "video": Shape(
        fields={
            "title": plain_text(200),
            "title_url": text(3000),
            "video_url": text(3000),
            "thumbnail_url": text(3000),
            "alt_text": text(2000),
            "author_name": text(50),
            "description": plain_text(200),
            "provider_name": text(50),
            "provider_icon_url": text(3000),
        },
        required=(
            "title",
            "video_url",
            "thumbnail_url",
            "alt_text",
        ),
    ),
    "file": Shape(
        fields={
            "external_id": text(255),
            "source": choice(("remote",)),
        },
        required=("external_id", "source"),
        surfaces=("message",),
    ),
}


def validate(blocks: Any, surface: str = "message") -> list[Mistake]:
    """Return the mistakes of blocks on a surface: "message", "modal" or "home"."""
    if not isinstance(blocks, list):
        return [Mistake("/blocks", "invalid_type", "blocks must be a list")]
    mistakes = []
    maximum = MAX_BLOCKS[surface]
    if len(blocks) > maximum:
        mistakes.append(Mistake("/blocks", "too_many", f"at most {maximum} blocks"))
    for index, block in enumerate(blocks):
        mistakes.extend(_check_block(block, f"/blocks/{index}", surface))
    mistakes.extend(_check_uniqueness(blocks))
    if len(list(_of_type(blocks, "table"))) > 1:
        mistakes.append(Mistake("/blocks", "only_one_table_allowed", "one table a message"))
    return mistakes


def validate_view(view: Any) -> list[Mistake]:
    """Return the mistakes of a modal or home view."""
    if not isinstance(view, dict) or view.get("type") not in {"modal", "home"}:
        return [Mistake("/view/type", "invalid_type", "a view is a modal or a home")]
    mistakes = list(check_fields(view, "/view", checks=VIEW_FIELDS))
    if view["type"] == "modal":
        mistakes.extend(_check_modal(view))
    return mistakes + validate(view.get("blocks"), view["type"])


def _check_modal(view: dict[str, Any]) -> Errors:
    yield from check_fields(view, "/view", checks=MODAL_FIELDS, required=("title",))
    has_input = any(_of_type(view.get("blocks", []), "input"))
    if has_input and "submit" not in view:
        message = "a modal with an input needs a submit button"
        yield Mistake("/view/submit", "missing", message)


def _of_type(blocks: list[Any], kind: str) -> Iterator[dict[str, Any]]:
    # The blocks come from outside and may be anything.
    for block in blocks:
        if isinstance(block, dict) and block.get("type") == kind:
            yield block


def _check_block(block: Any, pointer: str, surface: str) -> Errors:
    if not isinstance(block, dict):
        yield Mistake(pointer, "invalid_type", "a block is an object")
        return
    kind = block.get("type")
    shape = BLOCKS.get(str(kind))
    if shape is None:
        yield Mistake(f"{pointer}/type", "unsupported_type", f"no such block: {kind}")
        return
    if surface not in shape.surfaces:
        yield Mistake(pointer, "wrong_surface", f"a {kind} cannot stand in a {surface}")
    checks = {
        "block_id": text(255),
        **shape.fields,
    }
    for name in block:
        if name != "type" and name not in checks:
            yield Mistake(f"{pointer}/{name}", "unknown_field", f"a {kind} has no {name}")
    yield from check_fields(block, pointer, checks=checks, required=shape.required)
    if shape.one_of and not any(name in block for name in shape.one_of):
        yield Mistake(pointer, "missing", f"a {kind} needs {' or '.join(shape.one_of)}")


def _check_uniqueness(blocks: list[Any]) -> Errors:
    """Check that ids are unique.

    Block ids are unique in a message, action ids within their block.
    """
    block_ids: set[str] = set()
    for index, block in enumerate(blocks):
        if not isinstance(block, dict):
            continue
        block_id = block.get("block_id")
        if isinstance(block_id, str):
            if block_id in block_ids:
                message = f"block_id {block_id} is used twice"
                yield Mistake(f"/blocks/{index}/block_id", "duplicate", message)
            block_ids.add(block_id)
        action_ids = _action_ids(block)
        if len(action_ids) != len(set(action_ids)):
            message = "an action_id is used twice"
            yield Mistake(f"/blocks/{index}/elements", "duplicate", message)


def _action_ids(block: dict[str, Any]) -> list[str]:
    action_ids = []
    for item in block.get("elements", []):
        if isinstance(item, dict) and "action_id" in item:
            action_ids.append(str(item["action_id"]))
    return action_ids
