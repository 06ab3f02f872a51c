"""Separation of duties through the real desk: who raised it, who gains from it, which accounts are one person, who takes it back."""

import json
from datetime import timedelta
from decimal import Decimal

import pytest

from bot.audit.export import export
from bot.audit.replay import replay
from bot.audit.verifier import verify
from bot.cases.actor import Actor, Surface
from bot.cases.approval import ApprovalRequirement
from bot.cases.decide import Decision
from bot.cases.entries import Entry, UndoAsked
from bot.cases.errors import BadRequest, NotEligible, TooLate
from bot.cases.evolve import evolve
from bot.cases.identity import Identities
from bot.cases.lifecycle import State
from bot.cases.policy import ActionLimit, EmergencyRule, PlaybookTerms, Stage
from bot.desk.effects import change
from bot.views.labels import Labels
from handlers.cards.case_card import case_card
from handlers.cards.case_details import details_view
from handlers.cards.notes import note_text
from tests.fakes.directory import principal
from tests.handlers.cards.examples import note_of
from tests.world import playbook, policy, request

ANA, BEN, CARLA, ELSIE, OMAR = map(principal, ("ana", "ben", "carla", "elsie", "omar"))
HOUR = timedelta(hours=1)


def proven(world, folder):
    """The projection is what the ledger tells, and an auditor finds nothing."""
    export(world.store.ledger, folder / "log.jsonl")
    return (replay(world.store.database).differences, verify(str(folder / "log.jsonl"))[0]) == (
        (),
        [],
    )


def flat(blocks):
    return json.dumps(blocks, ensure_ascii=False)


# --- who raised it -------------------------------------------------------------------------------------------------------


@pytest.mark.threat("B6")
def test_whoever_raises_a_known_trouble_again_cannot_approve_it(world, tmp_path):
    case = world.proposed()
    world.receive(world.signal(requester=ANA))
    with pytest.raises(NotEligible, match="raised"):
        world.approve(world.case(case))
    world.approve(world.case(case), "omar")
    world.work()
    assert world.case(case).state is State.RESOLVED
    assert proven(world, tmp_path)


@pytest.mark.threat("B6")
def test_whoever_raises_it_in_slack_again_is_asked_nothing_about_it(small_world):
    world = small_world
    raise_case = world.desk.raising.raise_case
    receipt = raise_case(by=OMAR, title="Merlot", key="1", kind="low_stock", subject="1")
    assert (
        raise_case(by=ANA, title="Merlot", key="2", kind="low_stock", subject="1").case_id
        == receipt.case_id
    )
    world.work()
    case = world.store.cases.case(receipt.case_id)
    assert case.authors == (OMAR, ANA)
    for who in (ANA, OMAR):
        assert (
            world.desk.conversation.queues.waiting_on(
                world.desk.conversation.questions.visibility.viewer(who)
            )[0]
            == []
        )


@pytest.mark.threat("B6")
def test_whoever_opens_a_resolved_case_again_cannot_approve_what_is_done_then(small_world):
    world = small_world
    case = world.proposed()
    world.approve(case, "omar")
    world.work()
    world.receive(world.signal(requester=ANA))
    world.work()
    again = world.case(case)
    assert (again.state, again.proposal.revision) == (State.PROPOSED, 2)
    with pytest.raises(NotEligible, match="raised"):
        world.approve(again)


@pytest.mark.threat("B6")
def test_raising_it_after_the_yes_does_not_stop_what_was_approved(world, tmp_path):
    case = world.proposed()
    world.approve(case)
    world.clock.forward(minutes=1)
    world.receive(world.signal(requester=ANA))
    world.receive(world.signal(requester="somebody else"))
    world.work()
    assert (world.case(case).state, len(world.house.effects)) == (State.RESOLVED, 1)
    assert proven(world, tmp_path)


# --- whom nobody knows ---------------------------------------------------------------------------------------------------


def with_governance(world):
    """Let the playbook name its governance owners."""
    world.library.book = playbook(terms=PlaybookTerms(owners={"governance": "owners"}))
    return world


