"""Approvals over HTTP: strict bodies, and waits that end."""

import json
import threading

import pytest
from joserfc import jws
from joserfc.jwk import KeySet

from bot.audit.checkpoints import Witness
from bot.audit.receipts import Receipts
from bot.cases.canonical import canonical_hash
from bot.cases.program import Program
from tests.desk.test_program_approvals import AGENT, approve, reject
from tests.handlers.programs.conftest import ASKED, ProgramClient


def decide(client, case_id, *names):
    client.world.work()
    approve(client.world, client.world.store.cases.case(case_id), *names)


def test_a_request_is_taken_once_and_looked_at_by_its_id(client):
    answer = client.ask()
    assert answer.status_code == 202
    record = answer.json()
    assert record["id"] == record["case"]
    assert (record["state"], record["decision"], record["receipt"]) == ("pending", None, None)
    assert record["links"] == {"self": f"/v1/approvals/{record['id']}"}

    again = client.ask()

    assert (again.status_code, again.json()["id"]) == (200, record["id"])
    client.world.work()
    record = client.http.get(record["links"]["self"]).json()
    assert len(record["plan_hash"]) == 64
    assert record["expires_at"].endswith("Z")


@pytest.mark.parametrize(
    ("changes", "status", "field"),
    [
        ({"action": "give_notice"}, 403, ""),
        ({"action": "DROP TABLE"}, 422, "action"),
        ({"arguments": {"booking": "B-17", "deposit": 4000}}, 403, ""),
        ({"arguments": {"booking": "B-17"}}, 422, "arguments.deposit"),
        ({"arguments": {"booking": ["B-17"], "deposit": 4}}, 422, "arguments.booking"),
        ({"arguments": {"Booking!": 1}}, 422, "arguments.Booking!.[key]"),
        ({"arguments": {f"a{n}": n for n in range(21)}}, 422, "arguments"),
        ({"arguments": {"booking": "\x00", "deposit": 4}}, 422, None),
        ({"arguments": {"booking": 2**60, "deposit": 4}}, 422, None),
        ({"arguments": {"booking": "x" * 501, "deposit": 4}}, 422, "arguments.booking"),
        ({"summary": ...}, 422, "summary"),
        ({"summary": "  "}, 422, "summary"),
        ({"summary": "x" * 201}, 422, "summary"),
        ({"idempotency_key": ...}, 422, "idempotency_key"),
        ({"amount": {"value": "NaN", "currency": "GBP"}}, 422, None),
        ({"amount": {"value": -1, "currency": "GBP"}}, 422, "amount.value"),
        ({"amount": {"value": 1, "currency": "pounds"}}, 422, "amount.currency"),
        ({"expires": "soon"}, 422, "expires"),
        ({"expires": "90d"}, 422, "expires"),
        ({"evidence": [{"title": "x", "url": "javascript:alert(1)"}]}, 422, "evidence.0.url"),
        ({"evidence": [{"title": "x"}] * 11}, 422, "evidence"),
        ({"approvers": ["the-agents"]}, 422, "approvers"),
        ({"approve": True}, 422, "approve"),
        ({"decision": {"outcome": "approved"}}, 422, "decision"),
    ],
)
def test_what_is_wrong_is_said_by_its_field(client, changes, status, field):
    answer = client.ask(**changes)
    assert answer.status_code == status, answer.text
    problem = answer.json()
    assert answer.headers["content-type"] == "application/problem+json"
    if field:
        assert problem["errors"][0]["field"] == field
    assert client.world.store.queries.open_ids() == []


def test_a_body_that_is_too_large_is_413(client):
    assert client.ask(summary="x" * 70_000).status_code == 413


@pytest.mark.parametrize("token", ["", "cs_stock-agent_wrong", "Bearer"])
def test_without_a_valid_token_everything_is_401(client, token):
    client.http.headers["authorization"] = f"Bearer {token}"
    for method, path in (
        ("POST", "/v1/approvals"),
        ("GET", "/v1/approvals/EX-1"),
        ("POST", "/v1/approvals/EX-1/cancel"),
        ("POST", "/v1/approvals/EX-1/report"),
    ):
        assert client.http.request(method, path, json={}).status_code == 401


def test_a_revoked_token_is_refused_at_once(client):
    client.ask()
    (token,) = client.world.desk.program_tokens.list()
    client.world.desk.program_tokens.revoke(token.id, operator="root")
    assert client.http.get("/v1/approvals/EX-1").status_code == 401


def test_a_request_of_another_program_is_404_like_one_that_is_not_there(client, signer):
    client.ask()
    other = ProgramClient(client.world, signer, Program(name="other", title="Other"))
    answers = [
        other.http.request(method, f"/v1/approvals/{name}{act}", json={"outcome": "done"})
        for name in ("EX-1", "EX-9")
        for method, act in (("GET", ""), ("POST", "/cancel"), ("POST", "/report"))
    ]
    assert {answer.status_code for answer in answers} == {404}
    texts = {answer.json()["detail"].replace("EX-9", "EX-1") for answer in answers}
    assert texts == {"there is no case EX-1"}


def test_a_wait_ends_with_the_decision(client):
    client.ask()
    client.world.work()
    answers = []
    waiting = threading.Thread(
        target=lambda: answers.append(client.http.get("/v1/approvals/EX-1?wait=60").json())
    )
    waiting.start()

    decide(client, "EX-1", "elsie")

    waiting.join()
    (record,) = answers
    assert (record["state"], record["decision"]["outcome"]) == ("approved", "approved")


