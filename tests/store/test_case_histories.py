"""Histories of cases: found by when they were open, and read whole, in one moment."""

from datetime import timedelta

from bot.cases.entries import Opened, RejectReason
from bot.store import case_histories
from bot.store.case_histories import SqlCaseHistorySource
from tests.fakes.clock import NOON
from tests.fakes.directory import principal
from tests.world import request

DAY = timedelta(days=1)
ANA = principal("ana")


def play(world) -> None:
    """Three cases, a day after each other: rejected after an hour, two left open."""
    for number, kind in enumerate(("low_stock", "low_stock", "lead_cold")):
        world.clock.at = NOON + number * DAY
        case_id = world.receive(world.signal(f"product:{number}", kind=kind)).case_id
        world.work()
        if number == 0:
            world.clock.forward(hours=1)
            by = request(case_id, ANA, world.seen(case_id))
            world.desk.decisions.reject(by, reason=RejectReason.OTHER, note="no")


def test_a_case_is_found_when_it_was_open_within_a_span(world):
    play(world)
    source = SqlCaseHistorySource(world.store.database)
    with source.snapshot() as histories:
        assert histories.find([(NOON, NOON + 3 * DAY)]) == [1, 2, 3]
        # It had ended before.
        assert histories.find([(NOON + 2 * timedelta(hours=1), NOON + 3 * DAY)]) == [2, 3]
        # It had not begun.
        assert histories.find([(NOON - DAY, NOON + timedelta(minutes=1))]) == [1]
        two_spans = [(NOON - DAY, NOON + DAY), (NOON + 2 * DAY, NOON + 3 * DAY)]
        assert histories.find(two_spans) == [1, 2, 3]
        assert histories.find(two_spans, kind="lead_cold") == [3]
        assert histories.find(two_spans, team="floor-managers") == [1, 2, 3]
        assert histories.find(two_spans, team="finance") == []


def test_each_case_comes_whole_and_in_the_order_of_its_number(world, monkeypatch):
    play(world)
    monkeypatch.setattr(case_histories, "CASES_PER_PAGE", 2)
    with SqlCaseHistorySource(world.store.database).snapshot() as histories:
        lives = list(histories.entries([1, 2, 3]))
        size = histories.ledger_size()
    assert [life[0].case_id for life in lives] == ["EX-1", "EX-2", "EX-3"]
    assert all(isinstance(life[0].body, Opened) for life in lives)
    for life in lives:
        assert life == world.store.cases.entries(life[0].case_id)
    assert size == sum(map(len, lives)) == world.store.ledger.head()[0]


def test_the_first_case_of_each_kind_that_ended_is_known(world):
    play(world)
    with SqlCaseHistorySource(world.store.database).snapshot() as histories:
        firsts = histories.first_openings(["low_stock", "lead_cold", "no_such_kind"])
    assert set(firsts) == {"low_stock"}
    assert firsts["low_stock"] == world.store.cases.case("EX-1").timers.opened_at


def test_what_is_written_meanwhile_is_not_seen(world):
    play(world)
    with SqlCaseHistorySource(world.store.database).snapshot() as histories:
        size = histories.ledger_size()
        world.receive(world.signal("product:9"))
        assert histories.ledger_size() == size
        assert histories.find([(NOON, NOON + 9 * DAY)]) == [1, 2, 3]
