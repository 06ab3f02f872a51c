"""The composition objects of Block Kit: confirmations, options, filters, files, workflows."""

from collections.abc import Mapping
from typing import Any

from bot.emulator.checks import (
    Check,
    Errors,
    Mistake,
    Shape,
    anything,
    boolean,
    choice,
    identifier,
    list_of,
    object_of,
    plain_text,
    text,
    text_object,
    url,
)

STYLES = choice(("primary", "danger"))
WEB_SCHEMES = ("http", "https")
# Fifty words read better than fifty lines.
_ICON_NAMES = (
    "archive book bookmark bot bug calendar call caret-left caret-right check clipboard code "
    "comment compass copy cube download edit email eye-closed eye-open file flag folder gear "
    "globe heart help image info key lightbulb link map mobile new-window pin plus refine "
    "refresh rocket save screen share sparkle star star-filled tag thumbs-down thumbs-up trash "
    "upload user warning"
)
SLACK_ICONS = tuple(_ICON_NAMES.split())

CONFIRM = Shape(
    fields={
        "title": plain_text(100),
        "text": text_object(300),
        "confirm": plain_text(30),
        "deny": plain_text(30),
        "style": STYLES,
    },
    required=("title", "text", "confirm", "deny"),
)
OPTION = Shape(
    fields={
        "text": plain_text(75),
        "value": text(150, 1),
        "description": plain_text(75),
    },
    required=("text", "value"),
)
#: Of radio buttons and checkboxes, which show markup.
MARKED_OPTION = Shape(
    fields={
        **OPTION.fields,
        "text": text_object(75),
        "description": text_object(75),
    },
    required=("text", "value"),
)
#: Of an overflow menu, which may open addresses.
OVERFLOW_OPTION = Shape(
    fields={**OPTION.fields, "url": url()},
    required=("text", "value"),
)
confirm = object_of(CONFIRM, "a confirm")
option = object_of(OPTION, "an option")
marked_option = object_of(MARKED_OPTION, "an option")
overflow_option = object_of(OVERFLOW_OPTION, "an option of an overflow menu")
OPTION_GROUP = Shape(
    fields={"label": plain_text(75), "options": list_of(option, 100)},
    required=("label", "options"),
)
option_group = object_of(OPTION_GROUP, "an option group")
DISPATCH_TRIGGERS = ("on_enter_pressed", "on_character_entered")
DISPATCH_CONFIG = Shape(
    fields={"trigger_actions_on": list_of(choice(DISPATCH_TRIGGERS), 2)},
)
dispatch_config = object_of(DISPATCH_CONFIG, "a dispatch_action_config")
CONVERSATION_FILTER = Shape(
    fields={
        "include": list_of(choice(("im", "mpim", "private", "public")), 4),
        "exclude_external_shared_channels": boolean,
        "exclude_bot_users": boolean,
    },
    one_of=("include", "exclude_external_shared_channels", "exclude_bot_users"),
)
conversation_filter = object_of(CONVERSATION_FILTER, "a filter")
SLACK_FILE = Shape(
    fields={"id": identifier, "url": url()},
    one_of=("id", "url"),
    exclusive=("id", "url"),
)
slack_file = object_of(SLACK_FILE, "a slack_file")
INPUT_PARAMETER = Shape(
    fields={"name": text(255, 1), "value": anything},
    required=("name", "value"),
)
WORKFLOW_TRIGGER = Shape(
    fields={
        "url": url(),
        "customizable_input_parameters": list_of(
            object_of(INPUT_PARAMETER, "an input parameter"), None, 0
        ),
    },
    required=("url",),
)
WORKFLOW = Shape(
    fields={"trigger": object_of(WORKFLOW_TRIGGER, "a trigger")},
    required=("trigger",),
)
workflow = object_of(WORKFLOW, "a workflow")
FEEDBACK_BUTTON = Shape(
    fields={
        "text": plain_text(75),
        "value": text(2000, 1),
        "accessibility_label": text(75),
    },
    required=("text", "value"),
)
feedback_button = object_of(FEEDBACK_BUTTON, "a feedback button")
SLACK_ICON = Shape(
    fields={"type": choice(("icon",)), "name": choice(SLACK_ICONS)},
    required=("type", "name"),
)
slack_icon = object_of(SLACK_ICON, "a slack_icon")
COLUMN_SETTINGS = Shape(
    fields={"align": choice(("left", "center", "right")), "is_wrapped": boolean},
)


def column_settings(value: Any, pointer: str) -> Errors:
    """Check the settings of one column, or null for none."""
    if value is not None:
        yield from object_of(COLUMN_SETTINGS, "a column's settings")(value, pointer)


def image_fields(alt_text_length: int = 2000) -> dict[str, Check]:
    """Return the fields of an image, block or element."""
    return {
        "image_url": url(schemes=WEB_SCHEMES),
        "alt_text": text(alt_text_length),
        "slack_file": slack_file,
    }


#: An image that stands in another block.
IMAGES: Mapping[str, Shape] = {
    "image": Shape(
        fields=image_fields(),
        required=("alt_text",),
        one_of=("image_url", "slack_file"),
        exclusive=("image_url", "slack_file"),
    ),
}


def initial_option_is_listed(owner: dict[str, Any], pointer: str) -> Errors:
    """Check that each initial option is one of the options."""
    options = _all_options(owner)
    initial = owner.get("initial_option")
    if initial is not None and initial not in options:
        yield Mistake(f"{pointer}/initial_option", "not_an_option", "is none of the options")
    initial_options = owner.get("initial_options")
    for index, one in enumerate(initial_options if isinstance(initial_options, list) else ()):
        if one not in options:
            place = f"{pointer}/initial_options/{index}"
            yield Mistake(place, "not_an_option", "is none of the options")


def _all_options(owner: dict[str, Any]) -> list[Any]:
    groups = owner.get("option_groups")
    lists = [owner.get("options")]
    for group in groups if isinstance(groups, list) else ():
        lists.append(group.get("options") if isinstance(group, dict) else None)
    return [one for options in lists if isinstance(options, list) for one in options]
