"""The end of a process, by a signal or with its parent."""

import os
import signal
import threading
from types import FrameType


def stop_event() -> threading.Event:
    """Return an event that SIGINT and SIGTERM set."""
    event = threading.Event()

    def stop(number: int, frame: FrameType | None) -> None:
        event.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    return event


def exit_after(seconds: float) -> None:
    """End this process after so many seconds, if it has not ended by itself."""
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
