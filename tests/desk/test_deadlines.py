"""What time drives: reminders, hand-ons and expiry in working hours; late but never lost, and never twice."""

import shutil
from datetime import UTC, datetime, time, timedelta

import pytest

from bot.cases.commands import Claim, WakeEarly
from bot.cases.errors import MoveNotAllowed, TooLate
from bot.cases.hours import Hours
from bot.cases.lifecycle import State
from bot.cases.policy import EmergencyRule
from bot.ports.outbox import Topic
from bot.store.database import Database
from bot.store.store import Store
from scheduler.digest import DigestSchedule
from tests.desk.test_switchboard import ANA, BEN
from tests.fakes.directory import principal
from tests.world import World, policy, request

OFFICE = Hours(zone="Europe/London", opens=time(9), closes=time(18), days=frozenset(range(5)))
HOUR = timedelta(hours=1)


def pass_time(world, hours, step=1):
    """Time goes by, a step at a time, as the ticker sees it; every entry that time wrote, with its hour."""
    for _ in range(int(hours / step)):
        world.clock.forward(hours=step)
        if world.desk.upkeep.deadlines.process_due() or world.store.outbox.has_due(
            list(Topic), world.clock()
        ):
            world.work()


def times_of(world, case, *names):
    return [
        (entry.body.name, entry.at)
        for entry in world.store.cases.entries(case.id)
        if entry.body.name in names
    ]


TIMED = ("case.reminded", "case.escalated", "case.expired")


def test_the_same_person_is_reminded_then_the_next_and_in_the_end_it_closes_unexecuted(world):
    case = world.proposed()
    start = world.clock()
    pass_time(world, 80, 0.5)
    timeline = [
        (name.partition(".")[2], (at - start) / HOUR) for name, at in times_of(world, case, *TIMED)
    ]
    assert timeline[:4] == [("reminded", 2), ("reminded", 3), ("reminded", 3.5), ("escalated", 4)]
    assert timeline[-1] == ("expired", 28)
    reminders = [hour for name, hour in timeline[4:-1] if name == "reminded"]
    assert reminders == [6, 10, 18]
    assert (world.case(case).state, world.house.effects) == (State.EXPIRED, [])


def test_what_needs_a_person_goes_to_the_next_and_never_closes_by_itself(world):
    world.house.failing_lookups.add("look")
    case = world.proposed()
    assert case.state is State.REFERRED
    pass_time(world, 24 * 14, 2)
    after = world.case(case)
    assert (after.state, after.owner, after.timers.is_escalated) == (
        State.REFERRED,
        "ops-leads",
        True,
    )
    assert 3 < len(times_of(world, case, "case.reminded")) < 20


def test_nobody_is_asked_outside_working_hours(world):
    world.clock.at = datetime(2026, 11, 20, 16, 0, tzinfo=UTC)  # a Friday afternoon
    world.library.calendars = {"C0STOCK": OFFICE}
    case = world.proposed()
    pass_time(world, 24 * 7, 0.25)
    reminder_times = [at for name, at in times_of(world, case, "case.reminded", "case.escalated")]
    assert reminder_times
    assert all(OFFICE.is_open(at) for at in reminder_times)
    assert case.timers.sla.decide_by == datetime(2026, 11, 23, 11, 0, tzinfo=UTC)


def test_a_machine_that_slept_for_days_does_what_is_due_once(world):
    case = world.proposed()
    world.clock.forward(days=9)
    for _ in range(5):
        world.desk.upkeep.deadlines.process_due()
    assert [name for name, _ in times_of(world, case, *TIMED)] == ["case.escalated"]


def test_a_clock_that_is_set_back_repeats_nothing(world):
    case = world.proposed()
    pass_time(world, 3)
    before = times_of(world, case, *TIMED)
    world.clock.forward(hours=-2)
    world.desk.upkeep.deadlines.process_due()
    assert times_of(world, case, *TIMED) == before


def test_after_a_snooze_the_time_to_decide_begins_anew(world):
    case = world.proposed()
    until = world.clock() + timedelta(days=2)
    world.desk.decisions.snooze(
        request(case.id, ANA, world.seen(case)), until=until, reason="after the weekend"
    )
    pass_time(world, 49)
    awake = world.case(case)
    assert (awake.state, awake.timers.is_escalated) == (State.PROPOSED, False)
    assert awake.timers.sla.decide_by == until + 4 * HOUR


def test_a_snoozed_case_is_woken_by_a_person_and_asked_about_at_once(world):
    case = world.proposed()
    until = world.clock() + timedelta(days=2)
    world.desk.decisions.snooze(
        request(case.id, ANA, world.seen(case)), until=until, reason="after the weekend"
    )
    by_ana = request(case.id, ANA, world.seen(case))
    assert world.desk.decisions.decide(by_ana, WakeEarly).state is State.OPEN
    with pytest.raises(MoveNotAllowed):
        world.desk.decisions.decide(by_ana, WakeEarly)
    world.work()
    awake = world.case(case)
    assert (awake.state, awake.generation) == (State.PROPOSED, case.generation + 1)
    pass_time(world, 49)
    assert "case.woken" not in world.entry_names(case)


