"""The last thirty days in numbers, beside the thirty days before."""

from dataclasses import replace
from datetime import datetime

from bot.cases.desk_kinds import DESK_SOURCE
from bot.desk.results import MONTH, find_results, span_before, time_sentences
from bot.ports.case_queries import CaseFilter, CaseQueries, Viewer
from bot.views.answers import Answer

REPORT_PERIOD = MONTH


def report(queries: CaseQueries, viewer: Viewer, now: datetime) -> Answer:
    """Report how much was done, how fast and how well."""
    period = (now - REPORT_PERIOD, now)
    before = span_before(period)
    business = CaseFilter(viewer=viewer, except_source=DESK_SOURCE)
    in_period = replace(business, ended_between=period, is_over=True)
    in_before = replace(business, ended_between=before, is_over=True)
    results = find_results(queries, in_period, in_before)
    opened_count = queries.count(replace(business, opened_between=period, is_any=True))
    endings, endings_before = results.outcomes.endings, results.previous.endings
    text = f"Cases in the last thirty days: {opened_count:,} opened, {endings:,} ended"
    comparison = f" ({endings_before:,} in the thirty days before)" if endings_before else ""
    facts = [
        *results.share_sentences,
        *time_sentences(queries.durations(in_period), queries.durations(in_before)),
        results.unhandled_sentence,
        results.rework_sentence,
    ]
    return Answer(
        reading="the report of the last thirty days, for the cases that you may see",
        text=f"{text}{comparison}.",
        facts=tuple(filter(None, facts)),
    )