@pytest.fixture
def require_governance(world):
    return with_governance(world)


@pytest.mark.threat("B6")
@pytest.mark.parametrize("requester", ["ana@harbour.example", "T1/", "UANA", "Ana", "corp/ana"])
def test_a_requester_whom_nobody_knows_leaves_it_to_the_governance_owners(
    small_world, requester, tmp_path
):
    world = with_governance(small_world)
    case = world.store.cases.case(world.receive(world.signal(requester=requester)).case_id)
    world.work()
    case = world.case(case)
    assert case.proposal.verdict.factors == (
        ApprovalRequirement("floor-managers", 1),
        ApprovalRequirement("owners", 1),
    )
    details = details_view(case, Labels(), {})
    assert "so the governance owners decide" in flat(details)
    world.approve(case)
    world.work()
    assert (world.case(case).state, world.house.effects) == (State.PROPOSED, [])
    world.approve(case, "elsie")
    world.work()
    assert (world.case(case).state, len(world.house.effects)) == (State.RESOLVED, 1)
    assert proven(world, tmp_path)


@pytest.mark.threat("B6")
def test_a_beneficiary_whom_nobody_knows_leaves_it_to_them_too_and_none_at_all_changes_nothing(
    small_world,
):
    world = small_world
    terms = PlaybookTerms(owners={"governance": "owners"})
    world.library.book = playbook(terms=terms, beneficiary="stock.gains")
    for gains, factors in ((None, 1), ("", 1), (CARLA, 1), ("Carla Ricci", 2), (17, 2)):
        world.house.rows = [{**world.house.rows[0], "gains": gains}]
        receipt = world.receive(world.signal(f"product:{gains}"))
        world.work()
        assert len(world.store.cases.case(receipt.case_id).proposal.verdict.factors) == factors, (
            gains
        )


@pytest.mark.threat("B6")
def test_what_would_run_alone_is_asked_of_them_when_nobody_knows_who_raised_it(require_governance):
    world = require_governance
    world.library.rules = policy(actions={"house.order_stock": ActionLimit(alone=True)})
    owners = {"governance": "owners"}
    world.library.book = playbook(terms=PlaybookTerms(stage=Stage.AUTONOMOUS, owners=owners))
    case = world.store.cases.case(world.receive(world.signal(requester="ana")).case_id)
    world.work()
    assert (world.case(case).state, world.house.effects) == (State.PROPOSED, [])
    assert world.case(case).proposal.verdict.factors == (ApprovalRequirement("owners", 1),)


@pytest.mark.threat("B6")
def test_when_somebody_unknown_raises_it_too_what_was_said_before_is_asked_anew(require_governance):
    world = require_governance
    case = world.proposed()
    world.receive(world.signal(requester="ana@elsewhere.example"))
    world.work()
    again = world.case(case)
    assert (again.proposal.revision, again.proposal.verdict.factors[-1]) == (
        2,
        ApprovalRequirement("owners", 1),
    )
    assert "not known here" in again.activity.drift_reasons[0]
    world.receive(world.signal(requester="bea@elsewhere.example"))
    world.work()
    assert world.case(case).proposal.revision == 2


@pytest.mark.threat("B6")
def test_an_account_that_is_declared_no_longer_stops_what_it_let_pass(small_world):
    world = with_governance(small_world)
    world.library.people = Identities.of([[CARLA, "staff:17"]])
    case = world.store.cases.case(world.receive(world.signal(requester="staff:17")).case_id)
    world.work()
    world.approve(world.case(case))
    world.library.people = Identities()
    world.work()
    assert world.house.effects == []
    again = world.case(case)
    assert again.activity.drift_reasons == (
        "policy asks other people now: @floor-managers, @owners",
    )
    assert again.proposal.verdict.factors[-1] == ApprovalRequirement("owners", 1)


# --- linked accounts -----------------------------------------------------------------------------------------------------


