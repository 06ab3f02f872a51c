"""Limits and approvers: rules by example, two against brute force."""

import copy
import itertools
import json
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from bot.audit.verifier import check_trade, digest_of
from bot.cases.approval import Approval, ApprovalRequirement, quorum_met
from bot.cases.canonical import to_plain
from bot.cases.card_snapshot import CardSnapshot
from bot.cases.case import Case
from bot.cases.commands import Approve, Recommend, Undo
from bot.cases.decide import decide
from bot.cases.entries import StepReported, StepState
from bot.cases.errors import TooLate
from bot.cases.judgement import judge
from bot.cases.lifecycle import State
from bot.cases.limits import find_exceeded_limit
from bot.cases.plan import Proposer
from bot.cases.policy import (
    ActionLimit,
    EmergencyRule,
    PlaybookTerms,
    Policy,
    RiskTier,
    Stage,
    TierRule,
)
from bot.cases.recommendation import Recommendation
from bot.cases.required_approvers import combine_requirements
from bot.cases.risk import assess_risk, needs_step_up
from bot.cases.usage import Usage
from bot.cases.verdict import Ruling, still_satisfies
from handlers.cards.case_card import case_card
from tests.cases.making import (
    ANA,
    BEN,
    CARLA,
    GROUPS,
    NOW,
    OMAR,
    Finish,
    action,
    approved,
    asker,
    caller,
    fold_all,
    opened,
    plan,
    proposed,
    start_step,
    used,
    verdict,
    write,
)
from tests.world import policy

HOUR = timedelta(hours=1)
GROUP_NAMES = ("ops-leads", "finance", "owners")
PEOPLE = ("T1/UA", "T1/UB", "T1/UC", "T1/UD")


def do(case: Case, move) -> Case:
    return fold_all(case, write(case, move, NOW))


def vote(person: str, behalf_of: str = "") -> Approval:
    return Approval(person=person, name=person, digest="d", at=NOW, behalf_of=behalf_of)


# --- who must say yes -----------------------------------------------------------------------------


@pytest.mark.threat("B1")
def test_above_low_risk_the_people_of_policy_and_of_the_playbook_must_all_say_yes():
    ours, theirs = (
        (ApprovalRequirement("ops-leads", 1), ApprovalRequirement("finance", 1)),
        (ApprovalRequirement("finance", 2), ApprovalRequirement("sales-leads", 1)),
    )
    both = (
        ApprovalRequirement("ops-leads", 1),
        ApprovalRequirement("finance", 2),
        ApprovalRequirement("sales-leads", 1),
    )
    assert combine_requirements(RiskTier.MEDIUM, ours, theirs) == both
    assert combine_requirements(RiskTier.HIGH, ours, theirs) == both
    assert combine_requirements(RiskTier.LOW, ours, theirs) == theirs
    assert combine_requirements(RiskTier.HIGH, ours, ()) == ours
    assert combine_requirements(
        RiskTier.HIGH,
        (ApprovalRequirement("a", 1), ApprovalRequirement("a", 1)),
        (ApprovalRequirement("a", 1),),
    ) == (ApprovalRequirement("a", 2),)
    assert combine_requirements(RiskTier.MEDIUM, (), theirs) == ()


@pytest.mark.threat("B1")
def test_an_owner_whom_the_playbook_names_by_role_is_added_above_low_risk():
    terms = PlaybookTerms(
        factors=(ApprovalRequirement("owner:governance", 1),), owners={"governance": "owners"}
    )
    medium = plan(actions=(action(amount=300),))
    assert judge(medium, terms, policy(), Usage()).factors == (
        ApprovalRequirement("ops-leads", 1),
        ApprovalRequirement("owners", 1),
    )
    nobody = judge(medium, replace(terms, owners={}), policy(), Usage())
    assert (nobody.ruling, nobody.rule) == (Ruling.REFUSE, "approvers.empty")


FACTORS = st.lists(
    st.builds(ApprovalRequirement, st.sampled_from(GROUP_NAMES), st.integers(1, 3)),
    min_size=1,
    max_size=3,
)


