"""Two sources speak of the same trouble to a real bot: neither touches what the other opened."""

import json
import urllib.request

import pytest

from bot.demo.processes import BotProcess
from tests.journeys.bots import sample_environment

pytestmark = [pytest.mark.journey, pytest.mark.timeout(400)]

TOKENS = {"api": "sample-source-token", "events": "token-of-the-events"}


@pytest.fixture
def bot(tmp_path, emulator):
    environment = sample_environment(
        tmp_path / "bot",
        emulator.url,
        COUNTERSIGN_SOURCE_EVENTS_TOKEN=TOKENS["events"],
        COUNTERSIGN_API_TOKEN="reader",
    )
    running = BotProcess(environment)
    running.start()
    yield running
    running.kill()


def sent(bot, source: str, body: dict, kind: str = "application/json") -> dict:
    """What the bot answers to a signal of this source."""
    headers = {"Content-Type": kind, "Authorization": f"Bearer {TOKENS[source]}"}
    request = urllib.request.Request(f"{bot.url}/v1/signals", json.dumps(body).encode(), headers)
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)


def said(key: str, status: str = "firing") -> dict:
    facts = {"product_id": 31, "source": "events", "title": "Everything is fine"}
    title = "Bin 77 is low"
    body = {"key": key, "kind": "low_stock", "subject": "bin:77", "title": title, "facts": facts}
    return {**body, "status": status}


def event(number: str, kind: str) -> dict:
    where = {"specversion": "1.0", "id": number, "source": "warehouse", "subject": "bin:77"}
    return {**where, "type": f"com.example.{kind}", "data": {"product_id": 31}}


def seen(bot, case_id: str) -> dict:
    headers = {"Authorization": "Bearer reader"}
    request = urllib.request.Request(f"{bot.url}/v1/cases/{case_id}", headers=headers)
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)


@pytest.mark.threat("A6")
def test_a_source_neither_clears_nor_counts_on_nor_reopens_what_another_opened(bot):
    events = "application/cloudevents+json"
    opened = sent(bot, "api", said("one"))
    assert opened["outcome"] == "opened"
    cleared = sent(bot, "events", event("1", "low_stock.cleared"), events)
    assert cleared == {"outcome": "ignored", "case": None}
    other = sent(bot, "events", event("2", "low_stock"), events)
    assert other["outcome"] == "opened"
    assert other["case"] != opened["case"]
    case = seen(bot, opened["case"])
    assert (case["count"], case["cleared_at"], case["signal"]["title"]) == (
        1,
        None,
        "Bin 77 is low",
    )
    assert sent(bot, "api", said("two", "clear")) == {"outcome": "cleared", "case": opened["case"]}
    again = sent(bot, "events", event("3", "low_stock"), events)
    assert again == {"outcome": "counted", "case": other["case"]}
    assert seen(bot, opened["case"])["state"] == "cleared by itself"
