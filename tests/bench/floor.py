"""The bare floor: parse, insert one durable row, post one message. Nothing that a product needs."""

import sqlite3
import sys
import threading
from collections.abc import Callable
from typing import Any

import uvicorn
from slack_sdk import WebClient
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route


def main(port: int, slack: str, path: str) -> None:
    """Serve until terminated."""
    database = open_durable(path)
    database.execute("CREATE TABLE signals (key TEXT PRIMARY KEY, body TEXT)")
    client = WebClient("xoxb-floor", base_url=f"{slack}/api/", retry_handlers=[])
    lock = threading.Lock()

    def keep(signal: dict[str, Any]) -> None:
        with lock:
            row = (signal["key"], str(signal))
            database.execute("INSERT INTO signals VALUES (?, ?)", row)
        client.chat_postMessage(
            channel="C0STOCK",
            text=signal["title"],
            metadata={"event_type": "exception_card", "event_payload": {"uid": signal["key"]}},
        )

    serve(port, keep)


def open_durable(path: str) -> sqlite3.Connection:
    """Open a database whose commits survive a loss of power."""
    database = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
    for pragma in ("journal_mode=WAL", "synchronous=FULL"):
        database.execute(f"PRAGMA {pragma}")
    return database


def serve(port: int, keep: Callable[[dict[str, Any]], None]) -> None:
    """Answer each signal once it is kept, until terminated."""

    async def receive(request: Request) -> Response:
        signal = await request.json()
        await run_in_threadpool(keep, signal)
        return JSONResponse({"case": signal["key"]}, 201)

    async def ready(request: Request) -> Response:
        return JSONResponse({})

    routes = [Route("/v1/signals", receive, methods=["POST"]), Route("/readyz", ready)]
    uvicorn.run(Starlette(routes=routes), port=port, log_level="error")


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], sys.argv[3])