@pytest.mark.threat("B1")
@given(tier=st.sampled_from(list(RiskTier)), ours=FACTORS, theirs=st.one_of(st.just([]), FACTORS))
def test_never_fewer_people_than_either_asks(tier, ours, theirs):
    requirements = combine_requirements(tier, tuple(ours), tuple(theirs))
    counts = Counter({factor.group: factor.count for factor in requirements})
    assert len(counts) == len(requirements)
    assert counts.total() >= max(sum(one.count for one in ours), sum(one.count for one in theirs))
    for one_side in (ours, theirs) if tier is not RiskTier.LOW else ():
        of_group = Counter()
        for factor in one_side:
            of_group[factor.group] += factor.count
        assert all(counts[group] >= count for group, count in of_group.items())


# --- who covers which place -----------------------------------------------------------------------


@pytest.mark.threat("B10")
def test_three_groups_need_three_people_who_cover_them_one_each():
    factors = tuple(ApprovalRequirement(name, 1) for name in GROUP_NAMES)
    a, b, c, d = PEOPLE
    groups = {
        "ops-leads": frozenset({a, b}),
        "finance": frozenset({a}),
        "owners": frozenset({a, c, d}),
    }
    assert not quorum_met([vote(a), vote(c), vote(d)], factors, groups)
    assert quorum_met([vote(a), vote(b), vote(c)], factors, groups)
    # Whoever came first gives up a place that only a later one needs less.
    assert quorum_met([vote(c), vote(b), vote(a)], factors, groups)


@pytest.mark.threat("B10")
def test_whoever_gave_a_delegation_and_whoever_used_it_are_each_one_person_once():
    a, b, c, _ = PEOPLE
    factors = (ApprovalRequirement("ops-leads", 1), ApprovalRequirement("finance", 1))
    groups = {"ops-leads": frozenset({a}), "finance": frozenset({b, c})}
    assert quorum_met([vote(c, behalf_of=a), vote(b)], factors, groups)
    assert not quorum_met([vote(c, behalf_of=a), vote(c)], factors, groups)
    assert not quorum_met([vote(c, behalf_of=a), vote(b, behalf_of=c)], factors, groups)


@pytest.mark.threat("B10")
def test_a_card_with_enough_yeses_of_the_wrong_people_says_that_it_is_not_enough():
    case = proposed(
        factors=(ApprovalRequirement("ops-leads", 1), ApprovalRequirement("finance", 1))
    )
    groups = {"ops-leads": frozenset({BEN.id, ANA.id}), "finance": frozenset({CARLA.id})}
    half = do(
        do(case, Approve(caller(BEN, groups), CardSnapshot.of(case))),
        Approve(caller(ANA, groups), CardSnapshot.of(case)),
    )
    assert half.state is State.PROPOSED
    assert "2 given, but not yet a person of its own for each" in json.dumps(case_card(half))
    assert do(half, Approve(caller(CARLA, groups), CardSnapshot.of(half))).state is State.APPROVED


@pytest.mark.threat("B10")
def test_who_has_been_heard_by_way_of_a_delegation_is_not_heard_again():
    case = proposed(
        factors=(ApprovalRequirement("ops-leads", 2), ApprovalRequirement("finance", 1))
    )
    half = do(case, Approve(replace(asker(OMAR), behalf_of=(BEN,)), CardSnapshot.of(case)))
    groups = {**GROUPS, "ops-leads": frozenset({BEN.id, OMAR.id})}
    with pytest.raises(TooLate, match="Omar has been heard already"):
        decide(half, Approve(caller(ANA, groups, behalf_of=(OMAR,)), CardSnapshot.of(half)), NOW)
    other = do(case, Approve(caller(ANA, groups, behalf_of=(OMAR,)), CardSnapshot.of(case)))
    with pytest.raises(TooLate, match="Omar has been heard already"):
        decide(
            other,
            Approve(
                caller(OMAR, {"finance": frozenset({CARLA.id})}, behalf_of=(CARLA,)),
                CardSnapshot.of(other),
            ),
            NOW,
        )


