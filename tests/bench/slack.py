"""``make bench-slack``: presses, redrawn cards, digests, homes and questions over many open cases, beside what the bare parts cost.

Each figure stands beside a floor measured in the same run: a Bolt app that only acknowledges, and the same count by plain SQL.
"""

import json
import queue
import statistics
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

from slack_bolt import App
from slack_bolt.adapter.socket_mode import SocketModeHandler
from slack_sdk import WebClient
from sqlalchemy import text

from bot.cases import commands as m
from bot.cases.card_snapshot import CardSnapshot
from bot.cases.commands import Claim
from bot.cases.decide import decide, record_entry
from bot.cases.entries import Gathered
from bot.cases.errors import RateLimited
from bot.cases.plan import Money
from bot.cases.recommendation import Recommendation
from bot.cases.signal import Signal
from bot.cases.sla import promise_sla
from bot.clock import utc_now
from bot.demo import launcher
from bot.demo.people import ANA, BEN, TEAM, WORKSPACE
from bot.ports.case_store import Change
from bot.ports.outbox import Topic
from bot.service import LANE_THREADS
from bot.views.app_home import HomeFilter
from handlers.cards import ids
from handlers.slack.chat import SlackChat
from handlers.slack.rate_limiter import RateLimiter
from handlers.slack.web_client import web_client
from tests.cases.making import plan, verdict
from tests.journeys.harbour import Harbour
from tests.world import request

QUICK = "quick" in sys.argv
MANY = 1_000 if QUICK else 10_000
SIGNALS = 1_000 if QUICK else 10_000
PRESSES = 200
PLACES = 10
MESSAGES = 500
SLOW_SECONDS = 0.15
QUESTIONS = (
    "What is open?",
    "What waits on me?",
    "Anything late?",
    "anything about bench 77?",
    "How many stock exceptions this week, and how long did they take?",
    "how many were rejected last month",
    "why was EX-12 rejected, and by whom?",
    "show EX-40",
    "what did you handle without me?",
    "zeppelin flights to mars",
)


def main() -> None:
    print(f"{'':34}{'p50':>10}{'p99':>10}   floor   aim")
    with tempfile.TemporaryDirectory() as folder:
        presses(Path(folder) / "presses")
    channels()
    with tempfile.TemporaryDirectory() as folder:
        lists(Path(folder) / "lists")


def told(name: str, seconds: list[float], floor: str, aim: str) -> None:
    ordered = sorted(seconds)
    middle, tail = (
        statistics.median(ordered),
        ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))],
    )
    print(f"{name:34}{middle * 1000:8.1f}ms{tail * 1000:8.1f}ms   {floor:8}{aim}")


def town(folder: Path) -> Harbour:
    folder.mkdir(parents=True)
    emulator = launcher.EmulatorProcess()
    emulator.wait()
    emulator.seed()
    fast = {
        "COUNTERSIGN_SLACK_PER_SECOND": "0",
        "COUNTERSIGN_STORM_AFTER": "0",
        "COUNTERSIGN_LOG_LEVEL": "CRITICAL",
    }
    return Harbour(folder, emulator, **fast)


# --- presses ---------------------------------------------------------------------------------------------------------------


