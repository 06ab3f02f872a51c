"""An approval of the next few plans like one: given, spent, and over."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from bot.cases.actor import Surface
from bot.cases.agreement import score_of
from bot.cases.approval import ApprovalRequirement
from bot.cases.case import Case
from bot.cases.commands import WakeEarly, Withdraw
from bot.cases.control_commands import EndGrants
from bot.cases.control_decisions import decide_controls
from bot.cases.errors import BadRequest, NotEligible, TooLate
from bot.cases.grant import Grant
from bot.cases.granting import GrantTerms
from bot.cases.lifecycle import State
from bot.cases.policy import PlaybookTerms
from bot.ports.outbox import Topic
from tests.fakes.directory import principal
from tests.world import World, playbook, policy, request

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


def test_the_sum_bounds_it_too_and_the_meter_counts_it(world):
    _, grant = give(world, amount=Decimal(250))
    states = [raised(world, number).state for number in range(3)]
    assert states == [State.RESOLVED, State.RESOLVED, State.PROPOSED]
    (meter,) = world.desk.controls.grants()
    assert (meter.use.count, meter.use.amount) == (2, Decimal(200))
    assert meter.grant == grant


def test_it_is_over_when_its_time_is(world):
    give(world)
    world.clock.at += 4 * HOUR
    assert raised(world, 1).state is State.PROPOSED
    assert world.desk.controls.grants() == ()


def test_what_is_larger_than_what_was_approved_asks(world):
    give(world)
    world.house.rows = [{**world.house.rows[0], "quantity": 25}]
    assert raised(world, 1).state is State.PROPOSED
    world.house.rows = [{**world.house.rows[0], "quantity": 23}]
    assert raised(world, 2).state is State.RESOLVED


def test_another_target_asks_where_it_was_bound_to_one(world):
    give(world, is_for_target=True)
    assert raised(world, 1).state is State.RESOLVED
    assert raised(world, 2, facts={"product_id": 2}).state is State.PROPOSED


def test_the_giver_does_not_approve_what_they_raise(world):
    give(world)
    assert raised(world, 1, requester=principal("ana")).state is State.PROPOSED
    assert raised(world, 2).state is State.RESOLVED


def test_what_was_asked_before_is_not_approved_in_advance(world):
    early = raised(world, 1)
    give(world)
    asked = request(early.id, principal("omar"), world.seen(early))
    world.desk.decisions.snooze(asked, until=world.clock() + HOUR, reason="later")
    world.desk.decisions.decide(replace(asked, snapshot=world.seen(early)), WakeEarly)
    world.work()
    assert (world.case(early).state, world.case(early).grant_id) == (State.PROPOSED, "")


# --- the meter on the card --------------------------------------------------------------------


def meter_on_card(world: World, case: Case) -> tuple[int, Decimal] | None:
    """What the card that was drawn last says."""
    meter = world.chat.looks[case.id].grant_meter
    return (meter.use.count, meter.use.amount) if meter else None


def test_the_card_of_the_first_counts_the_next_ones(world):
    first, _ = give(world)
    assert meter_on_card(world, first) == (0, 0)
    for number in range(3):
        raised(world, number)
        assert meter_on_card(world, first) == (number + 1, 100 * (number + 1))


def test_one_that_begins_while_the_meter_is_drawn_is_counted_too(world, monkeypatch):
    first, _ = give(world)
    late = in_hand(world, 1)
    (message,) = world.store.outbox.claim([Topic.EXECUTE], 9, world.clock(), 60)
    draw = world.chat.draw_card

    def draw_slowly(case, cards, **rest):
        card = draw(case, cards, **rest)
        if case.id == first.id and world.case(late).state is State.APPROVED:
            world.lane.handle(message)
        return card

    monkeypatch.setattr(world.chat, "draw_card", draw_slowly)
    raised(world, 2)
    world.work()
    assert world.case(late).state is State.RESOLVED
    assert meter_on_card(world, first) == (2, 200)


@pytest.mark.parametrize("is_stopped", [True, False])
def test_the_meter_goes_from_the_card_with_whatever_ends_it(world, is_stopped):
    other = world.approve(raised(world, 1), "ana")
    world.work()
    first, _ = give(world)
    assert meter_on_card(world, first) == (0, 0)
    if is_stopped:
        stop(world)
    else:
        take_back(world, world.case(other))
    assert f"card:{first.id}" in world.store.outbox.waiting_keys(Topic.CARD, first.id)
    world.work()
    assert meter_on_card(world, first) is None


# --- what changes under it ----------------------------------------------------------------------


def change_policy(world: World) -> None:
    world.library.rules = policy(medium_above=Decimal(1000), largest_scope=4)


def change_playbook(world: World) -> None:
    world.library.book = playbook(checksum="1" * 64)


def put_on_the_never_alone_list(world: World) -> None:
    world.library.rules = policy(medium_above=Decimal(1000), never_alone=(ORDER,))


def stop(world: World, by: str = "omar") -> None:
    (grant,) = grants(world)
    world.desk.controls.stop_grant(grant.id, by=principal(by), surface=Surface.SLACK)


def let_its_time_pass(world: World) -> None:
    world.clock.at += 4 * HOUR


def let_the_giver_leave(world: World) -> None:
    world.people.change("ana", active=False)


def move_the_giver(world: World) -> None:
    world.people.members["floor-managers"] = {"omar"}


MEDDLING = [change_policy, change_playbook, put_on_the_never_alone_list, stop, let_its_time_pass]


@pytest.mark.parametrize("meddle", MEDDLING)
def test_the_next_one_asks_after(world, meddle):
    give(world)
    meddle(world)
    assert raised(world, 1).state is State.PROPOSED


def in_hand(world: World, number: int) -> Case:
    """A case that is approved in advance, and not begun yet."""
    case_id = world.receive(world.signal(f"product:{number}")).case_id
    while world.store.cases.case(case_id).state is State.OPEN:
        world.work(rounds=1)
    case = world.store.cases.case(case_id)
    assert (case.state, bool(case.grant_id)) == (State.APPROVED, True)
    return case


@pytest.mark.parametrize("meddle", [*MEDDLING, let_the_giver_leave, move_the_giver])
def test_one_that_has_not_begun_asks_after(world, meddle):
    give(world)
    effects = len(world.house.effects)
    case = in_hand(world, 1)
    meddle(world)
    world.work()
    assert (world.case(case).state, world.case(case).grant_id) == (State.PROPOSED, "")
    assert len(world.house.effects) == effects


def test_whoever_claims_after_it_is_used_up_asks(world):
    give(world, count=1)
    cases = [in_hand(world, number) for number in range(2)]
    world.work()
    states = sorted(str(world.case(case).state) for case in cases)
    assert states == sorted(map(str, [State.RESOLVED, State.PROPOSED]))
    (asked,) = [case for case in cases if world.case(case).state is State.PROPOSED]
    assert "used up" in str([entry.body for entry in world.store.cases.entries(asked.id)])


def test_what_the_system_refused_uses_up_nothing(world):
    give(world, count=1)
    world.house.faults["execute"] = ["refuse"]
    assert raised(world, 1).state is not State.RESOLVED
    # It has ended, too: the next one asks.
    assert grants(world) == ()
    assert raised(world, 2).state is State.PROPOSED


# --- the end ------------------------------------------------------------------------------------


def take_back(world: World, case: Case) -> None:
    asked = request(case.id, principal("omar"), world.seen(case))
    world.desk.decisions.undo(asked, note="the wrong shop")


@pytest.mark.parametrize("is_first", [True, False])
def test_a_bad_outcome_ends_it_in_the_same_transaction(world, is_first):
    first, grant = give(world)
    case = raised(world, 1)
    take_back(world, first if is_first else case)
    assert grants(world) == ()
    last = world.store.desk_controls.load().version
    assert last == int(grant.id.rpartition("/")[2]) + 1
    world.work()
    assert raised(world, 2).state is State.PROPOSED


def test_a_bad_outcome_of_another_action_leaves_it(world):
    _, grant = give(world)
    controls = world.store.desk_controls.load()
    command = EndGrants(kind=grant.kind, action="house.give_notice", reason="x", on_case="EX-1")
    assert decide_controls(controls, command, world.clock()).entries == ()


def test_only_those_who_decide_may_stop_it(world):
    give(world)
    world.people.members["nobody"] = {"finn"}
    with pytest.raises(NotEligible):
        stop(world, by="finn")
    stop(world, by="ben")
    with pytest.raises(ValueError, match="not enough values"):
        stop(world)


def test_the_giver_may_withdraw_what_has_not_begun(world):
    give(world)
    case = in_hand(world, 1)
    world.desk.decisions.decide(request(case.id, principal("ana"), world.seen(case)), Withdraw)
    world.work()
    assert (world.case(case).state, world.case(case).grant_id) == (State.PROPOSED, "")


# --- who may give one ---------------------------------------------------------------------------


def refused(world: World, refusal: type[Exception], by: str = "ana", **changes) -> str:
    """Nothing is approved when the grant cannot be given."""
    case = raised(world, 100)
    asked = request(case.id, principal(by), world.seen(case))
    with pytest.raises(refusal) as failure:
        world.desk.decisions.approve_next(asked, terms(world, **changes))
    world.work()
    assert world.case(case).state is State.PROPOSED
    assert grants(world) == ()
    assert world.entry_names(case)[-1] == "attempt.refused"
    return str(failure.value)


@pytest.mark.parametrize(
    "changes",
    [
        {"count": 0},
        {"count": 21},
        {"amount": None},
        {"amount": Decimal(0)},
        {"amount": Decimal("2500.01")},
        {"until": timedelta(0)},
        {"until": timedelta(hours=12, seconds=1)},
    ],
    ids=str,
)
def test_terms_beyond_the_givers_own_limits_are_refused(world, changes):
    if "until" in changes:
        changes = {"until": world.clock() + changes["until"]}
    refused(world, BadRequest, **changes)


def test_high_risk_is_never_approved_in_advance(world):
    world.house.amount = Decimal(5000)
    assert "high-risk" in refused(world, NotEligible, by="ben")


def test_what_needs_two_people_is_not_either(world):
    factors = (ApprovalRequirement("floor-managers", 2),)
    world.library.book = playbook(terms=PlaybookTerms(factors=factors))
    assert "more than one person" in refused(world, NotEligible)


def test_what_is_never_alone_is_not_either(world):
    put_on_the_never_alone_list(world)
    refused(world, NotEligible)


def test_nobody_gives_one_who_may_not_approve(world):
    refused(world, NotEligible, by="carla")


def test_who_stands_in_for_somebody_gives_none(world):
    world.desk.controls.delegate(
        by=principal("ana"),
        to=principal("finn"),
        kind="",
        begins_at=world.clock(),
        ends_at=world.clock() + HOUR,
        surface=Surface.SLACK,
    )
    case = raised(world, 100)
    asked = request(case.id, principal("finn"), world.seen(case))
    with pytest.raises(NotEligible, match="stands in"):
        world.desk.decisions.approve_next(asked, terms(world))


def test_one_at_a_time(world):
    give(world, is_for_target=True)
    case = raised(world, 7, facts={"product_id": 7})
    asked = request(case.id, principal("ana"), world.seen(case))
    with pytest.raises(TooLate, match="stop that first"):
        world.desk.decisions.approve_next(asked, terms(world))
    assert world.case(case).state is State.PROPOSED


def test_what_it_approved_shows_nothing_of_agreement(world):
    give(world)
    case = raised(world, 1)
    (score,) = score_of(case)
    assert not score.is_comparable
    assert not score.is_alone
