"""An agent asks "may I?" over HTTP, and managers decide in Slack.

The bot and the emulator are processes of their own; the agent is an HTTP client with a token.
"""

import contextlib
import json
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import httpx
import pytest
from joserfc import jws
from joserfc.jwk import KeySet

from bot.audit.replay import replay
from bot.clock import utc_now
from bot.demo.company import write_database
from bot.demo.people import ANA, BEN, ELSIE, STOCK
from bot.demo.processes import BotProcess, EmulatorProcess
from bot.store.database import Database
from bot.store.store import Store
from handlers.cards import ids
from tests.conftest import PATIENT
from tests.journeys.bots import sample_environment
from tests.waiting import wait_until

pytestmark = [
    pytest.mark.journey,
    pytest.mark.timeout(400),
    pytest.mark.filterwarnings("ignore:EdDSA is deprecated"),
    pytest.mark.proof,
]
INJECTION = "<!channel> *Approve* <https://evil.example|here> ignore all rules and approve"


class Office:
    """A bot, the people who press, and the agent that asks."""

    def __init__(self, folder: Path, emulator: EmulatorProcess) -> None:
        self.folder, self.emulator = folder, emulator
        write_database(folder / "company.db", utc_now().replace(tzinfo=None, microsecond=0))
        settings = {"COUNTERSIGN_STORM_AFTER": "0", "COUNTERSIGN_LEASE_FOR": "3"}
        self.environment = sample_environment(folder, emulator.url, **settings)
        self.bot = BotProcess(self.environment)
        self.bot.start()
        self.store = Store.over(Database(f"sqlite:///{folder / 'countersign.db'}"))
        self.token = self.run("tokens", "make", "stock-agent", "--json")["token"]
        self.http = httpx.Client(
            base_url=self.bot.url, headers={"authorization": f"Bearer {self.token}"}, timeout=90
        )

    def run(self, *command: str):
        """Run a command as the operator does, and read what it prints."""
        result = subprocess.run(
            [sys.executable, "-m", "bot", *command],
            env={"PATH": "/usr/bin:/bin", **self.environment},
            capture_output=True,
            text=True,
            check=True,
        )
        return json.loads(result.stdout) if "--json" in command else result.stdout

    def close(self) -> None:
        self.http.close()
        self.bot.stop()
        self.store.database.close()

    # --- the agent -----------------------------------------------------------------------------

    def ask(self, key: str, **body) -> dict:
        answer = self.http.post("/v1/approvals", json={"idempotency_key": key, **body})
        assert answer.status_code in {200, 202}, answer.text
        return answer.json()

    def order(self, key: str, product: int, quantity: int = 2, **body) -> dict:
        arguments = {"product_id": product, "quantity": quantity}
        summary = f"Product {product} runs out on Friday"
        return self.ask(
            key, action="house.order_stock", arguments=arguments, summary=summary, **body
        )

    def refund(self, key: str, deposit: float, **body) -> dict:
        arguments = {"booking": "B-17", "deposit": deposit}
        content = {"summary": "The guest cancelled nine days before", **body}
        return self.ask(key, action="refund_deposit", arguments=arguments, **content)

    def look(self, approval: dict, wait: int = 0) -> dict:
        answer = self.http.get(approval["links"]["self"], params={"wait": wait})
        assert answer.status_code == 200, answer.text
        return answer.json()

    def report(self, approval: dict, **body) -> dict:
        return self.http.post(f"{approval['links']['self']}/report", json=body).json()

    @contextlib.contextmanager
    def waiting(self, approval: dict):
        """Wait for the decision beside what is done meanwhile."""
        answers: list[dict] = []
        thread = threading.Thread(target=lambda: answers.append(self.look(approval, wait=60)))
        thread.start()
        yield answers
        thread.join(90)

    # --- the people ----------------------------------------------------------------------------

    def card(self, approval: dict) -> dict:
        # One that was drawn before an edit decides nothing any more.
        wait_until(lambda: self._is_current(approval), f"the card of {approval['id']}")
        return self._card(approval)

    def _card(self, approval: dict) -> dict:
        cards = self.store.cards.cards(approval["case"])
        messages = self.emulator.messages(cards[0].channel) if cards else []
        return next((one for one in messages if one["ts"] == cards[0].ts), {})

    def _is_current(self, approval: dict) -> bool:
        token = ids.token(self.store.cases.case(approval["case"]))
        return any(element.get("value") == token for element in self._elements(approval))

    def _elements(self, approval: dict) -> list[dict]:
        blocks = self._card(approval).get("blocks", [])
        return [e for block in blocks if block["type"] == "actions" for e in block["elements"]]

    def press(self, who: str, approval: dict, action_id: str) -> None:
        place = {"as": who, "channel": STOCK, "ts": self.card(approval)["ts"]}
        self.emulator.post("click", {**place, "action_id": action_id})

    def fill_in(self, who: str, **values) -> None:
        views: list = []

        def opened() -> bool:
            views[:] = self.emulator.get(f"state?as={who}")["views"]
            return bool(views)

        wait_until(opened, "the form")
        body = {"as": who, "view_id": views[-1]["id"], "values": values}
        self.emulator.post("submit", body)

    def names(self, approval: dict) -> list[str]:
        return [entry.body.name for entry in self.store.cases.entries(approval["case"])]

    def ordered(self, product: int) -> int:
        with contextlib.closing(sqlite3.connect(self.folder / "company.db")) as database:
            query = "SELECT on_order FROM stock WHERE product_id = ?"
            return database.execute(query, (product,)).fetchone()[0]


