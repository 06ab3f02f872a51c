"""Queries over cases: each filter alone and together, through a person's eyes, and by index."""

from datetime import UTC, datetime, timedelta

import pytest

from bot.cases.entries import RejectReason
from bot.cases.lifecycle import State
from bot.cases.signal import UNRECOGNISED
from bot.ports.case_queries import CaseFilter, Viewer
from bot.ports.live_lists import LiveList
from bot.ports.outbox import Topic
from bot.store.case_filters import matches
from bot.store.tables import cases as cases_table
from tests.fakes.clock import NOON
from tests.fakes.directory import principal
from tests.store.rows import query_plan
from tests.store.states import STORED, bring_to
from tests.world import HOUR, request

ANA, FINN, OMAR = map(principal, ("ana", "finn", "omar"))
STOCK = Viewer(ANA, frozenset({"C0STOCK"}))
NOBODY = Viewer("T1/UNOBODY", frozenset())


def ids(cases):
    return [case.id for case in cases]


def find(world, limit=50, **fields):
    return ids(world.store.queries.find(CaseFilter(**fields), limit))


def receive(world, number, *, at=None, **changes):
    """Open a case about product ``number``, at a time."""
    if at is not None:
        world.clock.at = at
    return world.receive(world.signal(f"product:{number}", **changes)).case_id


# --- states -------------------------------------------------------------------------------------


@pytest.fixture
def town(small_world):
    """One case in each state."""
    # First the one for whose end the clock is put forward: the others must not end with it.
    states = sorted(STORED, key=lambda state: state is not State.EXPIRED)
    for number, state in enumerate(states, start=1):
        bring_to(small_world, state, f"product:{number}")
        # What waits here must not be done for the next one.
        small_world.store.outbox.discard([Topic.EXECUTE, Topic.TRIAGE])
    return small_world


def by_state(world):
    return {case.state: case.id for case in world.store.queries.newest(limit=50)}


def test_without_a_word_about_states_open_cases_are_meant(town):
    expected = {case_id for state, case_id in by_state(town).items() if not is_over(state)}
    assert set(find(town)) == expected
    assert town.store.queries.count(CaseFilter()) == len(expected)


def is_over(state):
    return state in {
        State.RESOLVED,
        State.REJECTED,
        State.EXPIRED,
        State.CLEARED,
        State.WITHDRAWN,
    }


@pytest.mark.parametrize("state", STORED, ids=lambda state: state.name)
def test_a_state_that_is_named_is_found_open_or_over(town, state):
    expected = [case_id for other, case_id in by_state(town).items() if other is state]
    assert find(town, states=(state,)) == expected
    assert ids(town.store.queries.newest(states=[state])) == expected


def test_every_case_is_found_when_any_is_meant(town):
    assert set(find(town, is_any=True)) == set(town.store.queries.case_ids())


def test_what_is_over_comes_the_latest_first(small_world):
    for number in (1, 2, 3):
        receive(small_world, number)
    small_world.work()
    for number in (2, 3, 1):
        small_world.clock.forward(minutes=1)
        case = small_world.store.cases.case(f"EX-{number}")
        small_world.desk.decisions.reject(
            request(case.id, ANA, small_world.seen(case)), reason=RejectReason.OTHER, note="no"
        )
    assert find(small_world, is_over=True, states=(State.REJECTED,)) == ["EX-1", "EX-3", "EX-2"]


def test_cases_are_counted_by_state(town):
    counts = town.store.queries.counts()
    assert counts == {state.code: 1 for state in by_state(town)}


# --- urgency and limits -------------------------------------------------------------------------


def test_the_most_urgent_comes_first_and_no_more_than_asked_for(small_world):
    for number, hours in ((1, 2), (2, 0), (3, 1)):
        receive(small_world, number, at=NOON + hours * HOUR)
    assert find(small_world) == ["EX-2", "EX-3", "EX-1"]
    assert find(small_world, limit=2) == ["EX-2", "EX-3"]
    assert small_world.store.queries.open_ids() == ["EX-2", "EX-3", "EX-1"]


# --- places, owners, words ----------------------------------------------------------------------


def test_a_kind_and_a_channel(small_world):
    receive(small_world, 1)
    receive(small_world, 2, kind=UNRECOGNISED)
    assert find(small_world, kind="low_stock") == ["EX-1"]
    assert find(small_world, channel="C0OPS") == ["EX-2"]
    assert find(small_world, is_unrecognised=True) == ["EX-2"]
    # A kind without a playbook counts as unrecognised.
    known_kinds = ("another_kind",)
    unknown = find(small_world, is_unrecognised=True, known_kinds=known_kinds)
    assert sorted(unknown) == sorted(find(small_world))
    assert find(small_world, kind="low_stock", channel="C0OPS") == []
    assert small_world.store.queries.kinds() == {"low_stock", UNRECOGNISED}
    assert ids(small_world.store.queries.of_kinds([UNRECOGNISED])) == ["EX-2"]


