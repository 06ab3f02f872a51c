"""Names go as whole words, and what is left keeps its shape."""

import pytest

from bot.cases.erasure import (
    ERASED_TEXT,
    ErasureSubject,
    erase,
    erase_json,
    is_about,
    named_facts,
    terms_about,
)
from bot.cases.errors import BadRequest

MARIA = ErasureSubject.of(["guest:17", "Maria López"], "erased-1")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("guest:17", "erased-1"),
        ("guest:170 and guest:17", "guest:170 and erased-1"),
        ("MARIA LÓPEZ came", "erased-1 came"),
        ("Maria Lópezova came", "Maria Lópezova came"),
    ],
)
def test_a_name_is_replaced_as_a_whole_in_any_spelling(text, expected):
    assert MARIA.replace_in(text) == expected


def test_an_account_of_slack_is_found_without_its_workspace():
    ben = ErasureSubject.of(["T0HOUSE/U0BEN"], "erased-2")
    assert ben.replace_in("T0HOUSE/U0BEN") == "T0HOUSE/erased-2"
    assert ben.replace_in("<@U0BEN>, U0BENJAMIN") == "<@erased-2>, U0BENJAMIN"


def test_a_name_of_two_letters_is_refused():
    with pytest.raises(BadRequest, match="too short"):
        ErasureSubject.of(["Al"], "erased-1")


def test_in_a_case_about_the_person_longer_texts_go_but_rules_stay():
    body = {
        "note": "she said it was far too cold",
        "verdict": {"reasons": ["one of us must say yes"]},
        "signal": {"facts": {"guest": 17, "table": 9}},
    }
    assert erase(body, MARIA, with_free_text=True) == {
        "note": ERASED_TEXT,
        "verdict": {"reasons": ["one of us must say yes"]},
        "signal": {"facts": {"guest": "erased-1", "table": 9}},
    }
    assert erase(body["note"], MARIA, with_free_text=False) == body["note"]


def test_facts_give_further_names():
    facts = {"guest_name": "Maria L.", "order.guest_email": "m@x.org", "waiter": "Ana"}
    assert named_facts(facts, MARIA) == ["Maria L.", "m@x.org"]
    signal = {"title": "call +44 20 7946 0018", "facts": {"mail": "to a.b@c.example please"}}
    assert set(terms_about(signal, [])) == {"+44 20 7946 0018", "a.b@c.example"}


def test_whoever_only_raised_a_case_is_not_its_subject():
    assert not is_about({"requester": "guest:17", "subject": "x", "facts": {}}, MARIA)
    assert is_about({"subject": "guest:17", "facts": {}}, MARIA)


def test_json_in_a_text_keeps_its_shape_and_other_text_is_text():
    assert erase_json('{"a": "Maria L\\u00f3pez"}', MARIA) == '{"a": "erased-1"}'
    assert erase_json("of guest:17", MARIA) == "of erased-1"
