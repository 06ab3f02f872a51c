"""Addresses of HTTP calls: no parameter leads a call anywhere else."""

from dataclasses import replace
from urllib.parse import quote

import pytest

from bot.cases.errors import ConnectorFailed
from bot.connectors.http import HttpConnector
from bot.connectors.http_system import HttpCall
from tests.connectors.bank import bank_system


def test_parameters_cannot_leave_their_place_in_the_path(bank):
    connector = HttpConnector(bank_system(bank.server_port), "secret")
    (row,) = connector.look_up("invoice", {"id": "a payment?x=1#y&é: 50%"}, 1)
    assert row["path"] == "/invoices/a%20payment%3Fx%3D1%23y%26%C3%A9%3A%2050%25"


LEADS_ELSEWHERE = [
    "..", ".", "", " .. ", "...", "../payments", "a/b", "a\\b", "%2e%2e", "%2E.", "%252e%252e",
    "a%2fb", "a%5Cb", "..;x=1", "．．", "..%2f..", "a\r\nHost: evil", "\x00",
]  # fmt: skip


@pytest.mark.threat("C5")
def test_a_parameter_that_could_be_read_as_another_path_is_refused_by_name(bank):
    connector = HttpConnector(bank_system(bank.server_port), "secret")
    for value in LEADS_ELSEWHERE:
        with pytest.raises(ConnectorFailed, match="^id cannot stand in an address") as failure:
            connector.look_up("invoice", {"id": value}, 1)
        assert (value, failure.value.retryable, bank.requests) == (value, False, [])


@pytest.mark.threat("C5")
def test_in_the_query_such_a_value_is_a_value(bank):
    system = replace(
        bank_system(bank.server_port),
        lookups={"search": HttpCall(path="/invoices?of={id}", fields={"path": "path"})},
    )
    connector = HttpConnector(system, "")
    for value in LEADS_ELSEWHERE:
        (row,) = connector.look_up("search", {"id": value}, 1)
        assert row["path"] == f"/invoices?of={quote(value, safe='')}"


@pytest.mark.threat("C5")
@pytest.mark.parametrize(
    "path",
    ["/invoices/../payments/{id}", "//169.254.169.254/{id}", "/invoices/{other}", "/a/./{id}"],
)
def test_what_was_declared_is_what_is_asked_for_or_nothing_is(bank, path):
    system = replace(
        bank_system(bank.server_port), lookups={"odd": HttpCall(path=path, fields={"path": "path"})}
    )
    with pytest.raises(ConnectorFailed):
        HttpConnector(system, "").look_up("odd", {"id": "1"}, 1)
    assert bank.requests == []
