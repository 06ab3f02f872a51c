"""The kill switch, the breaker, the budget, standing in and emergencies, through the real desk on both databases."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from bot.audit.replay import replay
from bot.cases.actor import Surface
from bot.cases.approval import ApprovalRequirement
from bot.cases.errors import BadRequest, NotEligible, TooLate
from bot.cases.lifecycle import State
from bot.cases.policy import ActionLimit, EmergencyRule, PlaybookTerms
from tests.fakes.directory import principal
from tests.world import playbook, policy, request

pytestmark = pytest.mark.both_databases

ANA, BEN, CARLA, ELSIE, FINN, OMAR = map(
    principal, ("ana", "ben", "carla", "elsie", "finn", "omar")
)


def pause(world, scope="", by=ANA):
    return world.desk.controls.pause(scope, by=by, reason="wait", surface=Surface.SLACK)


def proven(world):
    """The ledger tells the same of the desk and of every case as the projection does."""
    return replay(world.store.database).differences == ()


@pytest.mark.parametrize(
    "scope", ["", "kind:low_stock", "action:house.order_stock", "system:house"]
)
def test_rule_20_while_it_is_paused_nothing_begins_and_on_resuming_it_goes_on_at_once(world, scope):
    case = world.proposed()
    pause(world, scope)
    world.work()
    assert "paused by Ana: wait" in world.chat.looks[case.id].pause_reason
    world.approve(case)
    world.work()
    assert (world.case(case).state, world.house.effects) == (State.APPROVED, [])
    world.clock.forward(minutes=10)
    world.work()
    assert world.house.effects == []
    world.desk.controls.resume(scope, by=ELSIE, surface=Surface.SLACK)
    world.work()
    assert (world.case(case).state, len(world.house.effects)) == (State.RESOLVED, 1)
    assert world.chat.looks[case.id].pause_reason == ""
    assert proven(world)


def test_rule_20_the_switch_is_read_in_the_very_transaction_that_begins_the_step(world):
    """Pressed between the last check and the step: the step does not begin, and leaves no trace."""
    case = world.proposed()
    world.approve(case)
    look, pressed = world.house.precondition, []

    def precondition(action):
        if not pressed:
            pressed.append(pause(world))
        return look(action)

    world.house.precondition = precondition
    world.work()
    assert world.house.effects == []
    assert "step.started" not in world.entry_names(case)


def test_rule_20_undoing_waits_for_the_switch_too(world):
    case = taken_back_after(world, lambda: pause(world))
    assert (case.state, len(world.house.effects)) == (State.RUNNING, 1)
    world.desk.controls.resume("", by=ELSIE, surface=Surface.SLACK)
    world.work()
    assert (world.case(case).state, len(world.house.effects)) == (State.REFERRED, 2)


def taken_back_after(world, then=lambda: None):
    offers = world.library.book.offers
    world.house.undo_for = timedelta(minutes=30)
    world.library.book = playbook(offers=offers)
    case = world.proposed()
    world.approve(case)
    world.work()
    then()
    world.desk.decisions.undo(
        request(case.id, OMAR, world.seen(case)), note="the delivery came after all"
    )
    world.work()
    return world.case(case)


def test_rule_18_what_was_done_is_taken_back_once_and_the_case_needs_a_person(world):
    case = taken_back_after(world)
    assert case.state is State.REFERRED
    assert case.activity.status_reason.reason.startswith(
        "taken back by Omar: the delivery came after all"
    )
    assert world.house.effects == [
        case.execution.steps[0].key,
        f"undo:{case.execution.steps[0].key}",
    ]
    (kept,) = world.shelf.of_kind("low_stock", 10)
    assert kept.outcome == "undone"
    assert proven(world)


def test_rule_18_the_window_closes_and_the_button_goes(world):
    world.house.undo_for = timedelta(minutes=30)
    case = world.proposed()
    world.approve(case)
    world.work()
    assert world.chat.looks[case.id].is_undoable
    world.clock.forward(minutes=30)
    world.work()
    assert not world.chat.looks[case.id].is_undoable
    with pytest.raises(TooLate, match="time to take it back"):
        world.desk.decisions.undo(request(case.id, OMAR, world.seen(case)), note="x")


def test_rule_20_an_action_that_keeps_failing_is_paused_by_itself(world):
    world.house.faults["execute"] = ["refuse"] * 3
    for number in range(4):
        receipt = world.receive(world.signal(f"product:{number}"))
        world.work()
        world.approve(world.store.cases.case(receipt.case_id))
        world.work()
    assert [pause.scope for pause in world.store.desk_controls.load().pauses] == [
        "action:house.order_stock"
    ]
    assert world.store.cases.case(receipt.case_id).state is State.APPROVED
    assert proven(world)


def test_rule_20_the_budget_of_the_day_is_asked_where_the_step_begins(world):
    """Two plans that each fit the day, and do not fit together: the second waits, however close they come."""
    world.library.rules = policy(
        actions={"house.order_stock": ActionLimit(amount_per_day=Decimal(150))}
    )
    first, second = (
        world.store.cases.case(world.receive(world.signal(name)).case_id) for name in ("a", "b")
    )
    world.work()
    for case in (first, second):
        world.approve(world.case(case))
    as_if_alone = replace(world.case(first).proposal.verdict, rule="as if nobody else had begun")
    proposals = world.desk.execution.executor.proposals
    proposals.__dict__["verdict"] = lambda *judged, **circumstances: as_if_alone
    world.work()
    assert len(world.house.effects) == 1
    assert {world.case(first).state, world.case(second).state} == {State.RESOLVED, State.APPROVED}


def delegate(world, kind="", hours=8):
    now = world.clock()
    return world.desk.controls.delegate(
        by=BEN,
        to=FINN,
        kind=kind,
        begins_at=now,
        ends_at=now + timedelta(hours=hours),
        surface=Surface.SLACK,
    )


def for_ops(world):
    world.library.book = playbook(terms=PlaybookTerms((ApprovalRequirement("ops-leads", 1),)))
    return world.proposed()


def test_rule_14_whoever_stands_in_decides_and_the_ledger_names_both(world):
    case = for_ops(world)
    with pytest.raises(NotEligible):
        world.approve(case, "finn")
    delegate(world)
    world.approve(case, "finn")
    world.work()
    done = world.case(case)
    assert (
        done.state,
        done.proposal.approvals[0].person,
        done.proposal.approvals[0].behalf_of,
    ) == (
        State.RESOLVED,
        FINN,
        BEN,
    )
    assert proven(world)


def test_rule_14_and_9_both_sides_are_looked_at_afresh_when_the_step_begins(world):
    case = for_ops(world)
    delegate(world)
    world.approve(case, "finn")
    world.people.members["ops-leads"].remove("ben")
    world.work()
    assert (world.house.effects, world.entry_names(case).count("plan.drifted")) == ([], 1)


def test_rule_14_it_ends_when_it_ends(world):
    case = for_ops(world)
    delegate(world, hours=1)
    world.clock.forward(hours=1)
    with pytest.raises(NotEligible):
        world.approve(case, "finn")


def test_rule_15_the_glass_is_broken_aloud_and_reviewed_by_another(world):
    world.library.rules = policy(emergency=EmergencyRule("owners", timedelta(hours=48)))
    world.people.members["owners"] = {"elsie", "carla"}
    world.library.book = playbook(terms=PlaybookTerms((ApprovalRequirement("ops-leads", 2),)))
    case = world.proposed()
    with pytest.raises(NotEligible, match="only @owners"):
        world.desk.decisions.break_glass(request(case.id, ANA, world.seen(case)), reason="fire")
    assert world.case(case).activity.refusal_count == 1
    world.desk.decisions.break_glass(
        request(case.id, ELSIE, world.seen(case)), reason="the boiler is on fire"
    )
    world.work()
    assert (world.case(case).state, len(world.house.effects)) == (State.RESOLVED, 1)
    assert [one.case_id for one in world.store.desk_controls.load().emergencies] == [case.id]
    other = world.store.cases.case(world.receive(world.signal("product:2")).case_id)
    world.work()
    with pytest.raises(TooLate, match="has not been looked at"):
        world.desk.decisions.break_glass(
            request(other.id, ELSIE, world.seen(other)), reason="again"
        )
    world.desk.controls.review(case.id, by=CARLA, note="it was right", surface=Surface.SLACK)
    assert world.store.desk_controls.load().emergencies == ()
    assert proven(world)


def test_two_presses_of_the_switch_at_once_are_one_pause(world):
    pause(world)
    with pytest.raises(TooLate, match="paused already"):
        pause(world, by=BEN)
    assert world.store.desk_controls.load().version == 1


@pytest.mark.parametrize(
    ("words", "scope"),
    [
        ("", ""),
        ("all", ""),
        ("low stock", "kind:low_stock"),
        ("house.order_stock", "action:house.order_stock"),
        ("House", "system:house"),
    ],
)
def test_what_people_call_what_they_want_to_stop(small_world, words, scope):
    book = small_world.library.playbook
    small_world.library.playbook = lambda kind: book(
        kind if kind == "low_stock" else "unrecognised"
    )
    assert small_world.desk.controls.scope_of(words) == scope
    with pytest.raises(BadRequest, match="kinds are: low stock"):
        small_world.desk.controls.scope_of("the moon")


def test_however_long_it_was_paused_the_first_failure_after_it_is_the_first(world):
    case = world.proposed()
    world.approve(case)
    pause(world)
    for _ in range(12):
        world.work()
        world.clock.forward(minutes=2)
    world.desk.controls.resume("", by=ELSIE, surface=Surface.SLACK)
    world.house.faults["precondition"] = ["away"]
    world.work()
    assert world.store.outbox.parked_messages() == []
    world.clock.forward(minutes=1)
    world.work()
    assert world.case(case).state is State.RESOLVED
