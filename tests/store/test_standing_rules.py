"""The use of standing rules as rows, counted with the limits of the day."""

from datetime import timedelta

import pytest

from bot.audit.replay import replay
from bot.store import tables
from bot.store.derived import rewrite_derived_rows
from tests.desk.test_standing_rules import adopt, prepare, raise_case, rules
from tests.world import World

DAY = timedelta(days=1)


@pytest.fixture
def town(world) -> World:
    prepare(world)
    adopt(world)
    return world


def usage(world, case):
    policy = world.library.policy()
    return world.store.cases.usage(world.clock(), policy.windows, plan=case.proposal.plan)


def test_each_plan_counts_once_with_its_last_time(town):
    (rule,) = rules(town)
    assert town.store.cases.rule_use(rule).last_at is None
    first = raise_case(town, 200)
    town.clock.at += 2 * DAY
    raise_case(town, 201)
    use = town.store.cases.rule_use(rule)
    assert (use.times, use.last_at) == (2, town.clock())
    # Of a day only what lies in it counts.
    assert usage(town, first).rule_times(rule.id) == 1
    assert usage(town, first).rule_times("EX-1/1") == 0


def test_what_people_approved_counts_for_no_rule(town):
    (rule,) = rules(town)
    case = raise_case(town, 200, quantity=36)
    town.approve(case)
    town.work()
    assert town.store.cases.rule_use(rule).times == 0


def test_what_surely_failed_is_not_counted(town):
    (rule,) = rules(town)
    town.house.faults["execute"] = ["refuse"] * 3
    raise_case(town, 200)
    assert town.store.cases.rule_use(rule).times == 0


def test_the_rows_follow_from_the_ledger(town):
    raise_case(town, 200)
    (rule,) = rules(town)
    database = town.store.database
    with database.engine.begin() as connection:
        connection.execute(tables.effects.update().values(rule_id=""))
    assert town.store.cases.rule_use(rule).times == 0
    with database.engine.begin() as connection:
        rewrite_derived_rows(connection)
    assert town.store.cases.rule_use(rule).times == 1
    assert replay(database).differences == ()
