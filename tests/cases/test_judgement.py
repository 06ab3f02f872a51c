"""What policy never lets run alone, whatever else it says; and each limit for itself."""

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.cases.alone_hours import AloneHours
from bot.cases.approval import ApprovalRequirement
from bot.cases.autonomy_rule import AutonomyRule
from bot.cases.circumstances import Circumstances
from bot.cases.judgement import judge
from bot.cases.parameter_limits import ParameterLimit
from bot.cases.plan import Idempotency, Money, Proposer
from bot.cases.policy import (
    ActionLimit,
    PlaybookTerms,
    Policy,
    RiskTier,
    Stage,
    WindowLimit,
)
from bot.cases.policy_rules import PolicyRule, RuleEffect
from bot.cases.usage import Usage, UsedActions
from bot.cases.verdict import Ruling
from knowledge.library import load
from tests.cases.making import action, plan
from tests.world import policy

DAY, WEEK = timedelta(days=1), timedelta(days=7)
NAMES = ("house.order_stock", "house.open_claim")
OMAR = "T1/UOMAR"
THURSDAY = datetime(2026, 11, 26, 10, 0)
HERE = Circumstances(
    kind="low_stock",
    local_at=THURSDAY,
    source="house",
    channel="C0STOCK",
    stake=Money(Decimal(90), "GBP"),
    facts={"stock": {"on_hand": 2}},
)
ALONE = PlaybookTerms(stage=Stage.AUTONOMOUS)
#: How free a ruling leaves the plan.
FREEDOM = {Ruling.REFUSE: 0, Ruling.ASK: 1, Ruling.AUTO_APPROVE: 2}


def rule(when: str, effect: RuleEffect = RuleEffect.ASK, **more) -> PolicyRule:
    return PolicyRule(when=when, effect=effect, because="because of it", **more)


def alone(**limits) -> Policy:
    return policy(actions={name: ActionLimit(alone=True, **limits) for name in NAMES})


def ruling(rules: Policy, usage: Usage = Usage(), *, terms=ALONE, here=HERE, **changes):
    return judge(plan(**changes), terms, rules, usage, circumstances=here)


# --- what people write ----------------------------------------------------------------------------


SOME = st.none() | st.integers(0, 6)
SOME_AMOUNT = st.none() | st.integers(0, 600).map(Decimal)
WINDOW_LIMITS = st.builds(
    WindowLimit,
    window=st.sampled_from([timedelta(hours=1), WEEK]),
    amount=SOME_AMOUNT,
    times=st.integers(0, 6),
    amount_per_target=SOME_AMOUNT,
    times_per_target=SOME,
    amount_per_requester=SOME_AMOUNT,
    times_per_requester=SOME,
)
LIMITS = st.builds(
    ActionLimit,
    per_plan=SOME_AMOUNT,
    amount_per_day=SOME_AMOUNT,
    times_per_day=SOME,
    times_per_target_per_day=SOME,
    alone=st.booleans(),
    over=st.lists(WINDOW_LIMITS, max_size=2).map(tuple),
    parameters=st.sampled_from([{}, {"quantity": ParameterLimit(max=Decimal(30))}]),
)
CONDITIONS = st.sampled_from(
    [
        "plan.amount > 100.0",
        "case.kind == 'low_stock'",
        "time.hour >= 18",
        "facts.stock.on_hand < 3",
        "facts.none.such > 1",
        "used.target_amount > 200.0",
        "action.name == 'house.open_claim'",
    ]
)
RULES = st.builds(
    PolicyRule,
    when=CONDITIONS,
    effect=st.sampled_from(RuleEffect),
    because=st.just("so it is written"),
)
POLICIES = st.builds(
    policy,
    medium_above=st.integers(0, 300).map(Decimal),
    high_above=st.integers(300, 900).map(Decimal),
    actions=st.fixed_dictionaries(dict.fromkeys(NAMES, LIMITS)),
    window=st.sampled_from([None, DAY, WEEK]),
    hours=st.sampled_from([None, AloneHours("09:00-17:00"), AloneHours("17:00-09:00")]),
    never_alone=st.sampled_from([(), ("low_stock",), ("house.open_claim",), NAMES]),
    rules=st.lists(RULES, max_size=2).map(tuple),
    currencies=st.sampled_from([{}, {"EUR": Decimal("0.85")}]),
)
ACTIONS = st.lists(
    st.builds(
        lambda name, target, amount, currency, reversible, idempotency: replace(
            action(name=name, target=target, amount=amount, currency=currency),
            reversible=reversible,
            idempotency=idempotency,
            parameters={"quantity": 24},
        ),
        st.sampled_from(NAMES),
        st.sampled_from(["a", "b"]),
        st.integers(0, 1000),
        st.sampled_from(["GBP", "GBP", "EUR", "JPY"]),
        st.booleans(),
        st.sampled_from(Idempotency),
    ),
    max_size=3,
).map(tuple)
PLANS = st.builds(
    plan,
    actions=ACTIONS,
    proposer=st.sampled_from(Proposer),
    requester=st.sampled_from([None, OMAR]),
)
USAGES = st.lists(
    st.builds(
        UsedActions,
        action=st.sampled_from(NAMES),
        times=st.integers(1, 3),
        amount=st.integers(0, 500).map(Decimal),
        currency=st.sampled_from(["", "GBP", "EUR"]),
        target=st.sampled_from(["", "a", "b"]),
        requester=st.sampled_from(["", OMAR]),
        window=st.sampled_from([timedelta(hours=1), DAY, WEEK]),
    ),
    max_size=4,
).map(lambda rows: Usage(tuple(rows)))
TERMS = st.builds(PlaybookTerms, stage=st.sampled_from(Stage))
PLACES = st.sampled_from([None, HERE, replace(HERE, local_at=THURSDAY.replace(hour=20))])


