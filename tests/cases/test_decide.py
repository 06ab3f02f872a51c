"""The rules of approval, each test named after the rule of the design it keeps (numbers as in its list)."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from bot.cases.approval import ApprovalRequirement, Person, ineligibility_reason, quorum_met
from bot.cases.card_snapshot import CardSnapshot
from bot.cases.case import Case
from bot.cases.commands import (
    Approve,
    Claim,
    Edit,
    Expire,
    HandOver,
    Reject,
    Snooze,
    Undo,
    Wake,
    Withdraw,
)
from bot.cases.decide import decide, record_refusal
from bot.cases.entries import RejectReason, StepReported, StepState, Stopped
from bot.cases.errors import BadRequest, MoveNotAllowed, NotEligible, Superseded, TooLate
from bot.cases.execution import NextStep, StepKind, next_step
from bot.cases.judgement import judge
from bot.cases.lifecycle import TERMINAL, TRANSITIONS, State, Transition, next_state
from bot.cases.plan import Idempotency
from bot.cases.policy import ActionLimit, PlaybookTerms, RiskTier, Stage, TierRule
from bot.cases.required_approvers import combine_requirements
from bot.cases.risk import assess_risk
from bot.cases.usage import Usage
from bot.cases.verdict import Ruling, still_satisfies
from tests.cases.making import (
    ANA,
    BEN,
    CARLA,
    NOW,
    OMAR,
    SEEN,
    Finish,
    action,
    approved,
    asker,
    delegation,
    fold_all,
    plan,
    proposed,
    standing_in,
    start_step,
    used,
    verdict,
    with_fields,
    write,
)
from tests.world import policy


def do(case: Case, move, now=NOW) -> Case:
    return fold_all(case, write(case, move, now))


# --- the lifecycle -------------------------------------------------------------------------------------------------------


def test_every_state_and_move_is_in_the_table_or_refused():
    for state in State:
        for move in Transition:
            if (state, move) in TRANSITIONS:
                assert next_state(state, move) is TRANSITIONS[state, move]
            else:
                with pytest.raises(
                    MoveNotAllowed, match=f"cannot {move} a case that {state.predicate}"
                ):
                    next_state(state, move)


def test_no_arrow_leads_out_of_rejected_or_expired():
    for state in (State.REJECTED, State.EXPIRED):
        assert {target for (source, _), target in TRANSITIONS.items() if source is state} == {state}


def test_every_state_can_be_reached_and_every_open_one_can_end():
    reached, grown = {State.NEW}, True
    while grown:
        more = {
            target for (source, _), target in TRANSITIONS.items() if source in reached
        } - reached
        reached, grown = reached | more, bool(more)
    assert reached == set(State)
    for state in set(State) - TERMINAL:
        ends, grown = {state}, True
        while grown:
            more = {target for (source, _), target in TRANSITIONS.items() if source in ends} - ends
            ends, grown = ends | more, bool(more)
        assert ends & TERMINAL, state


# --- binding -------------------------------------------------------------------------------------------------------------


def test_rule_1_the_digest_covers_every_field_of_the_envelope():
    base = plan()
    first = base.actions[0]
    changed_actions = [
        replace(first, name="house.other"),
        replace(first, version=2),
        replace(first, system="x"),
        replace(first, connector="x"),
        replace(first, target="product:2"),
        replace(first, parameters={"quantity": 25}),
        replace(first, summary="x"),
        replace(first, preview="x"),
        replace(first, reversible=False),
        replace(first, idempotency=Idempotency.NONE),
        replace(first, precondition={"on_hand": 5}),
        replace(first, amount=None),
    ]
    mutants = [replace(base, actions=(changed,)) for changed in changed_actions] + [
        replace(base, case_id="EX-2"),
        replace(base, revision=2),
        replace(base, playbook="x"),
        replace(base, playbook_digest="1"),
        replace(base, policy_digest="1"),
        replace(base, requester="T1/U9"),
        replace(base, beneficiary="T1/U9"),
        replace(base, not_after=base.not_after + timedelta(seconds=1)),
        replace(base, mode="live"),
        replace(base, mode="dry-run"),
        replace(base, actions=()),
        replace(base, actions=(first, first)),
    ]
    digests = [mutant.plan_hash for mutant in mutants]
    assert base.plan_hash not in digests
    assert len(set(digests)) == len(digests)
    assert replace(base).plan_hash == base.plan_hash


def test_rule_4_a_step_of_another_plan_than_the_approved_one_does_not_start():
    case = approved()
    other_plan = replace(case.proposal.plan, actions=(action(parameters={"quantity": 25}),))
    moved = do(
        with_fields(case, plan=other_plan),
        start_step(case),
    )
    assert (moved.state, moved.activity.drift_reasons[0]) == (
        State.OPEN,
        "the plan is not the one that was approved",
    )


def test_rule_4_a_precondition_that_moved_stops_the_step():
    case = approved()
    moved = do(case, start_step(case, precondition={"on_hand": 3}))
    assert (moved.state, moved.activity.drift_reasons, moved.proposal.approvals) == (
        State.OPEN,
        ("on_hand was 4, is 3",),
        (),
    )


def test_rule_5_an_edit_makes_a_new_revision_and_voids_the_approvals():
    case = do(
        proposed(factors=(ApprovalRequirement("floor-managers", 2),)), Approve(asker(ANA), SEEN)
    )
    assert len(case.proposal.approvals) == 1
    edited = do(
        case,
        Edit(
            asker(OMAR),
            CardSnapshot.of(case),
            plan=plan(revision=2, quantity=12),
            verdict=verdict(),
            changes=(change(),),
        ),
    )
    assert (edited.proposal.revision, edited.proposal.approvals, edited.state) == (
        2,
        (),
        State.PROPOSED,
    )
    with pytest.raises(Superseded, match="newer plan"):
        decide(edited, Approve(asker(ANA), SEEN), NOW)


def test_rule_6_the_editor_is_an_author_and_may_not_approve():
    edited = do(
        proposed(),
        Edit(
            asker(ANA),
            SEEN,
            plan=plan(revision=2, quantity=12),
            verdict=verdict(),
            changes=(change(),),
        ),
    )
    with pytest.raises(NotEligible, match="raised or edited"):
        decide(edited, Approve(asker(ANA), CardSnapshot.of(edited)), NOW)
    assert do(edited, Approve(asker(OMAR), CardSnapshot.of(edited))).state is State.APPROVED


def test_rule_6_an_edit_that_changes_nothing_is_no_edit():
    with pytest.raises(BadRequest, match="nothing was changed"):
        decide(
            proposed(),
            Edit(asker(ANA), SEEN, plan=plan(revision=2), verdict=verdict(), changes=()),
            NOW,
        )


def test_an_edit_that_policy_forbids_is_refused():
    refused = verdict(ruling=Ruling.REFUSE, reason="over the limit")
    with pytest.raises(BadRequest, match="over the limit"):
        decide(
            proposed(),
            Edit(asker(ANA), SEEN, plan=plan(revision=2), verdict=refused, changes=(change(),)),
            NOW,
        )


# --- who -----------------------------------------------------------------------------------------------------------------

OUTSIDERS = [
    (replace(ANA, active=False), "deactivated"),
    (replace(ANA, guest=True), "guests"),
    (replace(ANA, external=True), "other organisations"),
    (replace(ANA, bot=True), "apps and workflows"),
    (BEN, "only @floor-managers"),
]


@pytest.mark.parametrize(
    ("person", "why"), OUTSIDERS, ids=lambda value: value if isinstance(value, str) else ""
)
def test_rule_9_only_active_full_members_of_the_group_may_approve(person, why):
    with pytest.raises(NotEligible, match=why):
        decide(proposed(), Approve(asker(person), SEEN), NOW)


@pytest.mark.parametrize(
    ("person", "why"), OUTSIDERS, ids=lambda value: value if isinstance(value, str) else ""
)
def test_rule_9_an_approver_who_is_none_any_more_does_not_count_at_execution(person, why):
    case = approved()
    people = {ANA.id: person} if person is not BEN else {}
    moved = do(case, start_step(case, people=people))
    assert (moved.state, moved.activity.drift_reasons) == (
        State.OPEN,
        ("the approvals no longer count",),
    )


def test_rule_10_empty_means_nobody():
    assert (
        ineligibility_reason(ANA, authors=(), factors=(), groups={})
        == "nobody is named who may approve this"
    )
    assert (
        ineligibility_reason(
            ANA, authors=(), factors=(ApprovalRequirement("floor-managers", 1),), groups={}
        )
        is not None
    )
    assert not quorum_met([], (), {})
    assert not quorum_met(
        [approval(ANA)], (ApprovalRequirement("floor-managers", 0),), asker(ANA).groups
    )
    assert judge(plan(), PlaybookTerms(), policy(tiers={}), Usage()).ruling is Ruling.REFUSE


def test_rule_10_an_action_that_policy_does_not_list_is_refused():
    found = judge(plan(), PlaybookTerms(), policy(actions={}), Usage())
    assert (found.ruling, found.rule) == (Ruling.REFUSE, "action.not_listed")


def test_rule_11_neither_requester_nor_beneficiary_may_approve():
    for who in ({"requester": ANA.id}, {"beneficiary": ANA.id}):
        case = proposed(**who)
        with pytest.raises(NotEligible, match="gains from it"):
            decide(case, Approve(asker(ANA), CardSnapshot.of(case)), NOW)


def test_rule_11_whoever_raised_it_may_still_say_no():
    case = proposed(requester=ANA.id)
    assert (
        do(case, Reject(asker(ANA), CardSnapshot.of(case), RejectReason.WRONG_FACTS)).state
        is State.REJECTED
    )


def test_rule_12_a_quorum_is_of_distinct_people_one_per_group():
    factors = (ApprovalRequirement("ops-leads", 1), ApprovalRequirement("finance", 1))
    both = Person("T1/UBOTH", "Both")
    groups = {"ops-leads": frozenset({BEN.id, both.id}), "finance": frozenset({CARLA.id, both.id})}
    assert not quorum_met([approval(BEN)], factors, groups)
    assert not quorum_met([approval(both)], factors, groups)
    assert not quorum_met([approval(both), approval(both)], factors, groups)
    assert quorum_met([approval(BEN), approval(CARLA)], factors, groups)
    assert quorum_met([approval(both), approval(CARLA)], factors, groups)


def test_rule_12_one_vote_each():
    case = do(
        proposed(factors=(ApprovalRequirement("floor-managers", 2),)), Approve(asker(ANA), SEEN)
    )
    with pytest.raises(TooLate, match="you have approved this already"):
        decide(case, Approve(asker(ANA), CardSnapshot.of(case)), NOW)
    withdrawn = do(case, Withdraw(asker(ANA), CardSnapshot.of(case)))
    assert withdrawn.proposal.approvals == ()
    assert [
        given.name
        for given in do(
            withdrawn, Approve(asker(ANA), CardSnapshot.of(withdrawn))
        ).proposal.approvals
    ] == ["Ana"]


def test_rule_13_a_denial_ends_it_whoever_else_said_yes():
    case = do(
        proposed(factors=(ApprovalRequirement("floor-managers", 2),)), Approve(asker(ANA), SEEN)
    )
    rejected = do(case, Reject(asker(OMAR), CardSnapshot.of(case), RejectReason.NOT_WORTH_IT))
    assert rejected.state is State.REJECTED
    with pytest.raises(TooLate, match="rejected by Omar"):
        decide(rejected, Approve(asker(ANA), CardSnapshot.of(rejected)), NOW)


def test_other_as_a_reason_needs_words():
    with pytest.raises(BadRequest, match="say in a few words why"):
        decide(proposed(), Reject(asker(ANA), SEEN, RejectReason.OTHER), NOW)


# --- when ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("seconds", "may"), [(-1, True), (0, False), (1, False)])
def test_rule_17_a_decision_is_in_time_until_the_very_moment_it_expires(seconds, may):
    case = proposed()
    at = case.proposal.expires_at + timedelta(seconds=seconds)
    if may:
        assert do(case, Approve(asker(ANA), CardSnapshot.of(case)), at).state is State.APPROVED
    else:
        with pytest.raises(TooLate, match="time to decide has passed"):
            decide(case, Approve(asker(ANA), CardSnapshot.of(case)), at)


def test_rule_17_expiry_asks_the_next_person_once_and_then_closes_unexecuted():
    case = proposed()
    with pytest.raises(MoveNotAllowed):
        decide(case, Expire("ops-leads"), case.timers.sla.decide_by - timedelta(seconds=1))
    escalated = do(case, Expire("ops-leads"), case.proposal.expires_at)
    assert (
        escalated.state,
        escalated.owner,
        escalated.proposal.expires_at > case.proposal.expires_at,
    ) == (
        State.PROPOSED,
        "ops-leads",
        True,
    )
    expired = do(escalated, Expire("ops-leads"), escalated.proposal.expires_at)
    assert (expired.state, expired.execution.steps) == (State.EXPIRED, ())


def test_rule_17_an_approval_that_is_too_old_starts_nothing():
    case = approved()
    moved = fold_all(case, decide(case, start_step(case), case.proposal.plan.not_after))
    assert moved.activity.drift_reasons == ("the approval is too old",)


def test_rule_18_withdrawal_until_the_step_begins_and_not_after():
    case = approved()
    assert do(case, Withdraw(asker(ANA), CardSnapshot.of(case))).state is State.PROPOSED
    running = do(case, start_step(case))
    with pytest.raises(TooLate, match="only be undone"):
        decide(running, Withdraw(asker(ANA), CardSnapshot.of(running)), NOW)


def test_rule_19_tightening_is_immediate_and_loosening_is_not_retroactive():
    low, high = (
        verdict(),
        verdict(
            tier=RiskTier.HIGH,
            factors=(ApprovalRequirement("ops-leads", 1), ApprovalRequirement("finance", 1)),
        ),
    )
    assert still_satisfies(low, low)
    assert still_satisfies(high, low)
    assert not still_satisfies(low, high)
    assert not still_satisfies(low, verdict(ruling=Ruling.REFUSE))
    assert not still_satisfies(verdict(ruling=Ruling.AUTO_APPROVE, factors=()), low)
    case = approved()
    moved = do(
        case, start_step(case, verdict=verdict(ruling=Ruling.REFUSE, reason="stopped by policy"))
    )
    assert moved.activity.drift_reasons == ("policy is stricter now: stopped by policy",)


# --- how -----------------------------------------------------------------------------------------------------------------


def test_rule_10_approvers_are_groups_people_named_one_by_one_or_the_owners_of_the_playbook():
    tiers = {
        "low": TierRule((ApprovalRequirement("people:UANA+UOMAR", 2),), timedelta(hours=1)),
        "medium": TierRule((ApprovalRequirement("owner:operations", 1),), timedelta(hours=1)),
    }
    rules, terms = policy(tiers=tiers), PlaybookTerms(owners={"operations": "ops-leads"})
    low = judge(plan(), terms, rules, Usage())
    assert low.factors == (ApprovalRequirement("people:UANA+UOMAR", 2),)
    named = {"people:UANA+UOMAR": frozenset({ANA.id, OMAR.id})}
    votes = [replace(approved().proposal.approvals[0], person=person.id) for person in (ANA, OMAR)]
    assert not quorum_met(votes[:1], low.factors, named)
    assert quorum_met(votes, low.factors, named)
    assert (
        ineligibility_reason(BEN, authors=(), factors=low.factors, groups=named)
        == "only those named for it may approve this"
    )
    assert (
        ineligibility_reason(
            replace(ANA, guest=True), authors=(), factors=low.factors, groups=named
        )
        == "guests cannot approve"
    )
    medium = plan(actions=(action(amount=300),))
    assert judge(medium, terms, rules, Usage()).factors == (ApprovalRequirement("ops-leads", 1),)
    nobody = judge(medium, PlaybookTerms(owners={"business": "ops-leads"}), rules, Usage())
    assert (nobody.ruling, nobody.rule) == (Ruling.REFUSE, "approvers.empty")


def test_rule_24_high_risk_needs_a_reason_in_words():
    case = proposed(verdict=verdict(tier=RiskTier.HIGH))
    with pytest.raises(BadRequest, match="your reason in words"):
        decide(case, Approve(asker(ANA), CardSnapshot.of(case), " "), NOW)
    assert (
        do(case, Approve(asker(ANA), CardSnapshot.of(case), "the guest is waiting"))
        .proposal.approvals[0]
        .note
        == "the guest is waiting"
    )


def test_rule_27_alone_only_for_what_is_listed_low_risk_reversible_and_idempotent():
    terms = PlaybookTerms(stage=Stage.AUTONOMOUS)
    rules = policy(actions={"house.order_stock": ActionLimit(alone=True)})
    assert judge(plan(), terms, rules, Usage()).ruling is Ruling.AUTO_APPROVE
    assert judge(plan(), PlaybookTerms(), rules, Usage()).ruling is Ruling.ASK
    assert judge(plan(), terms, policy(), Usage()).ruling is Ruling.ASK
    for hard in (
        action(reversible=False),
        action(amount=300),
        action(idempotency=Idempotency.NONE),
    ):
        assert judge(plan(actions=(hard,)), terms, rules, Usage()).ruling is Ruling.ASK


def test_shadow_mode_recommends_and_carries_out_nothing():
    found = judge(plan(), PlaybookTerms(stage=Stage.SHADOW), policy(), Usage())
    assert (found.ruling, found.rule) == (Ruling.REFUSE, "stage.shadow")


# --- policy --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("actions", "tier"),
    [
        ((action(),), RiskTier.LOW),
        ((action(amount=None),), RiskTier.LOW),
        ((action(amount=250),), RiskTier.LOW),
        ((action(amount="250.01"),), RiskTier.MEDIUM),
        ((action(amount=2500),), RiskTier.MEDIUM),
        ((action(amount="2500.01"),), RiskTier.HIGH),
        ((action(amount=None, reversible=False),), RiskTier.MEDIUM),
        ((action(amount=251, reversible=False),), RiskTier.HIGH),
        ((action(), action()), RiskTier.MEDIUM),
        ((action(amount=130), action(amount=130)), RiskTier.MEDIUM),
        ((action(amount=1300), action(amount=1300)), RiskTier.HIGH),
    ],
)
def test_the_risk_tier_comes_from_reversibility_amount_and_scope(actions, tier):
    assert assess_risk(plan(actions=actions), policy(), Usage()).tier is tier


@pytest.mark.parametrize(
    ("limit", "usage", "rule"),
    [
        (ActionLimit(per_plan=Decimal(99)), Usage(), "limit.per_plan"),
        (
            ActionLimit(amount_per_day=Decimal(150)),
            used(amounts={"house.order_stock": Decimal(51)}),
            "limit.amount_per_day",
        ),
        (
            ActionLimit(times_per_day=2),
            used(times={"house.order_stock": 2}),
            "limit.times_per_day",
        ),
        (
            ActionLimit(times_per_target_per_day=1),
            used(target_times={"house.order_stock product:1": 1}),
            "limit.per_target",
        ),
    ],
)
def test_limits_per_plan_per_day_and_per_target(limit, usage, rule):
    found = judge(plan(), PlaybookTerms(), policy(actions={"house.order_stock": limit}), usage)
    assert (found.ruling, found.rule) == (Ruling.REFUSE, rule)


@pytest.mark.parametrize(
    ("actions", "rule"),
    [
        ((), "plan.empty"),
        ((action(),) * 6, "scope.too_large"),
        ((action(currency="EUR"),), "currency.other"),
        ((action(amount=-1),), "amount.negative"),
    ],
)
def test_what_policy_refuses_outright(actions, rule):
    assert judge(plan(actions=actions), PlaybookTerms(), policy(), Usage()).rule == rule


def test_the_playbook_names_the_people_for_low_risk_and_can_only_ask_for_more():
    ours, theirs = (
        (ApprovalRequirement("floor-managers", 1),),
        (ApprovalRequirement("sales-leads", 1),),
    )
    assert combine_requirements(RiskTier.LOW, ours, theirs) == theirs
    assert combine_requirements(RiskTier.MEDIUM, ours, theirs) == (*ours, *theirs)
    assert combine_requirements(
        RiskTier.MEDIUM, ours, (ApprovalRequirement("floor-managers", 3),)
    ) == (ApprovalRequirement("floor-managers", 3),)
    assert combine_requirements(RiskTier.LOW, (ApprovalRequirement("a", 2),), theirs) == (
        ApprovalRequirement("sales-leads", 2),
    )
    assert combine_requirements(RiskTier.HIGH, (), theirs) == ()


def test_the_shorter_time_counts():
    found = judge(plan(), PlaybookTerms(expires_for=timedelta(hours=1)), policy(), Usage())
    assert found.expires_for == timedelta(hours=1)


# --- the rest of what people may do ------------------------------------------------------------------------------------------


def test_handing_over_needs_a_person_and_words():
    assert (
        do(
            proposed(),
            HandOver(asker(BEN), SEEN, to=OMAR.id, progress="called", remains="no answer yet"),
        ).owner
        == OMAR.id
    )
    with pytest.raises(BadRequest, match="what is done"):
        decide(proposed(), HandOver(asker(BEN), SEEN, to=OMAR.id, progress=" ", remains="x"), NOW)
    with pytest.raises(BadRequest, match="what is open"):
        decide(proposed(), HandOver(asker(BEN), SEEN, to=OMAR.id, progress="x", remains=""), NOW)
    with pytest.raises(BadRequest, match="theirs already"):
        decide(
            proposed(),
            HandOver(asker(BEN), SEEN, to="floor-managers", progress="x", remains="y"),
            NOW,
        )
    with pytest.raises(BadRequest, match="name who takes over"):
        decide(proposed(), HandOver(asker(BEN), SEEN, to="", progress="x", remains="y"), NOW)
    with pytest.raises(NotEligible, match="only members"):
        decide(
            proposed(),
            HandOver(asker(replace(BEN, guest=True)), SEEN, to=OMAR.id, progress="x", remains="y"),
            NOW,
        )


@pytest.mark.threat("A4")
def test_the_person_it_was_handed_to_may_hand_it_on_and_not_reject_it():
    handed = do(
        proposed(), HandOver(asker(BEN), SEEN, to=CARLA.id, progress="counted", remains="the order")
    )
    with pytest.raises(NotEligible, match="only @floor-managers or @ops-leads may do this"):
        decide(handed, Reject(asker(CARLA), CardSnapshot.of(handed), RejectReason.DUPLICATE), NOW)
    assert (
        do(
            handed,
            HandOver(
                asker(CARLA),
                CardSnapshot.of(handed),
                to=OMAR.id,
                progress="counted",
                remains="the order",
            ),
        ).owner
        == OMAR.id
    )


def test_snooze_wakes_by_itself_on_a_fresh_look_and_not_before():
    asleep = do(
        proposed(), Snooze(asker(ANA), SEEN, until=NOW + timedelta(hours=2), reason="after lunch")
    )
    assert (asleep.state, asleep.timers.due_at) == (State.SNOOZED, NOW + timedelta(hours=2))
    with pytest.raises(MoveNotAllowed):
        decide(asleep, Wake(), NOW + timedelta(hours=1))
    awake = do(asleep, Wake(), NOW + timedelta(hours=2))
    assert (awake.state, awake.generation) == (State.OPEN, 2)


@pytest.mark.parametrize("hours", [0, -1, 24 * 31])
def test_a_snooze_is_never_for_the_past_nor_for_ever(hours):
    with pytest.raises(BadRequest, match="within 30 days"):
        decide(
            proposed(),
            Snooze(asker(ANA), SEEN, until=NOW + timedelta(hours=hours), reason="x"),
            NOW,
        )


def test_a_step_after_one_that_landed_does_not_drift_it_is_backed_out():
    from bot.cases.errors import WorldMoved

    case = approved(actions=(action(), action()))
    running = do(case, start_step(case))
    landed = do(running, StepReported(0, StepState.LANDED, "done"))
    with pytest.raises(WorldMoved, match="on_hand was 4, is 9"):
        decide(landed, replace(start_step(landed, precondition={"on_hand": 9}), step=1), NOW)


def change():
    from bot.cases.entries import FieldChange

    return FieldChange("quantity", 24, 12)


def approval(person):
    from bot.cases.approval import Approval

    return Approval(person=person.id, name=person.name, digest="d", at=NOW)


# --- standing in, emergencies, taking back -----------------------------------------------------------------------------------


def test_rule_12_a_delegated_yes_counts_for_the_one_who_delegated_and_once():
    case = proposed(
        factors=(ApprovalRequirement("ops-leads", 1), ApprovalRequirement("finance", 1))
    )
    half = do(case, Approve(standing_in(OMAR, BEN), CardSnapshot.of(case)))
    (given,) = half.proposal.approvals
    assert (given.person, given.behalf_of, given.behalf_name) == (OMAR.id, BEN.id, "Ben")
    with pytest.raises(TooLate, match="Ben has been heard already"):
        decide(half, Approve(asker(BEN), CardSnapshot.of(half)), NOW)
    with pytest.raises(TooLate, match="approved this already"):
        decide(half, Approve(standing_in(OMAR, CARLA), CardSnapshot.of(half)), NOW)
    assert do(half, Approve(asker(CARLA), CardSnapshot.of(half))).state is State.APPROVED


@pytest.mark.parametrize(("giver", "taker", "authors"), [(BEN, OMAR, OMAR), (BEN, OMAR, BEN)])
def test_rule_14_duties_are_kept_apart_on_both_sides_of_a_delegation(giver, taker, authors):
    case = proposed(factors=(ApprovalRequirement("ops-leads", 1),), requester=authors.id)
    with pytest.raises(NotEligible):
        decide(case, Approve(standing_in(taker, giver), CardSnapshot.of(case)), NOW)


def test_rule_14_a_delegation_is_not_passed_on():
    """Whoever stands in for Ana, who stands in for Ben, may nothing that is Ben's."""
    case = proposed(factors=(ApprovalRequirement("ops-leads", 1),))
    with pytest.raises(NotEligible, match="only @ops-leads"):
        decide(case, Approve(standing_in(OMAR, ANA), CardSnapshot.of(case)), NOW)


