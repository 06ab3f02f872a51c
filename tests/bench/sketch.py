"""The whole way of a case in one file: what the product does, without what makes it a product.

``python -m tests.bench.sketch PORT SLACK FILE`` receives a signal with a signature, recognises its
kind, finds the five most similar of ten thousand precedents exactly, asks a policy, writes case,
chained ledger entries and outbox row durably (one commit for all that wait), answers, and posts a
card over a connection that stays open. It has no decisions, no retries and no second process.
"""

import asyncio
import hashlib
import hmac
import http.client
import json
import queue
import re
import sqlite3
import sys
import threading
import zlib
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.bench.signatures import SECRET, SIGNATURE_HEADER

PRECEDENTS = 10_000
DIMENSIONS = 384
SIMILAR = 5
KINDS = ("low_stock", "invoice_no_order", "lead_cold", "renewal_due", "shipment_mismatch")
MAX_BATCH = 64
POSTERS = 8
CHANNEL = "C0STOCK"
MEDIUM_ABOVE, HIGH_ABOVE = 250, 2_500
WORDS = re.compile(r"\w+")
SCHEMA = """
CREATE TABLE signals (key TEXT PRIMARY KEY, body BLOB NOT NULL, case_id TEXT NOT NULL);
CREATE TABLE cases (id TEXT PRIMARY KEY, state TEXT NOT NULL, version INTEGER NOT NULL,
  body TEXT NOT NULL);
CREATE TABLE ledger (seq INTEGER PRIMARY KEY, case_id TEXT NOT NULL, leaf TEXT NOT NULL,
  chain TEXT NOT NULL, body BLOB NOT NULL);
CREATE TABLE outbox (key TEXT PRIMARY KEY, state TEXT NOT NULL, payload TEXT NOT NULL);
"""

Job = Callable[[sqlite3.Connection], None]


