"""The end of a process, by a signal or with its parent."""

import os
import signal
import socket
import threading
from types import FrameType

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)


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


def exit_after(seconds: float) -> None:
    """End this process after so many seconds, if it still runs."""
    timer = threading.Timer(seconds, os._exit, [0])
    timer.daemon = True
    timer.start()


def exit_with_parent() -> None:
    """End this process when its standard input is closed."""
    threading.Thread(target=_wait_for_parent, name="parent", daemon=True).start()


def _wait_for_parent() -> None:
    # The bare descriptor: a thread inside a buffered reader keeps an interpreter from ending.
    while os.read(0, 1_024):
        pass
    os._exit(1)
