"""Sockets that keep to the time limit of the call they serve.

The limit holds for the name, the connection, and all reads and writes together. A time-out of the
standard library starts again with every byte that arrives.
"""

import contextlib
import ipaddress
import os
import random
import socket
import threading
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from typing import TypeVar

from bot.clock import current_limit, seconds_left

T = TypeVar("T")
LOOPBACK = "127.0.0.1"
LISTEN_BACKLOG = 128
LISTENING_PORTS = range(10_000, 20_000)


def run_within(seconds: float, call: Callable[[], T], *, discard: Callable[[T], object]) -> T:
    """Run ``call`` in a thread, and abandon it after the seconds.

    Only for calls that change nothing. A result that comes too late goes to ``discard``.

    Raises:
        TimeoutError: the seconds have passed.
    """
    future: Future[T] = Future()

    def work() -> None:
        try:
            future.set_result(call())
        except BaseException as failure:  # noqa: BLE001 (raised again by ``future.result``)
            future.set_exception(failure)

    threading.Thread(target=work, name="outside-call", daemon=True).start()
    try:
        return future.result(timeout=min(max(0.0, seconds), threading.TIMEOUT_MAX))
    except TimeoutError:
        future.add_done_callback(partial(_discard_result, discard))
        raise


def _discard_result(discard: Callable[[T], object], future: Future[T]) -> None:
    if future.exception() is None:
        discard(future.result())


def addresses(host: str, port: int) -> list[str]:
    """Resolve a name, within the time limit of the call.

    Raises:
        OSError: the name has no address, or ``TimeoutError``.
    """
    with contextlib.suppress(ValueError):
        return [str(ipaddress.ip_address(host))]
    look_up = partial(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM)
    rows = run_within(seconds_left(), look_up, discard=_ignore)
    return [str(row[4][0]) for row in rows]


def _ignore(result: object) -> None:
    return None


def connect(host: str, port: int) -> socket.socket:
    """Open a TCP connection that ends at the call's time limit.

    Raises:
        OSError: nobody listens there, or ``TimeoutError``.
    """
    last_failure = OSError(f"{host} has no address")
    for address in addresses(host, port):
        try:
            connection = socket.create_connection((address, port), timeout=time_left())
        except OSError as failure:
            last_failure = failure
            continue
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        cut_off(connection.fileno())
        return connection
    raise last_failure


def time_left() -> float | None:
    """Return the seconds left for one operation; None without a limit.

    Raises:
        TimeoutError: there are none.
    """
    seconds = seconds_left()
    if seconds <= 0:
        raise TimeoutError("the time for this call is over")
    return seconds if seconds < threading.TIMEOUT_MAX else None


def cut_off(fileno: int) -> None:
    """Shut this socket down at the time limit.

    Whoever waits for it wakes up.
    """
    limit = current_limit()
    if limit is None:
        return
    # A descriptor of our own: by then the number may be that of another socket.
    duplicate = socket.socket(fileno=os.dup(fileno))
    limit.at_end(partial(_shut_down, duplicate), cleanup=duplicate.close)


def _shut_down(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)


def free_port() -> int:
    """Return a port of loopback that nobody listens on.

    Raises:
        OSError: there is none.
    """
    # The kernel gives none of these to an outgoing connection, as it might before the bot
    # listens, or while it is restarted.
    for port in random.SystemRandom().sample(LISTENING_PORTS, len(LISTENING_PORTS)):
        with contextlib.suppress(OSError), listen_on(port):
            return port
    raise OSError("no free port")


def listen_on(port: int) -> socket.socket:
    """Return a socket that listens on this port; 0 is any.

    Raises:
        OSError: the port is taken.
    """
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((LOOPBACK, port))
        # A bound socket alone does not keep others from the port.
        listener.listen(LISTEN_BACKLOG)
    except OSError:
        listener.close()
        raise
    return listener
