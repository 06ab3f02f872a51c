"""One bot as several processes: two workers share the work, die in the middle, and end with the bot."""

import contextlib
import sqlite3
import urllib.error
import urllib.request
from collections import Counter

import psutil
import pytest

from bot.audit.replay import replay
from bot.cases.policy import RiskTier
from bot.clock import utc_now
from bot.demo.company import write_database
from bot.demo.people import STOCK
from bot.demo.processes import BotProcess
from bot.store.database import Database
from bot.store.store import Store
from tests.journeys.bots import sample_environment, send_low_stock
from tests.journeys.test_two_processes import _case_id
from tests.waiting import wait_until

pytestmark = [pytest.mark.journey, pytest.mark.timeout(600), pytest.mark.proof]
CASES = 100
PRESSES = 24
# Asked for later: another look, the end of the window for taking back, calls that wait.
LATER = {"follow_up ready", "card ready", "call ready"}


@pytest.fixture
def bot(database_url, emulator, tmp_path):
    """A bot with two workers, on each database."""
    write_database(tmp_path / "company.db", utc_now().replace(tzinfo=None, microsecond=0))
    environment = sample_environment(
        tmp_path,
        emulator.url,
        COUNTERSIGN_DATABASE_URL=database_url,
        COUNTERSIGN_EMBEDDINGS="words",
        COUNTERSIGN_LOG_LEVEL="CRITICAL",
        COUNTERSIGN_LEASE_FOR="2",
        COUNTERSIGN_SLACK_PER_SECOND="0",
        COUNTERSIGN_STORM_AFTER="0",
    )
    running = BotProcess(environment, workers=3)
    running.start()
    wait_until(lambda: emulator.get("traffic")["connections"] == 1, "the socket of the doors")
    yield running
    running.stop()


def workers_of(bot):
    """Return the worker processes by their numbers."""
    workers = {}
    for child in psutil.Process(bot.pid).children():
        # One that has just died has no command.
        with contextlib.suppress(psutil.NoSuchProcess):
            command = child.cmdline()
            if "--worker" in command:
                workers[int(command[-1])] = child
    return workers


def is_gone(process):
    return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE


def open_cards(emulator):
    return [message for message in emulator.messages(STOCK) if _case_id(message)]


def approve(emulator, case, card):
    verdict = case.proposal.verdict
    person = "U0ANA" if verdict and verdict.tier is RiskTier.LOW else "U0BEN"
    emulator.post(
        "click", {"as": person, "channel": STOCK, "ts": card["ts"], "action_id": "case.approve"}
    )


def test_two_workers_share_a_hundred_cases_and_both_may_die(bot, emulator, database_url, tmp_path):
    database = Database(database_url)
    store = Store.over(database)
    first = workers_of(bot)
    try:
        outcomes = Counter()
        for number in range(1, CASES + 1):
            outcomes[send_low_stock(bot, number)] += 1
            if number == CASES // 2:
                # It has every lane; what it had under lease is done by its successor.
                first[1].kill()
        assert outcomes == {"opened": CASES}
        wait_until(lambda: len(sent_cards(store, emulator)) == CASES, "a card for every case")
        for count, card in enumerate(sent_cards(store, emulator)[:PRESSES]):
            if count == PRESSES // 2:
                first[2].kill()
            approve(emulator, store.cases.case(_case_id(card)), card)
        wait_until(lambda: set(store.outbox.backlog()) <= LATER, "the rest of the work")
        ours = [case for case in store.queries.newest(limit=400) if case.signal.source == "api"]
        with sqlite3.connect(tmp_path / "company.db") as company:
            ordered = dict(company.execute("SELECT product_id, on_order FROM stock"))
        company.close()
        assert len(ours) == CASES
        for case in ours:
            assert ordered[case.signal.facts["product_id"]] == quantity(store, case), case
        assert sum(case.state.name == "RESOLVED" for case in ours) >= PRESSES // 2
        uids = Counter(card["metadata"]["event_payload"]["uid"] for card in open_cards(emulator))
        assert {uid: count for uid, count in uids.items() if count != 1} == {}
        assert replay(store.database).differences == ()
        wait_until(lambda: len(workers_of(bot)) == 2, "both workers")
        second = workers_of(bot)
        assert {second[number].pid for number in (1, 2)}.isdisjoint(
            first[number].pid for number in (1, 2)
        )
        assert bot.stop() == 0
        assert all(map(is_gone, second.values()))
    finally:
        database.close()


def sent_cards(store, emulator):
    return [
        card
        for card in open_cards(emulator)
        if store.cases.case(_case_id(card)).signal.source == "api"
    ]


def quantity(store, case):
    """Return how much of its product the case has ordered."""
    if case.state.name != "RESOLVED":
        return 0
    return int(str(case.proposal.plan.actions[0].parameters["quantity"]))


def test_the_bot_goes_on_without_a_worker_and_none_outlives_it(bot, emulator, database_url):
    """Three stories of one bot: that its processes start is what takes long."""
    a_worker_that_stands_still_does_not_hold_up_the_others(bot, emulator, database_url)
    readiness_and_metrics_tell_of_a_missing_worker(bot)
    workers_end_with_their_bot_however_it_ends(bot)


def workers_end_with_their_bot_however_it_ends(bot):
    workers = workers_of(bot)
    assert sorted(workers) == [1, 2]
    bot.kill()
    wait_until(lambda: all(map(is_gone, workers.values())), "the end of the workers")


def a_worker_that_stands_still_does_not_hold_up_the_others(bot, emulator, database_url):
    """The other one finds the messages for which this one was woken."""
    database = Database(database_url)
    store = Store.over(database)
    workers = workers_of(bot)
    wait_until(lambda: set(store.outbox.backlog()) <= LATER, "the cases of the morning")
    wait_until(lambda: stands_still(workers[2], database), "a worker between two transactions")
    try:
        for number in range(1, 11):
            send_low_stock(bot, number)
        wait_until(lambda: len(sent_cards(store, emulator)) == 10, "every card")
    finally:
        workers[2].resume()
        database.close()


def stands_still(worker, database):
    """Suspend a worker, unless it would hold the lock of the file meanwhile."""
    worker.suspend()
    if not database.is_sqlite:
        return True
    path = database.engine.url.database
    with contextlib.closing(sqlite3.connect(path, timeout=5, isolation_level=None)) as connection:
        try:
            connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            worker.resume()
            return False
    return True


def readiness_and_metrics_tell_of_a_missing_worker(bot):
    def says_so():
        # Each answer about readiness is kept for seconds.
        worker = workers_of(bot).get(2)
        if worker:
            worker.kill()
        return b"worker 2 of 2 is not open" in read(f"{bot.url}/readyz")

    wait_until(says_so, "the sentence")
    assert b'countersign_workers{state="configured"} 2.0' in read(f"{bot.url}/metrics")
    wait_until(lambda: b'"ready"' in read(f"{bot.url}/readyz"), "another worker")
    assert b'countersign_workers{state="open"} 2.0' in read(f"{bot.url}/metrics")


def read(url):
    try:
        with urllib.request.urlopen(url, timeout=60) as answer:
            return answer.read()
    except urllib.error.HTTPError as error:
        return error.read()
