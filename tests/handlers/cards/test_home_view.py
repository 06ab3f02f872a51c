"""App Home: valid on the fullest day, with no dead undo button."""

from datetime import timedelta

from bot.emulator.blocks import validate_view
from handlers.cards.home_view import home_view
from handlers.cards.ids import token
from tests.cases.making import NOW, proposed
from tests.handlers.cards.examples import home, permalink, row, rows, undoable_case


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
    )
    assert validate_view(home_view(fullest, permalink)) == []
