"""The end of a process: by a signal, or with its parent."""

import contextlib
import os
import signal
import socket
import threading
from collections.abc import Callable
from types import FrameType

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)
#: How long a worker without its parent may finish what it has begun.
ORPHAN_TIMEOUT_SECONDS = 10.0
READ_SIZE = 1_024


class StopSignal:
    """A request to end this process, by SIGINT or SIGTERM.

    Signals are received from the creation of this object on.
    """

    def __init__(self) -> None:
        # The kernel may hand a signal to any thread. The handler runs in the main thread, which
        # wakes from no lock then; the number that Python writes to this socket wakes it.
        self._reader, self._writer = socket.socketpair()
        self._writer.setblocking(False)
        signal.set_wakeup_fd(self._writer.fileno())
        for number in STOP_SIGNALS:
            signal.signal(number, _let_pass)

    def wait(self, seconds: float | None = None) -> bool:
        """Wait for a signal, or so many seconds.

        Return whether there was a signal.
        """
        self._reader.settimeout(seconds)
        try:
            while self._reader.recv(1)[0] not in STOP_SIGNALS:
                pass
        except (TimeoutError, BlockingIOError):
            return False
        return True


def _let_pass(number: int, frame: FrameType | None) -> None:
    """Keep a signal from ending the process."""


def exit_after(seconds: float, report: Callable[[], None] | None = None) -> None:
    """End this process after so many seconds, if it still runs.

    Calls ``report`` before.
    """

    def exit_now() -> None:
        try:
            if report:
                report()
        finally:
            os._exit(0)

    timer = threading.Timer(seconds, exit_now)
    timer.daemon = True
    timer.start()


def exit_with_parent() -> None:
    """End this process when its standard input is closed."""
    threading.Thread(target=_exit_with_parent, name="parent", daemon=True).start()


def stop_with_parent(on_bytes: Callable[[bytes], None]) -> None:
    """Stop this process as SIGTERM does when its standard input is closed.

    What is read from it meanwhile is passed to ``on_bytes``.
    """
    threading.Thread(
        target=_stop_with_parent,
        args=[on_bytes],
        name="parent",
        daemon=True,
    ).start()


def report_open() -> None:
    """Tell the parent, which reads our standard output, that we are open."""
    with contextlib.suppress(BrokenPipeError):
        os.write(1, b"\n")
    # The parent reads no further: whatever is printed from now on must not fill the pipe.
    with open(os.devnull, "wb") as nowhere:
        os.dup2(nowhere.fileno(), 1)


def _exit_with_parent() -> None:
    _read_input(_ignore_bytes)
    os._exit(1)


def _stop_with_parent(on_bytes: Callable[[bytes], None]) -> None:
    _read_input(on_bytes)
    exit_after(ORPHAN_TIMEOUT_SECONDS)
    os.kill(os.getpid(), signal.SIGTERM)


def _read_input(on_bytes: Callable[[bytes], None]) -> None:
    # The bare descriptor: a thread inside a buffered reader keeps an interpreter from ending.
    while content := os.read(0, READ_SIZE):
        on_bytes(content)


def _ignore_bytes(content: bytes) -> None:
    """Do nothing with them."""
