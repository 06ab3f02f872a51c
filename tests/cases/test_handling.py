"""Handling by people: what each decision asks for, and what it leaves behind."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.cases.approval import ApprovalRequirement
from bot.cases.card_snapshot import CardSnapshot
from bot.cases.commands import (
    Approve,
    Claim,
    Edit,
    HandOver,
    Reject,
    Resolve,
    Snooze,
    TryAgain,
)
from bot.cases.decide import decide
from bot.cases.entries import (
    REJECT_REASONS,
    Edited,
    FieldChange,
    HandedOver,
    Rejected,
    RejectReason,
    Resolution,
    Resolved,
    RetriageAsked,
    Snoozed,
)
from bot.cases.errors import BadRequest, LedgerBroken, TooLate
from bot.cases.handling import MAX_SNOOZE
from bot.cases.lifecycle import State
from bot.cases.verdict import Ruling
from bot.cases.votes import MAX_NOTE_LENGTH
from tests.cases.making import (
    ANA,
    BEN,
    CARLA,
    HOUR,
    NOW,
    OMAR,
    SEEN,
    caller,
    do,
    plan,
    proposed,
    referred,
    verdict,
)

CHANGE = FieldChange("quantity", 24, 12)
SECOND = timedelta(seconds=1)


# --- reject ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("reason", RejectReason)
@pytest.mark.parametrize("note", ["", " ", " we count it again "])
def test_a_plan_is_rejected_for_a_reason_of_the_list(reason, note):
    command = Reject(caller(ANA), SEEN, reason, note)
    if reason is RejectReason.OTHER and not note.strip():
        with pytest.raises(BadRequest, match="say in a few words why") as failure:
            decide(proposed(), command, NOW)
        assert failure.value.field == "note"
        return
    (entry,) = decide(proposed(), command, NOW).entries
    assert entry.body == Rejected(reason, note.strip(), "Ana")
    case = do(proposed(), command)
    assert (case.state, case.timers.decided_at) == (State.REJECTED, NOW)
    assert (case.activity.status_reason.reason, case.activity.status_reason.note) == (
        REJECT_REASONS[reason],
        note.strip(),
    )
    assert case.activity.status_reason.by == "Ana"


def test_every_reason_to_reject_has_words():
    assert REJECT_REASONS.keys() == set(RejectReason)
    assert len(set(REJECT_REASONS.values())) == len(REJECT_REASONS)
    for reason in RejectReason:
        assert reason.description == REJECT_REASONS[reason]


# --- edit -----------------------------------------------------------------------------------------


def edit(case, person=ANA, **changes) -> Edit:
    fields = {
        "plan": plan(revision=case.proposal.revision + 1, quantity=12),
        "verdict": verdict(),
        "changes": (CHANGE,),
    }
    return Edit(caller(person), CardSnapshot.of(case), **{**fields, **changes})


def test_an_edit_is_a_new_plan_that_waits_as_long_as_policy_says():
    case = proposed()
    later = NOW + 3 * HOUR
    (entry,) = decide(case, edit(case), later).entries
    assert entry.body == Edited(
        plan=plan(revision=2, quantity=12),
        verdict=verdict(),
        changes=(CHANGE,),
        by_name="Ana",
        expires_at=later + 24 * HOUR,
    )
    assert entry.revision == 2
    longer = edit(case, expires_at=NOW + 90 * HOUR)
    assert do(case, longer).proposal.expires_at == NOW + 90 * HOUR


def test_everybody_who_edited_is_an_author():
    case = proposed()
    case = do(case, edit(case))
    case = do(case, edit(case, OMAR))
    assert (case.proposal.editors, case.authors) == ((ANA.id, OMAR.id), (ANA.id, OMAR.id))


@pytest.mark.parametrize(
    ("changes", "error", "complaint"),
    [
        ({"changes": ()}, BadRequest, "nothing was changed"),
        (
            {"plan": plan(revision=1)},
            LedgerBroken,
            "revision 1 does not follow revision 1 of EX-1",
        ),
        (
            {"plan": plan(revision=3)},
            LedgerBroken,
            "revision 3 does not follow revision 1 of EX-1",
        ),
        (
            {"verdict": verdict(ruling=Ruling.REFUSE, reason="over the limit")},
            BadRequest,
            "policy does not allow it: over the limit",
        ),
    ],
)
def test_what_is_no_edit(changes, error, complaint):
    case = proposed()
    with pytest.raises(error) as failure:
        decide(case, edit(case, **changes), NOW)
    assert str(failure.value) == complaint


def test_an_edit_comes_too_late_like_an_approval():
    case = proposed()
    with pytest.raises(TooLate, match="the time to decide has passed"):
        decide(case, edit(case), case.proposal.expires_at)


# --- hand over and claim --------------------------------------------------------------------------


def hand_over(case, person=BEN, **changes) -> HandOver:
    fields = {"to": OMAR.id, "progress": " counted ", "remains": " the order "}
    return HandOver(caller(person), CardSnapshot.of(case), **{**fields, **changes})


@pytest.mark.parametrize(
    ("to", "team"),
    [
        # A person has it for their group; another group has it for itself.
        (OMAR.id, "floor-managers"),
        ("finance", "finance"),
    ],
)
def test_a_case_is_handed_over_with_what_is_done_and_what_is_open(to, team):
    case = proposed()
    (entry,) = decide(case, hand_over(case, to=to), NOW).entries
    assert entry.body == HandedOver(to, "Done: counted Open: the order", "Ben")
    after = do(case, hand_over(case, to=to))
    assert (after.owner, after.team, after.state) == (to, team, State.PROPOSED)


@pytest.mark.parametrize(
    ("changes", "field", "complaint"),
    [
        ({"to": ""}, "to", "name who takes over"),
        ({"to": BEN.id}, "to", "choose somebody else; to take it on yourself, say so on its card"),
        ({"to": "floor-managers"}, "to", "it is theirs already"),
        ({"progress": "\n"}, "done", "say what is done"),
        ({"remains": " "}, "remains", "say what is open"),
        # The first complaint is about whom it goes to.
        ({"to": "", "progress": "", "remains": ""}, "to", "name who takes over"),
    ],
)
def test_a_hand_over_names_somebody_else_and_says_what_is_open(changes, field, complaint):
    case = proposed()
    with pytest.raises(BadRequest) as failure:
        decide(case, hand_over(case, **changes), NOW)
    assert (str(failure.value), failure.value.field) == (complaint, field)


@pytest.mark.threat("C1")
def test_the_note_of_a_hand_over_has_a_bound():
    case = proposed()
    after = decide(case, hand_over(case, progress="x" * 5_000), NOW)
    assert len(after.entries[0].body.note) == MAX_NOTE_LENGTH


def test_whoever_claims_a_case_has_it_and_their_group_keeps_it():
    case = do(proposed(), Claim(caller(ANA), SEEN))
    assert (case.owner, case.team) == (ANA.id, "floor-managers")
    other = do(case, Claim(caller(OMAR), CardSnapshot.of(case)))
    assert other.owner == OMAR.id
    with pytest.raises(TooLate, match="it is yours already"):
        decide(case, Claim(caller(ANA), CardSnapshot.of(case)), NOW)


# --- snooze ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("span", "is_allowed"),
    [
        (SECOND, True),
        (HOUR, True),
        (MAX_SNOOZE, True),
        (MAX_SNOOZE + SECOND, False),
        (timedelta(0), False),
        (-HOUR, False),
        (timedelta(days=3_650), False),
    ],
)
def test_a_case_is_snoozed_for_a_month_at_most(span, is_allowed):
    command = Snooze(caller(ANA), SEEN, until=NOW + span, reason=" later ")
    if not is_allowed:
        with pytest.raises(BadRequest, match="snooze until a time within 30 days") as failure:
            decide(proposed(), command, NOW)
        assert failure.value.field == "until"
        return
    (entry,) = decide(proposed(), command, NOW).entries
    assert entry.body == Snoozed(NOW + span, "later", "Ana")


def test_a_snooze_voids_the_approvals():
    """Whoever approved looks again when it wakes."""
    case = proposed(factors=(ApprovalRequirement("floor-managers", 2),))
    case = do(case, Approve(caller(ANA), CardSnapshot.of(case)))
    case = do(case, Snooze(caller(OMAR), CardSnapshot.of(case), until=NOW + HOUR, reason="later"))
    assert (case.state, case.proposal.approvals) == (State.SNOOZED, ())
    assert (case.activity.status_reason.by, case.activity.status_reason.reason) == ("Omar", "later")


# --- resolve and try again ------------------------------------------------------------------------


def test_a_case_that_was_handled_by_hand_says_how():
    case = referred()
    command = Resolve(caller(BEN), CardSnapshot.of(case), " by telephone ")
    (entry,) = decide(case, command, NOW).entries
    assert entry.body == Resolved(resolution=Resolution.BY_HAND, note="by telephone", by_name="Ben")
    after = do(case, command)
    assert (after.state, after.execution.undo_until, after.timers.decided_at) == (
        State.RESOLVED,
        None,
        NOW,
    )
    assert (after.activity.status_reason.reason, after.activity.status_reason.by) == (
        "handled by hand",
        "Ben",
    )
    with pytest.raises(BadRequest, match="say what was done") as failure:
        decide(case, replace(command, note=" "), NOW)
    assert failure.value.field == "note"


def test_a_second_look_is_a_fresh_card():
    case = referred()
    command = TryAgain(caller(ANA), CardSnapshot.of(case))
    (entry,) = decide(case, command, NOW).entries
    assert entry.body == RetriageAsked("Ana")
    after = do(case, command)
    assert (after.state, after.generation) == (State.OPEN, case.generation + 1)
    assert after.activity.drift_reasons == ("Ana asked to look again",)
    assert CARLA.id not in after.activity.people
