"""Queues: which cases wait on a person, and which were handled without one."""

from datetime import timedelta

from bot.cases.actor import Surface
from bot.cases.lifecycle import State
from bot.cases.policy import ActionLimit, PlaybookTerms, Stage
from tests.fakes.directory import principal
from tests.world import playbook, policy

ANA, FINN, OMAR = map(principal, ("ana", "finn", "omar"))


def waiting_ids(world, person, **options):
    viewer = world.desk.conversation.questions.visibility.viewer(person)
    cases, count = world.desk.conversation.queues.waiting_on(viewer, **options)
    return [case.id for case in cases], count


def delegate(world, *, begins_in, lasts):
    begins_at = world.clock() + begins_in
    world.desk.controls.delegate(
        by=ANA,
        to=FINN,
        kind="",
        begins_at=begins_at,
        ends_at=begins_at + lasts,
        surface=Surface.SLACK,
    )


def test_a_case_waits_on_its_deciders_until_they_have_voted(world):
    case = world.proposed()
    assert waiting_ids(world, ANA) == ([case.id], 1)
    assert waiting_ids(world, FINN) == ([], 0)
    world.approve(case)
    assert waiting_ids(world, ANA) == ([], 0)


def test_a_delegation_counts_only_while_it_lasts(small_world):
    world = small_world
    case = world.proposed()
    delegate(world, begins_in=timedelta(hours=1), lasts=timedelta(hours=2))
    assert waiting_ids(world, FINN) == ([], 0)
    world.clock.forward(hours=1)
    assert waiting_ids(world, FINN) == ([case.id], 1)
    world.clock.forward(hours=2)
    assert waiting_ids(world, FINN) == ([], 0)


def test_cases_beyond_the_limit_are_counted(small_world):
    world = small_world
    for number in range(3):
        world.receive(world.signal(f"product:{number}"))
    world.work()
    case_ids, count = waiting_ids(world, OMAR, limit=2)
    assert (len(case_ids), count) == (2, 3)


def test_cases_that_ended_without_a_person_are_listed_and_others_are_not(small_world):
    world = small_world
    viewer = world.desk.conversation.questions.visibility.viewer(ANA)
    start = world.clock()
    by_hand = world.proposed()
    world.approve(by_hand)
    world.work()
    signal = world.signal("product:2")
    world.receive(signal)
    world.work()
    world.clear(signal)
    world.library.book = playbook(terms=PlaybookTerms(stage=Stage.AUTONOMOUS))
    world.library.rules = policy(actions={"house.order_stock": ActionLimit(alone=True)})
    receipt = world.receive(world.signal("product:3"))
    world.work()
    assert world.store.cases.case(receipt.case_id).state is State.RESOLVED
    span = (start, world.clock() + timedelta(seconds=1))
    cases = world.desk.conversation.queues.handled_automatically(viewer, span)
    assert {case.id for case in cases} == {"EX-2", receipt.case_id}
    assert world.desk.conversation.queues.handled_automatically(viewer, span, kind="another") == []
