"""Undo: as many as approved the plan approve that it is taken back, in time, and still may."""

from dataclasses import replace

import pytest

from bot.cases.actor import Actor
from bot.cases.approval import Approval, ApprovalRequirement
from bot.cases.card_snapshot import CardSnapshot
from bot.cases.commands import Resolve, StartUndo, Undo
from bot.cases.decide import decide
from bot.cases.entries import (
    Resolution,
    Resolved,
    StepReported,
    StepState,
    UndoApproved,
    UndoAsked,
    UndoLapsed,
)
from bot.cases.errors import BadRequest, NotEligible, TooLate
from bot.cases.lifecycle import State
from bot.cases.recommendation import Recommendation
from bot.cases.verdict import Ruling
from tests.cases.making import (
    ANA,
    BEN,
    CARLA,
    CASES,
    GROUPS,
    HOUR,
    NOW,
    OMAR,
    OWNERS,
    Approve,
    Finish,
    Recommend,
    action,
    caller,
    delegation,
    do,
    opened,
    plan,
    proposed,
    record,
    referred,
    resolved,
    standing_in,
    start_step,
    verdict,
)

TWO = (ApprovalRequirement("floor-managers", 2),)
PEOPLE = {person.id: person for person in (ANA, BEN, CARLA, OMAR)}


def undo(case, person=ANA, note="wrong table", **more) -> Undo:
    return Undo(caller(person), CardSnapshot.of(case), note, **more)


def done_by_two(factors=TWO):
    case = proposed(factors=factors)
    for person in (ANA, OMAR):
        case = do(case, Approve(caller(person), CardSnapshot.of(case)))
    case = do(case, start_step(case), StepReported(0, StepState.LANDED, ""))
    return do(case, Finish("done", NOW + HOUR))


def done_by_policy(requester=None):
    alone = verdict(ruling=Ruling.AUTO_APPROVE, factors=())
    case = opened(requester=requester)
    case = do(case, Recommend(Recommendation("a", "b", "c"), plan(requester=requester), alone))
    case = do(case, start_step(case, verdict=alone, people={}))
    case = do(case, StepReported(0, StepState.LANDED, ""))
    return do(case, Finish("done", NOW + HOUR))


def start(**changes) -> StartUndo:
    values = {"step": 0, "groups": GROUPS, "people": PEOPLE, "playbook_owners": OWNERS}
    return StartUndo(**{**values, **changes})


# --- votes ----------------------------------------------------------------------------------------


def test_an_undo_takes_as_many_people_as_the_plan_did():
    case = do(done_by_two(), undo(done_by_two()))
    assert (case.state, case.execution.is_undo_running, len(case.execution.undo_approvals)) == (
        State.RESOLVED,
        False,
        1,
    )
    decision = decide(case, undo(case, OMAR, "so think I"), NOW)
    assert [entry.body.name for entry in decision.entries] == ["undo.approved", "plan.undo_asked"]
    assert decision.entries[1].body == UndoAsked(
        note="so think I", by_name="Ana and Omar", by=(ANA.id, OMAR.id), until=NOW + HOUR
    )
    assert (decision.case.state, decision.case.execution.is_undo_running) == (State.RUNNING, True)


def test_nobody_approves_an_undo_twice():
    case = do(done_by_two(), undo(done_by_two()))
    with pytest.raises(TooLate, match="you have said already that it is taken back"):
        decide(case, undo(case), NOW)


@pytest.mark.parametrize(
    ("person", "may"),
    [(BEN, True), (ANA, False), (CARLA, False), (replace(BEN, guest=True), False)],
)
def test_what_policy_ran_alone_one_owner_of_the_playbook_takes_back(person, may):
    case = done_by_policy()
    owner_alone = replace(caller(person), playbook_owners=("ops-leads",))
    command = Undo(owner_alone, CardSnapshot.of(case), "wrong table")
    if may:
        assert do(case, command).execution.is_undo_running
        return
    with pytest.raises(NotEligible):
        decide(case, command, NOW)


def test_a_delegated_undo_names_both():
    case = proposed(factors=(ApprovalRequirement("ops-leads", 1),))
    case = do(case, Approve(caller(BEN), CardSnapshot.of(case)))
    case = do(case, start_step(case), StepReported(0, StepState.LANDED, ""))
    case = do(case, Finish("done", NOW + HOUR))
    after = do(case, Undo(standing_in(OMAR, BEN), CardSnapshot.of(case), "wrong table"))
    (vote,) = after.execution.undo_approvals
    assert (vote.person, vote.behalf_of, after.execution.is_undo_running) == (OMAR.id, BEN.id, True)


NOT_DONE = [state for state in CASES if state is not State.RESOLVED]


@pytest.mark.parametrize("state", NOT_DONE, ids=lambda state: state.name)
def test_only_what_was_done_is_taken_back(state):
    case = CASES[state]()
    with pytest.raises(TooLate) as failure:
        decide(case, undo(case), NOW)
    expected = f"EX-1 {state.predicate}; there is nothing that can be taken back"
    assert str(failure.value) == expected


@pytest.mark.parametrize(
    "make", [lambda: done_by_hand(), lambda: done_for_good()], ids=["by hand", "for good"]
)
def test_what_has_no_window_is_not_taken_back(make):
    case = make()
    assert case.state is State.RESOLVED
    with pytest.raises(TooLate, match="nothing that can be taken back"):
        decide(case, undo(case), NOW)


def done_by_hand():
    case = referred()
    return do(case, Resolve(caller(ANA), CardSnapshot.of(case), "by telephone"))


