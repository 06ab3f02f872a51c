"""Agents ask, managers press in Slack, and the agents do what was approved: bot, emulator and tools are processes of their own."""

import asyncio
import contextlib
import importlib.util
import sys
import threading
from pathlib import Path

import pytest
from langchain_core.messages import ToolMessage
from mcp import Client, StdioServerParameters, stdio_client

from bot.demo.people import ANA, BEN, ELSIE
from bot.demo.processes import EmulatorProcess
from handlers.programs.client import Countersign, ReceiptInvalid, needs_approval, verify_receipt
from tests.conftest import PATIENT
from tests.fakes.scripted_model import scripted_model
from tests.journeys.test_approvals import Office
from tests.waiting import wait_until

pytestmark = [pytest.mark.journey, pytest.mark.timeout(400)]
EXAMPLES = Path(__file__).parent.parent.parent / "docs/examples"


def example(name):
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Managers(Office):
    """The office, with what managers do to the requests of agents."""

    def requests(self):
        """Return the open requests, as their cases."""
        cases = [self.store.cases.case(case_id) for case_id in self.store.queries.open_ids()]
        return [case for case in cases if case.signal.source == "program:stock-agent"]

    def request(self, argument, value):
        """Wait for the card of the request with this argument."""
        found = []

        def is_there():
            found[:] = [
                {"id": str(case.id), "case": str(case.id)}
                for case in self.requests()
                if case.proposal.plan is not None
                and case.proposal.plan.actions[0].parameters.get(argument) == value
            ]
            return bool(found)

        wait_until(is_there, f"a request with {argument} {value}")
        return found[0]

    def edit(self, who, approval, **values):
        """Edit in the form, and confirm what it then shows."""
        fields = {f"field.parameter.{name}": text for name, text in values.items()}
        self.press(who, approval, "case.edit")
        self.fill_in(who, **fields)
        self.fill_in(who, **fields)
        wait_until(lambda: self.names(approval)[-1] == "plan.edited", "the edit")

    def approve(self, who, approval):
        self.press(who, approval, "case.approve")
        wait_until(lambda: "plan.authorised" in self.names(approval), f"the yes of {who}")

    def reject(self, who, approval, note):
        self.press(who, approval, "case.reject")
        self.fill_in(who, **{"field.reason": "not_worth_it", "field.note": note})
        wait_until(lambda: "plan.rejected" in self.names(approval), f"the no of {who}")


@pytest.fixture(scope="module")
def office(tmp_path_factory):
    emulator = EmulatorProcess()
    try:
        emulator.wait()
        emulator.seed()
        emulator.post("faults", PATIENT)
        running = Managers(tmp_path_factory.mktemp("agents"), emulator)
        try:
            yield running
        finally:
            running.close()
    finally:
        emulator.close()


@pytest.fixture
def client(office):
    with Countersign(office.bot.url, office.token) as client:
        yield client


@contextlib.contextmanager
def presses(office, act):
    """Let managers press while an agent waits; what goes wrong is raised in its place."""
    failures = []

    def run():
        try:
            act()
        except BaseException as failure:
            failures.append(failure)
            # Nobody presses any more, so nobody waits any more.
            for case in office.requests():
                office.http.post(f"/v1/approvals/{case.id}/cancel")

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        thread.join()
        assert failures == []


def test_the_example_agent_pays_what_managers_approve(office, client):
    """Three calls at once: one is approved, one edited by one manager and approved by another, one refused."""
    refund_agent = example("refund_agent")
    model = scripted_model(
        [("find_booking", {"booking": "B-17"})],
        [
            ("refund_deposit", {"booking": "B-17", "deposit": 40}),
            ("refund_deposit", {"booking": "B-18", "deposit": 60}),
            ("refund_deposit", {"booking": "B-19", "deposit": 90}),
        ],
        "Two of the three are on their way.",
    )
    agent = refund_agent.build_agent(model, client)

    def press():
        first, second, third = (
            office.request("booking", booking) for booking in ("B-17", "B-18", "B-19")
        )
        assert "Give the deposit of booking B-17 back" in str(office.card(first)["blocks"])
        office.edit(BEN, second, deposit="30")
        # Whoever edits a plan does not approve it.
        office.approve(ELSIE, second)
        office.reject(BEN, third, "there is no such booking")
        office.approve(BEN, first)

    with presses(office, press):
        state = agent.invoke({"messages": [{"role": "user", "content": "Refund all three."}]})

    assert sorted(refund_agent.PAID) == [("B-17", 40), ("B-18", 30)]
    results = [message for message in state["messages"] if isinstance(message, ToolMessage)]
    assert [message.status for message in results] == ["success", "success", "success", "error"]
    assert "Mia Field, deposit £40" in results[0].content
    assert "a person changed this tool call" in results[2].content
    assert "there is no such booking" in results[3].content
    assert state["messages"][-1].content == "Two of the three are on their way."