def test_an_owner_and_whom_it_waits_on(small_world):
    for number in (1, 2):
        receive(small_world, number)
    small_world.work()
    small_world.desk.decisions.hand_over(
        request("EX-2", ANA, small_world.seen("EX-2")), to=FINN, progress="none", remains="all"
    )
    assert find(small_world, owner=FINN) == ["EX-2"]
    assert find(small_world, waits_on=(FINN,)) == ["EX-2"]
    assert find(small_world, waits_on=("floor-managers", FINN)) == ["EX-1", "EX-2"]
    # A name is not found within a longer one.
    assert find(small_world, waits_on=("floor", "managers", "loor-manager")) == []


def test_the_cases_of_a_list(small_world):
    for number in (1, 2, 3):
        receive(small_world, number)
    small_world.store.live_lists.save(
        LiveList(
            key="storm:1",
            place="C0STOCK",
            ts="1.0",
            sections={"": ["EX-3", "EX-1"]},
            shown_at=NOON,
        )
    )
    assert find(small_world, live_list="storm:1") == ["EX-1", "EX-3"]
    assert find(small_world, live_list="storm:2") == []


def test_all_words_of_a_filter_occur_and_any_of_a_search(world):
    receive(world, 1, title="Merlot is running low")
    receive(world, 2, title="Chablis is running low")
    assert find(world, words=("RUNNING", "merlot")) == ["EX-1"]
    assert find(world, words=("running", "beer")) == []
    assert ids(world.store.queries.closest(["running", "merlot"], None, 5)) == ["EX-1", "EX-2"]
    assert world.store.queries.closest([], None, 5) == []
    assert ids(world.store.queries.closest(["low"], None, 1)) == ["EX-2"]


@pytest.mark.parametrize("word", ["%", "_", "\\", "'", "\x00", "-", "%%__"])
def test_a_word_without_a_letter_narrows_nothing_and_finds_nothing(world, word):
    receive(world, 1, title=f"Off by {word} today")
    assert find(world, words=(word,)) == ["EX-1"]
    assert world.store.queries.closest([word], None, 5) == []


# --- times --------------------------------------------------------------------------------------


def test_spans_include_their_begin_and_not_their_end(small_world):
    for number, hours in ((1, 0), (2, 1), (3, 2)):
        receive(small_world, number, at=NOON + hours * HOUR)
    assert find(small_world, opened_between=(NOON, NOON + HOUR)) == ["EX-1"]
    assert find(small_world, opened_between=(NOON, NOON + 2 * HOUR)) == ["EX-1", "EX-2"]
    for number in (1, 2):
        small_world.clear(small_world.store.cases.case(f"EX-{number}").signal)
        small_world.clock.forward(hours=1)
    span = (NOON + 2 * HOUR, NOON + 3 * HOUR)
    assert find(small_world, ended_between=span, is_any=True) == ["EX-1"]


def test_late_cases_wait_for_a_decision_whose_time_has_passed(small_world):
    receive(small_world, 1)
    small_world.work()
    assert find(small_world, late_at=NOON + 4 * HOUR) == []
    assert find(small_world, late_at=NOON + 4 * HOUR + timedelta(seconds=1)) == ["EX-1"]
    small_world.approve(small_world.store.cases.case("EX-1"))
    assert find(small_world, late_at=NOON + 9 * HOUR) == []


def test_due_cases_come_in_the_order_of_their_times(small_world):
    for number, hours in ((1, 1), (2, 0)):
        receive(small_world, number, at=NOON + hours * HOUR)
    small_world.clock.at = NOON + HOUR
    small_world.work()
    due = small_world.store.queries.due
    assert due(NOON, 9) == []
    assert ids(due(NOON + 9 * HOUR, 9)) == ["EX-2", "EX-1"]
    assert ids(due(NOON + 9 * HOUR, 1)) == ["EX-2"]


def test_times_are_those_of_cases_opened_or_ended_in_the_span(small_world):
    receive(small_world, 1, at=NOON)
    receive(small_world, 2, at=NOON + 5 * HOUR)
    small_world.clear(small_world.store.cases.case("EX-1").signal)
    times = small_world.store.queries.case_times
    noon, later = NOON.timestamp(), (NOON + 5 * HOUR).timestamp()
    first, second = (noon, None, later), (later, None, None)
    assert times(CaseFilter(), NOON, NOON + HOUR) == [first]
    assert sorted(times(CaseFilter(), NOON + HOUR, NOON + 6 * HOUR)) == sorted([first, second])
    assert times(CaseFilter(), NOON + HOUR, NOON + 2 * HOUR) == []
    assert times(CaseFilter(viewer=NOBODY), NOON, NOON + HOUR) == []


