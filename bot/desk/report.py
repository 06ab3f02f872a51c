"""The last thirty days in numbers."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from bot.cases.results import EndedCases
from bot.desk.answers.wording import describe_seconds
from bot.ports.case_queries import CaseFilter, CaseQueries, Viewer
from bot.ports.library import Library
from bot.views.answers import Answer
from bot.views.digest import tally_agreements

REPORT_PERIOD = timedelta(days=30)


def report(
    queries: CaseQueries,
    library: Library,
    viewer: Viewer,
    now: datetime,
) -> Answer:
    """Report how much was done, how fast and how well."""
    period = (now - REPORT_PERIOD, now)
    in_period = CaseFilter(viewer=viewer, ended_between=period, is_over=True)
    opened_count = queries.count(CaseFilter(viewer=viewer, opened_between=period, is_any=True))
    durations = queries.durations(in_period)
    groups = queries.ended_cases(in_period)
    sentences = [
        f"Cases in the last thirty days: {opened_count:,} opened, {durations.cases:,} ended."
    ]
    if durations.to_decision is not None:
        sentences.append(f"Half were decided within {describe_seconds(durations.to_decision)}.")
    if durations.to_end is not None:
        sentences.append(f"Half ended within {describe_seconds(durations.to_end)}.")
    sentences += _agreement_sentences(groups, library)
    reopened_count = sum(group.reopened_count for group in groups)
    sentences.append(f"{reopened_count} were opened again.")
    return Answer(
        reading="the report of the last thirty days, for the cases that you may see",
        text=" ".join(sentences),
    )


def _agreement_sentences(groups: Sequence[EndedCases], library: Library) -> list[str]:
    unchanged_count = 0
    decided_count = 0
    for agreement in tally_agreements(groups, dict(library.titles())):
        unchanged_count += agreement.as_recommended
        decided_count += agreement.as_recommended + agreement.after_edit + agreement.otherwise
    if not decided_count:
        return []
    return [f"{unchanged_count} of {decided_count} recommendations were approved without a change."]
