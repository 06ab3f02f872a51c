"""Orders, totals, groups, decisions and names of cases, through a person's eyes."""

from datetime import timedelta
from decimal import Decimal

import pytest

from bot.cases.entries import RejectReason
from bot.cases.signal import UNRECOGNISED
from bot.ports.case_queries import CaseFilter, CaseNames, DecisionCounts, Total, Viewer
from bot.views.query import Grouping, Order
from tests.fakes.clock import NOON
from tests.fakes.directory import principal
from tests.world import HOUR, World, request

ANA, OMAR = map(principal, ("ana", "omar"))
ANYTHING = CaseFilter(is_any=True)
NOBODY = Viewer("T1/UNOBODY", frozenset())
STOCK = Viewer(ANA, frozenset({"C0STOCK"}))


@pytest.fixture
def town(world) -> World:
    """Four cases, an hour after each other; the second is rejected, the third done."""
    row = world.house.rows[0]
    for number, amount in enumerate((10.1, 20.2, None, 0.1), start=1):
        world.clock.at = NOON + number * HOUR
        world.house.rows = [{**row, "at_risk": amount}]
        kind = UNRECOGNISED if number == 4 else "low_stock"
        world.receive(world.signal(f"product:{number}", kind=kind))
        world.work()
    world.desk.decisions.reject(
        request("EX-2", ANA, world.seen("EX-2")), reason=RejectReason.OTHER, note="no"
    )
    world.desk.decisions.approve(request("EX-3", ANA, world.seen("EX-3")))
    world.work()
    return world


def order(world: World, order: Order, **fields) -> list[int]:
    cases = world.store.queries.find(CaseFilter(is_any=True, **fields), 50, order=order)
    return [int(case.id.rpartition("-")[2]) for case in cases]


def test_orders(town):
    assert order(town, Order.OLDEST) == [1, 2, 3, 4]
    assert order(town, Order.NEWEST) == [4, 3, 2, 1]
    # A case without a stake is neither large nor small.
    assert order(town, Order.LARGEST)[:2] == [2, 1]
    assert set(order(town, Order.LARGEST)[-1:]) <= {3, 4}
    assert order(town, Order.SMALLEST)[-1] == order(town, Order.LARGEST)[-1]
    # What waits comes before what does not.
    assert set(order(town, Order.SOONEST_DUE)[:2]) == {1, 4}


def test_an_order_has_its_pages(town):
    find = town.store.queries.find
    pages = [find(ANYTHING, 2, offset=offset, order=Order.NEWEST) for offset in (0, 2, 4)]
    assert [[case.id for case in page] for page in pages] == [
        ["EX-4", "EX-3"],
        ["EX-2", "EX-1"],
        [],
    ]


def test_stakes_are_added_up_exactly(town):
    total = town.store.queries.total(CaseFilter(is_any=True, kinds=("low_stock",)))
    assert total == Total(3, {"GBP": Decimal("30.30")})
    assert town.store.queries.total(CaseFilter(text="zanzibar")) == Total(0, {})
    assert town.store.queries.total(CaseFilter(is_any=True, viewer=NOBODY)) == Total(0, {})


def test_groups_come_the_largest_first(town):
    group = town.store.queries.group
    kinds = [(key, total.cases) for key, total in group(ANYTHING, Grouping.KIND)]
    assert kinds == [("low_stock", 3), (UNRECOGNISED, 1)]
    states = dict(group(ANYTHING, Grouping.STATE))
    assert states["REJECTED"] == Total(1, {"GBP": Decimal("20.20")})
    assert states["RESOLVED"].cases == 1
    assert dict(group(ANYTHING, Grouping.OWNER)) == dict(group(ANYTHING, Grouping.TEAM))
    deciders = group(ANYTHING, Grouping.DECIDER)
    assert deciders == [(ANA, Total(2, {"GBP": Decimal("20.20")}))]
    for grouping in Grouping:
        assert group(CaseFilter(is_any=True, viewer=NOBODY), grouping) == []
        visible = sum(
            total.cases for _, total in group(CaseFilter(is_any=True, viewer=STOCK), grouping)
        )
        assert visible == (2 if grouping is Grouping.DECIDER else 3)


def test_days_and_months_are_those_of_the_zone_in_their_order(small_world):
    midnight = NOON.replace(hour=23, minute=30, day=30)
    for number, at in enumerate((midnight, midnight - timedelta(days=2), midnight), start=1):
        small_world.clock.at = at
        small_world.receive(small_world.signal(f"product:{number}"))
    group = small_world.store.queries.group
    assert [(key, total.cases) for key, total in group(ANYTHING, Grouping.DAY)] == [
        ("2026-11-28", 1),
        ("2026-11-30", 2),
    ]
    in_berlin = group(ANYTHING, Grouping.DAY, "Europe/Berlin")
    assert [key for key, _ in in_berlin] == ["2026-11-29", "2026-12-01"]
    months = group(ANYTHING, Grouping.MONTH, "Asia/Kathmandu")
    assert [(key, total.cases) for key, total in months] == [("2026-11", 1), ("2026-12", 2)]


def test_days_are_those_of_what_the_filter_asks_for(town):
    span = (NOON, NOON + timedelta(days=9))
    days = town.store.queries.group(CaseFilter(is_any=True, decided_between=span), Grouping.DAY)
    assert [(key, total.cases) for key, total in days] == [("2026-11-21", 2)]
    ended = town.store.queries.group(CaseFilter(is_any=True, ended_between=span), Grouping.MONTH)
    assert [(key, total.cases) for key, total in ended] == [("2026-11", 2)]


def test_a_case_counts_once_by_its_last_decision(town):
    counts = town.store.queries.decision_counts
    assert counts(ANYTHING) == DecisionCounts(
        approved_count=1,
        unchanged_count=1,
        success_count=1,
        failure_count=0,
        rejected_count=1,
        edited_count=0,
        by_hand_count=0,
    )
    nothing = DecisionCounts(
        approved_count=0,
        unchanged_count=0,
        success_count=0,
        failure_count=0,
        rejected_count=0,
        edited_count=0,
        by_hand_count=0,
    )
    assert counts(CaseFilter(is_any=True, viewer=NOBODY)) == nothing


def test_names_of_cases_come_with_their_channels(town):
    names = town.store.queries.names_since(2, 10)
    assert [(one.number, one.channel) for one in names] == [(3, "C0STOCK"), (4, "C0OPS")]
    assert "Merlot" in names[0].names
    assert [one.number for one in town.store.queries.names_since(0, 2)] == [1, 2]
    assert town.store.queries.names_since(4, 10) == []


def test_names_of_a_party_are_of_their_cases_the_newest_first(town):
    names = town.store.queries.names_of_party(ANA, 10)
    assert [one.number for one in names] == [3, 2]
    assert all(isinstance(one, CaseNames) for one in names)
    assert [one.number for one in town.store.queries.names_of_party(ANA, 1)] == [3]
    assert town.store.queries.names_of_party(OMAR, 10) == []
