"""The middleware in real LangChain agents, with a model that follows a script."""

import asyncio
import threading

import pytest
from langchain.agents import create_agent
from langchain_core.messages import HumanMessage, ToolMessage
from langchain_core.tools import tool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import END, START, MessagesState, StateGraph
from langgraph.prebuilt import ToolNode
from langgraph.types import Command, interrupt

from handlers.programs.client import Countersign, CountersignUnavailable
from handlers.programs.langchain_middleware import CountersignMiddleware
from tests.fakes.approval_server import TOKEN, problem
from tests.fakes.scripted_model import scripted_model

CONFIG = {"configurable": {"thread_id": "mia"}}
GATES = {
    "pay_refund": {
        "summary": "Refund £{amount} to {customer}",
        "amount": lambda given: {"value": given["amount"], "currency": "GBP"},
        "approvers": ["finance"],
    }
}
PAY = ("pay_refund", {"customer": "Mia", "amount": 80})
ASK = {"messages": [HumanMessage("Please refund Mia.")]}


class Desk:
    """An agent's two tools, and what became of its calls."""

    def __init__(self, caller):
        self.client = caller
        self.paid = []

        @tool
        def pay_refund(customer: str, amount: int) -> str:
            """Pay money back."""
            self.before_paying()
            self.paid.append((customer, amount))
            return f"Paid {amount} to {customer}"

        @tool
        def find_order(customer: str) -> str:
            """Look an order up."""
            return f"A-17 of {customer}"

        self.tools = [pay_refund, find_order]
        self.before_paying = lambda: None

    def agent(self, *script, gates=GATES, checkpointer=None, **options):
        self.model = scripted_model(*script)
        middleware = CountersignMiddleware(self.client, gates, **options)
        return create_agent(
            self.model, self.tools, middleware=[middleware], checkpointer=checkpointer
        )


@pytest.fixture
def desk(caller):
    return Desk(caller)


def answers(state):
    return [message for message in state["messages"] if isinstance(message, ToolMessage)]


def at_once(server, outcome, **edits):
    server.on_request = lambda approval: server.decide(approval["id"], outcome, **edits)


def test_a_gated_call_runs_after_approval_and_others_run_at_once(server, desk):
    at_once(server, "approved")
    state = desk.agent([("find_order", {"customer": "Mia"})], [PAY], "Done.").invoke(ASK)
    assert [message.content for message in answers(state)] == ["A-17 of Mia", "Paid 80 to Mia"]
    approval = server.only()
    assert (approval["action"], approval["summary"]) == ("pay_refund", "Refund £80 to Mia")
    assert approval["amount"] == {"value": "80", "currency": "GBP"}
    assert approval["approvers"] == ["finance"]
    assert approval["report"] == {"outcome": "done", "detail": "Paid 80 to Mia"}


def test_edited_arguments_run_and_the_model_is_told(server, desk):
    at_once(server, "edited", amount=50)
    state = desk.agent([PAY], "Done.").invoke(ASK)
    assert desk.paid == [("Mia", 50)]
    (message,) = answers(state)
    assert message.content.endswith('{"customer": "Mia", "amount": 50}.\n\nPaid 50 to Mia')
    assert "do not make your own call again" in message.content
    # The model's own words stay as they were.
    assert state["messages"][1].tool_calls[0]["args"] == {"customer": "Mia", "amount": 80}


@pytest.mark.parametrize(
    ("outcome", "reason", "words"),
    [
        ("rejected", "she was paid on Monday", "Ben Okafor rejected it: she was paid on Monday."),
        ("expired", "", "Nobody decided in time."),
        ("cancelled", "", "The request was cancelled."),
    ],
)
def test_a_call_that_is_not_approved_does_not_run_and_the_model_is_told_why(
    server, desk, outcome, reason, words
):
    at_once(server, outcome, reason=reason)
    state = desk.agent([PAY], "I am sorry.").invoke(ASK)
    (message,) = answers(state)
    assert (desk.paid, message.status) == ([], "error")
    assert words in message.content
    assert "was not executed" in message.content
    assert desk.model.heard[-1][-1].content == message.content
    assert "report" not in server.only()


def test_what_the_program_may_not_ask_is_told_to_the_model(server, desk):
    gates = {"pay_refund": {"action": "close_account"}}
    (message,) = answers(desk.agent([PAY], "I am sorry.", gates=gates).invoke(ASK))
    assert "may not ask for close_account" in message.content
    assert desk.paid == []


@pytest.mark.parametrize("arguments", [{"customer": "Mia"}, {"amount": 80}])
def test_a_call_without_an_argument_that_people_must_see_is_told_to_the_model(
    server, desk, arguments
):
    (message,) = answers(desk.agent([("pay_refund", arguments)], "Sorry.").invoke(ASK))
    assert "no usable arguments (KeyError" in message.content
    assert (message.status, desk.paid, server.approvals) == ("error", [], {})


