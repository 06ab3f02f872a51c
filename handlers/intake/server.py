"""The HTTP server, with limits on the connections of clients.

uvicorn waits for headers and bodies without end, and counts a silent client as one that is being
served. Here every phase of a connection has a deadline, and a new connection displaces the
longest waiting one when there is no free slot.
"""

import asyncio
import ipaddress
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, assert_never

from starlette.types import ASGIApp
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import Server

MAX_CONNECTIONS = 512
MAX_HEADER_BYTES = 64 * 1024
KEEP_ALIVE_SECONDS = 5
SERVER_FULL_RESPONSE = (
    b"HTTP/1.1 503 Service Unavailable\r\n"
    b"Retry-After: 1\r\n"
    b"Connection: close\r\n"
    b"Content-Length: 0\r\n"
    b"\r\n"
)


class Phase(Enum):
    """The phases of a connection."""

    HEADERS = "headers"
    BODY = "body"
    ANSWER = "answer"
    IDLE = "idle"


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionLimits:
    """Limits on the number of connections, and the time of each phase."""

    header_seconds: float = 10.0
    #: Longer than an endpoint waits for a body, so that the endpoint can answer what is wrong.
    body_seconds: float = 25.0
    answer_seconds: float = 120.0
    idle_seconds: float = KEEP_ALIVE_SECONDS + 5.0
    #: Of all clients together.
    connections: int = MAX_CONNECTIONS
    #: 0 for no limit per address, for a server behind a proxy.
    per_address: int = 64

    def timeout_seconds(self, phase: Phase) -> float:
        """Return how long a connection may stay in this phase."""
        match phase:
            case Phase.HEADERS:
                return self.header_seconds
            case Phase.BODY:
                return self.body_seconds
            case Phase.ANSWER:
                return self.answer_seconds
            case Phase.IDLE:
                return self.idle_seconds
            case _:
                assert_never(phase)


@dataclass
class ConnectionSlots:
    """The open connections. Used in the event loop's thread only."""

    limits: ConnectionLimits
    #: By client address.
    _by_address: dict[str, set["BoundedHttpProtocol"]] = field(default_factory=dict)
    #: Connections that are not being served, the longest waiting first.
    _waiting: dict["BoundedHttpProtocol", None] = field(default_factory=dict)
    _count: int = 0

    def acquire(self, connection: "BoundedHttpProtocol") -> bool:
        """Give the connection a slot; False when there is none.

        Where all slots are taken, a waiting connection is closed for it.
        """
        if self._is_address_full(connection.address) and not self._free_slot(connection.address):
            return False
        if self._count >= self.limits.connections and not self._free_slot(self._busiest_address()):
            return False
        self._by_address.setdefault(connection.address, set()).add(connection)
        self._count += 1
        self.mark_waiting(connection)
        return True

    def mark_waiting(self, connection: "BoundedHttpProtocol") -> None:
        """Record that the client has yet to send something.

        Of the waiting connections this is now the last to be closed.
        """
        self._waiting.pop(connection, None)
        if connection in self._by_address.get(connection.address, ()):
            self._waiting[connection] = None

    def mark_serving(self, connection: "BoundedHttpProtocol") -> None:
        """Record that the client waits for our answer.

        The connection is not closed for another one.
        """
        self._waiting.pop(connection, None)

    def release(self, connection: "BoundedHttpProtocol") -> None:
        """Take the slot back; nothing when the connection has none."""
        self._waiting.pop(connection, None)
        connections = self._by_address.get(connection.address, set())
        if connection in connections:
            connections.discard(connection)
            self._count -= 1
        if not connections:
            self._by_address.pop(connection.address, None)

    def _is_address_full(self, address: str) -> bool:
        limit = self.limits.per_address
        return limit > 0 and len(self._by_address.get(address, ())) >= limit

    def _free_slot(self, address: str) -> bool:
        """Close the connection of this address that has waited longest."""
        for connection in self._waiting:
            if connection.address == address:
                self.release(connection)
                connection.abort()
                return True
        return False

    def _busiest_address(self) -> str:
        """Find the address with most waiting connections."""
        counts: dict[str, int] = {}
        for connection in self._waiting:
            counts[connection.address] = counts.get(connection.address, 0) + 1
        return max(counts, key=counts.__getitem__, default="")


