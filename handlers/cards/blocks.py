"""Block Kit: the blocks and elements of cards, lists and forms."""

from collections.abc import Sequence

from handlers.cards.text import Json, paragraph, plain_text, rich_text, text_run

# Limits of Slack.
MAX_HEADER_LENGTH = 150
MAX_OPTIONS = 100
MAX_TITLE_LENGTH = 24


def header_block(text: str) -> Json:
    """Build a heading."""
    return {
        "type": "header",
        "text": plain_text(text, MAX_HEADER_LENGTH),
    }


def heading(text: str) -> Json:
    """Build the bold line above a section."""
    return rich_text(paragraph(text_run(text, bold=True)))


def label_paragraph(label: str, text: str) -> Json:
    """Build a paragraph of a bold label and text."""
    return paragraph(text_run(label, bold=True), text_run(text))


def context_block(*parts: str | Json) -> Json:
    """Build small print, leaving empty parts out.

    A string is read as mrkdwn and must be our own; text from outside comes as ``plain_text``.
    """
    elements = []
    for part in parts:
        if isinstance(part, str) and part:
            elements.append({"type": "mrkdwn", "text": part})
        elif part:
            elements.append(part)
    return {"type": "context", "elements": elements}


def actions_block(block_id: str, elements: Sequence[Json]) -> Json:
    """Build a row of buttons and menus."""
    return {
        "type": "actions",
        "block_id": block_id,
        "elements": list(elements),
    }


def button(label: str, action_id: str, value: str, *, style: str = "") -> Json:
    """Build a button; ``style`` is "primary", "danger" or empty."""
    element: Json = {
        "type": "button",
        "action_id": action_id,
        "text": plain_text(label),
        "value": value,
    }
    if style:
        element["style"] = style
    return element


def confirmation(title: str, text: str, *, confirm: str) -> Json:
    """Build the dialog that a button asks before it does anything."""
    return {
        "title": plain_text(title, 100),
        "text": plain_text(text, 300),
        "confirm": plain_text(confirm, 30),
        "deny": plain_text("Not now", 30),
    }


def option(label: str, value: str) -> Json:
    """Build one option of a menu."""
    return {
        "text": plain_text(label),
        "value": value,
    }


def selected_option(options: Sequence[Json], value: str) -> Json:
    """Find the option with this value; otherwise the first one."""
    for candidate in options:
        if candidate["value"] == value:
            return candidate
    return options[0]


def input_block(
    block_id: str,
    label: str,
    element: Json,
    *,
    hint: str = "",
    optional: bool = False,
) -> Json:
    """Build a labelled field of a form."""
    block: Json = {
        "type": "input",
        "block_id": block_id,
        "label": plain_text(label, 200),
        "element": element,
        "optional": optional,
    }
    if hint:
        block["hint"] = plain_text(hint, 200)
    return block


def text_input(
    action_id: str,
    *,
    max_length: int,
    multiline: bool = False,
    initial_value: str | None = None,
) -> Json:
    """Build a text field."""
    element: Json = {
        "type": "plain_text_input",
        "action_id": action_id,
        "max_length": max_length,
    }
    if multiline:
        element["multiline"] = True
    if initial_value is not None:
        element["initial_value"] = initial_value
    return element


def date_input(action_id: str, *, initial_date: str) -> Json:
    """Build a field for a day, as ISO 8601 writes it."""
    return {"type": "datepicker", "action_id": action_id, "initial_date": initial_date}


def static_select(
    action_id: str,
    options: Sequence[Json],
    *,
    initial_option: Json | None = None,
    placeholder: str = "",
) -> Json:
    """Build a menu of fixed options."""
    element: Json = {
        "type": "static_select",
        "action_id": action_id,
        "options": list(options),
    }
    if initial_option is not None:
        element["initial_option"] = initial_option
    if placeholder:
        element["placeholder"] = plain_text(placeholder)
    return element


def modal(title: str, blocks: Sequence[Json], *, close: str) -> Json:
    """Build a window without a submit button."""
    return {
        "type": "modal",
        "title": plain_text(title, MAX_TITLE_LENGTH),
        "close": plain_text(close, MAX_TITLE_LENGTH),
        "blocks": list(blocks),
    }


def form(
    callback_id: str,
    *,
    private_metadata: str,
    title: str,
    submit: str,
    blocks: Sequence[Json],
) -> Json:
    """Build a window that a person fills in and submits.

    ``private_metadata`` comes back with the submission, unseen by the person.
    """
    return {
        **modal(title, blocks, close="Cancel"),
        "callback_id": callback_id,
        "private_metadata": private_metadata,
        "submit": plain_text(submit, MAX_TITLE_LENGTH),
    }
