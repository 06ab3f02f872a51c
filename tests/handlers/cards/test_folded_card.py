"""Decided cards: two lines that say what was done, by whom, when, and what came of it."""

from dataclasses import replace

import pytest

from bot.cases import commands
from bot.cases.card_snapshot import CardSnapshot
from bot.cases.entries import StepReported, StepState
from bot.emulator.blocks import validate
from bot.ports.card_store import CardContext
from bot.views.labels import Labels
from handlers.cards import ids
from handlers.cards.case_card import case_card
from tests.cases.making import ANA, CARLA, Finish, action, approved, asker, start_step, with_fields
from tests.handlers.cards import examples
from tests.handlers.cards.examples import apply_commands

LABELS = Labels(done_templates={"house.order_stock": "Ordered {quantity}, {on_hand} were there"})


def lines(case, **context):
    """Read the lines of a card, without its buttons."""
    card = case_card(case, CardContext(**context))
    assert validate(card) == []
    texts = [block for block in card if block["type"] != "actions"]
    return tuple(line for block in texts for line in block_lines(block))


def block_lines(block):
    if block["type"] == "context":
        return [" ".join(element["text"] for element in block["elements"])]
    return [
        "".join(run.get("text", run.get("fallback", "")) for run in section["elements"])
        for section in block["elements"]
    ]


def test_a_plan_that_worked_is_said_in_the_past_tense_with_who_and_when():
    assert lines(examples.resolved_case(), labels=LABELS) == (
        "✅ Ordered 24, 4 were there for £100.00",
        "EX-1 · Approved by Ana, 21 Nov 12:00 UTC · worked",
    )


def test_steps_in_the_past_tense_are_one_sentence():
    case = approved(actions=(action(amount=None), action(amount=None, target="product:2")))
    for step in (0, 1):
        case = apply_commands(case, start_step(case, step=step))
        case = apply_commands(case, StepReported(step, StepState.LANDED, ""))
    case = apply_commands(case, Finish("done"))
    head, _ = lines(case, labels=LABELS)
    assert head == "✅ Ordered 24, 4 were there, then ordered 24, 4 were there"


@pytest.mark.parametrize("template", ["", "Ordered {quantity} from {a_fact_of_a_later_release}"])
def test_without_a_past_tense_that_the_plan_can_fill_the_head_says_done(template):
    labels = Labels(done_templates={"house.order_stock": template})
    head, _ = lines(examples.resolved_case(), labels=labels)
    assert head == "✅ Done: Order 24 for £100.00"


@pytest.mark.parametrize(
    ("make_case", "head", "story"),
    [
        (
            examples.snoozed_case,
            "💤 Merlot is running low",
            "EX-1 · Snoozed by Ana until 21 Nov 14:00 UTC · “after lunch”",
        ),
        (
            examples.rejected_case,
            "⛔ Merlot is running low",
            "EX-1 · Rejected by Ana, 21 Nov 12:00 UTC · the plan is wrong: “closed on Mondays”",
        ),
        (
            examples.expired_case,
            "⌛ Merlot is running low",
            "EX-1 · Nobody decided in time, 23 Nov 12:00 UTC · nothing was done",
        ),
        (
            examples.cleared_case,
            "🌬 Merlot is running low",
            "EX-1 · Went away by itself, 21 Nov 12:00 UTC · nothing was done",
        ),
        (
            examples.case_resolved_by_hand,
            "✅ Merlot is running low",
            "EX-1 · Handled by hand by Ana, 21 Nov 12:00 UTC · “called them”",
        ),
        (
            examples.running_case,
            "⚙️ Order 24 for £100.00",
            "EX-1 · Approved by Ana, 21 Nov 12:00 UTC · being carried out",
        ),
        (
            examples.opened,
            "⏳ Merlot is running low",
            "EX-1 · Being looked into since 21 Nov 12:00 UTC",
        ),
    ],
)
def test_each_state_has_a_short_form_of_its_own(make_case, head, story):
    assert lines(make_case()) == (head, story)


def test_a_pause_is_said_in_the_second_line():
    assert lines(approved(), pause_reason="low stock is paused by Ben: closed") == (
        "⏸️ Order 24 for £100.00",
        "EX-1 · Approved by Ana, 21 Nov 12:00 UTC · low stock is paused by Ben: closed",
    )


def test_a_dry_run_does_not_say_that_something_was_done():
    case = examples.resolved_case()
    case = with_fields(case, plan=replace(case.proposal.plan, mode="dry-run"))
    assert lines(case, labels=LABELS) == (
        "🧪 Order 24 for £100.00",
        "EX-1 · Approved by Ana, 21 Nov 12:00 UTC · Dry run: nothing was changed",
    )


def test_whoever_has_the_case_and_whoever_gave_it_are_named():
    case = approved()
    hand_over = commands.HandOver(
        by=asker(ANA),
        snapshot=CardSnapshot.of(case),
        to=CARLA.id,
        progress="counted",
        remains="the order",
    )
    _, _, holder = lines(apply_commands(case, hand_over), handed_over_by="Ana")
    assert holder == "With <@UCARLA>, handed over by Ana"


def test_a_snoozed_case_has_a_button_that_wakes_it():
    (row,) = [block for block in case_card(examples.snoozed_case()) if block["type"] == "actions"]
    assert row["elements"][0]["action_id"] == ids.WAKE
