"""The fold of the desk's own entries: what each adds, replaces and forgets."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.cases.actor import Actor, CaseId, Surface
from bot.cases.canonical import from_json, to_json
from bot.cases.control_folds import fold_controls
from bot.cases.controls import DESK_ID, DeskControls
from bot.cases.entries import (
    ControlBody,
    Delegated,
    DelegationEnded,
    Entry,
    GlassBroken,
    GlassReviewed,
    LedgerAcknowledged,
    LedgerBehind,
    PasskeyAdded,
    PasskeyInvited,
    PasskeyRemoved,
    Paused,
    Recurred,
    Resumed,
    entry_of,
    entry_plain,
)
from bot.cases.errors import LedgerBroken
from tests.cases.making import ANA, BEN, CARLA, HOUR, NOW, OMAR, delegation, passkey, signal
from tests.cases.shapes import shapes


def entries(*bodies, at=NOW, first=1, actor=ANA.id) -> list[Entry]:
    return [
        Entry(
            case_id=DESK_ID,
            version=version,
            revision=0,
            at=at,
            actor=Actor.parse(actor),
            surface=Surface.SLACK,
            body=body,
        )
        for version, body in enumerate(bodies, start=first)
    ]


def fold(*bodies, **more) -> DeskControls:
    return fold_controls(entries(*bodies, **more))


def test_without_entries_nothing_is_paused_and_nobody_stands_in():
    assert fold() == DeskControls()
    before = fold(Paused("", "wait", "Ana"))
    assert fold_controls([], before) is before


# --- what each entry does -------------------------------------------------------------------------


def test_a_resumption_ends_the_pauses_of_its_scope_alone():
    controls = fold(Paused("", "a", "Ana"), Paused("kind:x", "b", "Ben"), Resumed("", "Carla"))
    assert [(pause.scope, pause.reason) for pause in controls.pauses] == [("kind:x", "b")]
    assert fold(Resumed("kind:y", "Carla")).pauses == ()


def test_a_delegation_replaces_the_one_of_its_key_and_forgets_what_is_over():
    first, other = delegation(hours=2), delegation(CARLA, hours=90)
    again = replace(first, ends_at=NOW + 30 * HOUR)
    assert fold(Delegated(first), Delegated(other), Delegated(again)).delegations == (other, again)
    later = entries(Delegated(delegation(ANA)), first=3, at=NOW + 2 * HOUR)
    before = fold(Delegated(first), Delegated(other))
    assert fold_controls(later, before).delegations == (other, delegation(ANA))


def test_the_end_of_a_delegation_is_that_of_its_key():
    other = delegation(kind="low_stock")
    ending = DelegationEnded(giver=BEN.id, taker=OMAR.id, kind="", by_name="Ben")
    assert fold(Delegated(delegation()), Delegated(other), ending).delegations == (other,)


def test_an_emergency_stands_until_it_is_reviewed():
    emergency_body = GlassBroken(
        on_case="EX-1", on_revision=2, by_name="Ben", reason="fire", review_by=NOW + HOUR
    )
    (emergency,) = fold(emergency_body, actor=BEN.id).emergencies
    assert (emergency.case_id, emergency.revision, emergency.person) == ("EX-1", 2, BEN.id)
    assert (emergency.at, emergency.review_by) == (NOW, NOW + HOUR)
    other = replace(emergency_body, on_case="EX-2")
    rest = fold(emergency_body, other, GlassReviewed("EX-1", "right", "Carla")).emergencies
    assert [one.case_id for one in rest] == ["EX-2"]


def test_an_invitation_replaces_the_last_of_its_person_and_forgets_what_is_over():
    def invitation(person, ticket, hours=24) -> PasskeyInvited:
        return PasskeyInvited(
            to=person.id, to_name=person.name, ticket=ticket, until=NOW + hours * HOUR
        )

    controls = fold(invitation(ANA, "t1"), invitation(BEN, "t2"), invitation(ANA, "t3"))
    assert [one.ticket for one in controls.invitations] == ["t2", "t3"]
    later = entries(invitation(CARLA, "t4", hours=90), first=4, at=NOW + 24 * HOUR)
    assert [one.ticket for one in fold_controls(later, controls).invitations] == ["t4"]


def test_a_device_is_added_once_and_removed_by_its_id():
    addition = PasskeyAdded(passkey(), "t1")
    second = PasskeyAdded(passkey(BEN, "device-2"), "t2")
    controls = fold(addition, second, PasskeyRemoved("device-1", ANA.id))
    assert controls.passkeys == (passkey(BEN, "device-2"),)


def behind(size: int, root: str) -> LedgerBehind:
    return LedgerBehind(
        signed_size=size, signed_root=root, own_size=3, common_size=2, numbers_from=9
    )


def acknowledgement(size: int, root: str) -> LedgerAcknowledged:
    return LedgerAcknowledged(
        signed_size=size, signed_root=root, note="ok", by_name="root", numbers_from=9
    )


@pytest.mark.parametrize(
    ("size", "root", "is_behind"),
    [(9, "r9", False), (9, "other", True), (8, "r9", True)],
)
def test_an_acknowledgement_is_of_exactly_its_checkpoint(size, root, is_behind):
    controls = fold(behind(9, "r9"), acknowledgement(size, root))
    assert controls.is_behind is is_behind
    (rollback,) = controls.rollbacks
    assert (rollback.own_size, rollback.common_size, rollback.at) == (3, 2, NOW)


# --- what is no sequence of the desk --------------------------------------------------------------


def test_an_entry_that_does_not_follow_or_is_of_a_case_breaks_the_ledger():
    before = fold(Paused("", "x", "Ana"))
    (next_entry,) = entries(Resumed("", "Ben"), first=2)
    assert fold_controls([next_entry], before).version == 2
    wrong = [
        replace(next_entry, version=1),
        replace(next_entry, version=3),
        replace(next_entry, case_id=CaseId("EX-1")),
        replace(next_entry, body=Recurred(signal())),
    ]
    for entry in wrong:
        with pytest.raises(LedgerBroken, match="does not follow DESK 1"):
            fold_controls([entry], before)


@given(st.lists(shapes(ControlBody), max_size=6))
def test_whatever_was_written_folds_and_is_stored(bodies):
    history = entries(*bodies)
    controls = fold_controls(history)
    assert controls.version == len(bodies)
    assert fold_controls(entry_of(entry_plain(entry)) for entry in history) == controls
    assert from_json(DeskControls, to_json(controls)) == controls


@given(st.lists(shapes(ControlBody), max_size=6), st.integers(0, 6))
def test_a_history_folds_the_same_in_two_parts(bodies, cut):
    history = entries(*bodies)
    first = fold_controls(history[:cut])
    assert fold_controls(history[cut:], first) == fold_controls(history)
