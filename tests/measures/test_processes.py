"""No test leaves a process behind, however it ends."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from tests.servers import free_port

pytestmark = pytest.mark.proof

ROOT = Path(__file__).parents[2]
WAIT_SECONDS = 300
SORTS = ("postgres", "bot.emulator", "SIGTERM", "SIGSTOP", "sleep(601)")
PYTEST = [sys.executable, "-m", "pytest", "tests/measures/leaving.py", "-q", "-n0"]
# This method ends pytest by os._exit, without a teardown.
TIMEOUT = ["--timeout=5", "--timeout-method=thread", "-o", "timeout_func_only=true"]


def wait_until(is_true, what):
    deadline = time.monotonic() + WAIT_SECONDS
    while not is_true():
        assert time.monotonic() < deadline, f"waited {WAIT_SECONDS} s for {what()}"
        time.sleep(0.1)


def alive(commands):
    """Return the commands, each ``id words``, that still run."""
    remaining = []
    for command in commands:
        pid, _, words = command.partition(" ")
        try:
            process = psutil.Process(int(pid))
            is_same = " ".join(process.cmdline()) == words
            if is_same and process.status() != psutil.STATUS_ZOMBIE:
                remaining.append(command)
        except psutil.NoSuchProcess:
            continue
    return remaining


@pytest.mark.timeout(900)
@pytest.mark.parametrize("death", ["killed", "timed out"])
def test_a_run_that_ends_in_the_middle_leaves_no_process(death, tmp_path):
    path = tmp_path / "processes"
    run = subprocess.Popen(
        [*PYTEST, f"--basetemp={tmp_path / 'run'}", *(TIMEOUT if death == "timed out" else [])],
        cwd=ROOT,
        env={**os.environ, "PROCESS_LIST": str(path)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_until(lambda: path.exists() or run.poll() is not None, lambda: "the processes")
        processes = path.read_text().split("\n")
        # A browser ends helpers of its own at any time: not every process must still be there.
        running = alive(processes) if death == "killed" else processes
        for sort in SORTS:
            assert any(sort in command for command in running), (sort, running)
        if death == "killed":
            run.send_signal(signal.SIGKILL)
        run.wait(WAIT_SECONDS)
        wait_until(lambda: not alive(processes), lambda: f"the end of {alive(processes)}")
    finally:
        run.kill()
        run.wait()


def test_a_reserved_port_is_given_once():
    ports = [free_port() for _ in range(20)]
    assert len(set(ports)) == 20
    code = "from tests.servers import free_port; print(*(free_port() for _ in range(20)))"
    other = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert not {int(port) for port in other.stdout.split()} & set(ports)
