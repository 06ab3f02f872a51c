"""Tallies of ended cases: what they add up to is what the cases are, for whoever asks."""

import itertools
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from unittest.mock import patch
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa

from bot.audit.replay import replay
from bot.cases.case import LastDecision
from bot.cases.entries import RejectReason
from bot.cases.hours import ALWAYS
from bot.cases.lifecycle import State
from bot.cases.policy import ActionLimit, PlaybookTerms, RiskTier, Stage
from bot.cases.signal import UNRECOGNISED
from bot.measures.case_measures import Work, fold_case
from bot.measures.outcomes import count_outcomes
from bot.measures.totals import ReportPeriod, Totals
from bot.ports.case_queries import CaseFilter, Viewer
from bot.store import tables
from bot.store.case_filters import matches
from bot.store.case_histories import SqlCaseHistorySource
from bot.store.case_tallies import rebuild_tallies, wrong_tallies
from bot.store.driver import NO_VALUES, DriverConnection
from bot.store.migrate import migrate
from bot.store.tally_filters import figure_parts
from bot.views.query import Grouping
from tests.bench.history import shapes_of, write_history
from tests.fakes.clock import NOON
from tests.fakes.directory import principal
from tests.store.earlier import take_back_0009
from tests.store.rows import rows_of
from tests.world import HOUR, World, playbook, policy, request

pytestmark = pytest.mark.proof

ANA, OMAR, FINN = map(principal, ("ana", "omar", "finn"))
DAY = timedelta(days=1)
DAYS = 12
#: Neither at noon nor at midnight.
LATE = timedelta(hours=7, minutes=3)
VIEWERS = (
    None,
    Viewer("T1/UNOBODY", frozenset()),
    Viewer(ANA, frozenset()),
    Viewer(ANA, frozenset({"C0OPS"})),
    Viewer(OMAR, frozenset({"C0STOCK"})),
    Viewer(FINN, frozenset({"C0STOCK", "C0OPS"})),
)
SPANS = (
    {},
    {"opened_between": (NOON - DAY, NOON + 20 * DAY)},
    {"opened_between": (NOON + 2 * DAY + LATE, NOON + 9 * DAY + LATE)},
    {"ended_between": (NOON + 3 * DAY, NOON + 8 * DAY - LATE)},
    {"decided_between": (NOON + DAY + LATE, NOON + 11 * DAY)},
)
NARROWINGS = (
    {"is_any": True},
    {"is_over": True},
    {"is_any": True, "kinds": ("low_stock",)},
    {"is_any": True, "is_unrecognised": True, "known_kinds": ("low_stock",)},
    {"is_any": True, "decision": LastDecision.APPROVED.value},
    {"is_any": True, "decision": LastDecision.REJECTED.value, "decided_by": (ANA,)},
    {"states": (State.REJECTED, State.PROPOSED)},
    {"states": (State.RESOLVED,), "is_over": True, "risk": RiskTier.MEDIUM},
    {"is_any": True, "channel": "C0OPS"},
    {"is_any": True, "source": "api", "is_automatic": True},
    {"is_any": True, "except_source": "api"},
    {"is_over": True, "except_source": "desk"},
)


def play(world: World) -> None:
    """A case a day: approved, rejected, cleared or left, in two channels."""
    for number in range(DAYS):
        world.clock.at = max(world.clock(), NOON + number * DAY)
        kind = UNRECOGNISED if number % 5 == 4 else "low_stock"
        world.house.rows = [{**world.house.rows[0], "at_risk": 10.1 * number}]
        signal = world.signal(f"product:{number}", kind=kind)
        case_id = world.receive(signal).case_id
        world.work()
        world.clock.at += HOUR * (number % 7)
        case = world.store.cases.case(case_id)
        if number % 4 == 3:
            world.clear(signal)
        elif case.state is State.PROPOSED and number % 3 == 0:
            by = request(case_id, ANA, world.seen(case))
            world.desk.decisions.reject(by, reason=RejectReason.OTHER, note="no")
        elif case.state is State.PROPOSED and number % 3 == 1:
            world.approve(case)
        world.work()


