"""The line that says what happened: the best text of an object, or one made of its names."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from handlers.intake.sources.fields import Field, is_about_others, snake
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
    **dict.fromkeys(("culprit", "resource_name", "key", "slug", "identifier", "login"), 32),
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
LIST_COST = 24
OTHERS_COST = 70
TEMPLATE_COST = 20
FOCUS_BONUS = 25
MAX_NAME_LENGTH = 40
MAX_STATE_DEPTH = 2
MAX_ID_LENGTH = 60
#: Names of fields that stand for a report of which nothing else is to be said.
MAX_NAMES = 4
MIN_SENTENCE_WORDS = 3
_ALERT_NAMES = frozenset({"alertname", "alert_name", "alarm_name", "rule_name", "check_name"})
_STATES = frozenset({"status", "state", "current_state", "conclusion", "result"})
_OUTCOMES = ("conclusion", "outcome", "result", "build_status", "final_status")
_PLACES = frozenset({"repository", "project", "organization", "workspace", "shop", "site", "app"})
#: Objects that are an attribute of another.
_ATTRIBUTES = frozenset({"status", "priority", "severity", "resolution", "state", "category"})
_ENVELOPES = frozenset(
    {"data", "payload", "event", "body", "context", "attributes", "essentials", "labels", "item"}
)
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


def best_headline(fields: Sequence[Field], event: str) -> Field | None:
    """Return the field whose text says best what happened."""
    best: Field | None = None
    best_rank = MIN_RANK
    focus = snake(event.split(".", maxsplit=1)[0].rpartition(":")[2])
    for field in fields:
        rank = _rank(field)
        if rank and field.depth == 1 and field.path[0] in {focus, focus.removesuffix("s")}:
            # The event names the object, and it is a field of that.
            rank += FOCUS_BONUS
        if rank > best_rank:
            best, best_rank = field, rank
    return best


def _rank(field: Field) -> int:
    rank = _name_rank(field.name)
    if not rank or not isinstance(field.value, str) or field.container in _ATTRIBUTES:
        return 0
    line = plain_line(field.value)
    if not line:
        return 0
    rank += min(len(line.split()), MIN_SENTENCE_WORDS) * 6 - 12
    rank -= DEPTH_COST * field.depth
    rank -= LIST_COST * (1 + field.place) * any(name.isdigit() for name in field.path)
    rank -= OTHERS_COST * is_about_others(field)
    rank -= TEMPLATE_COST * ("{{" in line)
    return rank


def _name_rank(name: str) -> int:
    if name in RANKS:
        return RANKS[name]
    if _PERSONAL.search(name):
        return 0
    return next((rank for end, rank in _ENDS if name.endswith(end)), 0)


@dataclass(frozen=True)
class Report:
    """What a title is made of."""

    fields: Sequence[Field]
    #: The name of the event, and the verb beside the object.
    event: str
    action: str
    headline: Field | None
    #: The id of the object.
    subject: str

    def title(self) -> str:
        """Say what happened: the headline, with the event where that is only a name."""
        line = self._line()
        happening = self._happening()
        if not line:
            return self._without_headline(happening)
        if happening and not _says(line, happening):
            return f"{sentence(self._with_outcome(happening))}: {line}"
        if self._is_name():
            return self._with_kind(line)
        return line if has_words(line) else self._with_kind(line)

    def _line(self) -> str:
        if self.headline is None:
            return ""
        line = plain_line(str(self.headline.value))
        is_one_word = " " not in line and self.headline.name in _ALERT_NAMES
        return sentence(words_of(line)) if is_one_word else line

    def _is_name(self) -> bool:
        """Tell whether the headline is the name of a thing."""
        return self.headline is not None and self.headline.name not in _SENTENCES

    def _happening(self) -> str:
        """Word the event: "issue opened", "invoice payment failed"."""
        words = self._event_words()
        verb = words_of(self.action).lower()
        if verb and verb not in words.lower():
            return f"{words or self._noun()} {verb}".strip()
        has_verb = any(_VERB.search(word) for word in words.lower().split())
        return words if has_verb else ""

    def _event_words(self) -> str:
        words = words_of(self.event)
        return "" if words.lower().replace(" ", "_") in _EMPTY_EVENTS else words

    def _noun(self) -> str:
        headline = self.headline
        if headline is not None and headline.container and not is_about_others(headline):
            return headline.container.replace("_", " ")
        for field in self.fields:
            if field.depth == 1 and not is_about_others(field):
                return field.path[0].replace("_", " ")
        return ""

    def _with_outcome(self, happening: str) -> str:
        """Add how a run ended: "workflow run completed, failure"."""
        for field in self.fields:
            if field.name in _OUTCOMES and field.depth <= 1 and not is_about_others(field):
                words = _short_words(field.value)
                if words and not _says(happening, words):
                    return f"{happening}, {words}"
        return happening

    def _with_kind(self, line: str) -> str:
        """Say of a name what it is, and its state."""
        kind = self._kind()
        if kind and not _says(line, kind):
            line = f"{sentence(kind)}: {line}"
        state = self._state()
        if state and not _says(line, state):
            line = f"{line}: {state}" if has_words(line) else f"{sentence(state)}: {line}"
        if has_words(line) or self.headline is None:
            return line
        return f"{sentence(self.headline.name.replace('_', ' '))}: {line}"

    def _without_headline(self, happening: str) -> str:
        """Say what there is: the event, what it is about and its state."""
        kind = happening or self._event_words() or self._kind()
        state = self._state()
        if kind and state and not _says(kind, state):
            kind = f"{kind} {state}"
        identifier = self.subject.partition(":")[2]
        place = self._place()
        if kind and place and not identifier:
            return f"{sentence(kind)} in {place}"
        if kind and identifier and len(identifier) <= MAX_ID_LENGTH:
            return f"{sentence(kind)}: {identifier}"
        if kind and has_words(kind):
            return sentence(kind)
        names = dict.fromkeys(field.name.replace("_", " ") for field in self.fields)
        about = ", ".join(name for name in list(names)[:MAX_NAMES] if name)
        return f"{sentence(kind)} report" if kind else f"Report with {about or 'no content'}"

    def _kind(self) -> str:
        """Return what the object calls itself, or is called."""
        for field in self.fields:
            is_kind = field.name in {"object", "type", "kind", "resource_type"} and not field.depth
            if is_kind:
                words = _short_words(field.value)
                return "" if words.replace(" ", "_") in _EMPTY_EVENTS else words
        headline = self.headline
        if headline is None or headline.container in _ENVELOPES or is_about_others(headline):
            return ""
        return headline.container.replace("_", " ")

    def _state(self) -> str:
        for field in self.fields:
            is_state = field.name in _STATES and field.depth <= MAX_STATE_DEPTH
            words = _short_words(field.value) if is_state and not is_about_others(field) else ""
            if words:
                return words
        return ""

    def _place(self) -> str:
        """Return the repository, project or account in which it happened."""
        for name in ("full_name", "path_with_namespace", "name", "login", "display_name"):
            for field in self.fields:
                if field.name == name and field.depth == 1 and field.path[0] in _PLACES:
                    text = plain_line(str(field.value))
                    if text:
                        return text
        return ""


def _says(line: str, happening: str) -> bool:
    """Tell whether a line has the words of an event in it already."""
    lower = line.lower()
    return all(word.lower()[:5] in lower for word in happening.split())


def _short_words(value: Any) -> str:
    """Return a name as words; empty where it is none."""
    if not isinstance(value, str) or len(value) > MAX_NAME_LENGTH or not is_title(value):
        return ""
    return words_of(value).lower()
