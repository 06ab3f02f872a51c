"""What people decided about a case, held against what the desk says."""

from dataclasses import replace

import pytest

from bot.cases.actor import CaseId
from bot.cases.approval import ApprovalRequirement
from bot.cases.card_snapshot import CardSnapshot
from bot.cases.commands import Approve, Edit, NameKind, Recommend, Reject, TryAgain, Undo
from bot.cases.controls import DESK_ID
from bot.cases.entries import (
    FieldChange,
    Gathered,
    MistakeReported,
    PracticeObserved,
    Recognised,
    RejectReason,
    Reopened,
    ReviewGiven,
    StageChanged,
    StepReported,
    StepState,
    Stopped,
)
from bot.cases.evaluation import (
    Course,
    EvaluationReason,
    Expectation,
    Judgement,
    PlannedStep,
    TrialComparison,
    agrees,
    demoted_by,
    expectations_of,
    judgement_of,
    reasons_for_evaluation,
    steps_of,
    trials_of,
)
from bot.cases.evidence import Evidence
from bot.cases.evolve import fold
from bot.cases.plan import Branch, Cause
from bot.cases.policy import RiskTier, Stage
from bot.cases.practice import PracticeSource
from bot.cases.recommendation import Recommendation
from bot.cases.review import ReviewVerdict
from bot.cases.verdict import Ruling
from tests.cases.making import (
    ANA,
    NOW,
    OMAR,
    Finish,
    caller,
    entry_after,
    opening,
    plan,
    recognition,
    start_step,
    verdict,
    write,
)

FACT = Evidence(name="stock.on_hand", label="On hand", value=4, source="house", read_at=NOW)
LANDED = StepReported(0, StepState.LANDED, "")


def history(*moves, first=None):
    """The entries of a case that these moves made; a function makes a move of the case."""
    case, entries = None, []
    for move in (first or opening(), *moves):
        decision = write(case, move(case) if callable(move) else move)
        entries += decision.entries
        case = decision.case
    return entries


def gathered():
    return Gathered(evidence=(FACT,), what="4 left", why="matters", stake=None)


def recommend(revision=1, **more):
    return Recommend(
        Recommendation("house.order_stock", "because", "rule 1"),
        plan(revision=revision),
        verdict(**more),
    )


def approve(case):
    return Approve(caller(ANA), CardSnapshot.of(case))


def reject(case):
    return Reject(caller(ANA), CardSnapshot.of(case), RejectReason.WRONG_PLAN)


def edit(case):
    return Edit(
        caller(ANA),
        CardSnapshot.of(case),
        plan=plan(revision=2, quantity=30),
        verdict=verdict(),
        changes=(FieldChange("quantity", 24, 30),),
    )


def approve_as_omar(case):
    return Approve(caller(OMAR), CardSnapshot.of(case))


LOOKED_AT = (gathered(), recommend())
CARRIED_OUT = (*LOOKED_AT, approve, start_step, LANDED, Finish("done", NOW.replace(hour=23)))


def step(quantity):
    return (PlannedStep("house.order_stock", {"quantity": quantity}),)


def expectation(*moves, **more):
    (expected,) = expectations_of(trials_of(history(*moves, **more)))
    return expected


# --- trials -----------------------------------------------------------------------------------------


def test_a_trial_has_the_case_as_the_desk_found_it_and_as_it_left_it():
    entries = history(*CARRIED_OUT)
    (trial,) = trials_of(entries)
    assert (trial.before.version, trial.after.version) == (1, 3)
    assert trial.evidence == (FACT,)
    assert trial.at == NOW
    assert [entry.version for entry in trial.sequel] == [4, 5, 6, 7, 8]
    assert trial.actions[0] == plan().actions[0]


def test_a_trial_begins_before_recognition():
    finding = Recognised(
        recognition=recognition("low_stock"),
        owner="floor-managers",
        channel="C0STOCK",
        sla=opening().sla,
    )
    (trial,) = trials_of(history(finding, *LOOKED_AT, first=opening(kind="unrecognised")))
    assert trial.before.kind == "unrecognised"
    assert trial.after.kind == "low_stock"


def test_each_time_that_the_desk_looks_again_is_a_trial_of_its_own():
    failed = (StepReported(0, StepState.FAILED, "no"), Stopped("given up"))
    again = lambda case: TryAgain(caller(ANA), CardSnapshot.of(case))  # noqa: E731
    entries = history(
        *LOOKED_AT, approve, start_step, *failed, again, gathered(), recommend(revision=2), reject
    )
    first, second = trials_of(entries)
    assert (first.number, second.number) == (1, 2)
    assert second.before.proposal.revision == 1
    assert {entry.body.name for entry in first.sequel} >= {"plan.stopped", "case.retriage_asked"}
    assert [entry.body.name for entry in second.sequel] == ["plan.rejected"]
    # The snapshots of both are known to both.
    assert len(first.actions) == 3