def done_for_good():
    case = proposed(actions=(action(reversible=False),))
    case = do(case, Approve(caller(ANA), CardSnapshot.of(case)))
    case = do(case, start_step(case), StepReported(0, StepState.LANDED, ""))
    return do(case, Finish("done", None))


@pytest.mark.parametrize(
    ("minutes", "may"), [(0, True), (59, True), (60, False), (61, False), (6000, False)]
)
def test_the_window_of_an_undo_ends_at_its_very_moment(minutes, may):
    case = resolved()
    at = NOW + HOUR * minutes / 60
    if may:
        assert do(case, undo(case), at=at).execution.is_undo_running
        return
    with pytest.raises(TooLate, match="the time to take it back has passed"):
        decide(case, undo(case), at)


def test_an_undo_needs_words():
    case = resolved()
    with pytest.raises(BadRequest, match="say why it is taken back") as failure:
        decide(case, undo(case, note=" \n"), NOW)
    assert failure.value.field == "note"


# --- before it begins -----------------------------------------------------------------------------

LAPSE = "the approvals to take it back no longer count"


def case_with_votes():
    case = done_by_two()
    for person in (ANA, OMAR):
        case = do(case, undo(case, person))
    return case


@pytest.mark.parametrize(
    ("change", "is_begun"),
    [
        ({}, True),
        ({"people": {}}, False),
        ({"people": {ANA.id: ANA}}, False),
        ({"people": {**PEOPLE, OMAR.id: replace(OMAR, active=False)}}, False),
        ({"groups": {}}, False),
        ({"groups": {"floor-managers": frozenset({ANA.id})}}, False),
    ],
)
def test_an_undo_begins_only_if_everybody_who_approved_it_still_may(change, is_begun):
    case = case_with_votes()
    (entry,) = decide(case, start(**change), NOW).entries
    if is_begun:
        assert entry.body == StepReported(0, StepState.UNDOING, "")
        return
    assert entry.body == UndoLapsed(LAPSE, NOW + HOUR)
    after = do(case, start(**change))
    assert (after.state, after.execution.is_undo_running, after.execution.undo_approvals) == (
        State.RESOLVED,
        False,
        (),
    )
    assert after.activity.status_reason.reason == f"not taken back: {LAPSE}"
    # It may be approved again, as long as the window is open.
    assert do(after, undo(after)).execution.undo_approvals[0].person == ANA.id


def test_an_undo_that_has_begun_goes_on_whoever_has_left():
    case = proposed(actions=(action(), action()))
    case = do(case, Approve(caller(ANA), CardSnapshot.of(case)))
    for step in (0, 1):
        begin = replace(start_step(case), step=step)
        case = do(case, begin, StepReported(step, StepState.LANDED, ""))
    case = do(case, Finish("done", NOW + HOUR))
    case = do(case, undo(case), start(step=1), StepReported(1, StepState.UNDONE, ""))
    assert case.execution.is_undo_begun
    after = do(case, start(people={}, groups={}))
    assert after.execution.steps[0].state is StepState.UNDOING


@pytest.mark.parametrize(
    ("change", "is_begun"),
    [
        ({}, True),
        ({"people": {}}, False),
        ({"people": {BEN.id: replace(BEN, active=False)}}, False),
        ({"groups": {}}, False),
        ({"playbook_owners": ()}, False),
    ],
)
def test_the_undo_of_what_policy_ran_alone_needs_its_owner_still(change, is_begun):
    case = done_by_policy()
    case = do(case, undo(case, BEN))
    after = do(case, start(**change))
    assert after.execution.is_undo_running is is_begun


@pytest.mark.parametrize(
    ("delegations", "people", "is_begun"),
    [
        ((delegation(),), PEOPLE, True),
        ((), PEOPLE, False),
        ((delegation(CARLA),), PEOPLE, False),
        ((delegation(kind="lead_cold"),), PEOPLE, False),
        ((delegation(),), {OMAR.id: OMAR}, False),
        ((delegation(),), {**PEOPLE, BEN.id: replace(BEN, guest=True)}, False),
    ],
)
def test_the_undo_by_whoever_stood_in_for_an_owner_needs_the_delegation_still(
    delegations, people, is_begun
):
    case = done_by_policy()
    owners = ("ops-leads",)
    voter = replace(standing_in(OMAR, BEN), playbook_owners=owners)
    case = do(case, Undo(voter, CardSnapshot.of(case), "wrong table"))
    begin = start(delegations=delegations, people=people, playbook_owners=owners)
    assert do(case, begin).execution.is_undo_running is is_begun


# --- ledgers of earlier releases ------------------------------------------------------------------


def test_an_undo_that_an_earlier_release_asked_for_begins_without_votes():
    request = UndoAsked(note="wrong", by_name="Ana")
    case = record(resolved(), request, actor=Actor.parse(ANA.id))
    assert (case.execution.is_undo_running, case.execution.undo_approvals) == (True, ())
    (entry,) = decide(case, start(people={}, groups={}), NOW).entries
    assert entry.body == StepReported(0, StepState.UNDOING, "")


def test_an_undo_of_what_was_never_planned_lapses():
    """No release wrote it. Nothing is undone on such a ledger."""
    by_hand = Resolved(resolution=Resolution.BY_HAND, note="did it", by_name="Ana")
    case = do(opened(), Recommend(Recommendation("", "", ""), None, None))
    vote = Approval(person=ANA.id, name="Ana", digest="d", at=NOW)
    case = record(case, by_hand, UndoApproved(vote), UndoAsked(note="x", by_name="Ana"))
    assert case.undo_votes_needed == 0
    (entry,) = decide(case, start(), NOW).entries
    assert entry.body == UndoLapsed(LAPSE, None)
