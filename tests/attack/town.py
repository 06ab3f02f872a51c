"""A town under attack: the emulator, bots in processes of their own, a database, and two systems of record that keep journals.

Everything is reached from outside: signals over HTTP, presses through the emulator, answers from the ledger and the journals.
"""

import contextlib
import ctypes
import http.client
import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import threading
import time
import urllib.request
import uuid
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import psutil

from bot import settings as configuration
from bot.cases.case import Case
from bot.cases.errors import NoSuchCase
from bot.clock import utc_now
from bot.demo import company, launcher
from bot.demo.people import ANA, BEN, CARLA, ELSIE, FINN, GUS, OMAR, STOCK, TEAM
from bot.store.database import Database
from bot.store.migrate import migrate
from bot.store.store import Store
from handlers.cards import ids
from tests.attack import library
from tests.attack.depot import Depot
from tests.servers import Postgres, free_port

START_SECONDS = 60.0
STOP_SECONDS = 25.0
LEASE_SECONDS = 6.0
FIRST_PRODUCT, PRODUCTS = 100_000, 6_000
SUBREAPER = 36
TOKEN = "sample-source-token"
LOW, OPS = (ANA, OMAR), (BEN, ELSIE)
JOURNAL = """
CREATE TABLE attack_journal (id INTEGER PRIMARY KEY, what TEXT NOT NULL, subject INTEGER NOT NULL, delta INTEGER NOT NULL);
CREATE TRIGGER attack_stock AFTER UPDATE OF on_order ON stock WHEN new.on_order <> old.on_order BEGIN
  INSERT INTO attack_journal (what, subject, delta)
  VALUES ('order', new.product_id, CASE WHEN new.on_order > old.on_order THEN 1 ELSE -1 END);
END;
CREATE TRIGGER attack_hold AFTER UPDATE OF status ON shipments WHEN new.status <> old.status BEGIN
  INSERT INTO attack_journal (what, subject, delta)
  VALUES ('hold', new.id, CASE WHEN new.status = 'on hold' THEN 1 ELSE -1 END);
END;
CREATE TRIGGER attack_claim AFTER INSERT ON claims BEGIN
  INSERT INTO attack_journal (what, subject, delta) VALUES ('claim', new.shipment_id, 1);
END;
CREATE TRIGGER attack_unclaim AFTER DELETE ON claims BEGIN
  INSERT INTO attack_journal (what, subject, delta) VALUES ('claim', old.shipment_id, -1);
END;
"""
# Which deeds a kind of case may do, and by which fact they are known.
DEEDS = {
    "restock": (("order",), "product_id"),
    "bulk": (("order",), "product_id"),
    "hasty": (("order",), "product_id"),
    "mismatch": (("hold", "claim"), "shipment_id"),
    "issue": (("issue",), "item"),
}


def adopt_orphans() -> None:
    """Let processes whose parent was killed become children of this one, so that they can be counted and ended."""
    with contextlib.suppress(OSError):
        ctypes.CDLL(None).prctl(SUBREAPER, 1, 0, 0, 0)


def end_children() -> None:
    """End every process that descends from this one, stopped ones too."""
    end_children_but(None)


def end_children_but(kept: int | None) -> list[str]:
    """The same, except for the one with this id and what descends from it. Returns what was still there."""
    spared = {kept}
    with contextlib.suppress(psutil.Error):
        spared |= (
            {child.pid for child in psutil.Process(kept).children(recursive=True)}
            if kept
            else set()
        )
    left = []
    for child in psutil.Process().children(recursive=True):
        if child.pid in spared:
            continue
        with contextlib.suppress(psutil.Error):
            left.append(" ".join(child.cmdline()))
            child.kill()
            child.wait(5)
    return [line for line in left if line]