@settings(max_examples=400)
@given(PLANS, TERMS, POLICIES, USAGES, PLACES)
def test_nothing_runs_alone_that_any_part_of_policy_objects_to(proposal, terms, rules, usage, here):
    verdict = judge(proposal, terms, rules, usage, circumstances=here)
    assert verdict.inputs is not None
    assert verdict.policy_digest == rules.checksum
    if verdict.ruling is not Ruling.AUTO_APPROVE:
        return
    names = [one.name for one in proposal.actions]
    assert verdict.tier is RiskTier.LOW
    assert terms.stage is Stage.AUTONOMOUS
    assert proposal.proposer is Proposer.PLAYBOOK
    assert all(
        one.reversible and one.idempotency is not Idempotency.NONE for one in proposal.actions
    )
    assert all(rules.actions[name].alone for name in names)
    assert not set(rules.never_alone) & {proposal.playbook, *names}
    assert verdict.inputs.rules == ()
    assert rules.hours is None or (here is not None and rules.hours.is_open(here.local_at))


@settings(max_examples=300)
@given(PLANS, POLICIES, USAGES, PLACES, st.sampled_from(Stage))
def test_never_alone_and_high_risk_have_no_stage_that_overrides_them(
    proposal, rules, usage, here, stage
):
    rules = replace(rules, never_alone=(proposal.playbook,))
    verdict = judge(proposal, PlaybookTerms(stage=stage), rules, usage, circumstances=here)
    assert verdict.ruling is not Ruling.AUTO_APPROVE


LOOSENINGS = (
    "per_plan",
    "amount_per_day",
    "times_per_day",
    "times_per_target_per_day",
    "over",
    "parameters",
)


@settings(max_examples=300)
@given(PLANS, TERMS, POLICIES, USAGES, PLACES, st.sampled_from(LOOSENINGS))
def test_lifting_one_limit_never_tightens(proposal, terms, rules, usage, here, name):
    lifted = {"over": (), "parameters": {}}.get(name)
    actions = {key: replace(limit, **{name: lifted}) for key, limit in rules.actions.items()}
    before = judge(proposal, terms, rules, usage, circumstances=here)
    after = judge(proposal, terms, replace(rules, actions=actions), usage, circumstances=here)
    assert FREEDOM[after.ruling] >= FREEDOM[before.ruling]
    assert after.tier <= before.tier


@settings(max_examples=300)
@given(PLANS, TERMS, POLICIES, USAGES, PLACES, RULES)
def test_another_rule_never_loosens(proposal, terms, rules, usage, here, another):
    before = judge(proposal, terms, rules, usage, circumstances=here)
    tighter = replace(rules, rules=(*rules.rules, another))
    after = judge(proposal, terms, tighter, usage, circumstances=here)
    assert FREEDOM[after.ruling] <= FREEDOM[before.ruling]
    assert sum(one.count for one in after.factors) >= sum(one.count for one in before.factors) or (
        after.ruling is Ruling.REFUSE
    )


