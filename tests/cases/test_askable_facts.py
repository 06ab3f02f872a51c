"""The facts that people may be asked for, and what becomes of their answers."""

from dataclasses import replace

import pytest

from bot.cases.askable_facts import AskableFact, askable_facts, editable_facts, with_answers
from bot.cases.case_facts import case_facts
from bot.cases.playbook import ActionOffer, Lookup, Stake
from tests.cases.making import proposed, with_fields
from tests.cases.test_case_facts import found, inquiry
from tests.world import playbook


def names_of(facts) -> list[str]:
    return [fact.name for fact in facts]


def test_what_people_may_edit_may_be_asked_for_though_it_is_known():
    case = with_fields(
        proposed(), evidence=(found("stock.quantity", 24), found("stock.at_risk", 312.5))
    )
    assert askable_facts(playbook(), case) == (
        AskableFact(name="stock.quantity", label="quantity", is_number=True),
    )
    assert editable_facts(playbook()) == {"stock.quantity": "quantity"}


def test_what_nobody_knows_may_be_asked_for():
    offers = (
        ActionOffer(
            action="house.order_stock",
            when="supplier.state == 'open.late' && signal.table != `a.b`",
            parameters={"quantity": "stock.quantity", "on": "to_string(stock.next_day)"},
            reason="because",
            then=(
                ActionOffer(
                    action="house.give_notice",
                    parameters={"to": "supplier.contact", "name": "signal.title"},
                    reason="because",
                ),
            ),
        ),
    )
    supplier = Lookup(
        name="supplier",
        system="house",
        query="look",
        parameters={"id": "signal.supplier_id"},
        show={"contact": "Contact"},
    )
    book = playbook(
        offers=offers, evidence=(*playbook().evidence, supplier), stake=Stake("matters")
    )
    case = with_fields(proposed(), evidence=(found("stock.quantity", 24),))
    assert askable_facts(book, case) == (
        AskableFact(name="signal.supplier_id", label="supplier id"),
        AskableFact(name="supplier.state", label="state"),
        AskableFact(name="signal.table", label="table"),
        AskableFact(name="stock.next_day", label="next day"),
        AskableFact(name="supplier.contact", label="Contact"),
    )


@pytest.mark.threat("B12")
def test_what_a_system_says_is_not_to_be_asked_for():
    book = playbook(offers=(replace(playbook().offers[0], edit=()),))
    case = with_fields(
        proposed(), evidence=(found("stock.quantity", True), found("stock.at_risk", 1))
    )
    assert askable_facts(book, case) == ()


def test_an_edit_of_what_is_no_plain_fact_is_none_to_ask_for():
    offer = replace(
        playbook().offers[0],
        parameters={"product_id": "other.thing", "quantity": "max(stock.numbers)"},
        edit=("product_id", "quantity"),
    )
    book = playbook(offers=(offer,))
    assert editable_facts(book) == {}
    assert "other.thing" not in names_of(askable_facts(book, proposed()))


def test_what_only_a_person_said_may_be_asked_again_and_the_latest_answer_counts():
    first, second = inquiry("signal.table", 7), inquiry("signal.table", 9, number=4)
    case = with_fields(proposed(), inquiries=(first, second))
    book = playbook(
        evidence=(replace(playbook().evidence[0], parameters={"id": "signal.table"}),), offers=()
    )
    evidence = with_answers(case, book, [found("stock.at_risk", 1)])
    case = with_fields(case, evidence=evidence)
    assert askable_facts(book, case) == (
        AskableFact(name="signal.table", label="table", is_number=True),
    )
    assert case_facts(case, ())["signal"]["table"] == 9


# --- answers among the evidence -------------------------------------------------------------------


def evidence_names(book, inquiries, evidence=()):
    case = with_fields(proposed(), inquiries=tuple(inquiries))
    return [fact.name for fact in with_answers(case, book, evidence)]


def test_an_answer_takes_the_place_of_what_people_may_edit():
    known = found("stock.quantity", 24)
    assert evidence_names(playbook(), [inquiry("stock.quantity", 12)], [known]) == [
        "stock.quantity",
        "stock.quantity",
    ]


def test_an_answer_stands_for_what_nobody_knows():
    assert evidence_names(playbook(), [inquiry("stock.on_hand", 12)]) == ["stock.on_hand"]


@pytest.mark.threat("B12")
def test_an_answer_is_evidence_only_where_a_system_has_spoken_since():
    known = found("stock.on_hand", 4)
    assert evidence_names(playbook(), [inquiry("stock.on_hand", 12)], [known]) == [
        "stock.on_hand",
        "answer.3",
    ]


@pytest.mark.threat("B12")
def test_no_evidence_is_named_as_the_signal_is():
    assert evidence_names(playbook(), [inquiry("signal.table", 12)]) == ["answer.3"]


def test_an_answer_that_is_no_fact_is_evidence_and_a_question_is_nothing():
    inquiries = [inquiry("", "Yes"), inquiry("stock.on_hand", number=4)]
    assert evidence_names(playbook(), inquiries) == ["answer.3"]
