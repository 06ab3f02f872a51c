"""Usual times: how long people take to decide cases of one kind."""

import statistics

from bot.ports.case_queries import CaseQueries
from bot.views.progress import UsualTimes

# The latest cases say how long it takes nowadays.
MAX_CASES = 100
# Fewer cases are no rule.
MIN_CASES = 5


def usual_times(queries: CaseQueries, kind: str) -> UsualTimes | None:
    """Measure the latest decisions by people; None for too few."""
    seconds = queries.decision_times(kind, MAX_CASES)
    if len(seconds) < MIN_CASES:
        return None
    *_, four_in_five = statistics.quantiles(seconds, n=5, method="inclusive")
    return UsualTimes(median=statistics.median(seconds), four_in_five=four_in_five)
