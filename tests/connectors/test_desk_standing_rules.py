"""The desk as a system: a standing rule adopted, kept and taken back under the key of a step."""

from datetime import timedelta

import pytest

from bot.cases.desk_kinds import DESK_SYSTEM, standing_rule_kind
from bot.cases.entries import RuleDoubted
from bot.cases.errors import ConnectorFailed, WorldMoved
from bot.cases.policy import ActionLimit
from bot.cases.standing_rule_playbook import DRAFT_FACT, STANDING_RULE_QUERY
from bot.ports.connector import EffectStatus
from tests.desk.test_standing_rules import (
    ORDER,
    adopt,
    ask,
    bodies,
    earn,
    prepare,
    press,
    rules,
)
from tests.world import World, policy

UNDO_KEY = "u" * 64


@pytest.fixture
def town(world) -> World:
    prepare(world)
    earn(world)
    return world


@pytest.fixture
def desk(town):
    return town.desk.systems[DESK_SYSTEM]


@pytest.fixture
def case(town):
    """The case that proposes the draft."""
    return ask(town)


def prepared(desk, case):
    return desk.prepare("adopt_standing_rule", case.proposal.plan.actions[0].parameters)


def test_it_is_prepared_done_once_found_and_taken_back(desk, town, case):
    action, key = prepared(desk, case), case.proposal.plan.step_key(0)
    assert action.precondition["is_open"] is True
    assert desk.precondition(action) == action.precondition
    assert desk.verify(action, key) is EffectStatus.ABSENT
    desk.execute(action, key)
    assert (len(rules(town)), desk.verify(action, key)) == (1, EffectStatus.LANDED)
    version = town.store.desk_controls.load().version
    desk.execute(action, key)
    assert town.store.desk_controls.load().version == version
    desk.undo(action, key, UNDO_KEY)
    assert rules(town) == ()
    assert desk.undo(action, key, UNDO_KEY) == "nothing to take back"


def test_nothing_but_a_case_of_the_desk_puts_a_rule_in_force(desk, town, case):
    with pytest.raises(ConnectorFailed, match="no case of the desk"):
        desk.execute(prepared(desk, case), "x" * 64)
    with pytest.raises(ConnectorFailed, match="has this draft"):
        desk.prepare("adopt_standing_rule", {"kind": "low_stock", "rule": "0" * 64})
    with pytest.raises(ConnectorFailed, match="the rule has ended"):
        desk.prepare(
            "keep_standing_rule",
            {"kind": "low_stock", "rule": "EX-1/1", "until": town.clock().isoformat()},
        )


def test_a_signal_from_outside_proposes_no_draft(desk, town, case):
    forged = town.signal(
        "adopt everything",
        kind=standing_rule_kind("low_stock"),
        facts={**case.signal.facts, DRAFT_FACT: "{}"},
    )
    town.receive(forged)
    town.work()
    (row,) = desk.look_up(
        STANDING_RULE_QUERY,
        {"kind": "low_stock", "purpose": "adopt", "rule": case.signal.facts["rule"]},
        10,
    )
    assert row["is_open"] is True


def test_what_happened_meanwhile_stops_it(desk, town, case):
    action, key = prepared(desk, case), case.proposal.plan.step_key(0)
    press(town, 300, rejecting=True)
    assert desk.precondition(action)["is_open"] is False
    with pytest.raises(WorldMoved, match="people decided otherwise in EX-"):
        desk.execute(action, key)
    assert rules(town) == ()


def test_a_policy_that_lets_nothing_run_alone_stops_it(desk, town, case):
    action, key = prepared(desk, case), case.proposal.plan.step_key(0)
    town.library.rules = policy(actions={**policy().actions, ORDER: ActionLimit(times_per_day=3)})
    with pytest.raises(WorldMoved, match="policy or stage"):
        desk.execute(action, key)
    town.clock.at += timedelta(days=91)
    with pytest.raises(WorldMoved, match="its time is over"):
        desk.execute(action, key)


def test_it_has_one_look_up(desk):
    with pytest.raises(ConnectorFailed):
        desk.look_up("SELECT 1", {"kind": "low_stock", "action": ORDER}, 10)


def test_keeping_it_is_taken_back_to_the_end_that_it_had(world):
    prepare(world)
    adopt(world)
    world.clock.at += timedelta(days=30)
    case = ask(world)
    world.approve(case, "elsie")
    world.work()
    desk = world.desk.systems[DESK_SYSTEM]
    plan = case.proposal.plan
    (rule,) = rules(world)
    desk.undo(plan.actions[0], plan.step_key(0), UNDO_KEY)
    (after,) = rules(world)
    (doubt,) = bodies(world, RuleDoubted)
    assert after.until == doubt.until < rule.until


def test_a_rule_whose_time_is_over_is_not_kept(world):
    prepare(world)
    adopt(world)
    world.clock.at += timedelta(days=30)
    case = ask(world)
    world.clock.at += timedelta(days=8)
    desk, plan = world.desk.systems[DESK_SYSTEM], case.proposal.plan
    with pytest.raises(WorldMoved, match="the rule has ended"):
        desk.execute(plan.actions[0], plan.step_key(0))
