"""Which events a decision is, and who hears of them."""

from dataclasses import replace

import pytest

from bot.cases.entries import RejectReason
from bot.cases.probe import Probe
from bot.cases.program import Callback, EventType, Program
from bot.cases.program_events import events_after, is_told, may_read
from tests.fakes.directory import principal
from tests.world import request

CALLBACK = Callback(
    url="https://hooks.example/", secret_env=("HOOK_SECRET",), events=tuple(EventType)
)


def program(name="till", **more):
    return Program(
        name=name, title="The till", **{"callback": CALLBACK, "kinds": ("low_stock",), **more}
    )


@pytest.fixture
def told(small_world):
    """The events of every change that the world writes, in order."""
    events = []

    def note(change):
        events.extend(events_after(change.before, change.entries, change.after))
        return ()

    small_world.store.cases.further_effects.append(note)
    return small_world, events


def test_a_plan_that_is_approved_and_works_is_decided_executed_and_over(told):
    world, events = told
    case = world.proposed()
    assert events == [EventType.CASE_OPENED]
    world.approve(case)
    assert events[1:] == [EventType.CASE_DECIDED]
    world.work()
    assert events[2:] == [EventType.CASE_EXECUTED, EventType.CASE_RESOLVED]


def test_a_plan_that_is_rejected_is_decided_and_over_and_was_not_executed(told):
    world, events = told
    case = world.proposed()
    world.desk.decisions.reject(
        request(case.id, principal("ana"), world.seen(case)), RejectReason.WRONG_PLAN, "no"
    )
    assert events[1:] == [EventType.CASE_DECIDED, EventType.CASE_RESOLVED]


def test_a_case_that_clears_is_over_and_a_recurrence_opens_it_again(told):
    world, events = told
    signal = world.signal()
    world.receive(signal)
    world.work()
    world.clear(signal)
    assert events == [EventType.CASE_OPENED, EventType.CASE_RESOLVED]
    # Counting on an open case is no event.
    world.receive(world.signal("product:2"))
    world.receive(world.signal("product:2"))
    assert events[2:] == [EventType.CASE_OPENED]


def test_a_case_nobody_decides_ends_without_a_decision(told):
    world, events = told
    world.proposed()
    for _ in range(4):
        world.clock.forward(days=1)
        world.desk.upkeep.deadlines.process_due()
    assert EventType.CASE_DECIDED not in events
    assert events[-1] is EventType.CASE_RESOLVED


def test_a_case_that_turns_out_to_be_of_a_kind_is_opened_for_those_who_hear_of_it(told):
    world, events = told
    receipt = world.receive(world.signal(kind="unrecognised"))
    world.work()
    case = world.store.cases.case(receipt.case_id)
    assert events == [EventType.CASE_OPENED]
    assert not is_told(program(), EventType.CASE_OPENED, case)
    world.desk.decisions.name_kind(
        request(case.id, principal("ana"), world.seen(case)), "low_stock"
    )
    assert events[1] is EventType.CASE_OPENED
    assert is_told(program(), EventType.CASE_OPENED, world.case(case))


def test_a_program_reads_what_it_raised_and_cases_of_its_kinds(small_world):
    case = small_world.proposed()
    own = small_world.store.cases.case(
        small_world.receive(small_world.signal("product:9", source="program:till")).case_id
    )
    assert may_read(program(), case)
    assert not may_read(program(kinds=("other",)), case)
    assert not may_read(program(kinds=()), case)
    assert may_read(program(kinds=()), own)
    assert not may_read(program("other", kinds=()), own)


def test_a_program_hears_only_of_its_own_approvals_and_of_what_it_subscribes_to(small_world):
    case = small_world.store.cases.case(
        small_world.receive(small_world.signal(source="program:till")).case_id
    )
    decided = EventType.APPROVAL_DECIDED
    assert is_told(program(kinds=()), decided, case)
    # The same kind, and another's request.
    assert not is_told(program("other"), decided, case)
    assert is_told(program("other"), EventType.CASE_OPENED, case)
    assert not is_told(program(callback=None), EventType.CASE_OPENED, case)
    only_approvals = Callback(url=CALLBACK.url, secret_env=CALLBACK.secret_env)
    assert not is_told(program(callback=only_approvals), EventType.CASE_OPENED, case)
    assert is_told(program(callback=only_approvals), decided, case)


def test_what_another_program_has_asked_for_is_read_by_no_name_of_a_kind(small_world):
    case = small_world.proposed()
    request = replace(case, kind=program("till").approval_kind)
    spy = program("spy", kinds=(request.kind, "low_stock"))
    assert may_read(spy, case)
    assert not may_read(spy, request)


def test_practice_is_nobodys(small_world):
    case = small_world.proposed()
    probe = Probe(of_case="EX-9", group="floor-managers", source="api", reason="none is sold")
    practice = replace(case, classification=replace(case.classification, probe=probe))
    entries = small_world.store.cases.entries(case.id)
    assert list(events_after(None, entries, case)) == [EventType.CASE_OPENED]
    assert list(events_after(None, entries, practice)) == []
    assert not may_read(program(), practice)
