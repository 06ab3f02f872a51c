"""What holds for the whole desk: who may stop it and start it again, who stands in for whom, and what was an emergency."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.cases.actor import Surface
from bot.cases.caller import Caller
from bot.cases.canonical import from_json, to_json
from bot.cases.control_commands import (
    Acknowledge,
    BreakGlass,
    Delegate,
    EndDelegation,
    FallBehind,
    Pause,
    Resume,
    ReviewEmergency,
    TripCircuitBreaker,
)
from bot.cases.control_decisions import decide_controls
from bot.cases.control_folds import fold_controls
from bot.cases.controls import DeskControls, must_not_be_paused, scope_text
from bot.cases.entries import entry_of, entry_plain
from bot.cases.errors import BadRequest, DeskPaused, LedgerBroken, NotEligible, TooLate
from tests.cases.making import ANA, BEN, CARLA, NOW, OMAR, plan

HOUR = timedelta(hours=1)
DECIDERS, GOVERNORS = frozenset({ANA.id, BEN.id}), frozenset({BEN.id, CARLA.id})


def by(person):
    return Caller(
        person=person,
        surface=Surface.SLACK,
        deciders=DECIDERS,
        governors=GOVERNORS,
    )


def do(standing, move, now=NOW):
    """The standing after the move, folded from what would be read back from the ledger."""
    decision = decide_controls(standing, move, now)
    after = fold_controls([entry_of(entry_plain(entry)) for entry in decision.entries], standing)
    assert decision.controls == after
    assert from_json(DeskControls, to_json(after)) == after
    return after


HALTED = do(DeskControls(), Pause(by(ANA), "", "something is wrong"))


@pytest.mark.parametrize(
    ("scope", "stops"),
    [
        ("", True),
        ("kind:low_stock", True),
        ("kind:lead_cold", False),
        ("action:house.order_stock", True),
        ("action:house.give_notice", False),
        ("system:house", True),
        ("system:slack", False),
        ("nonsense:x", True),
    ],
)
def test_rule_20_the_kill_switch_stops_all_a_kind_an_action_or_a_system(scope, stops):
    halted = do(DeskControls(), Pause(by(ANA), scope, "wait"))
    assert (halted.pause_on("low_stock", plan()) is not None) is stops
    if stops:
        with pytest.raises(DeskPaused, match="is paused by Ana: wait"):
            must_not_be_paused(halted, "low_stock", plan())
    else:
        must_not_be_paused(halted, "low_stock", plan())


def test_rule_20_everyone_who_decides_may_stop_and_only_those_who_answer_for_it_start_again():
    with pytest.raises(NotEligible, match="only those who decide"):
        decide_controls(DeskControls(), Pause(by(OMAR), "", "x"), NOW)
    with pytest.raises(NotEligible):
        decide_controls(DeskControls(), Pause(by(replace(ANA, guest=True)), "", "x"), NOW)
    with pytest.raises(BadRequest, match="say why"):
        decide_controls(DeskControls(), Pause(by(ANA), "", " "), NOW)
    with pytest.raises(TooLate, match="everything is paused already"):
        decide_controls(HALTED, Pause(by(BEN), "", "x"), NOW)
    with pytest.raises(NotEligible, match="only the governance owners"):
        decide_controls(HALTED, Resume(by(ANA), ""), NOW)
    assert do(HALTED, Resume(by(CARLA), "")).pauses == ()
    with pytest.raises(TooLate, match="is not paused"):
        decide_controls(DeskControls(), Resume(by(CARLA), "kind:low_stock"), NOW)


def test_rule_20_the_breaker_trips_once_and_a_person_resets_it():
    tripped = do(DeskControls(), TripCircuitBreaker("house.order_stock", "it has failed 3 times"))
    assert tripped.pauses[0].scope == "action:house.order_stock"
    assert (
        decide_controls(tripped, TripCircuitBreaker("house.order_stock", "again"), NOW).entries
        == ()
    )
    assert do(tripped, Resume(by(BEN), "action:house.order_stock")).pauses == ()


def delegate(**more):
    return Delegate(
        **{
            "by": by(ANA),
            "to": OMAR,
            "kind": "",
            "begins_at": NOW,
            "ends_at": NOW + 8 * HOUR,
            **more,
        }
    )


def test_rule_14_a_delegation_is_explicit_dated_and_scoped():
    given = do(DeskControls(), delegate(kind="low_stock"))
    (found,) = given.delegations
    assert (found.giver, found.taker, found.kind, found.ends_at) == (
        ANA.id,
        OMAR.id,
        "low_stock",
        NOW + 8 * HOUR,
    )
    assert [found.holds("low_stock", NOW + span) for span in (-HOUR, 0 * HOUR, 8 * HOUR)] == [
        False,
        True,
        False,
    ]
    assert not found.holds("lead_cold", NOW)
    longer = do(given, delegate(kind="low_stock", ends_at=NOW + 9 * HOUR))
    assert [one.ends_at for one in longer.delegations] == [NOW + 9 * HOUR]
    assert (
        do(
            longer, EndDelegation(by=by(OMAR), giver=ANA.id, taker=OMAR.id, kind="low_stock")
        ).delegations
        == ()
    )


@pytest.mark.parametrize(
    ("move", "why"),
    [
        (delegate(to=ANA), "somebody else"),
        (delegate(by=by(OMAR), to=ANA), "decide nothing here"),
        (delegate(to=replace(OMAR, guest=True)), "cannot stand in"),
        (delegate(to=replace(OMAR, external=True)), "cannot stand in"),
        (delegate(ends_at=NOW), "choose an end"),
        (delegate(ends_at=NOW + timedelta(days=61)), "within 60 days"),
        (EndDelegation(by=by(ANA), giver=ANA.id, taker=OMAR.id, kind=""), "ended already"),
        (
            EndDelegation(by=by(replace(OMAR, id="T1/UX")), giver=ANA.id, taker=OMAR.id, kind=""),
            "only the two of them",
        ),
    ],
)
def test_rule_14_what_is_no_delegation(move, why):
    with pytest.raises((BadRequest, NotEligible, TooLate), match=why):
        decide_controls(DeskControls(), move, NOW)


def broken(person=BEN, **more):
    asked = {
        "case_id": "EX-1",
        "revision": 1,
        "reason": "fire",
        "group": "owners",
        "groups": {"owners": {BEN.id}},
    }
    return BreakGlass(**{"by": by(person), **asked, "review_for": 48 * HOUR, **more})


def test_rule_15_an_emergency_is_reviewed_by_another_before_the_same_person_has_one_again():
    through = do(DeskControls(), broken())
    assert (through.emergencies[0].person, through.emergencies[0].review_by) == (
        BEN.id,
        NOW + 48 * HOUR,
    )
    with pytest.raises(TooLate, match="EX-1 has not been looked at yet"):
        decide_controls(through, broken(case_id="EX-2"), NOW)
    with pytest.raises(NotEligible, match="another governance owner"):
        decide_controls(through, ReviewEmergency(by(BEN), "EX-1", "fine"), NOW)
    with pytest.raises(BadRequest, match="what you found"):
        decide_controls(through, ReviewEmergency(by(CARLA), "EX-1", ""), NOW)
    reviewed = do(through, ReviewEmergency(by(CARLA), "EX-1", "it was right"))
    assert do(reviewed, broken(case_id="EX-2")).emergencies[0].case_id == "EX-2"
    with pytest.raises(TooLate, match="nothing of EX-9"):
        decide_controls(through, ReviewEmergency(by(CARLA), "EX-9", "x"), NOW)


@pytest.mark.parametrize(
    ("move", "why"),
    [
        (broken(ANA), "only @owners"),
        (broken(group="", groups={}), "names nobody"),
        (broken(groups={}), "only @owners"),
        (broken(reason=" "), "cannot wait"),
        (broken(replace(BEN, active=False)), "only @owners"),
    ],
)
def test_rule_15_what_is_no_emergency(move, why):
    with pytest.raises((BadRequest, NotEligible), match=why):
        decide_controls(DeskControls(), move, NOW)


def test_the_standing_is_the_fold_of_its_own_entries_and_of_nothing_else():
    entries = decide_controls(DeskControls(), Pause(by(ANA), "", "x"), NOW).entries
    with pytest.raises(LedgerBroken):
        fold_controls(entries, HALTED)
    with pytest.raises(LedgerBroken):
        fold_controls([replace(entries[0], case_id="EX-1")])


# --- what holds -----------------------------------------------------------------------------------


def rolled_back(*sizes: int, acknowledged: bool = False) -> DeskControls:
    controls = DeskControls()
    for ahead, size in enumerate(sizes):
        noticed = FallBehind(size=size, root=f"r{size}", own_size=1, common_size=1, numbers_from=1)
        controls = do(controls, noticed, NOW + ahead * HOUR)
    if acknowledged:
        controls = do(controls, Acknowledge(Caller.operator("root"), "compared", 2), NOW + 9 * HOUR)
    return controls


def test_a_restored_backup_stops_everything_until_it_is_acknowledged():
    behind = rolled_back(9)
    with pytest.raises(DeskPaused, match="everything is paused by Countersign: the ledger is old"):
        must_not_be_paused(behind, "low_stock", None)
    must_not_be_paused(rolled_back(9, acknowledged=True), "low_stock", plan())


def test_the_pause_of_a_restored_backup_comes_before_all_others():
    paused = do(rolled_back(9), Pause(by(ANA), "kind:low_stock", "wait"))
    assert [pause.scope for pause in paused.holds] == ["", "kind:low_stock"]
    assert paused.holds[0].at == NOW
    assert DeskControls().holds == ()


def test_a_restored_backup_is_dated_by_the_last_time_it_was_noticed():
    assert DeskControls().restored_at is None
    assert rolled_back(9, 12).restored_at == NOW + HOUR
    # Plans of before stay suspect after the acknowledgement too.
    assert rolled_back(9, 12, acknowledged=True).restored_at == NOW + HOUR


def test_an_acknowledgement_is_found_by_exactly_its_checkpoint():
    open_still, closed = rolled_back(9), rolled_back(9, acknowledged=True)
    assert open_still.acknowledgement_of(9, "r9") is None
    assert closed.acknowledgement_of(9, "r9") is closed.rollbacks[0]
    assert closed.acknowledgement_of(9, "r8") is None
    assert closed.acknowledgement_of(8, "r9") is None
    assert DeskControls().acknowledgement_of(9, "r9") is None


def test_of_several_pauses_the_widest_is_named():
    paused = DeskControls()
    for scope in ("action:house.order_stock", "kind:low_stock", ""):
        paused = do(paused, Pause(by(ANA), scope, f"because of {scope or 'all'}"))
    assert paused.pause_on("low_stock", plan()).scope == ""
    narrow = do(paused, Resume(by(BEN), ""))
    assert narrow.pause_on("low_stock", plan()).scope == "kind:low_stock"
    assert narrow.pause_on("lead_cold", plan()).scope == "action:house.order_stock"
    assert narrow.pause_on("lead_cold", None) is None


@pytest.mark.parametrize(
    ("scope", "text"),
    [
        ("", "everything"),
        ("kind:low_stock", "low stock"),
        ("action:house.order_stock", "house.order stock"),
        ("system:house", "house"),
    ],
)
def test_a_scope_is_put_into_words(scope, text):
    assert scope_text(scope) == text
    (pause,) = do(DeskControls(), Pause(by(ANA), scope, "wait")).pauses
    assert pause.description == f"{text} is paused by Ana: wait"


def test_a_pause_of_an_action_or_a_system_stops_no_case_without_a_plan():
    for scope, stops in (("action:house.order_stock", False), ("system:house", False), ("", True)):
        (pause,) = do(DeskControls(), Pause(by(ANA), scope, "wait")).pauses
        assert pause.stops("low_stock", None) is stops
