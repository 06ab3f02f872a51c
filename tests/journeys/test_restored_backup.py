"""A backup is put back under a real bot: it opens paused and says so everywhere, and nothing that was done is done again."""

import json
import sqlite3
import subprocess
import sys
import urllib.request

import pytest

from bot.clock import utc_now
from bot.demo.company import write_database
from bot.demo.people import STOCK
from bot.demo.processes import BotProcess
from tests.journeys.bots import sample_environment
from tests.waiting import wait_until

pytestmark = [pytest.mark.journey, pytest.mark.threat("A5"), pytest.mark.proof]
SENTENCE = "the ledger is older than what was signed: a backup was restored"


class Shop:
    """A bot in a process of its own over files that can be copied and put back."""

    def __init__(self, folder, emulator) -> None:
        self.folder, self.emulator = folder, emulator
        write_database(folder / "company.db", utc_now().replace(tzinfo=None, microsecond=0))
        more = {
            "COUNTERSIGN_LOG_LEVEL": "CRITICAL",
            "COUNTERSIGN_STORM_AFTER": "0",
            "COUNTERSIGN_SLACK_PER_SECOND": "0",
        }
        self.bot = BotProcess(sample_environment(folder, emulator.url, **more))

    def countersign(self, *arguments):
        environment = {"PATH": "/usr/bin:/bin", **self.bot.environment}
        command = [sys.executable, "-m", "bot", *arguments]
        return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)

    def readiness(self) -> dict:
        with urllib.request.urlopen(f"{self.bot.url}/readyz", timeout=60) as answer:
            return {"code": answer.status, **json.load(answer)}

    def signal(self, number: int, key: str = "") -> str:
        body = {
            "key": key or f"k{number}",
            "kind": "low_stock",
            "subject": f"bin:{number}",
            "title": f"Bin {number} is low",
            "facts": {"product_id": number + 60},
        }
        headers = {
            "Content-Type": "application/json",
            "Authorization": "Bearer sample-source-token",
        }
        request = urllib.request.Request(
            f"{self.bot.url}/v1/signals", json.dumps(body).encode(), headers
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)["case"]

    def case(self, case_id: str) -> dict:
        headers = {"Authorization": "Bearer sample-read-token"}
        request = urllib.request.Request(f"{self.bot.url}/v1/cases/{case_id}", headers=headers)
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)

    def card(self, number: int) -> dict | None:
        found = [
            one
            for one in self.emulator.messages(STOCK)
            if (one.get("metadata") or {}).get("event_type") == "exception_card"
            and f"Bin {number} is low" in json.dumps(one["blocks"])
        ]
        return found[0] if found else None

    def approve(self, number: int):
        card = self.card(number)
        # Only an approval of more than low risk is confirmed.
        who = "U0BEN" if '"confirm"' in json.dumps(card["blocks"]) else "U0ANA"
        click = {"as": who, "channel": STOCK, "ts": card["ts"], "action_id": "case.approve"}
        return self.emulator.post("click", click)

    def whispers(self, who: str) -> str:
        return json.dumps(self.emulator.get(f"state?as={who}")["ephemerals"])

    def ordered(self, number: int) -> int:
        company = sqlite3.connect(self.folder / "company.db")
        (found,) = company.execute(
            "SELECT on_order FROM stock WHERE product_id = ?", (number + 60,)
        ).fetchone()
        company.close()
        return found

    until = staticmethod(wait_until)

    def back_up(self, path) -> None:
        done = self.countersign("backup", str(path))
        assert done.returncode == 0, done.stderr

    def put_back(self, path) -> None:
        assert self.countersign("restore", str(path)).returncode == 1, "it is not empty"
        for suffix in ("", "-wal", "-shm"):
            (self.folder / f"countersign.db{suffix}").unlink(missing_ok=True)
        done = self.countersign("restore", str(path))
        assert (done.returncode, "ledger acknowledge" in done.stdout) == (0, True), done.stderr


@pytest.mark.timeout(600)
def test_a_restored_backup_waits_for_whoever_runs_the_bot_and_does_nothing_twice(
    emulator, tmp_path
):
    shop = Shop(tmp_path, emulator)
    shop.bot.start()
    try:
        before, after = shop.signal(1), shop.signal(2)
        shop.until(lambda: shop.card(1) and shop.card(2), "two cards")
        shop.approve(1)
        shop.until(lambda: shop.case(before)["state"] == "resolved", "the first to be carried out")
        shop.back_up(tmp_path / "backup.tar.gz")

        shop.approve(2)
        shop.until(lambda: shop.case(after)["state"] == "resolved", "the second to be carried out")
        lost = shop.signal(3)
        shop.until(lambda: shop.card(3), "a third card")
        orders = [shop.ordered(number) for number in (1, 2, 3)]
        assert orders[0] > 0
        assert orders[1] > 0
        # As when the disk is lost, some time after a checkpoint.
        assert shop.countersign("ledger", "checkpoint").returncode == 0
        shop.bot.kill()
        shop.put_back(tmp_path / "backup.tar.gz")
        shop.bot.start()

        ready = shop.readiness()
        assert (ready["code"], ready["status"]) == (200, "paused")
        assert SENTENCE in ready["problems"][0]
        problems = json.loads(shop.countersign("doctor", "--json").stdout)["problems"]
        assert any(
            "a backup was restored" in problem and "ledger acknowledge" in problem
            for problem in problems
        )
        shop.until(lambda: SENTENCE in json.dumps(shop.card(2)["blocks"]), "the card to say so")
        asked = {"as": "U0ANA", "channel": STOCK, "command": "/exceptions", "text": "list"}
        emulator.post("slash", asked)
        shop.until(lambda: SENTENCE in shop.whispers("U0ANA"), "the command to say so")

        shop.approve(2)
        shop.until(lambda: shop.case(after)["state"] == "approved", "the yes to be taken")
        # The old card of a case of which only Slack knows is nobody's.
        shop.approve(3)
        new = shop.signal(4)
        assert int(new.partition("-")[2]) > int(lost.partition("-")[2]) + 900
        shop.until(lambda: shop.card(4), "a card of a signal that came while it was paused")
        assert shop.countersign("ledger", "checkpoint").returncode == 1
        assert (shop.case(after)["state"], [shop.ordered(number) for number in (1, 2, 3)]) == (
            "approved",
            orders,
        )

        assert shop.countersign("ledger", "acknowledge", "--note", "").returncode == 1
        told = shop.countersign(
            "ledger", "acknowledge", "--note", "compared the stock with the shop"
        )
        text = " ".join(told.stdout.split())
        assert (told.returncode, "of them, unchanged" in text) == (0, True), told.stderr
        shop.until(lambda: shop.case(after)["state"] == "resolved", "what waited to be looked for")
        assert shop.case(after)["steps"][0]["detail"] == "found done"
        assert [shop.ordered(number) for number in (1, 2, 3)] == orders
        assert shop.readiness()["status"] == "ready"
        shop.approve(4)
        shop.until(
            lambda: shop.case(new)["state"] == "resolved", "a new plan to be carried out as always"
        )
        verified = json.loads(shop.countersign("ledger", "verify", "--json").stdout)
        assert verified["findings"] == []
        (note,) = verified["notes"]
        assert "that were signed once are gone" in note
        assert "compared the stock with the shop" in note
    finally:
        shop.bot.stop()
