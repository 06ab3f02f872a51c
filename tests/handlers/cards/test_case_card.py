"""The card of a case in every state."""

import json
from dataclasses import replace
from decimal import Decimal

import pytest

from bot.cases import commands as commands
from bot.cases.approval import ApprovalRequirement
from bot.cases.group_lists import Gap, describe_gaps
from bot.cases.lifecycle import State
from bot.cases.missing_approvals import MissingApprovals
from bot.cases.plan import Money
from bot.emulator.blocks import validate
from bot.ports.card_store import CardContext
from bot.views.labels import Labels
from handlers.cards import ids
from handlers.cards.case_card import case_card, notification_text, superseded_card
from handlers.cards.case_details import details_view
from tests.cases.making import (
    ANA,
    BEN,
    CARLA,
    SEEN,
    action,
    asker,
    proposed,
    with_fields,
)
from tests.handlers.cards.examples import (
    CASE_EXAMPLES,
    apply_commands,
    drifted_case,
    edited_case,
    fact,
    half_approved_case,
    half_undone_case,
    low_risk_case,
    resolved_case,
)
from tests.handlers.cards.markup import live_parts, nodes, visible_text
from tests.world import playbook

TWO_OPS_LEADS = (ApprovalRequirement("ops-leads", 2),)


@pytest.mark.parametrize("name", CASE_EXAMPLES)
def test_the_card_in_each_state(name, snapshot):
    case = CASE_EXAMPLES[name]()
    card = case_card(case)
    assert validate(card) == []
    assert {"text": notification_text(case), "blocks": card} == snapshot


def test_every_state_of_the_lifecycle_has_a_card_here():
    states = {make_case().state for make_case in CASE_EXAMPLES.values()}
    assert states == set(State) - {State.NEW}


def test_a_plan_that_nobody_can_approve_says_why():
    reason = describe_gaps({"floor-managers": Gap.NO_PLAN})
    card = case_card(low_risk_case(), CardContext(why_nobody=reason))
    assert validate(card) == []
    (line,) = [block for block in card if block not in case_card(low_risk_case())]
    assert visible_text([line]) == (
        "⚠ Nobody can approve this: the group floor-managers does not exist in this workspace; name"
        " its people under groups: in policy.yml"
    )


def test_a_paused_desk_is_shown_on_the_card():
    case = proposed()
    context = CardContext(pause_reason="everything is paused by Ben: <!channel> *wait*")
    card = case_card(case, context)
    assert validate(card) == []
    (pause,) = [block for block in card if block not in case_card(case)]
    assert [(element["type"], element["text"]) for element in pause["elements"]] == [
        ("plain_text", "⏸ Everything is paused by Ben: <!channel> *wait*"),
    ]


@pytest.mark.parametrize(
    ("groups", "count", "phrase"),
    [
        (("finance",), 1, "one of @finance"),
        (("finance", "ops-leads"), 1, "one of @finance or @ops-leads"),
        (("finance", "ops-leads"), 2, "one of @finance and one of @ops-leads"),
        (("ops-leads",), 2, "two of @ops-leads"),
    ],
)
def test_the_card_names_whose_approval_is_missing(groups, count, phrase):
    case = half_approved_case()
    context = CardContext(missing_approvals=MissingApprovals(count, groups))
    text = visible_text(case_card(case, context))
    assert f"*Still needed:* {phrase} by 21 Nov" in text
    assert "Approved by Ana" in text
    assert "1 of 2 given" not in text


def test_facts_that_are_older_than_promised_are_marked_and_take_the_place_of_precedents():
    case = low_risk_case()
    context = CardContext(stale_facts=("stock.on_hand", "stock.secret"))
    text = visible_text(case_card(case, context))
    assert "⚠ May have changed since it was read: On hand." in text
    assert "May have changed" not in visible_text(case_card(case))
    details = visible_text(details_view(case, Labels(), {}, ["stock.on_hand"]))
    assert details.count("⚠ may have changed since") == 1


def card_text(case, **changes):
    """The card with changes to its recommendation."""
    recommendation = replace(case.proposal.recommendation, **changes)
    card = case_card(with_fields(case, recommendation=recommendation))
    assert validate(card) == []
    return visible_text(card)


def test_a_promise_is_on_the_card_unless_something_stands_against_a_quick_answer():
    line = "Right 90 times in 100"
    assert line in card_text(proposed(), promised_percent=90)
    assert line not in card_text(proposed())
    # A fact could not be read.
    assert line not in card_text(low_risk_case(), promised_percent=90)


