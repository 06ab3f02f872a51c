"""Two bots on one PostgreSQL and one Slack, one of them killed in the middle: every signal one card, every approval one effect."""

import sqlite3
import uuid
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

from bot.audit.replay import replay
from bot.cases.policy import RiskTier
from bot.clock import utc_now
from bot.demo.company import write_database
from bot.demo.people import STOCK
from bot.demo.processes import BotProcess
from bot.store.database import Database
from bot.store.store import Store
from tests.conftest import _create
from tests.journeys.bots import sample_environment, send_low_stock
from tests.waiting import wait_until

pytestmark = pytest.mark.journey
CASES = 24


def _case_id(message):
    """The case that a message is the card of; empty for any other message."""
    metadata = message.get("metadata") or {}
    if metadata.get("event_type") != "exception_card":
        return ""
    return metadata["event_payload"]["uid"].partition("/")[0]


def _title(store, card):
    return store.cases.case(_case_id(card)).signal.title


@pytest.mark.timeout(600)
def test_two_processes_share_the_work_and_one_may_die(postgres, emulator, tmp_path):
    name = f"two{uuid.uuid4().hex[:10]}"
    # Empty: both make its tables at the same moment.
    _create(postgres, name)
    write_database(tmp_path / "company.db", utc_now().replace(tzinfo=None, microsecond=0))
    shared = {
        "COUNTERSIGN_DATABASE_URL": f"{postgres}/{name}",
        "COUNTERSIGN_LOG_LEVEL": "CRITICAL",
        "COUNTERSIGN_LEASE_FOR": "2",
        "COUNTERSIGN_SLACK_PER_SECOND": "0",
        "COUNTERSIGN_STORM_AFTER": "0",
    }
    bots = [BotProcess(sample_environment(tmp_path, emulator.url, **shared)) for _ in range(2)]
    database = Database(f"{postgres}/{name}")
    store = Store.over(database)

    def cards():
        return [message for message in emulator.messages(STOCK) if _case_id(message)]

    def cards_of_bins():
        return [card for card in cards() if _title(store, card).startswith("Bin ")]

    try:
        with ThreadPoolExecutor() as starts:
            list(starts.map(BotProcess.start, bots))
        wait_until(lambda: emulator.get("traffic")["connections"] == 2, "two connections")
        outcomes = Counter(
            send_low_stock(bots[(number + again) % 2], number)
            for again in range(2)
            for number in range(1, CASES + 1)
        )
        assert outcomes == {"opened": CASES, "duplicate": CASES}
        wait_until(lambda: len(cards_of_bins()) == CASES, "a card for every case")
        for count, card in enumerate(cards_of_bins()):
            if count == CASES // 2:
                bots[0].kill()
            verdict = store.cases.case(_case_id(card)).proposal.verdict
            who = "U0ANA" if verdict and verdict.tier is RiskTier.LOW else "U0BEN"
            emulator.post(
                "click",
                {"as": who, "channel": STOCK, "ts": card["ts"], "action_id": "case.approve"},
            )
        bots[0].start()
        ours = [case for case in store.queries.newest(limit=200) if case.signal.source == "api"]
        wait_until(
            lambda: (
                not any(
                    store.cases.case(case.id).state.name in {"APPROVED", "RUNNING"} for case in ours
                )
            ),
            "what was approved to end",
        )
        # What is left is asked for later: another look, the end of the window for taking back, and
        # calls that wait for the morning.
        later = {"follow_up ready", "card ready", "call ready"}
        wait_until(
            lambda: set(store.outbox.backlog()) <= later,
            "the rest of the work",
        )
        ended = [store.cases.case(case.id) for case in ours]
        with sqlite3.connect(tmp_path / "company.db") as company:
            ordered = dict(company.execute("SELECT product_id, on_order FROM stock"))
        company.close()
        for case in ended:
            wanted = (
                int(str(case.proposal.plan.actions[0].parameters["quantity"]))
                if case.state.name == "RESOLVED"
                else 0
            )
            assert ordered[case.signal.facts["product_id"]] == wanted, case
        assert sum(case.state.name == "RESOLVED" for case in ended) >= CASES // 2
        uids = Counter(card["metadata"]["event_payload"]["uid"] for card in cards())
        assert {uid: count for uid, count in uids.items() if count != 1} == {}
        assert replay(store.database).differences == ()
    finally:
        for bot in bots:
            bot.stop()
        database.close()
