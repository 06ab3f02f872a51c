"""``make bench``: receipt to card, cases a second, presses, memory, the ledger, and Slack's bad days. ``ARGS=quick`` for a short run."""

import contextlib
import http.client
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil

from bot.audit.checkpoints import Checkpoints
from bot.audit.export import export
from bot.audit.replay import replay
from bot.audit.verifier import verify
from bot.demo import launcher
from bot.demo.people import WORKSPACE
from bot.store.database import Database
from bot.store.projection import Line
from bot.store.store import Store
from tests.conftest import free_port

QUICK = "quick" in sys.argv
RUNS = 1 if QUICK else 3
CHANNEL = "C0STOCK"


class Rig:
    """An emulator, and something that turns signals into messages there."""

    def __init__(self, kind: str, folder: Path, url: str = "") -> None:
        self.kind, self.emulator = kind, launcher.EmulatorProcess()
        self.emulator.wait()
        self.emulator.post("seed", WORKSPACE)
        if kind == "floor":
            self.port = free_port()
            self.process = subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    "tests.bench.floor",
                    str(self.port),
                    self.emulator.url,
                    str(folder / "floor.db"),
                ]
            )
            began = time.monotonic()
            self.ready_in = self._wait(began)
            self.pid = self.process.pid
            return
        past = Path(tempfile.gettempdir()) / "countersign-bench-past"
        shutil.copytree(launcher.prepare_sample_data(past).folder, folder, dirs_exist_ok=True)
        for left in folder.glob("countersign.db*"):
            left.unlink()
        more = {"COUNTERSIGN_DATABASE_URL": url} if url else {}
        fast = {
            "COUNTERSIGN_SLACK_PER_SECOND": "0",
            "COUNTERSIGN_STORM_AFTER": "0",
            "COUNTERSIGN_LOG_LEVEL": "CRITICAL",
            "COUNTERSIGN_SETTLE_FOR": "1",
        }
        self.environment = launcher.sample_environment(folder, self.emulator.url, **fast, **more)
        self.bot = launcher.BotProcess(self.environment)
        self.ready_in = self.bot.start()
        self.port, self.pid = int(self.environment["COUNTERSIGN_PORT"]), self.bot.pid
        time.sleep(2)

    def _wait(self, began):
        while True:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{self.port}/readyz", timeout=1).close()
                return time.monotonic() - began
            except OSError:
                time.sleep(0.02)

    def close(self):
        if self.kind == "floor":
            self.process.terminate()
            self.process.wait()
        else:
            self.bot.stop()
        self.emulator.close()

    def memory(self) -> float:
        return psutil.Process(self.pid).memory_info().rss / 2**20

    # --- sending ---

    def body(self, key):
        product = sum(map(ord, key)) % 160 + 1
        return {
            "key": key,
            "kind": "low_stock",
            "subject": f"product:{product}:{key}",
            "title": f"bench {key}",
            "facts": {"product_id": product},
        }

    def sender(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        headers = {
            "Content-Type": "application/json",
            "Authorization": "Bearer sample-source-token",
        }

        def send(key):
            began = time.time()
            connection.request("POST", "/v1/signals", json.dumps(self.body(key)), headers)
            answer = connection.getresponse()
            answer.read()
            if answer.status >= 400:
                raise RuntimeError(f"{answer.status}")
            return began

        return send

    def cards(self) -> dict[str, float]:
        """Title to the time its card was posted, by Slack's clock, which is ours."""
        posted = {}
        for message in self.emulator.messages(CHANNEL):
            words = message["text"].split("bench ")
            if message.get("metadata", {}).get("event_type") == "exception_card" and len(words) > 1:
                posted.setdefault(words[1].split(" ")[0], float(message["ts"]))
        return posted

    def wait_for(self, keys, seconds=120.0):
        ends = time.monotonic() + seconds
        while time.monotonic() < ends:
            posted = self.cards()
            if all(key in posted for key in keys):
                return posted
            time.sleep(0.1 if len(keys) < 500 else 0.5)
        return self.cards()


def quantiles(values):
    ordered = sorted(values)
    return statistics.median(ordered), ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))]


def latency(rig, name, count, per_second):
    """Open loop: signals leave on time, whatever comes back."""
    sent, lock = {}, threading.Lock()
    pool, local = ThreadPoolExecutor(8), threading.local()

    def one(key):
        if not hasattr(local, "send"):
            local.send = rig.sender()
        began = local.send(key)
        with lock:
            sent[key] = began

    keys = [f"{name}-{n}" for n in range(count)]
    began = time.monotonic()
    for n, key in enumerate(keys):
        time.sleep(max(0.0, began + n / per_second - time.monotonic()))
        pool.submit(one, key)
    pool.shutdown()
    posted = rig.wait_for(keys)
    return quantiles([(posted[key] - sent[key]) * 1000 for key in keys])


