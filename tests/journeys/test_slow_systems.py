"""Systems that are slow, silent or late to show what they did, and a worker that stands still in the middle: one effect, always."""

import contextlib
import json
import os
import shutil
import signal
import threading
import urllib.request
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from bot.audit.replay import replay
from bot.cases.entries import StepState
from bot.cases.lifecycle import State
from bot.demo.people import STOCK
from bot.demo.processes import BotProcess
from bot.store.database import Database
from bot.store.store import Store
from knowledge.library import PACKAGED
from tests.conftest import _create
from tests.journeys.bots import sample_environment
from tests.store.stopping import stopped_writer
from tests.waiting import wait_until

pytestmark = [pytest.mark.journey, pytest.mark.timeout(600), pytest.mark.proof]

# How long a call and a lease last: long, unless a test is about their end.
PATIENT_BOT = {"call": "60s", "lease": "120"}
BRIEF_BOT = {"call": "1500ms", "lease": "2"}
# A call may take longer than a stop.
HASTY_BOT = {"call": "8s", "lease": "9", "stop": "1"}

SYSTEMS = """
systems:
  till:
    connector: http
    base_url: http://127.0.0.1:PORT
    hosts: [127.0.0.1]
    private_hosts: [127.0.0.1]
    timeout: TIMEOUT
    lookups:
      bin_of_shop: {path: "/bins/{bin_id}", fields: {on_order: on_order}}
    actions:
      order:
        parameters: {bin_id: integer}
        target: "bin:{bin_id}"
        summary: "Fill bin {bin_id}"
        preview: "one order more"
        idempotency: conditional
        precondition: {path: "/bins/{bin_id}", fields: {on_order: on_order}}
        execute: {method: POST, path: "/orders", body: {bin_id: bin_id}, landed: ok}
        verify: {path: "/orders/{key}", landed: "state == 'done'"}
"""
PLAYBOOK = """
kind: bin_low
title: A bin is low
channel: C0STOCK
what: "Bin {bin.bin_id} is low"
evidence:
  - {name: bin, system: till, query: bin_of_shop, parameters: {bin_id: signal.bin_id}}
stake: {why: "It sells out."}
actions:
  - {action: till.order, parameters: {bin_id: signal.bin_id}, reason: "It is low."}
approval: {expires: 12h}
owners: {business: floor-managers, operations: ops-leads, technical: ops-leads, governance: owners, next: ops-leads}
measure: {decide_for: 4h, resolve_for: 48h, follow_up_for: 10m}
"""


SOURCES = """
sources:
  api: {format: signal, token_env: [COUNTERSIGN_SOURCE_API_TOKEN]}
"""