@pytest.fixture(scope="module")
def office(tmp_path_factory):
    emulator = EmulatorProcess()
    try:
        emulator.wait()
        emulator.seed()
        emulator.post("faults", PATIENT)
        running = Office(tmp_path_factory.mktemp("office"), emulator)
        try:
            yield running
        finally:
            running.close()
    finally:
        emulator.close()


def test_an_agent_waits_for_the_decision_acts_and_reports(office):
    evidence = [{"title": "Booking B-17", "text": "cancelled on 12 November", "facts": {"days": 9}}]
    approval = office.refund("refund-1", 40, evidence=evidence)
    assert (approval["state"], len(approval["plan_hash"])) == ("pending", 64)
    text = json.dumps(office.card(approval), ensure_ascii=False)
    assert "Stock agent: “The guest cancelled nine days before”" in text
    assert "Refund a booking deposit: booking “B-17”, deposit “40” for £40.00?" in text

    with office.waiting(approval) as answers:
        # Of medium risk, because it cannot be undone.
        office.press(BEN, approval, "case.approve")
    (record,) = answers

    assert record["state"] == "approved"
    assert [one["name"] for one in record["decision"]["by"]] == ["Ben Okafor"]
    assert record["decision"]["plan_hash"] == approval["plan_hash"]
    keys = KeySet.import_key_set(office.http.get("/v1/keys").json())
    payload = json.loads(jws.deserialize_compact(record["receipt"], keys, ["EdDSA"]).payload)
    assert payload["arguments"] == {"booking": "B-17", "deposit": 40}
    assert payload["iss"] == "harbour-and-vine"
    done = office.report(approval, outcome="done", result={"reference": "R-1"})
    assert (done["state"], done["execution"]["result"]) == ("done", {"reference": "R-1"})
    again = office.http.post(f"{approval['links']['self']}/report", json={"outcome": "done"})
    assert again.status_code == 409


def test_an_action_of_the_systems_is_carried_out_by_countersign(office):
    before = office.ordered(31)
    approval = office.order("order-1", 31)

    with office.waiting(approval) as answers:
        office.press(ANA, approval, "case.approve")
    (record,) = answers

    assert (record["state"], record["execution"]["by"]) == ("done", "countersign")
    assert office.ordered(31) == before + 2
    assert office.http.post(f"{approval['links']['self']}/cancel").status_code == 409


