"""What was carried out on a day: for the limits of policy, and without what is still to come."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from bot.cases.lifecycle import State
from bot.cases.policy import ActionLimit, PlaybookTerms, Stage
from tests.desk.test_executor import two_steps
from tests.store.states import bring_to
from tests.world import playbook, policy

TODAY = "2026-11-21"


def times(world, **more):
    return world.store.cases.usage(TODAY, **more).times


def test_a_day_without_a_step_has_no_usage(store):
    usage = store.cases.usage(TODAY)
    assert (usage.times, usage.amounts, usage.target_times) == ({}, {}, {})


def test_steps_of_one_action_add_up_over_their_targets(world):
    for number in (1, 2, 3):
        product = 1 if number == 3 else number
        signal = world.signal(f"product:{number}", facts={"product_id": product})
        case_id = world.receive(signal).case_id
        world.work()
        world.approve(world.store.cases.case(case_id))
        world.work()
    usage = world.store.cases.usage(TODAY)
    assert usage.times == {"house.order_stock": 3}
    assert usage.amounts == {"house.order_stock": Decimal(300)}
    assert usage.target_times == {
        "house.order_stock order_stock:1": 2,
        "house.order_stock order_stock:2": 1,
    }


def test_cents_are_not_lost(world):
    world.house.amount = Decimal("0.10")
    for number in (1, 2, 3):
        bring_to(world, State.RESOLVED, f"product:{number}")
    assert world.store.cases.usage(TODAY).amounts == {"house.order_stock": Decimal("0.3")}


@pytest.mark.parametrize(
    ("faults", "count"),
    [({"execute": ["refuse"]}, 0), ({"execute": ["lost before"], "verify": ["unknown"]}, 1)],
    ids=["surely failed", "in doubt"],
)
def test_only_a_step_that_surely_failed_does_not_count(world, faults, count):
    case = world.proposed()
    world.house.faults = {verb: list(names) for verb, names in faults.items()}
    world.approve(case)
    world.work()
    assert times(world).get("house.order_stock", 0) == count


def test_a_plan_does_not_count_against_itself(world):
    case_id = bring_to(world, State.RUNNING)
    plan = world.store.cases.case(case_id).proposal.plan
    assert times(world) == {"house.order_stock": 1}
    assert times(world, plan=plan) == {}
    # The step before the one that is to begin has been done.
    assert times(world, plan=plan, step=1) == {"house.order_stock": 1}


def test_of_a_plan_only_the_steps_to_come_are_left_out(world):
    two_steps(world)
    case = world.proposed()
    world.approve(case, "ben")
    world.work()
    plan = world.case(case).proposal.plan
    assert times(world, plan=plan, step=1) == {"house.order_stock": 1}
    assert times(world, plan=plan, step=2) == {"house.order_stock": 1, "house.open_claim": 1}


def test_a_day_is_a_day_in_utc(world):
    world.clock.at = datetime(2026, 11, 21, 23, 59, 59, tzinfo=UTC)
    bring_to(world, State.RESOLVED)
    world.clock.forward(seconds=1)
    bring_to(world, State.RESOLVED, "product:2")
    assert times(world) == {"house.order_stock": 1}
    assert world.store.cases.usage("2026-11-22").times == {"house.order_stock": 1}


def test_outcomes_of_an_action_come_the_latest_first(world):
    for number, faults in enumerate(([], ["refuse"], [])):
        case_id = world.receive(world.signal(f"product:{number}")).case_id
        world.work()
        world.house.faults["execute"] = list(faults)
        world.approve(world.store.cases.case(case_id))
        world.work()
        world.clock.forward(minutes=1)
    outcomes = world.store.cases.step_outcomes
    assert outcomes("house.order_stock", 9) == ["LANDED", "FAILED", "LANDED"]
    assert outcomes("house.order_stock", 2) == ["LANDED", "FAILED"]
    assert outcomes("house.open_claim", 9) == []


# --- what ran alone ---------------------------------------------------------------------------


@pytest.fixture
def autonomous(world):
    """A world in which low risk runs alone."""
    limits = {**policy().actions, "house.order_stock": ActionLimit(alone=True)}
    world.library.rules = policy(actions=limits)
    world.library.book = playbook(terms=PlaybookTerms(stage=Stage.AUTONOMOUS))
    return world


def run_alone(world, number: int):
    case_id = world.receive(world.signal(f"product:{number}")).case_id
    world.work()
    case = world.store.cases.case(case_id)
    assert (case.state, case.was_auto_approved) == (State.RESOLVED, True)
    return case


def alone_times(world, **more):
    return world.store.cases.usage(f"{world.clock():%Y-%m-%d}", **more).alone_times


def test_plans_that_ran_alone_are_counted_by_kind(autonomous):
    assert alone_times(autonomous) == {}
    for number in range(3):
        run_alone(autonomous, number)
    assert alone_times(autonomous) == {"low_stock": 3}


def test_a_plan_that_people_approved_did_not_run_alone(world):
    world.approve(world.proposed())
    world.work()
    assert world.store.cases.usage(TODAY).times == {"house.order_stock": 1}
    assert alone_times(world) == {}


def test_a_plan_is_not_counted_before_its_own_first_step(autonomous):
    plan = run_alone(autonomous, 1).proposal.plan
    run_alone(autonomous, 2)
    assert alone_times(autonomous, plan=plan, step=0) == {"low_stock": 1}


def test_the_count_begins_anew_each_day(autonomous):
    run_alone(autonomous, 1)
    autonomous.clock.at += timedelta(days=1)
    assert alone_times(autonomous) == {}


def test_targets_add_up_whoever_let_the_plans_run(autonomous):
    run_alone(autonomous, 1)
    autonomous.library.book = playbook()
    case_id = autonomous.receive(autonomous.signal("product:2")).case_id
    autonomous.work()
    autonomous.approve(autonomous.store.cases.case(case_id))
    autonomous.work()
    usage = autonomous.store.cases.usage(f"{autonomous.clock():%Y-%m-%d}")
    assert usage.target_times == {"house.order_stock order_stock:1": 2}
    assert (usage.times, usage.alone_times) == ({"house.order_stock": 2}, {"low_stock": 1})
