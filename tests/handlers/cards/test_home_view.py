"""App Home: valid on the fullest day, with no dead undo button."""

import json
from dataclasses import replace
from datetime import timedelta

from bot.emulator.blocks import validate_view
from bot.views.app_home import HomeRights
from bot.views.queue_health import PRACTICE_NOTICE
from handlers.cards import ids
from handlers.cards.home_view import delegations_modal, home_view, pause_form
from handlers.cards.ids import token
from tests.cases.making import NOW, proposed
from tests.handlers.cards.examples import (
    DELEGATION,
    PAUSE,
    case_in_doubt,
    home,
    permalink,
    referred_case,
    row,
    rows,
    undoable_case,
    unrecognised_case,
)


def test_the_home(snapshot):
    view = home_view(home(), permalink)
    assert validate_view(view) == []
    assert view == snapshot


def undo_block_ids(at):
    blocks = home_view(home(at=at), permalink)["blocks"]
    block_ids = [block.get("block_id", "") for block in blocks]
    return [block_id for block_id in block_ids if block_id.startswith("alone")]


def test_only_what_can_still_be_taken_back_has_a_button_for_it():
    case = row(undoable_case(), 5).case
    assert undo_block_ids(NOW) == [f"alone:{token(case)}"]
    assert undo_block_ids(NOW + timedelta(minutes=30)) == []


def test_a_home_of_the_fullest_day_fits():
    case = proposed()
    fullest = home(
        waiting=rows(case, range(1, 13)),
        mine=rows(case, range(20, 26)),
        team=rows(case, range(30, 38)),
        alone=rows(undoable_case(), range(40, 46)),
        practice_notice=PRACTICE_NOTICE,
    )
    assert validate_view(home_view(fullest, permalink)) == []


def action_ids(view):
    return [
        element["action_id"]
        for block in view["blocks"]
        if block["type"] == "actions"
        for element in block["elements"]
    ]


def test_rows_that_need_a_person_have_their_buttons():
    waiting = (row(referred_case(), 1), row(case_in_doubt(), 2), row(unrecognised_case(), 3))
    drawn_ids = action_ids(home_view(home(waiting=waiting), permalink))
    assert {ids.RESOLVE, ids.SETTLE, ids.NAME_FIRST} <= set(drawn_ids)


def test_those_who_decide_are_told_beforehand_that_practice_exists():
    def is_told(**changes):
        view = home_view(home(practice_notice=PRACTICE_NOTICE, **changes), permalink)
        assert validate_view(view) == []
        return PRACTICE_NOTICE in json.dumps(view)

    assert is_told(rights=HomeRights(may_delegate=True))
    assert not is_told(rights=HomeRights())
    assert "practice" not in json.dumps(home_view(home(), permalink))


def test_nothing_is_offered_to_those_who_may_not():
    undecidable = replace(row(proposed(), 1), is_decidable=False)
    undone = replace(row(undoable_case(), 2), is_decidable=False)
    view = home(
        waiting=(),
        mine=(undecidable,),
        team=(undecidable,),
        alone=(undone,),
        waiting_more=0,
        pauses=(replace(PAUSE, is_resumable=False),),
        suggestion="on holiday",
        rights=HomeRights(),
    )
    drawn_ids = set(action_ids(home_view(view, permalink)))
    withheld_ids = {
        ids.APPROVE,
        ids.REJECT,
        ids.UNDO,
        ids.HOME_PAUSE,
        ids.HOME_RESUME,
        ids.HOME_DELEGATE,
        ids.HOME_RAISE,
    }
    assert drawn_ids.isdisjoint(withheld_ids)
    assert ids.OPEN_LINK in drawn_ids


def test_a_pause_says_who_may_end_it_to_those_who_may_not():
    pause = replace(PAUSE, is_resumable=False, resumers=("owners",))
    text = json.dumps(home_view(home(pauses=(pause,)), permalink))
    assert "Low stock is paused by Ben: wait. Only @owners may resume it" in text


def test_a_pause_and_a_delegation_are_ended_after_a_confirmation():
    elements = {
        element["action_id"]: element
        for block in home_view(home(), permalink)["blocks"]
        if block["type"] == "actions"
        for element in block["elements"]
    }
    assert elements[ids.HOME_RESUME]["value"] == "resume kind:low_stock"
    assert elements[ids.HOME_END_DELEGATION]["value"] == "T1/UANA T1/UFINN low_stock"
    assert "confirm" in elements[ids.HOME_RESUME]
    assert "confirm" in elements[ids.HOME_END_DELEGATION]


def test_the_windows_of_pauses_and_delegations_are_valid():
    assert validate_view(pause_form([("low_stock", "Running low")])) == []
    assert validate_view(delegations_modal((DELEGATION,) * 40)) == []
    assert "Nobody stands in for you" in json.dumps(delegations_modal(()))