@settings(max_examples=200)
@given(PLANS, TERMS, POLICIES, USAGES, PLACES, USAGES)
def test_more_usage_never_loosens(proposal, terms, rules, usage, here, more):
    rules = replace(rules, rules=())
    before = judge(proposal, terms, rules, usage, circumstances=here)
    after = judge(proposal, terms, rules, Usage((*usage.rows, *more.rows)), circumstances=here)
    assert FREEDOM[after.ruling] <= FREEDOM[before.ruling]
    assert after.tier >= before.tier


# --- each limit at its edge -----------------------------------------------------------------------


def used(amount=0, times=1, *, target="", requester="", window=DAY) -> Usage:
    row = UsedActions(
        action=NAMES[0],
        times=times,
        amount=Decimal(amount),
        target=target,
        requester=requester,
        window=window,
    )
    return Usage((row,))


#: A limit, usage up to which a plan of £100 passes, usage with which it does not, and the rule.
EDGES = [
    ({"per_plan": Decimal(100)}, Usage(), None, "limit.per_plan"),
    ({"per_plan": Decimal("99.99")}, None, Usage(), "limit.per_plan"),
    ({"amount_per_day": Decimal(150)}, used(50), used("50.01"), "limit.amount_per_day"),
    ({"amount_per_day": Decimal(150)}, used(51, window=WEEK), used(51), "limit.amount_per_day"),
    ({"times_per_day": 3}, used(times=2), used(times=3), "limit.times_per_day"),
    (
        {"times_per_target_per_day": 2},
        used(times=9),
        used(times=2, target="product:1"),
        "limit.per_target",
    ),
    (
        {"over": (WindowLimit(window=WEEK, amount=Decimal(150)),)},
        used(50, window=WEEK),
        used(51, window=WEEK),
        "limit.amount",
    ),
    (
        {"over": (WindowLimit(window=WEEK, times=3),)},
        used(times=2, window=DAY),
        used(times=3, window=WEEK),
        "limit.times",
    ),
    (
        {"over": (WindowLimit(window=DAY, amount_per_target=Decimal(150)),)},
        used(900),
        used(51, target="product:1"),
        "limit.amount_per_target",
    ),
    (
        {"over": (WindowLimit(window=WEEK, times_per_target=2),)},
        used(times=1, target="product:1", window=WEEK),
        used(times=2, target="product:1", window=WEEK),
        "limit.times_per_target",
    ),
    (
        {"over": (WindowLimit(window=DAY, amount_per_requester=Decimal(150)),)},
        used(900),
        used(51, requester=OMAR),
        "limit.amount_per_requester",
    ),
    (
        {"over": (WindowLimit(window=DAY, times_per_requester=3),)},
        used(times=2, requester=OMAR),
        used(times=3, requester=OMAR),
        "limit.times_per_requester",
    ),
]


@pytest.mark.parametrize(
    ("limits", "within", "beyond", "name"), EDGES, ids=[str(e[0]) for e in EDGES]
)
def test_each_limit_lets_through_what_reaches_it_and_refuses_what_passes_it(
    limits, within, beyond, name
):
    rules = alone(**limits)
    if within is not None:
        assert ruling(rules, within, requester=OMAR).ruling is Ruling.AUTO_APPROVE
    if beyond is not None:
        verdict = ruling(rules, beyond, requester=OMAR)
        assert (verdict.ruling, verdict.rule) == (Ruling.REFUSE, name)


def test_a_plan_that_no_person_raised_has_no_requester_to_count_against():
    rules = alone(over=(WindowLimit(window=DAY, times_per_requester=0),))
    assert ruling(rules).ruling is Ruling.AUTO_APPROVE
    assert ruling(rules, requester=OMAR).rule == "limit.times_per_requester"


@pytest.mark.parametrize(
    ("bounds", "quantity", "rule"),
    [
        (ParameterLimit(max=Decimal(24)), 24, "alone.low_risk"),
        (ParameterLimit(max=Decimal(24)), 25, "parameter.out_of_bounds"),
        (ParameterLimit(pattern="2."), "24", "alone.low_risk"),
        (ParameterLimit(pattern="2."), "34", "parameter.out_of_bounds"),
    ],
)
def test_a_parameter_out_of_bounds_is_refused(bounds, quantity, rule):
    verdict = ruling(alone(parameters={"quantity": bounds}), quantity=quantity)
    assert verdict.rule == rule