def test_a_plain_graph_has_its_order_carried_out(office, client):
    before = office.ordered(35)
    graph = example("plain_graph").build_graph(client)
    order = {"order": "2026-48", "product_id": 35}
    with presses(office, lambda: office.approve(ANA, office.request("product_id", 35))):
        state = graph.invoke(order)
    assert state["outcome"] == "done"
    assert office.ordered(35) == before + 2
    # Run again, for whatever reason: it asks nothing, and orders nothing.
    assert graph.invoke(order)["outcome"] == "done"
    assert office.ordered(35) == before + 2


def test_a_function_is_approved_and_its_receipt_holds_offline(office, client):
    paid = []

    @needs_approval(
        client,
        action="refund_deposit",
        summary="Refund the deposit of {booking}",
        amount=lambda given: {"value": given["deposit"], "currency": "GBP"},
        idempotency_key="deposit:{booking}",
    )
    def refund(booking: str, deposit: float) -> None:
        paid.append((booking, deposit))

    with presses(office, lambda: office.approve(BEN, office.request("booking", "B-20"))):
        refund("B-20", 44.5)

    assert paid == [("B-20", 44.5)]
    approval = client.request(
        "refund_deposit",
        {"booking": "B-20", "deposit": 44.5},
        summary="Refund the deposit of B-20",
        amount={"value": 44.5, "currency": "GBP"},
        idempotency_key="deposit:B-20",
    )
    keys = client.keys()
    proof = verify_receipt(
        approval.receipt,
        keys,
        action="refund_deposit",
        arguments={"booking": "B-20", "deposit": 44.5},
    )
    assert (approval.state, proof.by[0].name) == ("done", "Ben Okafor")
    with pytest.raises(ReceiptInvalid):
        verify_receipt(
            approval.receipt,
            keys,
            action="refund_deposit",
            arguments={"booking": "B-20", "deposit": 445},
        )


def test_an_agent_asks_with_tools_over_stdio(office):
    parameters = StdioServerParameters(
        command=sys.executable,
        args=["-m", "bot", "mcp"],
        env={"COUNTERSIGN_URL": office.bot.url, "COUNTERSIGN_TOKEN": office.token},
    )
    before = office.ordered(36)
    ask = {
        "action": "house.order_stock",
        "arguments": {"product_id": 36, "quantity": 2},
        "summary": "Product 36 runs out on Friday",
    }

    async def story():
        async with Client(stdio_client(parameters)) as tools:
            asked = (await tools.call_tool("request_approval", ask)).structured_content
            wait = {"approval_id": asked["id"], "seconds": 120}
            decision = (await tools.call_tool("wait_for_decision", wait)).structured_content
            other = await tools.call_tool("request_approval", ask | {"action": "house.pay_all"})
            signal = {"kind": "low_stock", "subject": "product:37", "title": "Product 37 is low"}
            raised = (await tools.call_tool("raise_exception", signal)).structured_content
            cases = await tools.call_tool("list_my_cases", {"state": "ended", "limit": 5})
            case = await tools.call_tool("get_case", {"case_id": asked["case"]})
            precedents = await tools.call_tool("find_precedents", {"text": "Cups ran out"})
            reads = [one.structured_content for one in (cases, case, precedents)]
            return asked, decision, other, raised, reads

    with presses(office, lambda: office.approve(ANA, office.request("product_id", 36))):
        asked, decision, other, raised, reads = asyncio.run(story())

    assert asked["id"] == decision["id"]
    assert (decision["state"], decision["decided_by"]) == ("done", ["Ana Duarte"])
    assert decision["next"].startswith("Do not act")
    assert office.ordered(36) == before + 2
    assert other.is_error
    assert "ask the operator to allow it" in other.content[0].text
    assert raised["outcome"] == "opened"
    assert str(office.store.cases.case(raised["case"]).signal.source) == "program:stock-agent"
    cases, case, precedents = reads
    assert asked["case"] in [one["id"] for one in cases["cases"]]
    assert case["id"] == asked["case"]
    assert isinstance(precedents["precedents"], list)
