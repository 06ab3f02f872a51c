"""Whole histories of cases, read a page at a time."""

from datetime import timedelta

from bot.cases.lifecycle import State
from bot.cases.precedent import precedent_versions
from bot.cases.usage import DAY, Usage
from bot.store import past_cases
from bot.store.past_cases import CaseSelection, PastCases
from tests.cases.making import plan
from tests.store.states import bring_to


def open_cases(world, count):
    """Open cases of products from 1 on, an hour apart."""
    ids = []
    for number in range(1, count + 1):
        ids.append(world.receive(world.signal(f"product:{number}")).case_id)
        world.work()
        world.clock.forward(hours=1)
    return ids


def test_every_case_is_read_with_its_entries_in_order(world, monkeypatch):
    monkeypatch.setattr(past_cases, "PAGE_SIZE", 2)
    ids = open_cases(world, 5)
    histories = PastCases(world.store.database)
    read = dict(histories.read(histories.ids(CaseSelection())))
    assert list(read) == ids
    assert read == {case_id: world.store.cases.entries(case_id) for case_id in ids}


def test_a_selection_is_by_time_by_id_by_kind_and_by_number(world):
    start = world.clock()
    ids = open_cases(world, 4)
    other = world.receive(world.signal("lead:1", kind="lead_cold")).case_id
    histories = PastCases(world.store.database)
    since = start + timedelta(hours=2)
    assert histories.ids(CaseSelection(since=since)) == [*ids[2:], other]
    assert histories.ids(CaseSelection(ids=(ids[1],))) == [ids[1]]
    assert histories.ids(CaseSelection(kinds=("lead_cold",))) == [other]
    assert histories.ids(CaseSelection(kinds=("low_stock",), limit=2)) == ids[2:]
    assert histories.ids(CaseSelection(ids=("EX-99",))) == []


def test_usage_before_a_moment_leaves_out_what_came_after_it(world):
    histories = PastCases(world.store.database)
    begin = world.clock()
    bring_to(world, State.RESOLVED, "product:1")
    world.clock.forward(minutes=10)
    between = world.clock()
    world.clock.forward(minutes=10)
    bring_to(world, State.RESOLVED, "product:2")
    world.clock.forward(minutes=10)
    later = plan(case_id="EX-9")

    def times_before(at):
        return sum(row.times for row in histories.usage_before(at, (DAY,), plan=later).rows)

    next_day = world.clock() + timedelta(days=1)
    assert [times_before(at) for at in (begin, between, world.clock(), next_day)] == [0, 1, 2, 0]
    assert histories.usage_before(between, (DAY,), plan=None) == Usage()


def test_precedents_are_read_with_the_time_since_when_memory_held_them(world):
    case_id = world.receive(world.signal("product:1")).case_id
    world.work()
    world.approve(world.store.cases.case(case_id))
    world.work()
    (version,) = PastCases(world.store.database).precedent_versions()
    assert (version.precedent.case_id, version.until) == (case_id, None)
    assert version.since == version.precedent.ended_at
    assert [version] == precedent_versions(world.store.cases.entries(case_id))
