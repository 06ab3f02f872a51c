"""What is approved in advance: never overdrawn, in whatever order it is used, refunded and ended."""

from dataclasses import dataclass, field, replace
from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.cases.actor import Surface
from bot.cases.caller import Caller
from bot.cases.control_commands import EndGrants, GiveGrant, StopGrant
from bot.cases.control_decisions import decide_controls
from bot.cases.controls import DeskControls
from bot.cases.errors import NoLongerAlone, NotEligible
from bot.cases.grant import Grant, GrantUse, giving_case
from bot.cases.granting import has_room, live_grants, may_stop, must_still_be_granted
from bot.cases.plan import Money
from bot.cases.usage import Usage, UsedActions
from tests.cases.making import ANA, BEN, CARLA, NOW, action, caller, plan

MINUTE = timedelta(minutes=1)
LIFETIME = 60 * MINUTE


def grant(**changes) -> Grant:
    base = Grant(
        id="EX-1/1",
        giver=ANA.id,
        giver_name="Ana",
        kind="low_stock",
        action="house.order_stock",
        group="floor-managers",
        max_count=3,
        max_amount=Money(Decimal(600), "GBP"),
        until=NOW + LIFETIME,
        parameters=("quantity",),
        limits={"quantity": 24},
        policy_digest="p" * 64,
        playbook_digest="0" * 64,
        on_case="EX-1",
        on_revision=1,
    )
    return replace(base, **changes)


# --- never overdrawn ------------------------------------------------------------------------------


@dataclass
class Ledger:
    """The desk's controls, and the steps that were begun under the grant."""

    controls: DeskControls
    now: object = NOW
    begun: list[Decimal] = field(default_factory=list)
    has_ended: bool = False

    def begin(self, amount: Decimal, **changes) -> bool:
        """Begin a step by the rule that the transaction of its claim asks."""
        money = {"amount": amount, **changes}
        rows = [
            UsedActions(action="house.order_stock", times=1, amount=spent, grant_id="EX-1/1")
            for spent in self.begun
        ]
        # What others have done counts against no grant.
        rows.append(UsedActions(action="house.order_stock", times=9, amount=Decimal(9000)))
        try:
            must_still_be_granted(
                plan(actions=(action(**money),)),
                "EX-1/1",
                controls=self.controls,
                usage=Usage(tuple(rows)),
                policy_digest="p" * 64,
                playbook_digest="0" * 64,
                now=self.now,
            )
        except NoLongerAlone:
            return False
        self.begun.append(amount)
        return True

    def decide(self, command) -> None:
        decision = decide_controls(self.controls, command, self.now)
        self.controls = decision.controls


AMOUNTS = st.decimals(min_value="0.01", max_value=400, places=2)
BEGINNING = st.tuples(st.just("begin"), AMOUNTS)
EVENTS = st.one_of(
    # Most of what happens, so that most examples reach the bounds.
    BEGINNING,
    BEGINNING,
    BEGINNING,
    st.tuples(st.just("begin"), st.just(Decimal("0.01"))),
    st.tuples(st.just("refund"), st.integers(0, 5)),
    st.tuples(st.just("wait"), st.integers(0, 40)),
    st.tuples(st.just("stop"), st.none()),
    st.tuples(st.just("bad outcome"), st.none()),
)


@given(
    st.lists(EVENTS, max_size=30),
    st.integers(1, 4),
    st.decimals(min_value=1, max_value=2000, places=2),
)
def test_no_order_of_events_overdraws_it_in_number_sum_or_time(events, count, amount):
    terms = grant(id="", max_count=count, max_amount=Money(amount, "GBP"))
    giver = caller(ANA, deciders=frozenset({ANA.id}))
    ledger = Ledger(decide_controls(DeskControls(), GiveGrant(giver, terms), NOW).controls)
    (given_grant,) = ledger.controls.grants
    assert given_grant.id == "EX-1/1"
    for event, value in events:
        match event:
            case "begin":
                has_begun = ledger.begin(value)
                # It refuses only for a reason.
                use = GrantUse(len(ledger.begun) - has_begun, sum(ledger.begun) - has_begun * value)
                fits = use.count < count and use.amount + value <= amount
                is_in_time = ledger.now < given_grant.until and not ledger.has_ended
                assert has_begun is (fits and is_in_time)
            case "refund" if ledger.begun:
                ledger.begun.pop(value % len(ledger.begun))
            case "wait":
                ledger.now += value * MINUTE
            case "stop" if live_grants(ledger.controls, ledger.now):
                ledger.decide(StopGrant(giver, "EX-1/1"))
                ledger.has_ended = True
            case "bad outcome":
                is_live = bool(live_grants(ledger.controls, ledger.now))
                ledger.decide(
                    EndGrants(
                        kind="low_stock", action="house.order_stock", reason="x", on_case="EX-9"
                    )
                )
                ledger.has_ended |= is_live
        assert len(ledger.begun) <= count
        assert sum(ledger.begun) <= amount