@pytest.mark.threat("B10")
def test_the_verifier_counts_whoever_delegated_once():
    proposal, ruling = plan(), verdict(factors=(ApprovalRequirement("ops-leads", 2),))
    votes = [
        replace(vote(person, behalf_of="T1/UD"), digest=proposal.plan_hash) for person in PEOPLE[:2]
    ]
    bodies = [
        (
            "plan.recommended",
            "countersign",
            {"plan": to_plain(proposal), "verdict": to_plain(ruling)},
        ),
        *(("approval.given", given.person, {"approval": to_plain(given)}) for given in votes),
        ("plan.authorised", PEOPLE[1], {"digest": proposal.plan_hash, "by": list(PEOPLE[:2])}),
    ]
    entries = [
        {
            "case": "EX-1",
            "version": version,
            "revision": 1,
            "type": name,
            "actor": actor,
            "body": body,
        }
        for version, (name, actor, body) in enumerate(bodies, start=1)
    ]
    findings: list[str] = []
    check_trade(entries, findings)
    assert [finding.partition(": EX-1: ")[2] for finding in findings] == [
        "T1/UD was heard twice",
        "authorised without the approvals it needs",
    ]


MEMBERS = st.fixed_dictionaries(
    {name: st.frozensets(st.sampled_from(PEOPLE)) for name in GROUP_NAMES}
)
VOTES = st.lists(st.sampled_from(PEOPLE), max_size=4, unique=True)


@pytest.mark.threat("B10")
@given(
    factors=st.lists(
        st.builds(ApprovalRequirement, st.sampled_from(GROUP_NAMES), st.integers(1, 2)),
        min_size=1,
        max_size=3,
    ),
    groups=MEMBERS,
    voters=VOTES,
)
def test_a_quorum_is_what_trying_every_seating_says(factors, groups, voters):
    places = [groups[factor.group] for factor in factors for _ in range(factor.count)]
    seatings = itertools.permutations(voters, len(places))
    is_seated = any(
        all(person in place for person, place in zip(one, places, strict=True)) for one in seatings
    )
    assert quorum_met([vote(person) for person in voters], factors, groups) is is_seated


# --- policy that changed between the yes and the deed ---------------------------------------------


@pytest.mark.threat("B2")
def test_other_people_in_policy_between_the_yes_and_the_deed_are_asked():
    case = approved()
    today = verdict(factors=(ApprovalRequirement("ops-leads", 1),))
    case_now = do(case, start_step(case, verdict=today))
    assert (case_now.state, case_now.activity.drift_reasons) == (
        State.OPEN,
        ("policy asks other people now: @ops-leads",),
    )
    both = verdict(factors=(ApprovalRequirement("floor-managers", 1),))
    assert do(case, start_step(case, verdict=both)).state is State.RUNNING


@pytest.mark.threat("B2")
def test_loosening_is_not_retroactive_whoever_it_would_let_through():
    case = proposed(
        factors=(ApprovalRequirement("ops-leads", 1), ApprovalRequirement("finance", 1))
    )
    case = do(
        do(case, Approve(asker(BEN), CardSnapshot.of(case))),
        Approve(asker(CARLA), CardSnapshot.of(case)),
    )
    looser = verdict(factors=(ApprovalRequirement("ops-leads", 1),))
    without_carla = {person.id: person for person in (ANA, BEN, OMAR)}
    assert do(case, start_step(case, verdict=looser)).state is State.RUNNING
    assert do(
        case, start_step(case, verdict=looser, people=without_carla)
    ).activity.drift_reasons == ("the approvals no longer count",)
    alone = verdict(ruling=Ruling.AUTO_APPROVE, factors=())
    assert do(case, start_step(case, verdict=alone)).state is State.RUNNING
    assert do(case, start_step(case, verdict=alone, people=without_carla)).state is State.OPEN