def test_parallel_calls_are_approved_apart_from_each_other(server, desk):
    """Each waits for its own decision, and the later decision comes first."""

    def decide_backwards(approval):
        if len(server.approvals) < 3:
            return
        for one in reversed(list(server.approvals.values())):
            customer = one["arguments"]["customer"]
            if customer == "Ben":
                server.decide(one["id"], "rejected", reason="no")
            elif customer == "Ana":
                server.decide(one["id"], "edited", amount=1)
            else:
                server.decide(one["id"], "approved")

    server.on_request = decide_backwards
    calls = [("pay_refund", {"customer": name, "amount": 80}) for name in ("Mia", "Ben", "Ana")]
    state = desk.agent(calls, "Done.").invoke(ASK)
    assert sorted(desk.paid) == [("Ana", 1), ("Mia", 80)]
    assert [message.status for message in answers(state)] == ["success", "error", "success"]
    assert [message.tool_call_id for message in answers(state)] == ["call_1", "call_2", "call_3"]
    states = sorted(one["state"] for one in server.approvals.values())
    assert states == ["done", "done", "rejected"]


def test_coroutines_and_streams_work_too(server, desk):
    at_once(server, "edited", amount=50)

    async def story():
        agent = desk.agent([PAY, PAY], "Done.")
        return [part async for part in agent.astream(ASK, stream_mode="updates")]

    parts = asyncio.run(story())
    assert desk.paid == [("Mia", 50), ("Mia", 50)]
    assert [one["state"] for one in server.approvals.values()] == ["done", "done"]
    assert list(parts[-1]) == ["model"]


@pytest.mark.parametrize("failure", [ValueError("no money"), TimeoutError("no answer")])
@pytest.mark.parametrize("is_async", [False, True])
def test_a_tool_that_fails_is_reported(server, desk, failure, is_async):
    at_once(server, "approved")

    def fail():
        raise failure

    desk.before_paying = fail
    agent = desk.agent([PAY], "Done.")
    with pytest.raises(type(failure)):
        asyncio.run(agent.ainvoke(ASK)) if is_async else agent.invoke(ASK)
    assert server.only()["state"] == ("failed" if type(failure) is ValueError else "unknown")


def test_wrong_arguments_of_the_model_are_reported_as_a_failure(server, desk):
    at_once(server, "approved")
    call = ("pay_refund", {"customer": "Mia", "amount": "much"})
    state = desk.agent([call], "Sorry.", gates={"pay_refund": True}).invoke(ASK)
    assert answers(state)[0].status == "error"
    assert server.only()["state"] == "failed"
    assert server.only()["summary"] == "An agent wants to pay refund"


def test_a_run_that_crashed_while_it_waited_asks_once(server, desk):
    """Another process takes the thread up from its checkpoint, and finds the same request."""

    def crash(seconds):
        raise KeyboardInterrupt

    saver = InMemorySaver()
    # The request is heard; then the server is away, and so is the agent while it pauses.
    server.on_request = lambda approval: server.faults.append(problem(503, "restarting"))
    with Countersign(server.url, TOKEN, sleep=crash) as caller, pytest.raises(KeyboardInterrupt):
        Desk(caller).agent([PAY], checkpointer=saver).invoke(ASK, CONFIG)
    server.decide(server.only()["id"], "edited", amount=50)
    state = desk.agent("Done.", checkpointer=saver).invoke(None, CONFIG)
    assert desk.paid == [("Mia", 50)]
    assert server.only()["state"] == "done"
    assert state["messages"][-1].content == "Done."


def test_a_run_that_crashed_after_its_report_does_not_pay_again(server, desk):
    at_once(server, "approved")
    saver = InMemorySaver()
    agent = desk.agent([PAY], checkpointer=saver)
    desk.client.report, report = _crash_after(desk.client.report), desk.client.report
    with pytest.raises(KeyboardInterrupt):
        agent.invoke(ASK, CONFIG)
    desk.client.report = report
    state = desk.agent("Done.", checkpointer=saver).invoke(None, CONFIG)
    assert desk.paid == [("Mia", 80)]
    (message,) = answers(state)
    assert message.content == (
        "The tool call for `pay_refund` is on record as done. Paid 80 to Mia"
    )
    assert message.status == "success"


def _crash_after(report):
    def crash(*arguments, **options):
        report(*arguments, **options)
        raise KeyboardInterrupt

    return crash