def test_a_case_that_could_not_be_looked_at_has_no_trial():
    blocked = Recommend(Recommendation("", "", "", blocked="away"), None, None)
    assert trials_of(history(blocked)) == []


# --- what people decided ----------------------------------------------------------------------------


def test_people_expect_the_plan_that_they_approved():
    assert expectation(*CARRIED_OUT) == Expectation(approved_steps=step(24))


def test_people_expect_the_plan_as_they_edited_it():
    expected = expectation(*LOOKED_AT, edit, approve_as_omar)
    assert expected == Expectation(approved_steps=step(30))


def test_a_rejected_plan_is_not_expected_again():
    assert expectation(*LOOKED_AT, reject) == Expectation(refused_steps=(step(24),))


def test_a_plan_that_was_taken_back_is_not_expected_again():
    undo = lambda case: Undo(caller(ANA), CardSnapshot.of(case), note="wrong")  # noqa: E731
    assert expectation(*CARRIED_OUT, undo) == Expectation(refused_steps=(step(24),))


def test_a_plan_after_which_the_trouble_came_back_is_not_expected_again():
    expected = expectation(*CARRIED_OUT, Reopened("it is back"))
    assert expected == Expectation(refused_steps=(step(24),))


def test_nobody_expects_anything_where_nobody_decided():
    assert expectation(*LOOKED_AT).is_empty


def test_the_kind_that_a_person_named_is_expected_of_every_look():
    abstention = Recognised(
        recognition=recognition(),
        owner="floor-managers",
        channel="C0OPS",
        sla=opening().sla,
    )
    nothing = Recommend(Recommendation("", "", ""), None, None)
    name = lambda case: NameKind(  # noqa: E731
        caller(ANA),
        CardSnapshot.of(case),
        kind="low_stock",
        owner="floor-managers",
        channel="C0STOCK",
        sla=opening().sla,
    )
    entries = history(
        abstention,
        gathered(),
        nothing,
        name,
        gathered(),
        recommend(),
        first=opening(kind="unrecognised"),
    )
    first, second = expectations_of(trials_of(entries))
    assert first.kind == "low_stock"
    assert second.kind is None
    assert reasons_for_evaluation(entries) == (EvaluationReason.UNRECOGNISED,)


@pytest.mark.parametrize(
    ("moves", "reasons"),
    [
        (CARRIED_OUT, ()),
        ((*LOOKED_AT, reject), (EvaluationReason.REJECTED,)),
        ((*LOOKED_AT, edit, approve_as_omar), (EvaluationReason.EDITED,)),
        ((*CARRIED_OUT, Reopened("it is back")), (EvaluationReason.REOPENED,)),
    ],
    ids=["approved", "rejected", "edited", "opened again"],
)
def test_a_case_that_people_corrected_is_one_of_the_evaluation_set(moves, reasons):
    assert reasons_for_evaluation(history(*moves)) == reasons


def hindsight(body):
    """The entries of a case that was carried out, and what was said of it afterwards."""
    entries = history(*CARRIED_OUT)
    return [*entries, entry_after(fold(entries), body)]


PRACTICE = {"source": PracticeSource.PERSON, "by_name": "Ana"}


@pytest.mark.parametrize(
    ("body", "expected", "reasons"),
    [
        (
            MistakeReported("wrong bottles", "Ana"),
            Expectation(refused_steps=(step(24),)),
            (EvaluationReason.MISTAKE,),
        ),
        (
            ReviewGiven(verdict=ReviewVerdict.WRONG, by_name="Ana"),
            Expectation(refused_steps=(step(24),)),
            (EvaluationReason.REVIEW,),
        ),
        (
            ReviewGiven(verdict=ReviewVerdict.RIGHT, by_name="Ana"),
            Expectation(approved_steps=step(24)),
            (),
        ),
        (
            PracticeObserved(action_agrees=True, parameters_agree=False, **PRACTICE),
            Expectation(refused_steps=(step(24),)),
            (EvaluationReason.PRACTICE,),
        ),
        (
            PracticeObserved(action_agrees=True, parameters_agree=True, **PRACTICE),
            Expectation(approved_steps=step(24)),
            (),
        ),
    ],
    ids=["mistake", "reviewed as wrong", "reviewed as right", "done otherwise", "done alike"],
)
def test_what_is_said_in_hindsight_counts(body, expected, reasons):
    entries = hindsight(body)
    (trial,) = trials_of(entries)
    assert expectations_of([trial]) == [expected]
    assert reasons_for_evaluation(entries) == reasons