def burst(rig, name, count, threads=16):
    """Closed loop: as fast as it takes them. Signals durable a second, and cases with a card a second."""
    keys = [f"{name}-{n}" for n in range(count)]
    began = time.time()

    def some(mine):
        send = rig.sender()
        for key in mine:
            send(key)

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(some, [keys[n::threads] for n in range(threads)]))
    durable = time.time() - began
    posted = rig.wait_for(keys, 300)
    done = max(posted[key] for key in keys) - began
    return count / durable, count / done, durable


def presses(rig, name, at_once, rounds):
    """Press to ack as the emulator sees it, and press to the system of record as the ledger tells it."""
    count = at_once * rounds
    keys = [f"{name}-{n}" for n in range(count)]
    send = rig.sender()
    for key in keys:
        send(key)
    rig.wait_for(keys)
    messages = [
        message for message in rig.emulator.messages(CHANNEL) if f"bench {name}-" in message["text"]
    ]
    acks, pressed = [], {}

    def press(message):
        case_id = message["metadata"]["event_payload"]["uid"].partition("/")[0]
        action = next(block for block in message["blocks"] if block["type"] == "actions")[
            "elements"
        ][0]["action_id"]
        who = "U0ANA" if "low risk" in json.dumps(message["blocks"]) else "U0BEN"
        pressed[case_id] = time.time()
        answer = rig.emulator.post(
            "click", {"as": who, "channel": CHANNEL, "ts": message["ts"], "action_id": action}
        )
        if answer.get("acked"):
            acks.append(answer["ms"])

    with ThreadPoolExecutor(at_once) as pool:
        for start in range(0, count, at_once):
            list(pool.map(press, messages[start : start + at_once]))
            time.sleep(0.2)
    time.sleep(2)
    database = Database(
        rig.environment.get("COUNTERSIGN_DATABASE_URL")
        or f"sqlite:///{rig.environment['COUNTERSIGN_DATA_DIR']}/countersign.db"
    )
    store, landed = Store.over(database), []
    for case_id, at in pressed.items():
        for entry in store.cases.entries(case_id):
            if entry.body.name == "step.reported":
                landed.append((entry.at.timestamp() - at) * 1000)
    database.close()
    return quantiles(acks), quantiles(landed) if landed else (0.0, 0.0), len(acks), len(landed)


def bad_day(rig, name, fault):
    """A hundred signals while Slack misbehaves: how many cards are missing, how many are there twice, what was refused."""
    rig.emulator.post("faults", fault)
    keys = [f"{name}-{n}" for n in range(100)]
    send, began = rig.sender(), time.monotonic()
    for key in keys:
        send(key)
    rig.wait_for(keys, 150)
    took = time.monotonic() - began
    after = rig.emulator.get("traffic")
    urllib.request.urlopen(
        urllib.request.Request(f"{rig.emulator.url}/_ctl/faults", method="DELETE")
    ).close()
    time.sleep(1)
    titles = [
        message["text"].split("bench ")[1].split(" ")[0]
        for message in rig.emulator.messages(CHANNEL)
        if f"bench {name}-" in message["text"] and "thread_ts" not in message
    ]
    return len(set(keys) - set(titles)), len(titles) - len(set(titles)), after, took