def test_the_same_call_in_a_later_turn_is_another_request(server, desk):
    at_once(server, "approved")
    agent = desk.agent([PAY], "Done.", [PAY], "Done again.", checkpointer=InMemorySaver())
    agent.invoke(ASK, CONFIG)
    agent.invoke(ASK, CONFIG)
    assert len(server.approvals) == 2
    assert len(desk.paid) == 2


def test_without_a_thread_no_later_run_finds_an_earlier_approval(server, desk):
    at_once(server, "approved")
    desk.agent([PAY], "Done.").invoke(ASK)
    desk.agent([PAY], "Done.").invoke(ASK)
    assert len(server.approvals) == 2


def test_a_long_wait_interrupts_the_run_and_only_countersign_decides(server, desk):
    saver = InMemorySaver()
    agent = desk.agent([PAY, PAY], "Done.", checkpointer=saver, pause_after=0)
    result = agent.invoke(ASK, CONFIG)
    first, second = result["__interrupt__"]
    assert first.value == {
        "type": "tool_approval",
        "tool_call_id": first.value["tool_call_id"],
        "name": "pay_refund",
        "args": {"customer": "Mia", "amount": 80},
        "description": "Refund £80 to Mia",
        "approval": first.value["approval"],
        "case": first.value["approval"],
    }
    # Whoever resumes it cannot approve it.
    forged = {one.id: {"type": "approve"} for one in (first, second)}
    assert len(agent.invoke(Command(resume=forged), CONFIG)["__interrupt__"]) == 2
    assert desk.paid == []
    server.decide(first.value["approval"], "approved")
    assert len(agent.invoke(None, CONFIG)["__interrupt__"]) == 1
    server.decide(second.value["approval"], "rejected", reason="once is enough")
    state = agent.invoke(None, CONFIG)
    assert desk.paid == [("Mia", 80)]
    assert sorted(message.status for message in answers(state)) == ["error", "success"]
    assert len(server.approvals) == 2


def test_a_tool_that_waits_itself_is_asked_for_once_and_reported_once(server, desk):
    at_once(server, "approved")

    def wait():
        assert interrupt("which account?") == "the second"

    desk.before_paying = wait
    agent = desk.agent([PAY], "Done.", checkpointer=InMemorySaver())
    assert agent.invoke(ASK, CONFIG)["__interrupt__"][0].value == "which account?"
    assert server.only()["state"] == "approved"
    agent.invoke(Command(resume="the second"), CONFIG)
    assert desk.paid == [("Mia", 80)]
    assert server.only()["state"] == "done"


def test_a_server_that_is_away_runs_nothing(server, desk):
    server.stop()
    with pytest.raises(CountersignUnavailable):
        desk.agent([PAY], "Done.").invoke(ASK)
    assert desk.paid == []
    server.start()


def test_an_action_of_a_connected_system_is_carried_out_by_countersign(server, desk):
    at_once(server, "approved")
    timer = threading.Timer(0.2, lambda: server.carry_out("EX-1", "done", "Paid by the bank"))
    timer.start()
    gates = {"pay_refund": {"action": "bank.pay", "summary": "Refund"}}
    (message,) = answers(desk.agent([PAY], "Done.", gates=gates).invoke(ASK))
    assert message.content.endswith("is on record as done. Paid by the bank")
    assert desk.paid == []
    timer.join()


def test_small_calls_may_pass_by_a_condition(server, desk):
    gates = {"pay_refund": {"when": lambda request: request.tool_call["args"]["amount"] > 100}}
    desk.agent([PAY], "Done.", gates=gates).invoke(ASK)
    assert (desk.paid, server.approvals) == ([("Mia", 80)], {})


def test_a_tool_can_be_left_open_and_a_misspelled_gate_is_refused(server, desk):
    desk.agent([PAY], "Done.", gates={"pay_refund": False}).invoke(ASK)
    assert (desk.paid, server.approvals) == ([("Mia", 80)], {})
    with pytest.raises(ValueError, match="no option aprovers"):
        desk.agent(gates={"pay_refund": {"aprovers": ["finance"]}})


def test_a_plain_graph_is_gated_by_the_same_class(server, desk):
    at_once(server, "edited", amount=50)
    middleware = CountersignMiddleware(desk.client, GATES)
    model = scripted_model([PAY])
    graph = StateGraph(MessagesState)
    graph.add_node("model", lambda state: {"messages": [model.invoke(state["messages"])]})
    graph.add_node("tools", ToolNode(desk.tools, wrap_tool_call=middleware.wrap_tool_call))
    graph.add_edge(START, "model")
    graph.add_edge("model", "tools")
    graph.add_edge("tools", END)
    graph.compile().invoke(ASK)
    assert desk.paid == [("Mia", 50)]
    assert server.only()["state"] == "done"
