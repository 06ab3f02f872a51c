"""CloudEvents: structured, binary and batched."""

import pytest

from tests.handlers.intake.deliveries import (
    BATCH,
    EVENT,
    SIGNAL,
    STRUCTURED,
    assert_problem,
    outcomes,
)


def deliver(client, event, headers=STRUCTURED):
    return client.deliver(event, token="t-events", headers=headers)


def test_a_structured_cloudevent(client):
    headers = {"content-type": "application/cloudevents+json; charset=utf-8"}
    assert deliver(client, EVENT, headers).status_code == 201
    signal = client.store.cases.case("EX-1").signal
    assert signal.kind == "low_stock"
    assert signal.subject == "product:7"
    assert signal.key == "/till/4#e1"
    assert signal.facts["product_id"] == 7


def test_a_binary_cloudevent_is_the_same_signal(client):
    deliver(client, EVENT)
    headers = {f"ce-{name}": value for name, value in EVENT.items() if name != "data"}
    assert deliver(client, EVENT["data"], headers).json()["outcome"] == "duplicate"


def test_a_batch_of_cloudevents(client):
    clear_event = {**EVENT, "id": "e2", "type": "com.example.low_stock.cleared"}
    response = deliver(client, [EVENT, clear_event], BATCH)
    assert outcomes(response) == ["opened", "cleared"]


@pytest.mark.parametrize(
    ("event", "status", "field"),
    [
        ({**EVENT, "specversion": "0.3"}, 422, "specversion"),
        ({**EVENT, "id": ""}, 422, "id"),
        ({**EVENT, "type": None}, 422, "type"),
        ({**EVENT, "data_base64": "eA=="}, 415, ""),
    ],
)
def test_a_bad_cloudevent_names_the_attribute(client, event, status, field):
    assert_problem(deliver(client, event), status, field)


def test_an_event_that_is_none_is_415(client):
    assert_problem(client.deliver(SIGNAL, token="t-events"), 415)


@pytest.mark.threat("C1")
def test_what_tells_signals_apart_is_never_cut_to_the_same(client):
    answers = []
    for end in ("1", "2", "1"):
        event = {**EVENT, "id": "i" * 500 + end, "subject": "s" * 500 + end}
        answers.append(deliver(client, event).json())
    assert answers == [
        {"outcome": "opened", "case": "EX-1"},
        {"outcome": "opened", "case": "EX-2"},
        {"outcome": "duplicate", "case": "EX-1"},
    ]
