"""The supervisor of worker processes: woken in turn, started again, ended with the bot."""

import os
import re
import signal
import subprocess
import sys

import psutil
import pytest

from bot import child_process, worker_processes
from bot.metrics import RECALLS, exposition
from bot.ports.outbox import Topic
from bot.worker_processes import RemoteLane, WorkerProcess, WorkerProcesses
from tests.waiting import wait_until

COUNTS = """
import os, sys
from bot.metrics import RECALLS
RECALLS.labels("answered").inc(3)
print(flush=True)
os.read(0, 1)
"""
# Writes each byte that wakes it to a file, and ends with its standard input, or on SIGTERM.
ECHO = """
import os, sys
print(flush=True)
with open(sys.argv[1], "ab", buffering=0) as file:
    file.write(b"[")
    while content := os.read(0, 1):
        file.write(content)
"""
STUBBORN = """
import signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print(flush=True)
time.sleep(600)
"""
LANE = b"x"[0]


@pytest.fixture(autouse=True)
def short_waits(monkeypatch):
    monkeypatch.setattr(child_process, "MIN_RESTART_SECONDS", 0.01)


@pytest.fixture
def start(tmp_path):
    """Start workers that write to a file each, and stop them afterwards."""
    started = []

    def start(*programs, lanes=(LANE,)):
        workers = [
            WorkerProcess(
                number=number,
                lanes=lanes,
                command=[sys.executable, "-c", program, str(tmp_path / str(number))],
                environment=dict(os.environ),
            )
            for number, program in enumerate(programs, start=1)
        ]
        processes = WorkerProcesses(workers)
        started.append(processes)
        processes.start()
        wait_until(lambda: not processes.find_problems(), "the workers")
        return processes, workers

    yield start
    for processes in started:
        processes.stop()


def written(path):
    return path.read_bytes() if path.exists() else b""


def test_workers_are_woken_in_turn(start, tmp_path):
    processes, _ = start(ECHO, ECHO)
    wait_until(lambda: written(tmp_path / "1") and written(tmp_path / "2"), "both workers")
    for _ in range(6):
        processes.wake(LANE)
    wait_until(
        lambda: [written(tmp_path / "1"), written(tmp_path / "2")] == [b"[xxx", b"[xxx"],
        "three wakes each",
    )


def test_a_worker_without_the_lane_is_not_woken(start, tmp_path):
    processes, _ = start(ECHO)
    wait_until(lambda: written(tmp_path / "1"), "the worker")
    processes.wake(b"y"[0])
    processes.wake(LANE)
    wait_until(lambda: written(tmp_path / "1") == b"[x", "the wake of its own lane alone")


def test_a_worker_that_dies_is_started_again_and_said(start, tmp_path, caplog):
    _, (worker, _) = start(ECHO, ECHO)
    wait_until(lambda: written(tmp_path / "1") == b"[", "the worker")
    first = psutil.Process(worker.pid)
    first.kill()
    wait_until(lambda: written(tmp_path / "1") == b"[[", "another one")
    assert not first.is_running()
    assert worker.pid != first.pid
    assert "worker 1 ended (status -9); starting it again in 0.0 s" in caplog.text


def test_a_wake_goes_to_another_while_one_is_missing(start, tmp_path, monkeypatch):
    monkeypatch.setattr(child_process, "MIN_RESTART_SECONDS", 600.0)
    processes, (worker, _) = start(ECHO, ECHO)
    wait_until(lambda: written(tmp_path / "2"), "the second worker")
    psutil.Process(worker.pid).kill()
    wait_until(processes.find_problems, "the end of the first")
    assert processes.find_problems() == ["worker 1 of 2 is not open; it is started by itself"]
    assert b'countersign_workers{state="open"} 1.0' in exposition()
    assert b'countersign_workers{state="configured"} 2.0' in exposition()
    for _ in range(4):
        processes.wake(LANE)
    wait_until(lambda: written(tmp_path / "2") == b"[xxxx", "all wakes at the second")


def test_a_worker_that_reads_nothing_holds_nobody_up(start):
    processes, _ = start("import time; print(flush=True); time.sleep(600)")
    for _ in range(200_000):
        processes.wake(LANE)


def test_a_worker_that_does_not_end_is_killed(start, monkeypatch):
    monkeypatch.setattr(worker_processes, "STOP_TIMEOUT_SECONDS", 1.0)
    processes, (worker,) = start(STUBBORN)
    process = psutil.Process(worker.pid)
    processes.stop()
    wait_until(lambda: not process.is_running(), "its end")


def test_workers_end_with_a_bot_that_was_killed(tmp_path):
    parent = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import os, sys, time\n"
            "from bot.worker_processes import WorkerProcess\n"
            "command = [sys.executable, '-c', sys.argv[1], sys.argv[2]]\n"
            "worker = WorkerProcess(number=1, lanes=[1], command=command, environment=os.environ)\n"
            "worker.start(counters=sys.argv[2] + 'counters')\n"
            "while not worker.pid: time.sleep(0.01)\n"
            "print(worker.pid, flush=True)\n"
            "time.sleep(600)",
            ECHO,
            str(tmp_path / "1"),
        ],
        stdout=subprocess.PIPE,
        text=True,
    )
    worker = psutil.Process(int(parent.stdout.readline()))
    os.kill(parent.pid, signal.SIGKILL)
    parent.wait(120)
    parent.stdout.close()
    wait_until(
        lambda: not worker.is_running() or worker.status() == psutil.STATUS_ZOMBIE,
        "the end of the worker",
    )


def test_a_remote_lane_is_woken_and_never_given_a_lease(start, tmp_path):
    processes, _ = start(ECHO)
    lane = RemoteLane(number=LANE, topics=[Topic.TRIAGE], processes=processes)
    assert not lane.has_room()
    wait_until(lambda: written(tmp_path / "1"), "the worker")
    lane.wake()
    wait_until(lambda: written(tmp_path / "1") == b"[x", "the wake")


def test_the_counters_of_workers_are_added_up(start):
    before = counter("answered")
    RECALLS.labels("answered").inc()
    start(COUNTS, COUNTS)
    assert counter("answered") == before + 1 + 3 + 3


def counter(outcome):
    pattern = rf'countersign_recalls_total{{outcome="{outcome}"}} (\S+)'
    match = re.search(pattern, exposition().decode())
    return float(match[1]) if match else 0.0
