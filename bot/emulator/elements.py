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
    boolean,
    calendar_date,
    clock_time,
    escaped_text,
    identifier,
    integer,
    list_of,
    numeric_text,
    parse_number,
    plain_text,
    text,
    typed_object,
    url,
)
from bot.emulator.composition import (
    IMAGES,
    STYLES,
    confirm,
    conversation_filter,
    dispatch_config,
    feedback_button,
    initial_option_is_listed,
    marked_option,
    option,
    option_group,
    overflow_option,
    workflow,
)
from bot.emulator.rich_text import rich_text

MAX_INPUT_LENGTH = 3_000
# Ten digits, as Slack writes seconds since 1970.
FIRST_MOMENT = 1_000_000_000
LAST_MOMENT = 9_999_999_999

_ID: dict[str, Check] = {
    "action_id": text(255, 1),
}
_ACTION: dict[str, Check] = {
    **_ID,
    "confirm": confirm,
}
_FOCUS: dict[str, Check] = {
    "focus_on_load": boolean,
}
_PLACEHOLDER: dict[str, Check] = {
    "placeholder": plain_text(150),
}
_SELECT: dict[str, Check] = {
    **_ACTION,
    **_FOCUS,
    **_PLACEHOLDER,
}
_MULTI_SELECT: dict[str, Check] = {
    **_SELECT,
    "max_selected_items": integer(1),
}
_WRITTEN: dict[str, Check] = {
    **_ID,
    **_FOCUS,
    **_PLACEHOLDER,
    "dispatch_action_config": dispatch_config,
}
_STATIC: dict[str, Check] = {
    "options": list_of(option, 100),
    "option_groups": list_of(option_group, 100),
}
_CONVERSATIONS: dict[str, Check] = {
    "default_to_current_conversation": boolean,
    "filter": conversation_filter,
}


def _bounds(least: str, most: str) -> Check:
    """Check that one number is not above another, texts included."""

    def check(value: Any, pointer: str) -> Errors:
        lower = _as_number(value.get(least))
        upper = _as_number(value.get(most))
        if lower is not None and upper is not None and lower > upper:
            yield Mistake(f"{pointer}/{least}", "range", f"{least} is above {most}")

    return check


def _as_number(value: Any) -> Any:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    return parse_number(value)


def _whole_numbers(value: Any, pointer: str) -> Errors:
    """Check that a number input without decimals has none."""
    if value.get("is_decimal_allowed") is not False:
        return
    for name in ("initial_value", "min_value", "max_value"):
        decimal = parse_number(value.get(name))
        if decimal is not None and decimal != decimal.to_integral_value():
            yield Mistake(f"{pointer}/{name}", "invalid_value", "decimals are not allowed here")