@pytest.mark.parametrize(
    "changes",
    [
        {"name": "house.give_notice"},
        {"parameters": {"quantity": 25}},
        {"parameters": {"quantity": "24"}},
        {"parameters": {"quantity": True}},
        {"parameters": {"quantity": 24, "rush": 1}},
        {"parameters": {}},
        {"currency": "EUR"},
        {"amount": None},
    ],
    ids=str,
)
def test_what_is_not_like_it_never_begins_by_it(changes):
    ledger = Ledger(DeskControls(version=1, grants=(grant(),)))
    assert not ledger.begin(changes.pop("amount", Decimal(1)), **changes)
    assert ledger.begin(Decimal(1))


@pytest.mark.parametrize("digest", ["policy_digest", "playbook_digest"])
def test_other_rules_end_it(digest):
    digests = {"policy_digest": "p" * 64, "playbook_digest": "0" * 64, digest: "f" * 64}
    with pytest.raises(NoLongerAlone, match="has changed"):
        must_still_be_granted(
            plan(),
            "EX-1/1",
            controls=DeskControls(version=1, grants=(grant(),)),
            usage=Usage(),
            now=NOW,
            **digests,
        )


@given(st.lists(AMOUNTS, max_size=20))
def test_a_sum_that_is_used_up_to_the_penny_is_not_over_it(amounts):
    """SQLite adds up in binary: the sum of a grant is that of its decimals."""
    total = sum(amounts, Decimal(0))
    rows = tuple(
        # As the store reads them: each through a float.
        UsedActions(action="a", times=1, amount=Decimal(str(float(one))), grant_id="EX-1/1")
        for one in amounts
    )
    use = Usage(rows).of_grant("EX-1/1")
    assert (use.count, use.amount) == (len(amounts), total)
    last = plan(actions=(action(amount=Decimal("0.01")),))
    exact = grant(max_count=99, max_amount=Money(total + Decimal("0.01"), "GBP"))
    assert has_room(exact, last, use)
    assert not has_room(replace(exact, max_amount=Money(total, "GBP")), last, use)


# --- who may stop it ------------------------------------------------------------------------------


def test_an_operator_and_every_colleague_who_decides_may_stop_it():
    decider = caller(BEN, deciders=frozenset({BEN.id}))
    assert may_stop(Caller.operator("olga"), grant())
    assert may_stop(caller(ANA), grant())
    assert may_stop(decider, grant())
    assert may_stop(caller(CARLA, governors=frozenset({CARLA.id})), grant())
    assert not may_stop(caller(CARLA), grant())
    assert not may_stop(replace(decider, person=replace(BEN, active=False)), grant())


def test_whoever_may_not_stop_it_changes_nothing():
    controls = DeskControls(version=1, grants=(grant(),))
    with pytest.raises(NotEligible):
        decide_controls(controls, StopGrant(caller(CARLA), "EX-1/1"), NOW)
    operator = Caller.operator("olga")
    (entry,) = decide_controls(controls, StopGrant(operator, "EX-1/1"), NOW).entries
    assert (entry.body.by_name, entry.surface) == ("olga", Surface.COMMAND_LINE)


def test_the_live_ones_are_found_by_the_case_that_they_came_with():
    grants = (grant(), grant(id="EX-2/2", on_case="EX-2"), grant(id="EX-3/3", until=NOW))
    controls = DeskControls(version=3, grants=grants)
    assert live_grants(controls, NOW) == list(grants[:2])
    assert live_grants(controls, NOW, on_case="EX-2") == [grants[1]]
    assert live_grants(controls, NOW, on_case="EX-3") == []
    assert giving_case("EX-2/2") == "EX-2"
