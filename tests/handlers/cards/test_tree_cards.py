"""Cards, details and notes of plans that are trees: all branches before, the path after."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.cases.entries import StepReported, StepState
from bot.cases.lifecycle import State
from bot.cases.policy import ActionLimit
from bot.emulator.blocks import validate, validate_view
from bot.ports.card_store import CardContext
from bot.views.entry_content import trail
from bot.views.labels import Labels
from handlers.cards.case_card import case_card
from handlers.cards.case_details import details_view
from handlers.cards.case_words import case_wording
from handlers.cards.forms import undo_form
from handlers.cards.notes import _describe_step
from tests.cases.trees import HOLD, RETURNS
from tests.desk.test_trees import asked_again, take_back

LABELS = Labels(systems={"house": "carrier"}, parameters={"house.expect.day": "Expected on"})
QUESTION = (
    "Do hold; if the carrier holds it, do expect on the day that the carrier names; otherwise, if "
    "the carrier sends it back, do tell; if the carrier refuses, do claim?"
)


@pytest.fixture
def world(small_world):
    small_world.house.amount = None
    small_world.house.returns = RETURNS
    small_world.house.told = {"hold": {"answer": "held", "held_until": "2026-12-01"}}
    small_world.library.book = replace(small_world.library.book, offers=(HOLD,))
    actions = {f"house.{name}": ActionLimit() for name in ("hold", "expect", "tell", "claim")}
    small_world.library.rules = replace(small_world.library.rules, actions=actions)
    return small_world


def shown(case) -> str:
    return json.dumps(case_card(case, CardContext(labels=LABELS)), ensure_ascii=False)


def details(case) -> str:
    return json.dumps(details_view(case, LABELS, {}), ensure_ascii=False)


def carried_out(world):
    case = world.approve(world.proposed(), "ben")
    for _ in range(12):
        world.work()
        world.clock.forward(seconds=5)
    return world.case(case)


def note_of(world, case, state) -> str:
    bodies = [entry.body for entry in world.store.cases.entries(case.id)]
    body = [one for one in bodies if isinstance(one, StepReported) and one.state is state][-1]
    line = _describe_step(body, case, case_wording(case, LABELS))
    return f"{line.head} {line.text}" if hasattr(line, "text") else str(line)


def test_a_card_asks_about_every_branch_in_one_short_question(world):
    case = world.proposed()
    assert QUESTION in shown(case)
    assert len(QUESTION.split()) <= 60


def test_details_show_the_tree_with_its_bounds(world):
    text = details(world.proposed())
    for words in (
        "2a. If the carrier holds it: do expect",
        "2b. Otherwise, if the carrier sends it back: do tell",
        "2c. If the carrier refuses: do claim",
        "on the day that the carrier names, from Sat 21 Nov to Mon 21 Dec",
        "else it is asked again",
    ):
        assert words in text, text


def test_a_folded_card_says_which_path_was_taken_and_why(world):
    case = carried_out(world)
    assert case.state is State.RESOLVED
    assert "Do hold, then as the carrier holds it, do expect" in shown(case)
    assert "not needed" in details(case)
    assert "answer: held, held until: Tue 1 Dec" in details(case)
    assert "Step 2a done, as the carrier holds it" in note_of(world, case, StepState.LANDED)


def test_a_refusal_and_what_followed_are_said(world):
    world.house.faults["execute"] = ["refuse for good"]
    case = carried_out(world)
    assert "as the carrier refused, do claim" in shown(case).lower()
    assert "Step 1 refused" in note_of(world, case, StepState.REFUSED)


def test_a_card_after_something_unforeseen_says_what_was_done_and_what_was_observed(world):
    world.house.told["hold"] = {"answer": "lost"}
    case = carried_out(world)
    text = shown(case)
    assert "Asked again: answer is lost, and nothing is planned for that" in text
    assert "Done already: do hold" in text


def test_an_undone_tree_says_so(world):
    world.house.undo_for = timedelta(minutes=30)
    world.house.faults["execute"] = ["", "refuse"]
    case = carried_out(world)
    assert "undone" in details(case)


# --- two plans, and their undo -------------------------------------------------------------------


def shown_undoable(case) -> str:
    context = CardContext(labels=LABELS, is_undoable=True)
    blocks = case_card(case, context)
    assert validate(blocks) == []
    return json.dumps(blocks, ensure_ascii=False)


def test_card_and_form_list_exactly_what_an_undo_of_two_plans_takes_back(world):
    case = asked_again(world)
    assert "Done before, by an earlier plan: do hold" in shown_undoable(case)
    view = undo_form(case, LABELS, world.clock())
    assert validate_view(view) == []
    form = json.dumps(view, ensure_ascii=False)
    assert form.index("Do claim") < form.index("Do hold") < form.index("This is taken back")
    assert "This stays" not in form
    assert "It needs 2 people, as its plans together did; 0 of them so far." in form


def test_the_form_says_what_an_undo_leaves(world):
    case = asked_again(world, reversible=False)
    form = json.dumps(undo_form(case, LABELS, world.clock()), ensure_ascii=False)
    assert form.index("Do claim") < form.index("This stays") < form.index("Do hold")


def test_a_card_that_lost_its_earlier_steps_says_what_was_taken_back(world):
    case = take_back(world, asked_again(world))
    assert "Do hold: undone" in shown(case)
    assert "Done already" not in shown(case)
    contents = [item.content for item in trail(world.store.cases.entries(case.id))]
    (lines,) = [one.lines for one in contents if one.sentence == "It is being taken back"]
    assert [line.text for line in lines if line.label == "Done by earlier plans"] == ["Do hold"]