@pytest.mark.parametrize(
    ("found", "counts"),
    [
        (delegation(), True),
        (delegation(kind="low_stock"), True),
        (delegation(kind="lead_cold"), False),
        (delegation(begins=NOW - timedelta(hours=9)), False),
        (delegation(taker=ANA), False),
        (None, False),
    ],
)
def test_rule_14_a_delegation_must_hold_when_the_step_begins_too(found, counts):
    case = do(
        proposed(factors=(ApprovalRequirement("ops-leads", 1),)),
        Approve(standing_in(OMAR, BEN), SEEN),
    )
    begun = do(case, start_step(case, delegations=(found,) if found else ()))
    assert (begun.state is State.RUNNING) is counts
    assert begun.activity.drift_reasons == (() if counts else ("the approvals no longer count",))


def test_rule_15_one_person_alone_only_in_words_never_for_high_risk_and_never_an_author():
    case = proposed(
        factors=(ApprovalRequirement("ops-leads", 1), ApprovalRequirement("finance", 1)),
        requester=OMAR.id,
    )
    through = do(
        case, Approve(asker(ANA), CardSnapshot.of(case), "the boiler is on fire", emergency=True)
    )
    assert (through.state, through.proposal.approvals[0].emergency) == (State.APPROVED, True)
    with pytest.raises(BadRequest, match="cannot wait"):
        decide(case, Approve(asker(ANA), CardSnapshot.of(case), " ", emergency=True), NOW)
    with pytest.raises(NotEligible, match="cannot approve it"):
        decide(case, Approve(asker(OMAR), CardSnapshot.of(case), "x", emergency=True), NOW)
    high = proposed(
        verdict=verdict(tier=RiskTier.HIGH, factors=(ApprovalRequirement("ops-leads", 1),))
    )
    with pytest.raises(NotEligible, match="never let through by one"):
        decide(high, Approve(asker(ANA), CardSnapshot.of(high), "x", emergency=True), NOW)


