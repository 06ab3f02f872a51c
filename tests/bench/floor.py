"""The bare floor: parse, one durable insert, one post to Slack. Nothing a product needs, so that its cost can be seen."""

import sqlite3
import sys
import threading

import uvicorn
from slack_sdk import WebClient
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse
from starlette.routing import Route


def main(port: int, slack: str, path: str) -> None:
    database = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
    for pragma in ("journal_mode=WAL", "synchronous=FULL"):
        database.execute(f"PRAGMA {pragma}")
    database.execute("CREATE TABLE signals (key TEXT PRIMARY KEY, body TEXT)")
    client, lock = (
        WebClient("xoxb-floor", base_url=f"{slack}/api/", retry_handlers=[]),
        threading.Lock(),
    )

    def keep(body):
        with lock:
            database.execute("INSERT INTO signals VALUES (?, ?)", (body["key"], str(body)))
        client.chat_postMessage(
            channel="C0STOCK",
            text=body["title"],
            metadata={"event_type": "exception_card", "event_payload": {"uid": body["key"]}},
        )

    async def receive(request):
        await run_in_threadpool(keep, await request.json())
        return JSONResponse({}, 201)

    async def ready(request):
        return JSONResponse({})

    routes = [Route("/v1/signals", receive, methods=["POST"]), Route("/readyz", ready)]
    uvicorn.run(Starlette(routes=routes), port=port, log_level="error")


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], sys.argv[3])