@pytest.mark.parametrize("make_case", [proposed, low_risk_case, half_approved_case])
@pytest.mark.parametrize(
    ("changes", "line"),
    [
        (
            {"lapsed_percent": 90},
            "⚠ Such plans were often wrong lately: please check",
        ),
        ({"is_unlike_past": True}, "Unusual case: please check"),
    ],
)
def test_that_nothing_learned_speaks_for_it_is_on_every_waiting_card(make_case, changes, line):
    assert line in card_text(make_case(), **changes)
    assert line not in card_text(make_case())


@pytest.mark.parametrize(
    ("amount", "header"),
    [
        (Decimal(0), "EX-1 · Merlot is running low"),
        (Decimal(-68), "EX-1 · Merlot is running low · −£68.00"),
        (Decimal("1234.5"), "EX-1 · Merlot is running low · £1,234.50"),
    ],
)
def test_the_header_has_the_money_with_its_sign_and_none_where_there_is_none(amount, header):
    case = with_fields(low_risk_case(), stake=Money(amount, "GBP"))
    assert case_card(case)[0]["text"]["text"] == header


def test_names_in_sentences_keep_their_case_and_end_once():
    case = with_fields(low_risk_case(), why="ana Duarte of BBC has approved.", what="")
    text = visible_text(case_card(case))
    assert "ana Duarte of BBC has approved.\n" in text
    failure = fact("stock", label="", value=None, failure="no answer.")
    text = visible_text(case_card(with_fields(case, evidence=(failure,))))
    assert "⚠ Stock not read: no answer.\n" in text


def test_the_card_says_who_edited_what():
    text = visible_text(case_card(edited_case(), CardContext(edited_by="ana Duarte")))
    assert "Edited by ana Duarte: quantity 24 → 12." in text


def test_what_can_still_be_taken_back_has_a_button_for_it_and_nothing_else_has():
    case = resolved_case()
    undoable = CardContext(is_undoable=True)
    extra = [block for block in case_card(case, undoable) if block not in case_card(case)]
    action_ids = [element["action_id"] for block in extra for element in block["elements"]]
    assert action_ids == [ids.UNDO, ids.DETAILS]
    assert case_card(proposed(), undoable) == case_card(proposed())


@pytest.mark.threat("B7")
def test_the_card_says_who_wants_it_taken_back_and_what_that_waits_for(snapshot):
    case = half_undone_case()
    card = case_card(case, CardContext(is_undoable=True))
    assert validate(card) == []
    assert live_parts(card) == []
    assert [block for block in card if block not in case_card(case)] == snapshot


def test_the_card_says_for_whom_somebody_decided():
    delegate = replace(asker(CARLA), behalf_of=(BEN,))
    approval = commands.Approve(delegate, SEEN)
    case = apply_commands(proposed(factors=TWO_OPS_LEADS), approval)
    assert "Carla for Ben" in json.dumps(case_card(case))


def test_the_card_says_what_was_approved_alone_in_an_emergency():
    approval = commands.Approve(asker(ANA), SEEN, "fire", emergency=True)
    case = apply_commands(proposed(factors=TWO_OPS_LEADS), approval)
    assert "ALONE in an emergency" in json.dumps(case_card(case))


def test_the_details_name_the_four_who_answer_for_the_kind():
    owners = playbook().owners.by_role()
    details = details_view(proposed(), Labels(), {}, owners=owners)
    assert validate(details["blocks"]) == []
    text = " ".join(visible_text(details).split())
    for line in ("Business @floor-managers", "Technical @ops-leads", "Governance @owners"):
        assert line in text
    assert "answers for" not in visible_text(details_view(proposed(), Labels(), {}))


def test_the_card_shows_the_envelope_and_not_what_somebody_says_of_it():
    """A claim of another amount is quoted in the details; the question has the plan's own."""
    claim = "Refund of £5 only, approved by the CEO"
    case = with_fields(proposed(actions=(action(amount=5000),)), what=claim)
    card = case_card(case)
    (question,) = [node["text"] for node in nodes(card) if node.get("style") == {"bold": True}]
    assert question == "Order 24 for £5,000.00?"
    details = details_view(case, Labels(), {})
    quotes = [node for node in nodes(details) if node.get("type") == "rich_text_quote"]
    assert [quote["elements"][0]["text"] for quote in quotes] == [
        "Refund of £5.00 only, approved by the CEO"
    ]


def test_an_older_card_loses_its_buttons_and_says_where_to_look():
    card = superseded_card(drifted_case())
    assert validate(card) == []
    assert "actions" not in {block["type"] for block in card}
    assert "Replaced by a newer card" in json.dumps(card)
