"""The private answer to an order in words: what it asks, and the buttons under it."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.cases.policy import RiskTier
from bot.emulator.blocks import validate
from bot.views.thread_orders import Confirmation, OrderKind, ThreadOrder
from handlers.cards import ids
from handlers.cards.question import ask
from handlers.cards.thread_confirmation import confirmation_blocks, confirmation_text
from handlers.cards.wording import Wording
from handlers.slack.interactions import ButtonPress
from tests.cases.making import ANA, BEN, NOW, OMAR, proposed, verdict, with_fields
from tests.handlers.cards.markup import ATTACKS, hostile_case, live_parts


def confirmation(kind, case=None, *, people=(), until=None, refusal="", **said):
    return Confirmation(
        case=case or proposed(),
        order=ThreadOrder(kind=kind, **said),
        people=people,
        until=until,
        refusal=refusal,
    )


def buttons(blocks):
    return [
        element for block in blocks if block["type"] == "actions" for element in block["elements"]
    ]


def words(blocks):
    return " ".join(
        run.get("text", "")
        for block in blocks
        if block["type"] == "rich_text"
        for section in block["elements"]
        for run in section["elements"]
    )


def pressed(button, case):
    """Read a press on this button as the listener does."""
    body = {
        "user": {"id": "UANA", "team_id": "T1"},
        "team": {"id": "T1"},
        "trigger_id": "t",
        "channel": {"id": "C0STOCK"},
        "container": {"type": "message", "channel_id": "C0STOCK", "is_ephemeral": True},
        "actions": [{**button, "block_id": "order:0"}],
    }
    press = ButtonPress.parse(body)
    assert press.case_id == case.id
    assert not press.is_on_card
    return press


def test_an_approval_is_asked_with_the_question_of_the_card_and_without_a_dialog():
    medium = with_fields(proposed(), verdict=verdict(tier=RiskTier.MEDIUM))
    for case in (proposed(), medium):
        blocks = confirmation_blocks(confirmation(OrderKind.APPROVE, case))
        assert str(ask(case.proposal.plan, Wording(year=NOW.year))) in words(blocks)
        (button,) = buttons(blocks)
        assert (button["action_id"], button["value"]) == (ids.APPROVE, ids.token(case))
        assert "confirm" not in button


def test_high_risk_and_a_reason_lead_to_the_form():
    high = with_fields(proposed(), verdict=verdict(tier=RiskTier.HIGH))
    (button,) = buttons(confirmation_blocks(confirmation(OrderKind.APPROVE, high)))
    assert button["action_id"] == ids.APPROVE_WITH_REASON
    assert "style" not in button
    case = proposed()
    (button,) = buttons(
        confirmation_blocks(confirmation(OrderKind.APPROVE, case, note="enough room"))
    )
    assert button["action_id"] == ids.ORDER_APPROVE
    assert pressed(button, case).choice == "enough room"


def test_what_was_said_goes_into_the_form():
    case = proposed()
    (button,) = buttons(confirmation_blocks(confirmation(OrderKind.REJECT, case, note="too dear")))
    assert pressed(button, case).choice == "too dear"
    until = NOW + timedelta(days=1)
    snooze = confirmation(OrderKind.SNOOZE, case, until=until, note="closed")
    (button,) = buttons(confirmation_blocks(snooze))
    assert pressed(button, case).choice == f"{int(until.timestamp())} closed"
    to_ben = confirmation(OrderKind.HAND_OVER, case, people=(BEN,), note="he knows")
    (button,) = buttons(confirmation_blocks(to_ben))
    assert button["text"]["text"] == "Hand over to Ben…"
    assert pressed(button, case).choice == f"{BEN.id.partition('/')[2]} he knows"


def test_two_of_a_name_are_offered_and_five_are_left_to_the_form():
    two = confirmation(OrderKind.HAND_OVER, people=(BEN, OMAR), to_name="Ben")
    assert len(buttons(confirmation_blocks(two))) == 2
    assert "Which Ben do you mean?" in words(confirmation_blocks(two))
    five = tuple(replace(ANA, id=f"T1/U{number}") for number in range(5))
    many = confirmation(OrderKind.HAND_OVER, people=five, to_name="Ana")
    assert [one["text"]["text"] for one in buttons(confirmation_blocks(many))] == ["Hand over…"]
    nobody = confirmation(OrderKind.HAND_OVER, to_name="Zoe")
    assert "Nobody here is called “Zoe”" in words(confirmation_blocks(nobody))


def test_a_refusal_has_no_button():
    blocks = confirmation_blocks(confirmation(OrderKind.APPROVE, refusal="Nothing was done: no."))
    assert buttons(blocks) == []
    assert words(blocks) == "Nothing was done: no."


@pytest.mark.parametrize("text", ATTACKS, ids=range(len(ATTACKS)))
def test_whatever_was_said_is_shown_as_text_and_fits(text):
    case = hostile_case(text)
    people = (replace(BEN, name=text or "x"), replace(OMAR, name=text or "x"))
    for kind in OrderKind:
        answer = confirmation(
            kind,
            case,
            people=people if kind is OrderKind.HAND_OVER else (),
            refusal=text if kind is OrderKind.UNCLEAR else "",
            note=text[:400],
            to_name=text[:80],
            until=NOW if kind is OrderKind.REJECT else None,
        )
        if kind is OrderKind.UNCLEAR and not text.strip():
            continue
        blocks = confirmation_blocks(answer)
        assert validate(blocks) == []
        assert live_parts(blocks) == []
        assert not set("<>") & set(confirmation_text(answer))
        for button in buttons(blocks):
            pressed(button, case)