@pytest.mark.threat("B2")
def test_the_same_person_may_satisfy_both_the_policy_of_then_and_that_of_now():
    case = approved()
    groups = {**GROUPS, "night-managers": frozenset({ANA.id})}
    today = verdict(factors=(ApprovalRequirement("night-managers", 1),))
    assert do(case, start_step(case, verdict=today, groups=groups)).state is State.RUNNING
    more = verdict(
        factors=(ApprovalRequirement("night-managers", 1), ApprovalRequirement("floor-managers", 1))
    )
    assert do(case, start_step(case, verdict=more, groups=groups)).state is State.OPEN


# --- money ----------------------------------------------------------------------------------------


@pytest.mark.threat("B3")
@pytest.mark.parametrize(
    "limit", [ActionLimit(per_plan=Decimal(99)), ActionLimit(amount_per_day=Decimal(99))]
)
def test_a_limit_of_money_refuses_a_plan_whose_amount_is_not_known(limit):
    rules = policy(actions={"house.order_stock": limit})
    verdict_now = judge(plan(actions=(action(amount=None),)), PlaybookTerms(), rules, Usage())
    assert (verdict_now.ruling, verdict_now.rule) == (Ruling.REFUSE, "amount.unknown")
    assert "the amount is not known" in verdict_now.reason


@pytest.mark.threat("B4")
@pytest.mark.parametrize(
    ("limit", "rule"),
    [
        (ActionLimit(per_plan=Decimal(299)), "limit.per_plan"),
        (ActionLimit(amount_per_day=Decimal(299)), "limit.amount_per_day"),
        (ActionLimit(times_per_day=2), "limit.times_per_day"),
        (ActionLimit(times_per_target_per_day=2), "limit.per_target"),
    ],
)
def test_the_limits_count_all_actions_of_a_plan_together(limit, rule):
    """Three orders of £100 count like one of £300."""
    rules = policy(actions={"house.order_stock": limit})
    assert judge(plan(actions=(action(),) * 3), PlaybookTerms(), rules, Usage()).rule == rule
    assert (
        judge(plan(actions=(action(),) * 2), PlaybookTerms(), rules, Usage()).ruling is Ruling.ASK
    )


@pytest.mark.threat("B4")
def test_a_target_of_its_own_has_a_limit_of_its_own():
    rules = policy(actions={"house.order_stock": ActionLimit(times_per_target_per_day=1)})
    two = plan(actions=(action(), action(target="product:2")))
    assert judge(two, PlaybookTerms(), rules, Usage()).ruling is Ruling.ASK
    usage = used(target_times={"house.order_stock product:2": 1})
    assert judge(two, PlaybookTerms(), rules, usage).rule == "limit.per_target"


@pytest.mark.threat("B4")
def test_at_each_step_only_what_is_still_to_come_is_counted():
    rules = policy(
        actions={"house.order_stock": ActionLimit(amount_per_day=Decimal(300), times_per_day=3)}
    )
    three = plan(actions=(action(),) * 3)
    after_one = used({"house.order_stock": 1}, {"house.order_stock": Decimal(100)})
    assert find_exceeded_limit(three, 1, rules, after_one) is None
    assert find_exceeded_limit(three, 0, rules, after_one) is not None
    assert judge(three, PlaybookTerms(), rules, after_one, step=1).ruling is Ruling.ASK
    after_one_and_another = used({"house.order_stock": 2}, {"house.order_stock": Decimal(101)})
    assert (
        judge(three, PlaybookTerms(), rules, after_one_and_another, step=1).rule
        == "limit.amount_per_day"
    )


NAMES = ("house.order_stock", "house.give_notice")
ACTIONS = st.lists(
    st.builds(
        lambda name, target, amount: action(name=name, target=target, amount=amount),
        st.sampled_from(NAMES),
        st.sampled_from(["a", "b"]),
        st.integers(0, 4),
    ),
    min_size=1,
    max_size=5,
)
SOME = st.none() | st.integers(0, 6)
SOME_AMOUNT = st.none() | st.integers(0, 6).map(Decimal)
LIMITS = st.fixed_dictionaries(
    {
        name: st.builds(
            ActionLimit,
            per_plan=SOME_AMOUNT,
            amount_per_day=SOME_AMOUNT,
            times_per_day=SOME,
            times_per_target_per_day=SOME,
        )
        for name in NAMES
    }
)


