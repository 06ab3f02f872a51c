"""Step-up approval: a vote counts with a signature of exactly this vote, and not otherwise."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.cases.approval import ApprovalRequirement
from bot.cases.card_snapshot import CardSnapshot
from bot.cases.commands import Approve, BeginApproval, BeginUndo, Undo
from bot.cases.decide import decide
from bot.cases.entries import StepUpAsked
from bot.cases.errors import BadRequest, NotEligible, TooLate
from bot.cases.lifecycle import State
from bot.cases.passkey import LINK_IS_OVER, STEP_UP_LIFETIME, Purpose, link_hash
from bot.cases.policy import RiskTier
from bot.cases.step_up import NO_PASSKEY
from tests.cases.making import (
    ANA,
    BEN,
    CARLA,
    HOUR,
    NOW,
    OMAR,
    TICKET,
    Finish,
    StepReported,
    StepState,
    assertion,
    caller,
    do,
    passkey,
    proposed,
    sign,
    start_step,
    verdict,
)

TWO = (ApprovalRequirement("floor-managers", 2),)
HIGH = verdict(tier=RiskTier.HIGH, factors=TWO, step_up=True)
DEVICES = (passkey(), passkey(OMAR, "device-2"))


def begin(case, person=ANA, *, ticket=TICKET, devices=DEVICES, note="it must go out today"):
    return BeginApproval(
        caller(person), CardSnapshot.of(case), note=note, ticket=ticket, passkeys=devices
    )


def vote(case, person=ANA, *, answer=None, devices=DEVICES, note="it must go out today"):
    return Approve(caller(person), CardSnapshot.of(case), note, assertion=answer, passkeys=devices)


def waiting_case(person=ANA):
    case = proposed(verdict=HIGH)
    return do(case, begin(case, person))


def approved_by_both():
    case = waiting_case()
    case = do(case, vote(case, answer=sign(case)))
    case = do(case, begin(case, OMAR))
    return do(case, vote(case, OMAR, answer=sign(case, OMAR, credential="device-2")))


# --- begin ----------------------------------------------------------------------------------------


def test_a_vote_that_is_begun_waits_for_its_signature_for_ten_minutes():
    (entry,) = decide(proposed(verdict=HIGH), begin(proposed(verdict=HIGH)), NOW).entries
    assert entry.body == StepUpAsked(
        ticket=TICKET,
        note="it must go out today",
        until=NOW + STEP_UP_LIFETIME,
        by_name="Ana",
    )
    case = waiting_case()
    assert (case.state, case.proposal.approvals) == (State.PROPOSED, ())
    (step_up,) = case.proposal.step_ups
    assert (step_up.person, step_up.ticket, step_up.revision) == (ANA.id, TICKET, 1)


def test_a_second_link_takes_the_place_of_the_first_and_leaves_that_of_others():
    case = waiting_case()
    other, again = link_hash("of Omar"), link_hash("again")
    case = do(case, begin(case, OMAR, ticket=other))
    case = do(case, begin(case, ticket=again))
    assert [(one.person, one.ticket) for one in case.proposal.step_ups] == [
        (OMAR.id, other),
        (ANA.id, again),
    ]
    with pytest.raises(TooLate, match="works no longer"):
        decide(case, vote(case, answer=sign(case)), NOW)


def test_nobody_begins_what_is_approved_on_its_card():
    case = proposed(verdict=verdict(tier=RiskTier.HIGH))
    with pytest.raises(BadRequest, match="this plan is approved on its card"):
        decide(case, begin(case), NOW)


@pytest.mark.parametrize("devices", [(), (passkey(OMAR),)])
def test_nobody_begins_without_a_device_of_their_own(devices):
    case = proposed(verdict=HIGH)
    with pytest.raises(NotEligible) as failure:
        decide(case, begin(case, devices=devices), NOW)
    assert str(failure.value) == NO_PASSKEY


@pytest.mark.parametrize(
    ("person", "note", "error", "complaint"),
    [
        (BEN, "today", NotEligible, "only @floor-managers may approve this"),
        (replace(ANA, guest=True), "today", NotEligible, "guests cannot approve"),
        (ANA, " ", BadRequest, "a high-risk plan needs your reason in words"),
    ],
)
def test_a_vote_is_judged_before_anybody_uses_a_device(person, note, error, complaint):
    case = proposed(verdict=HIGH)
    with pytest.raises(error, match=complaint):
        decide(case, begin(case, person, note=note), NOW)


def test_nobody_begins_twice_what_they_have_approved():
    case = waiting_case()
    case = do(case, vote(case, answer=sign(case)))
    with pytest.raises(TooLate, match="you have approved this already"):
        decide(case, begin(case), NOW)


def test_nobody_begins_when_the_time_is_over():
    case = proposed(verdict=HIGH)
    with pytest.raises(TooLate, match="the time to decide has passed"):
        decide(case, begin(case), NOW + 24 * HOUR)


# --- the signature --------------------------------------------------------------------------------


def test_a_signed_vote_counts_and_is_kept_with_its_signature():
    case = waiting_case()
    after = do(case, vote(case, answer=sign(case)))
    (approval,) = after.proposal.approvals
    assert approval.assertion == sign(case)
    assert (after.state, after.proposal.step_ups) == (State.PROPOSED, ())
    assert approved_by_both().state is State.APPROVED


def test_a_link_is_used_once():
    case = waiting_case()
    answer = sign(case)
    after = do(case, vote(case, answer=answer))
    with pytest.raises(TooLate):
        decide(after, vote(after, OMAR, answer=answer), NOW)


MINUTE = timedelta(minutes=1)


@pytest.mark.parametrize(
    ("change", "error", "complaint"),
    [
        (lambda case: {"answer": None}, NotEligible, "press Approve on its card"),
        (lambda case: {"answer": sign(case, ticket=link_hash("x"))}, TooLate, LINK_IS_OVER),
        (lambda case: {"answer": sign(case), "at": NOW + STEP_UP_LIFETIME}, TooLate, LINK_IS_OVER),
        (
            lambda case: {"answer": sign(case), "devices": ()},
            NotEligible,
            "this passkey is not one of yours any more",
        ),
        (
            lambda case: {"answer": sign(case), "devices": (passkey(OMAR),)},
            NotEligible,
            "this passkey is not one of yours any more",
        ),
        (
            lambda case: {"answer": sign(case, credential="device-2")},
            NotEligible,
            "this passkey is not one of yours any more",
        ),
        (
            lambda case: {"answer": assertion(b"another plan")},
            NotEligible,
            "your device signed something else than this plan",
        ),
        (
            lambda case: {"answer": sign(case, purpose=Purpose.UNDO)},
            NotEligible,
            "your device signed something else than this plan",
        ),
        (
            lambda case: {"answer": replace(sign(case), client_data="e30")},
            NotEligible,
            "your device signed something else than this plan",
        ),
    ],
    ids=[
        "nothing",
        "another link",
        "an old link",
        "a removed device",
        "a device of another",
        "another device",
        "another challenge",
        "an undo",
        "an empty answer",
    ],
)
def test_a_vote_without_exactly_its_signature_does_not_count(change, error, complaint):
    case = waiting_case()
    changes = change(case)
    at = changes.pop("at", NOW)
    with pytest.raises(error) as failure:
        decide(case, vote(case, **changes), at)
    assert complaint in str(failure.value)


def test_the_link_of_one_person_carries_no_vote_of_another():
    case = waiting_case()
    with pytest.raises(TooLate, match="works no longer"):
        decide(case, vote(case, OMAR, answer=sign(case, OMAR, credential="device-2")), NOW)


def test_no_emergency_goes_around_the_signature():
    case = proposed(verdict=verdict(factors=TWO, step_up=True))
    alone = Approve(caller(ANA), CardSnapshot.of(case), "fire", emergency=True)
    with pytest.raises(NotEligible, match="never let through by one person alone"):
        decide(case, alone, NOW)


# --- before the step ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("devices", "reasons"),
    [
        (DEVICES, ()),
        (DEVICES[:1], ("the approvals no longer count",)),
        ((), ("the approvals no longer count",)),
        ((passkey(OMAR), passkey(ANA, "device-2")), ("the approvals no longer count",)),
    ],
)
def test_a_step_begins_only_with_every_device_in_force(devices, reasons):
    case = approved_by_both()
    after = do(case, start_step(case, passkeys=devices))
    assert after.activity.drift_reasons == reasons
    assert after.state is (State.OPEN if reasons else State.RUNNING)


# --- undo -----------------------------------------------------------------------------------------


def carried_out_case():
    case = approved_by_both()
    case = do(case, start_step(case, passkeys=DEVICES), StepReported(0, StepState.LANDED, ""))
    return do(case, Finish("done", NOW + HOUR))


def begin_undo(case, person=ANA, *, devices=DEVICES, note="wrong table", ticket=TICKET):
    return BeginUndo(
        caller(person), CardSnapshot.of(case), note=note, ticket=ticket, passkeys=devices
    )


def undo(case, person=ANA, *, answer=None, devices=DEVICES):
    return Undo(
        caller(person), CardSnapshot.of(case), "wrong table", assertion=answer, passkeys=devices
    )


def test_an_undo_is_begun_signed_and_counted_like_the_approval():
    case = do(carried_out_case(), begin_undo(carried_out_case()))
    assert case.proposal.step_ups[0].purpose is Purpose.UNDO
    case = do(case, undo(case, answer=sign(case, purpose=Purpose.UNDO)))
    assert (case.state, len(case.execution.undo_approvals), case.proposal.step_ups) == (
        State.RESOLVED,
        1,
        (),
    )
    case = do(case, begin_undo(case, OMAR))
    signed = sign(case, OMAR, purpose=Purpose.UNDO, credential="device-2")
    after = do(case, undo(case, OMAR, answer=signed))
    assert (after.state, after.execution.is_undo_running) == (State.RUNNING, True)


@pytest.mark.parametrize(
    ("answer", "error", "complaint"),
    [
        (lambda case: None, NotEligible, "press Take back on its card"),
        (lambda case: sign(case), NotEligible, "signed something else"),
        (lambda case: sign(case, ticket=link_hash("x")), TooLate, "works no longer"),
    ],
)
def test_an_undo_without_exactly_its_signature_does_not_count(answer, error, complaint):
    case = do(carried_out_case(), begin_undo(carried_out_case()))
    with pytest.raises(error, match=complaint):
        decide(case, undo(case, answer=answer(case)), NOW)


def test_a_link_for_an_approval_signs_no_undo():
    """Both are votes of one person on one plan."""
    case = waiting_case()
    case = do(case, vote(case, answer=sign(case)), begin(case, OMAR))
    case = do(case, vote(case, OMAR, answer=sign(case, OMAR, credential="device-2")))
    assert case.proposal.step_ups == ()


@pytest.mark.parametrize(
    ("change", "error", "complaint"),
    [
        ({"devices": ()}, NotEligible, "you have none yet"),
        ({"note": " "}, BadRequest, "say why it is taken back"),
        ({"person": CARLA}, NotEligible, "only @floor-managers may do this"),
    ],
)
def test_an_undo_is_judged_before_anybody_uses_a_device(change, error, complaint):
    case = carried_out_case()
    with pytest.raises(error, match=complaint):
        decide(case, begin_undo(case, **change), NOW)


def test_an_undo_is_begun_only_where_a_signature_is_needed():
    case = do(
        do(proposed(), Approve(caller(ANA), CardSnapshot.of(proposed()))),
    )
    case = do(case, start_step(case), StepReported(0, StepState.LANDED, ""))
    case = do(case, Finish("done", NOW + HOUR))
    with pytest.raises(BadRequest, match="this plan is taken back on its card"):
        decide(case, begin_undo(case), NOW)
