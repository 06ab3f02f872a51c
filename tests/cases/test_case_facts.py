"""The facts of a case: a person's answer stands for what is missing, and never for what is said."""

import pytest

from bot.cases.case_facts import case_facts, facts_for_lookups
from bot.cases.evidence import SIGNAL, Evidence
from bot.cases.inquiry import AnswerType, Inquiry, InquiryAnswer
from tests.cases.making import ANA, BEN, NOW, proposed, with_fields


def inquiry(fact, value=None, number=3) -> Inquiry:
    given = None
    if value is not None:
        given = InquiryAnswer(value=value, by=BEN.id, by_name="Ben", at=NOW)
    return Inquiry(
        number=number,
        question="How many?",
        answer_type=AnswerType.NUMBER,
        by=ANA.id,
        by_name="Ana",
        to=BEN.id,
        to_name="Ben",
        at=NOW,
        fact=fact,
        answer=given,
    )


def found(name, value) -> Evidence:
    return Evidence(name=name, label="", value=value, source="house", read_at=NOW)


def test_an_answer_fills_what_the_signal_left_out():
    case = with_fields(proposed(), inquiries=(inquiry("signal.table", 7),))
    assert case_facts(case, ())[SIGNAL]["table"] == 7


@pytest.mark.threat("A6")
@pytest.mark.parametrize("name", ["product_id", "source", "title", "subject"])
def test_an_answer_never_speaks_for_the_signal(name):
    case = with_fields(proposed(), inquiries=(inquiry(f"signal.{name}", 7),))
    assert case_facts(case, ()) == case_facts(proposed(), ())


def test_a_question_without_an_answer_is_no_fact():
    case = with_fields(proposed(), inquiries=(inquiry("signal.table"), inquiry("stock.on_hand")))
    assert facts_for_lookups(case, ()) == case_facts(proposed(), ())


def test_a_look_up_may_use_an_answer_until_a_system_says_otherwise():
    case = with_fields(proposed(), inquiries=(inquiry("stock.on_hand", 7),))
    assert facts_for_lookups(case, ())["stock"] == {"on_hand": 7}
    assert facts_for_lookups(case, (found("stock.on_hand", 4),))["stock"] == {"on_hand": 4}
