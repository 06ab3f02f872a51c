"""A case as JSON for programs: one flat object."""

from collections.abc import Iterable
from typing import Any

from bot.cases.canonical import to_plain
from bot.cases.case import Case
from bot.cases.entries import Entry, entry_plain
from bot.views.entry_content import trail
from bot.views.labels import Labels

PARTS = ("timers", "classification", "assessment", "proposal", "execution", "activity")
#: The names that programs know, where the case has another one.
PUBLIC_NAMES = {
    "reminder_count": "reminded",
    "is_escalated": "escalated",
    "is_undo_running": "undoing",
    "status_reason": "ending",
    "drift_reasons": "drifted",
    "reopening_reason": "reopened",
    "signal_count": "count",
    "conflict_count": "conflicts",
    "refusal_count": "refusals",
    "later_requesters": "raised_again",
}


def case_record(case: Case) -> dict[str, Any]:
    """Return the case as a flat JSON object.

    Its names are part of the interface.
    """
    record: dict[str, Any] = to_plain(case)
    for part in PARTS:
        for name, value in record.pop(part).items():
            record[PUBLIC_NAMES.get(name, name)] = value
    record["fingerprint"] = case.signal.fingerprint
    return record


def trail_record(entries: Iterable[Entry], labels: Labels) -> list[dict[str, Any]]:
    """Return every entry of a case, as recorded and in words."""
    return [
        {
            **entry_plain(item.entry),
            "author": item.author,
            "sentence": item.content.sentence,
            "lines": [to_plain(line) for line in item.content.lines],
            "state": item.case.state.code,
        }
        for item in trail(entries, labels)
    ]