class Till(ThreadingHTTPServer):
    """Takes orders, as often as it is asked: it knows no keys. What it has taken it shows after some looks."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Clerk)
        self.orders: list[str] = []
        self.looks: list[int] = []
        #: What it answers to the first looks for an order.
        self.first_looks: list[int] = []
        self.is_held = lambda request: False
        self.held, self.go_on = threading.Event(), threading.Event()


class Clerk(BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path.startswith("/bins/"):
            on_order = len(self.server.orders)
            self.wait_if_held("GET")
            return self.answer(200, {"on_order": on_order})
        status = (
            self.server.first_looks.pop(0)
            if self.server.first_looks
            else 200
            if self.server.orders
            else 404
        )
        self.server.looks.append(status)
        if status == 0:
            return self.connection.close()
        return self.answer(status, {"state": "done"})

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.server.orders.append(self.headers["Idempotency-Key"])
        self.wait_if_held("POST")
        return self.answer(200, {"ok": True})

    def wait_if_held(self, method):
        if self.server.is_held(method):
            self.server.held.set()
            self.server.go_on.wait(120)

    def answer(self, status, body):
        raw = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def log_message(self, *_):
        pass

    def handle(self):
        with contextlib.suppress(ConnectionError):
            super().handle()


@pytest.fixture
def till():
    server = Till()
    threading.Thread(target=server.serve_forever, args=[0.05], daemon=True).start()
    yield server
    server.go_on.set()
    server.shutdown()
    server.server_close()


@pytest.fixture
def durations(request):
    return getattr(request, "param", PATIENT_BOT)


@pytest.fixture
def library(tmp_path, till, durations):
    folder = tmp_path / "library"
    (folder / "playbooks").mkdir(parents=True)
    for name in ("channels.yml", "playbooks/unrecognised.yml"):
        shutil.copy(PACKAGED / name, folder / name)
    (folder / "sources.yml").write_text(SOURCES)
    policy = (PACKAGED / "policy.yml").read_text()
    # What the page names of other systems is not here.
    policy = policy.replace("[house.match_and_pay, house.give_notice]", "[]")
    actions = "\nactions:\n"
    (folder / "policy.yml").write_text(
        policy.replace(actions, f"{actions}  till.order: {{times_per_day: 40}}\n")
    )
    systems = SYSTEMS.replace("PORT", str(till.server_port)).replace("TIMEOUT", durations["call"])
    (folder / "systems.yml").write_text(systems)
    (folder / "playbooks" / "bin_low.yml").write_text(PLAYBOOK)
    return folder


class Shop:
    """Some bots on one database, the till, and Ben, who approves."""

    def __init__(self, url, bots, emulator, till):
        self.database = Database(url)
        self.store, self.bots, self.emulator, self.till = (
            Store.over(self.database),
            bots,
            emulator,
            till,
        )

    def approved(self):
        """A case whose plan Ana has approved on its card."""
        body = {
            "key": "k1",
            "kind": "bin_low",
            "subject": "bin:7",
            "title": "Bin 7 is low",
            "facts": {"bin_id": 7},
        }
        headers = {
            "Content-Type": "application/json",
            "Authorization": "Bearer sample-source-token",
        }
        request = urllib.request.Request(
            f"{self.bots[0].url}/v1/signals", json.dumps(body).encode(), headers
        )
        urllib.request.urlopen(request, timeout=60).close()
        self.wait(lambda: self.store.cards.cards("EX-1"), "a card")
        self.emulator.post(
            "click",
            {
                "as": "U0BEN",
                "channel": STOCK,
                "ts": self.store.cards.cards("EX-1")[0].ts,
                "action_id": "case.approve",
            },
        )

    @property
    def case(self):
        return self.store.cases.case("EX-1")

    def reported(self):
        return [
            entry.body.state.name
            for entry in self.store.cases.entries("EX-1")
            if entry.body.name == "step.reported"
        ]

    def wait(self, true, what):
        try:
            wait_until(true, what)
        except AssertionError as failure:
            failure.add_note(f"{self.case.state}, {self.reported()}")
            raise

    def close(self):
        for bot in self.bots:
            bot.kill()
        self.database.close()


@pytest.fixture
def shop(tmp_path, emulator, till, library, durations, postgres):
    name = f"slow{uuid.uuid4().hex[:10]}"
    _create(postgres, name, "template_countersign")
    url = f"{postgres}/{name}"
    more = {
        "COUNTERSIGN_LIBRARY_DIR": str(library),
        "COUNTERSIGN_LEASE_FOR": durations["lease"],
        "COUNTERSIGN_LOG_LEVEL": "CRITICAL",
        "COUNTERSIGN_STOP_FOR": durations.get("stop", "60"),
    }
    bots = [
        BotProcess(
            sample_environment(
                tmp_path / f"bot{number}", emulator.url, COUNTERSIGN_DATABASE_URL=url, **more
            )
        )
        for number in (1, 2)
    ]
    running = Shop(url, bots, emulator, till)
    yield running
    running.close()


@pytest.mark.threat("A2")
def test_an_order_that_the_system_shows_late_is_not_failed_and_not_made_again(shop, till):
    """It answers 200; then it does not know the order, breaks a connection and fails, before it shows it."""
    till.first_looks = [404, 0, 500]
    shop.bots[0].start()
    shop.approved()
    shop.wait(
        lambda: shop.case.state in {State.RESOLVED, State.REFERRED, State.OUTCOME_UNKNOWN}, "an end"
    )
    assert (shop.case.state, len(till.orders)) == (State.RESOLVED, 1)
    assert shop.reported() == [StepState.ACCEPTED.name, StepState.LANDED.name]
    assert till.looks == [404, 0, 500, 200]


@pytest.mark.threat("A3")
@pytest.mark.parametrize("durations", [BRIEF_BOT], indirect=True, ids=["brief"])
@pytest.mark.parametrize(
    ("at", "first_looks"),
    [
        # Stopped before the order leaves: the second bot makes it, the first must not any more.
        ("GET", []),
        # Stopped after the order has arrived: the second bot must find it, though it is shown late.
        ("POST", [404, 404]),
    ],
)
def test_a_bot_that_stands_still_in_the_middle_of_an_effect_leaves_one_effect(
    shop, till, at, first_looks
):
    first, second = shop.bots
    till.is_held = lambda method: (
        method == at and not till.held.is_set() and bool(shop.case.execution.steps)
    )
    till.first_looks = first_looks
    first.start()
    shop.approved()
    assert till.held.wait(120)
    os.kill(first.pid, signal.SIGSTOP)
    till.go_on.set()
    second.start()
    shop.wait(lambda: shop.case.state is not State.RUNNING, "an end")
    os.kill(first.pid, signal.SIGCONT)
    # The first bot is awake again when it answers, and what it had in hand is over when a new case is through.
    urllib.request.urlopen(f"{first.url}/healthz", timeout=120).close()
    shop.wait(lambda: shop.store.outbox.backlog().get("execute leased") is None, "quiet")
    assert (shop.case.state, shop.case.activity.drift_reasons, len(till.orders)) == (
        State.RESOLVED,
        (),
        1,
    )
    assert [entry.body.name for entry in shop.store.cases.entries("EX-1")].count(
        "step.started"
    ) == 1
    assert replay(shop.store.database).differences == ()


@pytest.mark.threat("D9")
def test_a_case_gets_through_while_a_stopped_process_holds_the_ledger(shop, till):
    with stopped_writer(shop.database.url, "ledger") as stopped:
        shop.bots[0].start()
        shop.approved()
        shop.wait(lambda: shop.case.state is State.RESOLVED, "an end")
        os.kill(stopped.pid, signal.SIGCONT)
        assert stopped.communicate(timeout=120)[0].split() == ["lost", "EX-2"]
    assert len(till.orders) == 1
    assert replay(shop.store.database).differences == ()


@pytest.mark.threat("A2")
@pytest.mark.parametrize("durations", [HASTY_BOT], indirect=True, ids=["hasty"])
def test_a_stop_does_not_wait_for_a_system_and_the_next_bot_finds_the_effect(shop, till):
    first, second = shop.bots
    till.is_held = lambda method: method == "POST" and not till.held.is_set()
    first.start()
    shop.approved()
    assert till.held.wait(120)
    assert first.stop() == 0
    # The call has neither been answered nor given up: the stop did not wait for either.
    assert (shop.reported(), len(till.orders)) == ([], 1)
    second.start()
    shop.wait(lambda: shop.case.state is not State.RUNNING, "an end")
    assert (shop.case.state, len(till.orders)) == (State.RESOLVED, 1)
    assert till.looks == [200]
