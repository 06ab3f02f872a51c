"""Interruption budgets: what may wait reaches each person once, in one message at their next slot."""

from dataclasses import replace
from datetime import time
from decimal import Decimal

import pytest

from bot.audit.replay import replay
from bot.cases.call_rules import AfterHours, CallRules, Reach
from bot.cases.calls import CallSubject
from bot.cases.commands import Nudge
from bot.cases.delegation import Delegation
from bot.cases.entries import RejectReason
from bot.cases.errors import ChatUnknown
from bot.cases.hours import Hours
from bot.cases.lifecycle import State
from bot.desk.call_records import SLOT_PREFIX
from bot.desk.call_slots import MAX_ROWS, delegated_cases_message
from bot.desk.missed_calls import report_message
from bot.ports.case_queries import CaseFilter
from bot.ports.outbox import OutboxMessage, Topic
from bot.store import tables
from bot.store.database import Database
from bot.store.outbox_rows import DONE
from bot.store.store import Store
from tests.fakes.directory import principal
from tests.store.rows import rows_of
from tests.world import World, request

pytestmark = pytest.mark.usefixtures("small_world")
ANA, BEN, CARLA, OMAR = map(principal, ("ana", "ben", "carla", "omar"))
CLOSED = Hours(opens=time(9), closes=time(11))


@pytest.fixture
def world(small_world):
    small_world.library.calls = CallRules(
        low=Reach.DUTY, medium=Reach.DUTY, person=Reach.DUTY, per_hour=2
    )
    return small_world


def waiting(world, number, amount=100, **changes):
    world.house.amount = Decimal(amount)
    case_id = world.receive(world.signal(f"product:{number}", **changes)).case_id
    world.work()
    return world.store.cases.case(case_id)


def reject(world, case, by=ANA):
    world.desk.decisions.reject(request(case.id, by, world.seen(case)), RejectReason.DUPLICATE)
    world.work()


def direct(world, person):
    """The cases about which this person got a message of its own."""
    lines = [calls[0] for calls in world.chat.direct_calls.values()]
    return [line.row.case.id for line in lines if line.person == person]


def slots(world, person):
    """The messages of slots to this person, each as it is now."""
    lines = [calls[-1] for calls in world.chat.slot_calls.values()]
    return [slot for slot in lines if slot.person == person]


def case_ids(slot):
    return [row.case.id for row in slot.rows]


def at_slot(world, minutes=30):
    world.clock.forward(minutes=minutes)
    world.work()


def test_beyond_the_budget_all_comes_in_one_message_the_most_urgent_first(world):
    amounts = {3: 100, 4: 240, 5: 150}
    cases = [waiting(world, number, amounts.get(number, 100)) for number in range(1, 6)]
    assert direct(world, ANA) == direct(world, OMAR) == [cases[0].id, cases[1].id]
    assert slots(world, ANA) == []
    at_slot(world)
    (slot,) = slots(world, ANA)
    ranked = world.store.queries.find(CaseFilter(), 10)
    held = {case.id for case in cases[2:]}
    assert case_ids(slot) == [case.id for case in ranked if case.id in held]
    assert all(row.is_decidable for row in slot.rows)
    assert len(slots(world, OMAR)) == 1
    assert slots(world, CARLA) == slots(world, BEN) == []


def test_the_replay_explains_a_message_that_waits_for_its_slot(world):
    for number in range(1, 4):
        waiting(world, number)
    now = world.clock()
    delegation = Delegation(
        giver=BEN,
        giver_name="Ben",
        taker=OMAR,
        taker_name="Omar",
        kind="",
        begins_at=now,
        ends_at=now,
    )
    report = report_message("C0STOCK", since=now, due=now, now=now)
    world.store.outbox.enqueue([delegated_cases_message(delegation, now), report])
    keys = [row.key for row in rows_of(world.store, tables.outbox) if row.state != DONE]
    assert sum(key.startswith(SLOT_PREFIX) for key in keys) == 3
    assert sum(key.startswith("missed:") for key in keys) == 1
    assert replay(world.store.database).differences == ()


def test_money_and_the_time_left_order_the_rows(world):
    world.library.calls = replace(world.library.calls, per_hour=0)
    rich = {"product": "Barolo", "on_hand": 1, "quantity": 6, "at_risk": 90_000.0}
    poor = waiting(world, 1)
    world.house.rows = [{**world.house.rows[0], **rich}]
    world.clock.forward(minutes=5)
    costly = waiting(world, 2)
    at_slot(world)
    # Opened later, and due later; but far more is at stake.
    assert case_ids(slots(world, ANA)[0]) == [costly.id, poor.id]


