"""The same gate in a plain LangGraph graph, without ``create_agent``.

A node of the graph orders stock. The action is one of a connected system, so Countersign carries
it out after the approval, and the graph goes on with what became of it.
"""

from typing import TypedDict

from langgraph.graph import END, START, StateGraph

from handlers.programs.client import ActionRefused


class Restocking(TypedDict, total=False):
    """The state of the graph."""

    order: str
    product_id: int
    quantity: int
    outcome: str


def build_graph(client):
    """Build a graph of two nodes: decide how much, and have it ordered."""

    def plan(state: Restocking) -> Restocking:
        return {"quantity": 2}

    def order(state: Restocking) -> Restocking:
        arguments = {"product_id": state["product_id"], "quantity": state["quantity"]}
        try:
            approval = client.obtain(
                "house.order_stock",
                arguments,
                summary=f"Product {state['product_id']} runs out on Friday",
                # A graph that is run again for this order asks nothing twice.
                idempotency_key=f"restock:{state['order']}",
            )
        except ActionRefused as refusal:
            return {"outcome": str(refusal)}
        return {"outcome": approval.state, "quantity": approval.decision.arguments["quantity"]}

    graph = StateGraph(Restocking)
    graph.add_node("plan", plan)
    graph.add_node("order", order)
    graph.add_edge(START, "plan")
    graph.add_edge("plan", "order")
    graph.add_edge("order", END)
    return graph.compile()
