"""One decision on many cases: each is decided, recorded and refused on its own."""

from decimal import Decimal

import pytest

from bot.cases.entries import Rejected, RejectReason
from bot.cases.errors import BadRequest, Superseded
from bot.cases.lifecycle import State
from bot.cases.policy import RiskTier
from bot.cases.signal import UNRECOGNISED
from bot.views.case_list import GroupAct
from tests.fakes.directory import principal
from tests.world import policy

ANA, FINN = map(principal, ("ana", "finn"))
CHANNEL = "channel:C0STOCK"
REASON = RejectReason.WRONG_PLAN


def raise_cases(world, count, **changes):
    receipts = [
        world.receive(world.signal(f"product:{number}", **changes)) for number in range(count)
    ]
    world.work(rounds=1000)
    return [world.store.cases.case(receipt.case_id) for receipt in receipts]


def test_every_case_is_rejected_with_the_reason_and_recorded_on_its_own(small_world):
    world = small_world
    cases = raise_cases(world, 4)
    groups = world.desk.screens.group_decisions
    group = groups.preview(ANA, CHANNEL, GroupAct.REJECT)
    assert sorted(case.id for case in group.cases) == [case.id for case in cases]
    outcome = groups.reject(group, by=ANA, reason=REASON, note="one cause")
    assert (len(outcome.successes), outcome.refusals) == (4, ())
    for case in cases:
        assert world.case(case).state is State.REJECTED
        (entry,) = [
            entry
            for entry in world.store.cases.entries(case.id)
            if isinstance(entry.body, Rejected)
        ]
        assert (entry.body.note, str(entry.actor)) == ("one cause", ANA)


def test_a_group_that_has_changed_since_its_preview_is_not_decided(small_world):
    world = small_world
    cases = raise_cases(world, 3)
    groups = world.desk.screens.group_decisions
    group = groups.preview(ANA, CHANNEL, GroupAct.REJECT)
    case_ids = [case.id for case in group.cases]
    raise_more = world.receive(world.signal("product:99")).case_id
    world.work(rounds=1000)
    # One more case on the list changes nothing: it is not in the group.
    found = groups.find(ANA, GroupAct.REJECT, case_ids=case_ids, checksum=group.checksum)
    assert raise_more not in [case.id for case in found.cases]
    world.approve(cases[0])
    world.work(rounds=1000)
    with pytest.raises(Superseded):
        groups.find(ANA, GroupAct.REJECT, case_ids=case_ids, checksum=group.checksum)
    assert world.case(cases[1]).state is State.PROPOSED


def test_only_low_risk_plans_are_approved_together(small_world):
    world = small_world
    (low,) = raise_cases(world, 1)
    world.library.rules = policy(medium_above=Decimal(0), high_above=Decimal(1000))
    medium = world.store.cases.case(world.receive(world.signal("product:50")).case_id)
    world.work(rounds=1000)
    world.library.rules = policy()
    assert world.case(medium).proposal.verdict.tier is RiskTier.MEDIUM
    groups = world.desk.screens.group_decisions
    group = groups.preview(ANA, CHANNEL, GroupAct.APPROVE)
    assert [case.id for case in group.cases] == [low.id]
    outcome = groups.approve(group, by=ANA, note="all are right")
    world.work(rounds=1000)
    assert outcome.successes == (low.id,)
    assert world.case(low).state is State.RESOLVED
    # Nor by a forged form.
    with pytest.raises(Superseded):
        groups.find(ANA, GroupAct.APPROVE, case_ids=[medium.id], checksum="0" * 64)


def test_whoever_may_not_decide_is_refused_case_by_case(small_world):
    world = small_world
    cases = raise_cases(world, 2)
    groups = world.desk.screens.group_decisions
    group = groups.preview(FINN, CHANNEL, GroupAct.REJECT)
    outcome = groups.reject(group, by=FINN, reason=REASON, note="no")
    assert outcome.successes == ()
    assert sorted(case_id for case_id, _ in outcome.refusals) == [case.id for case in cases]


def test_unrecognised_cases_are_named_together(small_world):
    world = small_world
    cases = raise_cases(world, 3, kind=UNRECOGNISED)
    groups = world.desk.screens.group_decisions
    group = groups.preview(ANA, "channel:C0OPS", GroupAct.NAME_KIND)
    outcome = groups.name_kind(group, by=ANA, kind="low_stock")
    assert outcome.refusals == ()
    world.work(rounds=1000)
    assert {world.case(case).kind for case in cases} == {"low_stock"}


def test_a_list_without_such_cases_says_so(small_world):
    raise_cases(small_world, 1)
    with pytest.raises(BadRequest, match="open them one by one"):
        small_world.desk.screens.group_decisions.preview(ANA, CHANNEL, GroupAct.NAME_KIND)
