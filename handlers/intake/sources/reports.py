"""The title of a report: its headline, and what happened to what."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from handlers.intake.sources.conditions import is_condition
from handlers.intake.sources.events import EMPTY_EVENTS, OBJECTS
from handlers.intake.sources.fields import Field, is_about_others, snake
from handlers.intake.sources.headlines import is_alert_name, is_name
from handlers.intake.sources.titles import (
    has_words,
    is_title,
    name_set,
    plain_line,
    sentence,
    singular,
    words_of,
)

MAX_NAME_LENGTH = 40
MAX_STATE_DEPTH = 3
MAX_ID_LENGTH = 60
#: Names of fields that stand for a report of which nothing else is to be said.
MAX_NAMES = 4
#: A headline from this depth on needs the event before it.
MIN_DEEP = 2
_STATES = frozenset({"status", "state", "current_state", "conclusion", "result"})
_KINDS = (
    "object",
    "object_type",
    "event_category",
    "entity_type",
    "resource_type",
    "object_kind",
    "kind",
    "type",
)
_OUTCOMES = frozenset({"conclusion", "outcome", "result"})
#: States in which everything is.
_USUAL = frozenset({"active", "enabled"})
_EMPTY_STEMS = frozenset({"event", "display", "full", "description"})
_PLACES = frozenset({"repository", "project", "organization", "workspace", "shop", "site", "app"})
_ENVELOPES = name_set(
    """
    data payload event body context attributes essentials labels annotations item resource object
    content detail details fields result entity record current
    """
)
# Verbs that say that something happened, and not what came of it.
_OPEN_ENDED = frozenset({"updated", "changed", "completed", "ended", "finished", "created"})
_PAST = {
    **{"create": "created", "creation": "created", "update": "updated", "delete": "deleted"},
    **{"deletion": "deleted", "resolve": "resolved", "acknowledge": "acknowledged"},
    **{"close": "closed", "open": "opened", "add": "added", "remove": "removed"},
    **{"trigger": "triggered", "change": "changed", "cancel": "cancelled", "fail": "failed"},
    **{"end": "ended", "start": "started", "complete": "completed", "finish": "finished"},
    **{"dismiss": "dismissed", "suspend": "suspended", "assign": "assigned", "merge": "merged"},
}
_OTHER_VERBS = name_set(
    """
    sent paid lost won overdue down up left late due made begun failure error bounce bounced
    response signup churn dispute chargeback refund expiring missing
    """
)
_TAILS = frozenset({"hook", "event", "webhook", "notification"})


@dataclass(frozen=True, kw_only=True)
class Report:
    """The parts of a title."""

    fields: Sequence[Field]
    #: The name of the event, and the verb beside the object.
    event: str
    action: Field | None
    headline: Field | None
    #: The id of the object.
    subject: str

    def title(self) -> str:
        """Compose the title of headline and event."""
        line = self._line
        if not line:
            return self._without_headline()
        happening = self._happening
        if happening and not _says(line, happening):
            return f"{sentence(self._with_outcome(happening))}: {line}"
        if self._is_name or not has_words(line):
            return self._with_kind(line)
        return line

    @cached_property
    def _line(self) -> str:
        if self.headline is None:
            return ""
        line = plain_line(str(self.headline.value))
        is_one_word = " " not in line and is_alert_name(self.headline)
        return sentence(words_of(line)) if is_one_word else line

    @property
    def _is_name(self) -> bool:
        return self.headline is not None and is_name(self.headline)

    @cached_property
    def _event_words(self) -> str:
        """Word the event: "jira:issue_updated" is "issue updated"."""
        event = self.event
        tail = event.rpartition(":")[2]
        if len(words_of(tail).split()) > 1:
            event = tail
        words = words_of(event).split()
        if all(map(str.isupper, words)):
            words = [word.lower() for word in words]
        while words and words[-1].lower() in _TAILS:
            words.pop()
        words = _in_order([_PAST.get(word.lower(), word) for word in words])
        text = " ".join(words)
        return "" if snake(text) in EMPTY_EVENTS else text

    @cached_property
    def _happening(self) -> str:
        """Return the event where it says what happened: "issue opened"."""
        words = self._event_words
        verb = self._action_verb
        if verb and verb not in words.lower():
            return " ".join(_in_order([*(words or self._noun).split(), *verb.split()]))
        if words and " " not in words and _is_verb(words):
            return f"{self._own_kind} {words}".strip()
        has_verb = any(map(_is_verb, words.split()))
        is_deep = self.headline is not None and self.headline.depth >= MIN_DEEP
        is_needed = self._is_name or is_deep or len(words.split()) == 1
        return words if has_verb or (words and is_needed and self._says_more(words)) else ""

    def _says_more(self, words: str) -> bool:
        """Tell whether an event is more than a sort of alert."""
        return not self.event.isupper() or (self._is_name and len(words) > 1)

    @property
    def _action_verb(self) -> str:
        if self.action is None:
            return ""
        words = words_of(str(self.action.value)).lower().split()
        return " ".join(_PAST.get(word, word) for word in words)

    @cached_property
    def _noun(self) -> str:
        """Name the object, by itself or by its field."""
        kind = self._kind
        if kind:
            return kind
        if self.action is not None and self.action.container not in {"", *_ENVELOPES}:
            return singular(self.action.container).replace("_", " ")
        for field in self.fields:
            if field.depth and not is_about_others(field) and field.path[0] not in _ENVELOPES:
                return singular(field.path[0]).replace("_", " ")
        return ""

    @cached_property
    def _own_kind(self) -> str:
        """Return what the object calls itself."""
        owners = self.headline.owners if self.headline is not None else ()
        if not owners and self.fields:
            owners = self.fields[0].owners[:1]
        for owner in reversed(owners):
            by_name = {snake(str(key)[:MAX_NAME_LENGTH]): value for key, value in owner.items()}
            for name in _KINDS:
                words = _short_words(by_name.get(name))
                if "/" in str(by_name.get(name)):
                    # The type of a resource of a cloud.
                    continue
                is_empty = snake(words) in EMPTY_EVENTS - OBJECTS
                if words and not is_empty and words != self.event.lower():
                    return words
        return ""

    @cached_property
    def _kind(self) -> str:
        """Return what the object calls itself, or is called."""
        if self._own_kind:
            return self._own_kind
        headline = self.headline
        if headline is None or is_about_others(headline):
            return ""
        for name in reversed(headline.path):
            if not name.isdigit() and name not in _ENVELOPES:
                return singular(name).replace("_", " ")
        return ""

    def _with_outcome(self, happening: str) -> str:
        """Add what came of it: "workflow run completed, failure"."""
        if happening.rpartition(" ")[2] not in _OPEN_ENDED:
            return happening
        for field in self.fields:
            is_outcome = field.name in _OUTCOMES and field.depth <= 1
            words = _short_words(field.value) if is_outcome else ""
            if words and not is_about_others(field):
                return f"{happening}, {words}"
        state = self._state
        is_new = state not in _USUAL and not _says(happening, state)
        return f"{happening}, {state}" if is_new else happening

    def _with_kind(self, line: str) -> str:
        """Say of a name what it is, and its state."""
        kind = self._kind
        if not kind and self.headline is not None:
            stem = self.headline.name
            for end in ("_friendly_name", "_display_name", "_name", "name", "_title"):
                stem = stem.removesuffix(end)
            kind = "" if stem in _EMPTY_STEMS else stem.replace("_", " ")
        state = "" if _says(line, self._state) else self._state
        before = " ".join(part for part in (kind, state) if part)
        if before and not _says(line, before):
            return f"{sentence(before)}: {line}"
        if has_words(line) or self.headline is None:
            return line
        return f"{sentence(self.headline.name.replace('_', ' '))}: {line}"

    def _without_headline(self) -> str:
        """Name the event, its object and its state."""
        kind = self._happening or self._event_words or self._noun
        state = self._state
        if not kind:
            kind = self._named_state
        if kind and state and not _says(kind, state):
            kind = f"{kind} {state}"
        kind = kind or state
        identifier = self.subject.partition(":")[2]
        if not kind:
            names = dict.fromkeys(field.name.replace("_", " ") for field in self.fields)
            about = ", ".join(name for name in list(names)[:MAX_NAMES] if name)
            return f"Report with {about or 'no content'}"
        place = self._place
        title = f"{sentence(kind)} in {place}" if place else sentence(kind)
        if identifier and len(identifier) <= MAX_ID_LENGTH:
            return f"{title}: {identifier}"
        return title if has_words(title) else f"{title} report"

    @cached_property
    def _state(self) -> str:
        """Return the state of the object in words."""
        for field in self.fields:
            is_state = field.name in _STATES or is_condition(field)
            if is_state and field.depth <= MAX_STATE_DEPTH and not is_about_others(field):
                words = _short_words(field.value)
                if words:
                    return words
        return ""

    @property
    def _named_state(self) -> str:
        """Return a state with its object: "message undelivered"."""
        for field in self.fields:
            if field.name.endswith("_status") and not is_about_others(field):
                words = _short_words(field.value)
                if words:
                    return f"{field.name.removesuffix('_status').replace('_', ' ')} {words}"
        return ""

    @property
    def _place(self) -> str:
        """Return the repository, project or account in which it happened."""
        for name in ("full_name", "path_with_namespace", "name", "login", "display_name"):
            for field in self.fields:
                if field.name == name and field.depth == 1 and field.path[0] in _PLACES:
                    text = plain_line(str(field.value))
                    if text:
                        return text
        return ""


def _is_verb(word: str) -> bool:
    word = word.lower()
    is_past = word.endswith("ed") and len(word) > 4
    return is_past or word in _OTHER_VERBS or word in _PAST.values()


def _in_order(words: list[str]) -> list[str]:
    """Put a singular noun before its verb: "deal updated"."""
    if len(words) > 1 and _is_verb(words[0]) and not any(map(_is_verb, words[1:])):
        words = [*words[1:], words[0]]
    if len(words) > 1 and _is_verb(words[-1]):
        words = [*map(singular, words[:-1]), words[-1]]
    return words


def _says(line: str, words: str) -> bool:
    """Tell whether a line says the same: verb and half the words."""
    parts = [word.lower()[:5] for word in words.split()]
    if not parts:
        return True
    lower = line.lower()
    matches = sum(part in lower for part in parts)
    return parts[-1] in lower and matches * 2 >= len(parts)


def _short_words(value: Any) -> str:
    """Return a name as words; empty where it is none."""
    if not isinstance(value, str) or len(value) > MAX_NAME_LENGTH or not is_title(value):
        return ""
    return words_of(value).lower()
