"""The sketch does what it is the measure of."""

import hashlib
import sqlite3
import urllib.error
import urllib.request

import pytest

from tests.bench.rig import open_bare, running
from tests.bench.signals import make_signals, unique_titles
from tests.waiting import wait_until

pytestmark = pytest.mark.journey
SIGNALS = 5
DATABASE = "sketch.db"


@pytest.fixture(scope="module")
def sketch():
    with running(open_bare, "sketch") as rig:
        yield rig


def rows(rig, query):
    connection = sqlite3.connect(rig.folder / DATABASE)
    try:
        return connection.execute(query).fetchall()
    finally:
        connection.close()


def test_a_case_is_durable_chained_and_has_a_card(sketch):
    sender = sketch.sender()
    signals = make_signals(unique_titles(), "s", SIGNALS)
    case_ids = [sender.send(signal)[0] for signal in signals]
    # It has answered, and so it has written.
    assert [key for (key,) in rows(sketch, "SELECT key FROM signals ORDER BY rowid")] == [
        signal["key"] for signal in signals
    ]
    chain = "0" * 64
    entries = rows(sketch, "SELECT leaf, chain, body FROM ledger ORDER BY seq")
    assert len(entries) == 2 * SIGNALS
    for leaf, link, body in entries:
        assert leaf == hashlib.sha256(b"\0" + body).hexdigest()
        chain = hashlib.sha256(f"{chain}{leaf}".encode()).hexdigest()
        assert link == chain
    wait_until(lambda: set(sketch.card_times()) >= set(case_ids), "cards")
    done = "SELECT count(*) FROM outbox WHERE state = 'done'"
    wait_until(lambda: rows(sketch, done) == [(SIGNALS,)], "the outbox to be done")


def test_a_signal_without_a_signature_is_refused(sketch):
    url = f"http://127.0.0.1:{sketch.programs[0].port}/v1/signals"
    request = urllib.request.Request(url, b"{}", {"Content-Type": "application/json"})
    with pytest.raises(urllib.error.HTTPError, match="401"):
        urllib.request.urlopen(request, timeout=60)