def test_rule_15_an_emergency_still_needs_the_right_to_it_when_the_step_begins():
    case = do(
        proposed(factors=(ApprovalRequirement("finance", 2),)),
        Approve(asker(ANA), SEEN, "fire", emergency=True),
    )
    assert do(case, start_step(case, emergency_group="floor-managers")).state is State.RUNNING
    assert do(case, start_step(case, emergency_group="finance")).state is State.OPEN
    assert do(case, start_step(case)).state is State.OPEN


def resolved(minutes=30, **more):
    case = approved(**more)
    case = do(case, start_step(case))
    return do(
        do(case, StepReported(0, StepState.LANDED, "")),
        Finish("done", NOW + timedelta(minutes=minutes)),
    )


def test_rule_18_after_execution_only_compensation_by_those_who_may_approve_inside_the_window():
    case = resolved()
    back = do(case, Undo(asker(OMAR), CardSnapshot.of(case), "wrong product"))
    assert (back.state, next_step(back)) == (State.RUNNING, NextStep(StepKind.UNDO, 0))
    undone = do(
        do(back, StepReported(0, StepState.UNDOING, "")), StepReported(0, StepState.UNDONE, "")
    )
    assert next_step(undone).next is StepKind.STOP
    assert do(undone, Stopped("taken back by Omar")).state is State.REFERRED
    with pytest.raises(BadRequest, match="why"):
        decide(case, Undo(asker(OMAR), CardSnapshot.of(case), " "), NOW)
    with pytest.raises(NotEligible, match="only @floor-managers"):
        decide(case, Undo(asker(BEN), CardSnapshot.of(case), "x"), NOW)
    with pytest.raises(TooLate, match="time to take it back has passed"):
        decide(case, Undo(asker(OMAR), CardSnapshot.of(case), "x"), NOW + timedelta(minutes=30))
    with pytest.raises(TooLate, match="nothing that can be taken back"):
        decide(back, Undo(asker(ANA), CardSnapshot.of(back), "x"), NOW)


