"""A bot works before its memory opens."""

import contextlib
import itertools
import json
import os
import signal
import urllib.request
from functools import partial

import psutil
import pytest

from bot.cli.doctor import memory_findings
from bot.clock import utc_now
from bot.demo.company import write_database
from bot.demo.people import STOCK
from bot.demo.processes import BotProcess
from bot.store.database import Database
from bot.store.migrate import migrate
from bot.store.precedents import SqlPrecedentStore
from knowledge.memory.helper_client import HelperClient, HelperOptions
from knowledge.memory.helper_protocol import HelperAddress
from knowledge.memory.token_table import TokenTable
from tests.journeys.bots import sample_environment, send_low_stock
from tests.store.test_precedents import precedent
from tests.waiting import wait_until

pytestmark = [pytest.mark.journey, pytest.mark.timeout(600), pytest.mark.proof]
#: What a card says of its precedents.
PRECEDENTS = "like it worked"


@pytest.fixture
def stopped_helper(tmp_path):
    """Start a memory helper that stands still; opening waits for it."""
    folder = tmp_path / "memory"
    client = HelperClient(HelperOptions(folder, "", TokenTable.identity, ""))
    client.channel().request("count")
    pid = HelperAddress.read(folder).pid
    os.kill(pid, signal.SIGSTOP)
    yield pid
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGCONT)
    client.close()


@pytest.fixture
def bot(emulator, tmp_path, stopped_helper):
    """A bot with precedents of before, whose index was deleted."""
    write_database(tmp_path / "company.db", utc_now().replace(tzinfo=None, microsecond=0))
    database = Database(f"sqlite:///{tmp_path / 'countersign.db'}")
    migrate(database)
    past = [precedent(f"EX-{number}.1", signal_text=f"Bin {number} is low") for number in range(50)]
    SqlPrecedentStore(database).save(past)
    database.close()
    process = BotProcess(sample_environment(tmp_path, emulator.url, COUNTERSIGN_STORM_AFTER="0"))
    yield process
    process.kill()


def get(bot, path):
    with urllib.request.urlopen(f"{bot.url}{path}", timeout=60) as response:
        return response.read().decode()


def find_card(emulator, number):
    """Return the card of this signal as text, if any."""
    for message in emulator.messages(STOCK):
        metadata = message.get("metadata") or {}
        text = json.dumps(message, ensure_ascii=False)
        if metadata.get("event_type") == "exception_card" and f"Bin {number} is low" in text:
            return text
    return ""


def recalls(bot, outcome):
    """Tell whether a search for precedents has ended so."""
    return f'countersign_recalls_total{{outcome="{outcome}"}}' in get(bot, "/metrics")


def test_a_start_waits_for_no_memory_which_joins_later(bot, emulator, stopped_helper):
    # It returns when the bot says that it is ready.
    bot.start()
    assert json.loads(get(bot, "/healthz"))
    assert send_low_stock(bot, 1) == "opened"
    wait_until(lambda: find_card(emulator, 1), "a card while memory is not open")
    assert PRECEDENTS not in find_card(emulator, 1)
    assert recalls(bot, "unavailable")
    assert not recalls(bot, "answered")
    with contextlib.suppress(ProcessLookupError):
        os.kill(stopped_helper, signal.SIGCONT)
    wait_until(partial(has_precedents, bot, emulator, itertools.count(2)), "a card with precedents")
    assert recalls(bot, "answered")
    assert bot.stop() == 0


def has_precedents(bot, emulator, numbers):
    """Raise one more case, and tell whether its card has precedents."""
    number = next(numbers)
    assert send_low_stock(bot, number) == "opened"
    wait_until(lambda: find_card(emulator, number), "a card")
    return PRECEDENTS in find_card(emulator, number)


def test_memory_comes_back_by_itself_from_a_helper_that_never_answers_again(
    bot, emulator, stopped_helper, tmp_path
):
    folder = tmp_path / "memory"
    # The doctor ends nothing: it looks, and says who will.
    (finding,) = memory_findings(folder, welcome_timeout=5)
    assert f"(process {stopped_helper}) stands still" in finding.sentence
    bot.start()
    assert json.loads(get(bot, "/readyz"))["status"] == "ready"
    wait_until(partial(has_precedents, bot, emulator, itertools.count(1)), "a card with precedents")
    process = psutil.Process(stopped_helper)
    assert process.status() == psutil.STATUS_ZOMBIE
    assert HelperAddress.read(folder).pid != stopped_helper
    assert json.loads(get(bot, "/readyz"))["warnings"] == []
    assert list(memory_findings(folder)) == []
    assert bot.stop() == 0
