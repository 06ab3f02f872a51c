"""The cards of an earlier release are drawn again at the first start of this one: their buttons do nothing any more."""

from datetime import timedelta
from decimal import Decimal

import pytest
import sqlalchemy as sa

from bot.audit.replay import replay
from bot.cases.actor import Surface
from bot.cases.commands import Claim
from bot.cases.entries import RejectReason
from bot.cases.errors import ChatFailed
from bot.cases.lifecycle import State
from bot.cases.missing_approvals import MissingApprovals
from bot.ports.card_store import CARD_FORMAT
from bot.ports.outbox import Topic
from bot.store import tables
from tests.fakes.directory import principal
from tests.world import policy, request

pytestmark = pytest.mark.threat("A1")


def drawn_earlier(world, look="", *, generation=1):
    """Make every first card of a case one that an earlier release drew."""
    statement = (
        sa.update(tables.cards).where(tables.cards.c.generation == generation).values(look=look)
    )
    world.store.database.write(
        lambda unit: unit.connection.execute(statement) and None, appends=False
    )


def another(world, subject):
    case_id = world.receive(world.signal(subject)).case_id
    world.work()
    return world.store.cases.case(case_id)


def test_what_can_be_pressed_is_drawn_again_once_and_nothing_else(world):
    world.house.undo_for = timedelta(minutes=30)
    waiting, rejected_case, resolved_case = (
        another(world, f"product:{number}") for number in (1, 2, 3)
    )
    view = world.seen(rejected_case)
    world.desk.decisions.reject(
        request(rejected_case.id, principal("ana"), view), reason=RejectReason.DUPLICATE
    )
    world.approve(resolved_case)
    world.work()
    assert world.case(resolved_case).state is State.RESOLVED
    assert world.desk.screens.cards.renew() == 0
    drawn_earlier(world, "undoable")
    before = {uid: len(drawings) for uid, drawings in world.chat.cards.items()}
    assert world.desk.screens.cards.renew() == 2
    world.work()
    after = {uid: len(drawings) for uid, drawings in world.chat.cards.items()}
    assert {uid for uid in after if after[uid] > before[uid]} == {
        f"{waiting.id}/1",
        f"{resolved_case.id}/1",
    }
    assert world.store.cards.cards(waiting.id)[0].look == CARD_FORMAT
    assert world.store.cards.cards(resolved_case.id)[0].look == f"{CARD_FORMAT} undoable"
    assert world.desk.screens.cards.renew() == 0


def test_a_card_that_is_drawn_after_the_time_to_decide_marks_its_facts(world):
    case = another(world, "product:1")
    assert world.chat.looks[case.id].stale_facts == ()
    world.clock.forward(hours=5)
    ana = request(case.id, principal("ana"), world.seen(case))
    world.desk.decisions.decide(ana, Claim)
    world.work()
    assert "stock.on_hand" in world.chat.looks[case.id].stale_facts


def test_the_card_names_whoever_edited_the_plan_last(world):
    case = another(world, "product:1")
    for name, quantity in (("omar", 12), ("ana", 18)):
        edit = request(case.id, principal(name), world.seen(case))
        world.desk.decisions.edit(edit, {"quantity": quantity})
        world.work()
        assert world.chat.looks[case.id].edited_by == name.capitalize()


def test_the_card_names_whoever_handed_the_case_over(world):
    case = another(world, "product:1")
    seen = world.seen(case)
    ben = principal("ben")
    world.desk.decisions.hand_over(
        request(case.id, principal("ana"), seen), to=ben, progress="counted", remains="the rest"
    )
    world.work()
    assert world.chat.looks[case.id].handed_over_by == "Ana"
    world.desk.decisions.hand_over(
        request(case.id, ben, seen), to=principal("carla"), progress="counted", remains="the rest"
    )
    world.work()
    assert world.chat.looks[case.id].handed_over_by == "Ben"


def test_after_the_first_approval_the_card_knows_whose_is_missing(world):
    world.library.rules = policy(high_above=Decimal(50))
    case = another(world, "product:1")
    assert world.chat.looks[case.id].missing_approvals is None
    world.approve(case, "ben", note="it is right")
    world.work()
    assert world.chat.looks[case.id].missing_approvals == MissingApprovals(1, ("finance",))
    assert world.desk.decisions.missing_approvals(world.case(case)).groups == ("finance",)

    def fail(*_, **__):
        raise ChatFailed("internal_error")

    world.people.groups = fail
    assert world.desk.decisions.missing_approvals(world.case(case)) is None


def test_only_the_newest_card_of_a_case_counts(world):
    case = another(world, "product:1")
    world.house.facts["on_hand"] = 30
    world.approve(case)
    world.work()
    assert world.case(case).generation == 2
    drawn_earlier(world)
    assert [card.look for card in world.store.cards.cards(case.id)] == [CARD_FORMAT, ""]
    assert world.desk.screens.cards.renew() == 0
    drawn_earlier(world, generation=2)
    assert world.desk.screens.cards.renew() == 1


def test_a_case_that_ends_is_not_drawn_again_when_its_window_has_closed(world):
    world.house.undo_for = timedelta(minutes=30)
    case = another(world, "product:1")
    world.approve(case)
    world.work()
    drawn_earlier(world)
    world.clock.forward(minutes=31)
    assert world.desk.screens.cards.renew() == 0


def drawings(world, case):
    return world.chat.cards[f"{case.id}/{case.generation}"]


def test_a_card_whose_plan_is_carried_out_at_once_is_drawn_once(world):
    case = another(world, "product:1")
    before = len(drawings(world, case))
    world.approve(case)
    world.work()
    assert [drawn.state for drawn in drawings(world, case)[before:]] == [State.RESOLVED]
    world.clock.forward(seconds=2)
    world.work()
    assert len(drawings(world, case)) == before + 1


def test_a_plan_that_takes_longer_than_a_second_is_shown_being_carried_out(world):
    case = another(world, "product:1")
    before = len(drawings(world, case))
    (execution,) = approve_and_claim_execution(world, case)
    world.work()
    assert len(drawings(world, case)) == before
    world.clock.forward(seconds=1)
    world.work()
    assert [drawn.state for drawn in drawings(world, case)[before:]] == [State.APPROVED]
    world.lane.handle(execution)
    world.work()
    assert drawings(world, case)[-1].state is State.RESOLVED


def approve_and_claim_execution(world, case):
    world.approve(case)
    return world.store.outbox.claim([Topic.EXECUTE], 1, world.clock(), 30.0)


def test_an_approved_plan_that_is_paused_says_so_after_a_second(world):
    case = another(world, "product:1")
    ana = principal("ana")
    world.approve(case)
    world.desk.controls.pause("", by=ana, reason="stocktaking", surface=Surface.SLACK)
    world.work()
    world.clock.forward(seconds=1)
    world.work()
    assert "stocktaking" in world.chat.looks[case.id].pause_reason


def test_a_card_says_why_nobody_can_approve_it_until_somebody_can(world):
    floor = world.people.members.pop("floor-managers")
    case = another(world, "product:1")
    assert world.chat.looks[case.id].why_nobody == (
        "the group floor-managers does not exist in this workspace; name its people under groups:"
        " in policy.yml"
    )
    assert world.store.cards.cards(case.id)[0].look == f"{CARD_FORMAT} nobody"
    assert replay(world.store.database).differences == ()
    world.people.members["floor-managers"] = floor
    assert world.desk.screens.cards.renew() == 1
    world.work()
    assert world.chat.looks[case.id].why_nobody == ""
    assert world.desk.screens.cards.renew() == 0