def presses(folder: Path) -> None:
    floor = bare_acks()
    running = town(folder)
    running.settled()
    known = running.the("low_stock")
    cases = filled(running.desk, PRESSES + 40, "C0STOCK", known)
    running.until(
        lambda: sum(1 for case in cases if running.desk.store.cards.cards(case)) == len(cases),
        "cards",
        120,
    )
    values = {
        case: (
            running.desk.store.cards.cards(case)[0].ts,
            ids.token(running.desk.store.cases.case(case)),
        )
        for case in cases
    }

    def press(case):
        ts, value = values[case]
        answer = running.press(ANA, "C0STOCK", ts, "case.approve", value)
        return answer["ms"] / 1000 if answer["acked"] else 9.0

    with ThreadPoolExecutor(PRESSES) as pool:
        acks = list(pool.map(press, cases[:PRESSES]))
    told(f"press → ack, {PRESSES} at once", acks, f"{floor * 1000:.0f}ms", "p99 ≤ 200 ms")
    redrawn = []
    for case in cases[PRESSES : PRESSES + 30]:
        before = running.desk.store.cards.cards(case)[0].version
        began = time.perf_counter()
        running.desk.decisions.decide(
            request(case, f"{TEAM}/{ANA}", CardSnapshot.of(running.desk.store.cases.case(case))),
            Claim,
        )
        while running.desk.store.cards.cards(case)[0].version == before:
            time.sleep(0.002)
        redrawn.append(time.perf_counter() - began)
    told("press → card redrawn", redrawn, "", "p50 ≤ 150 ms")
    calls = sum(running.emulator.get("traffic")["calls"].values())
    with ThreadPoolExecutor(8) as pool:
        list(
            pool.map(
                lambda n: running.desk.intake.receive(replace(known.signal, key=f"s{n}"), b""),
                range(SIGNALS),
            )
        )
    time.sleep(3)
    spent = sum(running.emulator.get("traffic")["calls"].values()) - calls
    print(
        f"{f'Slack calls for {SIGNALS:,} signals':34}{spent:>10}            (of one fingerprint, no pacing)"
    )
    running.close()
    running.emulator.close()


def channels() -> None:
    """Messages a second to ten places of a Slack that answers in 150 ms, from the threads that draw cards."""
    emulator = launcher.EmulatorProcess()
    emulator.wait()
    emulator.post("seed", WORKSPACE)
    places = [one["id"] for one in WORKSPACE["channels"] + WORKSPACE["users"]][:PLACES]
    client = web_client("xoxb-bench", f"{emulator.url}/api/")
    chat = SlackChat(client, RateLimiter(0, 1))
    emulator.post("faults", {"slow_for": SLOW_SECONDS})

    waiting: queue.PriorityQueue[tuple[float, int]] = queue.PriorityQueue()
    for number in range(MESSAGES):
        waiting.put((0.0, number))
    left = threading.Semaphore(MESSAGES)

    def send(_: int) -> None:
        while left.acquire(blocking=False):
            due, number = waiting.get()
            try:
                # As a worker does: what is sent away comes back in its time, and others go first.
                time.sleep(max(0.0, due - time.monotonic()))
                chat.send(places[number * 7919 % PLACES], "hello", f"k{number}")
            except RateLimited as refusal:
                waiting.put((time.monotonic() + refusal.seconds, number))
                left.release()

    began, spent = time.monotonic(), time.process_time()
    with ThreadPoolExecutor(LANE_THREADS["chat"]) as pool:
        list(pool.map(send, range(LANE_THREADS["chat"])))
    rate = MESSAGES / (time.monotonic() - began)
    cost = (time.process_time() - spent) * 1000 / MESSAGES
    print(
        f"{'cards a second, Slack at 150 ms':34}{rate:8.1f}/s {cost:8.2f}ms CPU each   aim ≥ 50/s"
    )
    emulator.close()


def bare_acks() -> float:
    """p99 of a Bolt app that only acknowledges, pressed as often at once."""
    emulator = launcher.EmulatorProcess()
    emulator.wait()
    emulator.post("seed", WORKSPACE)
    client = WebClient("xoxb-floor", base_url=f"{emulator.url}/api/", retry_handlers=[])
    app = App(client=client, process_before_response=True, token_verification_enabled=False)
    app.action("go")(lambda ack: ack())
    handler = SocketModeHandler(
        app,
        "xapp-floor",
        web_client=WebClient("xapp-floor", base_url=f"{emulator.url}/api/"),
        concurrency=16,
    )
    handler.connect()
    button = {
        "type": "button",
        "action_id": "go",
        "text": {"type": "plain_text", "text": "Go"},
        "value": "x",
    }
    ts = client.chat_postMessage(
        channel="C0STOCK", text="x", blocks=[{"type": "actions", "elements": [button]}]
    )["ts"]
    time.sleep(0.5)

    def press(number):
        return (
            emulator.post("click", {"as": ANA, "channel": "C0STOCK", "ts": ts, "action_id": "go"})[
                "ms"
            ]
            / 1000
        )

    with ThreadPoolExecutor(PRESSES) as pool:
        acks = sorted(pool.map(press, range(PRESSES)))
    handler.close()
    emulator.close()
    return acks[int(len(acks) * 0.99) - 1]


