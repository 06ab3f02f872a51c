"""A connection to the memory helper that never waits without a bound.

A process that is stopped, or hangs in the kernel, still has its socket: connecting succeeds, and
nobody answers. So every step has its time.
"""

from __future__ import annotations

import contextlib
import socket
import struct
from collections.abc import Callable
from multiprocessing import AuthenticationError
from multiprocessing.connection import Connection, answer_challenge, deliver_challenge
from pathlib import Path
from typing import Any, TypeAlias

from bot.cases.errors import MemoryUnavailable
from bot.clock import monotonic
from knowledge.memory.helper_protocol import HelperAddress

HelperConnection: TypeAlias = "Connection[Any, Any]"
#: A helper that is alive welcomes a connection within this time, however busy it is.
WELCOME_TIMEOUT_SECONDS = 15.0
POLL_INTERVAL_SECONDS = 0.5
#: Process, user and group of the peer.
_CREDENTIALS = struct.Struct("3i")
_TIMEVAL = struct.Struct("ll")


class HelperHung(Exception):
    """The helper has a socket, and does not answer."""

    def __init__(self, pid: int | None) -> None:
        super().__init__("the memory helper stands still")
        #: The process, where it is certain which one it is.
        self.pid = pid


def open_connection(
    address: HelperAddress,
    *,
    timeout: float = WELCOME_TIMEOUT_SECONDS,
    is_cancelled: Callable[[], bool] = lambda: False,
) -> HelperConnection:
    """Connect to a helper; each proves that it has the key.

    Raises:
        OSError, EOFError, AuthenticationError: it has ended, or is another one.
        HelperHung: it does not answer in time.
        MemoryUnavailable: ``is_cancelled`` says so.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        _limit_waiting(client, timeout)
        try:
            client.connect(address.socket_path)
        except BlockingIOError:
            # So many wait already that the kernel takes no more.
            raise HelperHung(None) from None
        pid = _peer(client)
        connection: HelperConnection = Connection(client.detach())
    try:
        deadline = monotonic() + timeout
        while not connection.poll(POLL_INTERVAL_SECONDS):
            if is_cancelled():
                raise MemoryUnavailable("memory is closed")
            if monotonic() > deadline:
                raise HelperHung(pid if pid == address.pid else None)
        answer_challenge(connection, address.key)
        deliver_challenge(connection, address.key)
    except BlockingIOError:
        connection.close()
        raise HelperHung(pid if pid == address.pid else None) from None
    except BaseException:
        connection.close()
        raise
    return connection


def find_hung_helper(folder: Path, timeout: float = WELCOME_TIMEOUT_SECONDS) -> HelperHung | None:
    """Return the helper of a folder if it stands still."""
    address = HelperAddress.read(folder)
    if address is None:
        return None
    try:
        open_connection(address, timeout=timeout).close()
    except HelperHung as standstill:
        return standstill
    except (OSError, EOFError, AuthenticationError):
        # None runs; the next request starts one.
        return None
    return None


def _limit_waiting(client: socket.socket, timeout: float) -> None:
    """Bound every read and write in the kernel, also within a message."""
    limit = _TIMEVAL.pack(int(timeout), int(timeout % 1 * 1_000_000))
    for direction in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):
        client.setsockopt(socket.SOL_SOCKET, direction, limit)


def _peer(client: socket.socket) -> int | None:
    """Return the process that listens; None where the system does not say."""
    # Linux alone: elsewhere nothing is ended, as a number from a file may be that of another.
    option = getattr(socket, "SO_PEERCRED", None)
    if option is None:
        return None
    with contextlib.suppress(OSError):
        raw = client.getsockopt(socket.SOL_SOCKET, option, _CREDENTIALS.size)
        return int(_CREDENTIALS.unpack(raw)[0])
    return None