def test_durations_are_medians_of_those_that_came_so_far(small_world):
    assert small_world.store.queries.durations(CaseFilter()).to_decision is None
    for number, hours in ((1, 1), (2, 2), (3, 5)):
        receive(small_world, number, at=NOON)
        small_world.work()
        small_world.clock.at = NOON + hours * HOUR
        small_world.desk.decisions.reject(
            request(f"EX-{number}", ANA, small_world.seen(f"EX-{number}")),
            reason=RejectReason.OTHER,
            note="no",
        )
    receive(small_world, 4, at=NOON)
    durations = small_world.store.queries.durations(CaseFilter(is_any=True))
    assert (durations.cases, durations.to_decision, durations.to_end) == (4, 7200.0, 7200.0)


# --- viewers ------------------------------------------------------------------------------------


def test_a_viewer_sees_the_cases_of_their_channels_and_their_own(world):
    receive(world, 1)
    receive(world, 2, kind=UNRECOGNISED)
    receive(world, 3, kind=UNRECOGNISED, requester=ANA)
    assert find(world, viewer=STOCK) == ["EX-1", "EX-3"]
    assert find(world, viewer=NOBODY) == []
    assert find(world, viewer=None) == ["EX-1", "EX-2", "EX-3"]
    assert ids(world.store.queries.closest(["low"], STOCK, 9)) == ["EX-3", "EX-1"]
    assert world.store.queries.is_party(ANA, "EX-3")
    assert not world.store.queries.is_party(ANA, "EX-1")


# --- for the desk -------------------------------------------------------------------------------


def test_cases_by_id_as_far_as_they_exist(small_world):
    case = small_world.proposed()
    assert small_world.store.queries.by_id([case.id, "EX-9"]) == {case.id: case}
    assert small_world.store.queries.by_id([]) == {}


def test_open_cases_of_a_source_and_a_kind(small_world):
    receive(small_world, 1)
    receive(small_world, 2, source="till")
    receive(small_world, 3)
    small_world.clear(small_world.store.cases.case("EX-3").signal)
    assert ids(small_world.store.queries.open_from("api", "low_stock")) == ["EX-1"]
    assert small_world.store.queries.open_from("till", "odd") == []


def test_a_pause_concerns_cases_with_a_plan_that_is_still_to_run(town):
    paused_ids = {
        by_state(town)[state] for state in (State.PROPOSED, State.APPROVED, State.RUNNING)
    }
    for scope in ("", "action:house.order_stock", "system:house", "kind:low_stock"):
        assert set(town.store.queries.affected_by_pause(scope)) == paused_ids
    assert town.store.queries.affected_by_pause("kind:odd") == []


def test_clearings_are_counted_over_all_cases_of_the_fingerprints(world):
    signal = world.signal("product:1")
    for number in range(3):
        world.receive(world.signal("product:1"))
        world.clear(world.signal("product:1", key=f"clear {number}"))
        world.clock.forward(days=3)
    world.clear(world.signal("product:9"))
    assert world.store.queries.count_clearings([signal.fingerprint]) == 3
    assert world.store.queries.count_clearings(["unknown"]) == 0
    assert world.store.queries.count_clearings([]) == 0


def test_when_another_source_last_said_the_same(world):
    signal = world.signal("product:1", source="api", domain="stock")
    last = world.store.queries.last_signal_at
    assert last(signal.fingerprint, except_from="till") is None
    world.receive(signal)
    assert last(signal.fingerprint, except_from="till") == NOON
    assert last(signal.fingerprint, except_from="api") is None


def test_the_newest_come_first(small_world):
    for number in range(1, 4):
        receive(small_world, number)
    assert ids(small_world.store.queries.newest(limit=2)) == ["EX-3", "EX-2"]
    assert small_world.store.queries.case_ids() == ["EX-1", "EX-2", "EX-3"]


# --- plans --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "index"),
    [
        ({}, "cases_by_end"),
        ({"states": (State.PROPOSED,)}, "cases_by_"),
        ({"is_any": True, "opened_between": (NOON, NOON + HOUR)}, "cases_by_opening"),
        ({"is_over": True, "ended_between": (NOON, NOON + HOUR)}, "cases_by_end"),
    ],
    ids=["open", "state", "opened", "ended"],
)
def test_a_filter_is_answered_from_an_index(store, fields, index):
    query = cases_table.select().where(matches(CaseFilter(**fields)))
    assert index in query_plan(store.database, query, {})


def test_times_of_the_database_are_utc(world):
    receive(world, 1)
    case = world.store.cases.case("EX-1")
    assert case.timers.opened_at == datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
    assert case.timers.opened_at.utcoffset() == timedelta(0)
