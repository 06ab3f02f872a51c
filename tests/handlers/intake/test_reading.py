"""Reading JSON, text, kinds and times."""

import re

import pytest

from bot.cases.source import Format, Source
from handlers.intake.authentication import Credentials
from tests.handlers.intake.deliveries import (
    CREDENTIALS,
    EVENT,
    SIGNAL,
    SOURCES,
    STRUCTURED,
    IntakeClient,
    alert,
    assert_problem,
)
from tests.handlers.intake.odd_values import ODD_TIMES

DEEP_FACTS = {"a": {"b": {"c": {"d": {"e": {"f": {"g": {"h": {"i": {"j": 1}}}}}}}}}}
BAD_BODIES = [
    (b"", 400, ""),
    (b"{", 400, ""),
    (b"\xff", 400, ""),
    (b"[" * 5000 + b"]" * 5000, 400, ""),
    (b'{"a":' * 120_000, 413, ""),
    (b'{"a":' * 30_000, 400, ""),
    ({**SIGNAL, "title": "[" * 250, "surprise": 1}, 422, "surprise"),
    (b'{"key": NaN}', 400, ""),
    (b"[]", 422, ""),
    (b"null", 422, ""),
    (b'"x"', 422, ""),
    ({}, 422, "key"),
    ({**SIGNAL, "key": ""}, 422, "key"),
    ({**SIGNAL, "key": "k" * 201}, 422, "key"),
    ({**SIGNAL, "key": 5}, 422, "key"),
    ({**SIGNAL, "surprise": 1}, 422, "surprise"),
    ({**SIGNAL, "kind": "Bad Kind"}, 422, "kind"),
    ({**SIGNAL, "status": "maybe"}, 422, "status"),
    ({**SIGNAL, "occurred_at": "yesterday"}, 422, "occurred_at"),
    ({**SIGNAL, "title": "a\x00b"}, 422, "title"),
    ({**SIGNAL, "title": "   "}, 422, "title"),
    ({**SIGNAL, "facts": {"n": 2**53}}, 422, "facts.n"),
    ({**SIGNAL, "facts": {"t": "x" * 2001}}, 422, "facts.t"),
    ({**SIGNAL, "facts": {str(n): n for n in range(65)}}, 422, "facts"),
    (b'{"key":"k","subject":"s","title":"\\ud800","facts":{}}', 422, "title"),
    ({**SIGNAL, "facts": DEEP_FACTS}, 422, "facts"),
    ({**SIGNAL, "facts": {"big": 1e999}}, 400, ""),
]


@pytest.mark.parametrize(("body", "status", "field"), BAD_BODIES, ids=range(len(BAD_BODIES)))
def test_bad_input_is_told_which_field_and_stores_nothing(client, body, status, field):
    assert_problem(client.deliver(body), status, field)
    assert client.store.queries.counts() == {}


# --- times -----------------------------------------------------------------------------------


@pytest.mark.threat("C4")
@pytest.mark.parametrize("time", ODD_TIMES, ids=range(len(ODD_TIMES)))
def test_a_time_at_the_edge_of_time_is_refused_with_its_field(client, time):
    response = client.deliver({**SIGNAL, "occurred_at": time})
    assert_problem(response, 422, "occurred_at")
    response = client.deliver({**EVENT, "time": time}, token="t-events", headers=STRUCTURED)
    assert_problem(response, 422, "time")
    body = alert()
    body["alerts"][0]["startsAt"] = time
    assert_problem(client.deliver(body, token="t-am"), 422, "alerts.0.startsAt")
    assert client.store.queries.counts() == {}


# --- kinds -----------------------------------------------------------------------------------


@pytest.fixture
def client_with_kinds(small_world):
    """Return a client whose sources may send some kinds, or one."""
    sources = {
        **SOURCES,
        "some": Source(name="some", format=Format.SIGNAL, kinds=("low_stock", "lead_cold")),
        "some-events": Source(name="some-events", format=Format.CLOUDEVENTS, kinds=("low_stock",)),
        "one": Source(name="one", format=Format.SIGNAL, kind="low_stock"),
    }
    credentials = {
        **CREDENTIALS,
        "some": Credentials(("t-some",)),
        "some-events": Credentials(("t-some-events",)),
        "one": Credentials(("t-one",)),
    }
    return IntakeClient(small_world, sources=sources, credentials=credentials)


OTHER_KIND = {**SIGNAL, "kind": "renewal_due"}
NO_KIND = {**SIGNAL, "kind": ""}
OTHER_EVENT = {**EVENT, "type": "com.example.renewal_due"}


@pytest.mark.threat("A6")
@pytest.mark.parametrize(
    ("token", "body", "headers", "message"),
    [
        ("t-some", OTHER_KIND, {}, "may not send kind renewal_due; .* low_stock, lead_cold"),
        ("t-some", NO_KIND, {}, "may not send a signal without a kind; .* low_stock, lead_cold"),
        ("t-one", OTHER_KIND, {}, "may not send kind renewal_due; .* low_stock"),
        ("t-some-events", OTHER_EVENT, STRUCTURED, "may not send kind renewal_due; .* low_stock"),
    ],
)
def test_a_source_sends_only_the_kinds_that_it_may(
    client_with_kinds, token, body, headers, message
):
    response = client_with_kinds.deliver(body, token=token, headers=headers)
    assert re.search(message, assert_problem(response, 422, "kind"))
    assert client_with_kinds.store.queries.counts() == {}


@pytest.mark.threat("A6")
def test_a_source_with_one_kind_or_several_need_not_be_told_again(client_with_kinds):
    assert client_with_kinds.deliver(NO_KIND, token="t-one").status_code == 201
    assert client_with_kinds.deliver(SIGNAL, token="t-some").status_code == 201
    kinds = {case.id: case.kind for case in client_with_kinds.store.queries.newest()}
    assert kinds == {"EX-1": "low_stock", "EX-2": "low_stock"}
