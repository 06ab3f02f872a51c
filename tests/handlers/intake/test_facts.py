"""Facts flattened from nested JSON."""

import pytest

from bot.cases.canonical import canonical_hash, from_json, to_json, to_plain
from bot.cases.signal import Signal
from handlers.intake.facts import FactFlattening
from tests.handlers.intake.deliveries import EVENT, SIGNAL, STRUCTURED, alert


@pytest.mark.threat("C4")
def test_two_facts_that_flatten_to_one_name_are_both_kept(client):
    long_name = "x" * 150
    facts = {
        "a": {"b": 1, "c_d": 2},
        "a_b": 3,
        "a_c": {"d": 4},
        f"{long_name}1": 5,
        f"{long_name}2": 6,
    }
    assert client.deliver({**SIGNAL, "facts": facts}).status_code == 201
    flat = client.store.cases.case("EX-1").signal.facts
    assert sorted(flat.values()) == [1, 2, 3, 4, 5, 6]
    assert flat.items() >= {"a_b": 1, "a_b_2": 3, "a_c_d": 2, "a_c_d_2": 4}.items()


@pytest.mark.threat("C4")
def test_an_annotation_does_not_take_the_place_of_a_label(client):
    body = alert()
    body["alerts"][0]["labels"]["severity"] = "page"
    body["alerts"][0]["annotations"]["severity"] = "none"
    client.deliver(body, token="t-am")
    facts = client.store.cases.case("EX-1").signal.facts
    assert facts["severity"] == "page"
    assert facts["severity_2"] == "none"


@pytest.mark.threat("C4")
def test_flattening_costs_no_more_than_there_is_to_flatten():
    wide = {"x" * 100_000: {"y" * 100_000: list(range(500))}}
    flattening = FactFlattening("facts", strict=False)
    names = [name for name, _ in flattening.leaves(wide)]
    assert len(names) == 500
    assert max(map(len, names)) == 100


@pytest.mark.threat("C1")
def test_an_event_with_too_much_in_it_is_taken_and_says_what_was_left_out(client):
    data = {"deep": {"a": {"b": {"c": {"d": {"e": {"f": {"g": {"h": 1}}}}}}}}, "big": 2**60}
    data |= {f"n{number}": number for number in range(100)}
    client.deliver({**EVENT, "data": data}, token="t-events", headers=STRUCTURED)
    facts = client.store.cases.case("EX-1").signal.facts
    assert len(facts) == 64
    assert facts["facts_left_out"] == 40
    assert facts["big"] == str(2**60)
    assert facts["deep_a_b_c_d_e_f_g_h"] == "… (shortened)"


@pytest.mark.threat("C1")
@pytest.mark.parametrize("number", [1e16, -(2.0**60), 2**53 + 2, 1e20])
def test_a_number_that_would_be_read_back_as_another_is_refused_or_kept_as_text(client, number):
    answer = client.deliver({**SIGNAL, "facts": {"amount": number}})
    assert (answer.status_code, answer.json()["detail"]) == (
        422,
        "facts.amount is too large to store exactly as a number; send it as text",
    )
    client.deliver({**EVENT, "data": {"amount": number}}, token="t-events", headers=STRUCTURED)
    case = client.store.cases.case("EX-1")
    assert case.signal.facts["amount"] == str(number)
    assert canonical_hash(to_plain(case.signal)) == canonical_hash(
        to_plain(from_json(Signal, to_json(case.signal)))
    )


def test_a_number_that_any_database_keeps_stays_a_number(client):
    facts = {"whole": 2.0**53 - 1, "vast": 1e21, "small": 1e-7}
    assert client.deliver({**SIGNAL, "facts": facts}).status_code == 201
    assert client.store.cases.case("EX-1").signal.facts == facts
