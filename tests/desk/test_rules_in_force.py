"""Rules that one process takes back hold in every other one at once."""

import copy
from decimal import Decimal

import pytest

from bot.cases.approval import ApprovalRequirement
from bot.cases.errors import BadRequest, NotEligible
from bot.cases.lifecycle import State
from bot.cases.policy import ActionLimit, PlaybookTerms, Stage, TierRule
from bot.cases.verdict import Ruling
from bot.store.database import Database
from bot.store.store import Store
from tests.desk.test_rule_changes import DAY, adoptions, limited, order, restart, ruling, the_change
from tests.desk.test_rule_changes import world as world
from tests.fakes.directory import principal
from tests.world import World, playbook, policy, request

pytestmark = [pytest.mark.both_databases, pytest.mark.threat("D5")]


def beside(world: World) -> World:
    """Another process with the same files, which has judged by the rules in force."""
    database = Database(world.store.database.engine.url.render_as_string(hide_password=False))
    other = World(Store.over(database), outside=world)
    other.library = copy.copy(world.library)
    other.start("")
    other.desk.upkeep.rule_review.load()
    return other


@pytest.fixture
def processes(world):
    """Two processes whose new files are in force, and that have judged by them."""
    others = []

    def adopt(**files):
        restart(world, **files)
        change = the_change(world)
        world.approve(change, "elsie")
        world.work()
        assert len(adoptions(world)) == 2
        other = beside(world)
        others.append(other)
        return other, change

    yield adopt
    for other in others:
        other.store.database.close()


def take_back(world: World, change) -> None:
    by = request(change.id, principal("elsie"), world.seen(world.case(change)))
    world.desk.decisions.undo(by, note="too soon")
    world.work()
    first, *_, last = adoptions(world)
    assert last.checksum == first.checksum


def met_version(world: World) -> int:
    return world.store.desk_controls.latest().version


def test_a_case_is_judged_by_the_rules_that_another_process_has_just_put_back(world, processes):
    other, change = processes(rules=limited(2000))
    assert ruling(order(other, 800, "product:1")) is Ruling.ASK
    take_back(world, change)
    case_id = other.receive(other.signal("product:2")).case_id
    # It has read nothing of that.
    assert met_version(other) < met_version(world)
    other.work()
    assert ruling(other.store.cases.case(case_id)) is Ruling.REFUSE
    assert met_version(other) == met_version(world)


def test_nothing_runs_alone_by_rules_that_were_taken_back(world, processes):
    limits = {
        **policy().actions,
        "house.order_stock": ActionLimit(per_plan=Decimal(500), alone=True),
    }
    other, change = processes(
        rules=policy(actions=limits, medium_above=Decimal(1000)),
        book=playbook(terms=PlaybookTerms(stage=Stage.AUTONOMOUS)),
    )
    assert ruling(order(other, 10, "product:1")) is Ruling.AUTO_APPROVE
    effects = len(world.house.effects)
    take_back(world, change)
    case = order(other, 10, "product:2")
    assert (ruling(case), case.state) == (Ruling.ASK, State.PROPOSED)
    assert len(world.house.effects) == effects


def test_rules_that_change_while_a_case_is_judged_have_it_judged_again(world, processes):
    other, change = processes(rules=limited(2000))
    case_id = other.receive(other.signal("product:1")).case_id
    world.house.amount = Decimal(800)
    (message,) = other.store.outbox.claim(list(other.lane.topics), 1, other.clock(), 30)
    judge, looks = other.desk.triage.look_at, []

    def look_then_take_back(case, now):
        decision = judge(case, now)
        looks.append(decision.case.proposal.verdict.ruling)
        if len(looks) == 1:
            take_back(world, change)
        return decision

    object.__setattr__(other.desk.triage, "look_at", look_then_take_back)
    other.lane.handle(message)
    assert other.store.cases.case(case_id).state is State.OPEN
    other.work()
    assert looks == [Ruling.ASK, Ruling.REFUSE]
    assert ruling(other.store.cases.case(case_id)) is Ruling.REFUSE


def test_a_press_counts_by_the_groups_that_another_process_has_just_put_back(world, processes):
    """Only the changed rules list Finn among those who decide."""
    other, change = processes(rules=limited(500, groups={"floor-managers": ("UFINN",)}))
    first, second = (order(other, 10, f"product:{number}") for number in (1, 2))
    other.approve(first, "finn")
    take_back(world, change)
    other.people.group_lists = other.desk.decisions.proposals.rules.group_lists
    with pytest.raises(NotEligible):
        other.approve(second, "finn")
    assert other.case(second).state is State.PROPOSED


def test_an_edit_is_judged_by_the_rules_that_another_process_has_just_put_back(world, processes):
    other, change = processes(rules=limited(2000))
    case = order(other, 400, "product:1")
    take_back(world, change)
    world.house.amount = Decimal(800)
    edit = request(case.id, principal("ana"), other.seen(case))
    with pytest.raises(BadRequest, match="policy does not allow it"):
        other.desk.decisions.edit(edit, {"quantity": 30})


def test_a_step_that_was_judged_before_the_rules_changed_is_judged_again(world, processes):
    """Between the look at the rules and the claim of the step other people decide again."""
    finance = TierRule((ApprovalRequirement("finance", 1),), DAY)
    other, change = processes(rules=limited(500, tiers={**policy().tiers, "low": finance}))
    case = order(other, 10, "product:1")
    other.approve(case, "carla")
    step_log, begun = other.desk.execution.executor.step_log, []
    begin = step_log.begin

    def take_back_then_begin(work, decision, **more):
        if not begun:
            begun.append(work)
            take_back(world, change)
        return begin(work, decision, **more)

    object.__setattr__(step_log, "begin", take_back_then_begin)
    effects = len(world.house.effects)
    other.work()
    assert len(begun) == 1
    assert len(world.house.effects) == effects
    # The floor managers, of whom nobody has decided, are asked.
    again = other.case(case)
    assert (again.state, "floor-managers" in again.approver_groups) == (State.PROPOSED, True)
