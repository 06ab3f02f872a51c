"""What a decision tells about the playbook that proposed the plan."""

from dataclasses import replace

import pytest

from bot.cases import commands
from bot.cases.agreement import score_of
from bot.cases.card_snapshot import CardSnapshot
from bot.cases.case import BadOutcome, Case, Practice
from bot.cases.entries import FieldChange, RejectReason, Reopened, StepReported, StepState
from bot.cases.plan import Idempotency, Proposer
from bot.cases.policy import RiskTier, Stage
from bot.cases.verdict import SHADOW_RULE, Ruling
from tests.cases.making import (
    ANA,
    HOUR,
    NOW,
    OMAR,
    Finish,
    action,
    asker,
    opened,
    plan,
    proposed,
    start_step,
    verdict,
)
from tests.handlers.cards.examples import RECOMMENDATION, apply_commands, case_in_doubt


def seen(case: Case) -> CardSnapshot:
    return CardSnapshot.of(case)


SHADOW = replace(verdict(ruling=Ruling.REFUSE, factors=()), rule=SHADOW_RULE)


def the_score(case: Case):
    (score,) = score_of(case)
    return score


def approve(case: Case) -> Case:
    return apply_commands(case, commands.Approve(asker(ANA), seen(case)))


def reject(case: Case, reason: RejectReason) -> Case:
    return apply_commands(case, commands.Reject(asker(ANA), seen(case), reason, "a note"))


def edit(case: Case) -> Case:
    other = plan(revision=2, quantity=12, proposer=Proposer.PERSON)
    change = FieldChange("quantity", 24, 12)
    return apply_commands(
        case,
        commands.Edit(asker(OMAR), seen(case), plan=other, verdict=verdict(), changes=(change,)),
    )


def in_shadow() -> Case:
    return apply_commands(opened(), commands.Recommend(RECOMMENDATION, plan(), SHADOW))


def by_hand(case: Case) -> Case:
    return apply_commands(case, commands.Resolve(asker(ANA), seen(case), "ordered by phone"))


def carried_out(case: Case) -> Case:
    return apply_commands(
        case, start_step(case), StepReported(0, StepState.LANDED, ""), Finish("", NOW + HOUR)
    )


def alone() -> Case:
    automatic = verdict(ruling=Ruling.AUTO_APPROVE, factors=())
    return carried_out(
        apply_commands(opened(), commands.Recommend(RECOMMENDATION, plan(), automatic))
    )


def with_practice(case: Case, *, action_agrees: bool, parameters_agree: bool) -> Case:
    practice = Practice(
        revision=case.proposal.revision,
        at=NOW + HOUR,
        action_agrees=action_agrees,
        parameters_agree=parameters_agree,
        source="asked",
        detail="12 were ordered",
    )
    return replace(case, activity=replace(case.activity, practice=practice))


def test_nothing_is_scored_before_somebody_decides():
    assert score_of(proposed()) == ()


def test_an_unedited_approval_agrees():
    score = the_score(approve(proposed()))
    assert (score.is_comparable, score.agrees) == (True, True)
    assert (score.kind, score.action) == ("low_stock", "house.order_stock")
    assert (score.case_id, score.stage, score.is_alone) == ("EX-1", Stage.SUPERVISED, False)


def test_an_edit_agrees_on_the_action_and_not_on_the_parameters():
    score = the_score(approve(edit(proposed())))
    assert (score.is_comparable, score.action_agrees, score.parameters_agree) == (True, True, False)


@pytest.mark.parametrize("reason", RejectReason)
def test_a_rejection_is_a_miss_unless_its_reason_says_nothing_about_the_plan(reason):
    score = the_score(reject(proposed(), reason))
    is_silent = reason in {RejectReason.DUPLICATE, RejectReason.ALREADY_HANDLED}
    assert (score.is_comparable, score.agrees) == (not is_silent, False)


def test_what_was_taken_care_of_exactly_so_agrees():
    case = reject(proposed(), RejectReason.ALREADY_HANDLED)
    score = the_score(with_practice(case, action_agrees=True, parameters_agree=True))
    assert (score.is_comparable, score.agrees) == (True, True)
    score = the_score(with_practice(case, action_agrees=True, parameters_agree=False))
    assert (score.is_comparable, score.agrees) == (True, False)


