"""An approval of the next few plans like one: given, spent, and over."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from bot.cases.case import Case
from bot.cases.grant import Grant
from bot.cases.granting import GrantTerms
from bot.cases.lifecycle import State
from tests.fakes.directory import principal
from tests.world import World, policy, request

ORDER = "house.order_stock"
HOUR = timedelta(hours=1)


@pytest.fixture
def world(world) -> World:
    prepare(world)
    return world


def prepare(world: World) -> None:
    """Let such orders be of low risk."""
    world.house.undo_for = timedelta(days=1)
    world.house.rows = [{**world.house.rows[0], "at_risk": 10}]
    world.library.rules = policy(medium_above=Decimal(1000))


def raised(world: World, number: int, **changes) -> Case:
    case_id = world.receive(world.signal(f"product:{number}", **changes)).case_id
    world.work()
    return world.store.cases.case(case_id)


def terms(world: World, **changes) -> GrantTerms:
    base = GrantTerms(count=3, amount=Decimal(1000), until=world.clock() + 4 * HOUR)
    return replace(base, **changes)


def give(world: World, by: str = "ana", **changes) -> tuple[Case, Grant]:
    case = raised(world, 100)
    asked = request(case.id, principal(by), world.seen(case))
    grant = world.desk.decisions.approve_next(asked, terms(world, **changes))
    world.work()
    return world.case(case), grant


def grants(world: World) -> tuple[Grant, ...]:
    return world.store.desk_controls.load().grants


def test_the_next_ones_like_it_run_without_a_press_until_it_is_used_up(world):
    first, grant = give(world)
    assert first.state is State.RESOLVED
    assert first.grant_id == ""
    assert grant.id == f"{first.id}/1"
    for number in range(3):
        case = raised(world, number)
        assert (case.state, case.grant_id) == (State.RESOLVED, grant.id)
        (approval,) = case.proposal.approvals
        assert (approval.person, approval.name) == (principal("ana"), "Ana")
        assert not case.was_auto_approved
        (meter,) = world.desk.controls.grants()
        assert (meter.use.count, meter.grant.max_count) == (number + 1, 3)
    case = raised(world, 9)
    assert (case.state, case.grant_id, case.generation) == (State.PROPOSED, "", 1)