def test_rule_1_a_plan_of_an_earlier_release_keeps_its_digest():
    from bot.audit.verifier import digest_of
    from bot.cases.canonical import canonical_hash, to_plain

    plain = to_plain(plan())
    assert [plain.pop(name) for name in ("mode", "branches", "facts")] == ["", [], {}]
    for one in plain["actions"]:
        assert (one.pop("undo_for"), one.pop("returns")) == ("PT0S", {})
    windowed = plan(actions=(action(undo_for=timedelta(minutes=30)),))
    assert (
        plan().plan_hash == canonical_hash(plain) == digest_of(plain) == digest_of(to_plain(plan()))
    )
    assert plan().plan_hash != windowed.plan_hash == digest_of(to_plain(windowed))


def test_a_plan_can_be_taken_back_only_as_long_as_each_of_its_actions():
    half, hour = action(undo_for=timedelta(minutes=30)), action(undo_for=timedelta(hours=1))
    assert plan(actions=(half, hour)).undo_for == timedelta(minutes=30)
    assert plan(actions=(half, action())).undo_for == timedelta(0)
    assert plan(
        actions=(half, action(reversible=False, undo_for=timedelta(hours=1)))
    ).undo_for == timedelta(0)
    assert plan(actions=()).undo_for == timedelta(0)


