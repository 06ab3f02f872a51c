"""Ways to an MCP server, bounded in time and size.

A command is ended with its children when the conversation is over, and a host name is resolved once
and its addresses are checked, as for every other system behind HTTP.
"""

import os
import signal
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from functools import partial
from subprocess import DEVNULL
from typing import Any

import anyio
import anyio.to_thread
import httpcore2
import httpx2
from anyio.abc import ByteReceiveStream, ByteSendStream, Process
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from mcp.client.stdio import get_default_environment
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.message import SessionMessage
from mcp_types import jsonrpc_message_adapter

from bot import sockets
from bot.connectors.http_transport import is_public

#: Of one message, and of all that one conversation may receive.
MAX_MESSAGE_BYTES = 1_000_000
MAX_RECEIVED_BYTES = 4_000_000
#: After the last answer, until a command that does not end by itself is ended.
END_SECONDS = 1.0

Streams = tuple[
    MemoryObjectReceiveStream[SessionMessage | Exception], MemoryObjectSendStream[SessionMessage]
]


# --- commands -------------------------------------------------------------------------------------


@asynccontextmanager
async def run_command(
    command: Sequence[str], environment: Mapping[str, str]
) -> AsyncIterator[Streams]:
    """Run a command, and speak with it over its pipes.

    Raises:
        OSError: it cannot be started.
    """
    process = await anyio.open_process(
        list(command),
        env={**get_default_environment(), **environment},
        stderr=DEVNULL,
        start_new_session=True,
    )
    try:
        async with _streams(process) as streams:
            yield streams
    finally:
        with anyio.CancelScope(shield=True):
            await _end(process)


@asynccontextmanager
async def _streams(process: Process) -> AsyncIterator[Streams]:
    assert process.stdout is not None  # noqa: S101 (opened with pipes)
    assert process.stdin is not None  # noqa: S101
    inlet, incoming = anyio.create_memory_object_stream[SessionMessage | Exception](0)
    outgoing, queue = anyio.create_memory_object_stream[SessionMessage](0)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(_receive, process.stdout, inlet)
        tasks.start_soon(partial(_send, process.stdin, queue, inlet=inlet))
        try:
            yield incoming, outgoing
        finally:
            incoming.close()
            outgoing.close()
            tasks.cancel_scope.cancel()


async def _receive(
    output: ByteReceiveStream, inlet: MemoryObjectSendStream[SessionMessage | Exception]
) -> None:
    """Pass on one message a line, within bounds."""
    buffer, count = b"", 0
    with suppress(anyio.BrokenResourceError, anyio.ClosedResourceError, anyio.EndOfStream):
        async with inlet:
            while len(buffer) <= MAX_MESSAGE_BYTES and count <= MAX_RECEIVED_BYTES:
                chunk = await output.receive()
                count += len(chunk)
                *lines, buffer = (buffer + chunk).split(b"\n")
                for line in lines:
                    await inlet.send(_parse(line))


async def _send(
    input_stream: ByteSendStream,
    queue: MemoryObjectReceiveStream[SessionMessage],
    inlet: MemoryObjectSendStream[SessionMessage | Exception],
) -> None:
    try:
        async with queue:
            async for message in queue:
                text = message.message.model_dump_json(by_alias=True, exclude_unset=True)
                await input_stream.send(text.encode() + b"\n")
    except (anyio.BrokenResourceError, anyio.ClosedResourceError, OSError):
        # Nobody will answer.
        await inlet.aclose()


def _parse(line: bytes) -> SessionMessage | Exception:
    try:
        return SessionMessage(jsonrpc_message_adapter.validate_json(line, by_name=False))
    except ValueError as error:
        return error


async def _end(process: Process) -> None:
    """Let the command end, or end it with its children."""
    if process.stdin is not None:
        with suppress(OSError, anyio.BrokenResourceError, anyio.ClosedResourceError):
            await process.stdin.aclose()
    with anyio.move_on_after(min(END_SECONDS, max(0.0, _seconds_left()))):
        await process.wait()
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    with anyio.move_on_after(END_SECONDS):
        await process.wait()
    await process.aclose()


def _seconds_left() -> float:
    """Return the seconds left for the call, none after its limit."""
    try:
        return sockets.time_left() or END_SECONDS
    except TimeoutError:
        return 0.0


# --- HTTP -----------------------------------------------------------------------------------------


@asynccontextmanager
async def open_address(
    url: str, *, token: str, private_hosts: frozenset[str], seconds: float
) -> AsyncIterator[Any]:
    """Speak with a server over streamable HTTP."""
    async with (
        httpx2.AsyncClient(
            headers={"Authorization": f"Bearer {token}"} if token else {},
            timeout=seconds,
            trust_env=False,
            transport=GuardedAsyncTransport(private_hosts),
        ) as client,
        streamable_http_client(
            url, http_client=client, max_sse_event_size=MAX_MESSAGE_BYTES
        ) as streams,
    ):
        yield streams


class GuardedAsyncTransport(httpx2.AsyncHTTPTransport):
    """The transport of one conversation.

    ``private_hosts`` are the hosts that may have an address of our own network.
    """

    def __init__(self, private_hosts: frozenset[str]) -> None:
        super().__init__(trust_env=False)
        self._pool = httpcore2.AsyncConnectionPool(
            ssl_context=httpx2.create_ssl_context(trust_env=False),
            network_backend=_GuardedBackend(private_hosts),
        )


class _GuardedBackend(httpcore2.AsyncNetworkBackend):
    def __init__(self, private_hosts: frozenset[str]) -> None:
        self._private_hosts = private_hosts
        self._backend = httpcore2.AnyIOBackend()
        self._traffic = _Traffic()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        """Connect to a checked address."""
        address = await self._resolve(host, port)
        stream = await self._backend.connect_tcp(
            address,
            port,
            timeout=timeout,
            local_address=local_address,
            socket_options=socket_options,
        )
        return _BoundedStream(stream, self._traffic)

    async def _resolve(self, host: str, port: int) -> str:
        try:
            addresses = await anyio.to_thread.run_sync(sockets.addresses, host, port)
        except OSError:
            raise httpcore2.ConnectError(f"{host} has no address") from None
        if host not in self._private_hosts and not all(map(is_public, addresses)):
            raise httpcore2.ConnectError(
                f"{host} is a private address and not on the list of private hosts"
            )
        return addresses[0]


class _Traffic:
    """The bytes that a conversation has inlet."""

    count = 0


class _BoundedStream(httpcore2.AsyncNetworkStream):
    def __init__(self, stream: httpcore2.AsyncNetworkStream, traffic: _Traffic) -> None:
        self._stream = stream
        self._traffic = traffic

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        data = await self._stream.read(max_bytes, timeout)
        self._traffic.count += len(data)
        if self._traffic.count > MAX_RECEIVED_BYTES:
            raise httpcore2.ReadError("the server sends too much")
        return data

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        await self._stream.write(buffer, timeout)

    async def aclose(self) -> None:
        await self._stream.aclose()

    async def start_tls(
        self,
        ssl_context: Any,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        stream = await self._stream.start_tls(ssl_context, server_hostname, timeout)
        return _BoundedStream(stream, self._traffic)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)