@pytest.mark.threat("B6")
def test_an_approver_whose_other_account_raised_it_is_an_author(small_world):
    world = small_world
    world.library.people = Identities.of([[ANA, "staff:17"]])
    case = world.store.cases.case(world.receive(world.signal(requester="STAFF:17")).case_id)
    world.work()
    assert len(world.case(case).proposal.verdict.factors) == 1
    with pytest.raises(NotEligible, match="raised"):
        world.approve(world.case(case))
    world.approve(world.case(case), "omar")
    assert world.case(case).state is State.APPROVED


@pytest.mark.threat("B6")
def test_two_accounts_of_one_person_are_one_of_two(small_world):
    world = small_world
    world.library.book = playbook(terms=PlaybookTerms((ApprovalRequirement("floor-managers", 2),)))
    world.library.people = Identities.of([[ANA, OMAR]])
    case = world.proposed()
    world.approve(case)
    with pytest.raises(TooLate, match="approved this already"):
        world.approve(case, "omar")
    assert world.case(case).state is State.PROPOSED


@pytest.mark.threat("B6")
def test_nobody_lets_their_own_other_account_stand_in(small_world):
    world = small_world
    world.library.people = Identities.of([[ANA, OMAR]])
    now = world.clock()
    with pytest.raises(BadRequest, match="somebody else"):
        world.desk.controls.delegate(
            by=ANA, to=OMAR, kind="", begins_at=now, ends_at=now + HOUR, surface=Surface.SLACK
        )
    world.desk.controls.delegate(
        by=ANA, to=BEN, kind="", begins_at=now, ends_at=now + HOUR, surface=Surface.SLACK
    )


@pytest.mark.threat("B6")
def test_nobody_looks_under_another_account_at_what_they_let_through_alone(small_world):
    world = small_world
    world.people.members["owners"] |= {"ben"}
    world.library.rules = policy(emergency=EmergencyRule("owners", 48 * HOUR))
    world.library.people = Identities.of([[ELSIE, BEN]])
    first, second = (
        world.store.cases.case(world.receive(world.signal(name)).case_id) for name in ("a", "b")
    )
    world.work()
    let_through = world.desk.decisions.break_glass
    let_through(request(first.id, ELSIE, world.seen(first)), reason="the boiler is on fire")
    with pytest.raises(NotEligible, match="another governance owner"):
        world.desk.controls.review(first.id, by=BEN, note="fine", surface=Surface.SLACK)
    with pytest.raises(TooLate, match="has not been looked at yet"):
        let_through(request(second.id, BEN, world.seen(second)), reason="it still is")


# --- taking it back ------------------------------------------------------------------------------------------------------


def carried_out(world, *people, **rules):
    """A plan of two factors that Ben and Carla have approved, done and still to be taken back."""
    world.library.rules = policy(high_above=Decimal(50), **rules)
    world.house.undo_for = timedelta(minutes=30)
    case = world.proposed()
    for name in people or ("ben", "carla"):
        world.approve(case, name, note="yes")
    world.work()
    assert world.case(case).state is State.RESOLVED
    return world.case(case)


def take_back(world, case, who, note="wrong table"):
    after = world.desk.decisions.undo(request(case.id, who, world.seen(case)), note=note)
    world.work()
    return world.case(after)


@pytest.mark.threat("B7")
def test_what_two_people_approved_is_not_undone_by_one(world, tmp_path):
    case = carried_out(world)
    half = take_back(world, case, BEN)
    assert (half.state, len(world.house.effects)) == (State.RESOLVED, 1)
    card = flat(case_card(half, world.chat.looks[case.id]))
    assert "1 of 2 say take it back: " in card
    assert "It takes one of @ops-leads and one of @finance" in card
    assert "case.undo" in card
    with pytest.raises(TooLate, match="said already"):
        take_back(world, case, BEN)
    back = take_back(world, case, CARLA, note="and the wrong wine")
    assert back.state is State.REFERRED
    assert world.house.effects == [
        back.execution.steps[0].key,
        f"undo:{back.execution.steps[0].key}",
    ]
    assert back.activity.status_reason.reason.startswith(
        "taken back by Ben and Carla: and the wrong wine"
    )
    names = world.entry_names(case)
    assert [name for name in names if "undo" in name] == [
        "undo.approved",
        "undo.approved",
        "plan.undo_asked",
    ]
    notes = [
        note_text(note_of(back, [entry]))
        for entry in world.store.cases.entries(case.id)
        if "undo" in entry.body.name
    ]
    assert (
        notes[0]
        == "Ben says that it is taken back: “wrong table”. It takes 2 people to take it back."
    )
    assert notes[-1] == "It is being taken back."
    assert proven(world, tmp_path)


