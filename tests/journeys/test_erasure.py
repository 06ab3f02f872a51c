"""A guest's complaint becomes a case, is decided, learned and exported; the guest is erased, and nothing names her any more."""

import json
import shutil
import subprocess
import sys
import urllib.request

import pytest

from bot.demo.people import STOCK
from tests.journeys.test_restored_backup import Shop

pytestmark = [pytest.mark.journey, pytest.mark.proof]
NAME = "Wilhelmina Oakes"
TRACES = ("wilhelmina", "oakes", "guest:4711", "w.oakes@example.org", "shellfish")


class Guesthouse(Shop):
    """A bot to which a guest's complaint is sent."""

    def complaint(self) -> str:
        body = {
            "key": "letter-guest:4711",
            "kind": "low_stock",
            "subject": "guest:4711",
            "title": f"{NAME} had no Merlot",
            "facts": {
                "product_id": 61,
                "guest_name": NAME,
                "guest_email": "w.oakes@example.org",
                "letter": "She says that she cannot eat shellfish and was served some",
            },
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

    def guest_card(self) -> dict | None:
        cards = [
            one
            for one in self.emulator.messages(STOCK)
            if (one.get("metadata") or {}).get("event_type") == "exception_card"
            and NAME in json.dumps(one["blocks"])
        ]
        return cards[0] if cards else None

    def reject(self, case_id: str, note: str) -> None:
        card = self.guest_card()
        click = {"as": "U0BEN", "channel": STOCK, "ts": card["ts"], "action_id": "case.reject"}
        self.emulator.post("click", click)
        views = []

        def is_open():
            views[:] = self.emulator.get("state?as=U0BEN")["views"]
            return bool(views)

        self.until(is_open, "the form")
        values = {"field.reason": "not_worth_it", "field.note": note}
        form = {"as": "U0BEN", "view_id": views[-1]["id"], "values": values}
        self.emulator.post("submit", form)
        self.until(lambda: self.case(case_id)["state"] == "rejected", "the rejection")

    def said_in_slack(self) -> str:
        """Return what anybody sees, in lower case."""
        seen = [self.emulator.get(f"state?as={who}") for who in ("U0BEN", "U0ANA", "U0OMAR")]
        return json.dumps([seen, self.emulator.messages(STOCK)], ensure_ascii=False).lower()

    def traces_in_slack(self) -> list[str]:
        return [trace for trace in TRACES if trace in self.said_in_slack()]

    def traces_in_files(self, folder) -> list[str]:
        """Return the files below a folder that name her."""
        return [
            f"{path.relative_to(folder)}: {trace}"
            for path in sorted(folder.rglob("*"))
            if path.is_file()
            for content in [path.read_bytes().lower()]
            for trace in TRACES
            if trace.encode() in content
        ]


@pytest.mark.timeout(600)
def test_after_an_erasure_no_file_table_or_message_names_the_guest(emulator, tmp_path):
    house = Guesthouse(tmp_path, emulator)
    house.bot.start()
    try:
        case_id = house.complaint()
        house.until(house.guest_card, "the card")
        refused = house.countersign("erase", "guest:4711", "--yes")
        assert refused.returncode == 1
        assert f"{case_id} have not ended" in refused.stderr
        house.reject(case_id, f"{NAME} was given a glass of Malbec")
        house.until(lambda: "malbec" in house.said_in_slack(), "the note in the thread")
        assert "wilhelmina" in house.said_in_slack()
        exported = house.countersign("ledger", "export", str(tmp_path / "export"))
        assert exported.returncode == 0, exported.stderr

        preview = json.loads(house.countersign("erase", "guest:4711", "--dry-run", "--json").stdout)
        assert preview["cases"] == [case_id]
        assert NAME in preview["names"]
        assert str(tmp_path / "export" / "ledger.jsonl") in preview["files"]

        erased = house.countersign("erase", "guest:4711", "--yes", "--reason", "asked by letter")
        assert erased.returncode == 0, erased.stderr
        house.until(lambda: not house.traces_in_slack(), "Slack to be cleared")
        # What was exported is for a person to delete.
        shutil.move(tmp_path / "export", tmp_path.parent / f"export-{tmp_path.name}")
        verified = house.countersign("ledger", "verify", "--json")
        assert json.loads(verified.stdout)["findings"] == []
        assert "by order of" in json.loads(verified.stdout)["notes"][0]
        assert house.countersign("ledger", "replay").returncode == 0
        assert house.countersign("ledger", "export", str(tmp_path / "anew")).returncode == 0
        pack = house.countersign("case", case_id, "--pack", str(tmp_path / "case.html"))
        assert pack.returncode == 0, pack.stderr
    finally:
        house.bot.stop()
    assert house.traces_in_files(tmp_path) == []
    assert "A person was erased from this entry on" in (tmp_path / "case.html").read_text()
    anew = tmp_path / "anew"
    older = tmp_path.parent / f"export-{tmp_path.name}" / "ledger.jsonl"
    for arguments in (
        [anew / "ledger.jsonl", "--checkpoints", anew / "checkpoints", "--against", older],
        [tmp_path / "case.html"],
    ):
        command = [sys.executable, anew / "verifier.py", *arguments]
        alone = subprocess.run(command, capture_output=True, text=True, cwd="/", check=False)
        assert alone.returncode == 0, alone.stdout + alone.stderr
    again = house.countersign("erase", "guest:4711", "--dry-run")
    assert "Nothing names this person" in again.stdout
