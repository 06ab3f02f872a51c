"""Socket Mode: each envelope goes to exactly one connection.

It waits for its acknowledgement, as long as the sender says.
"""

import asyncio
import contextlib
import itertools
import json
import time
import uuid
from dataclasses import dataclass
from typing import Any

from starlette.websockets import WebSocket, WebSocketDisconnect

from bot.emulator.wire import Json

# RFC 6455: the server met something that it did not expect.
INTERNAL_ERROR = 1011


@dataclass(frozen=True, slots=True)
class EnvelopeAnswer:
    """The app's answer to an envelope."""

    is_acknowledged: bool
    #: Whatever the app sent along, such as ``response_action``.
    payload: Any = None
    milliseconds: float = 0.0


class AppConnections:
    """The open connections of the app."""

    def __init__(self, app_id: str) -> None:
        self._app_id = app_id
        self._sockets: dict[int, WebSocket] = {}
        #: Futures of the acknowledgement's payload, by envelope id.
        self._pending: dict[str, asyncio.Future[Any]] = {}
        self._numbers = itertools.count()
        self._turns = itertools.count()

    @property
    def count(self) -> int:
        """The number of open connections."""
        return len(self._sockets)

    @property
    def unanswered_count(self) -> int:
        """The number of envelopes that wait for their acknowledgement."""
        return len(self._pending)

    async def serve(self, socket: WebSocket) -> None:
        """Accept a connection and read acknowledgements until it closes."""
        await socket.accept()
        number = next(self._numbers)
        self._sockets[number] = socket
        await socket.send_text(json.dumps(self._hello()))
        try:
            while True:
                self._acknowledge(await socket.receive_text())
        except WebSocketDisconnect:
            pass
        finally:
            self._sockets.pop(number, None)

    def _hello(self) -> Json:
        return {
            "type": "hello",
            "num_connections": self.count,
            "connection_info": {"app_id": self._app_id},
            "debug_info": {
                "host": "emulator",
                "approximate_connection_time": 3600,
                "started": str(time.time()),
            },
        }

    def _acknowledge(self, text: str) -> None:
        # The app may send anything; what is no JSON acknowledges nothing.
        with contextlib.suppress(ValueError):
            answer = json.loads(text)
            future = self._pending.pop(str(answer.get("envelope_id")), None)
            if future is not None and not future.done():
                future.set_result(answer.get("payload"))

    async def send(
        self, kind: str, payload: Json, *, answer_within: float, **fields: Any
    ) -> EnvelopeAnswer:
        """Send an envelope to one connection and wait for its acknowledgement.

        ``answer_within`` is in seconds. ``fields`` go into the envelope beside the payload.
        """
        if not self._sockets:
            return EnvelopeAnswer(is_acknowledged=False)
        started_at = time.perf_counter()
        envelope = {
            "envelope_id": str(uuid.uuid4()),
            "type": kind,
            "payload": payload,
            "accepts_response_payload": kind != "events_api",
            **fields,
        }
        future = asyncio.get_running_loop().create_future()
        self._pending[envelope["envelope_id"]] = future
        is_acknowledged = False
        answer = None
        try:
            await self._next_socket().send_text(json.dumps(envelope))
            async with asyncio.timeout(answer_within):
                answer = await future
            is_acknowledged = True
        except (TimeoutError, RuntimeError, WebSocketDisconnect):
            # The same to the sender: nobody has answered in time.
            pass
        finally:
            self._pending.pop(envelope["envelope_id"], None)
        milliseconds = (time.perf_counter() - started_at) * 1000
        return EnvelopeAnswer(is_acknowledged, answer, milliseconds)

    def _next_socket(self) -> WebSocket:
        numbers = sorted(self._sockets)
        turn = next(self._turns) % len(numbers)
        return self._sockets[numbers[turn]]

    async def disconnect(self, reason: str) -> None:
        """Ask every connection to go, as Slack does when it refreshes.

        Without a reason each is cut off in the middle.
        """
        for socket in list(self._sockets.values()):
            with contextlib.suppress(RuntimeError):
                await _close(socket, reason)


async def _close(socket: WebSocket, reason: str) -> None:
    if not reason:
        await socket.close(INTERNAL_ERROR)
        return
    message = {
        "type": "disconnect",
        "reason": reason,
        "debug_info": {"host": "emulator"},
    }
    await socket.send_text(json.dumps(message))
    await socket.close()
