"""The condition that a report tells of: trouble, or its end."""

import re
from collections.abc import Sequence
from enum import Enum, auto

from handlers.intake.sources.fields import Field, is_about_others
from handlers.intake.sources.titles import name_set, words_of

MAX_STATE_LENGTH = 60
MAX_STATE_DEPTH = 4


class TroubleCondition(Enum):
    """The condition of what a report is about."""

    UNKNOWN = auto()
    FIRING = auto()
    OVER = auto()

    @property
    def is_over(self) -> bool:
        """Tell whether the trouble is over."""
        return self is TroubleCondition.OVER


OVER = name_set(
    """
    resolved resolve ok okay closed recovered recovery cleared clear normal healthy fixed solved
    up deactivated untriggered settled good
    """
)
FIRING = name_set(
    """
    firing open opened alerting triggered trigger active activated problem down critical alarm
    alert error failed failing failure new pending acknowledged unresolved reopened warning warn
    bad unhealthy degraded major minor created in_alarm in_progress running queued waiting
    requested started escalated
    """
)
#: Runs of machines, of which a success ends the trouble.
_RUNS = re.compile(r"build|pipeline|workflow|\bjob\b|check|deploy|\brun\b|\btest|sync|backup|scan")
_GOOD_RUN = frozenset({"success", "succeeded", "successful", "passed", "pass", "green"})
#: What people work on until it is done.
_TASKS = re.compile(r"issue|ticket|task|incident|work ?item|\bbug\b|request|problem")
_DONE = frozenset({"done", "completed", "complete", "finished"})
_STATES = re.compile(
    r"(?:(?:current|new|alert|event|incident|monitor|issue|ticket|check|problem|alarm|to)_)?"
    r"(?:status|state|condition)(?:_value|_name|_text)?|alert_transition|transition|conclusion|"
    r"result|resolution_status|alert_type(?:_friendly_name)?"
)
_INNER_STATES = frozenset({"name", "value", "label", "key", "slug"})
_BEFORE = re.compile(r"previous|prior|\bold\b|\bfrom\b|\blast\b|before")
_OVER_MARK = re.compile(
    r"^\W*(?:(?:fully|manually|automatically)\s+)?"
    r"(?:resolved|recovered|recovery|cleared|ok|closed|up)\b\s*(?:[\]:!|)–-]|\d|$)",
    re.IGNORECASE,
)
_OVER_WORDS = re.compile(r"\b(?:resolved|recovered|cleared|untriggered)$", re.IGNORECASE)


def find_condition(
    fields: Sequence[Field], *, event: str, action: str, headline: Field | None
) -> TroubleCondition:
    """Find the condition by fields, then event, then title."""
    condition = _find_stated(fields, event)
    if condition is not TroubleCondition.UNKNOWN:
        return condition
    for name in (action, event):
        verb = words_of(name).rpartition(" ")[2].lower()
        if verb in {"resolved", "recovered", "closed", "cleared", "resolve", "recovery", "solved"}:
            return TroubleCondition.OVER
        if verb in FIRING or verb.endswith("ed"):
            return TroubleCondition.FIRING
    text = str(headline.value) if headline else ""
    return TroubleCondition.OVER if _OVER_MARK.search(text) else TroubleCondition.UNKNOWN


def is_condition(field: Field) -> bool:
    """Tell whether a field says that there is trouble, or none."""
    if field.depth > MAX_STATE_DEPTH or not isinstance(field.value, str):
        return False
    return _condition_of(field, "") is not TroubleCondition.UNKNOWN


def _find_stated(fields: Sequence[Field], event: str) -> TroubleCondition:
    """Return what the outermost state says; trouble where several differ."""
    by_depth: dict[int, set[TroubleCondition]] = {}
    for field in fields:
        if field.depth > MAX_STATE_DEPTH or is_about_others(field) or field.place > 0:
            continue
        condition = _condition_of(field, event)
        if condition is not TroubleCondition.UNKNOWN:
            by_depth.setdefault(field.depth, set()).add(condition)
    if not by_depth:
        return TroubleCondition.UNKNOWN
    conditions = by_depth[min(by_depth)]
    return (
        TroubleCondition.FIRING if TroubleCondition.FIRING in conditions else TroubleCondition.OVER
    )


def _condition_of(field: Field, event: str) -> TroubleCondition:
    if field.name in {"resolved", "is_resolved", "recovered"} and isinstance(field.value, bool):
        return TroubleCondition.OVER if field.value else TroubleCondition.FIRING
    if not isinstance(field.value, str) or not 0 < len(field.value) <= MAX_STATE_LENGTH:
        return TroubleCondition.UNKNOWN
    if not _is_state(field) or _BEFORE.search(f"{field.name} {' '.join(field.path)}"):
        return TroubleCondition.UNKNOWN
    words = words_of(field.value).lower()
    # Such as ALERT_STATE_OK, or "resolved by the user".
    candidates = {words.replace(" ", "_"), words.partition(" ")[0], words.rpartition(" ")[2]}
    if candidates & FIRING:
        return TroubleCondition.FIRING
    if candidates & OVER or _is_good_end(candidates, field, event):
        return TroubleCondition.OVER
    return TroubleCondition.UNKNOWN


def _is_good_end(words: set[str], field: Field, event: str) -> bool:
    """Tell whether a run has succeeded, or a task is done."""
    names = f"{' '.join(field.path)} {event}".replace("_", " ")
    if words & _GOOD_RUN:
        return bool(_RUNS.search(names))
    return bool(words & _DONE and _TASKS.search(names))


def is_state_name(name: str) -> bool:
    """Tell whether a field of this name holds a state."""
    return bool(_STATES.fullmatch(name))


def _is_state(field: Field) -> bool:
    if _STATES.fullmatch(field.name):
        return True
    return field.name in _INNER_STATES and bool(_STATES.fullmatch(field.container))
