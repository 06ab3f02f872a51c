"""Count what happens to cases, for ``/metrics``, once it is durable."""

from datetime import timedelta

from bot.cases.case import Case
from bot.cases.desk_kinds import counted_kind
from bot.metrics import (
    CASES_ENDED,
    CASES_OPENED,
    DECISION_SECONDS,
    RESOLUTION_SECONDS,
    kind_label,
)


def count_change(before: Case | None, after: Case) -> None:
    """Count an opening, a first decision and an end. Runs no statement."""
    if after.probe is not None:
        return
    if before is None:
        CASES_OPENED.labels(_label(after)).inc()
    opened_at = after.timers.opened_at
    decided_at = after.timers.decided_at
    if decided_at is not None and (before is None or before.timers.decided_at is None):
        DECISION_SECONDS.labels(_label(after)).observe(_seconds(decided_at - opened_at))
    if after.is_terminal and (before is None or not before.is_terminal):
        _count_end(after)


def _count_end(case: Case) -> None:
    alone = str(case.was_auto_approved).lower()
    CASES_ENDED.labels(_label(case), case.state.name.lower(), alone).inc()
    if case.ended_at is not None:
        RESOLUTION_SECONDS.labels(_label(case)).observe(
            _seconds(case.ended_at - case.timers.opened_at)
        )


def _label(case: Case) -> str:
    return kind_label(counted_kind(case.kind, case.signal.source))


def _seconds(span: timedelta) -> float:
    # Two machines may have clocks that differ a little.
    return max(0.0, span.total_seconds())
