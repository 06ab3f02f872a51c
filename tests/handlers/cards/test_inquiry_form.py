"""The forms of questions and answers."""

from dataclasses import replace

import pytest

from bot.cases.inquiry import Addressee, AnswerType
from bot.emulator.blocks import validate_view
from handlers.cards import ids
from handlers.cards.inquiry_form import answer_form, ask_form
from tests.cases.making import OMAR, proposed, with_fields
from tests.cases.test_case_facts import found
from tests.handlers.cards.examples import asking_case
from tests.handlers.cards.markup import ATTACKS, hostile_case, live_parts
from tests.world import playbook


def field(view, action_id):
    for block in view["blocks"]:
        if block.get("element", {}).get("action_id") == action_id:
            return block
    return None


def values(block):
    return [option["value"] for option in block["element"]["options"]]


def test_the_form_asks_whom_what_and_for_which_answer():
    case = proposed()
    view = ask_form(case, playbook())
    assert validate_view(view) == []
    assert view["private_metadata"] == ids.token(case)
    assert values(field(view, ids.WHOM)) == [Addressee.COLLEAGUE, Addressee.OWNER]
    assert values(field(view, ids.ANSWER_TYPE)) == [answer_type.value for answer_type in AnswerType]
    assert field(view, ids.QUESTION)["element"]["max_length"] == 200
    assert field(view, ids.OPTIONS)["element"]["initial_value"] == "Yes\nNo"


def test_whoever_raised_it_comes_first():
    view = ask_form(proposed(requester=OMAR.id), playbook())
    assert validate_view(view) == []
    assert values(field(view, ids.WHOM)) == ["requester", "colleague", "owner"]


def test_the_form_offers_the_facts_that_an_answer_may_give():
    case = with_fields(proposed(), evidence=(found("stock.quantity", 24),))
    view = ask_form(case, playbook())
    options = field(view, ids.FACT)["element"]["options"]
    assert options[0]["text"]["text"] == "Quantity (a number)"
    assert options[0]["value"] == "stock.quantity"
    assert field(view, ids.FACT)["optional"]
    nothing = playbook(offers=(), evidence=(), stake=replace(playbook().stake, amount=""))
    assert field(ask_form(case, nothing), ids.FACT) is None


@pytest.mark.parametrize(
    ("answer_type", "element"),
    [
        (AnswerType.CHOICE, "static_select"),
        (AnswerType.NUMBER, "number_input"),
        (AnswerType.DATE, "datepicker"),
        (AnswerType.TEXT, "plain_text_input"),
        (AnswerType.FILE, "url_text_input"),
    ],
)
def test_each_answer_has_its_field(answer_type, element):
    case = asking_case(answer_type=answer_type)
    view = answer_form(case, case.activity.inquiries[0])
    assert validate_view(view) == []
    assert field(view, ids.ANSWER)["element"]["type"] == element
    assert view["private_metadata"] == "EX-1 3"
    assert "cannot approve" not in str(view)


def test_the_form_says_that_the_plan_will_use_the_answer():
    case = asking_case(answer_type=AnswerType.NUMBER, fact="stock.on_hand")
    assert "so you cannot approve it" in str(answer_form(case, case.activity.inquiries[0]))


@pytest.mark.threat("C7")
@pytest.mark.parametrize("text", ATTACKS, ids=range(len(ATTACKS)))
def test_no_text_from_outside_is_markup_in_a_form(text):
    case = asking_case()
    inquiry = replace(
        case.activity.inquiries[0], question=text, by_name=text, options=(text, "x"), to_name=text
    )
    case = replace(hostile_case(text), activity=case.activity)
    for view in (ask_form(case, playbook()), answer_form(case, inquiry)):
        assert live_parts(view["blocks"]) == []
    assert validate_view(ask_form(case, playbook())) == []