@pytest.fixture
def town(world) -> World:
    play(world)
    return world


def counted(world: World, filter: CaseFilter, *columns: str) -> list[tuple]:
    """The same by plain SQL over the cases, without a tally."""
    shared = [tables.cases.c[name] for name in columns]
    query = sa.select(*shared, sa.func.count(), sa.func.sum(tables.cases.c.stake_cents))
    rows = world.store.database.fetch(query.where(matches(filter)).group_by(*shared))
    return sorted(tuple(int(v) if isinstance(v, int) else v for v in row) for row in rows)


def combinations():
    """Yield half of all combinations, in which every two values still meet."""
    places = itertools.product(range(len(VIEWERS)), range(len(SPANS)), range(len(NARROWINGS)))
    for viewer, span, narrowing in places:
        if (viewer + span + narrowing) % 2 == 0:
            yield VIEWERS[viewer], SPANS[span], NARROWINGS[narrowing]


def test_figures_from_tallies_are_those_of_the_cases(town):
    queries = town.store.queries
    for viewer, span, fields in combinations():
        filter = CaseFilter(viewer=viewer, **span, **fields)
        expected = counted(town, filter, "currency")
        total = queries.total(filter)
        assert total.cases == queries.count(filter) == sum(row[1] for row in expected), filter
        stakes = {row[0]: int(row[2]) for row in expected if row[0]}
        assert {name: int(amount * 100) for name, amount in total.stakes.items()} == stakes
        for grouping, column in ((Grouping.KIND, "kind"), (Grouping.STATE, "state")):
            groups = {key: one.cases for key, one in queries.group(filter, grouping)}
            assert groups == {row[0]: row[1] for row in counted(town, filter, column)}
        rejected = replace(filter, decision=LastDecision.REJECTED.value)
        if not filter.decision:
            counts = queries.decision_counts(filter)
            assert counts.rejected_count == queries.count(rejected)
    parts = figure_parts(CaseFilter(viewer=VIEWERS[-1], is_any=True, **SPANS[2]))
    assert parts.tallies is not None


def test_outcomes_are_the_same_from_tallies_from_cases_and_from_the_ledger(town):
    """One definition: digests count the cases, Home the tallies, the report the ledger."""
    queries = town.store.queries
    with SqlCaseHistorySource(town.store.database).snapshot() as histories:
        numbers = histories.find([(NOON - DAY, NOON + 40 * DAY)])
        folds = [fold_case(entries) for entries in histories.entries(numbers)]
    assert len(folds) == DAYS
    for span in ((NOON - DAY, NOON + 40 * DAY), (NOON + 2 * DAY + LATE, NOON + 9 * DAY)):
        filter = CaseFilter(ended_between=span, is_over=True)
        totals = Totals()
        for fold in folds:
            totals.add(fold, ReportPeriod(*span), ALWAYS)
        counted_cases = count_outcomes(queries.ended_cases(filter))
        assert counted_cases == totals.outcomes
        assert totals.outcomes.endings == queries.count(filter)
        without_rework = replace(counted_cases, reopenings=0, undoings=0)
        assert count_outcomes(queries.tallied_outcomes(filter)) == without_rework
        durations = queries.durations(filter)
        assert durations.to_decision == totals.waits.to_decision.times().clock_p50
    assert {totals.outcomes.resolutions, totals.outcomes.rejections, totals.outcomes.clearings} > {
        0
    }


def test_a_plan_that_ran_alone_and_failed_is_counted_as_handled_by_hand(world):
    world.library.rules = policy(actions={"house.order_stock": ActionLimit(alone=True)})
    world.library.book = playbook(terms=PlaybookTerms(stage=Stage.AUTONOMOUS))
    world.house.faults = {"execute": ["refuse"]}
    case = world.proposed()
    world.work()
    case = world.case(case)
    assert (case.state, case.was_auto_approved) == (State.REFERRED, True)
    world.desk.decisions.resolve(request(case.id, ANA, world.seen(case)), note="I ordered it")
    filter = CaseFilter(is_over=True)
    for groups in (
        world.store.queries.ended_cases(filter),
        world.store.queries.tallied_outcomes(filter),
    ):
        outcomes = count_outcomes(groups)
        assert (outcomes.resolutions, outcomes.alone) == (1, 0)
    fold = fold_case(world.store.cases.entries(case.id))
    assert (fold.work, fold.ending.is_automatic) == (Work.BY_HAND, False)