ELEMENTS: Mapping[str, Shape] = {
    **IMAGES,
    "button": Shape(
        fields={
            **_ACTION,
            "text": plain_text(75),
            "value": text(2000),
            "url": url(),
            "style": STYLES,
            "accessibility_label": text(75),
            "agent_prompt": text(4000),
            "agent_prompt_display": text(4000),
            "visible_to_user_ids": list_of(identifier, None, 0),
        },
        required=("text",),
    ),
    "workflow_button": Shape(
        fields={
            **_ACTION,
            "text": plain_text(75),
            "workflow": workflow,
            "style": STYLES,
            "accessibility_label": text(75),
        },
        required=("text", "workflow", "action_id"),
    ),
    "overflow": Shape(
        fields={
            **_ACTION,
            "options": list_of(overflow_option, 5),
        },
        required=("options",),
    ),
    "static_select": Shape(
        fields={
            **_SELECT,
            **_STATIC,
            "initial_option": option,
        },
        one_of=("options", "option_groups"),
        exclusive=("options", "option_groups"),
        rules=(initial_option_is_listed,),
    ),
    "multi_static_select": Shape(
        fields={
            **_MULTI_SELECT,
            **_STATIC,
            "initial_options": list_of(option, 100),
        },
        one_of=("options", "option_groups"),
        exclusive=("options", "option_groups"),
        rules=(initial_option_is_listed,),
    ),
    "external_select": Shape(
        fields={
            **_SELECT,
            "initial_option": option,
            "min_query_length": integer(0),
        },
    ),
    "multi_external_select": Shape(
        fields={
            **_MULTI_SELECT,
            "initial_options": list_of(option, 100),
            "min_query_length": integer(0),
        },
    ),
    "users_select": Shape(
        fields={
            **_SELECT,
            "initial_user": identifier,
        },
    ),
    "multi_users_select": Shape(
        fields={
            **_MULTI_SELECT,
            "initial_users": list_of(identifier, None),
        },
    ),
    "conversations_select": Shape(
        fields={
            **_SELECT,
            **_CONVERSATIONS,
            "initial_conversation": identifier,
            "response_url_enabled": boolean,
        },
    ),
    "multi_conversations_select": Shape(
        fields={
            **_MULTI_SELECT,
            **_CONVERSATIONS,
            "initial_conversations": list_of(identifier, None),
        },
    ),
    "channels_select": Shape(
        fields={
            **_SELECT,
            "initial_channel": identifier,
            "response_url_enabled": boolean,
        },
    ),
    "multi_channels_select": Shape(
        fields={
            **_MULTI_SELECT,
            "initial_channels": list_of(identifier, None),
        },
    ),
    "radio_buttons": Shape(
        fields={
            **_ACTION,
            **_FOCUS,
            "options": list_of(marked_option, 10),
            "initial_option": marked_option,
        },
        required=("options",),
        rules=(initial_option_is_listed,),
    ),
    "checkboxes": Shape(
        fields={
            **_ACTION,
            **_FOCUS,
            "options": list_of(marked_option, 10),
            "initial_options": list_of(marked_option, 10),
        },
        required=("options",),
        rules=(initial_option_is_listed,),
    ),
    "plain_text_input": Shape(
        fields={
            **_WRITTEN,
            "initial_value": text(MAX_INPUT_LENGTH),
            "multiline": boolean,
            "min_length": integer(0, MAX_INPUT_LENGTH),
            "max_length": integer(1, MAX_INPUT_LENGTH),
        },
        rules=(_bounds("min_length", "max_length"),),
    ),
    "rich_text_input": Shape(
        fields={
            **_WRITTEN,
            "initial_value": rich_text,
            "min_lines": integer(1, 100),
            "max_lines": integer(1, 100),
        },
        rules=(_bounds("min_lines", "max_lines"),),
    ),
    "email_text_input": Shape(
        fields={
            **_WRITTEN,
            "initial_value": text(MAX_INPUT_LENGTH),
        },
    ),
    "url_text_input": Shape(
        fields={
            **_WRITTEN,
            "initial_value": text(MAX_INPUT_LENGTH),
        },
    ),
    "number_input": Shape(
        fields={
            **_WRITTEN,
            "is_decimal_allowed": boolean,
            "initial_value": numeric_text,
            "min_value": numeric_text,
            "max_value": numeric_text,
        },
        required=("is_decimal_allowed",),
        rules=(_bounds("min_value", "max_value"), _whole_numbers),
    ),
    "file_input": Shape(
        fields={
            **_ID,
            "filetypes": list_of(text(20, 1), None),
            "max_files": integer(1, 10),
        },
    ),
    "datepicker": Shape(
        fields={
            **_SELECT,
            "initial_date": calendar_date,
        },
    ),
    "timepicker": Shape(
        fields={
            **_SELECT,
            "initial_time": clock_time,
            "timezone": text(50, 1),
        },
    ),
    "datetimepicker": Shape(
        fields={
            **_ACTION,
            **_FOCUS,
            "initial_date_time": integer(FIRST_MOMENT, LAST_MOMENT),
        },
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
            **_ID,
            "positive_button": feedback_button,
            "negative_button": feedback_button,
        },
        required=("positive_button", "negative_button"),
    ),
    "icon_button": Shape(
        fields={
            **_ACTION,
            "icon": text(40, 1),
            "text": plain_text(75),
            "value": text(2000),
            "accessibility_label": text(75),
            "visible_to_user_ids": list_of(identifier, 10, 0),
        },
        required=("icon", "text"),
    ),
    #: A source of a task card.
    "url": Shape(
        fields={
            "url": url(),
            "text": text(2000, 1),
        },
        required=("url", "text"),
    ),
}
SELECTS = (
    "static_select",
    "external_select",
    "users_select",
    "conversations_select",
    "channels_select",
    "multi_static_select",
    "multi_external_select",
    "multi_users_select",
    "multi_conversations_select",
    "multi_channels_select",
)
#: Beside the text of a section.
ACCESSORY_ELEMENTS = (
    *SELECTS,
    "button",
    "workflow_button",
    "overflow",
    "radio_buttons",
    "checkboxes",
    "datepicker",
    "timepicker",
    "image",
)
#: In a row of actions.
INTERACTIVE_ELEMENTS = (
    *SELECTS,
    "button",
    "workflow_button",
    "overflow",
    "radio_buttons",
    "checkboxes",
    "datepicker",
    "timepicker",
    "datetimepicker",
    "rich_text_input",
)
#: Under the label of an input.
INPUT_ELEMENTS = (
    *SELECTS,
    "plain_text_input",
    "rich_text_input",
    "email_text_input",
    "url_text_input",
    "number_input",
    "file_input",
    "radio_buttons",
    "checkboxes",
    "datepicker",
    "timepicker",
    "datetimepicker",
)


def element(*types: str) -> Check:
    """Check an element of one of these types."""
    return typed_object(ELEMENTS, *types)