def test_one_of_the_owning_group_takes_it_on_and_the_group_may_still_decide():
    claimed = do(proposed(), Claim(asker(ANA), SEEN))
    assert (claimed.owner, claimed.team, claimed.activity.people) == (
        ANA.id,
        "floor-managers",
        (ANA.id,),
    )
    assert (
        do(claimed, Reject(asker(OMAR), CardSnapshot.of(claimed), RejectReason.DUPLICATE)).state
        is State.REJECTED
    )
    with pytest.raises(TooLate, match="yours already"):
        decide(claimed, Claim(asker(ANA), CardSnapshot.of(claimed)), NOW)
    with pytest.raises(NotEligible):
        decide(proposed(), Claim(asker(CARLA), SEEN), NOW)


def test_a_refused_attempt_makes_nobody_a_party_to_the_case():
    case = proposed()
    after = fold_all(
        case,
        record_refusal(
            case,
            asker(CARLA),
            attempt="approve",
            revision=1,
            refusal=NotEligible("no"),
            now=NOW,
        ),
    )
    assert after.activity.people == ()


@pytest.mark.parametrize("state", State)
def test_a_state_completes_a_sentence(state):
    """No "EX-448 is needs a person."."""
    assert state.predicate.partition(" ")[0] in {"is", "has", "needs"}
    with pytest.raises(MoveNotAllowed) as refusal:
        next_state(state, Transition.OPEN if state is not State.NEW else Transition.WAKE)
    assert str(refusal.value).endswith(f"a case that {state.predicate}")
    assert "is needs" not in str(refusal.value)