class Bot(launcher.BotProcess):
    """``countersign run``, whose words go into a file, and that may be killed, stopped and continued."""

    def __init__(self, environment: Mapping[str, str], log: Path) -> None:
        super().__init__(environment)
        self.log = log

    def start(self) -> float:
        """Start and wait until it is ready; seconds that took."""
        began = time.monotonic()
        self.launch()
        self.wait()
        return time.monotonic() - began

    def launch(self) -> None:
        inherited = configuration.inherit("PATH", "HOME")
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "bot", "run"],
                env={**inherited, **self.environment},
                stdout=log,
                stderr=log,
                cwd=Path(__file__).parent.parent.parent,
            )

    def wait(self) -> None:
        ends = time.monotonic() + START_SECONDS
        while not self.is_up():
            if self._process is None or self._process.poll() is not None:
                raise RuntimeError(f"the bot ended: {self.last_words()}")
            if time.monotonic() > ends:
                raise RuntimeError(
                    f"the bot is not ready after {START_SECONDS:.0f} s: {self.last_words()}"
                )
            time.sleep(0.05)

    def is_up(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/healthz", timeout=5):
                return True
        except (OSError, http.client.HTTPException):
            return False

    def last_words(self) -> str:
        return self.log.read_text(errors="replace")[-600:]

    def ended(self) -> bool:
        return self._process is None or self._process.poll() is not None

    def send(self, number: int) -> None:
        if not self.ended():
            os.kill(self.pid, number)

    def stop(self) -> None:
        """Ask it to close; whoever does not is killed. False words are none: the log stays."""
        if self._process is None:
            return
        self.send(signal.SIGCONT)
        self._process.terminate()
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()


class Town:
    """One database, ``bots`` processes over it, one Slack, and people who press."""

    def __init__(
        self,
        folder: Path,
        *,
        bots: int = 1,
        postgres: Postgres | None = None,
        is_http: bool = False,
        journal: str = "WAL",
        **more: str,
    ) -> None:
        self.folder, self.journal = folder, journal
        folder.mkdir(parents=True, exist_ok=True)
        self.depot = Depot()
        self.emulator = launcher.EmulatorProcess(is_quiet=True)
        self.emulator.wait()
        self.emulator.seed()
        self.company = folder / "company.db"
        self._build_company()
        self.server, self.name = postgres, f"a{uuid.uuid4().hex[:12]}"
        self.url = (
            postgres.create(self.name) if postgres else f"sqlite:///{folder / 'countersign.db'}"
        )
        library.write(folder / "library", self.depot.url)
        self.environment = self._environment(is_http=is_http) | more
        self.bots = [Bot(self._own(number), folder / f"bot{number}.log") for number in range(bots)]
        self.database = Database(self.url)
        if postgres is None:
            migrate(self.database)
        self.store = Store.over(self.database)
        self.accepted: dict[str, str] = {}
        self.acknowledged: list[tuple[str, str, str]] = []
        self._persons: dict[str, threading.Lock] = defaultdict(threading.Lock)
        self._serial = iter(range(FIRST_PRODUCT, FIRST_PRODUCT + PRODUCTS))
        self._counting = threading.Lock()

    def _build_company(self) -> None:
        company.write_database(self.company, utc_now().replace(tzinfo=None, microsecond=0))
        numbers = range(FIRST_PRODUCT, FIRST_PRODUCT + PRODUCTS)
        with sqlite3.connect(self.company) as database:
            database.executemany(
                "INSERT INTO products VALUES (?, ?, 'bottles', 9.5, 30, 0.7, 1)",
                [(n, f"Wine {n}") for n in numbers],
            )
            database.executemany(
                "INSERT INTO stock VALUES (?, 4, 0, 30, '2031-01-01')", [(n,) for n in numbers]
            )
            database.executemany(
                "INSERT INTO shipments VALUES (?, 'Pell & Co', 120, '2026-01-01', 'delivered', 'short', 'open')",
                [(n,) for n in numbers],
            )
            database.executescript(JOURNAL)
            database.commit()
            database.execute(f"PRAGMA journal_mode={self.journal}")
        database.close()

    def _environment(self, *, is_http: bool) -> dict[str, str]:
        found = launcher.sample_environment(self.folder, self.emulator.url)
        found |= {
            "COUNTERSIGN_DATABASE_URL": self.url,
            "COUNTERSIGN_LIBRARY_DIR": str(self.folder / "library"),
            "COUNTERSIGN_EMBEDDINGS": "words",
            "COUNTERSIGN_LOG_LEVEL": "ERROR",
            "COUNTERSIGN_LEASE_FOR": f"{LEASE_SECONDS:g}",
            "COUNTERSIGN_SETTLE_FOR": "1",
            "COUNTERSIGN_SLACK_PER_SECOND": "0",
            "COUNTERSIGN_STORM_AFTER": "0",
            "COUNTERSIGN_SOURCE_OTHER_TOKEN": "other-token",
            "COUNTERSIGN_SOURCE_EVENTS_TOKEN": "events-token",
            "COUNTERSIGN_SOURCE_ALERTMANAGER_TOKEN": "alertmanager-token",
            "COUNTERSIGN_SOURCE_MAPPED_TOKEN": "mapped-token",
            "COUNTERSIGN_SOURCE_HOOKED_SECRET": "hooked-secret",
        }
        if is_http:
            del found["SLACK_APP_TOKEN"]
            found["SLACK_SIGNING_SECRET"] = "attack-signing-secret"
        return found

    def _own(self, number: int) -> dict[str, str]:
        return (
            {**self.environment, "COUNTERSIGN_PORT": str(free_port())}
            if number
            else dict(self.environment)
        )

    def open(self) -> None:
        for bot in self.bots:
            bot.launch()
            # One after the other: what two do on an empty database at once is a question of its own.
            bot.wait()
        if "SLACK_APP_TOKEN" in self.environment:
            self.until(lambda: self.emulator.get("traffic")["connections"] >= len(self.bots), 30)

    def close(self) -> None:
        for bot in self.bots:
            with contextlib.suppress(OSError):
                bot.stop()
        self.depot.stop()
        self.emulator.close()
        self.database.close()

    def reopen_store(self) -> None:
        """Read from what lies in the database's place now."""
        self.database = Database(self.url)
        self.store = Store.over(self.database)

    # --- the program -----------------------------------------------------------------------------------------------------

    def countersign(
        self, *arguments: str, seconds: float = 90, words: str = ""
    ) -> subprocess.CompletedProcess[str]:
        """Run a command of the program beside the bots, with their settings."""
        return subprocess.run(
            [sys.executable, "-m", "bot", *arguments],
            env={**configuration.inherit("PATH", "HOME"), **self.environment},
            input=words,
            capture_output=True,
            text=True,
            timeout=seconds,
            cwd=Path(__file__).parent.parent.parent,
        )

    # --- signals -----------------------------------------------------------------------------------------------------------

    def number(self) -> int:
        """Give a product, shipment and item that nothing else is about."""
        with self._counting:
            return next(self._serial)

    def signal(
        self,
        kind: str,
        number: int | None = None,
        *,
        bot: int = 0,
        seconds: float = 10,
        **more: Any,
    ) -> str:
        """Send one signal; the case it opened. What is acknowledged is remembered."""
        number = self.number() if number is None else number
        _, fact = DEEDS.get(kind, ((), "number"))
        body = {
            "key": more.pop("key", f"{kind}-{number}"),
            "kind": kind,
            "subject": f"{kind}:{number}",
            "title": f"{kind} {number}",
            "facts": {fact: number},
            **more,
        }
        status, answer = self.post(self.bots[bot].url, "/v1/signals", body, TOKEN, seconds=seconds)
        if status not in {200, 201, 202}:
            raise OSError(f"the signal was refused: {status} {answer}")
        with self._counting:
            self.accepted[body["key"]] = answer["case"]
        return answer["case"]

    @staticmethod
    def post(url: str, path: str, body: Any, token: str, *, seconds: float = 10) -> tuple[int, Any]:
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {token}"}
        request = urllib.request.Request(f"{url}{path}", raw, headers)
        try:
            with urllib.request.urlopen(request, timeout=seconds) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as refused:
            with refused:
                text = refused.read().decode(errors="replace")
            try:
                return refused.code, json.loads(text)
            except ValueError:
                return refused.code, text

    # --- cards and presses ---------------------------------------------------------------------------------------------------

    def case(self, case_id: str) -> Case:
        """Read the case, also across a restart of the database."""
        return self.patiently(lambda: self.store.cases.case(case_id))

    @staticmethod
    def patiently(read: Callable[[], Any], seconds: float = 30) -> Any:
        ends = time.monotonic() + seconds
        while True:
            try:
                return read()
            except (NoSuchCase, AssertionError):
                raise
            except Exception:
                if time.monotonic() > ends:
                    raise
                time.sleep(0.2)

    def card(self, case_id: str) -> dict[str, Any] | None:
        """The message that shows this case now."""
        cards = self.patiently(lambda: self.store.cards.cards(case_id))
        if not cards or not cards[0].ts:
            return None
        found = self.emulator.get(f"messages?channel={cards[0].channel}&ts={cards[0].ts}")
        return {**found[0], "channel": cards[0].channel} if found else None

    def wait_for_button(self, case_id: str, action_id: str, seconds: float = 30) -> dict[str, Any]:
        """The card, once it has this button."""
        held: list[dict[str, Any]] = []

        def stands() -> bool:
            card = self.card(case_id)
            if card and element_of(card, action_id):
                held.append(card)
            return bool(held)

        self.until(stands, seconds, f"{action_id} on {case_id} ({self.case(case_id).state})")
        return held[-1]

    def press(
        self,
        who: str,
        card: Mapping[str, Any],
        action_id: str,
        value: str | None = None,
        *,
        forged: str | None = None,
    ) -> dict[str, Any]:
        """Press what this card shows, whether or not it has been redrawn since."""
        shown = {name: content for name, content in card.items() if name != "channel"}
        more = {"forged_value": forged} if forged is not None else {}
        return self.emulator.post(
            "click",
            {
                "as": who,
                "channel": card["channel"],
                "ts": card["ts"],
                "action_id": action_id,
                "value": value,
                "shown": shown,
                **more,
            },
        )

    def form(
        self, who: str, card: Mapping[str, Any], action_id: str, value: str | None = None
    ) -> str | None:
        """Press what opens a form; its view, when one opened."""
        with self._persons[who]:
            answer = self.press(who, card, action_id, value)
        return answer.get("view") if answer.get("acked") else None

    def submit(self, who: str, view: str, values: Mapping[str, Any], **more: Any) -> dict[str, Any]:
        answer = self.emulator.post(
            "submit", {"as": who, "view_id": view, "values": dict(values), **more}
        )
        next_view = (answer.get("payload") or {}).get("view") or {}
        if next_view.get("callback_id") != ids.EDIT_FORM:
            return answer
        # An edit is shown before it is saved: what was shown is sent in as it is.
        return self.emulator.post("submit", {"as": who, "view_id": view, "values": {}})

    def decide(
        self,
        who: str,
        card: Mapping[str, Any],
        action_id: str,
        values: Mapping[str, Any],
        value: str | None = None,
    ) -> dict[str, Any]:
        """Press, and send the form in if one opens. Acknowledged when the last of it was."""
        with self._persons[who]:
            answer = self.press(who, card, action_id, value)
            if answer.get("acked") and answer.get("view"):
                return self.submit(who, answer["view"], values)
        return answer

    def approve(self, case_id: str, who: str = "") -> bool:
        """Say yes as often as this case asks for it; whether it was acknowledged."""
        case = self.case(case_id)
        card = self.card(case_id)
        if card is None:
            return False
        persons = [who] if who else self.approvers(case)
        said = []
        for person in persons:
            if element_of(card, "case.approve"):
                answer = self.press(person, card, "case.approve")
            elif element_of(card, "case.approve_with_reason"):
                answer = self.decide(
                    person, card, "case.approve_with_reason", {"field.note": "it is right"}
                )
            else:
                return False
            said.append(bool(answer.get("acked")))
            if said[-1]:
                with self._counting:
                    self.acknowledged.append((case_id, f"{TEAM}/{person}", "approve"))
        return all(said)

    @staticmethod
    def approvers(case: Case) -> list[str]:
        tier = case.proposal.verdict.tier.name if case.proposal.verdict else ""
        return {"LOW": [ANA], "MEDIUM": [BEN], "HIGH": [BEN, CARLA]}.get(tier, [])

    # --- what was really done ------------------------------------------------------------------------------------------------

    def deeds(self, kind: str, number: int) -> dict[str, list[int]]:
        """What the systems of record did for this subject, in order: +1 done, -1 taken back."""
        names, _ = DEEDS[kind]
        if names == ("issue",):
            return {"issue": [deed.delta for deed in list(self.depot.deeds) if deed.item == number]}
        with contextlib.closing(sqlite3.connect(self.company, timeout=30)) as database:
            return {
                name: [
                    delta
                    for (delta,) in database.execute(
                        "SELECT delta FROM attack_journal WHERE what = ? AND subject = ? ORDER BY id",
                        (name, number),
                    )
                ]
                for name in names
            }

    def done_now(self, kind: str, number: int) -> dict[str, int]:
        return {name: sum(deltas) for name, deltas in self.deeds(kind, number).items()}

    def done_twice(self, kind: str, number: int) -> list[str]:
        """The deeds that at some moment had been done more often than taken back, plus one."""
        twice = []
        for name, deltas in self.deeds(kind, number).items():
            total = 0
            for delta in deltas:
                total += delta
                if total > 1:
                    twice.append(f"{name} of {kind}:{number} was done {total} times: {deltas}")
                    break
        return twice

    # --- waiting ---------------------------------------------------------------------------------------------------------------

    @staticmethod
    def until(true: Callable[[], bool], seconds: float, what: str = "it") -> None:
        ends = time.monotonic() + seconds
        while not true():
            if time.monotonic() > ends:
                raise TimeoutError(f"waited {seconds:.0f} s for {what}")
            time.sleep(0.04)

    def words(self) -> str:
        """What the bots have logged."""
        return "".join(bot.log.read_text(errors="replace") for bot in self.bots if bot.log.exists())


def element_of(card: Mapping[str, Any], action_id: str) -> dict[str, Any] | None:
    """The button or menu of this name on the card."""
    for block in card.get("blocks", []):
        for element in block.get("elements", []):
            if element.get("action_id") == action_id:
                return element
    return None


def option_of(card: Mapping[str, Any], choice: str) -> str | None:
    """The value of an entry of the card's menu, by what it begins with."""
    menu = element_of(card, "case.more")
    values = [option["value"] for option in menu["options"]] if menu else []
    return next((value for value in values if value.split(" ")[0] == choice), None)


@contextlib.contextmanager
def town(folder: Path, **arguments: Any) -> Iterator[Town]:
    """A town that is open, and gone afterwards."""
    running = Town(folder, **arguments)
    try:
        running.open()
        yield running
    finally:
        running.close()


def number_of(case: Case) -> int:
    """The product, shipment or item that a case is about."""
    _, fact = DEEDS.get(case.kind, ((), "number"))
    return int(str(case.signal.facts.get(fact, 0)))


__all__ = ["FINN", "GUS", "STOCK", "Bot", "Town", "element_of", "option_of", "random", "town"]