def test_groups_by_day_are_those_of_the_zone(town):
    filter = CaseFilter(is_any=True)
    for zone in ("UTC", "Asia/Kolkata", "America/New_York", "Pacific/Auckland"):
        groups = town.store.queries.group(filter, Grouping.DAY, zone)
        assert sum(total.cases for _, total in groups) == DAYS
        opened = [case.timers.opened_at for case in town.store.queries.find(filter, 50)]
        zoned = sorted({at.astimezone(ZoneInfo(zone)).date().isoformat() for at in opened})
        assert [key for key, _ in groups] == zoned


def test_groups_by_month_are_the_sums_of_their_days(town, store):
    shapes = shapes_of(town.store)
    write_history(store, shapes, 60, until=NOON + 100 * DAY, days=100)
    group = store.queries.group
    for viewer, span, zone in itertools.product(
        VIEWERS[-2:], SPANS, ("UTC", "Asia/Kolkata", "America/New_York")
    ):
        filter = CaseFilter(viewer=viewer, is_any=True, **span)
        by_month = {}
        for day, total in group(filter, Grouping.DAY, zone):
            by_month[day[:7]] = by_month.get(day[:7], 0) + total.cases
        months = group(filter, Grouping.MONTH, zone)
        assert {key: total.cases for key, total in months} == by_month
        stakes = sum(total.stakes.get("GBP", 0) for _, total in months)
        assert stakes == store.queries.total(filter).stakes.get("GBP", 0)


def test_a_case_that_is_reopened_or_taken_back_leaves_its_tally(world):
    case = world.proposed()
    world.approve(case)
    world.work()
    assert [row.cases for row in rows_of(world.store, tables.case_tallies)] == [1, 1, 1]
    world.clock.forward(minutes=5)
    world.receive(world.signal())
    assert world.store.cases.case(case.id).state is State.OPEN
    assert {row.cases for row in rows_of(world.store, tables.case_tallies)} == {0}
    assert world.store.queries.count(CaseFilter(is_over=True)) == 0
    assert world.store.queries.kinds() == {"low_stock"}
    assert replay(world.store.database).differences == ()


def test_a_party_outside_of_their_channels_counts_their_own_alone(town):
    queries = town.store.queries
    own = [case for case in queries.newest() if queries.is_party(ANA, case.id)]
    assert 0 < len(own) < DAYS
    everything = CaseFilter(is_any=True, viewer=Viewer(ANA, frozenset()))
    assert queries.total(everything).cases == len(own)
    hidden = CaseFilter(is_any=True, viewer=Viewer("T1/UNOBODY", frozenset({"C0NONE"})))
    assert queries.group(hidden, Grouping.KIND) == []


def test_wrong_tallies_are_told_and_made_again(town):
    tallies = tables.case_tallies
    row = rows_of(town.store, tallies)[0]

    def damage(unit):
        more = sa.update(tallies).where(tallies.c.id == row.id).values(cases=tallies.c.cases + 1)
        unit.connection.execute(more)

    town.store.database.write(damage, appends=False)
    differences = replay(town.store.database).differences
    assert differences
    assert all(line.startswith("case_tallies: ") for line in differences)
    town.store.database.write(lambda unit: rebuild_tallies(unit.connection), appends=False)
    assert replay(town.store.database).differences == ()


def test_an_older_database_gets_its_tallies(town):
    database = town.store.database
    filter = CaseFilter(is_any=True, viewer=VIEWERS[4])
    before = town.store.queries.total(filter), rows_of(town.store, tables.case_tallies)
    with database.engine.begin() as connection:
        take_back_0009(connection)
    migrate(database)
    assert replay(database).differences == ()
    assert (town.store.queries.total(filter), rows_of(town.store, tables.case_tallies)) == before
    town.clock.forward(days=1)
    town.approve(town.proposed())
    town.work()
    with database.read() as connection:
        assert list(wrong_tallies(connection)) == []


