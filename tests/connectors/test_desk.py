"""The desk as a system: its record, and its stages changed once and taken back."""

import pytest

from bot.cases.desk_kinds import DESK_SYSTEM
from bot.cases.errors import ConnectorFailed, WorldMoved
from bot.cases.policy import Stage
from bot.cases.stage_playbook import RECORD_QUERY
from bot.connectors.desk import DESK_SPEC
from bot.ports.connector import EffectStatus
from tests.desk.test_promotions import (
    ORDER,
    ask,
    decide,
    earn,
    next_case,
    prepare,
    stage,
    take_back,
)
from tests.world import World

UNDO_KEY = "u" * 64
PARAMETERS = {"kind": "low_stock", "action": ORDER, "stage": "autonomous"}
RECORD = {"kind": "low_stock", "action": ORDER}


@pytest.fixture
def town(world) -> World:
    prepare(world)
    earn(world)
    return world


@pytest.fixture
def desk(town):
    return town.desk.systems[DESK_SYSTEM]


@pytest.fixture
def key(town) -> str:
    """The key of the step of a case that asks for the change."""
    return ask(town).proposal.plan.step_key(0)


def test_the_record_is_in_words(desk):
    (row,) = desk.look_up(RECORD_QUERY, RECORD, 10)
    assert row["agreement"] == "11 of 12 times"
    assert (row["misses"], row["bad_cases"], row["is_earned"]) == ("EX-8", "none", True)
    assert "one bad outcome ends it" in row["limits"]


def test_it_has_one_look_up_and_one_action(desk):
    with pytest.raises(ConnectorFailed):
        desk.look_up("SELECT 1", RECORD, 10)
    with pytest.raises(ConnectorFailed):
        desk.prepare("delete_everything", PARAMETERS)
    with pytest.raises(ConnectorFailed, match="no stage"):
        desk.prepare("change_stage", {**PARAMETERS, "stage": "omnipotent"})


def test_a_change_is_prepared_done_once_and_found(desk, town, key):
    action = desk.prepare("change_stage", PARAMETERS)
    assert action.precondition["is_earned"] is True
    assert desk.precondition(action) == action.precondition
    assert desk.verify(action, key) is EffectStatus.ABSENT
    desk.execute(action, key)
    assert (stage(town), desk.verify(action, key)) == (Stage.AUTONOMOUS, EffectStatus.LANDED)
    version = town.store.desk_controls.load().version
    desk.execute(action, key)
    assert town.store.desk_controls.load().version == version
    # What it rests on has changed by it.
    assert desk.precondition(action) != action.precondition


def test_a_change_is_not_repeated_after_its_stage_was_taken_back(desk, town, key):
    action = desk.prepare("change_stage", PARAMETERS)
    desk.execute(action, key)
    take_back(town, next_case(town))
    assert stage(town) is Stage.SUPERVISED
    desk.execute(action, key)
    assert (stage(town), desk.verify(action, key)) == (Stage.SUPERVISED, EffectStatus.LANDED)


def test_what_is_not_earned_any_more_is_not_done(desk, town, key):
    action = desk.prepare("change_stage", PARAMETERS)
    take_back(town, decide(town, 900))
    with pytest.raises(WorldMoved, match="not earned any more"):
        desk.execute(action, key)
    assert stage(town) is Stage.SUPERVISED


def test_what_turns_out_wrong_in_the_last_moment_is_not_overtaken(desk, town, key, monkeypatch):
    bad = decide(town, 900)
    action = desk.prepare("change_stage", PARAMETERS)
    save = town.store.desk_controls.save

    def save_late(decision, *more, **options):
        monkeypatch.undo()
        take_back(town, bad)
        return save(decision, *more, **options)

    monkeypatch.setattr(town.store.desk_controls, "save", save_late)
    with pytest.raises(WorldMoved, match="not earned any more"):
        desk.execute(action, key)
    assert stage(town) is Stage.SUPERVISED


def test_an_undo_puts_the_stage_back_once(desk, town, key):
    action = desk.prepare("change_stage", PARAMETERS)
    desk.execute(action, key)
    desk.undo(action, key, UNDO_KEY)
    assert (stage(town), desk.verify(action, UNDO_KEY)) == (Stage.SUPERVISED, EffectStatus.LANDED)
    version = town.store.desk_controls.load().version
    desk.undo(action, key, UNDO_KEY)
    assert town.store.desk_controls.load().version == version


def test_a_case_of_another_source_or_kind_changes_nothing(desk, town):
    """Whoever governs another kind, or sends signals, must not decide about this one."""
    facts = {"of_kind": "low_stock", "of_action": ORDER, "to_stage": "autonomous"}
    for kind, source in (("stage_of_other_kind", "desk"), ("stage_of_low_stock", "api")):
        signal = town.signal("forged", kind=kind, source=source, facts=facts)
        case_id = town.receive(signal).case_id
        town.work()
        case = town.store.cases.case(case_id)
        action = desk.prepare("change_stage", PARAMETERS)
        forged_key = case.proposal.plan.step_key(0)
        with pytest.raises(ConnectorFailed, match="no case of the desk"):
            desk.execute(action, forged_key)
    assert stage(town) is Stage.SUPERVISED


def test_no_file_connects_it():
    with pytest.raises(ConnectorFailed):
        DESK_SPEC.connect(str, None)
    assert DESK_SPEC.secret_names() == ()
