"""Steps that are begun again: each is checked anew, and ends where the case can go on."""

import pytest

from bot.cases.actor import Surface
from bot.cases.commands import Withdraw
from bot.cases.entries import StepState
from bot.cases.lifecycle import State
from bot.desk.step_verification import MAX_LOOKS
from bot.ports.outbox import Topic
from tests.desk.test_executor import finish, step_states, two_steps
from tests.fakes.directory import principal
from tests.world import request

pytestmark = pytest.mark.both_databases


def put_off(world):
    """An approved case whose first step the system was too busy to take."""
    case = world.proposed()
    world.house.faults["execute"] = ["busy"]
    world.approve(case)
    world.work()
    assert step_states(world, case) == [StepState.DEFERRED]
    return case


def test_a_step_that_was_put_off_waits_for_a_system_that_cannot_be_read(world):
    case = put_off(world)
    world.house.faults["precondition"] = ["away", "away"]
    final = finish(world, case, seconds=60)
    assert (final.state, len(world.house.effects)) == (State.RESOLVED, 1)


def test_a_step_that_was_put_off_is_left_undone_when_the_system_stays_away(small_world):
    world = small_world
    case = put_off(world)
    world.house.faults["precondition"] = ["away"] * MAX_LOOKS
    # The plan is proposed again, and this system is asked before it is.
    world.house.failing_lookups.add("look")
    final = finish(world, case, seconds=200, step=60)
    assert final.state in {State.REFERRED, State.PROPOSED}
    assert step_states(world, case)[-1] is StepState.ABSENT
    assert world.house.effects == []


def test_a_step_that_was_put_off_is_given_up_when_its_target_is_gone(world):
    case = put_off(world)
    world.house.faults["precondition"] = ["gone"]
    final = finish(world, case, seconds=10)
    assert final.activity.drift_reasons == ("exactly one row must match",)
    assert (step_states(world, case)[-1], world.house.effects) == (StepState.ABSENT, [])


def test_a_step_whose_target_is_gone_before_it_begins_leaves_no_trace_of_it(world):
    case = world.proposed()
    world.house.faults["precondition"] = ["gone"]
    world.approve(case)
    final = finish(world, case)
    assert final.activity.drift_reasons == ("exactly one row must match",)
    assert "step.started" not in world.entry_names(case)


def test_a_step_that_cannot_be_begun_now_is_begun_when_the_system_is_back(world):
    case = world.proposed()
    world.house.faults["precondition"] = ["away"]
    world.approve(case)
    world.work()
    assert (world.case(case).state, world.house.effects) == (State.APPROVED, [])
    assert finish(world, case, seconds=60).state is State.RESOLVED


def test_a_step_is_not_repeated_while_the_desk_is_paused(world):
    case = put_off(world)
    ben = principal("ben")
    world.desk.controls.pause("", by=ben, reason="stocktaking", surface=Surface.SLACK)
    waiting = finish(world, case, seconds=30)
    assert (waiting.state, world.house.effects) == (State.RUNNING, [])
    assert step_states(world, case) == [StepState.DEFERRED]
    world.desk.controls.resume("", by=principal("elsie"), surface=Surface.SLACK)
    assert finish(world, case, seconds=10).state is State.RESOLVED


@pytest.mark.parametrize(
    ("look", "step_state", "state"),
    [
        ("landed", StepState.LANDED, State.RESOLVED),
        ("absent", StepState.ABSENT, State.PROPOSED),
        ("unknown", StepState.UNKNOWN, State.RUNNING),
    ],
)
def test_a_repeated_step_that_finds_the_world_moved_is_what_the_look_says(
    world, look, step_state, state
):
    """Its own earlier attempt may have moved it."""
    case = world.proposed()
    world.house.faults["execute"] = ["lost before", "moved"]
    world.house.faults["verify"] = ["absent", "absent", look]
    world.approve(case)
    for _ in range(60):
        if world.house.calls.count("execute") == 2:
            break
        world.clock.forward(seconds=1)
        world.work()
    assert step_states(world, case)[-1] is step_state
    assert world.case(case).state is state


def test_a_plan_stops_where_its_first_step_cannot_be_undone(world):
    """The target of the second step is gone: it is not begun, and the first one stays."""
    two_steps(world)
    world.house.reversible = False
    case = world.proposed()
    for name in ("ben", "carla"):
        if world.case(case).state is State.PROPOSED:
            world.approve(world.case(case), name)
    while not world.house.effects:
        (message,) = world.store.outbox.claim([Topic.EXECUTE], 1, world.clock(), 30)
        world.lane.handle(message)
    world.house.faults["precondition"] = ["gone"]
    final = finish(world, case)
    assert final.state is State.REFERRED
    bodies = [entry.body for entry in world.store.cases.entries(case.id)]
    (stopped,) = [body for body in bodies if body.name == "plan.stopped"]
    assert stopped.reason.startswith("step 2 was not begun: exactly one row must match.")
    assert len(world.house.effects) == 1


def test_a_message_about_a_case_with_nothing_to_do_is_simply_done(world):
    case = world.proposed()
    world.approve(case)
    world.desk.decisions.decide(request_of(world, case), Withdraw)
    world.work()
    assert world.house.effects == []
    assert "execute ready" not in world.store.outbox.backlog()


def request_of(world, case):
    return request(case.id, principal("ana"), world.seen(case))
