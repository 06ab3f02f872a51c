"""The form that edits a plan: bounds first, then before and after with price and risk."""

from dataclasses import replace
from decimal import Decimal

from bot.cases.approval import ApprovalRequirement
from bot.cases.edits import EditField, EditForm, EditPreview
from bot.cases.entries import FieldChange
from bot.cases.plan import Money
from bot.cases.policy import RiskTier
from bot.emulator.blocks import validate_view
from bot.views.labels import Labels
from handlers.cards import ids
from handlers.cards.edit_form import edit_form, edit_preview_form
from tests.cases.making import action, proposed, verdict, with_fields
from tests.handlers.cards.markup import nodes, visible_text

LABELS = Labels(parameters={"house.order_stock.quantity": "Quantity"})
QUANTITY = EditField(name="quantity", value=24, minimum=1, maximum=60)


def elements(view):
    return {node["action_id"]: node for node in nodes(view) if "action_id" in node}


def preview(*contradictions):
    """Make the preview of an edit that makes a plan smaller, and its risk lower."""
    medium = verdict(tier=RiskTier.MEDIUM, factors=(ApprovalRequirement("ops-leads", 1),))
    before = proposed(actions=(action(amount=258.6, parameters={"quantity": 30}),), verdict=medium)
    edited_action = action(amount=206.88, parameters={"quantity": 24}, summary="Order 24")
    after = with_fields(
        before,
        plan=replace(before.proposal.plan, actions=(edited_action,), revision=2),
        verdict=verdict(),
        changes=(FieldChange("quantity", 30, 24),),
    )
    return EditPreview(before=before, after=after, contradictions=contradictions)


def test_the_form_says_the_bounds_of_each_field_and_the_limit_of_the_plan():
    case = proposed(actions=(action(parameters={"quantity": 30, "due_on": "2026-11-27"}),))
    due_on = EditField(name="due_on", value="2026-11-27", minimum="2026-11-22")
    form = EditForm(fields=(QUANTITY, due_on), max_amount=Money(Decimal(5000), "GBP"))
    view = edit_form(case, form, LABELS)
    assert validate_view(view) == []
    text = visible_text(view)
    assert "A whole number from 1 to 60. The plan says 30." in text
    assert "A day on or after Sun 22 Nov 2026. The plan says Fri 27 Nov 2026." in text
    assert "At most £5,000.00 may be moved at once." in text
    assert view["submit"]["text"] == "See the change"
    day = elements(view)[f"{ids.PARAMETER}due_on"]
    assert (day["type"], day["initial_date"]) == ("datepicker", "2026-11-27")


def test_before_it_is_saved_the_form_shows_what_would_change():
    view = edit_preview_form(
        preview("24 ordered, 28 bottles short"), [QUANTITY], LABELS, fingerprint="f" * 64
    )
    assert validate_view(view) == []
    text = visible_text(view)
    for line in (
        "Quantity  \n30 → 24",
        "Price  \n£258.60 → £206.88",
        "Order 24 for £206.88?",
        "⚠ 24 ordered, 28 bottles short.",
        "*Risk:* medium → low. *Needs* one of @floor-managers.",
    ):
        assert line in text
    assert view["submit"]["text"] == "Save"
    assert elements(view)[f"{ids.PARAMETER}quantity"]["initial_value"] == "24"


def test_the_preview_is_of_the_case_that_was_seen_and_names_its_values():
    edit = preview()
    view = edit_preview_form(edit, [QUANTITY], LABELS, fingerprint="f" * 64)
    assert view["private_metadata"] == f"{ids.token(edit.before)} {'f' * 64}"
    assert "⚠" not in visible_text(view)
