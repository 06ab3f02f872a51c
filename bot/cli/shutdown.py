"""The end of a process: by a signal, or with the process that started it."""

import os
import signal
import threading


def stop_event() -> threading.Event:
    """Return an event that is set when somebody asks this process to end."""
    event = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: event.set())
    return event


def exit_with_parent() -> None:
    """End this process as soon as its standard input is closed at the other end."""
    threading.Thread(target=_wait_for_parent, name="parent", daemon=True).start()


def _wait_for_parent() -> None:
    # The bare descriptor: a thread inside a buffered reader keeps an interpreter from ending.
    while os.read(0, 1_024):
        pass
    os._exit(1)
