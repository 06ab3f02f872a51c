"""The floor of a press: a Bolt app that writes one durable row before it acknowledges.

``python -m tests.bench.bolt PORT SLACK FILE``; it posts a card with a button for each signal.
"""

import itertools
import sqlite3
import sys
import threading
from collections.abc import Callable
from typing import Any

import uvicorn
from slack_bolt import App
from slack_bolt.adapter.socket_mode import SocketModeHandler
from slack_sdk import WebClient
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from handlers.cards import ids
from tests.bench.sample import CHANNEL

WORKERS = 16


class Presses:
    """Durable rows of presses."""

    def __init__(self, path: str) -> None:
        self._lock = threading.Lock()
        self._database = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._database.executescript(
            "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
            "CREATE TABLE presses (id INTEGER PRIMARY KEY, value TEXT NOT NULL)"
        )

    def record(self, value: str) -> None:
        """Write one press durably."""
        with self._lock:
            self._database.execute("INSERT INTO presses (value) VALUES (?)", (value,))


def main(port: int, slack: str, path: str) -> None:
    """Serve until terminated."""
    presses = Presses(path)
    client = WebClient("xoxb-floor", base_url=f"{slack}/api/", retry_handlers=[])
    app = App(client=client, process_before_response=True, token_verification_enabled=False)

    def on_press(ack: Callable[[], object], action: dict[str, Any]) -> None:
        presses.record(action["value"])
        ack()

    app.action(ids.APPROVE)(on_press)
    SocketModeHandler(
        app,
        "xapp-floor",
        web_client=WebClient("xapp-floor", base_url=f"{slack}/api/"),
        concurrency=WORKERS,
    ).connect()
    numbers = itertools.count(1)

    async def receive(request: Request) -> Response:
        signal = await request.json()
        case_id = f"EX-{next(numbers)}"
        await run_in_threadpool(_post_card, client, case_id, signal["title"])
        return JSONResponse({"case": case_id}, 201)

    async def ready(request: Request) -> Response:
        return JSONResponse({})

    routes = [Route("/v1/signals", receive, methods=["POST"]), Route("/readyz", ready)]
    uvicorn.run(Starlette(routes=routes), port=port, log_level="error")


def _post_card(client: WebClient, case_id: str, title: str) -> None:
    button = {
        "type": "button",
        "action_id": ids.APPROVE,
        "text": {"type": "plain_text", "text": "Approve"},
        "value": case_id,
    }
    client.chat_postMessage(
        channel=CHANNEL,
        text=title,
        blocks=[{"type": "actions", "elements": [button]}],
        metadata={"event_type": "exception_card", "event_payload": {"uid": case_id}},
    )


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], sys.argv[3])
