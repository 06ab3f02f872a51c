"""The form that raises a case by hand."""

import json
from collections.abc import Iterable

from bot.cases.canonical import Scalar
from bot.views.labels import as_words, start_upper
from bot.views.raising import RaiseDraft, SubjectChoice
from handlers.cards import ids
from handlers.cards.blocks import (
    MAX_OPTIONS,
    form,
    input_block,
    option,
    selected_option,
    static_select,
    text_input,
)
from handlers.cards.text import Json, clean, quote, rich_text

NOT_SURE = "not_sure"
MAX_TITLE = 150
MAX_SUGGESTED_TITLE = 140
MAX_NOTE = 2_000
MAX_FACT = 200
# Slack's limit for the value of an option.
MAX_VALUE = 75


def raise_form(kinds: Iterable[tuple[str, str]], draft: RaiseDraft) -> Json:
    """Build the form; ``kinds`` are names and titles."""
    suggestion = clean(draft.message or draft.note, MAX_SUGGESTED_TITLE) or None
    title = text_input(
        ids.TITLE,
        max_length=MAX_TITLE,
        initial_value=suggestion,
    )
    subject = text_input(ids.SUBJECT, max_length=MAX_TITLE)
    note = text_input(
        ids.NOTE,
        max_length=MAX_NOTE,
        multiline=True,
        initial_value=draft.note[:MAX_NOTE] or None,
    )
    hint = "A table, a customer, an order."
    return form(
        ids.RAISE_FORM,
        private_metadata=write_origin(draft.reference, draft.message),
        title="Raise an exception",
        submit="Raise it",
        blocks=[
            *_message(draft.message),
            _kind(kinds, draft.kind),
            input_block("title", "What happened?", title),
            *_facts(draft),
            input_block(
                "subject",
                "What is it about?",
                subject,
                hint=hint,
                optional=True,
            ),
            input_block(
                "note",
                "Anything else?",
                note,
                optional=True,
            ),
        ],
    )


def write_origin(reference: str, message: str) -> str:
    """Write a message's reference and text as metadata of the form."""
    return f"{reference}\n{message[:MAX_NOTE]}" if reference else ""


def read_origin(metadata: str) -> tuple[str, str]:
    """Read what ``write_origin`` wrote."""
    reference, _, message = metadata.partition("\n")
    return reference, message


def read_choice(value: str) -> dict[str, Scalar]:
    """Read the facts of the chosen option; none for no choice."""
    try:
        facts = json.loads(value)
    except ValueError:
        return {}
    return facts if isinstance(facts, dict) else {}


def _message(message: str) -> list[Json]:
    """Quote the message that the case is raised from."""
    if not message:
        return []
    return [
        rich_text(
            quote(
                clean(
                    message,
                    MAX_NOTE,
                    lines=30,
                )
            )
        )
    ]


def _kind(kinds: Iterable[tuple[str, str]], kind: str) -> Json:
    """Build the menu of kinds; a choice updates the form's facts."""
    options = [option("I am not sure", NOT_SURE)]
    options += [option(title, name) for name, title in kinds]
    options = options[:MAX_OPTIONS]
    current = selected_option(options, kind or NOT_SURE)
    select = static_select(
        ids.RAISE_KIND,
        options,
        initial_option=current,
    )
    return {
        **input_block("kind", "What sort of thing is it?", select),
        "dispatch_action": True,
    }


def _facts(draft: RaiseDraft) -> list[Json]:
    """Build a menu for the subject, and a field for each fact."""
    options = _options(draft.choices)
    blocks = []
    if options:
        select = static_select(
            ids.CHOICE,
            options,
            placeholder="Choose one",
        )
        blocks.append(
            input_block(
                "choice",
                "Which one?",
                select,
                optional=True,
            )
        )
    for name in draft.required_facts:
        field = text_input(f"{ids.PARAMETER}{name}", max_length=MAX_FACT)
        label = start_upper(as_words(name))
        hint = "If it is not in the list above." if options else ""
        blocks.append(
            input_block(
                name,
                label,
                field,
                hint=hint,
                optional=bool(options),
            )
        )
    return blocks


def _options(choices: Iterable[SubjectChoice]) -> list[Json]:
    options = []
    for choice in choices:
        value = json.dumps(
            dict(choice.facts),
            separators=(",", ":"),
            default=str,
        )
        if len(value) <= MAX_VALUE:
            options.append(option(choice.title, value))
    return options[:MAX_OPTIONS]
