"""The complaints of the loader in words, and what to do."""

import re
from datetime import timedelta

from knowledge.library.value_forms import describe_bound, describe_pattern, suggest_form

_PATTERN = re.compile(r"String should match pattern '(?P<pattern>.+)'$", re.DOTALL)
_BOUND = re.compile(r"datetime\.timedelta\((?P<parts>[\w=, ]*)\)")
TAG = re.compile(r"^Input tag '(?P<tag>.*?)' found .* expected tags: (?P<names>.+)$")
_OWN_CAUSE = re.compile(r"^not a JMESPath expression: (?P<text>.*?) \((?P<cause>.*)\)$", re.DOTALL)
_YAML_HELP = (
    ("'\\t'", "Indent with spaces: YAML allows no tabs."),
    ("mapping values are not allowed", "Check the indentation and the quotes of this line."),
    ("expected <block end>", "Check the indentation of this line and the one above it."),
    ("could not find expected ':'", "Write a colon and a space after the name of the field."),
    ("found duplicate key", "Keep one of the two."),
    ("but found another document", "Put what follows --- into a file of its own."),
    ("anchors, aliases and tags", "Put a text that begins with *, & or ! in quotes."),
    (
        "is not UTF-8 text",
        "Save it as UTF-8; most editors name it below or in Save As.",
    ),
    ("is not YAML", "Write it again as plain text: it holds letters that no editor shows."),
    ("must be a mapping", "Begin each line with a key and a colon, like kind: low_stock."),
    ("is empty", "Write it, or remove it; the reference shows an example of every key."),
    ("is missing", "Write it, or begin with what `countersign init` writes."),
    ("is a folder", "Give the folder another name: a file is looked for here."),
    ("leads nowhere", "Remove the link, or let it lead to a file."),
    ("cannot be read", "Let the user who runs Countersign read it."),
)
_SENTENCE_HELP = (
    ("should be a valid list", "Write it in brackets, like [one, two]."),
    (
        "List should have at least 1 item",
        "Name at least one: an empty list means that nobody may decide.",
    ),
    ("must be a duration", "Write a whole number with its unit and no space, like 24h."),
    ("must be at least 1s", "Write a number with its unit, like 24h; not 0, and not for ever."),
    ("should be a mapping", "Write keys with values below it, or in braces, like {name: value}."),
    ("should be a valid string", "Write a text after the colon."),
    ("valid decimal", "Write the number alone, like 1000 or 99.50: no currency and no commas."),
    ("valid integer", "Write a whole number, like 5."),
    ("finite number", "Write a number, or leave the line out for no limit."),
    ("greater than or equal to", "Raise it."),
    ("less than or equal to", "Lower it."),
    ("characters", "Shorten it, or write more, as the number says."),
    ("Field required", "Add it; the reference shows an example."),
    (
        "undo_for needs an undo",
        "Add undo, which takes it back, or leave undo_for out.",
    ),
    ("resolve_for is below decide_for", "Raise resolve_for, or lower decide_for."),
    ("which nobody may edit", "Add it to edit, or take it out of limits."),
    ("is no parameter here", "Name one that stands under parameters of this action."),
    ("already for", "Give one of the two another kind, or remove one of the files."),
    ("has no titles for", "Add it under titles of the action: what people call the parameter."),
    ("the query must name :since", "Count between :since and :until, as the reference shows."),
    ("not in its summary", "Name a parameter, or a column that the summary has too."),
)
_EXPRESSION_HELP = (
    (re.compile(r"(?<![=!<>])=(?!=)"), "Compare with ==, like notes.number == `0`."),
    (re.compile(r" (and|or|not) "), "Join conditions with && and ||, and write ! for not."),
    (re.compile(r"[=<>]\s*-?\d"), "Put the number between backticks, like `0`."),
)
EXPRESSION_FORM = "Write it like order.total > `100`: numbers between backticks, texts in '…'."


def in_words(sentence: str) -> str:
    """Say in words what the loader says in patterns."""
    sentence = _BOUND.sub(lambda match: _span(match["parts"]), sentence)
    head, _, rest = sentence.partition(": ")
    pattern, cause = _PATTERN.match(rest), _OWN_CAUSE.match(rest)
    words = describe_pattern(pattern["pattern"]) if pattern else ""
    if words:
        return f"{head}: {words}"
    if cause:
        return f"{head}: {cause['text'].strip(chr(39))} is no expression that can be read"
    return sentence


def _span(parts: str) -> str:
    values = dict(part.split("=") for part in parts.split(", ") if part)
    return describe_bound(timedelta(**{name: int(value) for name, value in values.items()}))


def find_help(sentence: str, rest: str) -> str:
    """Say what to do, as far as the words alone tell.

    ``rest`` is the sentence without the field that it is about.
    """
    cause = _OWN_CAUSE.match(rest)
    if cause:
        advice = [text for pattern, text in _EXPRESSION_HELP if pattern.search(cause["text"])]
        return advice[0] if advice else EXPRESSION_FORM
    form = suggest_form(in_words(sentence).partition(": ")[2])
    return form or next((advice for part, advice in _SENTENCE_HELP if part in rest), "")


def find_yaml_help(rest: str) -> str:
    """Say what to do where a file cannot be read at all."""
    return next((advice for part, advice in _YAML_HELP if part in rest), "")
