"""Folding: the same entries always give the same case, and a broken sequence gives none."""

from dataclasses import replace

import pytest

from bot.cases.actor import DESK, Actor
from bot.cases.approval import ApprovalRequirement
from bot.cases.canonical import from_json, to_json
from bot.cases.card_snapshot import CardSnapshot
from bot.cases.case import Case
from bot.cases.commands import Approve, Clear, HandOver, Recommend, Recur, Reject
from bot.cases.decide import decide, record_refusal
from bot.cases.entries import (
    AttemptRefused,
    Delegated,
    Drifted,
    HandedOver,
    Opened,
    Paused,
    Recurred,
    Rejected,
    RejectReason,
    StepReported,
    StepStarted,
    StepState,
    Stopped,
    entry_of,
    entry_plain,
)
from bot.cases.errors import DoubtDropped, LedgerBroken, MoveNotAllowed, NotEligible
from bot.cases.evolve import evolve, fold
from bot.cases.lifecycle import State
from bot.cases.recommendation import Recommendation
from tests.cases.making import (
    ANA,
    BEN,
    CASES,
    NOW,
    OMAR,
    SEEN,
    action,
    caller,
    delegation,
    do,
    entry_after,
    landed,
    opened,
    opening,
    plan,
    proposed,
    record,
    running,
    signal,
    verdict,
)


def test_no_entries_are_no_case():
    assert fold([]) is None


@pytest.mark.parametrize("state", CASES, ids=lambda state: state.name)
def test_a_case_of_every_state_is_stored_and_read_back(state):
    case = CASES[state]()
    assert case.state is state
    assert from_json(Case, to_json(case)) == case


@pytest.mark.parametrize("state", CASES, ids=lambda state: state.name)
def test_an_entry_that_does_not_follow_is_a_broken_ledger(state):
    case = CASES[state]()
    entry = entry_after(case, Recurred(signal(key="again")))
    assert evolve(case, entry).version == case.version + 1
    wrong = [
        replace(entry, version=case.version),
        replace(entry, version=case.version + 2),
        replace(entry, version=1),
        replace(entry, case_id="EX-2"),
    ]
    for other in wrong:
        with pytest.raises(LedgerBroken, match="does not follow EX-1 entry"):
            evolve(case, other)


def test_a_case_has_no_second_opening():
    command = opening()
    again = Opened(
        signal=command.signal, owner=command.owner, channel=command.channel, sla=command.sla
    )
    with pytest.raises(MoveNotAllowed, match="cannot open a case"):
        record(opened(), again)


@pytest.mark.parametrize("body", [Paused("", "x", "Ana"), Delegated(delegation())])
def test_an_entry_about_the_desk_is_about_no_case(body):
    with pytest.raises(LedgerBroken, match="EX-1 entry 2 cannot be "):
        record(opened(), body)


def test_decide_returns_the_case_that_its_entries_fold_to():
    case = proposed()
    for command in (
        Approve(caller(ANA), SEEN),
        Reject(caller(ANA), SEEN, RejectReason.DUPLICATE),
        Recur(signal(key="again"), identities=caller(ANA).identities),
        Clear(signal(key="gone")),
    ):
        decision = decide(case, command, NOW)
        after = case
        for entry in decision.entries:
            after = evolve(after, entry_of(entry_plain(entry)))
        assert after == decision.case


def test_two_decisions_in_a_row_are_one():
    first = decide(proposed(), Approve(caller(ANA), SEEN), NOW)
    second = decide(first.case, Recur(signal(key="again")), NOW)
    both = first.then(second)
    assert both.case is second.case
    assert [entry.version for entry in both.entries] == [3, 4, 5]


# --- parties --------------------------------------------------------------------------------------


def test_whoever_acts_on_a_case_or_is_given_it_is_a_party_to_it_once():
    case = do(opened(requester=OMAR.id), Recur(signal(key="again")))
    assert case.activity.people == (OMAR.id,)
    hand_over = HandOver(
        caller(BEN), CardSnapshot.of(case), to=ANA.id, progress="counted", remains="the order"
    )
    case = do(case, hand_over)
    assert case.activity.people == (OMAR.id, BEN.id, ANA.id)
    back = replace(hand_over, by=caller(ANA), snapshot=CardSnapshot.of(case), to=OMAR.id)
    assert do(case, back).activity.people == case.activity.people


