"""Remove what a case was about from its ledger entries.

It is pure. What happened stays: which action, how much, who decided what about it, and when. Hashes
of the original stay, so every proof that rests on them does, too.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from bot.cases.case import Case
from bot.cases.entries import StepStarted
from bot.cases.erasure import ERASED_TEXT, LABEL_PREFIX, REMOVAL_PREFIX
from bot.cases.precedent import Precedent

#: Members that hold texts and values about the world, wherever they stand.
CONTENT_FIELDS = frozenset(
    {
        "basis",
        "beneficiary",
        "blocked",
        "candidate",
        "detail",
        "failure",
        "in_force",
        "memory",
        "note",
        "objection",
        "options",
        "precedents",
        "preview",
        "question",
        "reason",
        "reasons",
        "subject",
        "suggestion",
        "summary",
        "text",
        "title",
        "value",
        "what",
        "why",
        "why_not",
    }
)
#: Members that hold such values by names, of which the names stay.
VALUE_MAPS = frozenset({"facts", "parameters", "precondition"})
#: Of a parameter that a person edited; elsewhere a number of a step is called so.
CHANGED_VALUES = frozenset({"before", "after"})
#: Names of what was acted on. Different ones stay different.
LABELLED_FIELDS = frozenset({"target"})
#: A closed list of reasons, of which the texts of people are no part.
_CLOSED_REASONS = frozenset({"plan.rejected"})
Plain = dict[str, Any]


def is_over(case: Case, now: datetime) -> bool:
    """Tell whether nothing more will happen to a case."""
    undo_until = case.execution.undo_until
    return case.is_terminal and (undo_until is None or undo_until <= now)


def without_content(precedent: Precedent) -> Precedent:
    """Return what memory may keep of a precedent that it forgets."""
    return replace(
        precedent,
        signal_text="",
        summary="",
        facts={},
        decision=replace(precedent.decision, steps=()),
        reason="",
    )


def remove_content(plains: Sequence[Plain]) -> list[Plain]:
    """Return the entries of a case without what it was about."""
    remover = _Remover()
    return [remover.remove_from(plain) for plain in plains]


@dataclass
class _Remover:
    """Writes the entries of one case over, one label for each name."""

    labels: dict[str, str] = field(default_factory=dict)

    def remove_from(self, plain: Plain) -> Plain:
        case_id = plain["case"].lower()
        body = self._object(plain["body"], case_id)
        if plain["type"] in _CLOSED_REASONS:
            body["reason"] = plain["body"]["reason"]
        if plain["type"] == StepStarted.name:
            body["inputs"] = self._values(plain["body"].get("inputs") or {}, case_id)
        if body == plain["body"]:
            return plain
        new = {**plain, "body": body}
        # With the salt, whoever tries words could find out which of them stood there.
        new.pop("salt", None)
        return new

    def _object(self, value: Mapping[str, Any], case_id: str) -> Plain:
        new = {name: self._member(name, item, case_id) for name, item in value.items()}
        if "field" in value:
            new.update({name: _blank(value[name]) for name in CHANGED_VALUES & value.keys()})
        if {"source", "key"} <= value.keys():
            names = [name for name in ("key", "group", "digest") if name in value]
            new.update({name: self._label(value[name], case_id) for name in names})
        return new

    def _values(self, value: Mapping[str, Any], case_id: str) -> Plain:
        return {
            name: self._object(item, case_id) if isinstance(item, Mapping) else _blank(item)
            for name, item in value.items()
        }

    def _member(self, name: str, value: Any, case_id: str) -> Any:
        if isinstance(value, Mapping):
            is_map = name in VALUE_MAPS
            return self._values(value, case_id) if is_map else self._object(value, case_id)
        if isinstance(value, list):
            return [self._member(name, item, case_id) for item in value]
        if name in LABELLED_FIELDS:
            return self._label(value, case_id)
        return _blank(value) if name in CONTENT_FIELDS else value

    def _label(self, value: Any, case_id: str) -> Any:
        if not value or str(value).startswith(LABEL_PREFIX):
            return value
        number = len(self.labels) + 1
        return self.labels.setdefault(str(value), f"{REMOVAL_PREFIX}{case_id}-{number}")


def _blank(value: Any) -> Any:
    # What is empty says nothing, and its being empty may be read.
    is_nothing = value is None or value == "" or value == ERASED_TEXT
    return value if is_nothing else ERASED_TEXT