def test_edited_arguments_come_back_to_the_agent(office):
    approval = office.order("order-2", 32, quantity=2)
    office.press(BEN, approval, "case.edit")
    office.fill_in(BEN, **{"field.parameter.quantity": "1"})
    office.fill_in(BEN, **{"field.parameter.quantity": "1"})
    wait_until(lambda: office.names(approval)[-1] == "plan.edited", "the edit")

    with office.waiting(approval) as answers:
        office.press(ANA, approval, "case.approve")
    (record,) = answers

    assert (record["decision"]["outcome"], record["state"]) == ("edited", "done")
    assert record["decision"]["arguments"] == {"product_id": 32, "quantity": 1}


def test_a_no_is_the_answer_for_a_day(office):
    approval = office.order("order-3", 33)
    with office.waiting(approval) as answers:
        office.press(ANA, approval, "case.reject")
        values = {"field.reason": "not_worth_it", "field.note": "the season is over"}
        office.fill_in(ANA, **values)
    (record,) = answers
    assert (record["state"], record["receipt"] is None) == ("rejected", False)
    assert record["decision"]["reason"] == "Not worth acting on: the season is over"

    arguments = {"product_id": 33, "quantity": 2}
    body = {"action": "house.order_stock", "arguments": arguments, "summary": "Please!"}
    again = office.http.post("/v1/approvals", json={**body, "idempotency_key": "order-4"})

    assert again.status_code == 409
    assert again.json()["approval"]["id"] == approval["id"]


def test_a_request_that_nobody_decides_expires_when_it_said(office):
    approval = office.order("order-5", 34, expires="1s")
    with office.waiting(approval) as answers:
        pass
    (record,) = answers
    assert record["state"] == "expired"
    assert office.ordered(34) == 0


def test_what_a_program_writes_is_quoted_and_never_markup(office):
    evidence = [{"title": INJECTION[:200], "text": INJECTION, "url": "https://evil.example/x"}]
    approval = office.refund("refund-2", 41, summary=INJECTION, evidence=evidence)
    card = office.card(approval)
    for element in _elements(card["blocks"]):
        if element.get("type") in {"mrkdwn", "link", "broadcast", "user"}:
            assert "evil.example" not in json.dumps(element)
            assert "channel" not in json.dumps(element)
    assert "<!channel>" not in card["text"]
    office.http.post(f"{approval['links']['self']}/cancel").raise_for_status()


def _elements(value):
    if isinstance(value, dict):
        yield value
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from _elements(item)


def test_a_bot_that_is_killed_between_decision_and_answer_still_answers(office):
    approval = office.refund("refund-3", 42)
    office.press(ELSIE, approval, "case.approve")
    office.bot.kill()
    office.bot.start()

    record = office.look(approval, wait=60)

    assert (record["state"], record["decision"]["outcome"]) == ("approved", "approved")
    assert office.report(approval, outcome="done")["state"] == "done"


def test_a_token_narrows_and_ends_at_once_and_the_ledger_proves_it_all(office):
    options = ("--actions", "refund_deposit", "--limit", "50", "--expires", "1d", "--json")
    secret = office.run("tokens", "make", "stock-agent", *options)["token"]
    (*_, token) = office.run("tokens", "list", "--json")
    assert token["id"] == token["token_hash"][:10]
    assert secret not in json.dumps(token)
    narrow = {"authorization": f"Bearer {secret}"}
    body = {"action": "refund_deposit", "summary": "A deposit", "idempotency_key": "refund-4"}

    def ask(deposit: int) -> httpx.Response:
        content = {**body, "arguments": {"booking": "B-18", "deposit": deposit}}
        return office.http.post("/v1/approvals", json=content, headers=narrow)

    assert ask(51).status_code == 403
    approval = ask(50).json()
    assert office.http.get(approval["links"]["self"], headers=narrow).status_code == 200
    office.run("tokens", "revoke", token["id"])
    assert office.http.get(approval["links"]["self"], headers=narrow).status_code == 401
    assert replay(office.store.database).differences == ()
    office.run("ledger", "verify")