def test_a_case_that_ended_that_something_runs_alone_is_named_by_the_desk():
    def change(before, stage, on_case):
        body = StageChanged(
            kind="low_stock",
            action="house.order_stock",
            stage=stage,
            before=before,
            reason="undone",
            by_name="",
            on_case=on_case,
        )
        return replace(history()[0], case_id=DESK_ID, body=body)

    entries = [
        change(Stage.SUPERVISED, Stage.AUTONOMOUS, "EX-1"),
        change(Stage.AUTONOMOUS, Stage.SUPERVISED, "EX-2"),
        change(Stage.AUTONOMOUS, Stage.SHADOW, ""),
    ]
    assert demoted_by(entries) == {"EX-2"}


def test_another_condition_in_a_tree_is_another_plan():
    branches = (Branch(name="order"), Branch(name="claim", after=0, cause=Cause.REFUSED))
    actions = (plan().actions[0], plan().actions[0])
    tree = plan(actions=actions, branches=branches)
    other = replace(tree, branches=(branches[0], replace(branches[1], when="steps.order.late")))
    assert steps_of(tree) != steps_of(other)
    assert str(steps_of(other)[1]).endswith("if step 1 refused and steps.order.late")


# --- agreement --------------------------------------------------------------------------------------


def judgement(steps=(), course=Course.ASK, kind="low_stock", **changes):
    return Judgement(kind=kind, steps=steps, course=course, tier=RiskTier.LOW, **changes)


@pytest.mark.parametrize(
    ("said", "expected", "result"),
    [
        (judgement(step(24)), Expectation(approved_steps=step(24)), True),
        (judgement(step(25)), Expectation(approved_steps=step(24)), False),
        (judgement(step(24)), Expectation(refused_steps=(step(24),)), False),
        (judgement(), Expectation(refused_steps=(step(24),)), True),
        (judgement(step(24)), Expectation(kind="lead_cold"), False),
        (judgement(), Expectation(is_by_hand=True), True),
        (judgement(step(24)), Expectation(is_by_hand=True), False),
        (judgement(step(24)), Expectation(), None),
    ],
)
def test_agreement_is_with_what_people_decided(said, expected, result):
    assert agrees(said, expected) is result


def comparison(before, now, expected=None):
    return TrialComparison(
        case_id="EX-1",
        trial=1,
        at=NOW,
        title="Merlot",
        before=before,
        now=now,
        expected=expected or Expectation(),
    )


def test_what_people_agreed_with_and_would_correct_now_is_a_regression():
    worse = comparison(
        judgement(step(24)), judgement(step(25)), Expectation(approved_steps=step(24))
    )
    assert worse.is_regression
    better = comparison(
        judgement(step(25)), judgement(step(24)), Expectation(approved_steps=step(24))
    )
    assert better.is_improvement
    assert not better.is_regression


def test_what_people_refused_and_would_now_run_alone_is_a_regression():
    refused = Expectation(refused_steps=(step(24),))
    asked, alone = judgement(step(24)), judgement(step(24), Course.ALONE)
    assert comparison(asked, alone, refused).is_regression
    # They were asked, and would be asked again.
    assert not comparison(asked, asked, refused).is_regression


def test_what_people_approved_may_run_alone():
    approval = Expectation(approved_steps=step(24))
    same = comparison(judgement(step(24)), judgement(step(24), Course.ALONE), approval)
    assert same.is_newly_alone
    assert not same.is_regression


def test_differences_are_of_kind_plan_course_approvers_and_risk():
    before = judgement(step(24), approvers=(ApprovalRequirement("floor-managers", 1),))
    assert comparison(before, replace(before, reason="other words")).differences == ()
    now = Judgement(
        kind="lead_cold",
        steps=step(25),
        course=Course.REFUSED,
        tier=RiskTier.HIGH,
        rule="limit",
    )
    names = [difference.name for difference in comparison(before, now).differences]
    assert names == ["kind", "plan", "course", "approvers", "risk"]


def test_the_order_of_parameters_is_no_difference():
    one = PlannedStep("a.b", {"x": 1, "y": 2})
    other = PlannedStep("a.b", {"y": 2, "x": 1})
    assert comparison(judgement((one,)), judgement((other,))).differences == ()


def test_a_judgement_is_read_from_the_case():
    (trial,) = trials_of(history(*LOOKED_AT))
    said = judgement_of(trial.after)
    assert said == Judgement(
        kind="low_stock",
        steps=step(24),
        course=Course.ASK,
        tier=RiskTier.LOW,
        approvers=(ApprovalRequirement("floor-managers", 1),),
        rule="rule",
        reason="fine",
    )
    refused = recommend(ruling=Ruling.REFUSE, factors=())
    (trial,) = trials_of(history(gathered(), refused))
    assert judgement_of(trial.after).course is Course.REFUSED
    assert CaseId(trial.case_id) == "EX-1"
