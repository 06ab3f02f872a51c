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
    check_shape,
    choice,
    integer,
    list_of,
    plain_text,
    text,
    text_object,
    typed_object,
    url,
)
from bot.emulator.composition import (
    WEB_SCHEMES,
    column_settings,
    image_fields,
    slack_icon,
)
from bot.emulator.elements import (
    ACCESSORY_ELEMENTS,
    INPUT_ELEMENTS,
    INTERACTIVE_ELEMENTS,
    element,
)
from bot.emulator.rich_text import RICH_TEXT, rich_text
from bot.emulator.tables import chart, data_table_rows, table_rows

MAX_BLOCKS = {
    "message": 50,
    "modal": 100,
    "home": 100,
}
MAX_MARKDOWN_LENGTH = 12_000
MAX_CHARTS = 2
VIEW_FIELDS: Mapping[str, Check] = {
    "blocks": anything,
    "private_metadata": text(3000),
    "callback_id": text(255),
    "external_id": text(255),
}
VIEWS: Mapping[str, Shape] = {
    "modal": Shape(
        fields={
            **VIEW_FIELDS,
            "title": plain_text(24),
            "submit": plain_text(24),
            "close": plain_text(24),
            "clear_on_close": boolean,
            "notify_on_close": boolean,
            "submit_disabled": boolean,
        },
        required=("title", "blocks"),
    ),
    "home": Shape(
        fields=VIEW_FIELDS,
        required=("blocks",),
    ),
}
_ID: Mapping[str, Check] = {
    "block_id": text(255),
}


def _pending_only_in_a_plan(value: Any, pointer: str) -> Errors:
    if value.get("status") == "pending":
        message = "a task card that stands alone is not pending"
        yield Mistake(f"{pointer}/status", "invalid_value", message)


def _divider_without_folding(value: Any, pointer: str) -> Errors:
    if value.get("has_header_divider") and value.get("is_collapsible"):
        message = "has_header_divider and is_collapsible exclude each other"
        yield Mistake(f"{pointer}/has_header_divider", "exclusive", message)


def _unique_tasks(value: Any, pointer: str) -> Errors:
    tasks = value.get("tasks")
    if not isinstance(tasks, list):
        return
    ids = [task.get("task_id") for task in tasks if isinstance(task, dict)]
    if len(set(map(str, ids))) != len(ids):
        yield Mistake(f"{pointer}/tasks", "duplicate", "a task_id is used twice")


