"""Elements of messages and modals, as a person uses and fills them."""

from typing import Any

from bot.emulator.wire import ApiError, Json

SELECTS = {"static_select", "radio_buttons"}
CHOOSERS = {"overflow", *SELECTS}


def find_element(blocks: list[Json], act: Json) -> tuple[Json, Json]:
    """Return the block and the element that a person uses.

    Buttons may share an action id; then the value tells them apart.
    """
    action_id = act["action_id"]
    value = act.get("value")
    for block in blocks:
        for element in _elements_of(block):
            if element.get("action_id") != action_id:
                continue
            if value is None or element["type"] != "button" or element.get("value") == value:
                return block, element
    raise ApiError("no_such_element")


def _elements_of(block: Json) -> list[Json]:
    return [
        *block.get("elements", []),
        block.get("accessory") or {},
        block.get("element") or {},
    ]


def action_payload(block: Json, element: Json, act: Json) -> Json:
    """Return the fields of an action that depend on the element.

    ``forged_action_id`` and ``forged_value`` name an element that is not, or no longer, there.
    """
    action = {
        "action_id": act.get("forged_action_id", element["action_id"]),
        "block_id": block.get("block_id", "b"),
        "type": element["type"],
    }
    if "forged_action_id" in act:
        action["type"] = "button"
        action["value"] = act.get("forged_value", "")
    elif element["type"] in CHOOSERS:
        action["selected_option"] = _find_by_value(element["options"], act["value"])
    elif element["type"] == "feedback_buttons":
        sides = [element["positive_button"], element["negative_button"]]
        action["value"] = _find_by_value(sides, act["value"])["value"]
    else:
        action["text"] = element.get("text")
        action["value"] = act.get("forged_value", element.get("value", ""))
    return action


def _find_by_value(options: list[Json], value: Any) -> Json:
    for option in options:
        if option["value"] == value:
            return option
    raise ApiError("no_such_option")


def input_values(blocks: list[Json], values: Json) -> Json:
    """Return ``view.state.values``: the content of each input, by block and action.

    ``values`` are by action id. An input without one keeps its initial content.
    """
    state: Json = {}
    for block in blocks:
        element = block.get("element")
        if block.get("type") == "input" and element:
            action_id = element["action_id"]
            content = _input_content(element, values.get(action_id))
            state[block["block_id"]] = {action_id: content}
    return state


def _input_content(element: Json, value: Any) -> Json:
    kind = element["type"]
    match kind:
        case "static_select" | "radio_buttons":
            key = "selected_option"
            content = _option_content(element, value)
        case "users_select":
            key = "selected_user"
            content = element.get("initial_user") if value is None else value
        case "conversations_select":
            key = "selected_conversation"
            content = value
        case "datepicker":
            key = "selected_date"
            content = _date_content(element, value)
        case "datetimepicker":
            key = "selected_date_time"
            content = _date_content(element, value)
        case _:
            key = "value"
            content = element.get("initial_value") if value is None else value
    return {"type": kind, key: content}


def _option_content(element: Json, value: Any) -> Json | None:
    if value is None:
        return element.get("initial_option")
    for option in element["options"]:
        if option["value"] == value:
            return dict(option)
    # Slack sends null for an option that has gone meanwhile.
    return None


def _date_content(element: Json, value: Any) -> Any:
    if value is not None:
        return value
    return element.get("initial_date") or element.get("initial_date_time")