def test_a_parameter_that_the_action_lacks_is_refused():
    rules = alone(parameters={"colour": ParameterLimit(one_of=("red",))})
    assert ruling(rules).rule == "parameter.unknown"


# --- currencies -----------------------------------------------------------------------------------


def euros(amount) -> dict:
    return {"actions": (action(amount=amount, currency="EUR"),)}


def test_another_currency_counts_by_its_rate_and_without_one_it_is_refused():
    rules = replace(alone(amount_per_day=Decimal(100)), currencies={"EUR": Decimal("0.85")})
    assert ruling(rules, **euros("117.64")).ruling is Ruling.AUTO_APPROVE
    assert ruling(rules, **euros("117.65")).rule == "limit.amount_per_day"
    without = replace(rules, currencies={})
    verdict = ruling(without, **euros(1))
    assert (verdict.ruling, verdict.rule) == (Ruling.REFUSE, "currency.other")
    assert "no rate" in verdict.reason


def test_one_plan_in_two_currencies_is_refused():
    rules = replace(alone(), currencies={"EUR": Decimal(1)})
    actions = (action(), action(currency="EUR"))
    assert ruling(rules, actions=actions).rule == "currency.mixed"


def test_usage_in_a_currency_whose_rate_was_taken_away_is_refused_rather_than_forgotten():
    row = UsedActions(action=NAMES[0], times=1, amount=Decimal(5), currency="EUR")
    assert ruling(alone(amount_per_day=Decimal(500)), Usage((row,))).rule == "currency.other"


def test_a_rate_is_never_rounded_in_favour_of_a_plan():
    assert policy(currencies={"EUR": Decimal("0.333")}).convert(Decimal("0.01"), "EUR") == Decimal(
        "0.01"
    )


# --- hours, never alone and rules -----------------------------------------------------------------


def test_outside_its_hours_a_plan_is_asked_about_and_says_so():
    rules = replace(alone(), hours=AloneHours("09:00-17:00", ("thu",)))
    assert ruling(rules).ruling is Ruling.AUTO_APPROVE
    for here in (
        replace(HERE, local_at=THURSDAY.replace(hour=17)),
        replace(HERE, local_at=THURSDAY + DAY),
        None,
    ):
        verdict = ruling(rules, here=here)
        assert (verdict.ruling, verdict.rule) == (Ruling.ASK, "alone.objection")
        assert "hours" in verdict.inputs.objection
        assert verdict.inputs.objection in verdict.reason


@pytest.mark.parametrize("name", ["low_stock", "house.order_stock"])
def test_what_never_runs_alone_is_asked_about_whatever_the_stage(name):
    verdict = ruling(replace(alone(), never_alone=(name,)))
    assert (verdict.ruling, verdict.rule) == (Ruling.ASK, "alone.objection")
    assert ruling(replace(alone(), never_alone=("other",))).ruling is Ruling.AUTO_APPROVE


def test_a_doubt_about_what_is_recommended_asks_where_it_would_run_alone_and_adds_nothing_else():
    doubt = replace(HERE, doubt="lately fewer were right")
    assert ruling(alone()).ruling is Ruling.AUTO_APPROVE
    doubted = ruling(alone(), here=doubt)
    assert (doubted.ruling, doubted.inputs.objection) == (Ruling.ASK, "lately fewer were right")
    supervised = PlaybookTerms()
    assert ruling(alone(), terms=supervised, here=doubt) == ruling(alone(), terms=supervised)


def test_a_rule_that_holds_asks_its_approvers_as_well():
    finance = (ApprovalRequirement("finance", 2),)
    rules = replace(alone(), rules=(rule("plan.amount >= 100.0", factors=finance),))
    verdict = ruling(rules)
    assert (verdict.ruling, verdict.rule) == (Ruling.ASK, "rule.ask")
    assert {(one.group, one.count) for one in verdict.factors} >= {("finance", 2)}
    assert "because of it" in verdict.reason
    assert verdict.inputs.rules == ("rule 1 of policy.yml: because of it",)
    assert ruling(rules, actions=(action(amount=99),)).ruling is Ruling.AUTO_APPROVE


def test_a_rule_may_name_an_owner_of_the_playbook_and_one_without_a_group_is_refused():
    rules = replace(
        alone(), rules=(rule("true", factors=(ApprovalRequirement("owner:governance", 1),)),)
    )
    terms = replace(ALONE, owners={"governance": "owners"})
    assert ApprovalRequirement("owners", 1) in ruling(rules, terms=terms).factors
    assert ruling(rules).rule == "approvers.empty"