@pytest.mark.parametrize("actor", [DESK, Actor.from_source("till"), Actor.from_operator("root")])
def test_only_people_are_parties(actor):
    body = HandedOver("ops-leads", "", "Ana")
    assert record(opened(), body, actor=actor).activity.people == ()


def test_an_attempt_that_was_refused_counts_and_makes_nobody_a_party():
    case = proposed()
    decision = record_refusal(
        case,
        caller(BEN),
        attempt="approve",
        revision=7,
        refusal=NotEligible("only @floor-managers may approve this"),
        now=NOW,
    )
    (entry,) = decision.entries
    assert entry.body == AttemptRefused(
        attempt="approve",
        code="not_eligible",
        reason="only @floor-managers may approve this",
        on_revision=7,
    )
    assert entry.actor == Actor.parse(BEN.id)
    assert (decision.case.activity.refusal_count, decision.case.activity.people) == (1, ())


def test_a_failure_without_a_code_is_written_as_refused():
    decision = record_refusal(
        proposed(), caller(ANA), attempt="approve", revision=1, refusal=ValueError("x"), now=NOW
    )
    assert decision.entries[0].body.code == "refused"


# --- a step in doubt ------------------------------------------------------------------------------


def test_what_the_executor_writes_out_of_turn_is_refused_in_words():
    with pytest.raises(MoveNotAllowed) as failure:
        do(running(), Stopped("given up"))
    expected = "nobody knows yet what came of step 1 of EX-1: that is found out first"
    assert str(failure.value) == expected


def test_the_drift_of_an_earlier_release_may_leave_only_the_first_step_behind():
    drift = Drifted(("it moved",))
    assert record(running(), drift).state is State.OPEN
    second = landed(actions=(action(), action()))
    start = StepStarted(1, second.proposal.plan.step_key(1), second.proposal.plan.plan_hash)
    second_step = record(second, start)
    with pytest.raises(DoubtDropped, match="step 2 of EX-1"):
        record(second_step, drift)
    undoing = running(StepReported(0, StepState.UNDOING, ""))
    with pytest.raises(DoubtDropped):
        record(undoing, drift)


def test_a_step_that_is_known_may_be_left_behind():
    case = landed()
    assert record(case, Drifted(("it moved",))).state is State.OPEN


def test_a_signal_while_a_step_is_in_doubt_leaves_it_as_it_stands():
    case = running()
    after = do(case, Recur(signal(key="again")), Clear(signal(key="gone")))
    assert (after.execution.steps, after.state) == (case.execution.steps, case.state)


# --- a ledger of an earlier release ---------------------------------------------------------------


def test_a_rejection_of_a_snoozed_case_folds_and_is_written_no_more():
    asleep = CASES[State.SNOOZED]()
    body = Rejected(RejectReason.DUPLICATE, "", "Ana")
    assert record(asleep, body).state is State.REJECTED
    with pytest.raises(MoveNotAllowed, match="cannot reject a case that is snoozed"):
        decide(asleep, Reject(caller(ANA), CardSnapshot.of(asleep), RejectReason.DUPLICATE), NOW)


def test_a_whole_history_folds_the_same_from_what_was_stored():
    two = (ApprovalRequirement("floor-managers", 2),)
    entries = list(decide(None, opening(requester=OMAR.id), NOW).entries)

    case = fold(entries)
    offer = Recommend(Recommendation("a", "b", "c"), plan(), verdict(factors=two))
    for command in (offer, Recur(signal(key="again", requester=BEN.id)), Clear(signal(key="x"))):
        decision = decide(case, command, NOW)
        entries += decision.entries
        case = decision.case
    rows = [entry_plain(entry) for entry in entries]
    again = fold(entry_of(plain) for plain in rows)
    assert again == case == fold(entries)
    assert [entry_plain(entry_of(plain)) for plain in rows] == rows
