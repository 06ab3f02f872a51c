"""Groups whose people policy lists: who may decide, and who may not while a change waits."""

from decimal import Decimal

import pytest

from bot.cases.errors import NotEligible
from bot.cases.lifecycle import State
from tests.desk.test_rule_changes import restart, the_change, waiting
from tests.fakes.directory import principal
from tests.world import policy

FLOOR = "floor-managers"


def approve(world, case, name):
    world.approve(case, name)
    world.work()
    return world.case(case).state


@pytest.fixture
def listed_world(small_world):
    """A desk whose first policy lists Ben and Omar for the floor."""
    world = small_world
    world.house.amount = Decimal(10)
    world.library.rules = policy(groups={FLOOR: ("UBEN", "UOMAR")})
    world.desk.upkeep.rule_review.review()
    return world


def propose(world, subject="product:1"):
    case_id = world.receive(world.signal(subject)).case_id
    world.work()
    return world.store.cases.case(case_id)


def test_a_list_takes_the_place_of_the_user_group(listed_world):
    case = propose(listed_world)
    # Ana is in the user group of Slack, and not in the list.
    with pytest.raises(NotEligible):
        listed_world.approve(case, "ana")
    assert approve(listed_world, case, "ben") is State.RESOLVED


def test_nobody_is_in_an_empty_list(small_world):
    world = small_world
    world.library.rules = policy(groups={FLOOR: ()})
    world.desk.upkeep.rule_review.review()
    case = propose(world)
    for name in ("ana", "omar", "ben", "elsie"):
        with pytest.raises(NotEligible):
            world.approve(case, name)


def test_who_is_added_decides_when_the_governance_owners_agree(listed_world):
    world = listed_world
    assert restart(world, rules=policy(groups={FLOOR: ("UANA", "UBEN", "UOMAR")})) == 1
    change = the_change(world)
    assert change.signal.title == "policy.yml was changed: let it be in force?"
    assert change.assessment.what.startswith(
        "Group @floor-managers, people: UBEN, UOMAR → UANA, UBEN, UOMAR."
    )
    case = propose(world)
    with pytest.raises(NotEligible):
        world.approve(case, "ana")
    approve(world, change, "elsie")
    assert waiting(world) == []
    assert approve(world, case, "ana") is State.RESOLVED


def test_who_is_taken_out_decides_nothing_from_the_next_start(listed_world):
    world = listed_world
    restart(world, rules=policy(groups={FLOOR: ("UBEN",)}))
    case = propose(world)
    with pytest.raises(NotEligible):
        world.approve(case, "omar")
    assert approve(world, case, "ben") is State.RESOLVED


def test_an_approval_by_who_is_taken_out_carries_nothing_out(listed_world):
    world = listed_world
    case = propose(world)
    world.approve(case, "omar")
    restart(world, rules=policy(groups={FLOOR: ("UBEN",)}))
    assert world.case(case).state is not State.RESOLVED


def test_a_list_of_the_file_alone_does_not_decide_on_itself(listed_world):
    world = listed_world
    restart(world, rules=policy(groups={FLOOR: ("UBEN", "UOMAR"), "owners": ("UANA",)}))
    change = the_change(world)
    # In force the owners are Elsie, by Slack; in the file Ana. Neither is in both.
    for name in ("ana", "elsie"):
        with pytest.raises(NotEligible):
            world.approve(change, name)
    restart(world, rules=policy(groups={FLOOR: ("UBEN", "UOMAR"), "owners": ("UANA", "UELSIE")}))
    approve(world, the_change(world), "elsie")
    assert waiting(world) == []


def test_a_workspace_without_user_groups_gets_its_first_people_by_the_file(small_world):
    world = small_world
    world.house.amount = Decimal(10)
    world.people.members = {}
    world.desk.upkeep.rule_review.review()
    case = propose(world)
    with pytest.raises(NotEligible):
        world.approve(case, "ana")
    restart(world, rules=policy(groups={FLOOR: ("UANA",), "owners": ("UELSIE",)}))
    # The list takes nothing from anybody, and the change is decided and recorded like any other.
    approve(world, the_change(world), "elsie")
    assert waiting(world) == []
    assert approve(world, case, "ana") is State.RESOLVED
    assert world.people.groups([FLOOR]) == {FLOOR: {principal("ana")}}