@pytest.mark.threat("B7")
@pytest.mark.parametrize(
    ("who", "why"), [(ELSIE, None), (CARLA, "raised"), (ANA, "only @finance or @ops-leads")]
)
def test_only_those_take_it_back_who_might_approve_it(small_world, who, why):
    world = small_world
    case = carried_out(world)
    world.receive(world.signal("product:2", requester=CARLA))
    other = world.store.cases.case("EX-2")
    world.work()
    world.library.rules = policy(high_above=Decimal(50))
    world.people.members["finance"] |= {"finn"}
    world.approve(world.case(other), "ben", note="yes")
    world.approve(world.case(other), "finn", note="yes")
    world.work()
    assert world.case(case).state is world.case(other).state is State.RESOLVED
    if why:
        with pytest.raises(NotEligible, match=why):
            take_back(world, other, who)
    else:
        assert len(take_back(world, other, who).execution.undo_approvals) == 1


@pytest.mark.threat("B7")
def test_two_of_one_group_do_not_take_back_what_needed_two_groups(small_world):
    world = small_world
    case = carried_out(world)
    take_back(world, case, BEN)
    assert take_back(world, case, ELSIE).state is State.RESOLVED
    assert take_back(world, case, CARLA).state is State.REFERRED


@pytest.mark.threat("B7")
def test_the_yeses_to_taking_it_back_end_with_its_time(small_world):
    world = small_world
    case = carried_out(world)
    take_back(world, case, BEN)
    world.clock.forward(minutes=30)
    world.work()
    look = world.chat.looks[case.id]
    assert "take it back" not in flat(case_card(world.case(case), look)).lower()
    with pytest.raises(TooLate, match="time to take it back has passed"):
        take_back(world, case, CARLA)
    assert len(world.house.effects) == 1


@pytest.mark.threat("B7")
def test_a_case_that_is_opened_again_forgets_who_wanted_it_taken_back(small_world):
    world = small_world
    case = carried_out(world)
    take_back(world, case, BEN)
    world.receive(world.signal())
    world.work()
    assert world.case(case).execution.undo_approvals == ()


@pytest.mark.threat("B7")
def test_one_whose_delegation_is_used_is_heard_once(small_world):
    world = small_world
    now = world.clock()
    world.desk.controls.delegate(
        by=CARLA, to=OMAR, kind="", begins_at=now, ends_at=now + HOUR, surface=Surface.SLACK
    )
    case = carried_out(world)
    half = take_back(world, case, OMAR)
    assert (half.execution.undo_approvals[0].behalf_name, half.state) == ("Carla", State.RESOLVED)
    with pytest.raises(TooLate, match="Carla has been heard already"):
        take_back(world, case, CARLA)
    assert take_back(world, case, BEN).state is State.REFERRED