def ledger_of(entries):
    """Verify a ledger of so many entries: the past of the sample company, again and again under other case numbers."""
    with tempfile.TemporaryDirectory() as folder:
        source = launcher.prepare_sample_data(
            Path(tempfile.gettempdir()) / "countersign-bench-past"
        ).folder
        shutil.copy(source / "countersign.db", f"{folder}/l.db")
        database = Database(f"sqlite:///{folder}/l.db")
        store = Store.over(database)
        rows = [(row.case_id, row.version, bytes(row.body)) for row in store.ledger.rows()]
        for again in range(entries // len(rows)):
            renamed = [
                Line(
                    case_id=f"{case_id}9{again:04d}",
                    version=version,
                    body=body.replace(
                        f'"{case_id}"'.encode(), f'"{case_id}9{again:04d}"'.encode()
                    ),
                )
                for case_id, version, body in rows
            ]
            database.write(lambda unit, renamed=renamed: unit._lines.extend(renamed))
        Checkpoints(Path(folder) / "cp", "bench").sign(store.ledger)
        count = store.ledger.head()[0]
        began = time.monotonic()
        export(store.ledger, Path(folder) / "l.jsonl")
        exported = time.monotonic() - began
        findings = verify(f"{folder}/l.jsonl", f"{folder}/cp")[0]
        verified = time.monotonic() - began - exported
        replay(store.database)
        folded = time.monotonic() - began - exported - verified
        database.close()
    return count, exported, verified, folded, len(findings)


@contextlib.contextmanager
def rig(kind, url=""):
    with tempfile.TemporaryDirectory() as folder:
        running = Rig(kind, Path(folder) / "x" if kind != "floor" else Path(folder), url)
        try:
            yield running
        finally:
            running.close()


@contextlib.contextmanager
def postgres():
    """A PostgreSQL of our own, durable settings on."""
    import os

    tools = sorted(Path("/usr/lib/postgresql").glob("*/bin"))[-1]
    base, port = Path(tempfile.mkdtemp(dir="/tmp")), free_port()
    base.chmod(0o755)
    shutil.chown(base, "postgres") if os.geteuid() == 0 else None
    as_user = (
        ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
        if os.geteuid() == 0
        else []
    )
    subprocess.run(
        [*as_user, tools / "initdb", "-D", base / "data", "-U", "countersign", "-A", "trust"],
        check=True,
        stdout=subprocess.DEVNULL,
        cwd=base,
    )
    server = subprocess.Popen(
        [
            *as_user,
            tools / "postgres",
            "-D",
            base / "data",
            "-c",
            "listen_addresses=127.0.0.1",
            "-c",
            f"port={port}",
            "-c",
            "unix_socket_directories=",
        ],
        cwd=base,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    time.sleep(2)
    try:
        yield f"postgresql+psycopg://countersign@127.0.0.1:{port}/postgres"
    finally:
        server.send_signal(2)
        server.wait()
        shutil.rmtree(base, ignore_errors=True)


def line(name, *values):
    print(f"{name:<46}" + "  ".join(f"{value:>12}" for value in values), flush=True)


def paths(kind, url=""):
    idle, steady, rates, durable, memory, ready = [], [], [], [], [], []
    for run in range(RUNS):
        with rig(kind, url) as r:
            memory.append(r.memory())
            ready.append(r.ready_in)
            idle.append(latency(r, f"i{run}", 60, 10))
            steady.append(latency(r, f"s{run}", 250 if QUICK else 500, 50))
            intake, cards, took = burst(r, f"b{run}", 500 if QUICK else 2000)
            rates.append((intake, cards))
            durable.append(took)
            memory.append(r.memory())
        if url:
            break
    name = kind if not url else f"{kind} on PostgreSQL"
    pairs = [
        tuple(statistics.median(column) for column in zip(*rows, strict=True))
        for rows in (idle, steady, rates)
    ]
    line(f"{name}: receipt → card, idle (ms p50/p99)", *(f"{value:.1f}" for value in pairs[0]))
    line(f"{name}: receipt → card, 50/s (ms p50/p99)", *(f"{value:.1f}" for value in pairs[1]))
    line(f"{name}: signals durable /s, cases with card /s", *(f"{value:.0f}" for value in pairs[2]))
    line(
        f"{name}: ready (s), memory idle and after (MB)",
        f"{statistics.median(ready):.2f}",
        f"{memory[0]:.0f}",
        f"{memory[-1]:.0f}",
    )
    return pairs


def main():
    floor = paths("floor")
    ours = paths("countersign")
    line(
        "ratio to the floor: idle p50, 50/s p50, cards/s",
        f"{ours[0][0] / floor[0][0]:.1f}",
        f"{ours[1][0] / floor[1][0]:.1f}",
        f"{floor[2][1] / ours[2][1]:.1f}",
    )
    with postgres() as url:
        paths("countersign", url)
    with rig("countersign") as r:
        for at_once in (1, 50, 200):
            ack, record, acked, landed = presses(
                r, f"p{at_once}", at_once, 30 if at_once == 1 else 2 if at_once == 50 else 1
            )
            line(
                f"press → ack, {at_once} at once (ms p50/p99, n)",
                f"{ack[0]:.1f}",
                f"{ack[1]:.1f}",
                acked,
            )
            line(
                f"press → system of record, {at_once} at once",
                f"{record[0]:.1f}",
                f"{record[1]:.1f}",
                landed,
            )
    for name, fault in (
        ("healthy", {}),
        ("rate-limited", {"per_second": 20, "retry_after": 1}),
        ("500 on every fifth", {"fail_every": 5}),
        ("500 after the fact", {"fail_every": 5, "fail_applied": True}),
    ):
        with rig("countersign") as r:
            lost, doubled, after, took = bad_day(
                r, name.split()[0].replace("-", "") + str(len(fault)), fault
            )
            line(f"Slack {name}: lost, doubled, seconds", lost, doubled, f"{took:.1f}")
            if "per_second" in fault:
                line(
                    "  refused calls, windows closed",
                    sum(after["rejected"].values()),
                    after["windows"],
                )
    count, exported, verified, folded, _ = ledger_of(10_000 if QUICK else 100_000)
    line(
        f"ledger of {count:,}: export, verify, fold (s)",
        f"{exported:.1f}",
        f"{verified:.1f}",
        f"{folded:.1f}",
    )


if __name__ == "__main__":
    main()
