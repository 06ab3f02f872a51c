"""The last thirty days in numbers."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from bot.cases.case import Case
from bot.desk.case_answers import describe_seconds
from bot.ports.case_queries import CaseFilter, CaseQueries, Viewer
from bot.ports.library import Library
from bot.views.answers import Answer
from bot.views.digest import tally_agreements

REPORT_PERIOD = timedelta(days=30)
MAX_CASES = 2_000


def report(
    queries: CaseQueries,
    library: Library,
    sight: Viewer,
    now: datetime,
) -> Answer:
    """Report how much was done, how fast and how well."""
    period = (now - REPORT_PERIOD, now)
    in_period = CaseFilter(viewer=sight, ended_between=period, is_over=True)
    opened_count = queries.count(CaseFilter(viewer=sight, opened_between=period, is_any=True))
    durations = queries.durations(in_period)
    closed_cases = queries.find(in_period, MAX_CASES)
    sentences = [f"{opened_count:,} opened and {durations.cases:,} ended in thirty days."]
    if durations.decided is not None:
        sentences.append(f"Half were decided within {describe_seconds(durations.decided)}.")
    if durations.ended is not None:
        sentences.append(f"Half had ended within {describe_seconds(durations.ended)}.")
    sentences += _agreement_sentences(closed_cases, library)
    reopened_count = sum(bool(case.activity.reopening_reason) for case in closed_cases)
    sentences.append(f"{reopened_count} had been opened again.")
    return Answer(
        understood="the report of the last thirty days, over what you may see",
        text=" ".join(sentences),
    )


def _agreement_sentences(cases: Sequence[Case], library: Library) -> list[str]:
    unchanged_count = 0
    decided_count = 0
    for agreement in tally_agreements(cases, dict(library.titles())):
        unchanged_count += agreement.as_recommended
        decided_count += agreement.as_recommended + agreement.edited + agreement.otherwise
    if not decided_count:
        return []
    return [f"{unchanged_count} of {decided_count} recommendations were taken as they stood."]