def test_high_risk_and_second_factors_are_never_held_back(world):
    world.library.calls = replace(world.library.calls, per_hour=0)
    case = waiting(world, 1, 3000)
    assert direct(world, BEN) == [case.id]
    world.approve(case, "ben", note="needed")
    world.work()
    assert direct(world, CARLA) == [case.id]


def test_a_hand_over_and_an_escalation_are_never_held_back(world):
    world.library.calls = replace(world.library.calls, per_hour=0)
    case = waiting(world, 1)
    world.desk.decisions.hand_over(
        request(case.id, ANA, world.seen(case)), to=CARLA, progress="none", remains="all"
    )
    world.work()
    assert direct(world, CARLA) == [case.id]
    world.clock.forward(hours=4)
    world.desk.upkeep.deadlines.process_due()
    world.work()
    assert case.id in direct(world, BEN)


def test_what_is_told_about_an_own_request_uses_up_nothing(world):
    world.library.calls = replace(world.library.calls, low=Reach.NOBODY, per_hour=1)
    for number in range(3):
        waiting(world, number, requester=BEN)
    case = waiting(world, 9, 300)
    assert case.id in direct(world, BEN)


def test_an_hour_later_the_budget_is_there_again(world):
    for number in range(3):
        waiting(world, number)
    at_slot(world, 61)
    later = waiting(world, 9)
    assert direct(world, ANA)[-1] == later.id
    assert len(direct(world, ANA)) == 3


def test_outside_the_working_hours_all_waits_for_one_message_at_the_opening(world):
    world.library.calendars["C0STOCK"] = CLOSED
    cases = [waiting(world, number, 300) for number in range(3)]
    assert (direct(world, BEN), world.chat.mentions) == ([], [])
    at_slot(world, 20 * 60 + 59)
    assert slots(world, BEN) == []
    at_slot(world, 1)
    (slot,) = slots(world, BEN)
    assert sorted(case_ids(slot)) == [case.id for case in cases]
    # The channel is called then, too, and once for all; no message of its own follows.
    assert world.chat.mentions == [("ops-leads",)]
    assert direct(world, BEN) == []


def test_where_low_risk_is_called_at_night_it_is_not_held_for_the_opening(world):
    world.library.calls = replace(world.library.calls, after_hours=AfterHours.LOW)
    world.library.calendars["C0STOCK"] = CLOSED
    case = waiting(world, 1)
    assert direct(world, ANA) == [case.id]


def test_what_was_decided_before_the_slot_is_left_out(world):
    world.library.calls = replace(world.library.calls, per_hour=0)
    first, second = waiting(world, 1), waiting(world, 2)
    reject(world, first)
    at_slot(world)
    assert case_ids(slots(world, ANA)[0]) == [second.id]


def test_a_slot_without_anything_left_sends_nothing(world):
    world.library.calls = replace(world.library.calls, per_hour=0)
    reject(world, waiting(world, 1))
    at_slot(world)
    assert world.chat.slot_calls == {}
    assert not world.store.outbox.has_due([Topic.CALL], world.clock())


def test_nobody_is_asked_whose_approval_would_be_refused(world):
    """Omar raised one, and an edit of Ana's makes her an author of the other."""
    world.library.calls = replace(world.library.calls, per_hour=0)
    raised = waiting(world, 1, requester=OMAR)
    edited = waiting(world, 2)
    world.desk.decisions.edit(request(edited.id, ANA, world.seen(edited)), {"quantity": "12"})
    world.work()
    at_slot(world)
    assert case_ids(slots(world, ANA)[0]) == [raised.id]
    assert case_ids(slots(world, OMAR)[0]) == [edited.id]


def test_the_message_follows_its_cases(world):
    world.library.calls = replace(world.library.calls, per_hour=0)
    first, second = waiting(world, 1), waiting(world, 2)
    at_slot(world)
    reject(world, first, by=OMAR)
    (slot,) = slots(world, ANA)
    states = {row.case.id: row.case.state for row in slot.rows}
    assert states == {first.id: State.REJECTED, second.id: State.PROPOSED}
    assert len(world.chat.slot_calls) == 2


def test_more_cases_than_there_is_room_for_are_counted(world):
    world.library.calls = replace(world.library.calls, per_hour=0)
    for number in range(MAX_ROWS + 2):
        waiting(world, number)
    at_slot(world)
    (slot,) = slots(world, ANA)
    assert (len(slot.rows), slot.more) == (MAX_ROWS, 2)


