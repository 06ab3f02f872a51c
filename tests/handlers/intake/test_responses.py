"""Batches: each signal is answered for itself."""

import pytest
from sqlalchemy.exc import OperationalError

from tests.handlers.intake.deliveries import (
    BATCH,
    EVENT,
    STRUCTURED,
    alert,
    assert_problem,
    outcomes,
)

EVENTS = [{**EVENT, "id": f"e{number}"} for number in range(3)]


def deliver_batch(client, events):
    return client.deliver(events, token="t-events", headers=BATCH)


@pytest.mark.threat("C1")
def test_one_bad_alert_is_told_of_and_the_others_are_stored(client):
    body = alert()
    body["alerts"].insert(0, {"status": "firing", "labels": {}})
    response = client.deliver(body, token="t-am")
    assert response.status_code == 201
    assert response.json()["refused"] == 1
    bad, good = response.json()["signals"]
    assert bad["outcome"] == "invalid"
    assert bad["problem"]["field"] == "alerts.0.labels.alertname"
    assert good == {"outcome": "opened", "case": "EX-1"}
    assert client.store.queries.counts() == {"OPEN": 1}


@pytest.mark.threat("C1")
def test_a_batch_of_which_nothing_can_be_taken_has_the_status_of_a_single_one(client):
    response = client.deliver({"alerts": [{"status": "firing"}, 5]}, token="t-am")
    assert_problem(response, 422)
    fields = [signal["problem"]["field"] for signal in response.json()["signals"]]
    assert fields == ["alerts.0.labels.alertname", "alerts.1"]


@pytest.mark.threat("C1")
def test_a_reused_key_holds_up_nobody_behind_it(client):
    other = {**EVENTS[1], "subject": "product:8"}
    client.deliver(other, token="t-events", headers=STRUCTURED)
    first = deliver_batch(client, EVENTS)
    assert first.status_code == 202
    assert outcomes(first) == ["opened", "conflict", "counted"]
    assert "both are kept" in first.json()["signals"][1]["problem"]["detail"]
    second = deliver_batch(client, EVENTS)
    assert second.status_code == 200
    assert outcomes(second) == ["duplicate", "conflict", "duplicate"]
    assert_problem(deliver_batch(client, [EVENTS[1], EVENTS[1]]), 409)


@pytest.mark.threat("C1")
def test_one_signal_that_cannot_be_stored_does_not_hold_up_the_others(client, monkeypatch):
    receive = type(client.store.cases).receive

    def receive_all_but_one(store, signal, *arguments, **options):
        if signal.key.endswith("e1"):
            raise OperationalError("x", {}, Exception("poisoned"))
        return receive(store, signal, *arguments, **options)

    monkeypatch.setattr(type(client.store.cases), "receive", receive_all_but_one)
    response = deliver_batch(client, EVENTS)
    assert "send it again" in assert_problem(response, 503)
    assert outcomes(response) == ["opened", "not stored", "counted"]


@pytest.mark.threat("C4")
def test_an_empty_batch_is_nothing_and_nothing_is_wrong_with_it(client):
    response = deliver_batch(client, [])
    assert response.status_code == 200
    assert response.json() == {"signals": []}
    assert_problem(client.deliver({"alerts": []}, token="t-am"), 422, "alerts")
