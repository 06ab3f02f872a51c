"""The text of an object that says best what happened."""

import re
from collections.abc import Sequence

from handlers.intake.sources.fields import Field, is_about_others, snake
from handlers.intake.sources.titles import plain_line

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
    **dict.fromkeys(("exception", "form"), 60),
    **dict.fromkeys(("name", "display_name", "policy_name", "event_name"), 62),
    **dict.fromkeys(("reason", "new_state_reason", "details", "detail", "comment"), 58),
    **dict.fromkeys(("display", "full_name", "body", "content", "note", "label", "info"), 48),
    **dict.fromkeys(("culprit", "resource_name", "key", "slug", "identifier", "login"), 32),
}
_ENDS = (
    ("_title", 86),
    ("_subject", 86),
    ("_summary", 84),
    ("_message", 70),
    ("_description", 64),
    ("_text", 60),
    ("_reason", 36),
    ("_name", 44),
)
#: Names that hold the name of a thing; the others hold sentences.
_NAMES = frozenset(
    {"name", "display", "label", "key", "slug", "identifier", "login", "full_name", "culprit"}
)
_ALERT_NAMES = frozenset({"alertname", "alert_name", "alarm_name", "rule_name", "check_name"})
_PERSONAL = re.compile(
    r"(?:user|first|last|sender|author|owner|host|domain|file|account|org|bank|property"
    r"|webhook)_?name"
)
# A name of a program, and no text: tracker.updated, low_stock.
_CODE = re.compile(r"[\w$]+(?:[._:/-][\w$]+)+")
MIN_RANK = 18
#: A text of an unknown name; deeper than in one object it is not taken.
TEXT_RANK = 22
MAX_TEXT_LENGTH = 2_000
_NO_TEXTS = re.compile(
    r"agent|query|expression|address|pretty|request|secret|token|signature|terms"
)
MIN_SENTENCE_WORDS = 3
DEPTH_COST = 6
#: An object of a list is one of many.
LIST_COST = 45
OTHERS_COST = 70
TEMPLATE_COST = 20
CODE_COST = 24
FOCUS_BONUS = 25
#: Objects that are an attribute of another.
_ATTRIBUTES = frozenset(
    {
        "status",
        "priority",
        "severity",
        "resolution",
        "state",
        "category",
        "value",
        "column",
        "label",
    }
)
#: Lists that hold what is reported.
_REPORTS = frozenset({"checkrules", "matching_messages", "messages", "notifications", "alerts"})


def best_headline(fields: Sequence[Field], event: str) -> Field | None:
    """Return the field whose text says best what happened."""
    best: Field | None = None
    best_rank = MIN_RANK
    focus = snake(event.split(".", maxsplit=1)[0].rpartition(":")[2])
    for field in fields:
        rank = _rank(field) if field.value != event else 0
        if rank and field.depth == 1 and field.path[0] in {focus, focus.removesuffix("s")}:
            # The event names the object, and it is a field of that.
            rank += FOCUS_BONUS
        if rank > best_rank:
            best, best_rank = field, rank
    return best


def is_name(field: Field) -> bool:
    """Tell whether a field holds a name, and no sentence."""
    return field.name in _NAMES or field.name.endswith("name")


def is_alert_name(field: Field) -> bool:
    """Tell whether a field holds the name of an alert."""
    return field.name in _ALERT_NAMES


def ranks_as_headline(name: str) -> bool:
    """Tell whether a field of this name may say what happened."""
    return bool(_name_rank(name))


def _rank(field: Field) -> int:
    rank = _name_rank(field.name) or _text_rank(field)
    if not rank or not isinstance(field.value, str) or not _ATTRIBUTES.isdisjoint(field.path[-2:]):
        return 0
    line = plain_line(field.value)
    if not line:
        return 0
    rank += min(len(line.split()), MIN_SENTENCE_WORDS) * 6 - 12
    rank -= DEPTH_COST * field.depth
    rank -= OTHERS_COST * is_about_others(field)
    rank -= TEMPLATE_COST * ("{{" in line)
    rank -= CODE_COST * bool(_CODE.fullmatch(line))
    if any(name.isdigit() for name in field.path):
        rank -= DEPTH_COST if field.container in _REPORTS else LIST_COST
        rank -= DEPTH_COST * field.place
    return rank


def _text_rank(field: Field) -> int:
    """Rank a text of an unknown name by its words."""
    is_text = isinstance(field.value, str) and len(field.value) <= MAX_TEXT_LENGTH
    if not is_text or _NO_TEXTS.search(field.name):
        return 0
    words = str(field.value).split()
    letters = sum(any(map(str.isalpha, word)) for word in words)
    return TEXT_RANK if letters >= MIN_SENTENCE_WORDS else 0


def _name_rank(name: str) -> int:
    if name in RANKS:
        return RANKS[name]
    if _PERSONAL.search(name):
        return 0
    return next((rank for end, rank in _ENDS if name.endswith(end)), 0)
