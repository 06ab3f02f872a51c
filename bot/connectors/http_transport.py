"""Transports for httpx with checked addresses and a time limit.

A host name is resolved once and its addresses are checked; the connection goes to one of those.
Whatever leads out to an address that somebody else may choose goes through here: systems behind
HTTP, the callbacks of programs, servers of tools.
"""

import contextlib
import ipaddress
import ssl
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import anyio.to_thread
import httpcore
import httpx

from bot import sockets

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

MAX_CONNECTIONS = 20
# Allocated to hosts of the public Internet. What is outside is local, or wraps an IPv4 address.
_GLOBAL_UNICAST = ipaddress.IPv6Network("2000::/3")
_NOT_PUBLIC = (
    ipaddress.IPv4Network("192.88.99.0/24"),  # relays from 6to4
    ipaddress.IPv6Network("2001::/23"),  # protocol assignments, with Teredo
    ipaddress.IPv6Network("3fff::/20"),  # documentation
)
# Blocks that wrap an IPv4 address, and how many bits stand behind it.
_WRAPPED = (
    (ipaddress.IPv6Network("::ffff:0:0/96"), 0),  # mapped
    (ipaddress.IPv6Network("::ffff:0:0:0/96"), 0),  # translated
    (ipaddress.IPv6Network("64:ff9b::/96"), 0),  # NAT64
    (ipaddress.IPv6Network("2002::/16"), 80),  # 6to4
)


@dataclass(frozen=True, slots=True)
class AddressRules:
    """The addresses beside public ones to which a connection may go."""

    #: Hosts that may have an address of our own network.
    private_hosts: frozenset[str] = frozenset()
    #: Our own networks of which any host may be reached.
    networks: tuple[Network, ...] = ()

    def resolve(self, host: str, port: int) -> str:
        """Resolve a host in time, and check all of its addresses.

        Raises:
            httpcore.ConnectError: it has no address, or one that is not allowed.
            httpcore.ConnectTimeout: it was not resolved in time.
        """
        try:
            addresses = sockets.addresses(host, port)
        except TimeoutError:
            raise httpcore.ConnectTimeout(f"{host} was not resolved in time") from None
        except (OSError, UnicodeError):
            # A name that cannot be encoded has none either.
            raise httpcore.ConnectError(f"{host} has no address") from None
        if host not in self.private_hosts and not all(map(self.allows, addresses)):
            raise AddressRefused(
                f"{host} is a private address and not on the list of private hosts"
            )
        return addresses[0]

    def allows(self, address: str) -> bool:
        """Tell whether any host with this address may be reached."""
        if is_public(address):
            return True
        ip = _unwrap(ipaddress.ip_address(address.partition("%")[0]))
        return any(ip.version == network.version and ip in network for network in self.networks)


class AddressRefused(httpcore.ConnectError):
    """The address is none that may be reached."""


class GuardedTransport(httpx.HTTPTransport):
    """The transport of one system, or of one sort of callers."""

    def __init__(self, rules: AddressRules) -> None:
        super().__init__(trust_env=False)
        self._pool = httpcore.ConnectionPool(
            ssl_context=ssl.create_default_context(),
            network_backend=_GuardedBackend(rules),
            max_connections=MAX_CONNECTIONS,
        )


class AsyncGuardedTransport(httpx.AsyncHTTPTransport):
    """The same for libraries that are asynchronous; their time limits are httpx's."""

    def __init__(self, rules: AddressRules) -> None:
        super().__init__(trust_env=False)
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=ssl.create_default_context(),
            network_backend=_AsyncGuardedBackend(rules),
            max_connections=MAX_CONNECTIONS,
        )


def read_body(answer: httpx.Response, max_bytes: int) -> bytes:
    """Read a streamed answer, unless it is too large.

    Raises:
        httpx.ReadError: it is.
    """
    body = b""
    for chunk in answer.iter_bytes():
        body += chunk
        if len(body) > max_bytes:
            raise httpx.ReadError("the answer is too large")
    return body


class _GuardedBackend(httpcore.NetworkBackend):
    def __init__(self, rules: AddressRules) -> None:
        self._rules = rules
        self._backend = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """Connect to a checked address within the time limit of the call."""
        address = self._rules.resolve(host, port)
        with _as_httpcore_errors(httpcore.ConnectTimeout):
            seconds = sockets.time_left()
        stream = self._backend.connect_tcp(
            address,
            port,
            timeout=seconds,
            local_address=local_address,
            socket_options=socket_options,
        )
        return _TimedStream(stream)


class _AsyncGuardedBackend(httpcore.AsyncNetworkBackend):
    def __init__(self, rules: AddressRules) -> None:
        self._rules = rules
        self._backend = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 (the interface of httpcore)
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Connect to a checked address."""
        address = await anyio.to_thread.run_sync(self._rules.resolve, host, port)
        return await self._backend.connect_tcp(
            address,
            port,
            timeout=timeout,
            local_address=local_address,
            socket_options=socket_options,
        )

    async def sleep(self, seconds: float) -> None:
        """Wait between two attempts."""
        await self._backend.sleep(seconds)


class _TimedStream(httpcore.NetworkStream):
    """A connection whose operations share the time limit of the call."""

    def __init__(self, stream: httpcore.NetworkStream) -> None:
        self._stream = stream

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        with _as_httpcore_errors(httpcore.ReadTimeout):
            seconds = sockets.time_left()
        return self._stream.read(max_bytes, seconds)

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        connection = self._stream.get_extra_info("socket")
        # Piece by piece: a slow reader must not get the whole time for each of them.
        while buffer:
            with _as_httpcore_errors(httpcore.WriteTimeout, httpcore.WriteError):
                connection.settimeout(sockets.time_left())
                count = connection.send(buffer)
                buffer = buffer[count:]

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        with _as_httpcore_errors(httpcore.ConnectTimeout):
            seconds = sockets.time_left()
        return _TimedStream(self._stream.start_tls(ssl_context, server_hostname, seconds))

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


@contextlib.contextmanager
def _as_httpcore_errors(
    timeout_error: type[Exception], network_error: type[Exception] = httpcore.NetworkError
) -> Iterator[None]:
    """Translate errors of sockets into those that httpx knows."""
    try:
        yield
    except TimeoutError as error:
        raise timeout_error(str(error)) from None
    except OSError as error:
        raise network_error(str(error)) from None


def is_public(address: str) -> bool:
    """Tell whether this is the address of a public host.

    An address that wraps another one is as public as that.
    """
    ip = _unwrap(ipaddress.ip_address(address.partition("%")[0]))
    if isinstance(ip, ipaddress.IPv6Address) and ip not in _GLOBAL_UNICAST:
        return False
    is_special = any(ip.version == block.version and ip in block for block in _NOT_PUBLIC)
    return ip.is_global and not ip.is_multicast and not is_special


def _unwrap(
    ip: ipaddress.IPv4Address | ipaddress.IPv6Address,
) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """Return the IPv4 address that an address wraps, or itself."""
    if isinstance(ip, ipaddress.IPv6Address):
        for block, bits_behind in _WRAPPED:
            if ip in block:
                return ipaddress.IPv4Address(int(ip) >> bits_behind & 0xFFFFFFFF)
    return ip
