"""The HTTP connector against a real server: success, failure and doubt."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.cases.errors import ConnectorFailed, OutcomeUnknown, WorldMoved
from bot.clock import boottime, time_limit
from bot.connectors.http import HttpConnector
from bot.ports.connector import EffectStatus
from tests.connectors.bank import PAY, bank_system
from tests.fakes.servers import Dripping, Silent, serving


def test_it_pays_once_per_key_and_says_what_came_of_it(bank):
    connector = HttpConnector(bank_system(bank.server_port), "secret")
    action = connector.prepare("pay", PAY)
    assert (action.precondition, str(action.amount)) == ({"etag": "v1", "status": "open"}, "£12.50")
    assert connector.verify(action, "k1") is EffectStatus.ABSENT
    assert connector.execute(action, "k1") == "pay_1"
    assert connector.execute(action, "k1") == "pay_1"
    assert (bank.payments, connector.verify(action, "k1")) == (
        {"k1": {"invoice": "INV-1", "amount": "12.50"}},
        EffectStatus.LANDED,
    )


@pytest.mark.parametrize(
    ("mode", "error", "count"),
    [
        ("refuse", ConnectorFailed, 0),
        ("moved", WorldMoved, 0),
        ("fails before", OutcomeUnknown, 0),
        ("fails after", OutcomeUnknown, 1),
        ("dies after", OutcomeUnknown, 1),
    ],
)
def test_a_definite_no_is_a_failure_and_everything_else_is_unknown(bank, mode, error, count):
    connector = HttpConnector(bank_system(bank.server_port), "secret")
    action = connector.prepare("pay", PAY)
    bank.mode = mode
    with pytest.raises(error) as failure:
        connector.execute(action, "k1")
    assert type(failure.value) is error
    assert len(bank.payments) == count
    bank.mode = ""
    assert connector.verify(action, "k1") is (EffectStatus.LANDED if count else EffectStatus.ABSENT)


def test_a_precondition_that_moved_stops_it_before_anything_is_sent(bank):
    connector = HttpConnector(bank_system(bank.server_port), "secret")
    action = connector.prepare("pay", PAY)
    bank.etag = "v2"
    with pytest.raises(WorldMoved, match="etag was v1, is v2"):
        connector.execute(action, "k1")
    assert bank.payments == {}


def test_a_server_that_is_not_there_was_not_reached(bank):
    connector = HttpConnector(bank_system(bank.server_port), "secret")
    bank.shutdown()
    bank.server_close()
    with pytest.raises(ConnectorFailed, match="cannot reach bank") as failure:
        connector.look_up("invoice", {"id": "1"}, 1)
    assert type(failure.value) is ConnectorFailed


def test_redirects_are_not_followed_and_large_answers_not_read(bank):
    connector = HttpConnector(bank_system(bank.server_port), "secret")
    bank.mode = "redirect"
    with pytest.raises(ConnectorFailed, match="answered 302"):
        connector.look_up("invoice", {"id": "1"}, 1)
    bank.mode = "huge"
    with pytest.raises(ConnectorFailed):
        connector.look_up("invoice", {"id": "1"}, 1)


@pytest.mark.threat("C5")
def test_an_answer_that_is_no_definite_refusal_leaves_the_outcome_unknown(bank):
    connector = HttpConnector(bank_system(bank.server_port), "secret")
    action = connector.prepare("pay", PAY)
    for status in (300, 301, 302, 303, 304, 307, 308, 408, 409, 418, 499, 500, 502, 503, 504, 599):
        bank.mode, key = str(status), f"k{status}"
        with pytest.raises(OutcomeUnknown):
            connector.execute(action, key)
        bank.mode = ""
        assert connector.verify(action, key) is EffectStatus.LANDED


@pytest.mark.threat("C5")
def test_a_definite_refusal_is_a_failure(bank):
    connector = HttpConnector(bank_system(bank.server_port), "secret")
    action = connector.prepare("pay", PAY)
    for status, retryable in [(400, False), (403, False), (404, False), (422, False), (429, True)]:
        bank.mode = f"refuse {status}"
        with pytest.raises(ConnectorFailed) as failure:
            connector.execute(action, "k1")
        assert (type(failure.value), failure.value.retryable, bank.payments) == (
            ConnectorFailed,
            retryable,
            {},
        )


@pytest.mark.threat("A2")
def test_an_answer_that_does_not_confirm_it_leaves_the_outcome_unknown(bank):
    connector = HttpConnector(bank_system(bank.server_port), "secret")
    action = connector.prepare("pay", PAY)
    bank.mode = "not ok"
    with pytest.raises(OutcomeUnknown, match="without confirming"):
        connector.execute(action, "k1")


def test_a_host_that_is_not_listed_is_refused_at_start(bank):
    with pytest.raises(ConnectorFailed, match="not on its list of hosts"):
        HttpConnector(bank_system(bank.server_port, hosts=("api.bank.example",)), "")


# --- in time --------------------------------------------------------------------------------------


def slow_system(server, seconds=0.6, scheme="http"):
    system = bank_system(server.port)
    return replace(
        system, base_url=f"{scheme}://127.0.0.1:{server.port}", timeout=timedelta(seconds=seconds)
    )


@pytest.fixture(params=[Dripping, Silent])
def slow(request):
    with serving(request.param()) as server:
        yield server


@pytest.mark.threat("A3")
def test_a_question_ends_in_time_however_slowly_it_is_answered(slow):
    with pytest.raises(ConnectorFailed, match="no answer from bank") as failure:
        HttpConnector(slow_system(slow), "").look_up("invoice", {"id": "1"}, 1)
    assert (type(failure.value), failure.value.retryable) == (ConnectorFailed, True)


@pytest.mark.threat("A3")
def test_a_deed_that_is_answered_too_slowly_is_in_doubt(bank, slow):
    action = replace(
        HttpConnector(bank_system(bank.server_port), "").prepare("pay", PAY), precondition={}
    )
    # A machine that stands still for a moment must not use it up before the request is sent.
    system = slow_system(slow, seconds=3.0)
    pay = replace(system.actions["pay"], precondition=None)
    connector = HttpConnector(replace(system, actions={"pay": pay}), "")
    with pytest.raises(OutcomeUnknown):
        connector.execute(action, "k1")
    assert connector.verify(action, "k1") is EffectStatus.UNKNOWN
    assert b"POST /pay/INV-1" in slow.requests[0]


@pytest.mark.threat("A3")
def test_a_deed_whose_time_is_over_is_not_sent(bank):
    """As after a stop of the process between intent and execution."""
    connector = HttpConnector(bank_system(bank.server_port), "")
    action = connector.prepare("pay", PAY)
    bank.requests.clear()
    with time_limit(boottime() - 1), pytest.raises(ConnectorFailed) as failure:
        connector.execute(action, "k1")
    assert (type(failure.value), failure.value.retryable, bank.requests) == (
        ConnectorFailed,
        True,
        [],
    )
