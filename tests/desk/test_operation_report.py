"""The report of an operation: cases from the ledger, denominators from the systems of record."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.cases.errors import ConnectorFailed
from bot.cases.service_level import Denominator
from bot.desk.operation_report import OperationReports, ReportRequest, count_denominator
from bot.measures.totals import ReportPeriod
from bot.measures.values import Share
from bot.store.case_histories import SqlCaseHistorySource
from tests.fakes.clock import NOON
from tests.fakes.connector import FakeConnector

DAY = timedelta(days=1)
PERIOD = ReportPeriod(NOON - DAY, NOON + DAY)
QUERY = "SELECT COUNT(*) FROM bookings WHERE day >= :since AND day < :until"
COUNTED = Denominator("bookings", "house", QUERY)


class CountingConnector(FakeConnector):
    """Returns these rows, and keeps what it was asked with."""

    def __init__(self, *rows: dict) -> None:
        super().__init__()
        self.rows = list(rows)
        self.parameters: list[dict] = []

    def look_up(self, query, parameters, limit):
        self.parameters.append(dict(parameters))
        return super().look_up(query, parameters, limit)


@pytest.fixture
def busy_world(world):
    """Two cases of low stock; one is approved and carried out."""
    world.approve(world.proposed())
    world.work()
    world.receive(world.signal("product:2"))
    world.work()
    level = replace(world.library.book.measure, denominator=COUNTED)
    world.library.book = replace(world.library.book, measure=level)
    return world


def build(world, *, systems=None, **request):
    reports = OperationReports(
        source=SqlCaseHistorySource(world.store.database),
        library=world.library,
        systems=systems if systems is not None else {"house": CountingConnector({"n": 40})},
    )
    return reports.build(ReportRequest(period=PERIOD, **request), checkpoint="number 1")


def test_cases_come_from_the_ledger_and_the_denominator_from_its_system(busy_world):
    connector = CountingConnector({"n": 40})
    result = build(busy_world, systems={"house": connector})
    assert result.total.totals.openings == 2
    assert result.total.totals.outcomes.resolutions == 1
    assert result.kinds[0].values["exception_rate"] == Share(2, 40)
    assert {"since": "2026-11-20 12:00:00", "until": "2026-11-22 12:00:00"} in connector.parameters
    assert result.ledger.entries == busy_world.store.ledger.head()[0]
    assert (result.ledger.checkpoint, result.scope, result.notes) == ("number 1", "", ())


def test_a_report_is_narrowed_to_a_kind_or_a_team(busy_world):
    assert build(busy_world, kind="lead_cold").total.totals.openings == 0
    by_kind = build(busy_world, kind="low_stock")
    assert (by_kind.total.totals.openings, by_kind.scope) == (2, "Running low")
    by_team = build(busy_world, team="floor-managers")
    assert (by_team.total.totals.openings, by_team.scope) == (2, "@floor-managers")
    # The denominator is of all teams.
    assert by_team.kinds[0].values["exception_rate"].ratio is None
    assert "all teams together" in by_team.notes[0]
    assert build(busy_world, team="finance").total.totals.openings == 0


def test_what_cannot_be_counted_is_named_and_the_rest_is_reported(busy_world):
    result = build(busy_world, systems={})
    assert result.total.totals.openings == 2
    assert result.notes == (
        "Running low: bookings could not be counted: the system cannot be reached from here.",
    )
    failing = FakeConnector()
    failing.failing_lookups = {QUERY}
    (note,) = build(busy_world, systems={"house": failing}).notes
    assert note.endswith("the system is away.")


def test_progress_is_told_case_by_case(busy_world):
    steps = []
    reports = OperationReports(
        source=SqlCaseHistorySource(busy_world.store.database),
        library=busy_world.library,
        systems={},
    )
    reports.build(ReportRequest(period=PERIOD), on_progress=lambda *step: steps.append(step))
    assert steps == [(1, 2), (2, 2)]


@pytest.mark.parametrize(
    ("rows", "complaint"),
    [
        ([], "returns 0 values"),
        ([{"a": 1, "b": 2}], "returns 2 values"),
        ([{"a": 1}, {"a": 2}], "returns 2 values"),
        ([{"a": "many"}], "returns 'many'"),
        ([{"a": None}], "returns None"),
        ([{"a": True}], "returns True"),
        ([{"a": -1}], "returns -1"),
    ],
)
def test_a_denominator_is_one_number(rows, complaint):
    with pytest.raises(ConnectorFailed, match=complaint):
        count_denominator(COUNTED, PERIOD, CountingConnector(*rows))
    assert count_denominator(COUNTED, PERIOD, CountingConnector({"n": 7.0})) == 7
