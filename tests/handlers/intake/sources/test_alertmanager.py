"""Alertmanager's notifications."""

import pytest

from tests.handlers.intake.deliveries import alert


def deliver(client, notification):
    return client.deliver(notification, token="t-am").json()


def test_alertmanager_fires_repeats_changes_and_resolves_on_one_case(client):
    notifications = [
        alert(),
        alert(),
        alert(value="9 s"),
        alert("resolved", value="1 s"),
        alert("resolved"),
    ]
    outcomes = [deliver(client, notification)["outcome"] for notification in notifications]
    assert outcomes == ["opened", "duplicate", "counted", "cleared", "duplicate"]
    assert client.store.queries.counts() == {"CLEARED": 1}


@pytest.mark.threat("C1")
def test_a_long_annotation_is_shortened_with_a_mark_and_refuses_nothing(client):
    notification = alert(summary="long " * 100, description="x" * 5000, runbook="a\x00b")
    assert deliver(client, notification) == {"outcome": "opened", "case": "EX-1"}
    signal = client.store.cases.case("EX-1").signal
    assert len(signal.title) == 300
    assert signal.title.endswith("… (shortened)")
    assert len(signal.facts["description"]) == 2000
    assert signal.facts["description"].endswith("… (shortened)")
    assert signal.facts["runbook"] == "a\ufffdb"
