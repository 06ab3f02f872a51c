"""A bot that is stopped early: as it opens, and while its memory opens in native code."""

import subprocess
import sys
import time

import pytest

from bot.clock import utc_now
from bot.demo import company
from bot.demo.processes import BotProcess
from bot.settings import inherit
from tests.journeys.bots import sample_environment

pytestmark = [pytest.mark.journey, pytest.mark.timeout(600), pytest.mark.proof]
# The bot as it is, which gets a signal to stop when the last of its parts has started.
STOPPED_AS_IT_OPENS = """
import os, signal
from bot.cli.run import run
from bot.service import Service

def start_and_stop(service, start=Service.start):
    start(service)
    os.kill(os.getpid(), signal.SIGTERM)

Service.start = start_and_stop
run()
"""


@pytest.mark.parametrize("seconds", [0.0, 0.5, 1.0])
def test_a_stop_while_memory_opens_ends_without_an_abort(emulator, tmp_path, seconds):
    company.write_database(tmp_path / "company.db", utc_now().replace(tzinfo=None, microsecond=0))
    bot = BotProcess(sample_environment(tmp_path, emulator.url))
    bot.start()
    time.sleep(seconds)
    assert bot.stop() == 0


def test_a_stop_as_the_bot_opens_lets_it_finish(emulator, tmp_path):
    company.write_database(tmp_path / "company.db", utc_now().replace(tzinfo=None, microsecond=0))
    environment = inherit("PATH", "HOME") | sample_environment(tmp_path, emulator.url)
    bot = subprocess.run(
        [sys.executable, "-c", STOPPED_AS_IT_OPENS],
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert bot.returncode == 0, bot.stderr
    assert "closing" in bot.stderr