# --- lists -----------------------------------------------------------------------------------------------------------------


def lists(folder: Path) -> None:
    running = town(folder)
    running.settled()
    filled(running.desk, MANY, "C0STOCK", running.the("low_stock"), cards=False)
    database = running.desk.store.database
    bare = []
    for _ in range(20):
        began = time.perf_counter()
        with database.read() as connection:
            connection.execute(text("SELECT count(*) FROM cases WHERE state = 'PROPOSED'")).scalar()
        bare.append(time.perf_counter() - began)
    floor = f"{statistics.median(bare) * 1000:.1f}ms"
    running.desk.screens.app_home.chat.publish_home(
        running.desk.screens.app_home.compose(f"{TEAM}/{BEN}", HomeFilter())
    )
    homes = []
    for _ in range(15):
        began = time.perf_counter()
        running.desk.screens.app_home.chat.publish_home(
            running.desk.screens.app_home.compose(f"{TEAM}/{ANA}", HomeFilter())
        )
        homes.append(time.perf_counter() - began)
    told(f"App Home, {MANY:,} open", homes, floor, "≤ 200 ms")
    answers = []
    for _ in range(5):
        for question in QUESTIONS:
            began = time.perf_counter()
            running.desk.conversation.questions.answer(question, by=f"{TEAM}/{ANA}")
            answers.append(time.perf_counter() - began)
    told("question, without a model", answers, floor, "p50 ≤ 200 ms")
    digest(running)
    running.close()
    running.emulator.close()


def digest(running: Harbour) -> None:
    now = running.clock()
    calls = running.emulator.get("traffic")["calls"]
    began = time.perf_counter()
    gathered = running.desk.screens.digests.compose(
        key="digest:C0STOCK:1", place="C0STOCK", due=now, live_list=None
    )
    running.desk.screens.digests.chat.post_digest(gathered, None, look_first=True)
    took = time.perf_counter() - began
    after = running.emulator.get("traffic")["calls"]
    spent = {
        name: after[name] - calls.get(name, 0)
        for name in after
        if after[name] != calls.get(name, 0)
    }
    told(f"digest over {MANY:,} open", [took], "", "≤ 2 s")
    print(f"{'Slack calls for the digest':34}{sum(spent.values()):>10}   {json.dumps(spent)}   ≤ 3")


def filled(desk, many: int, channel: str, like, *, cards: bool = True) -> list[str]:
    """So many cases that wait for a decision, written through the store."""
    now = utc_now()

    def one(number: int) -> str:
        signal = Signal(
            source="bench",
            key=f"b{number}",
            kind="low_stock",
            subject=f"bench:{number}",
            title=f"bench {number} is low",
            occurred_at=None,
            facts=dict(like.signal.facts),
        )
        opened_at = now - timedelta(minutes=number % 1_200)
        sla = promise_sla(opened_at, decide_for=timedelta(days=2), resolve_for=timedelta(days=4))
        case_id = f"EX-{1_000 + number}"
        decision = decide(
            None,
            m.Open(
                case_id=case_id, signal=signal, owner="floor-managers", channel=channel, sla=sla
            ),
            opened_at,
        )
        stake = Money(Decimal(number % 977), "GBP")
        gathered = Gathered(evidence=(), what=f"bench {number}", why="because", stake=stake)
        decision = decision.then(record_entry(decision.case, gathered, opened_at))
        proposal = replace(
            plan(),
            case_id=case_id,
            actions=like.proposal.plan.actions,
            not_after=now + timedelta(days=9),
        )
        recommend = m.Recommend(Recommendation("house.order_stock", "r", "b"), proposal, verdict())
        decision = decision.then(decide(decision.case, recommend, now))
        drawn = (desk_card(case_id, now),) if cards else ()
        desk.store.cases.commit(
            Change(before=None, entries=decision.entries, after=decision.case, messages=drawn)
        )
        return case_id

    with ThreadPoolExecutor(16) as pool:
        return list(pool.map(one, range(many)))


def desk_card(case_id: str, now):
    from bot.ports.outbox import OutboxMessage

    return OutboxMessage(topic=Topic.CARD, key=f"card:{case_id}", case_id=case_id, run_at=now)


if __name__ == "__main__":
    main()