def carried_out(actions, limits) -> bool:
    """Tell whether one action after the other passes no limit."""
    money, times, targets = Counter(), Counter(), Counter()
    for one in actions:
        money[one.name] += one.amount.amount
        times[one.name] += 1
        targets[one.name, one.target] += 1
        limit = limits[one.name]
        for maximum, total in (
            (limit.per_plan, money[one.name]),
            (limit.amount_per_day, money[one.name]),
            (limit.times_per_day, times[one.name]),
            (limit.times_per_target_per_day, targets[one.name, one.target]),
        ):
            if maximum is not None and total > maximum:
                return False
    return True


@pytest.mark.threat("B4")
@given(actions=ACTIONS, limits=LIMITS)
def test_a_plan_passes_its_limits_exactly_when_every_step_of_it_would(actions, limits):
    rules = policy(actions=limits)
    verdict_now = judge(plan(actions=tuple(actions)), PlaybookTerms(), rules, Usage())
    assert (verdict_now.ruling is not Ruling.REFUSE) is carried_out(actions, limits)


@pytest.mark.threat("B5")
@given(actions=ACTIONS, limits=LIMITS)
def test_a_plan_that_was_allowed_never_stops_itself(actions, limits):
    """The first steps of a plan leave room for the later ones."""
    rules, proposal = policy(actions=limits), plan(actions=tuple(actions))
    if judge(proposal, PlaybookTerms(), rules, Usage()).ruling is Ruling.REFUSE:
        return
    times, amounts, targets = Counter(), Counter(), Counter()
    for step, one in enumerate(actions):
        usage = used(
            dict(times), {name: Decimal(sum_) for name, sum_ in amounts.items()}, dict(targets)
        )
        assert judge(proposal, PlaybookTerms(), rules, usage, step=step).ruling is not Ruling.REFUSE
        assert find_exceeded_limit(proposal, step, rules, usage) is None
        times[one.name] += 1
        amounts[one.name] += one.amount.amount
        targets[f"{one.name} {one.target}"] += 1


# --- alone, and for show --------------------------------------------------------------------------


@pytest.mark.threat("B9")
@pytest.mark.parametrize("proposer", [Proposer.PERSON])
def test_what_a_person_edited_or_a_model_wrote_never_runs_alone(proposer):
    terms = PlaybookTerms(stage=Stage.AUTONOMOUS)
    rules = policy(actions={"house.order_stock": ActionLimit(alone=True)})
    assert judge(plan(), terms, rules, Usage()).ruling is Ruling.AUTO_APPROVE
    verdict_now = judge(plan(proposer=proposer), terms, rules, Usage())
    assert (verdict_now.ruling, verdict_now.factors) == (
        Ruling.ASK,
        (ApprovalRequirement("floor-managers", 1),),
    )


@pytest.mark.threat("B8")
def test_the_mode_is_in_the_digest_and_an_older_plan_keeps_its_own():
    old, dry, live = plan(), plan(mode="dry-run"), plan(mode="live")
    assert len({old.plan_hash, dry.plan_hash, live.plan_hash}) == 3
    assert [digest_of(to_plain(one)) for one in (old, dry, live)] == [
        old.plan_hash,
        dry.plan_hash,
        live.plan_hash,
    ]
    without = {name: value for name, value in to_plain(old).items() if name != "mode"}
    assert digest_of(without) == old.plan_hash


@pytest.mark.threat("B8")
@pytest.mark.parametrize(
    ("then", "now", "reason"),
    [
        ("dry-run", "live", "it was approved as a dry run; now it would be carried out"),
        ("live", "dry-run", "it was approved to be carried out; now it would only be a dry run"),
        ("live", "live", ""),
        ("dry-run", "dry-run", ""),
        ("", "live", ""),
    ],
)
def test_a_plan_runs_only_in_the_mode_in_which_it_was_approved(then, now, reason):
    case = _approved_in(then)
    case_now = do(case, start_step(case, mode=now))
    assert case_now.activity.drift_reasons == ((reason,) if reason else ())


