"""Steps: what must still be as it was approved, and what is reported, parked and settled."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.cases.approval import ApprovalRequirement
from bot.cases.card_snapshot import CardSnapshot
from bot.cases.commands import LookFirst, Settle
from bot.cases.decide import decide
from bot.cases.entries import (
    IN_DOUBT,
    Authorised,
    Drifted,
    Parked,
    Settled,
    StepReported,
    StepStarted,
    StepState,
    Stopped,
    Withdrawn,
)
from bot.cases.errors import BadRequest, LedgerBroken, MoveNotAllowed, WorldMoved
from bot.cases.lifecycle import State
from bot.cases.policy import RiskTier
from bot.cases.recommendation import Recommendation
from bot.cases.steps import (
    NOW_FOR_REAL,
    NOW_FOR_SHOW,
    PARKED_REMINDER_DELAY,
    find_drift,
    finish,
)
from bot.cases.verdict import Ruling
from tests.cases.making import (
    ANA,
    BEN,
    HOUR,
    NOW,
    Recommend,
    action,
    approved,
    caller,
    do,
    entry_after,
    landed,
    opened,
    parked,
    plan,
    proposed,
    record,
    referred,
    resolved,
    running,
    start_step,
    verdict,
)

TWO = (action(), action())
REFUSED = verdict(ruling=Ruling.REFUSE, reason="over the limit")


# --- begin ----------------------------------------------------------------------------------------


def test_a_step_begins_under_its_key_and_the_hash_of_its_plan():
    case = approved()
    (entry,) = decide(case, start_step(case), NOW).entries
    assert entry.body == StepStarted(
        0, case.proposal.plan.step_key(0), case.proposal.plan.plan_hash
    )
    after = do(case, start_step(case))
    (step,) = after.execution.steps
    assert (step.state, step.key, step.at) == (
        StepState.STARTED,
        case.proposal.plan.step_key(0),
        NOW,
    )


DRIFTS = [
    ({"precondition": {}}, ("on_hand was 4, is None",)),
    ({"precondition": {"on_hand": 4, "held": 1}}, ("held was None, is 1",)),
    ({"precondition": {"on_hand": "4"}}, ("on_hand was 4, is 4",)),
    ({"plan_hash": "f" * 64}, ("the plan is not the one that was approved",)),
    ({"verdict": REFUSED}, ("policy is stricter now: over the limit",)),
    ({"verdict": verdict(tier=RiskTier.MEDIUM)}, ("policy is stricter now: fine",)),
    ({"verdict": verdict(step_up=True)}, ("policy is stricter now: fine",)),
    ({"people": {}}, ("the approvals no longer count",)),
    # Everything against it is said at once.
    (
        {"precondition": {}, "plan_hash": "f", "verdict": REFUSED, "people": {}},
        (
            "on_hand was 4, is None",
            "the plan is not the one that was approved",
            "policy is stricter now: over the limit",
        ),
    ),
]


@pytest.mark.parametrize(("change", "reasons"), DRIFTS, ids=[str(list(one)) for one, _ in DRIFTS])
def test_a_step_does_not_begin_when_something_is_no_longer_as_it_was_approved(change, reasons):
    case = approved()
    step = start_step(case, **change)
    (entry,) = decide(case, step, NOW).entries
    assert entry.body == Drifted(reasons, is_settled=True)
    after = do(case, step)
    assert (after.state, after.activity.drift_reasons, after.proposal.approvals) == (
        State.OPEN,
        reasons,
        (),
    )
    assert after.generation == case.generation + 1


@pytest.mark.parametrize(
    ("seconds", "reasons"),
    [(-1, []), (0, ["the approval is too old"]), (3600, ["the approval is too old"])],
)
def test_an_approval_is_too_old_from_its_very_moment_on(seconds, reasons):
    case = approved()
    at = case.proposal.plan.not_after + timedelta(seconds=seconds)
    assert find_drift(case, start_step(case), at) == reasons


@pytest.mark.parametrize(
    ("mode", "now", "reasons"),
    [
        ("", "live", []),
        ("live", "live", []),
        ("dry-run", "dry-run", []),
        ("dry-run", "live", [NOW_FOR_REAL]),
        ("live", "dry-run", [NOW_FOR_SHOW]),
    ],
)
def test_a_plan_is_carried_out_only_in_its_own_mode(mode, now, reasons):
    case = do(opened(), Recommend(Recommendation("a", "b", "c"), plan(mode=mode), verdict()))
    assert [one for one in find_drift(case, start_step(case, mode=now), NOW) if "dry" in one] == (
        reasons
    )


def test_a_later_step_that_has_drifted_is_no_fresh_start():
    case = landed(actions=TWO)
    step = replace(start_step(case, precondition={"on_hand": 9}, people={}), step=1)
    with pytest.raises(WorldMoved) as failure:
        decide(case, step, NOW)
    assert str(failure.value) == "on_hand was 4, is 9; the approvals no longer count"
    assert do(case, replace(step, precondition={"on_hand": 4}, people=start_step(case).people))


def test_what_policy_ran_alone_needs_no_approval_when_it_begins():
    alone = verdict(ruling=Ruling.AUTO_APPROVE, factors=())
    case = do(opened(), Recommend(Recommendation("a", "b", "c"), plan(), alone))
    assert find_drift(case, start_step(case, verdict=alone, people={}, groups={}), NOW) == []
    assert find_drift(case, start_step(case, verdict=verdict()), NOW) == [
        "policy is stricter now: fine"
    ]


def test_a_step_that_a_lost_ledger_may_have_carried_out_is_only_looked_at():
    case = approved()
    (entry,) = decide(case, LookFirst(0), NOW + 1000 * HOUR).entries
    assert entry.body == StepStarted(
        0, case.proposal.plan.step_key(0), case.proposal.plan.plan_hash
    )


def test_without_a_plan_there_is_nothing_to_begin():
    assert find_drift(opened(), start_step(approved()), NOW) == ["there is no plan"]


@pytest.mark.parametrize("command", [LookFirst(0), start_step(approved())], ids=["look", "start"])
def test_an_approval_without_a_plan_is_a_broken_ledger(command):
    case = record(opened(), Authorised(digest="d" * 64, by=(ANA.id,)))
    with pytest.raises(LedgerBroken, match="EX-1 is approved without a plan"):
        decide(case, command, NOW)


# --- report and park ------------------------------------------------------------------------------


@pytest.mark.parametrize("state", StepState)
def test_a_report_replaces_the_state_of_its_step_and_keeps_its_key(state):
    case = running()
    later = NOW + HOUR
    (step,) = do(case, StepReported(0, state, "said so"), at=later).execution.steps
    assert (step.state, step.detail, step.at) == (state, "said so", later)
    assert step.key == case.execution.steps[0].key


@pytest.mark.parametrize("state", StepState)
def test_while_one_step_is_in_doubt_no_other_is_put_in_doubt(state):
    case = landed(actions=TWO)
    case = do(case, replace(start_step(case), step=1))
    report = StepReported(0, state, "")
    if state in IN_DOUBT:
        with pytest.raises(MoveNotAllowed, match="nobody knows yet what came of step 2 of EX-1"):
            do(case, report)
        return
    assert do(case, report).execution.step_in_doubt == 1


@pytest.mark.parametrize("state", StepState)
def test_only_a_step_in_doubt_is_parked(state):
    case = running(StepReported(0, state, ""))
    if state not in IN_DOUBT:
        with pytest.raises(MoveNotAllowed, match="step 1 of EX-1 is not in doubt"):
            do(case, Parked(0, "nobody knows"))
        return
    after = do(case, Parked(0, "nobody knows"))
    assert (after.state, after.activity.status_reason.reason) == (
        State.OUTCOME_UNKNOWN,
        "nobody knows",
    )
    assert after.timers.due_at == NOW + PARKED_REMINDER_DELAY
    assert after.execution.steps == case.execution.steps


def test_another_step_than_the_one_in_doubt_is_not_parked():
    case = landed(actions=TWO)
    case = do(case, replace(start_step(case), step=1))
    with pytest.raises(MoveNotAllowed, match="step 1 of EX-1 is not in doubt"):
        do(case, Parked(0, "nobody knows"))
    assert do(case, Parked(1, "nobody knows")).execution.step_in_doubt == 1


def test_a_plan_that_was_given_up_needs_a_person():
    case = referred()
    assert (case.state, case.activity.status_reason.reason) == (State.REFERRED, "given up")
    assert (case.execution.is_undo_running, case.execution.undo_until) == (False, None)
    assert do(running(StepReported(0, StepState.FAILED, "")), Stopped("x")).state is State.REFERRED


# --- settle ---------------------------------------------------------------------------------------

SETTLED = [
    (StepState.STARTED, True, StepState.LANDED),
    (StepState.STARTED, False, StepState.FAILED),
    (StepState.ACCEPTED, True, StepState.LANDED),
    (StepState.ACCEPTED, False, StepState.FAILED),
    (StepState.UNKNOWN, True, StepState.LANDED),
    (StepState.UNKNOWN, False, StepState.FAILED),
    (StepState.MISSING, True, StepState.LANDED),
    (StepState.MISSING, False, StepState.FAILED),
    # About an undo: it happened, or the step still stands.
    (StepState.UNDOING, True, StepState.UNDONE),
    (StepState.UNDOING, False, StepState.LANDED),
    (StepState.UNDO_UNKNOWN, True, StepState.UNDONE),
    (StepState.UNDO_UNKNOWN, False, StepState.LANDED),
    (StepState.UNDO_MISSING, True, StepState.UNDONE),
    (StepState.UNDO_MISSING, False, StepState.LANDED),
]


def test_the_table_has_every_doubt_settled_both_ways():
    assert {(state, outcome) for state, outcome, _ in SETTLED} == {
        (state, outcome) for state in IN_DOUBT for outcome in (True, False)
    }


@pytest.mark.parametrize(("doubt", "has_landed", "state"), SETTLED)
def test_a_persons_word_ends_each_doubt(doubt, has_landed, state):
    case = running(StepReported(0, doubt, ""), Parked(0, "nobody knows"))
    words = " I saw it in the till "
    after = do(case, Settle(caller(ANA), CardSnapshot.of(case), has_landed=has_landed, note=words))
    (step,) = after.execution.steps
    assert (step.state, step.detail) == (state, "Ana: I saw it in the till")
    assert (after.state, after.activity.status_reason) == (State.RUNNING, None)


def test_an_owner_of_the_playbook_may_settle_too():
    case = parked()
    settle = Settle(caller(BEN), CardSnapshot.of(case), has_landed=True, note="there")
    (entry,) = decide(case, settle, NOW).entries
    assert entry.body == Settled(0, True, "there", "Ben")


@pytest.mark.parametrize("note", ["", " ", "\n"])
def test_a_persons_word_is_more_than_yes_or_no(note):
    case = parked()
    with pytest.raises(BadRequest, match="say what you saw, and where") as failure:
        decide(case, Settle(caller(ANA), CardSnapshot.of(case), has_landed=True, note=note), NOW)
    assert failure.value.field == "note"


def test_a_case_of_unknown_outcome_without_a_step_in_doubt_is_a_broken_ledger():
    case = record(landed(), Parked(0, "nobody knows"))
    settle = Settle(caller(ANA), CardSnapshot.of(case), has_landed=True, note="there")
    with pytest.raises(LedgerBroken, match="is outcome unknown without a step in doubt"):
        decide(case, settle, NOW)


# --- finish ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [1, 2, 3])
def test_what_was_done_may_be_undone_by_as_many_as_approved_it(count):
    case = proposed(factors=(ApprovalRequirement("floor-managers", count),))
    assert finish(case, "done", NOW + HOUR).undo_votes == count
    assert finish(case, "done", None).undo_votes == 0


def test_a_finished_plan_says_until_when_it_can_be_undone():
    case = resolved(30)
    assert case.execution.undo_until == NOW + HOUR / 2
    assert (case.activity.status_reason.reason, case.activity.status_reason.note) == (
        "worked",
        "done",
    )


def test_a_step_that_begins_again_keeps_its_place():
    """As after a restored backup: the step is there, and is begun once more."""
    case = running()
    entry = entry_after(
        case, StepStarted(0, "another key", case.proposal.plan.plan_hash), at=NOW + HOUR
    )
    after = do(case, StepReported(0, StepState.DEFERRED, "busy"))
    again = record(after, entry.body, at=NOW + HOUR)
    (step,) = again.execution.steps
    assert (step.state, step.key) == (StepState.STARTED, "another key")


def test_nothing_begins_on_an_approval_that_was_withdrawn():
    case = record(approved(), Withdrawn(ANA.id))
    after = do(case, start_step(case))
    assert (after.state, after.execution.steps) == (State.OPEN, ())
    assert after.activity.drift_reasons == ("the approvals no longer count",)
