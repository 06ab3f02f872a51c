"""A case as JSON for programs: one flat object."""

from typing import Any

from bot.cases.canonical import to_plain
from bot.cases.case import Case

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
