"""Elements of messages and modals, as a person uses and fills them."""

from collections.abc import Iterator
from typing import Any

from bot.emulator.wire import ApiError, Json

#: The field of the payload that an element's choice stands in.
CONTENT_KEYS = {
    "static_select": "selected_option",
    "external_select": "selected_option",
    "radio_buttons": "selected_option",
    "overflow": "selected_option",
    "checkboxes": "selected_options",
    "multi_static_select": "selected_options",
    "multi_external_select": "selected_options",
    "users_select": "selected_user",
    "multi_users_select": "selected_users",
    "conversations_select": "selected_conversation",
    "multi_conversations_select": "selected_conversations",
    "channels_select": "selected_channel",
    "multi_channels_select": "selected_channels",
    "datepicker": "selected_date",
    "timepicker": "selected_time",
    "datetimepicker": "selected_date_time",
    "rich_text_input": "rich_text_value",
    "file_input": "files",
}
#: The property that an element's first content stands in, where it is not ``initial_value``.
INITIAL_KEYS = {
    "static_select": "initial_option",
    "external_select": "initial_option",
    "radio_buttons": "initial_option",
    "checkboxes": "initial_options",
    "multi_static_select": "initial_options",
    "multi_external_select": "initial_options",
    "users_select": "initial_user",
    "multi_users_select": "initial_users",
    "conversations_select": "initial_conversation",
    "multi_conversations_select": "initial_conversations",
    "channels_select": "initial_channel",
    "multi_channels_select": "initial_channels",
    "datepicker": "initial_date",
    "timepicker": "initial_time",
    "datetimepicker": "initial_date_time",
}
LISTS = {
    "checkboxes",
    "multi_static_select",
    "multi_external_select",
    "multi_users_select",
    "multi_conversations_select",
    "multi_channels_select",
    "file_input",
}
#: Their options are the app's own and not in the element.
EXTERNAL = {"external_select", "multi_external_select"}


def find_element(blocks: Any, act: Json) -> tuple[Json, Json]:
    """Return the block and the element that a person uses.

    Buttons may share an action id; then the value tells them apart.
    """
    action_id = act["action_id"]
    value = act.get("value")
    for block in blocks if isinstance(blocks, list) else []:
        for element in _elements_of(block):
            if element.get("action_id") != action_id:
                continue
            is_button = element.get("type") == "button"
            if value is None or not is_button or element.get("value") == value:
                return block, element
    raise ApiError("no_such_element")


def _elements_of(block: Any) -> Iterator[Json]:
    """Return the elements of a block, those in a container too.

    What a person sees may be anything: it can come from outside.
    """
    if not isinstance(block, dict):
        return
    for name in ("elements", "actions", "child_blocks"):
        inner = block.get(name)
        for one in inner if isinstance(inner, list) else []:
            yield from _with_inner(one)
    for name in ("accessory", "element"):
        yield from _with_inner(block.get(name))


def _with_inner(item: Any) -> Iterator[Json]:
    if isinstance(item, dict):
        yield item
        yield from _elements_of(item)


def action_payload(block: Json, element: Json, act: Json) -> Json:
    """Return the fields of an action that depend on the element.

    ``forged_action_id`` and ``forged_value`` name an element that is not, or no longer, there.
    """
    kind = element.get("type")
    action = {
        "action_id": act.get("forged_action_id", element.get("action_id")),
        "block_id": block.get("block_id", "b"),
        "type": kind,
    }
    if "forged_action_id" in act:
        action["type"] = "button"
        action["value"] = act.get("forged_value", "")
    elif kind == "feedback_buttons":
        sides = [element.get("positive_button"), element.get("negative_button")]
        action["value"] = _find_by_value(sides, act.get("value"))["value"]
    elif kind in CONTENT_KEYS:
        action[CONTENT_KEYS[str(kind)]] = _choice(element, act.get("value"), is_strict=True)
    else:
        action["text"] = element.get("text")
        action["value"] = act.get("forged_value", _typed_value(element, act))
    return action


def _typed_value(element: Json, act: Json) -> Any:
    """Return a button's own value, or what was typed into a field."""
    if element.get("type") in {"button", "icon_button", "workflow_button"}:
        return element.get("value", "")
    return act.get("value", element.get("value", ""))


def _find_by_value(options: Any, value: Any) -> Json:
    for option in options if isinstance(options, list) else []:
        if isinstance(option, dict) and option.get("value") == value:
            return option
    raise ApiError("no_such_option")


def _options_of(element: Json) -> list[Any]:
    groups = element.get("option_groups")
    lists = [element.get("options")]
    for group in groups if isinstance(groups, list) else []:
        lists.append(group.get("options") if isinstance(group, dict) else None)
    return [one for options in lists if isinstance(options, list) for one in options]


def input_values(blocks: list[Json], values: Json) -> Json:
    """Return ``view.state.values``: the content of each input, by block and action.

    ``values`` are by block id, or by action id where that is enough. An input without one keeps
    its initial content.
    """
    state: Json = {}
    for block in blocks:
        element = block.get("element")
        if block.get("type") == "input" and element:
            action_id = element.get("action_id", "")
            block_id = block["block_id"]
            content = _input_content(element, values.get(block_id, values.get(action_id)))
            state[block_id] = {action_id: content}
    return state


def _input_content(element: Json, value: Any) -> Json:
    kind = element["type"]
    content = element.get(INITIAL_KEYS.get(kind, "initial_value"))
    if value is not None:
        content = _choice(element, value, is_strict=False)
    if content is None and kind in LISTS:
        content = []
    return {"type": kind, CONTENT_KEYS.get(kind, "value"): content}


def _choice(element: Json, value: Any, *, is_strict: bool) -> Any:
    """Return a choice for the app, options as a whole."""
    kind = element["type"]
    if CONTENT_KEYS.get(kind) == "selected_option":
        return _option(element, value, is_strict=is_strict)
    if CONTENT_KEYS.get(kind) != "selected_options":
        return value
    values = value if isinstance(value, list) else [value]
    options = [_option(element, one, is_strict=is_strict) for one in values]
    return [one for one in options if one is not None]


def _option(element: Json, value: Any, *, is_strict: bool) -> Json | None:
    if element["type"] in EXTERNAL:
        if isinstance(value, dict):
            return value
        return {"text": {"type": "plain_text", "text": str(value)}, "value": str(value)}
    try:
        return dict(_find_by_value(_options_of(element), value))
    except ApiError:
        if is_strict:
            raise
        # Slack sends null for an option that has gone meanwhile.
        return None


def response_targets(blocks: list[Json], state: Json) -> list[tuple[str, str, str]]:
    """Return block, action and conversation of menus with a response URL."""
    targets = []
    for block in blocks:
        element = block.get("element") or {}
        if not element.get("response_url_enabled"):
            continue
        action_id = element.get("action_id", "")
        content = state.get(block["block_id"], {}).get(action_id, {})
        conversation = content.get("selected_conversation") or content.get("selected_channel")
        if conversation:
            targets.append((block["block_id"], action_id, str(conversation)))
    return targets
