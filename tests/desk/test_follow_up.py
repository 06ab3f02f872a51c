"""The follow-up: a remedy that did not help opens the case again."""

import pytest

from bot.cases.lifecycle import State
from bot.desk.follow_up import MAX_ROWS
from tests.desk.test_executor import finish


def test_a_remedy_that_did_not_help_opens_the_case_again(world):
    signal = world.signal(source="house")
    world.receive(signal)
    world.work()
    case = world.store.cases.case("EX-1")
    world.approve(case)
    assert finish(world, case).state is State.RESOLVED
    world.clock.forward(minutes=11)
    again = finish(world, case)
    assert (again.state, again.activity.reopening_reason, again.proposal.revision) == (
        State.PROPOSED,
        "what was done did not help: it is still there",
        2,
    )


def test_a_remedy_that_helped_stays_resolved(world):
    world.receive(world.signal(source="house"))
    world.work()
    case = world.store.cases.case("EX-1")
    world.approve(case)
    finish(world, case)
    world.house.rows = []
    world.clock.forward(minutes=11)
    assert finish(world, case).state is State.RESOLVED


@pytest.mark.threat("A2")
@pytest.mark.parametrize("cannot", ["away", "too many rows"])
def test_a_look_that_says_nothing_leaves_the_question_whether_it_helped_open(small_world, cannot):
    world = small_world
    world.receive(world.signal(source="house"))
    world.work()
    case = world.store.cases.case("EX-1")
    world.approve(case)
    finish(world, case)
    rows = world.house.rows
    if cannot == "away":
        world.house.failing_lookups.add("SELECT")
    else:
        world.house.rows = [{"subject": f"other:{number}"} for number in range(MAX_ROWS)]
    world.clock.forward(minutes=11)
    assert finish(world, case).state is State.RESOLVED
    assert world.store.outbox.backlog()["follow_up ready"] == 1
    world.house.failing_lookups.clear()
    world.house.rows = rows
    assert finish(world, case, seconds=3).activity.reopening_reason
