"""Strict Block Kit validation, as a table of shapes. Answers like ``blocks.validate``: a pointer, a code and a sentence per mistake.

Limits are Slack's own, from its documentation and SDK sources as of November 2026. What is not in the table is refused.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

Errors = Iterator["Mistake"]
Check = Callable[[Any, str], Errors]


@dataclass(frozen=True, slots=True)
class Mistake:
    pointer: str
    code: str
    message: str


MOST_BLOCKS = {"message": 50, "modal": 100, "home": 100}


def validate(blocks: Any, surface: str = "message") -> list[Mistake]:
    """Every mistake in these blocks on this surface ("message", "modal" or "home")."""
    if not isinstance(blocks, list):
        return [Mistake("/blocks", "invalid_type", "blocks must be a list")]
    mistakes = []
    if len(blocks) > MOST_BLOCKS[surface]:
        mistakes.append(Mistake("/blocks", "too_many", f"at most {MOST_BLOCKS[surface]} blocks"))
    for index, block in enumerate(blocks):
        mistakes.extend(_block(block, f"/blocks/{index}", surface))
    mistakes.extend(_unique(blocks))
    tables = sum(1 for block in blocks if isinstance(block, dict) and block.get("type") == "table")
    if tables > 1:
        mistakes.append(Mistake("/blocks", "only_one_table_allowed", "one table a message"))
    return mistakes


def validate_view(view: Any) -> list[Mistake]:
    """Every mistake in a modal or home view."""
    if not isinstance(view, dict) or view.get("type") not in {"modal", "home"}:
        return [Mistake("/view/type", "invalid_type", "a view is a modal or a home")]
    mistakes = list(
        _fields(
            view,
            "/view",
            {"private_metadata": _text(3000), "callback_id": _text(255), "external_id": _text(255)},
        )
    )
    if view["type"] == "modal":
        plain = {name: _plain(24) for name in ("title", "submit", "close")}
        mistakes.extend(_fields(view, "/view", plain, required={"title"}))
        has_input = any(
            isinstance(block, dict) and block.get("type") == "input"
            for block in view.get("blocks", [])
        )
        if has_input and "submit" not in view:
            mistakes.append(
                Mistake("/view/submit", "missing", "a modal with an input needs a submit button")
            )
    return mistakes + validate(view.get("blocks"), view["type"])


def _block(block: Any, at: str, surface: str) -> Errors:
    if not isinstance(block, dict):
        yield Mistake(at, "invalid_type", "a block is an object")
        return
    kind = block.get("type")
    shape = BLOCKS.get(str(kind))
    if shape is None:
        yield Mistake(f"{at}/type", "unsupported_type", f"no such block: {kind}")
        return
    if surface not in shape.surfaces:
        yield Mistake(at, "wrong_surface", f"a {kind} cannot stand in a {surface}")
    allowed = {"type", "block_id", *shape.fields}
    for name in block:
        if name not in allowed:
            yield Mistake(f"{at}/{name}", "unknown_field", f"a {kind} has no {name}")
    yield from _fields(block, at, {"block_id": _text(255), **shape.fields}, shape.required)
    if shape.one_of and not any(name in block for name in shape.one_of):
        yield Mistake(at, "missing", f"a {kind} needs {' or '.join(shape.one_of)}")


def _fields(
    owner: dict[str, Any],
    at: str,
    checks: dict[str, Check],
    required: frozenset[str] | set[str] = frozenset(),
) -> Errors:
    for name in sorted(required):
        if name not in owner:
            yield Mistake(f"{at}/{name}", "missing", f"{name} is required")
    for name, check in checks.items():
        if name in owner:
            yield from check(owner[name], f"{at}/{name}")


def _unique(blocks: list[Any]) -> Errors:
    """block_id is unique in a message, action_id within its block."""
    seen: set[str] = set()
    for index, block in enumerate(blocks):
        if not isinstance(block, dict):
            continue
        block_id = block.get("block_id")
        if isinstance(block_id, str) and block_id in seen:
            yield Mistake(
                f"/blocks/{index}/block_id", "duplicate", f"block_id {block_id} is used twice"
            )
        if isinstance(block_id, str):
            seen.add(block_id)
        actions = [
            str(element.get("action_id"))
            for element in block.get("elements", [])
            if isinstance(element, dict) and "action_id" in element
        ]
        if len(actions) != len(set(actions)):
            yield Mistake(f"/blocks/{index}/elements", "duplicate", "an action_id is used twice")


# --- small checks ------------------------------------------------------------------------------------------------------


def _text(most: int, least: int = 0) -> Check:
    def check(value: Any, at: str) -> Errors:
        if not isinstance(value, str):
            yield Mistake(at, "invalid_type", "must be text")
        elif not least <= len(value) <= most:
            yield Mistake(at, "length", f"{len(value)} characters, must be {least} to {most}")

    return check


def _one(*allowed: Any) -> Check:
    def check(value: Any, at: str) -> Errors:
        if value not in allowed:
            yield Mistake(at, "invalid_value", f"must be one of {', '.join(map(str, allowed))}")

    return check


def _boolean(value: Any, at: str) -> Errors:
    if not isinstance(value, bool):
        yield Mistake(at, "invalid_type", "must be true or false")


def _anything(value: Any, at: str) -> Errors:
    return iter(())


def _text_object(most: int, kinds: tuple[str, ...] = ("plain_text", "mrkdwn")) -> Check:
    def check(value: Any, at: str) -> Errors:
        if not isinstance(value, dict) or value.get("type") not in kinds:
            yield Mistake(at, "invalid_type", f"must be a {' or '.join(kinds)} object")
            return
        yield from _text(most, 1)(value.get("text"), f"{at}/text")
        extra = set(value) - {"type", "text", "emoji", "verbatim"}
        if extra or ("emoji" in value and value["type"] == "mrkdwn"):
            yield Mistake(
                at,
                "unknown_field",
                f"a text object has no {', '.join(sorted(extra)) or 'emoji here'}",
            )

    return check


def _plain(most: int) -> Check:
    return _text_object(most, ("plain_text",))


def _list(item: Check, most: int, least: int = 1) -> Check:
    def check(value: Any, at: str) -> Errors:
        if not isinstance(value, list):
            yield Mistake(at, "invalid_type", "must be a list")
            return
        if not least <= len(value) <= most:
            yield Mistake(at, "count", f"{len(value)} items, must be {least} to {most}")
        for index, inner in enumerate(value):
            yield from item(inner, f"{at}/{index}")

    return check


def _element(*kinds: str) -> Check:
    def check(value: Any, at: str) -> Errors:
        kind = value.get("type") if isinstance(value, dict) else None
        if kind not in kinds:
            yield Mistake(at, "unsupported_type", f"must be one of {', '.join(kinds)}, not {kind}")
            return
        shape = ELEMENTS[kind]
        for name in value:
            if name not in {"type", *shape.fields}:
                yield Mistake(f"{at}/{name}", "unknown_field", f"a {kind} has no {name}")
        yield from _fields(value, at, shape.fields, shape.required)

    return check


def _confirm(value: Any, at: str) -> Errors:
    if not isinstance(value, dict):
        yield Mistake(at, "invalid_type", "a confirm is an object")
        return
    checks = {
        "title": _plain(100),
        "text": _text_object(300),
        "confirm": _plain(30),
        "deny": _plain(30),
        "style": _one("primary", "danger"),
    }
    yield from _fields(value, at, checks, {"title", "text", "confirm", "deny"})


def _option(value: Any, at: str) -> Errors:
    if not isinstance(value, dict):
        yield Mistake(at, "invalid_type", "an option is an object")
        return
    yield from _fields(
        value,
        at,
        {"text": _text_object(75), "value": _text(150, 1), "description": _text_object(75)},
        {"text", "value"},
    )


def _cell(value: Any, at: str) -> Errors:
    if not isinstance(value, dict) or value.get("type") not in {
        "raw_text",
        "raw_number",
        "rich_text",
    }:
        yield Mistake(at, "unsupported_type", "a cell is raw_text, raw_number or rich_text")
    elif value["type"] == "raw_text":
        yield from _text(10_000, 1)(value.get("text"), f"{at}/text")


def _rows(value: Any, at: str) -> Errors:
    yield from _list(_list(_cell, 20), 100)(value, at)
    if isinstance(value, list) and len({len(row) for row in value if isinstance(row, list)}) > 1:
        yield Mistake(at, "ragged", "all rows have the same number of cells")


@dataclass(frozen=True, slots=True)
class Shape:
    fields: dict[str, Check]
    required: frozenset[str] = frozenset()
    surfaces: frozenset[str] = frozenset({"message", "modal", "home"})
    one_of: tuple[str, ...] = ()


def _shape(
    fields: dict[str, Check],
    *required: str,
    surfaces: tuple[str, ...] = ("message", "modal", "home"),
    one_of: tuple[str, ...] = (),
) -> Shape:
    return Shape(fields, frozenset(required), frozenset(surfaces), one_of)


_ACTION: dict[str, Check] = {
    "action_id": _text(255, 1),
    "confirm": _confirm,
    "focus_on_load": _boolean,
}
_PLACEHOLDER: dict[str, Check] = {"placeholder": _plain(150)}
_SELECT: dict[str, Check] = {**_ACTION, **_PLACEHOLDER}
_OPTIONS = _list(_option, 100)
ELEMENTS: dict[str, Shape] = {
    "button": _shape(
        {
            **_ACTION,
            "text": _plain(75),
            "value": _text(2000),
            "url": _text(3000),
            "style": _one("primary", "danger"),
            "accessibility_label": _text(75),
        },
        "text",
    ),
    "overflow": _shape({**_ACTION, "options": _list(_option, 5)}, "options"),
    "static_select": _shape(
        {**_SELECT, "options": _OPTIONS, "initial_option": _option, "option_groups": _anything}
    ),
    "users_select": _shape({**_SELECT, "initial_user": _text(40)}),
    "conversations_select": _shape(
        {
            **_SELECT,
            "initial_conversation": _text(40),
            "filter": _anything,
            "default_to_current_conversation": _boolean,
        }
    ),
    "radio_buttons": _shape(
        {**_ACTION, "options": _list(_option, 10), "initial_option": _option}, "options"
    ),
    "checkboxes": _shape(
        {**_ACTION, "options": _list(_option, 10), "initial_options": _list(_option, 10)}, "options"
    ),
    "plain_text_input": _shape(
        {
            **_SELECT,
            "initial_value": _text(3000),
            "multiline": _boolean,
            "min_length": _anything,
            "max_length": _anything,
            "dispatch_action_config": _anything,
        },
    ),
    "number_input": _shape(
        {
            **_SELECT,
            "is_decimal_allowed": _boolean,
            "initial_value": _text(3000),
            "min_value": _text(100),
            "max_value": _text(100),
        },
        "is_decimal_allowed",
    ),
    "datepicker": _shape({**_SELECT, "initial_date": _text(10, 10)}),
    "timepicker": _shape({**_SELECT, "initial_time": _text(5, 5), "timezone": _text(50)}),
    "datetimepicker": _shape({**_ACTION, "initial_date_time": _anything}),
    "image": _shape(
        {"image_url": _text(3000), "alt_text": _text(2000), "slack_file": _anything}, "alt_text"
    ),
    "plain_text": _shape({"text": _text(3000, 1), "emoji": _boolean}, "text"),
    "mrkdwn": _shape({"text": _text(3000, 1), "verbatim": _boolean}, "text"),
    "feedback_buttons": _shape(
        {**_ACTION, "positive_button": _anything, "negative_button": _anything},
        "positive_button",
        "negative_button",
    ),
    "icon_button": _shape(
        {
            **_ACTION,
            "icon": _text(40),
            "text": _plain(75),
            "value": _text(2000),
            "visible_to_user_ids": _list(_text(40), 10),
        },
        "icon",
        "text",
    ),
}
_INTERACTIVE = (
    "button",
    "overflow",
    "static_select",
    "users_select",
    "conversations_select",
    "radio_buttons",
    "checkboxes",
    "datepicker",
    "timepicker",
    "datetimepicker",
)
_INPUTS = (
    "plain_text_input",
    "number_input",
    "static_select",
    "users_select",
    "conversations_select",
    "radio_buttons",
    "checkboxes",
    "datepicker",
    "timepicker",
    "datetimepicker",
)
BLOCKS: dict[str, Shape] = {
    "section": _shape(
        {
            "text": _text_object(3000),
            "fields": _list(_text_object(2000), 10),
            "accessory": _element(*_INTERACTIVE, "image"),
            "expand": _boolean,
        },
        one_of=("text", "fields"),
    ),
    "header": _shape({"text": _plain(150)}, "text"),
    "divider": _shape({}),
    "actions": _shape({"elements": _list(_element(*_INTERACTIVE), 25)}, "elements"),
    "context": _shape(
        {"elements": _list(_element("plain_text", "mrkdwn", "image"), 10)}, "elements"
    ),
    "context_actions": _shape(
        {"elements": _list(_element("feedback_buttons", "icon_button"), 5)},
        "elements",
        surfaces=("message",),
    ),
    "image": _shape(
        {
            "image_url": _text(3000),
            "alt_text": _text(2000),
            "title": _plain(2000),
            "slack_file": _anything,
        },
        "alt_text",
    ),
    "input": _shape(
        {
            "label": _plain(2000),
            "element": _element(*_INPUTS),
            "hint": _plain(2000),
            "optional": _boolean,
            "dispatch_action": _boolean,
        },
        "label",
        "element",
    ),
    "markdown": _shape({"text": _text(12_000, 1)}, "text", surfaces=("message",)),
    "rich_text": _shape({"elements": _list(_anything, 200, 0)}, "elements"),
    "table": _shape(
        {"rows": _rows, "column_settings": _list(_anything, 20)}, "rows", surfaces=("message",)
    ),
    "alert": _shape(
        {
            "text": _text_object(200),
            "level": _one("default", "info", "warning", "error", "success"),
        },
        "text",
        surfaces=("modal",),
    ),
    "data_table": _shape(
        {
            "caption": _text(500, 1),
            "rows": _anything,
            "page_size": _anything,
            "row_header_column_index": _anything,
        },
        "caption",
        "rows",
        surfaces=("message", "home"),
    ),
    "data_visualization": _shape(
        {"title": _text(50, 1), "chart": _anything}, "title", "chart", surfaces=("message", "home")
    ),
    "container": _shape(
        {
            "title": _plain(150),
            "subtitle": _plain(150),
            "child_blocks": _list(_anything, 10),
            "is_collapsible": _boolean,
            "default_collapsed": _boolean,
            "width": _one("narrow", "standard", "wide", "full"),
            "has_header_divider": _boolean,
        },
        "child_blocks",
        surfaces=("message",),
    ),
    "card": _shape(
        {
            "title": _text_object(150),
            "subtitle": _text_object(150),
            "body": _text_object(200),
            "actions": _list(_element("button"), 3),
            "hero_image": _anything,
            "icon": _anything,
        }
    ),
    "carousel": _shape(
        {"elements": _list(_anything, 10)}, "elements", surfaces=("message", "home")
    ),
    "task_card": _shape(
        {
            "task_id": _text(255, 1),
            "title": _text(500, 1),
            "status": _one("pending", "in_progress", "complete", "error"),
            "details": _anything,
            "output": _anything,
            "sources": _anything,
        },
        "task_id",
        "title",
        surfaces=("message",),
    ),
    "plan": _shape(
        {"title": _text(500, 1), "tasks": _list(_anything, 50)}, "title", surfaces=("message",)
    ),
    "video": _shape(
        {
            "title": _plain(200),
            "title_url": _text(3000),
            "video_url": _text(3000),
            "thumbnail_url": _text(3000),
            "alt_text": _text(2000),
            "author_name": _text(50),
            "description": _plain(200),
            "provider_name": _text(50),
            "provider_icon_url": _text(3000),
        },
        "title",
        "video_url",
        "thumbnail_url",
        "alt_text",
    ),
    "file": _shape(
        {"external_id": _text(255), "source": _one("remote")},
        "external_id",
        "source",
        surfaces=("message",),
    ),
}
