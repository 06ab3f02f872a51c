"""Commands to the desk as a whole: every command with its refusals, and what it writes."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.cases.actor import DESK, Surface
from bot.cases.caller import Caller
from bot.cases.control_commands import (
    Acknowledge,
    AddPasskey,
    BreakGlass,
    Delegate,
    EndDelegation,
    FallBehind,
    InvitePasskey,
    Pause,
    RecordKeyRotation,
    RemovePasskey,
    Resume,
    ReviewEmergency,
    TripCircuitBreaker,
)
from bot.cases.control_decisions import MAX_REASON_LENGTH, UNFIT, decide_controls
from bot.cases.control_folds import fold_controls
from bot.cases.controls import BEHIND, DESK_ID, DeskControls
from bot.cases.delegation import MAX_DELEGATION
from bot.cases.entries import entry_of, entry_plain
from bot.cases.errors import BadRequest, NotEligible, TooLate
from bot.cases.identity import Identities
from bot.cases.passkey import INVITATION_IS_OVER, INVITATION_LIFETIME, link_hash
from tests.cases.making import ANA, BEN, CARLA, HOUR, NOW, OMAR, passkey

DECIDERS, GOVERNORS = frozenset({ANA.id, BEN.id}), frozenset({BEN.id, CARLA.id})
OPERATOR = Caller.operator("root")
TICKET = link_hash("invitation")
EMPTY = DeskControls()
GUEST = replace(ANA, guest=True)


def by(person, **more) -> Caller:
    return Caller(
        person=person,
        surface=Surface.SLACK,
        deciders=DECIDERS,
        governors=GOVERNORS,
        **more,
    )


def do(controls: DeskControls, *commands, at=NOW) -> DeskControls:
    """The controls after these commands, folded from what the ledger would keep."""
    for command in commands:
        decision = decide_controls(controls, command, at)
        entries = [entry_of(entry_plain(entry)) for entry in decision.entries]
        controls = fold_controls(entries, controls)
        assert controls == decision.controls
    return controls


def delegate(**changes) -> Delegate:
    values = {"by": by(ANA), "to": OMAR, "kind": "", "begins_at": NOW, "ends_at": NOW + 8 * HOUR}
    return Delegate(**{**values, **changes})


def end_delegation(person=ANA, **changes) -> EndDelegation:
    values = {"by": by(person), "giver": ANA.id, "taker": OMAR.id, "kind": ""}
    return EndDelegation(**{**values, **changes})


def break_glass(person=BEN, **changes) -> BreakGlass:
    values = {
        "by": by(person),
        "case_id": "EX-1",
        "revision": 1,
        "reason": " fire ",
        "group": "owners",
        "groups": {"owners": frozenset({BEN.id, CARLA.id})},
        "review_for": 48 * HOUR,
    }
    return BreakGlass(**{**values, **changes})


def fall_behind(**changes) -> FallBehind:
    values = {"size": 9, "root": "r9", "own_size": 5, "common_size": 5, "numbers_from": 40}
    return FallBehind(**{**values, **changes})


PAUSED = do(EMPTY, Pause(by(ANA), "", "wait"))
DELEGATED = do(EMPTY, delegate())
BROKEN = do(EMPTY, break_glass())
INVITED = do(EMPTY, InvitePasskey(OPERATOR, ANA, TICKET))
ENROLLED = do(INVITED, AddPasskey(by(ANA), passkey(), TICKET))
BEHIND_NOW = do(EMPTY, fall_behind())

# --- every command with each of its refusals ------------------------------------------------------

REFUSALS = [
    (EMPTY, Pause(by(OMAR), "", "x"), NotEligible, "only those who decide cases here may pause"),
    (EMPTY, Pause(by(GUEST), "", "x"), NotEligible, "only those who decide cases here may pause"),
    (EMPTY, Pause(by(ANA), "", " "), BadRequest, "say why; everyone will see it"),
    (PAUSED, Pause(by(ANA), "", "x"), TooLate, "everything is paused already"),
    (
        do(EMPTY, Pause(by(ANA), "kind:low_stock", "x")),
        Pause(by(ANA), "kind:low_stock", "x"),
        TooLate,
        "low stock is paused already",
    ),
    (EMPTY, Resume(by(BEN), ""), TooLate, "everything is not paused"),
    (EMPTY, Resume(by(BEN), "action:house.order_stock"), TooLate, "house.order stock is not"),
    (PAUSED, Resume(by(ANA), ""), NotEligible, "only the governance owners may let it go on"),
    (PAUSED, Resume(by(replace(BEN, active=False)), ""), NotEligible, "only the governance owners"),
    (BEHIND_NOW, Resume(by(BEN), ""), NotEligible, BEHIND),
    (BEHIND_NOW, Resume(by(BEN), "kind:low_stock"), TooLate, "low stock is not paused"),
    (EMPTY, delegate(to=ANA), BadRequest, "choose somebody else to stand in"),
    (EMPTY, delegate(by=by(OMAR), to=ANA), NotEligible, "you decide nothing here"),
    (EMPTY, delegate(by=by(GUEST)), NotEligible, "you decide nothing here"),
    (EMPTY, delegate(to=replace(OMAR, bot=True)), BadRequest, f"Omar {UNFIT}, and cannot stand in"),
    (EMPTY, delegate(ends_at=NOW), BadRequest, "choose an end within 60 days"),
    (EMPTY, delegate(ends_at=NOW - HOUR), BadRequest, "choose an end within 60 days"),
    (
        EMPTY,
        delegate(ends_at=NOW + MAX_DELEGATION + timedelta(seconds=1)),
        BadRequest,
        "choose an end within 60 days",
    ),
    (
        EMPTY,
        delegate(begins_at=NOW + 9 * HOUR),
        BadRequest,
        "choose an end within 60 days",
    ),
    (DELEGATED, end_delegation(BEN, by=by(OMAR), giver=BEN.id), TooLate, "ended already"),
    (
        DELEGATED,
        end_delegation(by=Caller(person=BEN, surface=Surface.SLACK)),
        NotEligible,
        "only the two of them, or the governance owners, may end this",
    ),
    (DELEGATED, end_delegation(kind="low_stock"), TooLate, "this has ended already"),
    (EMPTY, end_delegation(), TooLate, "this has ended already"),
    (EMPTY, break_glass(group=""), NotEligible, "policy names nobody who may do this alone"),
    (EMPTY, break_glass(ANA), NotEligible, "only @owners may do this alone"),
    (EMPTY, break_glass(groups={}), NotEligible, "only @owners may do this alone"),
    (EMPTY, break_glass(replace(BEN, external=True)), NotEligible, "only @owners may do this"),
    (EMPTY, break_glass(reason="\n"), BadRequest, "say why it cannot wait; it is read afterwards"),
    (BROKEN, break_glass(case_id="EX-2"), TooLate, "what you let through for EX-1 has not been"),
    (EMPTY, ReviewEmergency(by(CARLA), "EX-1", "x"), TooLate, "nothing of EX-1 waits"),
    (BROKEN, ReviewEmergency(by(CARLA), "EX-2", "x"), TooLate, "nothing of EX-2 waits"),
    (BROKEN, ReviewEmergency(by(BEN), "EX-1", "x"), NotEligible, "another governance owner must"),
    (BROKEN, ReviewEmergency(by(ANA), "EX-1", "x"), NotEligible, "another governance owner must"),
    (BROKEN, ReviewEmergency(by(CARLA), "EX-1", " "), BadRequest, "say what you found"),
    (
        EMPTY,
        InvitePasskey(OPERATOR, replace(OMAR, guest=True), TICKET),
        BadRequest,
        f"Omar {UNFIT}, and approves nothing",
    ),
    (EMPTY, AddPasskey(by(ANA), passkey(), TICKET), TooLate, INVITATION_IS_OVER),
    (INVITED, AddPasskey(by(ANA), passkey(), link_hash("x")), TooLate, INVITATION_IS_OVER),
    (INVITED, AddPasskey(by(ANA), passkey(OMAR), TICKET), TooLate, INVITATION_IS_OVER),
    (ENROLLED, AddPasskey(by(ANA), passkey(), TICKET), TooLate, INVITATION_IS_OVER),
    (
        do(ENROLLED, InvitePasskey(OPERATOR, ANA, TICKET)),
        AddPasskey(by(ANA), passkey(), TICKET),
        TooLate,
        "this passkey is known already",
    ),
    (EMPTY, RemovePasskey(OPERATOR, "device"), BadRequest, "0 passkeys begin with 'device'"),
    (ENROLLED, RemovePasskey(OPERATOR, ""), BadRequest, "0 passkeys begin with ''"),
    (ENROLLED, RemovePasskey(OPERATOR, "x" * 99), BadRequest, f"begin with '{'x' * 50}'; see"),
    (EMPTY, Acknowledge(OPERATOR, "compared", 1), TooLate, "there is nothing to acknowledge"),
    (BEHIND_NOW, Acknowledge(OPERATOR, " ", 1), BadRequest, "say what you compared, and with what"),
]


@pytest.mark.parametrize(
    ("controls", "command", "error", "complaint"),
    REFUSALS,
    ids=[f"{type(command).__name__}-{text[:24]}" for _, command, _, text in REFUSALS],
)
def test_every_command_has_its_refusals(controls, command, error, complaint):
    with pytest.raises(error) as failure:
        decide_controls(controls, command, NOW)
    assert complaint in str(failure.value)


def test_the_table_has_every_command_that_can_be_refused():
    never_refused = {TripCircuitBreaker, FallBehind}
    commands = {
        Acknowledge,
        AddPasskey,
        BreakGlass,
        Delegate,
        EndDelegation,
        InvitePasskey,
        Pause,
        RemovePasskey,
        Resume,
        ReviewEmergency,
    }
    assert {type(command) for _, command, _, _ in REFUSALS} == commands
    assert not commands & never_refused


# --- what is written ------------------------------------------------------------------------------

WRITTEN = [
    (EMPTY, Pause(by(ANA), "", " wait "), ANA.id, ["desk.paused"]),
    (PAUSED, Resume(by(BEN), ""), BEN.id, ["desk.resumed"]),
    (EMPTY, TripCircuitBreaker("house.order_stock", "3 failures"), "countersign", ["desk.paused"]),
    (EMPTY, delegate(), ANA.id, ["delegation.given"]),
    (DELEGATED, end_delegation(), ANA.id, ["delegation.ended"]),
    (EMPTY, break_glass(), BEN.id, ["glass.broken"]),
    (BROKEN, ReviewEmergency(by(CARLA), "EX-1", "right"), CARLA.id, ["glass.reviewed"]),
    (EMPTY, InvitePasskey(OPERATOR, ANA, TICKET), "operator:root", ["passkey.invited"]),
    (INVITED, AddPasskey(by(ANA), passkey(), TICKET), ANA.id, ["passkey.added"]),
    (ENROLLED, RemovePasskey(OPERATOR, "device"), "operator:root", ["passkey.removed"]),
    (EMPTY, RecordKeyRotation(OPERATOR, "a", "b"), "operator:root", ["ledger.key_rotated"]),
    (EMPTY, fall_behind(), "countersign", ["ledger.behind"]),
    (BEHIND_NOW, fall_behind(), "countersign", []),
    (BEHIND_NOW, Acknowledge(OPERATOR, "ok", 50), "operator:root", ["ledger.acknowledged"]),
    (
        do(BEHIND_NOW, fall_behind(size=12, root="r12")),
        Acknowledge(OPERATOR, "ok", 50),
        "operator:root",
        ["ledger.acknowledged"] * 2,
    ),
]


@pytest.mark.parametrize(
    ("controls", "command", "actor", "names"),
    WRITTEN,
    ids=[type(command).__name__ for _, command, *_ in WRITTEN],
)
def test_every_command_writes_entries_of_the_desk(controls, command, actor, names):
    entries = decide_controls(controls, command, NOW).entries
    assert [entry.body.name for entry in entries] == names
    first = controls.version + 1
    assert [entry.version for entry in entries] == list(range(first, first + len(names)))
    for entry in entries:
        assert (entry.case_id, entry.revision, entry.at) == (DESK_ID, 0, NOW)
        assert str(entry.actor) == actor
        is_own = entry.actor == DESK
        assert (entry.surface == Surface.DESK) is is_own


# --- in the middle of things ----------------------------------------------------------------------


@pytest.mark.parametrize("person", [ANA, BEN, CARLA])
def test_everybody_who_decides_or_governs_may_pause(person):
    (pause,) = do(EMPTY, Pause(by(person), "", " wait ")).pauses
    assert (pause.by, pause.by_name, pause.reason, pause.at) == (
        person.id,
        person.name,
        "wait",
        NOW,
    )


def test_a_circuit_breaker_trips_once_for_an_action_and_pauses_nothing_else():
    paused_controls = do(EMPTY, TripCircuitBreaker("house.order_stock", "x" * 900))
    assert do(paused_controls, TripCircuitBreaker("house.order_stock", "again")) == paused_controls
    (pause,) = paused_controls.pauses
    assert (pause.scope, pause.by_name) == ("action:house.order_stock", "Countersign")
    assert len(pause.reason) == MAX_REASON_LENGTH


@pytest.mark.threat("C1")
def test_reasons_have_a_bound():
    (pause,) = do(EMPTY, Pause(by(ANA), "", "x" * 9_000)).pauses
    (emergency,) = do(EMPTY, break_glass(reason="x" * 9_000)).emergencies
    assert len(pause.reason) == len(emergency.reason) == MAX_REASON_LENGTH


@pytest.mark.parametrize(
    ("begins", "ends", "begins_at"),
    [
        (-2 * HOUR, HOUR, NOW),
        (0 * HOUR, HOUR, NOW),
        (2 * HOUR, 3 * HOUR, NOW + 2 * HOUR),
        (0 * HOUR, MAX_DELEGATION, NOW),
        (24 * HOUR, 24 * HOUR + MAX_DELEGATION, NOW + 24 * HOUR),
    ],
)
def test_a_delegation_begins_now_at_the_earliest(begins, ends, begins_at):
    (delegation,) = do(EMPTY, delegate(begins_at=NOW + begins, ends_at=NOW + ends)).delegations
    assert (delegation.begins_at, delegation.ends_at) == (begins_at, NOW + ends)
    assert (delegation.giver_name, delegation.taker_name) == ("Ana", "Omar")


@pytest.mark.parametrize("person", [ANA, OMAR, BEN, CARLA])
def test_the_two_of_them_and_the_governance_owners_may_end_a_delegation(person):
    assert do(DELEGATED, end_delegation(person)).delegations == ()


def test_a_delegation_that_ran_out_has_ended():
    with pytest.raises(TooLate, match="this has ended already"):
        decide_controls(DELEGATED, end_delegation(), NOW + 8 * HOUR)


LINKED = Identities.of([[BEN.id, CARLA.id]])


def test_two_accounts_of_one_person_neither_stand_in_for_nor_review_one_another():
    with pytest.raises(BadRequest, match="choose somebody else"):
        decide_controls(EMPTY, delegate(by=by(BEN, identities=LINKED), to=CARLA), NOW)
    review = ReviewEmergency(by(CARLA, identities=LINKED), "EX-1", "right")
    with pytest.raises(NotEligible, match="another governance owner"):
        decide_controls(BROKEN, review, NOW)
    again = break_glass(CARLA, by=by(CARLA, identities=LINKED), case_id="EX-2")
    with pytest.raises(TooLate, match="EX-1 has not been looked at yet"):
        decide_controls(BROKEN, again, NOW)


def test_an_emergency_of_one_does_not_keep_another_from_theirs():
    both = do(BROKEN, break_glass(CARLA, case_id="EX-2"))
    assert [one.case_id for one in both.emergencies] == ["EX-1", "EX-2"]
    rest = do(both, ReviewEmergency(by(CARLA), "EX-1", "right"))
    assert [one.case_id for one in rest.emergencies] == ["EX-2"]


def test_an_invitation_is_good_for_a_day_and_one_device():
    late = NOW + INVITATION_LIFETIME
    with pytest.raises(TooLate) as failure:
        decide_controls(INVITED, AddPasskey(by(ANA), passkey(), TICKET), late)
    assert str(failure.value) == INVITATION_IS_OVER
    assert (ENROLLED.invitations, ENROLLED.passkeys) == ((), (passkey(),))


def test_a_device_is_removed_by_the_beginning_of_its_id_if_that_is_of_one_alone():
    second = passkey(credential="device-2")
    two = do(
        ENROLLED,
        InvitePasskey(OPERATOR, ANA, TICKET),
        AddPasskey(by(ANA), second, TICKET),
    )
    with pytest.raises(BadRequest, match="2 passkeys begin with 'device'"):
        decide_controls(two, RemovePasskey(OPERATOR, "device"), NOW)
    assert do(two, RemovePasskey(OPERATOR, "device-1")).passkeys == (second,)


def test_every_restored_backup_is_acknowledged_at_once_and_kept():
    twice = do(BEHIND_NOW, fall_behind(size=12, root="r12"), at=NOW + HOUR)
    after = do(twice, Acknowledge(OPERATOR, " compared with the till ", 50), at=NOW + 2 * HOUR)
    assert not after.is_behind
    assert [one.acknowledged_by for one in after.rollbacks] == ["root", "root"]
    assert {one.acknowledged_at for one in after.rollbacks} == {NOW + 2 * HOUR}
    # The same checkpoint is not noticed again.
    assert do(after, fall_behind()) == after
    with pytest.raises(TooLate):
        decide_controls(after, Acknowledge(OPERATOR, "again", 50), NOW)
