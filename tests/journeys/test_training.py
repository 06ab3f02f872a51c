"""Training in a process of its own: it ends with the bot that began it, and never runs twice over one memory."""

import contextlib
import os
import signal
import subprocess
import sys
import time
import urllib.request

import psutil
import pytest

from bot.clock import monotonic
from tests.conftest import free_port
from tests.journeys.bots import sample_environment
from tests.waiting import wait_until

# The bot as it is, but that looks for something to learn at once, and calls every desk idle.
TRAINS_AT_ONCE = """
from bot import trainer
from bot.cli.run import run

trainer.IDLE_SECONDS = 0.0
trainer.LOOK_INTERVAL_SECONDS = 0.1
run()
"""
pytestmark = [
    pytest.mark.journey,
    pytest.mark.threat("D5"),
    pytest.mark.timeout(600),
    pytest.mark.proof,
]


@pytest.fixture
def environment(tmp_path):
    """A bot whose Slack is away: it trains all the same."""
    inherited = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
    return {**inherited, **sample_environment(tmp_path, f"http://127.0.0.1:{free_port()}")}


def training_of(bot):
    with contextlib.suppress(psutil.NoSuchProcess):
        return [child for child in bot.children(recursive=True) if "train" in child.cmdline()]
    return []


def test_a_training_ends_with_the_bot_that_was_killed(environment, tmp_path):
    """Held still before it can write: once its bot is dead, it must not go on as if nothing had happened."""
    run = subprocess.Popen(
        [sys.executable, "-c", TRAINS_AT_ONCE],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    children = []
    try:
        bot = psutil.Process(run.pid)
        wait_until(lambda: training_of(bot), "a training")
        children = training_of(bot)
        for child in children:
            child.suspend()
        bot.kill()
        run.wait(120)
        for child in children:
            child.resume()
        wait_until(
            lambda: not any(child.is_running() for child in children), "the end of the training"
        )
        assert not (tmp_path / "memory" / "model.npz").exists()
    finally:
        for process in [*children, run]:
            with contextlib.suppress(psutil.NoSuchProcess, ProcessLookupError):
                process.kill()
        run.wait(120)


def test_a_bot_that_has_just_started_does_not_train(environment):
    """Its first cards come first; nothing was ever trained here."""
    run = subprocess.Popen(
        [sys.executable, "-m", "bot", "run"],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_until(lambda: answers(environment), "the doors")
        deadline = monotonic() + 5
        while monotonic() < deadline:
            assert not training_of(psutil.Process(run.pid))
            time.sleep(0.1)
    finally:
        run.terminate()
        run.wait(120)


def answers(environment):
    url = f"http://127.0.0.1:{environment['COUNTERSIGN_PORT']}/healthz"
    with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=60):
        return True
    return False


def test_the_emulator_of_a_demo_that_was_killed_ends_with_it():
    code = (
        "import time; from bot.demo.processes import EmulatorProcess; town = EmulatorProcess(); town.wait();"
        "print(town._process.pid, flush=True); time.sleep(600)"
    )
    demo = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    emulator = psutil.Process(int(demo.stdout.readline()))
    try:
        demo.kill()
        demo.wait(120)
        wait_until(
            lambda: not emulator.is_running() or emulator.status() == psutil.STATUS_ZOMBIE,
            "the end of the emulator",
        )
    finally:
        with contextlib.suppress(psutil.NoSuchProcess):
            emulator.kill()
        demo.stdout.close()


def test_a_second_training_of_the_same_memory_does_not_begin(environment, tmp_path):
    train = [sys.executable, "-m", "bot", "memory", "train"]
    first = subprocess.Popen(
        train, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        wait_until((tmp_path / "memory" / "training.lock").exists, "the first training")
        psutil.Process(first.pid).suspend()
        second = subprocess.run(train, env=environment, capture_output=True, text=True, timeout=300)
        assert second.returncode == 1
        assert "another training of this memory is running" in second.stderr
        # The bot's own, which nobody reads, ends quietly; and one that was killed leaves no lock behind.
        quiet = subprocess.Popen([*train, "--attached"], env=environment, stdin=subprocess.PIPE)
        assert (quiet.wait(300), (tmp_path / "memory" / "model.npz").exists()) == (0, False)
        quiet.stdin.close()
        os.kill(first.pid, signal.SIGKILL)
        first.wait(120)
        assert (
            subprocess.run(train, env=environment, capture_output=True, timeout=300).returncode == 0
        )
        assert (tmp_path / "memory" / "model.npz").exists()
    finally:
        with contextlib.suppress(ProcessLookupError):
            first.kill()
        first.wait(120)