def _approved_in(mode: str) -> Case:
    offered = Recommend(
        Recommendation("house.order_stock", "because", "rule 1"), plan(mode=mode), verdict()
    )
    case = do(opened(), offered)
    return do(case, Approve(asker(ANA), CardSnapshot.of(case)))


@pytest.mark.threat("B8")
@pytest.mark.parametrize(
    ("then", "now", "reason"),
    [
        ("dry-run", "live", "it was a dry run: nothing was changed"),
        ("live", "dry-run", "it was carried out for real"),
        ("live", "shadow", "it was carried out for real"),
    ],
)
def test_what_was_done_in_another_mode_is_not_taken_back(then, now, reason):
    case = _approved_in(then)
    case = do(do(case, start_step(case, mode=then)), StepReported(0, StepState.LANDED, ""))
    case = do(case, Finish("done", NOW + HOUR))
    with pytest.raises(TooLate, match=reason):
        decide(case, Undo(asker(ANA), CardSnapshot.of(case), "wrong", mode=now), NOW)
    assert (
        do(case, Undo(asker(ANA), CardSnapshot.of(case), "wrong", mode=then)).state is State.RUNNING
    )


# --- the file -------------------------------------------------------------------------------------

FILE = {
    "currency": "GBP",
    "medium_above": 250,
    "high_above": 2500,
    "step_up_above": 20000,
    "tiers": {
        name: {"approvers": [{"group": "ops-leads"}], "expires": "24h"}
        for name in ("low", "medium", "high")
    },
    "emergency": {"group": "owners", "review_for": "48h"},
    "actions": {
        "house.order_stock": {"per_plan": 5000, "amount_per_day": 20000},
        "house.reopen_task": {"times_per_day": 100, "alone": True},
        "house.give_notice": {"unlimited": True},
    },
}
POLICY = TypeAdapter(Policy)


def changed_file(path: str, value) -> dict:
    """The file with another value at this path, its parts between slashes."""
    *folders, name = path.split("/")
    content = copy.deepcopy(FILE)
    place = content
    for folder in folders:
        place = place[folder]
    place[name] = value
    return content


def test_a_policy_is_read_field_by_field():
    rules = POLICY.validate_python(FILE)
    assert (rules.currency, rules.medium_above, rules.high_above) == ("GBP", 250, 2500)
    assert rules.tiers["high"] == TierRule((ApprovalRequirement("ops-leads", 1),), 24 * HOUR)
    assert rules.emergency == EmergencyRule("owners", 48 * HOUR)
    assert rules.actions["house.order_stock"] == ActionLimit(
        per_plan=Decimal(5000), amount_per_day=Decimal(20000)
    )
    assert rules.actions["house.reopen_task"].alone
    # No limit at all is written out, and is no field of the limit.
    assert rules.actions["house.give_notice"] == ActionLimit()
    assert (rules.largest_scope, rules.step_up_above) == (5, 20000)