_TASK_CARD = Shape(
    fields={
        **_ID,
        "task_id": text(255, 1),
        "title": text(500, 1),
        "status": choice(("pending", "in_progress", "complete", "error")),
        "details": rich_text,
        "output": rich_text,
        "sources": list_of(element("url"), None, 0),
    },
    required=("task_id", "title"),
    surfaces=("message",),
)
_CARD = Shape(
    fields={
        **_ID,
        "title": text_object(150),
        "subtitle": text_object(150),
        "body": text_object(200),
        "subtext": text_object(200),
        "actions": list_of(element("button"), 3),
        "hero_image": element("image"),
        "icon": element("image"),
        "slack_icon": slack_icon,
    },
    one_of=("hero_image", "title", "actions", "body"),
    exclusive=("icon", "slack_icon"),
)
#: Blocks that may stand in a container too.
CHILD_BLOCKS: Mapping[str, Shape] = {
    "section": Shape(
        fields={
            **_ID,
            "text": text_object(3000),
            "fields": list_of(text_object(2000), 10),
            "accessory": element(*ACCESSORY_ELEMENTS),
            "expand": boolean,
        },
        one_of=("text", "fields"),
    ),
    "header": Shape(
        fields={
            **_ID,
            "text": plain_text(150),
        },
        required=("text",),
    ),
    "divider": Shape(
        fields=_ID,
    ),
    "actions": Shape(
        fields={
            **_ID,
            "elements": list_of(element(*INTERACTIVE_ELEMENTS), 25),
        },
        required=("elements",),
    ),
    "context": Shape(
        fields={
            **_ID,
            "elements": list_of(element("plain_text", "mrkdwn", "image"), 10),
        },
        required=("elements",),
    ),
    "image": Shape(
        fields={
            **_ID,
            **image_fields(),
            "title": plain_text(2000),
        },
        required=("alt_text",),
        one_of=("image_url", "slack_file"),
        exclusive=("image_url", "slack_file"),
    ),
    "input": Shape(
        fields={
            **_ID,
            "label": plain_text(2000),
            "element": element(*INPUT_ELEMENTS),
            "hint": plain_text(2000),
            "optional": boolean,
            "dispatch_action": boolean,
        },
        required=("label", "element"),
    ),
    "rich_text": RICH_TEXT,
    "table": Shape(
        fields={
            **_ID,
            "rows": table_rows,
            "column_settings": list_of(column_settings, 20),
        },
        required=("rows",),
        surfaces=("message", "home"),
    ),
    "video": Shape(
        fields={
            **_ID,
            "title": plain_text(199),
            "title_url": url(schemes=("https",)),
            "video_url": url(schemes=("https",)),
            "thumbnail_url": url(schemes=WEB_SCHEMES),
            "alt_text": text(2000),
            "author_name": text(49),
            "description": plain_text(200),
            "provider_name": text(50),
            "provider_icon_url": url(schemes=WEB_SCHEMES),
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
            **_ID,
            "external_id": text(255, 1),
            "source": choice(("remote",)),
        },
        required=("external_id", "source"),
        surfaces=("message",),
    ),
}
BLOCKS: Mapping[str, Shape] = {
    **CHILD_BLOCKS,
    "context_actions": Shape(
        fields={
            **_ID,
            "elements": list_of(element("feedback_buttons", "icon_button"), 5),
        },
        required=("elements",),
        surfaces=("message",),
    ),
    "markdown": Shape(
        fields={
            **_ID,
            "text": text(MAX_MARKDOWN_LENGTH, 1),
        },
        required=("text",),
        surfaces=("message",),
    ),
    "alert": Shape(
        fields={
            **_ID,
            "text": text_object(200),
            "level": choice(("default", "info", "warning", "error", "success")),
        },
        required=("text",),
        surfaces=("modal",),
    ),
    "data_table": Shape(
        fields={
            **_ID,
            "caption": text(500, 1),
            "rows": data_table_rows,
            "page_size": integer(1, 100),
            "row_header_column_index": integer(0, 19),
        },
        required=("caption", "rows"),
        surfaces=("message", "home"),
    ),
    "data_visualization": Shape(
        fields={
            **_ID,
            "title": text(50, 1),
            "chart": chart,
        },
        required=("title", "chart"),
        surfaces=("message", "home"),
    ),
    "container": Shape(
        fields={
            **_ID,
            "title": plain_text(150),
            "rich_text_title": rich_text,
            "subtitle": text_object(150),
            "icon": element("image"),
            "child_blocks": list_of(typed_object(CHILD_BLOCKS), 10),
            "is_collapsible": boolean,
            "default_collapsed": boolean,
            "width": choice(("narrow", "standard", "wide", "full")),
            "has_header_divider": boolean,
        },
        required=("child_blocks",),
        # Sources disagree on the home: what may be right is not refused.
        surfaces=("message", "home"),
        one_of=("title", "rich_text_title"),
        rules=(_divider_without_folding,),
    ),
    "card": _CARD,
    "carousel": Shape(
        fields={
            **_ID,
            "elements": list_of(typed_object({"card": _CARD}), 10),
        },
        required=("elements",),
        surfaces=("message", "home"),
    ),
    "task_card": Shape(
        fields=_TASK_CARD.fields,
        required=_TASK_CARD.required,
        surfaces=_TASK_CARD.surfaces,
        rules=(_pending_only_in_a_plan,),
    ),
    "plan": Shape(
        fields={
            **_ID,
            "title": text(500, 1),
            "tasks": list_of(typed_object({"task_card": _TASK_CARD}), 50, 0),
        },
        required=("title",),
        surfaces=("message",),
        rules=(_unique_tasks,),
    ),
    "auth_provider": Shape(
        fields={
            **_ID,
            "value": text(150, 1),
            "name": plain_text(75),
            "is_connected": boolean,
            "description": text_object(150),
            "icon_url": url(),
            "auth_url": url(),
            "disconnect_url": url(),
            "connected_identity": text_object(75),
            "connected_context": text_object(75),
            "accessory": element("overflow"),
            "fallback": text_object(3000),
        },
        required=("value", "name", "is_connected"),
    ),
    "call": Shape(
        fields={
            **_ID,
            "call_id": text(255, 1),
            "api_decoration_available": boolean,
            "call": anything,
        },
        required=("call_id",),
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
    mistakes.extend(_check_totals(blocks))
    return mistakes


def validate_view(view: Any) -> list[Mistake]:
    """Return the mistakes of a modal or home view."""
    kind = str(view.get("type")) if isinstance(view, dict) else ""
    if kind not in VIEWS:
        return [Mistake("/view/type", "invalid_type", "a view is a modal or a home")]
    mistakes = list(check_shape(view, "/view", shape=VIEWS[kind], noun=f"a {kind}"))
    blocks = view.get("blocks")
    if kind == "modal" and _has_input(blocks) and "submit" not in view:
        message = "a modal with an input needs a submit button"
        mistakes.append(Mistake("/view/submit", "missing", message))
    if isinstance(blocks, list) and _count_focused(blocks) > 1:
        message = "only one element has focus_on_load"
        mistakes.append(Mistake("/view/blocks", "duplicate", message))
    return mistakes + validate(blocks, kind)


def _has_input(blocks: Any) -> bool:
    return isinstance(blocks, list) and any(_of_type(blocks, "input"))


def _count_focused(blocks: list[Any]) -> int:
    elements = [one for block in blocks for one in _elements(block)]
    return sum(one.get("focus_on_load") is True for one in elements)


def _elements(block: Any) -> Iterator[dict[str, Any]]:
    """Return the elements of a block that people use."""
    if not isinstance(block, dict):
        return
    several = block.get("elements")
    for one in (block.get("element"), block.get("accessory")):
        if isinstance(one, dict):
            yield one
    for one in several if isinstance(several, list) else ():
        if isinstance(one, dict):
            yield one


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
    yield from check_shape(block, pointer, shape=shape, noun=f"a {kind}")


def _check_totals(blocks: list[Any]) -> Errors:
    """Check what a whole message or view may hold."""
    if len(list(_of_type(blocks, "table"))) > 1:
        yield Mistake("/blocks", "only_one_table_allowed", "one table a message")
    if len(list(_of_type(blocks, "data_visualization"))) > MAX_CHARTS:
        yield Mistake("/blocks", "too_many", f"at most {MAX_CHARTS} charts")
    words = [str(block.get("text", "")) for block in _of_type(blocks, "markdown")]
    length = sum(map(len, words))
    if len(words) > 1 and length > MAX_MARKDOWN_LENGTH:
        message = f"{length} characters of markdown, at most {MAX_MARKDOWN_LENGTH}"
        yield Mistake("/blocks", "length", message)


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
        action_ids = [str(one["action_id"]) for one in _elements(block) if "action_id" in one]
        if len(action_ids) != len(set(action_ids)):
            message = "an action_id is used twice"
            yield Mistake(f"/blocks/{index}/elements", "duplicate", message)