def test_in_shadow_what_people_do_by_hand_counts_once_it_is_known():
    case = by_hand(in_shadow())
    assert the_score(case).is_comparable is False
    score = the_score(with_practice(case, action_agrees=True, parameters_agree=True))
    assert (score.is_comparable, score.agrees, score.stage) == (True, True, Stage.SHADOW)


def test_in_shadow_a_practice_counts_without_any_decision():
    score = the_score(with_practice(in_shadow(), action_agrees=True, parameters_agree=True))
    assert (score.is_comparable, score.agrees) == (True, True)
    assert score.decided_at == NOW + HOUR


def test_what_ran_alone_is_not_comparable():
    score = the_score(alone())
    assert (score.is_comparable, score.is_alone, score.stage) == (False, True, Stage.AUTONOMOUS)


@pytest.mark.parametrize(
    "changes",
    [
        {"tier": RiskTier.MEDIUM},
        {"ruling": Ruling.REFUSE, "factors": ()},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_only_what_could_run_alone_is_comparable(changes):
    case = apply_commands(
        opened(),
        commands.Recommend(RECOMMENDATION, plan(), verdict(**changes), expires_at=NOW + 24 * HOUR),
    )
    assert the_score(reject(case, RejectReason.WRONG_PLAN)).is_comparable is False


def test_what_cannot_be_verified_or_was_not_the_playbooks_is_not_comparable():
    unverified = plan(actions=(action(idempotency=Idempotency.NONE),))
    for other in (unverified, plan(proposer=Proposer.PERSON)):
        command = commands.Recommend(RECOMMENDATION, other, verdict(), expires_at=NOW + 24 * HOUR)
        case = apply_commands(opened(), command)
        assert the_score(reject(case, RejectReason.WRONG_PLAN)).is_comparable is False


def test_a_withdrawn_approval_is_no_decision():
    case = approve(proposed())
    assert score_of(case)
    case = apply_commands(case, commands.Withdraw(asker(ANA), seen(case)))
    assert score_of(case) == ()


def test_an_undo_is_a_bad_outcome_with_its_reason():
    case = alone()
    case = apply_commands(case, commands.Undo(asker(ANA), seen(case), "wrong table"))
    score = the_score(case)
    assert (score.bad_outcome, score.bad_reason) == (BadOutcome.UNDONE, "wrong table")


def test_trouble_that_comes_back_is_a_bad_outcome_and_stays_one_with_the_next_plan():
    case = apply_commands(alone(), Reopened("it is there again"))
    assert the_score(case).bad_outcome is BadOutcome.REOPENED
    again = commands.Recommend(
        RECOMMENDATION, plan(revision=2), verdict(), expires_at=NOW + 24 * HOUR
    )
    case = approve(apply_commands(case, again))
    first, second = score_of(case)
    assert (first.bad_outcome, second.bad_outcome) == (BadOutcome.REOPENED, None)


def test_a_complaint_is_a_bad_outcome():
    case = alone()
    case = apply_commands(case, commands.ReportMistake(asker(ANA), seen(case), "too many"))
    score = the_score(case)
    assert (score.bad_outcome, score.bad_reason) == (BadOutcome.COMPLAINT, "too many")
    assert score.bad_at == NOW


def test_what_people_put_right_by_hand_is_a_bad_outcome():
    score = the_score(with_practice(alone(), action_agrees=True, parameters_agree=False))
    assert (score.bad_outcome, score.bad_reason) == (BadOutcome.CORRECTED, "12 were ordered")
    score = the_score(with_practice(alone(), action_agrees=True, parameters_agree=True))
    assert score.bad_outcome is None


def test_what_a_person_finds_not_done_is_a_bad_outcome():
    case = case_in_doubt()
    settle = commands.Settle(asker(ANA), seen(case), has_landed=False, note="not on their list")
    score = the_score(apply_commands(case, settle))
    assert (score.bad_outcome, score.bad_reason) == (BadOutcome.UNVERIFIED, "not on their list")


def test_the_first_bad_outcome_stays():
    case = alone()
    case = apply_commands(case, commands.ReportMistake(asker(ANA), seen(case), "too many"))
    case = apply_commands(case, commands.Undo(asker(ANA), seen(case), "wrong table"))
    assert the_score(case).bad_outcome is BadOutcome.COMPLAINT


def test_a_plan_that_drifted_is_decided_anew():
    case = approve(proposed())
    moved = replace(start_step(case), plan_hash="0" * 64)
    case = apply_commands(case, moved)
    assert score_of(case) == ()
