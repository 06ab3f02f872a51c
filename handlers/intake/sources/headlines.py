"""The line that says what happened: the best text of an object, or one made of its names."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from handlers.intake.sources.fields import OTHERS, Field
from handlers.intake.sources.titles import (
    has_words,
    is_title,
    name_set,
    plain_line,
    sentence,
    words_of,
)

RANKS = {
    **dict.fromkeys(("title", "message_title", "alert_title", "problem_title"), 100),
    **dict.fromkeys(("subject", "headline", "short_description", "event_title"), 98),
    **dict.fromkeys(("summary", "issue_title", "incident_title", "alarm_description"), 96),
    **dict.fromkeys(("alert_name", "alertname", "alarm_name", "monitor_name", "trigger_name"), 88),
    **dict.fromkeys(("check_name", "rule_name", "condition_name", "problem_name"), 84),
    **dict.fromkeys(("message", "msg", "alert_message", "result_description"), 80),
    **dict.fromkeys(("error_message", "failure_message", "failure_reason"), 78),
    **dict.fromkeys(("text", "description", "long_description", "raw_body"), 72),
    **dict.fromkeys(("error", "status_message", "message_body"), 68),
    **dict.fromkeys(("name", "display_name", "policy_name", "event_name"), 62),
    **dict.fromkeys(("reason", "new_state_reason", "details", "detail", "comment"), 58),
    **dict.fromkeys(("display", "full_name", "body", "content", "note", "label", "info"), 48),
    **dict.fromkeys(("culprit", "resource_name", "key", "slug", "identifier"), 30),
}
_ENDS = (
    ("_title", 86),
    ("_subject", 86),
    ("_summary", 84),
    ("_message", 70),
    ("_description", 64),
    ("_reason", 56),
    ("_name", 44),
)
#: Names that hold sentences; the others hold names.
_SENTENCES = frozenset(
    name for name, rank in RANKS.items() if rank >= 68 and not name.endswith("name")
)
_PERSONAL = re.compile(
    r"(?:user|first|last|sender|author|owner|host|domain|file|account|org)_?name"
)
MIN_RANK = 18
DEPTH_COST = 6
LIST_COST = 8
OTHERS_COST = 70
MIN_SENTENCE_WORDS = 3
#: Types that say nothing.
_EMPTY_EVENTS = name_set(
    """
    event events object default message notification alert incident webhook callback data
    event_callback update record item unknown test error
    """
)
_VERB = re.compile(
    r"(?:ed|ing|failure|error|sent|paid|lost|won|overdue|down|up|left|late|due|made|begun|new|open|"
    r"add|create|update|delete|resolve|trigger|acknowledge)$"
)


def best_headline(fields: Sequence[Field]) -> Field | None:
    """Return the field whose text says best what happened."""
    best: Field | None = None
    best_rank = MIN_RANK
    for field in fields:
        rank = _rank(field)
        if rank > best_rank:
            best, best_rank = field, rank
    return best


def _rank(field: Field) -> int:
    rank = _name_rank(field.name)
    if not rank or not isinstance(field.value, str):
        return 0
    line = plain_line(field.value)
    if not line:
        return 0
    words = len(line.split())
    rank += min(words, MIN_SENTENCE_WORDS) * 6 - 12
    rank -= DEPTH_COST * field.depth
    rank -= LIST_COST * (1 + field.place) * any(name.isdigit() for name in field.path)
    rank -= OTHERS_COST * (not OTHERS.isdisjoint(field.path))
    rank -= 20 * ("{{" in line)
    return rank


def _name_rank(name: str) -> int:
    if name in RANKS:
        return RANKS[name]
    if _PERSONAL.search(name):
        return 0
    return next((rank for end, rank in _ENDS if name.endswith(end)), 0)


def compose_title(
    headline: Field | None,
    *,
    event: str,
    action: str,
    fields: Sequence[Field],
    item: Any,
) -> str:
    """Say what happened: the headline, with the event where that is only a name."""
    happening = _happening(headline, event=event, action=action, item=item)
    line = plain_line(str(headline.value)) if headline else ""
    if not line:
        return _without_headline(happening, fields)
    if headline is not None and headline.name in {"alertname", "alert_name", "alarm_name"}:
        line = sentence(words_of(line)) if " " not in line else line
    if not happening or _says(line, happening):
        return line if has_words(line) else _with_status(line, headline, fields)
    return f"{sentence(happening)}: {line}"


def _happening(headline: Field | None, *, event: str, action: str, item: Any) -> str:
    """Word the event: "issue opened", "invoice payment failed"."""
    words = words_of(event)
    if words.lower().replace(" ", "_") in _EMPTY_EVENTS:
        words = ""
    verb = words_of(action).lower()
    if verb and verb not in words.lower():
        noun = words or _noun(headline, item)
        return f"{noun} {verb}".strip()
    has_verb = any(_VERB.search(word) for word in words.lower().split())
    return words if has_verb else ""


def _noun(headline: Field | None, item: Any) -> str:
    if headline is not None and headline.container and OTHERS.isdisjoint(headline.path):
        return headline.container.replace("_", " ")
    if isinstance(item, Mapping):
        for name, value in item.items():
            if isinstance(value, Mapping) and name not in OTHERS:
                return words_of(str(name))
    return ""


def _says(line: str, happening: str) -> bool:
    """Tell whether a line has the words of an event in it already."""
    lower = line.lower()
    return all(word.lower()[:5] in lower for word in happening.split())


def _with_status(line: str, headline: Field | None, fields: Sequence[Field]) -> str:
    """Say of a mere name what it is, and its state."""
    noun = ""
    if headline is not None:
        noun = headline.container.replace("_", " ") or _kind_words(fields)
    state = next((_state_words(field) for field in fields if _state_words(field)), "")
    rest = " ".join(part for part in (noun, state) if part)
    if rest and not _says(line, rest):
        return f"{sentence(rest)}: {line}"
    name = headline.name.replace("_", " ") if headline is not None else "report"
    return f"{sentence(name)}: {line}"


def _state_words(field: Field) -> str:
    if field.name not in {"status", "state", "current_state", "conclusion"} or field.depth > 2:
        return ""
    if not isinstance(field.value, str) or not is_title(field.value) or len(field.value) > 40:
        return ""
    return words_of(field.value).lower()


def _kind_words(fields: Sequence[Field]) -> str:
    for field in fields:
        is_kind = field.name in {"object", "type", "kind", "resource_type"} and not field.depth
        if is_kind and isinstance(field.value, str) and is_title(field.value):
            return words_of(field.value).lower()
    return ""


def _without_headline(happening: str, fields: Sequence[Field]) -> str:
    """Say what there is: the event, what it is about and its state."""
    kind = happening or _kind_words(fields)
    state = next((_state_words(field) for field in fields if _state_words(field)), "")
    if kind and state and not _says(kind, state):
        kind = f"{kind} {state}"
    identifier = next(
        (
            str(field.value)
            for field in fields
            if field.name in {"id", "number"} and isinstance(field.value, str | int)
        ),
        "",
    )
    if kind and identifier and len(identifier) <= 60:
        return f"{sentence(kind)}: {identifier}"
    if kind and has_words(kind):
        return sentence(kind)
    names = list(dict.fromkeys(field.name.replace("_", " ") for field in fields))[:4]
    about = ", ".join(name for name in names if name)
    return f"{sentence(kind)} report" if kind else f"Report with {about or 'no content'}"
