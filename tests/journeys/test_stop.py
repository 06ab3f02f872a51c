"""A bot that is stopped early, while its memory opens in native code."""

import time

import pytest

from bot.clock import utc_now
from bot.demo import company
from bot.demo.processes import BotProcess
from tests.journeys.bots import sample_environment

pytestmark = [pytest.mark.journey, pytest.mark.timeout(600)]


@pytest.mark.parametrize("seconds", [0.0, 0.5, 1.0])
def test_a_stop_while_memory_opens_ends_without_an_abort(emulator, tmp_path, seconds):
    company.write_database(tmp_path / "company.db", utc_now().replace(tzinfo=None, microsecond=0))
    bot = BotProcess(sample_environment(tmp_path, emulator.url))
    bot.start()
    time.sleep(seconds)
    assert bot.stop() == 0
