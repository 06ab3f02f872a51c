"""A test that starts every sort of process and then hangs.

``test_processes`` runs it and cuts it short. It is not collected by itself.
"""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from bot.demo.processes import EmulatorProcess
from tests.servers import children_left

STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"
SUSPENDED = "import os, signal; os.kill(os.getpid(), signal.SIGSTOP)"
# It ends when its input does, and leaves its child to init.
PARENT = (
    "import subprocess, sys; "
    "subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(601)']); "
    "print('started', flush=True); sys.stdin.read()"
)


@pytest.fixture
def chromium():
    """Start a browser as the journeys do; None without one."""
    binary = shutil.which("chromium")
    if binary is None:
        yield None
        return
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        yield playwright.chromium.launch(executable_path=binary, args=["--no-sandbox"])


def leave_an_orphan():
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    parent = subprocess.Popen([sys.executable, "-c", PARENT], **pipes)
    parent.stdout.readline()
    assert any("sleep(601)" in command for command in children_left())
    # Its output is held open by the child.
    parent.stdin.close()
    parent.wait()


@pytest.fixture
def emulator():
    """Start Slack in a process of its own, and leave it behind."""
    running = EmulatorProcess()
    running.wait()
    return running


# A fixture, because the time-out of the test does not count it: it may take long.
@pytest.fixture
def processes(emulator, postgres, chromium):
    """Start the processes, and write the descendants of this one into a file."""
    leave_an_orphan()
    # Without an environment, as some programs of the tests run.
    for code in (STUBBORN, SUSPENDED):
        subprocess.Popen([sys.executable, "-c", code], env={})
    path = Path(os.environ["PROCESS_LIST"])
    partial = path.with_suffix(".part")
    partial.write_text("\n".join(children_left()))
    partial.rename(path)


def test_that_hangs(processes):
    """Sleep until somebody ends this process."""
    time.sleep(600)
