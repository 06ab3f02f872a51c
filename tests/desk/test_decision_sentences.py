"""The decisions of real cases in sentences, from the ledger."""

from datetime import timedelta

from bot.cases.actor import Surface
from bot.cases.approval import ApprovalRequirement
from bot.cases.commands import TryAgain
from bot.cases.hours import ALWAYS
from bot.cases.policy import ActionLimit, PlaybookTerms, Stage
from bot.desk.history_texts import describe_decision
from tests.fakes.directory import principal
from tests.world import HOUR, playbook, policy, request

ANA, FINN, OMAR = map(principal, ("ana", "finn", "omar"))
WHEN = "21 Nov 12:00"


def as_person(world, case, name):
    """A request of this person, who sees the case as it is now."""
    return request(case.id, principal(name), world.seen(case))


def history(world, case):
    """What was decided about the case, in sentences."""
    entries = world.store.cases.entries(case.id)
    sentences = [describe_decision(entry, ALWAYS) for entry in entries]
    return [sentence for sentence in sentences if sentence]


def test_what_policy_let_run(small_world):
    world = small_world
    world.library.book = playbook(terms=PlaybookTerms(stage=Stage.AUTONOMOUS))
    world.library.rules = policy(actions={"house.order_stock": ActionLimit(alone=True)})
    world.receive()
    world.work()
    case = world.store.cases.case("EX-1")
    assert history(world, case)[0] == f"Policy let it run by itself on {WHEN}."


def test_an_approval_and_its_plan_that_worked(small_world):
    world = small_world
    case = world.proposed()
    world.approve(case, note="we are out by Friday")
    world.work()
    assert history(world, case) == [
        f"Ana approved it on {WHEN}: “we are out by Friday”.",
        f"It worked on {WHEN}.",
    ]


def test_an_approval_for_somebody_who_is_away_names_both(small_world):
    world = small_world
    case = world.proposed()
    now = world.clock()
    world.desk.controls.delegate(
        by=ANA, to=FINN, kind="", begins_at=now, ends_at=now + HOUR, surface=Surface.SLACK
    )
    world.approve(case, "finn")
    assert history(world, case) == [f"Finn approved it for Ana on {WHEN}."]


def test_an_edit_a_handover_and_a_snooze(small_world):
    world = small_world
    case = world.proposed()
    decisions = world.desk.decisions
    decisions.edit(as_person(world, case, "omar"), values={"quantity": 12})
    decisions.hand_over(
        as_person(world, case, "ana"), to=OMAR, progress="counted", remains="decide"
    )
    decisions.snooze(
        as_person(world, case, "ana"), until=world.clock() + HOUR, reason="lorry is late"
    )
    edited, handed_over, snoozed = history(world, case)
    assert edited == f"Omar edited the plan on {WHEN}: quantity 24 → 12."
    assert handed_over.startswith(f"Ana handed it over on {WHEN}: ")
    assert snoozed == f"Ana snoozed it on {WHEN}: lorry is late."


def test_a_case_that_needs_a_person_who_then_handles_it(small_world):
    world = small_world
    world.house.failing_lookups.add("look")
    case = world.proposed()
    decisions = world.desk.decisions
    decisions.decide(as_person(world, case, "ana"), TryAgain)
    world.work()
    decisions.resolve(as_person(world, case, "ana"), note="bought it round the corner")
    sentences = history(world, case)
    assert sentences[0].startswith(f"It needed a person from {WHEN}: ")
    assert sentences[1] == f"Ana asked on {WHEN} to look again."
    assert sentences[-1] == (f"Ana handled it by hand on {WHEN}: bought it round the corner.")


def test_a_case_that_nobody_decides(small_world):
    world = small_world
    case = world.proposed()
    world.clock.forward(hours=25)
    world.desk.upkeep.deadlines.process_due()
    assert history(world, case)[-1].startswith("Nobody had decided by 22 Nov 13:00, so it went")
    world.clock.forward(days=30)
    world.desk.upkeep.deadlines.process_due()
    assert "it was closed unexecuted on" in history(world, case)[-1]


def test_a_source_that_says_it_is_over(small_world):
    world = small_world
    case = world.proposed()
    world.clear(case.signal)
    assert history(world, case) == [f"The source said on {WHEN} that it was over."]


def test_a_plan_that_is_taken_back_by_two(small_world):
    world = small_world
    world.house.undo_for = timedelta(hours=2)
    terms = PlaybookTerms((ApprovalRequirement("floor-managers", 2),))
    world.library.book = playbook(terms=terms)
    case = world.proposed()
    for name in ("ana", "omar"):
        world.approve(case, name)
    world.work()
    for name in ("ana", "omar"):
        world.desk.decisions.undo(as_person(world, case, name), note="wrong shop")
    sentences = history(world, case)
    assert f"Ana said on {WHEN} that it is taken back: wrong shop." in sentences
    assert f"Ana and Omar took it back on {WHEN}: wrong shop." in sentences
