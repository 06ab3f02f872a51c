"""The measures of the sample company's year: one figure, whoever takes it, and one page to print."""

import contextlib
import shutil
from datetime import timedelta

import pytest

from bot.cases.desk_kinds import DESK_SOURCE
from bot.cases.lifecycle import State
from bot.demo.people import ANA, TEAM
from bot.desk.answers.wording import describe_seconds
from bot.desk.operation_report import OperationReports, ReportRequest
from bot.measures.catalogue import Sample, time_to_decision
from bot.measures.outcomes import count_outcomes, share_accepted
from bot.measures.totals import ReportPeriod
from bot.measures.values import Share
from bot.ports.case_queries import CaseFilter
from bot.store.case_histories import SqlCaseHistorySource
from bot.views import query as queries
from bot.views.query import Ask, Condition, Measure, Query
from handlers.report.page import report_page
from tests.bench.history import open_desk

pytestmark = [pytest.mark.journey, pytest.mark.timeout(600)]
PERSON = f"{TEAM}/{ANA}"


@pytest.fixture(scope="module")
def office(sample_data, tmp_path_factory):
    """Open the desk of the sample company at the end of its past."""
    folder = tmp_path_factory.mktemp("office") / "data"
    shutil.copytree(sample_data.folder, folder)
    (folder / "history-sample").write_text(sample_data.today.isoformat())
    with open_desk(folder) as (desk, now):
        yield desk, now


def report_of(desk, period):
    reports = OperationReports(
        source=SqlCaseHistorySource(desk.store.database),
        library=desk.library,
        systems=desk.systems,
    )
    return reports.build(ReportRequest(period=period))


def whole_year(now) -> ReportPeriod:
    return ReportPeriod(now - timedelta(days=380), now + timedelta(days=1))


def count(desk, **condition) -> int:
    """Count as an answer to a question does; Ana is in every channel."""
    query = Query(ask=Ask.COUNT, measure=Measure.COUNT, condition=Condition(**condition))
    return desk.conversation.questions.answer_query(query, by=PERSON).total


def test_answers_to_questions_have_the_figures_of_the_report(office):
    desk, now = office
    result = report_of(desk, whole_year(now))
    outcomes = result.total.totals.outcomes
    assert outcomes.endings > 350
    # A list of cases has the decisions about the assistant too, which are no business.
    about_assistant = result.assistant.totals.outcomes
    assert about_assistant.resolutions > 0
    resolutions = count(desk, states=(State.RESOLVED,))
    assert resolutions == outcomes.resolutions + about_assistant.resolutions
    assert count(desk, states=(State.REJECTED,)) == outcomes.rejections
    assert count(desk, states=(State.CLEARED,)) == outcomes.clearings
    alone = count(desk, states=(State.RESOLVED,), is_automatic=True)
    assert alone == outcomes.alone
    for kind in result.kinds:
        assert count(desk, kinds=(kind.name,), is_open=False) == kind.totals.outcomes.endings


def test_a_month_of_an_answer_is_a_month_of_the_report(office):
    desk, now = office
    hours = desk.library.hours("")
    first = (now - timedelta(days=62)).date().replace(day=1)
    last = (first + timedelta(days=40)).replace(day=1) - timedelta(days=1)
    period = ReportPeriod(hours.midnight(first), hours.midnight(last + timedelta(days=1)))
    totals = report_of(desk, period).total.totals
    ended = queries.Period(begin=first.isoformat(), end=last.isoformat())
    assert 0 < totals.outcomes.resolutions == count(desk, states=(State.RESOLVED,), ended=ended)


def test_a_median_of_an_answer_is_that_of_the_report(office):
    desk, now = office
    totals = report_of(desk, whole_year(now)).total.totals
    times = time_to_decision(Sample(totals=totals))
    query = Query(
        ask=Ask.HOW_LONG,
        measure=Measure.MEDIAN_TIME_TO_DECIDE,
        condition=Condition(is_open=False),
    )
    answer = desk.conversation.questions.answer_query(query, by=PERSON)
    assert answer.text == f"Half were decided within {describe_seconds(times.clock_p50)}."


def test_digest_home_and_report_count_alike(office):
    desk, now = office
    period = whole_year(now)
    outcomes = report_of(desk, period).total.totals.outcomes
    filter = CaseFilter(
        ended_between=(period.since, period.until), is_over=True, except_source=DESK_SOURCE
    )
    assert count_outcomes(desk.store.queries.ended_cases(filter)) == outcomes
    tallied = count_outcomes(desk.store.queries.tallied_outcomes(filter))
    assert (tallied.alone, share_accepted(tallied)) == (outcomes.alone, share_accepted(outcomes))


def test_every_kind_has_a_rate_savings_and_a_time_before(office):
    desk, now = office
    result = report_of(desk, ReportPeriod(now - timedelta(days=180), now))
    assert result.notes == ()
    assert len(result.kinds) >= 8
    for kind in result.kinds:
        rate = kind.values["exception_rate"]
        assert isinstance(rate, Share)
        assert 0 < rate.ratio < 0.2, kind.name
        assert kind.values["time_saved"].amount > 0
        assert kind.comparison.before["endings"].number > 0
    assert result.total.values["throughput"].people >= 3


@pytest.mark.browser
def test_the_page_prints_on_paper_with_its_footer(office, browser):
    desk, now = office
    page = browser.new_page()
    requests = []
    page.on("request", lambda request: requests.append(request.url))
    with contextlib.closing(page):
        page.set_content(report_page(report_of(desk, ReportPeriod(now - timedelta(days=180), now))))
        assert page.locator("svg").count() == 4
        # Nothing stands beside the paper.
        page.set_viewport_size({"width": 760, "height": 1000})
        assert page.evaluate("document.documentElement.scrollWidth") <= 760
        paper = page.pdf(prefer_css_page_size=True)
    assert paper.startswith(b"%PDF")
    assert 3 <= paper.count(b"/Type /Page\n") <= 8
    assert requests == []