TIER = {"approvers": [{"group": "ops-leads"}], "expires": "24h"}
MISTAKES = [
    ("currency", "Pound", "String should match pattern"),
    ("medium_above", -1, "greater than or equal to 0"),
    ("medium_above", 10**12 + 1, "less than or equal to 1000000000000"),
    ("medium_above", "a lot", "valid decimal"),
    ("high_above", 249, "high_above is below medium_above"),
    (
        "step_up_above",
        2499,
        "step_up_above is below high_above; only high risk asks for a passkey",
    ),
    ("largest_scope", 0, "greater than or equal to 1"),
    ("largest_scope", 21, "less than or equal to 20"),
    ("tiers", {"low": TIER, "medium": TIER}, "Field required"),
    ("tiers/extreme", TIER, "Extra inputs are not permitted"),
    ("tiers/low", {"approvers": [], "expires": "24h"}, "at least 1 item"),
    ("tiers/low", {"approvers": [{"group": "a"}], "expires": "soon"}, "must be a duration"),
    ("tiers/low", {"approvers": [{"group": "A b"}], "expires": "1h"}, "should match pattern"),
    ("tiers/low", {"approvers": [{"group": "a"}]}, "Field required"),
    ("emergency", {"group": "Owners!", "review_for": "48h"}, "String should match pattern"),
    ("emergency", {"group": "owners", "review_for": "0s"}, "must be at least 1s"),
    ("emergency", {"group": "owners"}, "Field required"),
    (
        "actions/house.order_stock",
        {},
        "needs at least one limit (per_plan, amount_per_day, times_per_day, "
        "times_per_target_per_day or over), or unlimited: true",
    ),
    ("actions/house.order_stock", {"alone": True}, "needs at least one limit"),
    ("actions/house.order_stock", {"unlimited": False}, "needs at least one limit"),
    (
        "actions/house.order_stock",
        {"unlimited": True, "per_plan": 5},
        "unlimited goes without limits",
    ),
    ("actions/house.order_stock", {"unlimited": "perhaps"}, "valid boolean"),
    ("actions/house.order_stock", {"per_plan": -1}, "greater than or equal to 0"),
    (
        "actions/house.order_stock",
        {"per_plan": 10, "amount_per_day": 9},
        "amount_per_day is below per_plan",
    ),
    ("actions/house.order_stock", {"times_per_day": -1}, "greater than or equal to 0"),
    ("actions/house.order_stock", {"times_per_day": True}, "valid integer"),
    ("actions/house.order_stock", {"times_per_target_per_day": 1.5}, "valid integer"),
    ("actions/house.order_stock", 5, "dictionary or an instance of ActionLimit"),
]


@pytest.mark.parametrize(
    ("path", "value", "complaint"),
    MISTAKES,
    ids=[f"{path}={str(value)[:24]}" for path, value, _ in MISTAKES],
)
def test_each_mistake_in_a_policy_has_its_place_and_its_complaint(path, value, complaint):
    with pytest.raises(ValidationError) as failure:
        POLICY.validate_python(changed_file(path, value))
    errors = failure.value.errors()
    assert any(complaint in error["msg"] for error in errors)
    assert errors[0]["loc"][0] == path.partition("/")[0]


def test_the_tiers_that_are_missing_and_those_that_are_none_are_named_together():
    tiers = {"low": TIER, "middle": TIER}
    with pytest.raises(ValidationError) as failure:
        POLICY.validate_python(changed_file("tiers", tiers))
    assert [(error["type"], error["loc"]) for error in failure.value.errors()] == [
        ("missing", ("tiers", "medium")),
        ("missing", ("tiers", "high")),
        ("extra_forbidden", ("tiers", "middle")),
    ]


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("medium_above", 251),
        ("high_above", 2501),
        ("step_up_above", None),
        ("largest_scope", 6),
        ("emergency", None),
        ("actions", {"house.order_stock": {"per_plan": 5001}}),
        ("tiers/low/expires", "25h"),
    ],
)
def test_every_change_of_a_policy_changes_its_checksum(path, value):
    rules, other = (POLICY.validate_python(one) for one in (FILE, changed_file(path, value)))
    assert rules.checksum != other.checksum
    assert rules.checksum == POLICY.validate_python(copy.deepcopy(FILE)).checksum


# --- tiers and passkeys ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("bound", "amount", "is_needed"),
    [
        (None, 10**9, False),
        (20000, None, False),
        (20000, 0, False),
        (20000, 20000, False),
        (20000, "20000.01", True),
        (0, "0.01", True),
    ],
)
def test_a_passkey_is_asked_for_above_its_bound_alone(bound, amount, is_needed):
    rules = policy(step_up_above=None if bound is None else Decimal(bound))
    proposal = plan(actions=(action(amount=amount),))
    assert needs_step_up(assess_risk(proposal, rules, Usage()), rules) is is_needed
    assert judge(proposal, PlaybookTerms(), rules, Usage()).step_up is is_needed


