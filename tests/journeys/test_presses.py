"""Presses: all are acknowledged in Slack's time, and few calls follow from each."""

import itertools
import json
import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta

import pytest

from bot.audit.replay import replay
from bot.cases.lifecycle import State
from bot.demo.people import BEN
from bot.desk import effects
from bot.ports.outbox import Topic
from handlers.cards import ids
from handlers.slack.api import SlackApi
from tests.journeys.harbour import harbour

pytestmark = [pytest.mark.journey, pytest.mark.timeout(900), pytest.mark.proof]
PRESSES = 200
SIGNALS_PER_SECOND = 50
FAST = {"COUNTERSIGN_SLACK_PER_SECOND": "0", "COUNTERSIGN_STORM_AFTER": "0"}
SLACK_SECONDS = 3.0
#: Otherwise a card would be there by now.
WORK_SECONDS = 1.0
TOPICS = (Topic.TRIAGE, Topic.EXECUTE, Topic.CARD, Topic.NOTE)


@pytest.fixture
def town(tmp_path, emulator):
    with harbour(tmp_path, emulator, **FAST) as running:
        yield running


def test_two_hundred_presses_at_once_are_acknowledged_in_time_while_signals_arrive(town):
    town.settled()
    facts = dict(town.the("low_stock").signal.facts)
    with ThreadPoolExecutor(8) as pool:
        case_ids = list(pool.map(lambda n: low_stock(town, f"press-{n}", facts), range(PRESSES)))
    town.until(lambda: all(is_asked(town, case_id) for case_id in case_ids), "a card each", 180)
    cases = [town.desk.store.cases.case(case_id) for case_id in case_ids]
    presses = [(case.channel, town.card(case)["ts"], ids.token(case)) for case in cases]
    # Slack's own limit, and no longer one for a busy machine. One with more to do than it has
    # processors for gives everyone less.
    load = max(1.0, os.getloadavg()[0] / os.cpu_count())
    town.emulator.post("faults", {"answer_within": SLACK_SECONDS * load})

    def press(place):
        channel, ts, value = place
        return town.press(BEN, channel, ts, ids.APPROVE, value)

    with arriving_signals(town, facts), ThreadPoolExecutor(PRESSES) as pool:
        answers = list(pool.map(press, presses))
    assert [answer["acked"] for answer in answers].count(True) == PRESSES
    for case in cases:
        names = [entry.body.name for entry in town.desk.store.cases.entries(case.id)]
        assert "approval.given" in names
    town.until(lambda: not waiting(town), "all that follows", 600)
    assert replay(town.desk.store.database).differences == ()


def test_while_somebody_decides_signals_are_received_and_cards_wait(town, monkeypatch):
    town.settled()
    facts = dict(town.the("low_stock").signal.facts)
    town.until(lambda: not waiting(town), "quiet")
    priority = town.desk.decisions.priority
    # However busy this machine is, it must not go on by itself.
    monkeypatch.setattr(priority, "_max_wait", 600.0)
    monkeypatch.setattr(priority, "_max_rush", 600.0)
    with priority:
        case_id = low_stock(town, "meanwhile", facts)
        time.sleep(WORK_SECONDS)
        assert not is_asked(town, case_id)
    town.until(lambda: is_asked(town, case_id), "its card")


def low_stock(town, key, facts):
    """Report that a bottle runs low. Return the id of its case."""
    receipt = town.signal(
        key=key,
        kind="low_stock",
        subject=f"product:{key}",
        title=f"Bottle {key} is running low",
        facts=facts,
    )
    return receipt["case"]


def is_asked(town, case_id):
    case = town.desk.store.cases.case(case_id)
    return case.state is State.PROPOSED and bool(town.desk.store.cards.cards(case_id))


@contextmanager
def arriving_signals(town, facts):
    """Send signals at a steady rate while the block runs."""
    ending = threading.Event()

    def send():
        with ThreadPoolExecutor(8) as pool:
            for number in itertools.count():
                if ending.wait(1 / SIGNALS_PER_SECOND):
                    return
                pool.submit(low_stock, town, f"meanwhile-{number}", facts)

    thread = threading.Thread(target=send)
    thread.start()
    try:
        yield
    finally:
        ending.set()
        thread.join()


def test_a_press_in_the_usual_case_costs_two_calls_of_slack(town, monkeypatch):
    """The card is drawn once, with the outcome, and one note says what led to it."""
    # Here a plan may take longer than a second.
    monkeypatch.setattr(effects, "CARD_DELAY", timedelta(minutes=5))
    town.settled()
    case = town.the("low_stock")
    town.until(lambda: not waiting(town), "quiet")
    card = town.card(case)["ts"]
    calls = []
    post = SlackApi.post_to

    def post_to(self, method, channel, **arguments):
        if card in {arguments.get("ts"), arguments.get("thread_ts")}:
            calls.append((method, json.dumps(arguments["blocks"])))
        return post(self, method, channel, **arguments)

    monkeypatch.setattr(SlackApi, "post_to", post_to)
    assert town.approve(BEN, case)["acked"]
    town.until(lambda: town.case(case).state is State.RESOLVED, "the order")
    town.until(lambda: not waiting(town), "quiet")
    assert sorted(method for method, _ in calls) == ["chat.postMessage", "chat.update"]
    words = dict(calls)
    assert ":RESOLVED" in words["chat.update"]
    assert "approved" in words["chat.postMessage"]
    assert "Done" in words["chat.postMessage"]


def waiting(town):
    """Tell whether anything is in hand, or due within two seconds."""
    outbox = town.desk.store.outbox
    backlog = outbox.backlog()
    is_in_hand = any(backlog.get(f"{topic} leased") for topic in TOPICS)
    return is_in_hand or outbox.has_due(TOPICS, town.clock() + timedelta(seconds=2))
