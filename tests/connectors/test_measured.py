"""Calls of outside systems are counted by system, call and outcome, and timed."""

import pytest

from bot.cases.errors import ConnectorFailed, OutcomeUnknown, SystemRefused, WorldMoved
from bot.connectors.measured import MeasuredConnector, describe_failing_systems
from bot.ports.connector import EffectStatus
from tests.fakes.connector import FakeConnector
from tests.metric_samples import sample


class Failing(FakeConnector):
    """Raises what it is given, whatever is asked."""

    def __init__(self, failure):
        super().__init__()
        self.failure = failure

    def execute(self, action, key):
        raise self.failure


def count(call, outcome):
    return sample("countersign_connector_calls_total", system="till", call=call, outcome=outcome)


def test_every_call_is_counted_and_answers_as_the_connector_does():
    real = FakeConnector()
    real.rows = [{"product": "Merlot"}]
    till = MeasuredConnector("till", real)
    calls = [("look_up", "done"), ("prepare", "done"), ("precondition", "done")]
    calls += [("execute", "done"), ("verify", "landed"), ("undo", "done")]
    before = [count(*call) for call in calls]
    timed = sample("countersign_connector_call_seconds_count", system="till", call="look_up")
    assert till.look_up("look", {}, 1) == real.rows
    action = till.prepare("order_stock", {"product_id": 1, "quantity": 24})
    assert till.precondition(action) == real.precondition(action)
    till.execute(action, "k")
    assert till.verify(action, "k") is EffectStatus.LANDED
    till.undo(action, "k", "undo:k")
    assert [count(*call) for call in calls] == [number + 1 for number in before]
    assert till.timeout == real.timeout
    after = sample("countersign_connector_call_seconds_count", system="till", call="look_up")
    assert after == timed + 1


@pytest.mark.parametrize(
    ("failure", "outcome"),
    [
        (ConnectorFailed("away"), "failed"),
        (OutcomeUnknown("no answer"), "unknown"),
        (WorldMoved("sold out"), "changed"),
        (ZeroDivisionError(), "error"),
    ],
)
def test_a_call_that_fails_is_counted_by_how(failure, outcome):
    before = count("execute", outcome)
    with pytest.raises(type(failure)):
        MeasuredConnector("till", Failing(failure)).execute(None, "k")
    assert count("execute", outcome) == before + 1


def fail(connector, failure):
    connector._connector.failure = failure
    with pytest.raises(type(failure)):
        connector.execute(None, "k")


def test_a_system_that_answers_no_call_is_told_until_it_answers():
    till = MeasuredConnector("till", Failing(None))
    systems = {"till": till, "house": FakeConnector()}
    fail(till, ConnectorFailed("away"))
    fail(till, OutcomeUnknown("no answer"))
    assert describe_failing_systems(systems) == []
    fail(till, ConnectorFailed("away"))
    sentence = "The system till did not answer the last 3 calls; `countersign doctor` says why"
    assert describe_failing_systems(systems) == [sentence]
    assert describe_failing_systems(systems, exceptions={"till"}) == []
    till.look_up("look", {}, 1)
    assert describe_failing_systems(systems) == []


@pytest.mark.parametrize("answer", [SystemRefused("closed"), WorldMoved("sold out")])
def test_a_no_of_the_system_is_an_answer(answer):
    till = MeasuredConnector("till", Failing(None))
    for failure in (ConnectorFailed("away"), ConnectorFailed("away"), answer):
        fail(till, failure)
    fail(till, ConnectorFailed("away"))
    assert describe_failing_systems({"till": till}) == []