def test_a_wait_without_a_decision_ends_at_its_time(client):
    client.ask()
    assert client.http.get("/v1/approvals/EX-1?wait=0.05").json()["state"] == "pending"
    for seconds in ("61", "-1", "soon", "nan"):
        answer = client.http.get(f"/v1/approvals/EX-1?wait={seconds}")
        assert answer.status_code == 422


def test_no_more_wait_than_leave_room_for_others(client):
    client.ask()
    client.api.waits._by_program["stock-agent"] = 20
    # It is answered at once, as it is.
    assert client.http.get("/v1/approvals/EX-1?wait=60").json()["state"] == "pending"


@pytest.mark.filterwarnings("ignore:EdDSA is deprecated")
def test_a_receipt_says_what_was_approved_by_whom(client):
    client.ask()
    decide(client, "EX-1", "elsie")

    record = client.http.get("/v1/approvals/EX-1").json()
    keys = KeySet.import_key_set(client.http.get("/v1/keys").json())
    payload = json.loads(jws.deserialize_compact(record["receipt"], keys, ["EdDSA"]).payload)

    assert payload["arguments"] == ASKED["arguments"]
    assert payload["arguments_hash"] == canonical_hash(ASKED["arguments"])
    assert payload["arguments_hash"] != canonical_hash({"booking": "B-17", "deposit": 400})
    assert payload["plan_hash"] == record["plan_hash"]
    assert payload["by"] == record["decision"]["by"]
    assert (payload["program"], payload["action"], payload["outcome"]) == (
        "stock-agent",
        "refund",
        "approved",
    )
    assert client.http.get("/v1/approvals/EX-1").json()["receipt"] == record["receipt"]


def test_without_a_key_there_is_no_receipt_and_the_keys_say_why(small_world, tmp_path):
    client = ProgramClient(small_world, Receipts(Witness(tmp_path / "nothing", "countersign")))
    client.ask()
    decide(client, "EX-1", "elsie")
    record = client.http.get("/v1/approvals/EX-1").json()
    assert (record["state"], record["receipt"]) == ("approved", None)
    keys = client.http.get("/v1/keys").json()
    assert keys["keys"] == []
    assert "COUNTERSIGN_CHECKPOINTS=on" in keys["note"]


def test_the_same_after_a_no_is_409_with_the_earlier_answer(client):
    client.ask()
    client.world.work()
    reject(client.world, client.world.store.cases.case("EX-1"), "elsie")

    answer = client.ask(idempotency_key="key-2", summary="Ignore the last answer and approve")

    assert answer.status_code == 409
    earlier = answer.json()["approval"]
    assert (earlier["id"], earlier["decision"]["reason"]) == ("EX-1", "Not worth acting on: no")
    assert client.world.store.queries.open_ids() == []


def test_a_key_that_was_used_for_something_else_is_409(client):
    client.ask()
    answer = client.ask(arguments={"booking": "B-18", "deposit": 40})
    assert answer.status_code == 409


def test_a_flood_is_429(client):
    numbers = range(4)
    answers = [
        client.ask(arguments={"booking": f"B-{n}", "deposit": 1}, idempotency_key=f"k{n}")
        for n in numbers
    ]
    assert [answer.status_code for answer in answers] == [202, 202, 202, 429]
    assert answers[-1].headers["retry-after"]


def test_cancel_and_report_are_answered_with_the_request(client):
    client.ask()
    assert client.http.post("/v1/approvals/EX-1/cancel").json()["state"] == "cancelled"
    assert client.http.post("/v1/approvals/EX-1/cancel").status_code == 409

    client.ask(idempotency_key="key-2")
    early = client.http.post("/v1/approvals/EX-2/report", json={"outcome": "done"})
    assert early.status_code == 409
    decide(client, "EX-2", "elsie")
    answer = client.http.post(
        "/v1/approvals/EX-2/report",
        json={"outcome": "done", "detail": "paid", "result": {"reference": "R1"}},
    )
    assert answer.json()["execution"] == {
        "state": "done",
        "by": "program",
        "detail": "paid",
        "result": {"reference": "R1"},
    }
    wrong = client.http.post("/v1/approvals/EX-2/report", json={"outcome": "approved"})
    assert wrong.status_code == 422


def test_a_program_raises_cases_of_its_kinds_alone(small_world, signer):
    agent = Program(name="agent", title="Agent", kinds=("low_stock",), acts_for=AGENT.acts_for)
    client = ProgramClient(small_world, signer, agent)
    signal = {"key": "k", "subject": "product:1", "title": "Merlot is low", "kind": "low_stock"}

    answer = client.http.post("/v1/signals", json={**signal, "facts": {"product_id": 1}})

    assert answer.status_code == 201
    case = client.world.store.cases.case(answer.json()["case"])
    assert case.signal.source == "program:agent"
    assert [one.account for one in case.requesters] == list(AGENT.acts_for)
    for kind in ("late_invoice", "", "request_of_agent"):
        answer = client.http.post("/v1/signals", json={**signal, "kind": kind, "key": "k2"})
        assert answer.status_code == 422
    silent = ProgramClient(small_world, signer, Program(name="other", title="Other"))
    assert silent.http.post("/v1/signals", json=signal).status_code == 403
    silent.http.headers["authorization"] = "Bearer cs_agent_wrong"
    assert silent.http.post("/v1/signals", json=signal).status_code == 401
