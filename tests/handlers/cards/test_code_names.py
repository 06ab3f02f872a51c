"""No name of code, no hash and no id stands where people read."""

import re
from dataclasses import replace

import pytest

from bot.cases.edits import EditField, EditForm, EditPreview
from bot.cases.recommendation import Alternative
from bot.views.labels import Labels
from handlers.cards import forms
from handlers.cards.answer_blocks import answer_blocks
from handlers.cards.case_card import case_card, notification_text, superseded_card
from handlers.cards.case_details import details_view
from handlers.cards.edit_form import edit_form, edit_preview_form
from handlers.cards.wording import Wording
from tests.cases.making import with_fields
from tests.handlers.cards.answer_examples import ANSWER_EXAMPLES
from tests.handlers.cards.examples import permalink
from tests.handlers.cards.markup import visible_text
from tests.handlers.cards.shipped import every_state, shipped_cases

CODE = {
    "a name with underscores": re.compile(r"\b[a-z]+_[a-z_]+\b"),
    # But for addresses of mails, which people know.
    "a name with dots": re.compile(r"(?<![@.])\b(?<!@)[a-z]+\.[a-z_]{2,}\b(?!@)"),
    "an id of Slack": re.compile(r"(?<![@<])\b[CGU]0[A-Z0-9]+\b"),
    "a hash": re.compile(r"\b[0-9a-f]{12,}\b"),
    "a system": re.compile(r"\bhouse\b"),
    "a database": re.compile(r"\brows? changed\b|\bNone\b|\bnull\b"),
    "an expression": re.compile(r"[<>=]="),
}
LABELS = Labels(
    systems={"house": "operations system"},
    actions={"house.order_stock": "Order stock"},
    channels={"C0SALES": "sales"},
)


def read(case, context, labels):
    """Yield every text of a case that people read, with its place."""
    context = replace(context, labels=labels)
    yield "card", visible_text(case_card(case, context))
    yield "notification", notification_text(case, context)
    yield "replaced card", visible_text(superseded_card(case))
    yield "Details", visible_text(details_view(case, labels, {}))
    yield "approve", visible_text(forms.approve_form(case, labels))
    yield "reject", visible_text(forms.reject_form(case))
    yield "settle", visible_text(forms.settle_form(case, labels))
    yield "undo", visible_text(forms.undo_form(case, labels))
    yield "hand over", visible_text(forms.hand_over_form(case, "ops-leads"))
    plan = case.proposal.plan
    if plan:
        action = plan.actions[0]
        fields = [EditField(name=name, value=value) for name, value in action.parameters.items()]
        yield "edit", visible_text(edit_form(case, EditForm(fields=tuple(fields)), labels))
        preview = EditPreview(before=case, after=case)
        view = edit_preview_form(preview, fields, labels, fingerprint="f" * 64)
        yield "preview", visible_text(view)


@pytest.fixture(scope="module")
def shipped(tmp_path_factory):
    return shipped_cases(tmp_path_factory.mktemp("shipped"))


def test_no_card_window_or_form_of_a_shipped_kind_shows_a_name_of_code(shipped):
    library, cases = shipped
    labels = library.labels()
    findings = set()
    for kind, case in cases.items():
        for state, state_case, context in every_state(case):
            for place, text in read(state_case, context, labels):
                for name, pattern in CODE.items():
                    match = pattern.search(text)
                    if match:
                        findings.add((place, name, match[0], f"{kind}, {state}"))
    assert findings == set()


@pytest.mark.parametrize(
    ("reason", "text"),
    [
        (
            "house.order_stock: 20,050 would pass the limit of 20,000 a day",
            "“Order stock”: 20,050 would pass the limit of 20,000 a day",
        ),
        ("on_hand was 4, is 12", "on hand was 4, is 12"),
        (
            "Order 24: house does not say whether it happened",
            "Order 24: operations system does not say whether it happened",
        ),
        ("house.burn_down is version 2 now", "burn down is version 2 now"),
        ("due_on must be a date like 2026-11-21", "due on must be a date like Sat 21 Nov"),
        ("The warehouse of Rosie House says no", "The warehouse of Rosie House says no"),
        ("Tell C0SALES", "Tell #sales"),
    ],
)
def test_reasons_of_the_desk_are_written_with_titles(reason, text):
    assert Wording(labels=LABELS, year=2026).reason(reason, 200) == text


def test_a_refusal_is_a_sentence(shipped):
    """What the playbook says of an action that does not fit is shown as it is."""
    library, cases = shipped
    case = cases["low_stock"]
    sentence = "It would arrive after the peak: 3 days of lead time, 2 days left."
    recommendation = replace(
        case.proposal.recommendation,
        alternatives=(Alternative("house.order_stock", sentence),),
    )
    text = visible_text(
        details_view(with_fields(case, recommendation=recommendation), library.labels(), {})
    )
    assert "Not “Order stock”" in text
    assert sentence in text


@pytest.mark.parametrize("name", ANSWER_EXAMPLES)
def test_no_answer_shows_a_name_of_code(name):
    text = visible_text(answer_blocks(ANSWER_EXAMPLES[name](), permalink, "C0STOCK:1.0"))
    # "None" is a word of English too, in front of what there is none of.
    text = text.replace("None of", "Not one of")
    for pattern in CODE.values():
        assert pattern.search(text) is None
