"""Socket Mode: each envelope goes to exactly one connection and waits three seconds for its ack."""

import asyncio
import contextlib
import itertools
import json
import time
import uuid
from dataclasses import dataclass
from typing import Any

from starlette.websockets import WebSocket, WebSocketDisconnect

from bot.emulator.state import Json

ACK_WITHIN = 3.0
PING_EVERY = 1.0


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back for an envelope: acknowledged or not, with what payload, after how long."""

    acked: bool
    payload: Any
    milliseconds: float


class Sockets:
    """The open connections of the app."""

    def __init__(self, app_id: str) -> None:
        self._app_id = app_id
        self._open: dict[int, WebSocket] = {}
        self._waiting: dict[str, asyncio.Future[Any]] = {}
        self._numbers = itertools.count()
        self._turn = itertools.count()

    @property
    def count(self) -> int:
        return len(self._open)

    async def serve(self, socket: WebSocket) -> None:
        await socket.accept()
        number = next(self._numbers)
        self._open[number] = socket
        info = {
            "host": "emulator",
            "approximate_connection_time": 3600,
            "started": str(time.time()),
        }
        hello = {
            "type": "hello",
            "num_connections": len(self._open),
            "connection_info": {"app_id": self._app_id},
            "debug_info": info,
        }
        await socket.send_text(json.dumps(hello))
        try:
            while True:
                self._acknowledge(await socket.receive_text())
        except WebSocketDisconnect:
            pass
        finally:
            self._open.pop(number, None)

    def _acknowledge(self, text: str) -> None:
        with contextlib.suppress(ValueError):
            answer = json.loads(text)
            waiting = self._waiting.pop(str(answer.get("envelope_id")), None)
            if waiting is not None and not waiting.done():
                waiting.set_result(answer.get("payload"))

    async def send(self, kind: str, payload: Json, **more: Any) -> Answer:
        """Give the envelope to one connection, in turn, and wait for its ack."""
        began = time.perf_counter()
        if not self._open:
            return Answer(False, None, 0.0)
        numbers = sorted(self._open)
        socket = self._open[numbers[next(self._turn) % len(numbers)]]
        envelope_id = str(uuid.uuid4())
        waiting: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting[envelope_id] = waiting
        envelope = {
            "envelope_id": envelope_id,
            "type": kind,
            "payload": payload,
            "accepts_response_payload": kind != "events_api",
            **more,
        }
        try:
            await socket.send_text(json.dumps(envelope))
            async with asyncio.timeout(ACK_WITHIN):
                answer = await waiting
        except (TimeoutError, RuntimeError, WebSocketDisconnect):
            return Answer(False, None, (time.perf_counter() - began) * 1000)
        finally:
            self._waiting.pop(envelope_id, None)
        return Answer(True, answer, (time.perf_counter() - began) * 1000)

    async def disconnect(self, reason: str) -> None:
        """Tell every connection to go, as Slack does when it refreshes; without a reason it is cut off in the middle."""
        for socket in list(self._open.values()):
            with contextlib.suppress(RuntimeError):
                if not reason:
                    await socket.close(1011)
                    continue
                await socket.send_text(
                    json.dumps(
                        {"type": "disconnect", "reason": reason, "debug_info": {"host": "emulator"}}
                    )
                )
                await socket.close()