@pytest.mark.parametrize(
    ("actions", "tier", "reason"),
    [
        ((action(),), RiskTier.LOW, "one reversible change, moving £100.00"),
        ((action(amount=None),), RiskTier.LOW, "one reversible change"),
        ((action(amount=251),), RiskTier.MEDIUM, "moves £251.00, over £250.00"),
        ((action(amount=2501),), RiskTier.HIGH, "moves £2,501.00, over £2,500.00"),
        ((action(reversible=False),), RiskTier.MEDIUM, "Order 24 cannot be undone"),
        (
            (action(amount=251, reversible=False),),
            RiskTier.HIGH,
            "cannot be undone and moves £251.00",
        ),
        ((action(), action()), RiskTier.MEDIUM, "changes 2 things"),
    ],
)
def test_a_tier_has_its_reason_in_words(actions, tier, reason):
    risk = assess_risk(plan(actions=actions), policy(), Usage())
    assert (risk.tier, risk.reason) == (tier, reason)


VERDICTS = st.builds(
    verdict,
    ruling=st.sampled_from(Ruling),
    tier=st.sampled_from(RiskTier),
    step_up=st.booleans(),
)


@given(VERDICTS, VERDICTS)
def test_an_approval_holds_exactly_while_policy_is_not_stricter(then, now):
    is_stricter = (
        now.ruling is Ruling.REFUSE
        or now.tier > then.tier
        or (then.ruling is Ruling.AUTO_APPROVE and now.ruling is Ruling.ASK)
        or (now.step_up and not then.step_up)
    )
    assert still_satisfies(then, now) is not is_stricter


# --- one rule after the other ---------------------------------------------------------------------

# Each rule alone refuses; of several the first of this list is named.
RULES = [
    ("plan.empty", {"actions": ()}, {}, {}),
    ("scope.too_large", {"actions": (action(),) * 3}, {"largest_scope": 2}, {}),
    ("currency.other", {"actions": (action(currency="EUR"),)}, {}, {}),
    ("action.not_listed", {"actions": (action(name="house.unknown"),)}, {}, {}),
    (
        "limit.per_plan",
        {},
        {"actions": {"house.order_stock": ActionLimit(per_plan=Decimal(99))}},
        {},
    ),
    (
        "limit.times_per_day",
        {},
        {"actions": {"house.order_stock": ActionLimit(times_per_day=0)}},
        {},
    ),
    ("stage.shadow", {}, {}, {"stage": Stage.SHADOW}),
    ("tier.unknown", {}, {"tiers": {}}, {}),
    ("approvers.empty", {}, {"tiers": {"low": TierRule((), HOUR)}}, {}),
]


@pytest.mark.parametrize(("rule", "proposal", "rules", "terms"), RULES, ids=[r for r, *_ in RULES])
def test_each_rule_refuses_alone(rule, proposal, rules, terms):
    ruling = judge(plan(**proposal), PlaybookTerms(**terms), policy(**rules), Usage())
    assert (ruling.ruling, ruling.rule, ruling.factors) == (Ruling.REFUSE, rule, ())
    assert ruling.reason


@pytest.mark.parametrize("first", range(len(RULES)))
@pytest.mark.parametrize("second", range(len(RULES)))
def test_of_two_rules_the_earlier_one_is_named(first, second):
    if first >= second:
        return
    (rule, proposal, rules, terms), (_, other, more_rules, more_terms) = (
        RULES[first],
        RULES[second],
    )
    ruling = judge(
        plan(**{**other, **proposal}),
        PlaybookTerms(**{**more_terms, **terms}),
        policy(**{**more_rules, **rules}),
        Usage(),
    )
    assert (ruling.ruling, ruling.rule) == (Ruling.REFUSE, rule)


def test_an_action_without_a_limit_is_never_over_one():
    proposal = plan(actions=(action(name="house.unlisted"),))
    assert find_exceeded_limit(proposal, 0, policy(), Usage()) is None


def test_an_exceeded_limit_is_told_with_its_sum():
    limit = ActionLimit(amount_per_day=Decimal(20000))
    rules = policy(actions={"house.order_stock": limit})
    usage = used(amounts={"house.order_stock": Decimal(19950)})
    assert find_exceeded_limit(plan(), 0, rules, usage) == (
        "house.order_stock: £20,050.00 would pass the limit of £20,000.00 a day"
    )