class BoundedHttpProtocol(HttpToolsProtocol):
    """uvicorn's protocol with connection slots and deadlines."""

    slots: ConnectionSlots
    address = ""
    _phase = Phase.HEADERS
    #: The phase that the running deadline belongs to.
    _deadline_phase: Phase | None = None
    _deadline: asyncio.TimerHandle | None = None
    _header_bytes = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take a slot, or answer 503 when there is none."""
        super().connection_made(transport)
        self.address = client_address(transport.get_extra_info("peername"))
        if not self.slots.acquire(self):
            transport.write(SERVER_FULL_RESPONSE)
            transport.close()
            return
        self._start_deadline()

    def connection_lost(self, exc: Exception | None) -> None:
        """Give the slot back."""
        self.slots.release(self)
        if self._deadline:
            self._deadline.cancel()
        super().connection_lost(exc)

    def abort(self) -> None:
        """Close the connection at once, without sending what is buffered."""
        self.transport.abort()

    def data_received(self, data: bytes) -> None:
        """Parse the data, unless its headers are too large."""
        super().data_received(data)
        if self._phase is Phase.HEADERS:
            # httptools itself collects headers without limit.
            self._header_bytes += len(data)
            if self._header_bytes > MAX_HEADER_BYTES:
                self.abort()
                return
        self._start_deadline()

    def on_message_begin(self) -> None:
        """Start the phase of the headers."""
        super().on_message_begin()
        self._phase = Phase.HEADERS
        self._deadline_phase = None
        self._header_bytes = 0

    def on_headers_complete(self) -> None:
        """Start the phase of the body."""
        super().on_headers_complete()
        self._phase = Phase.BODY

    def on_message_complete(self) -> None:
        """Start the phase of the answer, unless that is complete already."""
        super().on_message_complete()
        self._phase = self._phase_after_message()

    def on_response_complete(self) -> None:
        """Start the idle phase, unless the next request has been sent already."""
        super().on_response_complete()
        if self._phase is Phase.ANSWER:
            self._phase = self._phase_after_message()
        self._start_deadline()

    def _phase_after_message(self) -> Phase:
        is_answered = self.cycle is None or self.cycle.response_complete
        return Phase.IDLE if is_answered else Phase.ANSWER

    def _start_deadline(self) -> None:
        """Start the deadline of a new phase; data does not extend it."""
        if self._phase is self._deadline_phase:
            return
        self._deadline_phase = self._phase
        if self._phase is Phase.ANSWER:
            self.slots.mark_serving(self)
        else:
            self.slots.mark_waiting(self)
        if self._deadline:
            self._deadline.cancel()
        seconds = self.slots.limits.timeout_seconds(self._phase)
        self._deadline = self.loop.call_later(seconds, self.abort)


def client_address(peername: Any) -> str:
    """Return a client's IPv4 address, or its IPv6 network.

    One customer of a provider has a whole /64, and so 2**64 addresses to come from.
    """
    if not isinstance(peername, tuple) or not peername:
        return ""
    host = str(peername[0]).partition("%")[0]
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    if address.ipv4_mapped:
        return str(address.ipv4_mapped)
    return str(ipaddress.ip_network((address, 64), strict=False))


def build_server(app: ASGIApp, *, host: str, port: int, limits: ConnectionLimits) -> Server:
    """Build the server without starting it."""
    # uvicorn makes the protocol objects itself, so the slots are an attribute of their class.
    protocol = type("SlottedProtocol", (BoundedHttpProtocol,), {"slots": ConnectionSlots(limits)})
    config = Config(
        app,
        host=host,
        port=port,
        http=protocol,
        # At "warning", anybody could fill the log with malformed requests.
        log_level="error",
        # Through our own handlers, whose filter reports a repeated failure once.
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=3,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        # A client could claim any address in a header.
        proxy_headers=False,
        ws="none",
        lifespan="off",
    )
    return Server(config)
