"""The HTTP server, and how long and how often anybody may hold on to it.

uvicorn waits for headers and bodies for ever, and counts a client that says nothing as one that is served. Here every phase of
a connection has a deadline, and when the places are full those who have not asked anything yet go first.
"""

import asyncio
import ipaddress
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MAX_CONNECTIONS = 512
MAX_HEADER_BYTES = 64 * 1024
KEEP_ALIVE_SECONDS = 5
SERVER_FULL_RESPONSE = b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"


class Phase(Enum):
    """What a connection is waiting for."""

    HEADERS = "headers"
    BODY = "body"
    ANSWER = "answer"
    IDLE = "idle"


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionLimits:
    """How long a connection may stay in each phase, and how many there may be."""

    header_seconds: float = 10.0
    #: Longer than the door itself waits for a body, so that the door can say what is wrong.
    body_seconds: float = 25.0
    answer_seconds: float = 120.0
    idle_seconds: float = KEEP_ALIVE_SECONDS + 5.0
    connections: int = MAX_CONNECTIONS
    #: 0: as many as there are places, for a server that stands behind a proxy.
    per_address: int = 64

    def timeout_seconds(self, phase: Phase) -> float:
        return {
            Phase.HEADERS: self.header_seconds,
            Phase.BODY: self.body_seconds,
            Phase.ANSWER: self.answer_seconds,
            Phase.IDLE: self.idle_seconds,
        }[phase]


@dataclass
class ConnectionSlots:
    """Who is connected. Only the loop's own thread comes here."""

    limits: ConnectionLimits
    _by_address: dict[str, set["BoundedHttpProtocol"]] = field(default_factory=dict)
    #: Those that are not being served, the one that has waited longest first.
    _waiting: dict["BoundedHttpProtocol", None] = field(default_factory=dict)
    _count: int = 0

    def acquire(self, connection: "BoundedHttpProtocol") -> bool:
        """Give a place, if need be that of the one who has kept another waiting longest; False when all are being served."""
        own = self._by_address.get(connection.address, set())
        if (
            self.limits.per_address
            and len(own) >= self.limits.per_address
            and not self._make_room(connection.address)
        ):
            return False
        if self._count >= self.limits.connections and not self._make_room(self._busiest()):
            return False
        self._by_address.setdefault(connection.address, set()).add(connection)
        self._count += 1
        self.mark_waiting(connection)
        return True

    def mark_waiting(self, connection: "BoundedHttpProtocol") -> None:
        """Note that this connection has yet to say something: it is the last to be let go of."""
        self._waiting.pop(connection, None)
        if connection in self._by_address.get(connection.address, ()):
            self._waiting[connection] = None

    def mark_serving(self, connection: "BoundedHttpProtocol") -> None:
        """Note that this connection waits for us, and is not to be let go of."""
        self._waiting.pop(connection, None)

    def release(self, connection: "BoundedHttpProtocol") -> None:
        self._waiting.pop(connection, None)
        own = self._by_address.get(connection.address, set())
        if connection in own:
            own.discard(connection)
            self._count -= 1
        if not own:
            self._by_address.pop(connection.address, None)

    def _make_room(self, address: str) -> bool:
        oldest = next((waiting for waiting in self._waiting if waiting.address == address), None)
        if oldest is not None:
            self.release(oldest)
            oldest.abort()
        return oldest is not None

    def _busiest(self) -> str:
        """The address that keeps most connections waiting."""
        counts: dict[str, int] = {}
        for waiting in self._waiting:
            counts[waiting.address] = counts.get(waiting.address, 0) + 1
        return max(counts, key=counts.__getitem__, default="")


class BoundedHttpProtocol(HttpToolsProtocol):
    """uvicorn's own protocol with a deadline for each phase, and a place to be had first."""

    slots: ConnectionSlots
    address = ""
    _phase = Phase.HEADERS
    _armed: Phase | None = None
    _deadline: asyncio.TimerHandle | None = None
    _header_bytes = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.address = client_address(transport.get_extra_info("peername"))
        if not self.slots.acquire(self):
            transport.write(SERVER_FULL_RESPONSE)
            transport.close()
            return
        self._arm()

    def connection_lost(self, exc: Exception | None) -> None:
        self.slots.release(self)
        if self._deadline:
            self._deadline.cancel()
        super().connection_lost(exc)

    def abort(self) -> None:
        """Let go of it at once, whatever is still to be read or written."""
        self.transport.abort()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._phase is Phase.HEADERS:
            # httptools itself collects headers without end.
            self._header_bytes += len(data)
            if self._header_bytes > MAX_HEADER_BYTES:
                self.abort()
                return
        self._arm()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._phase, self._armed, self._header_bytes = Phase.HEADERS, None, 0

    def on_headers_complete(self) -> None:
        super().on_headers_complete()
        self._phase = Phase.BODY

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self._phase = self._after_the_message()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self._phase is Phase.ANSWER:
            self._phase = self._after_the_message()
        self._arm()

    def _after_the_message(self) -> Phase:
        return Phase.IDLE if self.cycle is None or self.cycle.response_complete else Phase.ANSWER

    def _arm(self) -> None:
        """Begin the deadline of the phase, once: more data of the same phase gives no more time."""
        if self._phase is self._armed:
            return
        self._armed = self._phase
        if self._phase is Phase.ANSWER:
            self.slots.mark_serving(self)
        else:
            self.slots.mark_waiting(self)
        if self._deadline:
            self._deadline.cancel()
        self._deadline = self.loop.call_later(
            self.slots.limits.timeout_seconds(self._phase), self.abort
        )


def client_address(peername: Any) -> str:
    """Name what one client has: an IPv4 address, or the /64 network of an IPv6 one."""
    if not isinstance(peername, tuple) or not peername:
        return ""
    host = str(peername[0]).partition("%")[0]
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host
    if isinstance(address, ipaddress.IPv6Address):
        mapped = address.ipv4_mapped
        return str(mapped) if mapped else str(ipaddress.ip_network((address, 64), strict=False))
    return str(address)


def build_server(app: ASGIApp, *, host: str, port: int, limits: ConnectionLimits) -> uvicorn.Server:
    """Make the server, not yet serving. What a proxy says of the client's address is not believed."""
    guarded = type("Guarded", (BoundedHttpProtocol,), {"places": ConnectionSlots(limits)})
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        http=guarded,
        # Not "warning": anybody could fill the log with requests that are none.
        log_level="error",
        # Through our own handlers: what fails there is under the same filter as everything else.
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=3,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        proxy_headers=False,
        ws="none",
        lifespan="off",
    )
    return uvicorn.Server(config)
