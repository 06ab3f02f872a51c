"""The end of a process by a signal, whichever thread the kernel hands it to."""

import subprocess
import sys

import pytest

WAITS = """
import signal, threading
from bot.cli.shutdown import StopSignal

stop = StopSignal()
assert not stop.wait(0.01)

def send():
    # To this very thread: the main one is not interrupted.
    signal.pthread_kill(threading.get_ident(), signal.{name})

sender = threading.Timer(0.3, send)
sender.start()
assert stop.wait()
sender.join()
print("stopped")
"""


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_a_signal_that_another_thread_gets_ends_the_wait(name):
    program = [sys.executable, "-c", WAITS.format(name=name)]
    result = subprocess.run(program, capture_output=True, text=True, timeout=120, check=True)
    assert result.stdout == "stopped\n"


def test_a_signal_that_came_before_the_wait_is_not_lost():
    program = [
        sys.executable,
        "-c",
        "import os, signal\n"
        "from bot.cli.shutdown import StopSignal\n"
        "stop = StopSignal()\n"
        "os.kill(os.getpid(), signal.SIGTERM)\n"
        "print(stop.wait(60), stop.wait(0))",
    ]
    result = subprocess.run(program, capture_output=True, text=True, timeout=120, check=True)
    assert result.stdout == "True False\n"