# --- plans ----------------------------------------------------------------------------------------


@contextmanager
def statements_of(database):
    """Collect the queries that are run meanwhile, by Core and on the driver."""
    statements = []
    fetch = DriverConnection.fetch

    def fetch_and_remember(connection, statement, values=NO_VALUES):
        statements.append(statement.form_for(database.engine.dialect).bind(values))
        return fetch(connection, statement, values)

    def remember(connection, cursor, statement, parameters, context, is_many):
        if statement.startswith("SELECT"):
            statements.append((statement, parameters))

    sa.event.listen(sa.Engine, "before_cursor_execute", remember)
    try:
        with patch.object(DriverConnection, "fetch", fetch_and_remember):
            yield statements
    finally:
        sa.event.remove(sa.Engine, "before_cursor_execute", remember)


def scans(database, statements) -> list[str]:
    """The tables that a plan reads from their first row to their last."""
    lines = []
    with database.read() as connection:
        for statement, parameters in statements:
            explain = f"EXPLAIN QUERY PLAN {statement}"
            lines += [row[3] for row in connection.exec_driver_sql(explain, parameters)]
    growing = ("cases", "ledger", "named", "inbox", "boards", "questions", "case_tallies")
    return [line for line in lines if line.startswith(tuple(f"SCAN {one}" for one in growing))]


def looks(world: World):
    """What people look at, and what the desk asks for itself."""
    screens = world.desk.screens
    queries = world.store.queries
    due = NOON + 4 * DAY
    home = screens.app_home
    yield lambda: home.compose(ANA, home._current_filter(None))
    for place in ("C0STOCK", ANA, "desk/C0STOCK"):
        yield lambda place=place: screens.digests.compose(
            key=f"digest:{place}:1", place=place, due=due, live_list=None
        )
    yield lambda: world.desk.conversation.questions.report(by=ANA)
    for viewer, span in itertools.product(VIEWERS, SPANS):
        filter = CaseFilter(viewer=viewer, is_any=True, **span)
        yield lambda filter=filter: queries.total(filter)
        yield lambda filter=filter: queries.decision_counts(filter)
    yield lambda: queries.due(due, 10)
    yield lambda: queries.open_from("api", "low_stock")
    yield lambda: queries.affected_by_pause("kind:low_stock")
    yield lambda: queries.count_clearings(["0" * 64])
    yield lambda: queries.decision_times("low_stock", 100)
    yield lambda: queries.names_of_party(ANA, 200)
    yield lambda: queries.counts()
    yield lambda: queries.kinds()
    yield lambda: world.store.live_lists.find("home:", NOON)


def test_nothing_that_people_look_at_reads_a_whole_history(small_world):
    play(small_world)
    database = small_world.store.database
    for look in looks(small_world):
        with statements_of(database) as statements:
            look()
        assert statements
        assert scans(database, statements) == []


def test_as_many_cases_are_read_whatever_the_history(small_world, store, monkeypatch):
    """Bodies are read for what is shown, and for nothing that is counted."""
    play(small_world)
    shapes = shapes_of(small_world.store)
    small_world.store.queries.find(CaseFilter(), 1)
    decoded = []
    load = type(store.queries)._load
    world = World(store, outside=small_world)

    def remember(self, query):
        cases = load(self, query)
        decoded.append(len(cases))
        return cases

    monkeypatch.setattr(type(store.queries), "_load", remember)
    counts = []
    for _ in range(2):
        write_history(store, shapes, 40, until=small_world.clock(), days=6)
        decoded.clear()
        world.desk.screens.digests.compose(
            key="digest:C0STOCK:1", place="C0STOCK", due=small_world.clock(), live_list=None
        )
        counts.append(sum(decoded))
    assert counts[0] == counts[1]
