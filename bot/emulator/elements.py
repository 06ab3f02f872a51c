"""The elements of Block Kit, as a table of shapes.

An element that is not in the table is refused.
"""

from collections.abc import Mapping
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
    confirm,
    escaped_text,
    list_of,
    option,
    plain_text,
    text,
)

_ACTION: dict[str, Check] = {
    "action_id": text(255, 1),
    "confirm": confirm,
    "focus_on_load": boolean,
}
_SELECT: dict[str, Check] = {
    **_ACTION,
    "placeholder": plain_text(150),
}
ELEMENTS: Mapping[str, Shape] = {
    "button": Shape(
        fields={
            **_ACTION,
            "text": plain_text(75),
            "value": text(2000),
            "url": text(3000),
            "style": choice(("primary", "danger")),
            "accessibility_label": text(75),
        },
        required=("text",),
    ),
    "overflow": Shape(
        fields={
            **_ACTION,
            "options": list_of(option, 5),
        },
        required=("options",),
    ),
    "static_select": Shape(
        fields={
            **_SELECT,
            "options": list_of(option, 100),
            "initial_option": option,
            "option_groups": anything,
        },
    ),
    "users_select": Shape(
        fields={
            **_SELECT,
            "initial_user": text(40),
        },
    ),
    "conversations_select": Shape(
        fields={
            **_SELECT,
            "initial_conversation": text(40),
            "filter": anything,
            "default_to_current_conversation": boolean,
        },
    ),
    "radio_buttons": Shape(
        fields={
            **_ACTION,
            "options": list_of(option, 10),
            "initial_option": option,
        },
        required=("options",),
    ),
    "checkboxes": Shape(
        fields={
            **_ACTION,
            "options": list_of(option, 10),
            "initial_options": list_of(option, 10),
        },
        required=("options",),
    ),
    "plain_text_input": Shape(
        fields={
            **_SELECT,
            "initial_value": text(3000),
            "multiline": boolean,
            "min_length": anything,
            "max_length": anything,
            "dispatch_action_config": anything,
        },
    ),
    "number_input": Shape(
        fields={
            **_SELECT,
            "is_decimal_allowed": boolean,
            "initial_value": text(3000),
            "min_value": text(100),
            "max_value": text(100),
        },
        required=("is_decimal_allowed",),
    ),
    "url_text_input": Shape(
        fields={
            **_SELECT,
            "initial_value": text(3000),
            "dispatch_action_config": anything,
        },
    ),
    "datepicker": Shape(
        fields={
            **_SELECT,
            "initial_date": text(10, 10),
        },
    ),
    "timepicker": Shape(
        fields={
            **_SELECT,
            "initial_time": text(5, 5),
            "timezone": text(50),
        },
    ),
    "datetimepicker": Shape(
        fields={
            **_ACTION,
            "initial_date_time": anything,
        },
    ),
    "image": Shape(
        fields={
            "image_url": text(3000),
            "alt_text": text(2000),
            "slack_file": anything,
        },
        required=("alt_text",),
    ),
    "plain_text": Shape(
        fields={
            "text": escaped_text(3000, 1),
            "emoji": boolean,
        },
        required=("text",),
    ),
    "mrkdwn": Shape(
        fields={
            "text": text(3000, 1),
            "verbatim": boolean,
        },
        required=("text",),
    ),
    "feedback_buttons": Shape(
        fields={
            **_ACTION,
            "positive_button": anything,
            "negative_button": anything,
        },
        required=("positive_button", "negative_button"),
    ),
    "icon_button": Shape(
        fields={
            **_ACTION,
            "icon": text(40),
            "text": plain_text(75),
            "value": text(2000),
            "visible_to_user_ids": list_of(text(40), 10),
        },
        required=("icon", "text"),
    ),
}
INTERACTIVE_ELEMENTS = (
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
INPUT_ELEMENTS = (
    "plain_text_input",
    "number_input",
    "url_text_input",
    "static_select",
    "users_select",
    "conversations_select",
    "radio_buttons",
    "checkboxes",
    "datepicker",
    "timepicker",
    "datetimepicker",
)


def element(*types: str) -> Check:
    """Check an element of one of these types."""

    def check(value: Any, pointer: str) -> Errors:
        kind = None
        if isinstance(value, dict):
            kind = value.get("type")
        if kind not in types:
            message = f"must be one of {', '.join(types)}, not {kind}"
            yield Mistake(pointer, "unsupported_type", message)
            return
        shape = ELEMENTS[kind]
        for name in value:
            if name != "type" and name not in shape.fields:
                yield Mistake(f"{pointer}/{name}", "unknown_field", f"a {kind} has no {name}")
        yield from check_fields(value, pointer, checks=shape.fields, required=shape.required)

    return check
