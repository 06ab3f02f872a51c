"""Real alerts from a real Alertmanager: fired, repeated, changed and resolved; one card, redrawn in place, then cleared."""

import json
import shutil
import subprocess
import time
import urllib.request
from datetime import UTC, datetime, timedelta

import pytest

from bot.demo.people import OPS
from bot.demo.processes import BotProcess
from tests.conftest import free_port, missing
from tests.journeys.bots import sample_environment
from tests.waiting import wait_until

pytestmark = [pytest.mark.journey, pytest.mark.alertmanager]
CONFIG = """
global: {{resolve_timeout: 1s}}
route: {{receiver: countersign, group_by: [alertname], group_wait: 100ms, group_interval: 300ms, repeat_interval: 1s}}
receivers:
  - name: countersign
    webhook_configs:
      - url: {url}/v1/webhooks/alertmanager
        send_resolved: true
        http_config: {{authorization: {{credentials: am-token}}}}
"""


@pytest.fixture
def alertmanager(tmp_path):
    """Debian's own binary, on loopback, clustering off."""
    binary = shutil.which("prometheus-alertmanager") or missing("prometheus-alertmanager")
    running = []

    def start(url):
        (tmp_path / "am.yml").write_text(CONFIG.format(url=url))
        port = free_port()
        command = [
            binary,
            f"--config.file={tmp_path / 'am.yml'}",
            f"--storage.path={tmp_path / 'am'}",
            f"--web.listen-address=127.0.0.1:{port}",
            "--cluster.listen-address=",
        ]
        running.append(
            subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        )
        wait_until(lambda: answers(f"http://127.0.0.1:{port}/-/ready"), "the Alertmanager")
        return f"http://127.0.0.1:{port}"

    yield start
    for process in running:
        process.terminate()
        process.wait(60)


def answers(url):
    try:
        with urllib.request.urlopen(url, timeout=60) as answer:
            return answer.status == 200
    except OSError:
        return False


def fire(url, *, value, ended=False):
    now = datetime.now(UTC)
    alert = {
        "labels": {"alertname": "TillLatency", "instance": "till-4", "severity": "page"},
        "annotations": {"summary": "Till 4 is slow", "value": value},
        "startsAt": "2026-11-21T04:00:00Z",
    }
    alert["endsAt"] = (
        now - timedelta(seconds=1) if ended else now + timedelta(minutes=5)
    ).isoformat()
    request = urllib.request.Request(
        f"{url}/api/v2/alerts", json.dumps([alert]).encode(), {"Content-Type": "application/json"}
    )
    urllib.request.urlopen(request, timeout=60).close()


def test_one_alert_is_one_card_through_its_whole_life(emulator, alertmanager, tmp_path):
    import sqlite3

    sqlite3.connect(tmp_path / "company.db").close()
    bot = BotProcess(
        sample_environment(
            tmp_path,
            emulator.url,
            COUNTERSIGN_SOURCE_ALERTMANAGER_TOKEN="am-token",
            COUNTERSIGN_LOG_LEVEL="CRITICAL",
        )
    )
    bot.start()
    try:
        upstream = alertmanager(bot.url)

        def cards():
            return [
                message
                for message in emulator.messages(OPS)
                if message.get("metadata", {}).get("event_type") == "exception_card"
            ]

        fire(upstream, value="2 s")
        wait_until(lambda: len(cards()) == 1, "a card")
        first = cards()[0]
        assert "Till 4 is slow" in json.dumps(first)
        # Alertmanager repeats itself every second: the same words again are the same signal.
        time.sleep(3)
        assert cards()[0]["blocks"] == first["blocks"]
        fire(upstream, value="9 s")
        wait_until(lambda: "Reported 2 times" in json.dumps(cards()), "the count")
        assert [card["ts"] for card in cards()] == [first["ts"]]
        fire(upstream, value="9 s", ended=True)
        wait_until(lambda: "away by itself" in json.dumps(cards()), "the end")
        (last,) = cards()
        assert last["ts"] == first["ts"]
        buttons = [block["elements"] for block in last["blocks"] if block["type"] == "actions"]
        assert [[one["action_id"] for one in row] for row in buttons] == [["case.details"]]
    finally:
        bot.stop()
