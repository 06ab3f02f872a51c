"""A transport for httpx with checked addresses and a time limit.

A host name is resolved once and its addresses are checked; the connection goes to one of those.
"""

import contextlib
import ipaddress
import ssl
from collections.abc import Iterable, Iterator
from typing import Any

import httpcore
import httpx

from bot import sockets

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


class GuardedTransport(httpx.HTTPTransport):
    """The transport of one system.

    ``private_hosts`` are the hosts that may have an address of our own network.
    """

    def __init__(self, private_hosts: frozenset[str]) -> None:
        super().__init__(trust_env=False)
        self._pool = httpcore.ConnectionPool(
            ssl_context=ssl.create_default_context(),
            network_backend=_GuardedBackend(private_hosts),
            max_connections=MAX_CONNECTIONS,
        )


class _GuardedBackend(httpcore.NetworkBackend):
    def __init__(self, private_hosts: frozenset[str]) -> None:
        self._private_hosts = private_hosts
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
        address = self._resolve(host, port)
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

    def _resolve(self, host: str, port: int) -> str:
        """Resolve a host, and check all of its addresses."""
        try:
            addresses = sockets.addresses(host, port)
        except TimeoutError:
            raise httpcore.ConnectTimeout(f"{host} was not resolved in time") from None
        except OSError:
            raise httpcore.ConnectError(f"{host} has no address") from None
        if host not in self._private_hosts and not all(map(is_public, addresses)):
            raise httpcore.ConnectError(
                f"{host} is a private address and not on the list of private hosts"
            )
        return addresses[0]


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
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        for block, bits_behind in _WRAPPED:
            if ip in block:
                inner = ipaddress.IPv4Address(int(ip) >> bits_behind & 0xFFFFFFFF)
                return is_public(str(inner))
        if ip not in _GLOBAL_UNICAST:
            return False
    is_special = any(ip.version == block.version and ip in block for block in _NOT_PUBLIC)
    return ip.is_global and not ip.is_multicast and not is_special