def test_a_rule_that_never_lets_alone_asks_and_changes_nothing_else():
    rules = replace(alone(), rules=(rule("true", RuleEffect.NEVER_ALONE),))
    assert ruling(rules).rule == "alone.objection"
    asked = PlaybookTerms()
    assert replace(ruling(rules, terms=asked), inputs=None, policy_digest="") == replace(
        ruling(alone(), terms=asked), inputs=None, policy_digest=""
    )


def test_a_rule_that_refuses_refuses():
    verdict = ruling(replace(alone(), rules=(rule("true", RuleEffect.REFUSE),)))
    assert (verdict.ruling, verdict.rule, verdict.reason) == (
        Ruling.REFUSE,
        "rule.refuse",
        "because of it",
    )


def test_a_rule_over_one_action_holds_when_any_action_fits():
    rules = replace(alone(), rules=(rule("action.name == 'house.open_claim'", RuleEffect.REFUSE),))
    both = (action(), action(name="house.open_claim"))
    assert ruling(rules, actions=both).rule == "rule.refuse"
    assert ruling(rules).ruling is Ruling.AUTO_APPROVE


@pytest.mark.parametrize(
    ("when", "here", "why"),
    [
        ("facts.invoice.total > 5", HERE, "invoice is not known"),
        ("case.stake > 5.0", replace(HERE, stake=None), "stake is not known"),
        ("case.kind == 'low_stock'", None, "kind is not known"),
        ("facts.stock.on_hand", HERE, "the result is neither true nor false"),
        ("action.parameters.colour == 'red'", HERE, "colour is not known"),
    ],
)
def test_a_rule_that_cannot_be_evaluated_refuses_and_says_where(when, here, why):
    line = replace(rule(when, RuleEffect.NEVER_ALONE), line=14)
    verdict = ruling(replace(alone(), rules=(rule("false"), line)), here=here)
    assert (verdict.ruling, verdict.rule) == (Ruling.REFUSE, "rule.failed")
    assert verdict.reason == f"rule 2 of policy.yml (line 14) cannot be evaluated: {why}"


def test_a_rule_that_was_built_around_the_reading_of_files_still_opens_no_door():
    broken = rule("true")
    object.__setattr__(broken, "when", "plan.amount >")
    assert ruling(replace(alone(), rules=(broken,))).rule == "rule.failed"


# --- what it was judged from ----------------------------------------------------------------------


def test_a_verdict_keeps_what_it_was_judged_from():
    rules = replace(alone(amount_per_day=Decimal(500), times_per_day=4), window=DAY)
    rules = replace(rules, rules=(rule("plan.amount > 100.0"),))
    inputs = ruling(rules, used(310, target="product:1"), **pounds(110)).inputs
    assert (inputs.amount, inputs.recent, inputs.threshold) == (
        Money(Decimal(110), "GBP"),
        Money(Decimal(420), "GBP"),
        Money(Decimal(250), "GBP"),
    )
    assert [(use.rule, use.total, use.maximum) for use in inputs.limits] == [
        ("limit.amount_per_day", Decimal(420), Decimal(500)),
        ("limit.times_per_day", Decimal(2), Decimal(4)),
    ]
    assert (inputs.stage, inputs.local_time) == (Stage.AUTONOMOUS, "Thu 26 Nov 10:00")
    assert inputs.rules == ("rule 1 of policy.yml: because of it",)


def pounds(amount) -> dict:
    return {"actions": (action(amount=amount),)}


def test_a_field_of_a_later_release_that_says_nothing_leaves_the_checksum_as_it_was():
    """An upgrade alone changes no policy; the digest is that of the release before."""
    before = "b319451b5cabc0878bcd2fb1017f1d13f4186161985e5c2a689711434e72262e"
    shipped = load().policy()
    later_actions = ("carrier.", "warehouse.", "house.log_note")
    earlier_actions = {
        name: replace(limit, alone=name == "house.reopen_task")
        for name, limit in shipped.actions.items()
        if not name.startswith(later_actions)
    }
    earlier = replace(
        shipped,
        window=None,
        never_alone=(),
        versions=None,
        autonomy=AutonomyRule(),
        actions=earlier_actions,
    )
    assert earlier.checksum == before
    assert shipped.checksum != before
    moved = replace(shipped, rules=(replace(rule("true"), line=3),))
    assert moved.checksum == replace(shipped, rules=(rule("true"),)).checksum