@pytest.mark.threat("B7")
@pytest.mark.parametrize("how", ["left the group", "deactivated", "linked", "delegation over"])
def test_whoever_may_not_want_it_any_more_when_it_begins_takes_nothing_back(
    small_world, how, tmp_path
):
    world = small_world
    now = world.clock()
    if how == "delegation over":
        world.desk.controls.delegate(
            by=CARLA, to=OMAR, kind="", begins_at=now, ends_at=now + HOUR, surface=Surface.SLACK
        )
    case = carried_out(world)
    second = OMAR if how == "delegation over" else CARLA
    world.desk.decisions.undo(request(case.id, BEN, world.seen(case)), note="wrong")
    world.desk.decisions.undo(request(case.id, second, world.seen(case)), note="wrong")
    assert world.case(case).state is State.RUNNING
    if how == "left the group":
        world.people.members["finance"] = set()
    elif how == "deactivated":
        world.people.change("carla", active=False)
    elif how == "linked":
        world.library.people = Identities.of([[BEN, CARLA]])
    else:
        world.desk.controls.end_delegation(
            by=CARLA, giver=CARLA, taker=OMAR, kind="", surface=Surface.SLACK
        )
    world.work()
    kept = world.case(case)
    assert (kept.state, len(world.house.effects), kept.execution.undo_approvals) == (
        State.RESOLVED,
        1,
        (),
    )
    look = world.chat.looks[case.id]
    assert look.is_undoable
    assert "not taken back: the approvals to take it back no longer count" in flat(
        case_card(kept, look)
    )
    assert "case.undo" in flat(case_card(kept, look))
    if how == "deactivated":
        world.people.change("carla", active=True)
        take_back(world, case, BEN)
        assert take_back(world, case, CARLA).state is State.REFERRED
    assert proven(world, tmp_path)


@pytest.mark.threat("B7")
def test_what_policy_let_run_alone_is_taken_back_by_one_who_decides(world, tmp_path):
    world.library.rules = policy(actions={"house.order_stock": ActionLimit(alone=True)})
    world.library.book = playbook(terms=PlaybookTerms(stage=Stage.AUTONOMOUS))
    world.house.undo_for = timedelta(minutes=30)
    case = world.proposed()
    world.work()
    assert world.case(case).state is State.RESOLVED
    with pytest.raises(NotEligible):
        take_back(world, case, CARLA)
    assert take_back(world, case, OMAR).state is State.REFERRED
    assert proven(world, tmp_path)


@pytest.mark.threat("B7")
def test_the_decider_who_took_back_what_ran_alone_must_still_be_one_when_it_begins(small_world):
    world = small_world
    world.library.rules = policy(actions={"house.order_stock": ActionLimit(alone=True)})
    world.library.book = playbook(terms=PlaybookTerms(stage=Stage.AUTONOMOUS))
    world.house.undo_for = timedelta(minutes=30)
    case = world.proposed()
    world.work()
    world.desk.decisions.undo(request(case.id, OMAR, world.seen(case)), note="no")
    world.people.members["floor-managers"] = {"ana"}
    world.work()
    assert (world.case(case).state, len(world.house.effects)) == (State.RESOLVED, 1)


@pytest.mark.threat("B7")
def test_what_one_let_through_in_an_emergency_is_taken_back_by_as_many_as_it_needed(
    small_world, tmp_path
):
    world = small_world
    world.library.rules = policy(emergency=EmergencyRule("owners", 48 * HOUR))
    world.library.book = playbook(terms=PlaybookTerms((ApprovalRequirement("floor-managers", 2),)))
    world.house.undo_for = timedelta(minutes=30)
    case = world.proposed()
    world.desk.decisions.break_glass(request(case.id, ELSIE, world.seen(case)), reason="fire")
    world.work()
    with pytest.raises(NotEligible):
        take_back(world, case, ELSIE)
    assert take_back(world, case, ANA).state is State.RESOLVED
    assert take_back(world, case, OMAR).state is State.REFERRED
    assert proven(world, tmp_path)


@pytest.mark.threat("B7")
def test_an_undoing_that_was_asked_before_the_upgrade_goes_on(small_world):
    """Its case has no yeses to look at again: the earlier release asked one person alone."""
    world = small_world
    case = carried_out(world)
    asked = Entry(
        case_id=case.id,
        version=case.version + 1,
        revision=case.proposal.revision,
        at=world.clock(),
        actor=Actor.parse(BEN),
        surface="slack",
        body=UndoAsked(note="wrong", by_name="Ben"),
    )
    decision = Decision((asked,), evolve(case, asked))
    world.store.cases.commit(change(case, decision, world.library.book))
    world.work()
    assert world.case(case).state is State.REFERRED
    assert len(world.house.effects) == 2
