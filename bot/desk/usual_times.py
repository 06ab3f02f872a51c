"""Usual times: how long people take to decide cases of one kind."""

import statistics

from bot.cases.case import Case
from bot.ports.case_queries import CaseFilter, CaseQueries
from bot.views.progress import UsualTimes

# The latest cases say how long it takes nowadays.
MAX_CASES = 100
# Fewer cases are no rule.
MIN_CASES = 5


def usual_times(queries: CaseQueries, kind: str) -> UsualTimes | None:
    """Measure the latest decisions by people; None for too few."""
    cases = queries.find(CaseFilter(kind=kind, is_over=True), MAX_CASES)
    seconds = [_decided_after(case) for case in cases if _was_decided(case)]
    if len(seconds) < MIN_CASES:
        return None
    *_, four_in_five = statistics.quantiles(seconds, n=5, method="inclusive")
    return UsualTimes(median=statistics.median(seconds), four_in_five=four_in_five)


def _was_decided(case: Case) -> bool:
    """Tell whether a person decided; what policy lets run takes no time."""
    return case.timers.decided_at is not None and not case.was_auto_approved


def _decided_after(case: Case) -> float:
    decided_at = case.timers.decided_at or case.timers.changed_at
    return (decided_at - case.timers.opened_at).total_seconds()