def test_a_nudge_may_be_held_back_too(world):
    world.library.calls = replace(world.library.calls, per_hour=1)
    case = waiting(world, 1, requester=CARLA)
    world.desk.decisions.decide(request(case.id, CARLA, world.seen(case)), Nudge)
    world.work()
    assert direct(world, ANA) == [case.id]
    at_slot(world)
    assert case_ids(slots(world, ANA)[0]) == [case.id]


# --- once ------------------------------------------------------------------------------------------


def request_again(world, person, case):
    """Request the direct message once more, as a commit that is repeated would."""
    message = OutboxMessage(
        topic=Topic.CALL,
        key=f"call:{case.id}:r{case.proposal.revision}:{person}",
        case_id=case.id,
        run_at=world.clock(),
        payload={"person": person, "subject": CallSubject.DECISION},
    )
    world.store.outbox.enqueue([message])
    world.work()


def test_what_is_requested_again_is_neither_sent_by_itself_nor_twice(world):
    world.library.calls = replace(world.library.calls, per_hour=0)
    case = waiting(world, 1)
    request_again(world, ANA, case)
    at_slot(world)
    world.clock.forward(hours=2)
    # The budget would allow it now.
    world.library.calls = replace(world.library.calls, per_hour=9)
    request_again(world, ANA, case)
    assert direct(world, ANA) == []
    assert len(slots(world, ANA)) == 1


def test_a_message_in_doubt_is_looked_for_and_sent_once(world):
    world.library.calls = replace(world.library.calls, per_hour=0)
    waiting(world, 1)
    world.clock.forward(minutes=30)
    world.chat.failures = [ChatUnknown("timeout"), ChatUnknown("timeout")]
    world.work()
    assert world.chat.slot_calls == {}
    at_slot(world, 1)
    assert [len(calls) for calls in world.chat.slot_calls.values()] == [1, 1]


def test_a_restart_before_the_slot_forgets_nothing_and_doubles_nothing(world):
    world.library.calls = replace(world.library.calls, per_hour=0)
    case = waiting(world, 1)
    database = Database(world.store.database.url)
    after = World(Store.over(database), outside=world)
    after.library = world.library
    after.start("")
    world.clock.forward(minutes=30)
    # Both processes are at work.
    after.work()
    world.work()
    database.close()
    assert [case_ids(slot) for slot in slots(world, ANA)] == [[case.id]]
    assert all(len(calls) == 1 for calls in world.chat.slot_calls.values())


def test_two_workers_with_the_same_message_send_it_once(world):
    """The first one stands still after it was sent; its lease runs out, and another goes on."""
    world.library.calls = replace(world.library.calls, per_hour=0)
    waiting(world, 1)
    world.clock.forward(minutes=30)
    leased = world.store.outbox.claim([Topic.CALL], 10, world.clock(), 30)
    first = next(message for message in leased if message.key.startswith(f"{SLOT_PREFIX}{ANA}"))
    world.desk.screens.calls.direct_calls.slots.run(first)
    world.clock.forward(seconds=31)
    world.work()
    key = first.key
    assert len(world.chat.slot_calls[key]) == 1


def test_an_attempt_that_was_interrupted_is_held_for_the_same_slot(world, monkeypatch):
    world.library.calls = replace(world.library.calls, per_hour=0)
    lists = world.desk.screens.calls.direct_calls.slots.live_lists
    add, failures = lists.add, ["the database is away"] * 2

    def fail_first(case_id, key):
        if failures:
            raise OSError(failures.pop())
        add(case_id, key)

    monkeypatch.setattr(lists, "add", fail_first)
    case = waiting(world, 1)
    world.library.calls = replace(world.library.calls, per_hour=9)
    world.clock.forward(seconds=10)
    world.work()
    assert direct(world, ANA) == []
    at_slot(world)
    assert case_ids(slots(world, ANA)[0]) == [case.id]


def test_a_message_that_comes_before_its_slot_waits_for_it(world):
    world.library.calls = replace(world.library.calls, per_hour=0)
    waiting(world, 1)
    (key,) = [
        key
        for key in world.store.live_lists.keys_with("EX-1")
        if key.startswith(f"{SLOT_PREFIX}{ANA}")
    ]
    world.store.outbox.run_now(Topic.CALL, world.clock())
    world.work()
    assert world.chat.slot_calls == {}
    at_slot(world)
    assert key in world.chat.slot_calls
