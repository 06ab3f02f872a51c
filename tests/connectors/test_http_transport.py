"""The guarded transport: checked addresses, and an end in time."""

import socket
import threading
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.cases.errors import ConnectorFailed
from bot.connectors.http import HttpConnector
from bot.connectors.http_transport import is_public
from tests.connectors.bank import bank_system
from tests.fakes.servers import Silent, serving


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "localhost",
        "127.1",
        "0x7f000001",
        "2130706433",
        "0.0.0.0",
        "[::1]",
        "[::ffff:127.0.0.1]",
    ],
)
def test_a_private_address_is_not_reached_unless_it_is_listed(bank, host):
    connector = HttpConnector(
        bank_system(bank.server_port, private=(), hosts=(host.strip("[]"), host), host=host), ""
    )
    with pytest.raises(ConnectorFailed):
        connector.look_up("invoice", {"id": "1"}, 1)
    assert bank.requests == []


PUBLIC = ["8.8.8.8", "2606:4700::1", "::ffff:8.8.8.8", "64:ff9b::8.8.8.8", "2002:808:808::1"]
NOT_PUBLIC = [
    "10.0.0.1", "169.254.169.254", "127.0.0.1", "0.0.0.0", "100.64.0.1", "224.0.0.1",
    "255.255.255.255", "192.88.99.1", "::", "::1", "fe80::1", "fe80::1%eth0", "fc00::1",
    "fec0::1", "ff02::1", "100::1", "2001:db8::1", "3fff::1", "5f00::1", "::ffff:10.0.0.1",
    "::ffff:127.0.0.1", "::127.0.0.1", "::a9fe:a9fe", "::8.8.8.8", "::ffff:0:127.0.0.1",
    "64:ff9b::127.0.0.1", "64:ff9b::a9fe:a9fe", "64:ff9b::10.0.0.1", "64:ff9b:1::8.8.8.8",
    "64:ff9b:1::7f00:1", "2002:7f00:1::1", "2002:a9fe:a9fe::", "2002:a00:1::1",
    "2001:0:808:808::1", "2001:0:7f00:1::", "4000::1",
]  # fmt: skip


@pytest.mark.threat("C5")
def test_an_address_of_the_internet_is_public_also_where_another_wraps_it():
    assert [address for address in PUBLIC if not is_public(address)] == []


@pytest.mark.threat("C5")
def test_an_address_that_leads_inside_is_not_public_however_it_is_wrapped():
    assert [address for address in NOT_PUBLIC if is_public(address)] == []


# --- in time --------------------------------------------------------------------------------------


@pytest.mark.threat("A3")
def test_a_handshake_that_never_ends_was_not_a_deed():
    with serving(Silent()) as server:
        system = replace(
            bank_system(server.port),
            base_url=f"https://127.0.0.1:{server.port}",
            timeout=timedelta(seconds=0.6),
        )
        with pytest.raises(ConnectorFailed, match="cannot reach bank") as failure:
            HttpConnector(system, "").look_up("invoice", {"id": "1"}, 1)
    assert type(failure.value) is ConnectorFailed


@pytest.mark.threat("A3")
def test_a_name_that_nobody_resolves_ends_in_time(bank, monkeypatch):
    go_on = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: go_on.wait(30) and [])
    system = replace(
        bank_system(bank.server_port, host="slow.example", hosts=("slow.example",)),
        timeout=timedelta(seconds=0.3),
    )
    try:
        with pytest.raises(ConnectorFailed, match="cannot reach bank: ConnectTimeout"):
            HttpConnector(system, "").look_up("invoice", {"id": "1"}, 1)
    finally:
        go_on.set()
