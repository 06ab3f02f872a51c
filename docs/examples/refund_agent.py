"""An agent that gives deposits back, each after a manager's yes in Slack.

It signs in as the program ``stock-agent`` of the sample company. Any model that LangChain knows
will do; a manager presses, while the agent waits:

    pip install 'countersign[chat]'
    export COUNTERSIGN_URL=http://localhost:8080 COUNTERSIGN_TOKEN=cs_stock-agent_…
    python docs/examples/refund_agent.py openai:gpt-5-mini "Booking B-17 was cancelled in time."
"""

import os
import sys

from langchain.agents import create_agent
from langchain.chat_models import init_chat_model
from langchain_core.tools import tool

from handlers.programs.client import Countersign
from handlers.programs.langchain_middleware import CountersignMiddleware

BOOKINGS = {
    "B-17": {"guest": "Mia Field", "deposit": 40, "cancelled": "nine days before"},
    "B-18": {"guest": "Sam Hill", "deposit": 60, "cancelled": "on the day"},
}
PAID: list[tuple[str, float]] = []
PROMPT = (
    "You help with cancelled bookings. Look a booking up before you give its deposit back. "
    "When a refund is refused, tell the guest so, with the reason."
)


@tool
def find_booking(booking: str) -> str:
    """Look a booking up by its number, like B-17."""
    record = BOOKINGS.get(booking)
    if record is None:
        return f"There is no booking {booking}."
    return f"{record['guest']}, deposit £{record['deposit']}, cancelled {record['cancelled']}."


@tool
def refund_deposit(booking: str, deposit: float) -> str:
    """Pay the deposit of a booking back to its guest."""
    # Here your payment provider would be called.
    PAID.append((booking, deposit))
    return f"£{deposit:g} are on their way for {booking}."


def build_agent(model, client, *, checkpointer=None, **options):
    """Build the agent: one of its two tools needs a person's yes."""
    gates = {
        "refund_deposit": {
            "summary": "Give the deposit of booking {booking} back",
            "amount": lambda arguments: {"value": arguments["deposit"], "currency": "GBP"},
            "evidence": [{"title": "Asked by", "text": "a guest, in the chat of the website"}],
            "expires": "4h",
        }
    }
    return create_agent(
        model,
        [find_booking, refund_deposit],
        system_prompt=PROMPT,
        middleware=[CountersignMiddleware(client, gates, **options)],
        checkpointer=checkpointer,
    )


def main():
    """Answer one request."""
    name, request = sys.argv[1:]
    with Countersign(os.environ["COUNTERSIGN_URL"], os.environ["COUNTERSIGN_TOKEN"]) as client:
        agent = build_agent(init_chat_model(name), client)
        state = agent.invoke({"messages": [{"role": "user", "content": request}]})
    print(state["messages"][-1].text)


if __name__ == "__main__":
    main()