def test_an_outcome_that_nobody_knows_is_asked_about_until_somebody_looks(world):
    case = world.proposed()
    world.house.faults |= {"execute": ["lost before"], "verify": ["unknown"] * 9}
    world.approve(case)
    for _ in range(9):
        world.clock.forward(minutes=1)
        world.work()
    assert world.case(case).state is State.OUTCOME_UNKNOWN
    pass_time(world, 30)
    assert len(times_of(world, case, "case.reminded")) >= 3
    assert times_of(world, case, "case.escalated", "case.expired") == []


def test_a_thousand_cases_that_fall_due_together_are_all_seen_to(small_world):
    for number in range(250):
        small_world.receive(small_world.signal(f"product:{number}"))
    small_world.clock.forward(seconds=10)
    small_world.work(rounds=2000)
    small_world.clock.forward(hours=2)
    assert small_world.desk.upkeep.deadlines.process_due() == 250
    assert small_world.desk.upkeep.deadlines.process_due() == 0


def test_whoever_is_asked_is_called_by_name_and_an_emergency_is_loud(world):
    case = world.proposed()
    pass_time(world, 4)
    assert world.chat.calls == [("floor-managers", False)] * 2 + [("ops-leads", False)]
    world.library.rules = policy(emergency=EmergencyRule("owners", timedelta(hours=48)))
    world.desk.decisions.break_glass(
        request(case.id, principal("elsie"), world.seen(case)), reason="fire"
    )
    world.work()
    assert ("owners", True) in world.chat.calls


def test_taking_it_on_and_handing_it_over_change_who_is_reminded(world):
    case = world.proposed()
    world.desk.decisions.decide(request(case.id, ANA, world.seen(case)), Claim)
    pass_time(world, 2)
    (reminder,) = [
        entry.body
        for entry in world.store.cases.entries(case.id)
        if entry.body.name == "case.reminded"
    ]
    assert reminder.to == ANA
    world.desk.decisions.hand_over(
        request(case.id, ANA, world.seen(case)), to="", progress="counted", remains="the order"
    )
    assert world.case(case).owner == "ops-leads"
    world.desk.decisions.hand_over(
        request(case.id, ANA, world.seen(case)), to=BEN, progress="called", remains="the answer"
    )
    assert world.case(case).activity.people == (ANA, BEN)


def test_a_case_that_is_opened_at_night_has_its_time_from_the_morning(world):
    world.clock.at = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
    world.library.calendars = {"C0STOCK": OFFICE}
    assert world.proposed().timers.sla.decide_by == datetime(2026, 11, 23, 13, 0, tzinfo=UTC)


def test_restarted_at_every_minute_of_the_day_is_as_if_never(tmp_path, empty_sqlite):
    """The same day twice: once in one go, once with a new process every minute. The ledger says the same, to the minute."""
    timeline = []
    for name, often in (("whole", False), ("restarted", True)):
        shutil.copy(empty_sqlite, tmp_path / f"{name}.db")
        database = Database(f"sqlite:///{tmp_path / name}.db")
        store = Store.over(database)
        world = World(store)
        world.proposed()
        world.house.failing_lookups.add("look")
        world.receive(world.signal("product:2"))
        world.work()
        digests = []
        for _ in range(24 * 60):
            if often:
                clock, house = world.clock, world.house
                world = World(store)
                world.clock.at = clock.at
                world.house.failing_lookups = house.failing_lookups
            world.clock.forward(minutes=1)
            world.desk.upkeep.deadlines.process_due()
            DigestSchedule(
                world.store.live_lists, world.store.outbox, world.library, world.clock
            ).enqueue_due()
            if world.store.outbox.has_due(list(Topic), world.clock()):
                world.work()
            digests += [one.key for one in world.chat.digests if one.key not in digests]
        entries = [entry for case in ("EX-1", "EX-2") for entry in store.cases.entries(case)]
        timeline.append(([(entry.body.name, entry.at) for entry in entries], digests))
        database.close()
    assert timeline[0] == timeline[1]
    assert len(timeline[0][1]) == 2


def test_time_wakes_escalates_and_closes(world):
    case = world.proposed()
    world.desk.decisions.snooze(
        request(case.id, principal("ana"), world.seen(case)),
        until=world.clock() + timedelta(hours=2),
        reason="busy",
    )
    assert world.desk.upkeep.deadlines.process_due() == 0
    world.clock.forward(hours=2)
    assert world.desk.upkeep.deadlines.process_due() == 1
    world.work()
    assert world.case(case).state is State.PROPOSED
    world.clock.forward(hours=24)
    assert world.desk.upkeep.deadlines.process_due() == 1
    assert world.case(case).owner == "ops-leads"
    world.clock.forward(hours=24)
    assert world.desk.upkeep.deadlines.process_due() == 1
    assert (world.case(case).state, world.house.effects) == (State.EXPIRED, [])
    with pytest.raises(TooLate):
        world.approve(world.case(case))
