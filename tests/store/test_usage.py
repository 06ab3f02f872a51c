"""What was carried out lately: for the limits of policy, and without what is still to come."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from bot.cases.lifecycle import State
from bot.cases.policy import MAX_WINDOWS, ActionLimit, PlaybookTerms, Stage
from bot.store import tables
from bot.store.usage import _USAGE
from tests.cases.making import action, plan
from tests.desk.test_executor import two_steps
from tests.fakes.directory import principal
from tests.store.states import bring_to
from tests.world import playbook, policy

DAY = timedelta(days=1)
#: A plan of another case, whose usage is asked for.
OTHER = plan(
    case_id="EX-99",
    actions=(
        action(target="order_stock:1"),
        action(target="order_stock:2"),
        action(name="house.open_claim", target="order_stock:1"),
    ),
)


def used_by(world, windows=(DAY,), **more):
    return world.store.cases.usage(world.clock(), windows, **{"plan": OTHER, **more})


def times(world, **more):
    counts: Counter[str] = Counter()
    for row in used_by(world, **more).rows:
        counts[row.action] += row.times
    return dict(counts)


def test_a_day_without_a_step_has_no_usage(world):
    assert used_by(world).rows == ()


def test_steps_of_one_action_add_up_over_their_targets(world):
    for number in (1, 2, 3):
        product = 1 if number == 3 else number
        signal = world.signal(f"product:{number}", facts={"product_id": product})
        case_id = world.receive(signal).case_id
        world.work()
        world.approve(world.store.cases.case(case_id))
        world.work()
    assert {(row.action, row.target, row.times, row.amount) for row in used_by(world).rows} == {
        ("house.order_stock", "order_stock:1", 2, Decimal(200)),
        ("house.order_stock", "order_stock:2", 1, Decimal(100)),
    }


def test_cents_are_not_lost(world):
    world.house.amount = Decimal("0.10")
    for number in (1, 2, 3):
        bring_to(world, State.RESOLVED, f"product:{number}")
    assert sum(row.amount for row in used_by(world).rows) == Decimal("0.3")


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
    # Nothing of it is to come, so nothing is held against it.
    assert times(world, plan=plan, step=1) == {}


def test_of_a_plan_only_the_steps_to_come_are_left_out(world):
    two_steps(world)
    case = world.proposed()
    world.approve(case, "ben")
    world.work()
    plan = world.case(case).proposal.plan
    # The step before the one that is to begin has been done.
    again = replace(plan, actions=(plan.actions[0], plan.actions[0]))
    assert times(world, plan=again, step=1) == {"house.order_stock": 1}
    assert times(world, plan=again, step=0) == {}


def test_a_day_is_the_last_24_hours_and_midnight_frees_nothing(world):
    world.clock.at = datetime(2026, 11, 21, 23, 59, 59, tzinfo=UTC)
    bring_to(world, State.RESOLVED)
    world.clock.forward(seconds=2)
    bring_to(world, State.RESOLVED, "product:2")
    assert times(world) == {"house.order_stock": 2}
    world.clock.at = datetime(2026, 11, 22, 23, 59, 59, tzinfo=UTC)
    assert times(world) == {"house.order_stock": 1}
    world.clock.forward(seconds=2)
    assert times(world) == {}


def test_each_row_says_in_which_window_it_lies(world):
    windows = (timedelta(hours=1), DAY, timedelta(days=7))
    for product, hours in ((1, 48), (2, 2), (3, 0)):
        bring_to(world, State.RESOLVED, f"product:{product}")
        world.clock.forward(hours=hours)
    usage = used_by(world, windows)
    per_window = [
        sum(row.times for row in usage.of("house.order_stock", window)) for window in windows
    ]
    assert per_window == [1, 2, 3]


def test_only_the_requester_of_the_plan_is_told_from_others(world):
    for product, person in ((1, "omar"), (2, "omar"), (3, "finn")):
        signal = world.signal(f"product:{product}", requester=principal(person))
        case_id = world.receive(signal).case_id
        world.work()
        world.approve(world.store.cases.case(case_id))
        world.work()
    by_omar = replace(OTHER, requester=principal("omar"))
    counts: Counter[str] = Counter()
    for row in used_by(world, plan=by_omar).rows:
        counts[row.requester] += row.times
    assert counts == {principal("omar"): 2, "": 1}


def test_each_currency_is_summed_for_itself(world):
    bring_to(world, State.RESOLVED, "product:1")
    bring_to(world, State.RESOLVED, "product:2")
    euros = tables.effects.update().where(tables.effects.c.case_id == "EX-2").values(currency="EUR")
    world.store.database.write(lambda unit: unit.connection.execute(euros) and None, appends=False)
    assert {(row.currency, row.amount) for row in used_by(world).rows} == {
        ("GBP", Decimal(100)),
        ("EUR", Decimal(100)),
    }


def test_the_usage_reads_an_index_and_not_the_history(world):
    form = _USAGE.form_for(world.store.database.engine.dialect)
    values = {f"since_{number}": 0.0 for number in range(MAX_WINDOWS)}
    values |= {"actions": ["a"], "targets": ["b"], "requester": ""}
    values |= {"own_case": "EX-1", "own_revision": 1, "own_step": 0, "until": 1.0}
    sql, arguments = form.bind(values)
    with world.store.database.read() as connection:
        if not world.store.database.is_sqlite:
            connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
            rows = connection.exec_driver_sql(f"EXPLAIN {sql}", arguments).all()
        else:
            rows = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}", arguments).all()
    assert "effects_by_action" in " ".join(str(row) for row in rows)


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
    return used_by(world, **more).alone_times("low_stock")


def test_plans_that_ran_alone_are_counted_by_kind(autonomous):
    assert alone_times(autonomous) == 0
    for number in range(3):
        run_alone(autonomous, number)
    assert alone_times(autonomous) == 3


def test_a_plan_that_people_approved_did_not_run_alone(world):
    world.approve(world.proposed())
    world.work()
    assert sum(row.times for row in used_by(world).rows) == 1
    assert alone_times(world) == 0


def test_a_plan_is_not_counted_before_its_own_first_step(autonomous):
    plan = run_alone(autonomous, 1).proposal.plan
    run_alone(autonomous, 2)
    assert alone_times(autonomous, plan=plan, step=0) == 1


def test_a_plan_counts_for_a_day(autonomous):
    run_alone(autonomous, 1)
    autonomous.clock.at += timedelta(days=1)
    assert alone_times(autonomous) == 0


def test_targets_add_up_whoever_let_the_plans_run(autonomous):
    run_alone(autonomous, 1)
    autonomous.library.book = playbook()
    case_id = autonomous.receive(autonomous.signal("product:2")).case_id
    autonomous.work()
    autonomous.approve(autonomous.store.cases.case(case_id))
    autonomous.work()
    rows = used_by(autonomous).rows
    assert {(row.action, row.target) for row in rows} == {("house.order_stock", "order_stock:1")}
    assert sum(row.times for row in rows) == 2
    assert alone_times(autonomous) == 1