def canonical(value: Any) -> bytes:
    """Return JSON with one spelling only."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def embed(text: str) -> np.ndarray:
    """Return the words of a text as a vector of length one."""
    vector = np.zeros(DIMENSIONS, dtype=np.float32)
    for word in WORDS.findall(text.lower()):
        number = zlib.crc32(word.encode())
        vector[number % DIMENSIONS] += 1.0 if number & 1 << 31 else -1.0
    return vector / (float(np.linalg.norm(vector)) or 1.0)


@dataclass
class Memory:
    """A classifier, and the precedents as one matrix."""

    precedents: np.ndarray = field(init=False)
    classifier: np.ndarray = field(init=False)

    def __post_init__(self) -> None:
        dice = np.random.default_rng(3)
        vectors = dice.standard_normal((PRECEDENTS, DIMENSIONS), dtype=np.float32)
        self.precedents = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
        self.classifier = dice.standard_normal((DIMENSIONS, len(KINDS)), dtype=np.float32)

    def recognise(self, vector: np.ndarray) -> str:
        """Return the most likely kind."""
        return KINDS[int(np.argmax(vector @ self.classifier))]

    def similar(self, vector: np.ndarray) -> list[tuple[int, float]]:
        """Return the most similar precedents, exactly, the best first."""
        scores = self.precedents @ vector
        best = np.argpartition(scores, -SIMILAR)[-SIMILAR:]
        ordered = best[np.argsort(-scores[best])]
        return [(int(index), float(scores[index])) for index in ordered]


def judge(amount: int) -> dict[str, Any]:
    """Return the tier of a plan, and the group that must approve it."""
    if amount > HIGH_ABOVE:
        return {"tier": "high", "approvers": ["ops-leads", "finance"]}
    if amount > MEDIUM_ABOVE:
        return {"tier": "medium", "approvers": ["ops-leads"]}
    return {"tier": "low", "approvers": ["floor-managers"]}


class Writer:
    """One thread that writes; jobs that wait together are committed together."""

    def __init__(self, path: str) -> None:
        self._jobs: queue.SimpleQueue[tuple[Job, Future[None]]] = queue.SimpleQueue()
        self._path = path
        self._seq = 0
        self._chain = "0" * 64
        threading.Thread(target=self._run, name="writer", daemon=True).start()

    def submit(self, job: Job) -> Future[None]:
        """Write soon; the future is done when it is durable."""
        future: Future[None] = Future()
        self._jobs.put((job, future))
        return future

    def append(self, database: sqlite3.Connection, case_id: str, body: dict[str, Any]) -> None:
        """Append an entry to the chained ledger, inside a job."""
        content = canonical(body)
        leaf = hashlib.sha256(b"\0" + content).hexdigest()
        self._chain = hashlib.sha256(f"{self._chain}{leaf}".encode()).hexdigest()
        self._seq += 1
        row = (self._seq, case_id, leaf, self._chain, content)
        database.execute("INSERT INTO ledger VALUES (?, ?, ?, ?, ?)", row)

    def _run(self) -> None:
        database = sqlite3.connect(self._path, isolation_level=None)
        database.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;" + SCHEMA)
        while True:
            batch = [self._jobs.get()]
            while len(batch) < MAX_BATCH and not self._jobs.empty():
                batch.append(self._jobs.get())
            database.execute("BEGIN IMMEDIATE")
            for job, _ in batch:
                job(database)
            database.execute("COMMIT")
            for _, future in batch:
                future.set_result(None)


class Posters:
    """Threads that post cards, each over a connection of its own that stays open."""

    def __init__(self, slack: str, writer: Writer) -> None:
        self._address = urlsplit(slack)
        self._writer = writer
        self._cards: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        for number in range(POSTERS):
            threading.Thread(target=self._run, name=f"poster-{number}", daemon=True).start()

    def post(self, card: dict[str, Any]) -> None:
        """Post a card whose row in the outbox is durable."""
        self._cards.put(card)

    def _run(self) -> None:
        connection = http.client.HTTPConnection(str(self._address.netloc))
        headers = {"Authorization": "Bearer xoxb-sketch", "Content-Type": "application/json"}
        while True:
            card = self._cards.get()
            connection.request("POST", "/api/chat.postMessage", json.dumps(card), headers)
            answer = json.loads(connection.getresponse().read())
            case_id = card["metadata"]["event_payload"]["uid"]
            self._writer.submit(self._finish(case_id, answer["ts"]))

    def _finish(self, case_id: str, ts: str) -> Job:
        def job(database: sqlite3.Connection) -> None:
            done = "UPDATE outbox SET state = 'done', payload = ? WHERE key = ?"
            database.execute(done, (ts, f"card:{case_id}"))

        return job


class Desk:
    """From a signal to a card."""

    def __init__(self, slack: str, path: str) -> None:
        self._memory = Memory()
        self._writer = Writer(path)
        self._posters = Posters(slack, self._writer)
        self._number = 0

    async def receive(self, request: Request) -> Response:
        """Check, judge, write durably, answer; the card follows."""
        content = await request.body()
        signature = hmac.new(SECRET, content, hashlib.sha256).hexdigest()
        if not hmac.compare_digest(signature, request.headers.get(SIGNATURE_HEADER, "")):
            return JSONResponse({}, 401)
        signal = json.loads(content)
        self._number += 1
        case = self._propose(f"EX-{self._number}", signal)
        card = draw(case)
        await asyncio.wrap_future(self._writer.submit(self._open(case, signal, content, card)))
        self._posters.post(card)
        return JSONResponse({"case": case["id"]}, 201)

    async def ready(self, request: Request) -> Response:
        """Say that it answers."""
        return JSONResponse({})

    def _propose(self, case_id: str, signal: dict[str, Any]) -> dict[str, Any]:
        vector = embed(signal["title"])
        amount = signal["facts"]["product_id"] * 7
        plan = {"action": "house.order_stock", "parameters": signal["facts"], "amount": amount}
        return {
            "id": case_id,
            "state": "proposed",
            "kind": signal.get("kind") or self._memory.recognise(vector),
            "guess": self._memory.recognise(vector),
            "title": signal["title"],
            "similar": self._memory.similar(vector),
            "plan": plan,
            "plan_hash": hashlib.sha256(canonical(plan)).hexdigest(),
            "verdict": judge(amount),
        }

    def _open(
        self, case: dict[str, Any], signal: dict[str, Any], content: bytes, card: dict[str, Any]
    ) -> Job:
        def job(database: sqlite3.Connection) -> None:
            case_id = case["id"]
            signal_row = (signal["key"], content, case_id)
            database.execute("INSERT INTO signals VALUES (?, ?, ?)", signal_row)
            self._writer.append(database, case_id, {"name": "case.opened", "signal": signal})
            self._writer.append(database, case_id, {"name": "plan.recommended", "case": case})
            case_row = (case_id, case["state"], 2, json.dumps(case))
            database.execute("INSERT INTO cases VALUES (?, ?, ?, ?)", case_row)
            outbox_row = (f"card:{case_id}", json.dumps(card))
            database.execute("INSERT INTO outbox VALUES (?, 'leased', ?)", outbox_row)

        return job


def draw(case: dict[str, Any]) -> dict[str, Any]:
    """Return the card of a case."""
    similar = ", ".join(f"EX-{index} ({score:.2f})" for index, score in case["similar"])
    verdict = case["verdict"]
    lines = (
        f"*{case['title']}*",
        f"Order stock for £{case['plan']['amount']}",
        f"{verdict['tier']} risk; {' and '.join(verdict['approvers'])} must approve",
        f"Like {similar}",
    )
    sections = [{"type": "section", "text": {"type": "mrkdwn", "text": line}} for line in lines]
    buttons = [
        {
            "type": "button",
            "action_id": f"case.{name.lower()}",
            "text": {"type": "plain_text", "text": name},
            "value": f"{case['id']}/{case['plan_hash'][:12]}",
        }
        for name in ("Approve", "Reject")
    ]
    return {
        "channel": CHANNEL,
        "text": case["title"],
        "blocks": [*sections, {"type": "actions", "elements": buttons}],
        "metadata": {"event_type": "exception_card", "event_payload": {"uid": case["id"]}},
    }


def main(port: int, slack: str, path: str) -> None:
    """Serve until terminated."""
    desk = Desk(slack, path)
    routes = [
        Route("/v1/signals", desk.receive, methods=["POST"]),
        Route("/readyz", desk.ready),
    ]
    uvicorn.run(Starlette(routes=routes), port=port, log_level="error")


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], sys.argv[3])
