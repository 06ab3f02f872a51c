"""Hindsight: what people did by hand in shadow, and whether what ran alone was right."""

from dataclasses import replace

import pytest

from bot.cases import commands
from bot.cases.agreement import score_of
from bot.cases.card_snapshot import CardSnapshot
from bot.cases.case import BadOutcome
from bot.cases.decide import decide
from bot.cases.errors import BadRequest, MoveNotAllowed, TooLate
from bot.cases.lifecycle import State
from bot.cases.policy import Stage
from bot.cases.practice import PracticeSource
from bot.cases.results import AgreementType, agreement_of
from bot.cases.review import ReviewVerdict
from tests.cases.making import ANA, BEN, NOW, asker, do, proposed, record
from tests.handlers.cards.examples import (
    OBSERVED,
    automatic_case_resolved,
    referred_case,
    resolved_case,
    shadow_case,
    shadow_case_cleared,
    shadow_case_handled,
)

OWNER = replace(asker(BEN), playbook_owners=("ops-leads",))


def seen(case):
    return CardSnapshot.of(case)


def other(case, *, is_same_action=False, note="borrowed six"):
    return commands.CorrectPractice(
        asker(ANA), seen(case), is_same_action=is_same_action, note=note
    )


def test_doing_by_hand_what_was_recommended_is_agreement_and_ends_the_case():
    case = shadow_case()
    decision = decide(case, commands.ConfirmPractice(asker(ANA), seen(case)), NOW)
    assert [entry.body.name for entry in decision.entries] == ["practice.observed", "case.resolved"]
    after = decision.case
    assert (after.state, after.activity.practice.agrees) == (State.RESOLVED, True)
    assert after.activity.practice.source is PracticeSource.PERSON
    assert agreement_of(after) is AgreementType.AS_RECOMMENDED
    (score,) = score_of(after)
    assert (score.stage, score.is_comparable, score.agrees) == (Stage.SHADOW, True, True)


@pytest.mark.parametrize(
    ("is_same_action", "agreement"),
    [(True, AgreementType.AFTER_EDIT), (False, AgreementType.OTHERWISE)],
)
def test_doing_something_else_is_a_miss_with_its_reason(is_same_action, agreement):
    case = shadow_case()
    after = do(case, other(case, is_same_action=is_same_action))
    assert after.state is State.RESOLVED
    assert after.activity.practice.detail == "borrowed six"
    assert agreement_of(after) is agreement
    (score,) = score_of(after)
    assert (score.action_agrees, score.agrees) == (is_same_action, False)


@pytest.mark.parametrize("make_case", [shadow_case_cleared, shadow_case_handled])
def test_it_may_be_said_when_the_case_has_ended_and_then_changes_nothing_else(make_case):
    case = make_case()
    after = do(case, commands.ConfirmPractice(asker(ANA), seen(case)))
    assert after.state is case.state
    assert after.activity.practice.agrees


def test_it_is_said_once():
    case = shadow_case_cleared()
    after = do(case, commands.ConfirmPractice(asker(ANA), seen(case)))
    with pytest.raises(TooLate, match="recorded already"):
        decide(after, other(after), NOW)


def test_nobody_is_asked_about_a_plan_that_people_could_approve():
    for case in (referred_case(), resolved_case()):
        with pytest.raises(MoveNotAllowed, match="no plan that was only recommended"):
            decide(case, commands.ConfirmPractice(asker(ANA), seen(case)), NOW)
    case = shadow_case()
    with pytest.raises(BadRequest, match="say what was done"):
        decide(case, other(case, note=" "), NOW)


def test_what_the_system_of_record_shows_is_kept_with_the_case():
    case = do(shadow_case(), OBSERVED)
    practice = case.activity.practice
    assert (practice.revision, practice.action_agrees, practice.agrees) == (1, True, False)
    assert (practice.source, practice.detail) == (PracticeSource.SYSTEM, "quantity 30, not 24")


def test_another_plan_has_another_practice():
    case = do(shadow_case(), OBSERVED)
    again = do(case, commands.TryAgain(asker(ANA), seen(case)))
    verdict = case.proposal.verdict
    plan = replace(case.proposal.plan, revision=2)
    recommend = commands.Recommend(case.proposal.recommendation, plan, verdict)
    assert do(again, recommend).activity.practice is None


def test_what_ran_alone_is_reviewed_once_by_those_who_own_its_playbook():
    case = automatic_case_resolved()
    assert case.is_review_due
    after = do(case, commands.ReviewRight(OWNER, seen(case)))
    assert after.activity.review.verdict is ReviewVerdict.RIGHT
    assert not after.is_review_due
    assert score_of(after)[0].bad_outcome is None
    with pytest.raises(TooLate, match="answered already"):
        decide(after, commands.ReviewRight(OWNER, seen(after)), NOW)


def test_a_review_that_finds_it_wrong_is_a_bad_outcome():
    case = automatic_case_resolved()
    with pytest.raises(BadRequest, match="say what was wrong"):
        decide(case, commands.ReviewWrong(OWNER, seen(case), note=""), NOW)
    after = do(case, commands.ReviewWrong(OWNER, seen(case), note="the task was fine"))
    (score,) = score_of(after)
    assert score.bad_outcome is BadOutcome.COMPLAINT
    assert score.bad_reason == "the task was fine"


@pytest.mark.parametrize("one_in", [0, 1_000_000_007])
def test_a_case_outside_the_sample_is_not_asked_about(one_in):
    case = automatic_case_resolved(review_one_in=one_in)
    assert not case.is_review_due
    with pytest.raises(MoveNotAllowed, match="nobody is asked"):
        decide(case, commands.ReviewRight(OWNER, seen(case)), NOW)


def test_an_old_ledger_folds_a_review_of_a_case_that_has_none():
    from bot.cases.entries import ReviewGiven

    given = ReviewGiven(verdict=ReviewVerdict.RIGHT, by_name="Ana")
    assert record(proposed(), given).activity.review is None
